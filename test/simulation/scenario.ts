import type { Dice } from './dice.js';
import type { PeerSettings, SiteSettings } from './site.js';
import type { Poison, Rewriting } from './network.js';
import { pages } from './pages.js';
import { groupIdOf, policyKinds, unluckyPriority, type PolicyKind } from './texts.js';
import type { NewGroup, Reader } from './world.js';

/** What happens in a simulation, as data: so that a failing one can be cut down to what matters. */

export type Step = { readonly after: number } & (
  | ({ readonly act: 'put'; readonly home: number; readonly number: number } & NewGroup)
  | { readonly act: 'edit' | 'revert' | 'delete'; readonly home: number; readonly number: number }
  | {
      readonly act: 'put policy';
      readonly site: number;
      readonly name: string;
      readonly kind: PolicyKind;
      readonly number: number;
    }
  | { readonly act: 'delete policy'; readonly site: number; readonly name: string }
  | {
      readonly act: 'read';
      readonly site: number;
      readonly home: number;
      readonly number: number;
      readonly reader: Reader;
    }
  | {
      readonly act: 'restart';
      readonly site: number;
      readonly down: number;
      readonly settings?: SiteSettings;
    }
  | { readonly act: 'cut'; readonly from: number; readonly to: number; readonly lasts: number }
  | { readonly act: 'clock'; readonly site: number; readonly by: number }
  | { readonly act: 'full'; readonly site: number; readonly lasts: number }
  | { readonly act: 'failing'; readonly site: number; readonly leaves: 'kept' | 'lost' }
  | {
      readonly act: 'forge' | 'probe';
      readonly from: number;
      readonly to: number;
      readonly home: number;
      readonly number: number;
    }
  | {
      readonly act: 'share' | 'unshare';
      readonly home: number;
      readonly number: number;
      readonly other: number;
    }
  | { readonly act: 'back up'; readonly site: number }
  | {
      readonly act: 'restore';
      readonly site: number;
      readonly from: 'backup' | 'nothing';
      readonly seen: boolean;
      readonly down: number;
    }
  | { readonly act: 'stand still'; readonly site: number; readonly lasts: number }
  | {
      readonly act: 'page';
      readonly from: number;
      readonly to: number;
      /** Which of `pages`. */
      readonly page: number;
      readonly lasts: number;
    }
  | {
      readonly act: 'poison';
      readonly from: number;
      readonly to: number;
      readonly home: number;
      readonly number: number;
      readonly how: Poison;
    }
  | {
      readonly act: 'rewrite';
      readonly from: number;
      readonly to: number;
      readonly how: Rewriting;
    }
  | { readonly act: 'replay'; readonly choice: number; readonly delay: number }
);

export interface Scenario {
  readonly seed: number;
  readonly settings: readonly SiteSettings[];
  readonly steps: readonly Step[];
  readonly faulty: boolean;
  /** Whether all systems are started anew before the end, or only those that are down. */
  readonly restartAll: boolean;
}

/** How many groups each system defines. */
const groupsEach = 2;

function somePeer(dice: Dice, index: number): PeerSettings {
  const shared = Array.from({ length: groupsEach }, (_, number) => groupIdOf(index, number));
  return {
    known: dice.happens(0.93),
    provide: dice.happens(0.85),
    request: dice.happens(0.75),
    shared: shared.filter(() => dice.happens(0.15)),
  };
}

function someSettings(dice: Dice, index: number, systems: number): SiteSettings {
  const others = Array.from({ length: systems }, (_, other) => other).filter((other) => other !== index);
  const peers = Object.fromEntries(others.map((other) => [other, somePeer(dice, index)]));
  return { peers, parallel: dice.of([1, 2, 8]), revalidates: dice.happens(0.4) };
}

/** The settings with one thing changed, as an operator does before a restart. */
function changed(dice: Dice, index: number, settings: SiteSettings): SiteSettings {
  const { peers } = settings;
  const other = Number(dice.of(Object.keys(peers)));
  const former = peers[other] ?? somePeer(dice, index);
  const group = groupIdOf(index, dice.below(groupsEach));
  const isShared = former.shared.includes(group);
  const shared = isShared ? former.shared.filter((one) => one !== group) : [...former.shared, group];
  const change = dice.of<Partial<PeerSettings>>([
    { known: !former.known },
    { provide: !former.provide },
    { request: !former.request },
    { shared },
    { shared },
  ]);
  return { ...settings, peers: { ...peers, [other]: { ...former, ...change } } };
}

/** Milliseconds by which a clock is set, back or forward: seconds, an hour, a day. */
const clockJumps = [-86_400_000, -3_600_000, -2000, 2000, 3_600_000, 86_400_000] as const;

/** Most things happen close together, so that they meet on their way; now and then time passes. */
function pause(dice: Dice): number {
  const chance = dice.fraction();
  if (chance < 0.55) return dice.between(0, 40);
  if (chance < 0.8) return dice.between(40, 3000);
  if (chance < 0.96) return dice.between(3000, 60_000);
  return dice.between(60_000, 2_400_000);
}

