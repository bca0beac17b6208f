import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mutants, type Mutant } from './mutants.js';

/**
 * Plants each fault of `mutants.ts` into a copy of the compiled server and sees who notices. First, what is
 * to notice must pass without a fault: a test that fails anyhow notices nothing. Exit code 1 where a fault
 * survives or can no longer be planted.
 */

const { values } = parseArgs({
  options: {
    /** Only those whose title holds these words. */
    only: { type: 'string', default: '' },
    jobs: { type: 'string', default: '1' },
    /** Runs of the simulation that a fault must not survive. */
    runs: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
  },
});

const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** Milliseconds after which a check counts as failed: a fault may make it wait for ever. */
const patience = 90_000;

/** A copy of what is compiled in `from`, beside links to what is only read. */
async function copyOfBuild(from: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mcgms-mutants-'));
  await cp(join(from, 'dist'), join(folder, 'dist'), { recursive: true });
  for (const name of ['schemas', 'fixtures', 'node_modules', 'package.json', 'src']) {
    await symlink(join(repository, name), join(folder, name));
  }
  return folder;
}

function commandOf(check: Mutant['caughtBy']): readonly string[] {
  if (check === 'simulation') {
    const words = ['--runs', values.runs, '--seed', values.seed, '--brief', '--part', '0/1'];
    return ['dist/test/simulation/main.js', ...words];
  }
  const hooks = ['--no-config', '--require', 'dist/test/support/hooks.js', '--timeout', '10000'];
  return ['node_modules/mocha/bin/mocha.js', ...hooks, '--bail', `dist/test/${check}`];
}

/** Said in the name of a check that a fault makes wait for ever: it has noticed. */
const neverEnds = 'seed 0 fails: it never ends\n';

/** What a check says: `useless` where it did not come to a judgement at all. */
type Verdict = 'passes' | 'fails' | 'useless';

async function verdictOf(folder: string, check: Mutant['caughtBy']): Promise<Verdict> {
  const child = spawn(process.execPath, [...commandOf(check)], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const timer = setTimeout(() => {
    said += neverEnds;
    child.kill('SIGKILL');
  }, patience);
  const code = await new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  clearTimeout(timer);
  if (code === 0) return 'passes';
  return /^seed \d+ fails: |^ +\d+ failing$/m.test(said) ? 'fails' : 'useless';
}

/** @throws Error where there is nothing to replace, or more than one place */
async function plant(folder: string, { file, find, replace, title }: Mutant): Promise<() => Promise<void>> {
  const path = join(folder, 'dist/src', file);
  const text = await readFile(path, 'utf8');
  const places = text.split(find).length - 1;
  if (places !== 1) throw new Error(`"${title}" cannot be planted: ${places} places in ${file}`);
  const changed = text.replace(find, () => replace);
  await writeFile(path, changed);
  return async () => {
    await writeFile(path, text);
  };
}

const outcomes = { passes: 'SURVIVED', fails: 'caught', useless: 'NO JUDGEMENT' } as const;
type Outcome = (typeof outcomes)[Verdict] | 'NOT PLANTED';

async function judge(folder: string, mutant: Mutant): Promise<Outcome> {
  const { title, caughtBy } = mutant;
  const started = performance.now();
  let outcome: Outcome = 'NOT PLANTED';
  try {
    const restore = await plant(folder, mutant);
    outcome = outcomes[await verdictOf(folder, caughtBy)];
    await restore();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${outcome.padEnd(12)} ${seconds.padStart(5)} s  ${title} (${caughtBy})`);
  return outcome;
}

/** Handles all of `things`, in as many jobs as wanted, each in a copy of its own of the build in `from`. */
async function inJobs<T>(
  from: string,
  things: readonly T[],
  handle: (folder: string, thing: T) => Promise<void>,
): Promise<void> {
  const waiting = [...things];
  const job = async (): Promise<void> => {
    const folder = await copyOfBuild(from);
    try {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await handle(folder, one);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, job));
}

async function main(build: string): Promise<boolean> {
  const chosen = mutants.filter(({ title }) => title.includes(values.only));
  const checks = [...new Set(chosen.map(({ caughtBy }) => caughtBy))];
  const failing: string[] = [];
  await inJobs(build, checks, async (folder, check) => {
    if ((await verdictOf(folder, check)) !== 'passes') failing.push(check);
  });
  if (failing.length > 0) {
    console.error(`without any fault these do not pass: ${failing.join(', ')}`);
    return false;
  }
  const found: Outcome[] = [];
  await inJobs(build, chosen, async (folder, mutant) => {
    found.push(await judge(folder, mutant));
  });
  const caught = found.filter((outcome) => outcome === 'caught').length;
  console.log(`${caught} of ${chosen.length} planted faults caught`);
  return caught > 0 && caught === chosen.length;
}

// One copy for all: the tree may be built again meanwhile.
const build = await copyOfBuild(repository);
try {
  process.exitCode = (await main(build)) ? 0 : 1;
} finally {
  await rm(build, { recursive: true, force: true });
}
