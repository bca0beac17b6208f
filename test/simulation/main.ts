import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeOutcome, run, scenarioOf, shrink } from './run.js';

/**
 * The simulation as a command: `--runs N` seeds from `--seed S` on, in `--jobs J` processes. Prints every
 * seed that fails, the first of them cut down with its trace, and a summary; exit code 1 where one fails.
 */

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    jobs: { type: 'string', default: '1' },
    /** Of so many processes, which part of the seeds this one takes: `2/3`. */
    part: { type: 'string', default: '0/1' },
    trace: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
  },
});

const [runs, first, jobs] = [Number(values.runs), Number(values.seed), Number(values.jobs)];

async function runPart(): Promise<number> {
  const [part = 0, parts = 1] = values.part.split('/').map(Number);
  let failed = 0;
  let events = 0;
  for (let seed = first + part; seed < first + runs; seed += parts) {
    const outcome = await run(scenarioOf(seed));
    events += outcome.events;
    if (outcome.violations.length === 0) continue;
    failed += 1;
    console.log(`seed ${seed} fails: ${outcome.violations.join('; ')}`);
    if (failed === 1 && !values['keep-going']) console.log(describeOutcome(await shrink(outcome)));
    else if (values.trace) console.log(describeOutcome(outcome));
  }
  console.log(`part ${part}/${parts}: ${failed} failed, ${events} events`);
  return failed;
}

async function runJobs(): Promise<number> {
  const started = process.hrtime.bigint();
  const parts = Array.from({ length: jobs }, (_, part) => part);
  const codes = await Promise.all(
    parts.map((part) => {
      const script = fileURLToPath(import.meta.url);
      const more = values['keep-going'] ? ['--keep-going'] : [];
      const words = [script, '--runs', values.runs, '--seed', values.seed, '--part', `${part}/${jobs}`, ...more];
      const child = spawn(process.execPath, words, { stdio: 'inherit' });
      return new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
    }),
  );
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const failed = codes.some((code) => code !== 0);
  console.log(
    `simulation: ${runs} runs from seed ${first}, ${seconds.toFixed(0)} s: ${failed ? 'FAILED' : 'all hold'}`,
  );
  return failed ? 1 : 0;
}

process.exitCode = values.part === '0/1' && jobs >= 1 && process.argv.indexOf('--part') < 0
  ? await runJobs()
  : (await runPart()) === 0
    ? 0
    : 1;
