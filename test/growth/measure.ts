import { readFileSync, writeFileSync } from 'node:fs';
import { exponentOf, type Point } from './fit.js';
import { dimensions } from './dimensions.js';
import type { Carrier, Load, Vocabulary } from './load.js';

/**
 * Measures one cell of the table: one dimension at one entrance, doubled. The entrance lives in this process, which
 * is fresh: so its processor time and its memory are those of the entrance, and of a client that takes linear time.
 */

/** An entrance that is open. */
export interface Session {
  /** What is not measured, such as storing what is read. @returns false where it cannot be done with this load */
  prepare?(load: Load, carrier: Carrier): Promise<boolean>;
  /** What is measured. @returns the status of the answer */
  ask(load: Load, carrier: Carrier): Promise<number>;
  close(): Promise<void>;
}

export interface Entrance {
  /** What stands at the left of the table. */
  readonly name: string;
  /** Entrances of one house share a process. */
  readonly house: string;
  /** What of the server's own lists of entrances this one covers. */
  readonly covers: readonly string[];
  readonly takes: readonly Carrier[];
  readonly vocabulary?: Vocabulary;
  /** Statuses above 499 that are documented for it. */
  readonly statuses?: readonly number[];
  /** @param room how many times its usual limits the server has */
  open(room: number): Promise<Session>;
}

/** How thorough a measurement is. */
export interface Thoroughness {
  /** Sizes as parts of the largest one. */
  readonly sizes: Readonly<Record<'large' | 'middle' | 'small', readonly number[]>>;
  readonly tries: number;
  /** How often all sizes are tried again, in the same process, while what was measured seems steep. */
  readonly repeats: number;
  /** How many times the usual limits the server has, and how many times the usual sizes are tried. */
  readonly room: number;
}

export const quick: Thoroughness = {
  sizes: { large: [1 / 64, 1 / 16], middle: [1 / 16, 1 / 4], small: [1 / 4, 1] },
  tries: 1,
  repeats: 5,
  room: 1,
};

const doublings = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1];

export const thorough: Thoroughness = {
  sizes: { large: doublings, middle: doublings, small: doublings },
  tries: 2,
  repeats: 2,
  room: 1,
};

/**
 * Growth from which on a cell is measured again. Quadratic work of which the smaller sizes show little yet may seem as
 * flat as this.
 */
export const suspicious = 1.25;

export interface Cell {
  readonly entrance: string;
  readonly carrier: Carrier;
  readonly dimension: string;
  /** Exponents; undefined where the cost is too small to have one. */
  readonly time: number | undefined;
  readonly heap: number | undefined;
  readonly largest: number;
  /** Milliseconds of processor time of one request of the largest size. */
  readonly longest: number;
  /** Octets above those before the request of the largest size. */
  readonly peak: number;
  readonly statuses: readonly number[];
  /** What is wrong, whatever the growth. */
  readonly fault?: string;
}

/** The largest load of each carrier: just below the limit that bounds it. */
const largestOf: Readonly<Record<Carrier, number>> = {
  document: 1024 * 1024 - 1024,
  value: 512 * 1024,
  expression: 64 * 1024,
  fields: 15 * 1024,
  answer: 14 * 1024,
  selector: 7.5 * 1024,
  query: 7.5 * 1024,
  path: 7.5 * 1024,
  json: 64 * 1024,
  yaml: 256 * 1024,
  documents: 2048,
};

/** Requests that are small are measured this many at a time. */
const batchOf: Readonly<Record<Carrier, number>> = {
  document: 1,
  value: 1,
  expression: 2,
  fields: 4,
  answer: 2,
  selector: 4,
  query: 4,
  path: 4,
  json: 4,
  yaml: 1,
  documents: 1,
};

/** Milliseconds of processor time in which garbage collection and compilation may show, whatever the input. */
const noiseOfTime = 8;

/** Octets that a process takes and leaves, whatever the input. */
const noiseOfHeap = 48 * 1024 * 1024;

/** How often documents are asked for, of each number of them. */
const triesOfMany = 4;

/** A request that takes longer, in milliseconds, is tried once, and no larger one is. */
const tooLong = 10_000;

/** The most memory of this process since `resetPeak`. Where the system does not tell, since its start. */
function peakMemory(): number {
  try {
    const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return Number(kilobytes) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

function resetPeak(): void {
  globalThis.gc?.();
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // The peak is then that of the whole life of the process, which sizes that grow still raise.
  }
}

interface Tried {
  readonly time: number;
  /** Octets at most, and before. */
  readonly memory: number;
  readonly held: number;
  readonly statuses: ReadonlySet<number>;
}

async function tryOnce(session: Session, load: Load, carrier: Carrier): Promise<Tried | undefined> {
  if ((await session.prepare?.(load, carrier)) === false) return undefined;
  if (batchOf[carrier] === 1) resetPeak();
  const held = process.memoryUsage.rss();
  const statuses = new Set<number>();
  const before = process.cpuUsage();
  for (let asked = 0; asked < batchOf[carrier]; asked += 1) statuses.add(await session.ask(load, carrier));
  const { user, system } = process.cpuUsage(before);
  return { time: (user + system) / 1000, memory: peakMemory(), held, statuses };
}

/** What two tries of one load took at least: noise only ever adds. */
function least(one: Tried, other: Tried): Tried {
  return {
    time: Math.min(one.time, other.time),
    memory: Math.min(one.memory, other.memory),
    held: Math.min(one.held, other.held),
    statuses: new Set([...one.statuses, ...other.statuses]),
  };
}

/** The best of several tries, and the most memory that one of them took. */
async function tried(
  session: Session,
  load: Load,
  carrier: Carrier,
  tries: number,
): Promise<Tried | undefined> {
  let best: Tried | undefined;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const one = await tryOnce(session, load, carrier);
    if (one === undefined) return undefined;
    best =
      best === undefined
        ? one
        : {
            time: Math.min(best.time, one.time),
            memory: Math.max(best.memory, one.memory),
            held: Math.min(best.held, one.held),
            statuses: new Set([...best.statuses, ...one.statuses]),
          };
    if (best.time > tooLong) break;
  }
  return best;
}

