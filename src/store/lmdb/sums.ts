import { addAmounts } from '../amounts.js';
import { StoreFailure, type KeyedLabels, type Sum, type Tally } from '../store.js';
import type { Writing } from './environment.js';
import { DamagedRecord, decodeSum, encodeSum, sumKey } from './record-format.js';

/** Sums over the records of a file: every commit changes them together with its record. */

/** What the step from one state of a record to the next changes. Accounts that stay as they are are left out. */
export function sumsBetween(
  tally: Tally | undefined,
  before: KeyedLabels | undefined,
  after: KeyedLabels | undefined,
): readonly Sum[] {
  if (tally === undefined) return [];
  const sums = new Sums();
  if (after !== undefined) for (const sum of tally.of(after)) sums.add(sum, 1);
  if (before !== undefined) for (const sum of tally.of(before)) sums.add(sum, -1);
  return sums.all();
}

/** Adds `changes` to the sums in the file. @throws StoreFailure where one of them is not what was written */
export function addSums(writing: Writing, changes: readonly Sum[]): void {
  for (const change of changes) {
    const key = sumKey(change);
    writing.merge('sums', key, (bytes) => {
      const present = bytes === undefined ? [] : presentIn(key, bytes);
      const amounts = addAmounts(present, change.amounts);
      return isNothing(amounts) ? undefined : encodeSum(key, { ...change, amounts });
    });
  }
}

function presentIn(key: Buffer, bytes: Buffer): readonly number[] {
  try {
    return decodeSum(key, bytes).amounts;
  } catch (error) {
    if (!(error instanceof DamagedRecord)) throw error;
    throw new StoreFailure(`cannot read the sum ${key.toString('hex')}: ${error.message}`, { cause: error });
  }
}

function isNothing(amounts: readonly number[]): boolean {
  return amounts.every((amount) => amount === 0);
}

/** Sums in memory. */
export class Sums {
  readonly #sums = new Map<string, Sum>();

  add(sum: Sum, factor: 1 | -1): void {
    const key = JSON.stringify([sum.kind, sum.id]);
    this.#sums.set(key, {
      ...sum,
      amounts: addAmounts(this.#sums.get(key)?.amounts ?? [], sum.amounts, factor),
    });
  }

  /** Those that are not 0. */
  all(): readonly Sum[] {
    return [...this.#sums.values()].filter(({ amounts }) => !isNothing(amounts));
  }
}