type WithoutTime<T> = T extends unknown ? Omit<T, 'after'> : never;

const poisons: readonly Poison[] = ['reset', 'truncated', 500, 429, 'silence'];

/** What befalls whole stores, ways and groups. */
function calamity(dice: Dice, systems: number, home: number, number: number): WithoutTime<Step> {
  const other = (home + 1 + dice.below(systems - 1)) % systems;
  const chance = dice.below(100);
  if (chance < 28) return { act: dice.of(['share', 'share', 'unshare']), home, number, other };
  if (chance < 40) return { act: 'back up', site: home };
  if (chance < 54) {
    const from = dice.of(['backup', 'backup', 'nothing'] as const);
    const down = dice.of([0, 2000, 60_000]);
    return { act: 'restore', site: home, from, seen: dice.happens(0.7), down };
  }
  if (chance < 66) return { act: 'stand still', site: home, lasts: dice.between(100, 15_000) };
  if (chance < 86) {
    const [from, to] = dice.happens(0.5) ? [home, other] : [other, home];
    const lasts = dice.happens(0.8) ? dice.between(100, 120_000) : dice.between(120_000, 7_200_000);
    return { act: 'page', from, to, page: dice.below(pages.length), lasts };
  }
  const [from, to] = dice.happens(0.7) ? [home, other] : [other, home];
  if (chance < 89) {
    return { act: 'rewrite', from, to, how: dice.of(['weak tags', 'no tags', 'standard fields alone']) };
  }
  return { act: 'poison', from, to, home, number, how: dice.of(poisons) };
}

export function someScenario(seed: number, dice: Dice): Scenario {
  const systems = dice.of([2, 2, 2, 3, 3, 4, 5]);
  const settings = Array.from({ length: systems }, (_, index) => someSettings(dice, index, systems));
  const present = [...settings];
  const length = dice.between(8, 50);
  const steps: Step[] = [];
  const site = (): number => dice.below(systems);
  const other = (than: number): number => (than + 1 + dice.below(systems - 1)) % systems;
  const newGroup = (home: number): NewGroup => ({
    members: [home, ...settings.keys()].filter((index) => index === home || dice.happens(0.55)).slice(1),
    priority: dice.happens(0.2) ? unluckyPriority : dice.below(20),
  });
  for (const home of present.keys()) {
    steps.push({ act: 'put', home, number: 0, ...newGroup(home), after: dice.between(0, 30) });
  }
  while (steps.length < length) {
    const after = pause(dice);
    const [home, number] = [site(), dice.below(groupsEach)];
    if (dice.happens(0.22)) {
      steps.push({ ...calamity(dice, systems, home, number), after });
      continue;
    }
    const chance = dice.below(100);
    if (chance < 19) steps.push({ act: 'put', home, number, ...newGroup(home), after });
    else if (chance < 22) steps.push({ act: 'revert', home, number, after });
    else if (chance < 32) steps.push({ act: 'edit', home, number, after });
    else if (chance < 42) steps.push({ act: 'delete', home, number, after });
    else if (chance < 50) {
      const [name, kind] = [dice.of(['first', 'second']), dice.of(policyKinds)];
      steps.push({ act: 'put policy', site: home, name, kind, number: dice.below(40), after });
    } else if (chance < 53) {
      steps.push({ act: 'delete policy', site: home, name: dice.of(['first', 'second']), after });
    } else if (chance < 67) {
      const reader = dice.of<Reader>(['unit', 'unit', 'server', 'clerk']);
      steps.push({ act: 'read', site: other(home), home, number, reader, after });
    } else if (chance < 69) {
      steps.push({ act: 'clock', site: home, by: dice.of(clockJumps), after });
    } else if (chance < 80) {
      steps.push({ act: 'restart', site: home, down: dice.of([0, 10, 2000, 60_000]), after });
    } else if (chance < 86) {
      const next = changed(dice, home, present[home] ?? someSettings(dice, home, systems));
      present[home] = next;
      steps.push({ act: 'restart', site: home, down: dice.of([0, 2000]), settings: next, after });
    } else if (chance < 91) {
      steps.push({ act: 'cut', from: home, to: other(home), lasts: dice.between(100, 120_000), after });
    } else if (chance < 93) {
      steps.push({ act: 'full', site: home, lasts: dice.between(10, 60_000), after });
    } else if (chance < 94) {
      steps.push({ act: 'failing', site: home, leaves: dice.of(['kept', 'lost']), after });
    } else if (chance < 96) {
      const from = site();
      steps.push({ act: 'forge', from, to: other(from), home, number, after });
    } else if (chance < 98) {
      const from = other(home);
      steps.push({ act: 'probe', from, to: other(from), home, number, after });
    } else steps.push({ act: 'replay', choice: dice.below(1000), delay: dice.between(0, 5000), after });
  }
  return { seed, settings, steps, faulty: dice.happens(0.8), restartAll: dice.happens(0.4) };
}
