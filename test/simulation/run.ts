import { Dice } from './dice.js';
import { pages } from './pages.js';
import { prove } from './proof.js';
import { someScenario, type Scenario, type Step } from './scenario.js';
import { groupIdOf } from './texts.js';
import { World } from './world.js';

/** Runs scenarios, and cuts those that fail down to the steps that matter. */

/** Milliseconds that everything has, at the end, to come to rest: several of the longest pauses. */
const rest = 3 * 3_600_000;

export interface Outcome {
  readonly scenario: Scenario;
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  /** Events that ran. */
  readonly events: number;
}

export function scenarioOf(seed: number): Scenario {
  return someScenario(seed, new Dice(seed).fork());
}

/** Heals everything, lets time pass until it is quiet, and proves what must hold. */
export async function conclude(world: World, restartAll: boolean): Promise<void> {
  const { network, sites, time } = world;
  world.note('the end: everything heals');
  network.faulty = false;
  network.healAll();
  for (const site of sites) {
    site.disk.full = false;
    site.disk.failing = undefined;
    if (restartAll || site.isBroken) world.crash(site.index);
    world.start(site.index);
  }
  await time.runUntil(time.now + rest);
  await prove(world, false);
  if (world.violations.length > 0) return;
  if (network.poisoned.size > 0) {
    world.note('no group is poisoned any more');
    network.endPoisons();
    await time.runUntil(time.now + rest);
    await prove(world, false);
    if (world.violations.length > 0) return;
  }
  world.note('the operators try again what is parked, and accept the removals that are held back');
  await time.until(world.retryAll());
  await time.until(world.acceptAllRemovals());
  await time.runUntil(time.now + rest);
  await prove(world, true);
}

