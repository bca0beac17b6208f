import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeOutcome, run, scenarioOf, shrink } from './run.js';

/**
 * The simulation as a command: `--runs N` seeds from `--seed S` on, in `--jobs J` processes. Prints every
 * seed that fails and the first of them cut down, with its trace; exit code 1 where one fails.
 */

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    jobs: { type: 'string', default: '1' },
    /** Ends at the first seed that fails, without cutting it down. */
    brief: { type: 'boolean', default: false },
    /** The seeds of one process among several: `0/2` for the even ones. */
    part: { type: 'string' },
  },
});

function wholeNumber(name: 'runs' | 'seed' | 'jobs'): number {
  const number = Number(values[name]);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} is no whole number`);
  return number;
}

const [runs, first, jobs] = [wholeNumber('runs'), wholeNumber('seed'), wholeNumber('jobs')];

/** @returns whether all seeds of this part hold */
async function runPart(part: string): Promise<boolean> {
  const [own = 0, parts = 1] = part.split('/').map(Number);
  let failed = 0;
  let events = 0;
  for (let seed = first + own; seed < first + runs; seed += parts) {
    const outcome = await run(scenarioOf(seed));
    events += outcome.events;
    if (outcome.violations.length === 0) continue;
    failed += 1;
    console.log(`seed ${seed} fails: ${outcome.violations.join('; ')}`);
    if (values.brief) break;
    if (failed === 1) console.log(describeOutcome(await shrink(outcome)));
  }
  console.log(`seeds ${first} to ${first + runs - 1}, part ${part}: ${failed} failed, ${events} events`);
  return failed === 0;
}

async function runJobs(): Promise<boolean> {
  const script = fileURLToPath(import.meta.url);
  const parts = Array.from({ length: Math.max(1, jobs) }, (_, part) => `${part}/${Math.max(1, jobs)}`);
  const words = ['--runs', values.runs, '--seed', values.seed, ...(values.brief ? ['--brief'] : [])];
  const codes = await Promise.all(
    parts.map(async (part) => {
      const child = spawn(process.execPath, [script, ...words, '--part', part], { stdio: 'inherit' });
      return await new Promise<number>((resolve) => {
        child.on('exit', (code) => {
          resolve(code ?? 1);
        });
      });
    }),
  );
  return codes.every((code) => code === 0);
}

const started = performance.now();
const holds = values.part === undefined ? await runJobs() : await runPart(values.part);
if (values.part === undefined) {
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    `simulation: ${runs} runs from seed ${first} in ${seconds} s: ${holds ? 'all hold' : 'FAILED'}`,
  );
}
process.exitCode = holds ? 0 : 1;
