import { parseArgs } from 'node:util';
import { broken, usualBounds, type Bounds } from './bounds.js';
import { kindNamed, kinds } from './hostile/kinds.js';
import { describe, describeEach, summary } from './report.js';
import { besiege, type Outcome } from './siege.js';

/**
 * The siege as a command: hostile clients of every kind at once, beside ten honest clients and two honest peers, at a
 * server with one core and a budget of memory. Exit code 1 where a bound is broken.
 */

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    /** Only these kinds, between commas; `none` for honest clients alone. */
    kinds: { type: 'string' },
    /** Each kind alone, in a siege of its own, instead of all at once. */
    each: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
    /** Another bound, such as `latency=500`; may be given several times. */
    bound: { type: 'string', multiple: true, default: [] },
  },
});

function boundsOf(changes: readonly string[]): Bounds {
  const bounds: Record<string, number> = { ...usualBounds };
  for (const change of changes) {
    const [name = '', text = ''] = change.split('=');
    if (!(name in bounds) || !(Number(text) >= 0) || text === '') {
      throw new Error(`--bound ${change}: none of ${Object.keys(bounds).join(', ')} with a number`);
    }
    bounds[name] = Number(text);
  }
  return { ...usualBounds, ...bounds };
}

function wantedKinds(list: string | undefined): readonly string[] {
  if (list === 'none') return [];
  return (list?.split(',') ?? kinds.map(({ name }) => name)).map((name) => kindNamed(name).name);
}

const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new Error('--seconds must be a positive number');
const bounds = boundsOf(values.bound);
const wanted = wantedKinds(values.kinds);

/** Says how far it is, and since how many seconds it runs. */
function say(text: string): void {
  process.stderr.write(`${(performance.now() / 1000).toFixed(0).padStart(4)} s  ${text}\n`);
}

async function siegeOf(names: readonly string[]): Promise<{ outcome: Outcome; broken: readonly string[] }> {
  const outcome = await besiege(names, seconds, say);
  return { outcome, broken: broken(outcome, bounds) };
}

function tell(found: readonly string[]): void {
  for (const bound of found) console.log(`broken: ${bound}`);
}

async function all(): Promise<boolean> {
  const siege = await siegeOf(wanted);
  console.log(`${describe(siege.outcome, bounds.latency, values.markdown)}\n`);
  tell(siege.broken);
  console.log(summary(siege.outcome, wanted.length, siege.broken));
  return siege.broken.length === 0;
}

async function each(): Promise<boolean> {
  const sieges = [];
  for (const name of wanted) {
    say(name);
    const siege = await siegeOf([name]);
    for (const bound of siege.broken) say(`  broken: ${bound}`);
    say(summary(siege.outcome, 1, siege.broken));
    sieges.push({ name, ...siege });
  }
  console.log(describeEach(sieges, bounds.latency, values.markdown));
  const failed = sieges.filter((siege) => siege.broken.length > 0).length;
  console.log(`siege: ${sieges.length} kinds alone for ${seconds} s each: ${failed} break bounds`);
  return failed === 0;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

process.exitCode = (await (values.each ? each() : all())) ? 0 : 1;
