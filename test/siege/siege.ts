import { setTimeout as pause } from 'node:timers/promises';
import type { HonestFigures, HonestSetup } from './honest/main.js';
import type { Tally } from './hostile/field.js';
import type { HostileSetup } from './hostile/main.js';
import { Party } from './party.js';
import type { Probed } from './probe.js';
import { Scene } from './scene.js';
import type { Peak } from './server-process.js';

/** One siege: systems are started and filled, all clients work for a while, and then it is seen what is left. */

export interface Outcome {
  readonly seconds: number;
  readonly honest: HonestFigures;
  readonly hostile: readonly { readonly kind: string; readonly tally: Tally }[];
  /** How the server ended in the siege; undefined where it is alive. */
  readonly end: string | undefined;
  readonly peak: Peak;
  readonly before: Held;
  readonly after: Held;
  /** Milliseconds after the siege until the server had time for a question; NaN where it had none for a minute. */
  readonly recovery: number;
  /** How late the server's event loop was. Milliseconds; NaN where it could not be asked. */
  readonly loopDelay: Pick<Probed, 'loopDelayP99' | 'loopDelayMax'>;
  /** Seconds that the server's first thread had its core, and waited for it: others want it too. */
  readonly processor: { readonly used: number; readonly waited: number };
  readonly log: { readonly lines: number; readonly octets: number };
  /** Acknowledged writes that are not there, after the siege and after a restart. */
  readonly lost: readonly string[];
  /** Groups of which a partner holds other bytes than their primary. */
  readonly unequal: readonly string[];
  /** Milliseconds until the systems were equal. */
  readonly untilEqual: number;
}

/** What a server has. Octets, and NaN where it could not be asked. */
export interface Held {
  readonly held: number;
  readonly descriptors: number;
}

/** Hostile clients stand back where others want the processor, so that what honest ones measure is the server. */
const niceness = { honest: 0, hostile: 3 } as const;

/** Milliseconds that systems have to become equal, and connections to end. */
const settling = { equal: 30_000, connections: 15_000 } as const;

export async function besiege(
  kinds: readonly string[],
  seconds: number,
  say: (text: string) => void,
): Promise<Outcome> {
  const scene = await Scene.start();
  const parties: Party[] = [];
  const party = (name: string, script: string, nice: number): Party => {
    const started = new Party(name, new URL(script, import.meta.url), nice);
    parties.push(started);
    return started;
  };
  try {
    const honest = party('honest clients', 'honest/main.js', niceness.honest);
    say('honest clients prepare');
    const setup: HonestSetup = { ports: scene.ports, seconds };
    await honest.call('prepare', setup);
    const hostile = kinds.map((kind) => party(kind, 'hostile/main.js', niceness.hostile));
    // One after the other: what they put before the siege is not part of it.
    for (const one of hostile) {
      say(`${one.name} prepares`);
      const place: HostileSetup = { kind: one.name, port: scene.ports.police };
      await one.call('prepare', place);
    }
    return await measure(scene, honest, hostile, seconds, say);
  } finally {
    await Promise.all(parties.map((one) => one.dismiss()));
    await scene.close();
  }
}

async function measure(
  scene: Scene,
  honest: Party,
  hostile: readonly Party[],
  seconds: number,
  say: (text: string) => void,
): Promise<Outcome> {
  say('the siege begins');
  const server = scene.besieged;
  const before = await held(scene);
  server.begin();
  const begun = server.processor;
  await honest.call('begin');
  await Promise.all(hostile.map((one) => one.call('begin')));
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until && server.end === undefined) await pause(200);
  const lasted = seconds - Math.max(0, until - performance.now()) / 1000;
  say('the siege ends');
  // The honest ones first: what they still wait for is part of the siege. A server that has ended answers nobody.
  const figures = (await honest.call('end')) as HonestFigures;
  const tallies = await Promise.all(
    hostile.map(async (one) => ({ kind: one.name, tally: (await one.call('end')) as Tally })),
  );
  await Promise.all(hostile.map((one) => one.dismiss()));
  const { end, peak } = server;
  const log = { ...server.logged };
  const now = server.processor;
  const processor = { used: now.used - begun.used, waited: now.waited - begun.waited };
  if (end !== undefined) say(`the server ended: ${server.lastWords.slice(-500)}`);
  say('what is left is looked at');
  const { after, recovery, loopDelay } = await settled(scene, before);
  const lost: string[] = [];
  const check = async (when: string): Promise<void> => {
    const found = (await honest.call('lost')) as readonly string[];
    lost.push(...found.map((problem) => `${when}: ${problem}`));
  };
  if (end === undefined) await check('after the siege');
  await scene.startAgain();
  await check('after a restart');
  const began = performance.now();
  const unequal = (await honest.call('until equal', settling.equal)) as readonly string[];
  return {
    seconds: lasted,
    honest: figures,
    hostile: tallies,
    ...{ end, peak, before, after, recovery, loopDelay, processor, log, lost, unequal },
    untilEqual: performance.now() - began,
  };
}

async function held(scene: Scene): Promise<Held> {
  const probed = await scene.besieged.probe();
  return { held: probed?.held ?? NaN, descriptors: scene.besieged.descriptors };
}

/** What the server has once connections have ended, and how late its event loop was until then. */
async function settled(
  scene: Scene,
  before: Held,
): Promise<Pick<Outcome, 'after' | 'loopDelay' | 'recovery'>> {
  const began = performance.now();
  const first = await scene.besieged.probe();
  const recovery = first === undefined ? NaN : performance.now() - began;
  const until = performance.now() + settling.connections;
  while (scene.besieged.descriptors > before.descriptors && performance.now() < until) await pause(200);
  const after = await held(scene);
  const { loopDelayP99 = NaN, loopDelayMax = NaN } = first ?? {};
  return { after, recovery, loopDelay: { loopDelayP99, loopDelayMax } };
}
