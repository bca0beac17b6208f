import { systemClock } from '../../base/clock.js';
import type { Sum, Tally } from '../store.js';
import type { Environment } from './environment.js';
import { readLabels } from './record-adapter.js';
import { decodeSum } from './record-format.js';
import { addSums, Sums } from './sums.js';

/**
 * Sums over all records, made anew out of their labels: at the first start of a version that sums up otherwise, and
 * by `mcgms doctor`.
 */

/** The entry that says by which tally the sums were made. */
export const tallyMark = Buffer.from('tally');

/** How many records or sums are read or written before others have a turn. */
const atATime = 256;

/** Octets that writing a sum takes, about. */
const sumOctets = 200;

/** What the sums should be. @throws DamagedRecord, StoreFailure */
async function counted(environment: Environment, tally: Tally): Promise<Sums> {
  const sums = new Sums();
  for (let after: Buffer | undefined; ;) {
    const ids = environment.keys('labels', { after, limit: atATime });
    for (const id of ids) {
      const labels = readLabels(environment, id);
      if (labels !== undefined) for (const sum of tally.of(labels)) sums.add(sum, 1);
    }
    after = ids.at(-1);
    if (after === undefined) return sums;
    await systemClock.turn();
  }
}

/** The sums in the file. @throws DamagedRecord, StoreFailure */
function* kept(environment: Environment): Iterable<Sum & { readonly key: Buffer }> {
  for (let after: Buffer | undefined; ;) {
    const keys = environment.keys('sums', { after, limit: atATime });
    for (const key of keys) {
      const bytes = environment.get('sums', key);
      if (bytes !== undefined) yield { ...decodeSum(key, bytes), key };
    }
    after = keys.at(-1);
    if (after === undefined) return;
  }
}

/** Whether the sums in the file were made by `tally`. */
export function isSummedBy(environment: Environment, tally: Tally): boolean {
  return environment.get('settings', tallyMark)?.toString('utf8') === tally.version;
}

/**
 * How many accounts have another sum than the records say. Nothing else may write meanwhile.
 *
 * @throws DamagedRecord, StoreFailure
 */
export async function wrongSums(environment: Environment, tally: Tally): Promise<number> {
  const left = await counted(environment, tally);
  for (const sum of kept(environment)) left.add(sum, -1);
  return left.all().length;
}

/**
 * Makes all sums anew. Nothing else may write meanwhile. The mark goes first and comes last: where the process ends
 * in between, it is done again.
 *
 * @throws DamagedRecord, StoreFailure
 */
export async function sumUp(environment: Environment, tally: Tally): Promise<void> {
  const sums = (await counted(environment, tally)).all();
  await environment.write(0, (writing) => {
    writing.remove('settings', tallyMark);
  });
  for (;;) {
    const keys = environment.keys('sums', { limit: atATime });
    if (keys.length === 0) break;
    await environment.write(keys.length * sumOctets, (writing) => {
      for (const key of keys) writing.remove('sums', key);
    });
  }
  for (let from = 0; from < sums.length; from += atATime) {
    await environment.write(atATime * sumOctets, (writing) => {
      addSums(writing, sums.slice(from, from + atATime));
    });
  }
  await environment.write(0, (writing) => {
    writing.put('settings', tallyMark, Buffer.from(tally.version));
  });
}