/** Which sizes a carrier is measured in. */
const sizesOf = (carrier: Carrier): keyof Thoroughness['sizes'] =>
  carrier === 'document' ? 'large' : carrier === 'documents' || carrier === 'yaml' ? 'middle' : 'small';

interface Slopes {
  readonly time: number | undefined;
  readonly heap: number | undefined;
}

/** The exponents of what was tried, of which the first is the floor. */
function slopesOf(floor: Tried | undefined, sized: ReadonlyMap<number, Tried>): Slopes {
  const all = [...sized];
  const times: readonly Point[] = all.map(([size, { time }]) => ({ size, cost: time }));
  // What earlier sizes took is not always given back: memory is counted from what was held before all of them.
  const held = Math.min(
    ...[...sized.values(), ...(floor === undefined ? [] : [floor])].map((one) => one.held),
  );
  const peaks = all.map(([size, { memory }]) => ({ size, cost: Math.max(0, memory - held) }));
  return {
    time: exponentOf(times, Math.min(floor?.time ?? 0, times[0]?.cost ?? 0), noiseOfTime),
    heap: exponentOf(peaks, 0, noiseOfHeap),
  };
}

const steepnessOf = ({ time = 0, heap = 0 }: Slopes): number => Math.max(time, heap);

/**
 * Measures a dimension at an entrance. Where it seems steep, all sizes are tried again and the least of each counts:
 * compilation, garbage collection and other processes add to one try and not to the next; growth stays.
 *
 * @returns undefined where the load cannot be prepared, in any size
 */
export async function measure(
  entrance: Entrance,
  session: Session,
  carrier: Carrier,
  dimension: string,
  how: Thoroughness,
): Promise<Cell | undefined> {
  const make = dimensions[carrier][dimension];
  if (make === undefined) throw new Error(`no dimension of ${carrier} is called ${dimension}`);
  const vocabulary = entrance.vocabulary ?? nothing;
  const most = largestOf[carrier] * how.room;
  const parts = how.sizes[sizesOf(carrier)];
  const sizes = parts.map((part) => Math.floor(most * part));
  const smallest = carrier === 'documents' ? 1 : Math.max(64, Math.floor((sizes[0] ?? most) / 16));
  // Documents stay when they are there: smaller numbers of them cannot be tried again, and asking again takes little.
  const isOfMany = carrier === 'documents';
  const tries = isOfMany ? triesOfMany : how.tries;
  const attempt = (size: number): Promise<Tried | undefined> =>
    tried(session, make(size, vocabulary), carrier, tries);

  // The first one is the floor, and warms up as well.
  let floor = await attempt(smallest);
  const sized = new Map<number, Tried>();
  for (const size of sizes) {
    const one = await attempt(size);
    if (one === undefined) continue;
    sized.set(size, one);
    if (one.time > tooLong) break;
  }
  const repeats = isOfMany ? 0 : how.repeats;
  let slopes = slopesOf(floor, sized);
  for (let again = 0; again < repeats && steepnessOf(slopes) > suspicious; again += 1) {
    const smaller = await attempt(smallest);
    if (floor !== undefined && smaller !== undefined) floor = least(floor, smaller);
    for (const [size, before] of sized) {
      if (before.time > tooLong) continue;
      const one = await attempt(size);
      if (one !== undefined) sized.set(size, least(before, one));
    }
    slopes = slopesOf(floor, sized);
  }

  const last = [...sized].at(-1);
  if (last === undefined) return undefined;
  const [largest, { held, memory, time }] = last;
  const statuses = new Set([
    ...(floor?.statuses ?? []),
    ...[...sized.values()].flatMap((one) => [...one.statuses]),
  ]);
  const wrong = [...statuses].filter(
    (status) => !((status >= 200 && status < 500) || entrance.statuses?.includes(status) === true),
  );
  return {
    entrance: entrance.name,
    carrier,
    dimension,
    ...slopes,
    largest,
    longest: time / batchOf[carrier],
    peak: Math.max(0, memory - held),
    statuses: [...statuses].sort(),
    ...(wrong.length === 0 ? {} : { fault: `answered with ${wrong.join(', ')}` }),
  };
}

const nothing: Vocabulary = { open: () => '', close: '', entry: () => '', wrong: '' };