export async function run(scenario: Scenario): Promise<Outcome> {
  const world = new World(scenario.seed, scenario.settings);
  const { network, sites, time } = world;
  network.faulty = scenario.faulty;
  for (const site of sites) world.start(site.index);
  try {
    for (const step of scenario.steps) {
      await time.runUntil(time.now + step.after);
      perform(world, step);
      if (world.violations.length > 0) break;
    }
    await time.runUntil(time.now + 100);
    if (world.violations.length === 0) await conclude(world, scenario.restartAll);
  } catch (error) {
    world.violated(
      `an exception: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
  for (const site of sites) world.crash(site.index);
  return { scenario, violations: world.violations, trace: world.trace, events: time.steps };
}

function perform(world: World, step: Step): void {
  const { network, time } = world;
  switch (step.act) {
    case 'put':
      void world.put(step.home, step.number, step);
      return;
    case 'edit':
      void world.edit(step.home, step.number);
      return;
    case 'revert':
      void world.revert(step.home, step.number);
      return;
    case 'delete':
      void world.delete(step.home, step.number);
      return;
    case 'put policy':
      void world.putPolicy(step.site, step.name, step.kind, step.number);
      return;
    case 'delete policy':
      void world.deletePolicy(step.site, step.name);
      return;
    case 'read':
      void world.read(step.site, step.home, step.number, step.reader);
      return;
    case 'restart': {
      const { site, settings } = step;
      world.crash(site);
      time.after(step.down, () => {
        world.start(site, settings);
      });
      return;
    }
    case 'cut': {
      const [from, to] = [world.site(step.from).name, world.site(step.to).name];
      world.note(`nothing gets from ${from} to ${to}`);
      network.cut(from, to);
      time.after(step.lasts, () => {
        network.heal(from, to);
      });
      return;
    }
    case 'clock':
      world.note(`the clock of ${world.site(step.site).name} is set by ${step.by} ms`);
      world.site(step.site).clockError += step.by;
      return;
    case 'full': {
      const { disk, name } = world.site(step.site);
      world.note(`the disk of ${name} is full`);
      disk.full = true;
      time.after(step.lasts, () => {
        disk.full = false;
      });
      return;
    }
    case 'failing':
      world.note(`the next fsync of ${world.site(step.site).name} fails`);
      world.site(step.site).disk.failing = step.leaves;
      return;
    case 'forge':
    case 'probe': {
      const { from, to, home, number } = step;
      if (home === from) return;
      if (step.act === 'forge') world.forge(from, to, home, number);
      else world.probe(from, to, home, number);
      return;
    }
    case 'share':
    case 'unshare':
      void world.share(step.home, step.number, step.other, step.act === 'share');
      return;
    case 'back up':
      world.backUp(step.site);
      return;
    case 'restore': {
      const { site, from, seen, down } = step;
      world.crash(site);
      world.restore(site, from, seen);
      time.after(down, () => {
        world.start(site);
      });
      return;
    }
    case 'stand still':
      world.note(`${world.site(step.site).name} stands still for ${step.lasts} ms`);
      world.site(step.site).standStill(step.lasts);
      return;
    case 'page': {
      const [from, to] = [world.site(step.from).name, world.site(step.to).name];
      const page = pages[step.page % pages.length];
      world.note(`what ${from} asks of ${to} is answered by a page: ${JSON.stringify(page)}`);
      network.replaceAnswers(from, to, page);
      time.after(step.lasts, () => {
        network.replaceAnswers(from, to, undefined);
      });
      return;
    }
    case 'rewrite': {
      const [from, to] = [world.site(step.from).name, world.site(step.to).name];
      world.note(`what ${to} answers ${from} passes a proxy: ${step.how}`);
      network.rewrite(from, to, step.how);
      return;
    }
    case 'poison': {
      const [from, to] = [world.site(step.from).name, world.site(step.to).name];
      const groupId = groupIdOf(step.home, step.number);
      world.note(`what ${from} asks of ${to} about ${groupId} is poisoned: ${step.how}`);
      network.poison(from, to, groupId, step.how);
      return;
    }
    case 'replay':
      world.replay(step.choice, step.delay);
      return;
  }
}

/** The kind of a violation, whatever group and version it is about. */
function kindOf(violation: string | undefined): string {
  return (violation ?? '').replace(/sip:\S+|\bs?\d+\b/g, '·').slice(0, 60);
}

/** @param attempts how many runs it may take */
export async function shrink(outcome: Outcome, attempts = 400): Promise<Outcome> {
  let best = outcome;
  const kind = kindOf(outcome.violations[0]);
  let left = attempts;
  for (let size = Math.ceil(best.scenario.steps.length / 2); size >= 1 && left > 0;) {
    let smaller = false;
    for (let from = 0; from < best.scenario.steps.length && left > 0;) {
      left -= 1;
      const { steps } = best.scenario;
      // What is left out takes its time all the same.
      const kept = steps.slice(from + size);
      const gone = steps.slice(from, from + size).reduce((sum, { after }) => sum + after, 0);
      const [next, ...others] = kept;
      const joined = next === undefined ? [] : [{ ...next, after: next.after + gone }, ...others];
      const candidate = { ...best.scenario, steps: [...steps.slice(0, from), ...joined] };
      const result = await run(candidate);
      if (kindOf(result.violations[0]) === kind) {
        best = result;
        smaller = true;
      } else from += size;
    }
    if (size === 1 && !smaller) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  for (const simpler of [{ faulty: false }, { restartAll: true }]) {
    const result = await run({ ...best.scenario, ...simpler });
    if (kindOf(result.violations[0]) === kind) best = result;
  }
  return best;
}

/** What a failing run has to say. */
export function describeOutcome({ scenario, violations, trace }: Outcome): string {
  const steps = scenario.steps.map((step) => `  ${JSON.stringify(step)}`);
  return [
    `seed ${scenario.seed}: ${scenario.settings.length} systems, ${scenario.steps.length} steps`,
    ...violations.map((violation) => `  VIOLATION: ${violation}`),
    'settings:',
    ...scenario.settings.map((setting) => `  ${JSON.stringify(setting)}`),
    'steps:',
    ...steps,
    'trace:',
    ...trace,
  ].join('\n');
}
