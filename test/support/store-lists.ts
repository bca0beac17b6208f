import type {
  Account,
  Cursor,
  Page,
  PageOf,
  RecordKey,
  Store,
  StoreRecord,
  Sum,
  Tally,
} from '../../src/store/store.js';
import { allOf } from '../../src/base/soon.js';
import { eachOf } from '../../src/store/pages.js';

/** Lists of a store as a whole, for tests; and the pages and sums of stores that tests make themselves. */

type Lists = Pick<Store<never>, 'keys' | 'keysOfTerm'>;

const noTurn = (): Promise<void> => Promise.resolve();

/** The keys of all records that carry `term`, page after page. */
export async function keysOfTerm(store: Lists, term: string): Promise<RecordKey[]> {
  return (await allOf(eachOf((page) => store.keysOfTerm(term, page), noTurn))).map(({ key }) => key);
}

/** All keys, page after page. */
export async function allKeys(store: Lists): Promise<RecordKey[]> {
  return (await allOf(eachOf((page) => store.keys(page), noTurn))).map(({ key }) => key);
}

/** A page of `items`; the cursor is the name of the last item of the page before. */
export function pageOf<T>(
  items: readonly T[],
  { after, limit }: PageOf,
  nameOf: (item: T) => string,
): Page<T> {
  const ordered = [...items].sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
  const following = ordered.filter((item) => after === undefined || nameOf(item) > after);
  const page = following.slice(0, limit);
  const last = page.at(-1);
  const isMore = following.length > page.length && last !== undefined;
  return { items: page, next: isMore ? (nameOf(last) as Cursor) : undefined };
}

/** The sums over `records`. */
export class SumsOver {
  readonly #records: () => Iterable<StoreRecord<unknown>>;
  readonly #tally: Tally | undefined;

  constructor(records: () => Iterable<StoreRecord<unknown>>, tally: Tally | undefined) {
    this.#records = records;
    this.#tally = tally;
  }

  sumOf({ kind, id }: Account): readonly number[] {
    return this.#all(kind).find((sum) => sum.id === id)?.amounts ?? [];
  }

  sumsOf(kind: string, page: PageOf): Page<Sum> {
    return pageOf(this.#all(kind), page, ({ id }) => id);
  }

  #all(kind: string): readonly Sum[] {
    const sums = new Map<string, number[]>();
    for (const record of this.#records()) {
      for (const { kind: of, id, amounts } of this.#tally?.of(record) ?? []) {
        if (of !== kind) continue;
        const sum = sums.get(id) ?? [];
        for (const [at, amount] of amounts.entries()) sum[at] = (sum[at] ?? 0) + amount;
        sums.set(id, sum);
      }
    }
    const all = [...sums].map(([id, amounts]) => ({ kind, id, amounts }));
    return all.filter(({ amounts }) => amounts.some((amount) => amount !== 0));
  }
}
