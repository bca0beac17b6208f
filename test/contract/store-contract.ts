import { expect } from 'chai';
import fc from 'fast-check';
import {
  CommitConflict,
  StoreFailure,
  type Json,
  type KeyedLabels,
  type Page,
  type PageOf,
  type RecordContent,
  type RecordKey,
  type Store,
  type StoreRecord,
  type Sum,
  type Tally,
} from '../../src/store/store.js';
import { seed } from '../support/seed.js';
import { allKeys, keysOfTerm, SumsOver } from '../support/store-lists.js';

/** A store under test, and the medium on which it lives. */
export interface StoreUnderTest {
  readonly store: Store<Json>;
  /** Closes the store that was opened last and opens the same medium again. */
  reopen(): Promise<Store<Json>>;
  /** Closes the store and removes the medium. */
  dispose(): Promise<void>;
}

export function keyOf(text: string): RecordKey {
  return text as RecordKey;
}

export function contentOf(
  data: Json,
  names: readonly string[] = [],
  terms: readonly string[] = [],
): RecordContent<Json> {
  return { names, terms, data };
}

/** The record that a successful commit was to leave. */
function recordOf(key: string, revision: number, content: RecordContent<Json>): StoreRecord<Json> {
  return { key: keyOf(key), revision, names: content.names, terms: content.terms, data: content.data };
}

/** All that a store shows, in a fixed order; indexes are read back too. */
export async function snapshot(store: Store<Json>): Promise<Json> {
  const shown: Json[] = [];
  for (const key of (await allKeys(store)).sort()) {
    const record = await store.get(key);
    if (record === undefined) throw new Error(`key without a record: ${key}`);
    shown.push({
      ...record,
      heldBy: await Promise.all(record.names.map(async (name) => (await store.keyOfName(name)) ?? null)),
      foundBy: await Promise.all(record.terms.map(async (term) => (await keysOfTerm(store, term)).sort())),
    });
  }
  return shown;
}

/** The sums that stores under test keep: how many records carry a term, and how many names these have. */
export const contractTally: Tally = {
  version: 'contract',
  of: ({ names, terms }) =>
    [...new Set(terms)].map((id) => ({ kind: 'term', id, amounts: [1, new Set(names).size] })),
};

/** All sums of terms, by term. */
async function sumsIn(store: Store<Json>, limit = 100): Promise<(readonly [string, readonly number[]])[]> {
  const sums: (readonly [string, readonly number[]])[] = [];
  for (let after: PageOf['after']; ;) {
    const { items, next }: Page<Sum> = await store.sumsOf('term', { after, limit });
    sums.push(...items.map(({ id, amounts }) => [id, amounts] as const));
    if (next === undefined) return sums.sort(([one], [other]) => (one < other ? -1 : 1));
    after = next;
  }
}

/** The error with which `promise` is rejected. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('was not rejected');
}

async function expectConflict(promise: Promise<unknown>, reason: CommitConflict['reason']): Promise<void> {
  const error = await rejection(promise);
  expect(error).to.be.instanceOf(CommitConflict);
  expect(error).to.have.property('reason', reason);
}

/** Text that breaks what treats it as something other than text. */
const hostileTexts: Readonly<Record<string, string>> = {
  'the name of a prototype': '__proto__',
  'the name of a constructor': 'constructor',
  NUL: 'a\u0000b',
  'line separators': '\u2028\u2029\r\n\u0085',
  'an emoji': 'fire brigade \u{1f692}',
  'a high surrogate alone': 'a\ud800b',
  'a low surrogate alone': '\udc00',
  'the replacement character': 'a\ufffdb',
  'a path': '../../etc/passwd',
  'quotes and markup': `'"\\<a b="c">&amp;]]>`,
  nothing: '',
  'a byte order mark': '\ufeffx',
  'a name longer than file names may be': 'n'.repeat(5000),
};

/** What a sequence of commits and removals must leave, for the comparison with a model. */
type Step =
  | {
      readonly act: 'commit';
      readonly key: string;
      readonly names: readonly string[];
      readonly terms: readonly string[];
      readonly stale: boolean;
    }
  | { readonly act: 'remove'; readonly key: string; readonly stale: boolean }
  | { readonly act: 'reopen' };

const someTexts = fc.uniqueArray(fc.constantFrom('n1', 'n2', 'n3'), { maxLength: 2 });
const someKey = fc.constantFrom('k1', 'k2', 'k3');
const someStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('commit' as const),
      key: someKey,
      names: someTexts,
      terms: someTexts,
      stale: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('remove' as const), key: someKey, stale: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.constant({ act: 'reopen' as const }) },
);

/** The contract as one map that does everything at once. */
class Model {
  readonly records = new Map<string, StoreRecord<Json>>();

  /** The conflict that a commit must meet, or undefined. */
  conflict(
    key: string,
    expected: number | 'absent',
    names: readonly string[],
  ): CommitConflict['reason'] | undefined {
    if ((this.records.get(key)?.revision ?? 'absent') !== expected) return 'revision';
    const taken = [...this.records.values()].some(
      (other) => other.key !== key && other.names.some((name) => names.includes(name)),
    );
    return taken ? 'name' : undefined;
  }

  snapshot(): Json {
    const all = [...this.records.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    return all.map((record) => ({
      ...record,
      heldBy: record.names.map(() => record.key),
      foundBy: record.terms.map((term) =>
        all.filter((other) => other.terms.includes(term)).map((other) => other.key),
      ),
    }));
  }
}

async function walk(tested: StoreUnderTest, steps: readonly Step[]): Promise<void> {
  const model = new Model();
  let store = tested.store;
  for (const [number, step] of steps.entries()) {
    if (step.act === 'reopen') {
      store = await tested.reopen();
    } else {
      const current = model.records.get(step.key)?.revision;
      const expected = step.stale ? (current ?? 0) + 1 : (current ?? 'absent');
      if (step.act === 'commit') {
        const content = contentOf({ number }, step.names, step.terms);
        const conflict = model.conflict(step.key, expected, step.names);
        const commit = store.commit(keyOf(step.key), expected, content);
        if (conflict !== undefined) await expectConflict(commit, conflict);
        else model.records.set(step.key, await commit);
      } else if (typeof expected === 'number') {
        const removal = store.remove(keyOf(step.key), expected);
        if (step.stale) await expectConflict(removal, 'revision');
        else {
          await removal;
          model.records.delete(step.key);
        }
      }
    }
    expect(await snapshot(store)).to.deep.equal(model.snapshot());
  }
  expect(await snapshot(await tested.reopen())).to.deep.equal(model.snapshot());
}

/** Applies the contract of `Store` to one kind of store. */
export function describeStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`the store contract: ${name}`, () => {
    let tested: StoreUnderTest;
    let store: Store<Json>;

    beforeEach(async () => {
      tested = await open();
      store = tested.store;
    });

    afterEach(async () => {
      await tested.dispose();
    });

    describe('commit', () => {
      it('creates a record at revision 1, found by key, name and term', async () => {
        const content = contentOf({ title: 'x' }, ['n1', 'n2'], ['t1']);
        const committed = await store.commit(keyOf('k'), 'absent', content);
        expect(committed).to.deep.equal(recordOf('k', 1, content));
        expect(await store.get(keyOf('k'))).to.deep.equal(committed);
        expect(await store.keyOfName('n1')).to.equal('k');
        expect(await store.keyOfName('n2')).to.equal('k');
        expect(await keysOfTerm(store, 't1')).to.deep.equal(['k']);
        expect(await store.labelsOf(keyOf('k'))).to.deep.include({ names: ['n1', 'n2'], terms: ['t1'] });
        expect(await allKeys(store)).to.deep.equal(['k']);
        expect(store.writable).to.equal(true);
      });

      it('replaces the whole record and counts its revision', async () => {
        await store.commit(keyOf('k'), 'absent', contentOf({ a: 1, b: 2 }, ['n1'], ['t1']));
        const content = contentOf({ c: 3 }, ['n2'], ['t2']);
        expect(await store.commit(keyOf('k'), 1, content)).to.deep.equal(recordOf('k', 2, content));
        expect(await store.get(keyOf('k'))).to.deep.equal(recordOf('k', 2, content));
        expect(await store.keyOfName('n1')).to.equal(undefined);
        expect(await keysOfTerm(store, 't1')).to.deep.equal([]);
        expect(await keysOfTerm(store, 't2')).to.deep.equal(['k']);
        expect(await store.labelsOf(keyOf('k'))).to.deep.include({ names: ['n2'], terms: ['t2'] });
      });

      it('tells the names and terms of a record for as long as there is one', async () => {
        expect(await store.labelsOf(keyOf('k'))).to.equal(undefined);
        await store.commit(keyOf('k'), 'absent', contentOf(1, ['n'], ['t']));
        const reopened = await tested.reopen();
        expect(await reopened.labelsOf(keyOf('k'))).to.deep.include({ names: ['n'], terms: ['t'] });
        await reopened.remove(keyOf('k'), 1);
        expect(await reopened.labelsOf(keyOf('k'))).to.equal(undefined);
      });

      it('refuses another revision than the current one, and changes nothing', async () => {
        await store.commit(keyOf('k'), 'absent', contentOf(1, ['n'], ['t']));
        await store.commit(keyOf('k'), 1, contentOf(2, ['n'], ['t']));
        const before = await snapshot(store);
        for (const expected of ['absent', 1, 3, 0, -1, Number.NaN] as const) {
          await expectConflict(
            store.commit(keyOf('k'), expected, contentOf('wrong', ['m'], ['u'])),
            'revision',
          );
        }
        await expectConflict(store.commit(keyOf('new'), 1, contentOf('wrong', ['m'], ['u'])), 'revision');
        expect(await snapshot(store)).to.deep.equal(before);
        expect(await store.keyOfName('m')).to.equal(undefined);
        expect(await keysOfTerm(store, 'u')).to.deep.equal([]);
        expect(await snapshot(await tested.reopen())).to.deep.equal(before);
      });

      it('knows nothing of what was never committed', async () => {
        expect(await store.get(keyOf('k'))).to.equal(undefined);
        expect(await store.keyOfName('n')).to.equal(undefined);
        expect(await keysOfTerm(store, 't')).to.deep.equal([]);
        expect(await allKeys(store)).to.deep.equal([]);
      });

      it('refuses data that JSON cannot hold, and changes nothing', async () => {
        await store.commit(keyOf('k'), 'absent', contentOf(1));
        const before = await snapshot(store);
        for (const data of [Number.NaN, Number.POSITIVE_INFINITY, { a: [Number.NaN] }]) {
          expect(await rejection(store.commit(keyOf('k'), 1, contentOf(data)))).to.be.instanceOf(TypeError);
        }
        expect(await snapshot(store)).to.deep.equal(before);
      });
    });

    describe('names', () => {
      it('belong to one record: a second holder is refused and nothing changes', async () => {
        await store.commit(keyOf('k1'), 'absent', contentOf(1, ['n1', 'n2']));
        await store.commit(keyOf('k2'), 'absent', contentOf(2, ['n3']));
        const before = await snapshot(store);
        await expectConflict(store.commit(keyOf('k3'), 'absent', contentOf(3, ['free', 'n2'])), 'name');
        await expectConflict(store.commit(keyOf('k2'), 1, contentOf(4, ['n3', 'n1'])), 'name');
        const several = await rejection(
          store.commit(keyOf('k3'), 'absent', contentOf(3, ['n2', 'free', 'n1'])),
        );
        expect(several).to.have.property('names').with.members(['n1', 'n2']);
        expect(await snapshot(store)).to.deep.equal(before);
        expect(await store.keyOfName('free')).to.equal(undefined);
        await store.commit(keyOf('k4'), 'absent', contentOf(5, ['free']));
      });

      it('stay with a record that keeps them, however it orders or repeats them', async () => {
        await store.commit(keyOf('k'), 'absent', contentOf(1, ['n1', 'n2']));
        await store.commit(keyOf('k'), 1, contentOf(2, ['n2', 'n1', 'n2']));
        expect(await store.keyOfName('n1')).to.equal('k');
        expect(await store.keyOfName('n2')).to.equal('k');
      });

      it('are free again when the record gives them up', async () => {
        await store.commit(keyOf('k1'), 'absent', contentOf(1, ['n']));
        await store.commit(keyOf('k1'), 1, contentOf(1, ['m']));
        await store.commit(keyOf('k2'), 'absent', contentOf(2, ['n']));
        expect(await store.keyOfName('n')).to.equal('k2');
        expect(await store.keyOfName('m')).to.equal('k1');
      });

      it('are free again when the record is removed', async () => {
        await store.commit(keyOf('k1'), 'absent', contentOf(1, ['n']));
        await store.remove(keyOf('k1'), 1);
        expect(await store.keyOfName('n')).to.equal(undefined);
        await store.commit(keyOf('k2'), 'absent', contentOf(2, ['n']));
        expect(await store.keyOfName('n')).to.equal('k2');
      });

      it('go to exactly one of 50 records that want one at the same time', async () => {
        const all = await Promise.allSettled(
          Array.from({ length: 50 }, (_, n) => store.commit(keyOf(`k${n}`), 'absent', contentOf(n, ['n']))),
        );
        const won = all.filter((outcome) => outcome.status === 'fulfilled');
        expect(won).to.have.length(1);
        expect(await allKeys(store)).to.deep.equal([await store.keyOfName('n')]);
        for (const lost of all.filter((outcome) => outcome.status === 'rejected')) {
          expect(lost.reason).to.be.instanceOf(CommitConflict).and.to.have.property('reason', 'name');
        }
      });

      it('are not held by a commit that was refused', async () => {
        await store.commit(keyOf('k1'), 'absent', contentOf(1, ['taken']));
        await expectConflict(store.commit(keyOf('k2'), 'absent', contentOf(2, ['n', 'taken'])), 'name');
        await store.commit(keyOf('k3'), 'absent', contentOf(3, ['n']));
        expect(await store.keyOfName('n')).to.equal('k3');
      });
    });

    describe('terms', () => {
      it('find all records that carry them, and follow every change', async () => {
        await store.commit(keyOf('k1'), 'absent', contentOf(1, [], ['t1', 't2']));
        await store.commit(keyOf('k2'), 'absent', contentOf(2, [], ['t2', 't2']));
        expect((await keysOfTerm(store, 't2')).sort()).to.deep.equal(['k1', 'k2']);
        await store.commit(keyOf('k1'), 1, contentOf(1, [], ['t1']));
        expect(await keysOfTerm(store, 't2')).to.deep.equal(['k2']);
        await store.remove(keyOf('k2'), 1);
        expect(await keysOfTerm(store, 't2')).to.deep.equal([]);
        expect(await keysOfTerm(store, 't1')).to.deep.equal(['k1']);
      });

      it('give a list that later commits leave alone', async () => {
        await store.commit(keyOf('k1'), 'absent', contentOf(1, [], ['t']));
        const before = await keysOfTerm(store, 't');
        await store.commit(keyOf('k2'), 'absent', contentOf(2, [], ['t']));
        expect(before).to.deep.equal(['k1']);
      });
    });

    describe('pages', () => {
      const fill = async (count: number): Promise<string[]> => {
        const keys = Array.from({ length: count }, (_, n) => `k${n}`);
        await Promise.all(keys.map((key) => store.commit(keyOf(key), 'absent', contentOf(1, [key], ['t']))));
        return keys.sort();
      };
      const lists = {
        keys: (page: PageOf) => store.keys(page),
        keysOfTerm: (page: PageOf) => store.keysOfTerm('t', page),
      };

      for (const [name, ask] of Object.entries(lists)) {
        it(`${name}: each record once, with its labels, and never more than are asked for`, async () => {
          const all = await fill(23);
          for (const limit of [1, 2, 7, 23, 24, 1000]) {
            const found: KeyedLabels[] = [];
            for (let after: PageOf['after']; ;) {
              const { items, next }: Page<KeyedLabels> = await ask({ after, limit });
              expect(items.length).to.be.at.most(limit);
              found.push(...items);
              if (next === undefined) break;
              after = next;
            }
            expect(found.map(({ key }) => key).sort()).to.deep.equal(all);
            for (const { key, names, terms } of found) {
              expect([names, terms]).to.deep.equal([[key], ['t']]);
            }
          }
        });

        it(`${name}: goes on behind a record that is gone by then, and misses none that stays`, async () => {
          const all = await fill(20);
          const first = await ask({ limit: 5 });
          const last = first.items.at(-1)?.key ?? expect.fail('an empty page');
          const gone = first.items.map(({ key }) => key);
          for (const key of gone) await store.remove(key, 1);
          await store.commit(keyOf('new'), 'absent', contentOf(1, [], ['t']));
          expect(gone).to.include(last);
          const rest: string[] = [];
          for (let after = first.next; after !== undefined;) {
            const page: Page<KeyedLabels> = await ask({ after, limit: 5 });
            rest.push(...page.items.map(({ key }) => key));
            after = page.next;
          }
          const stayed = all.filter((key) => !gone.includes(keyOf(key)));
          expect(rest.filter((key) => key !== 'new').sort()).to.deep.equal(stayed);
        });

        it(`${name}: a page is not changed by later commits`, async () => {
          await fill(3);
          const page = await ask({ limit: 10 });
          const shown = JSON.stringify(page);
          await store.commit(keyOf('k0'), 1, contentOf(2, ['other'], ['t', 'u']));
          await store.remove(keyOf('k1'), 1);
          expect(JSON.stringify(page)).to.equal(shown);
        });

        it(`${name}: of nothing is one page without records`, async () => {
          expect(await ask({ limit: 10 })).to.deep.equal({ items: [], next: undefined });
        });
      }

      it('of records with many long names are all given', async () => {
        const names = (n: number): string[] =>
          Array.from({ length: 40 }, (_, i) => `${'x'.repeat(3000)}${n} ${i}`);
        for (let n = 0; n < 6; n += 1)
          await store.commit(keyOf(`k${n}`), 'absent', contentOf(n, names(n), ['t']));
        const all = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5'];
        expect((await allKeys(store)).sort()).to.deep.equal(all);
        expect((await keysOfTerm(store, 't')).sort()).to.deep.equal(all);
      });
    });

    describe('sums', () => {
      it('are those of the records, after a commit, another one, a removal and a restart', async () => {
        expect(await store.sumOf({ kind: 'term', id: 't' })).to.deep.equal([]);
        await store.commit(keyOf('k1'), 'absent', contentOf(1, ['n1', 'n2'], ['t']));
        await store.commit(keyOf('k2'), 'absent', contentOf(1, [], ['t', 'u']));
        expect(await store.sumOf({ kind: 'term', id: 't' })).to.deep.equal([2, 2]);
        expect(await store.sumOf({ kind: 'term', id: 'u' })).to.deep.equal([1, 0]);
        await store.commit(keyOf('k1'), 1, contentOf(2, ['n1'], ['u']));
        expect(await store.sumOf({ kind: 'term', id: 't' })).to.deep.equal([1, 0]);
        await store.remove(keyOf('k2'), 1);
        for (const open of [() => Promise.resolve(store), () => tested.reopen()]) {
          const each = await open();
          expect(await sumsIn(each)).to.deep.equal([['u', [1, 1]]]);
          expect(await each.sumOf({ kind: 'other', id: 'u' })).to.deep.equal([]);
        }
      });

      it('are not changed by a commit that is refused', async () => {
        await store.commit(keyOf('k1'), 'absent', contentOf(1, ['n'], ['t']));
        await expectConflict(store.commit(keyOf('k2'), 'absent', contentOf(1, ['n'], ['t'])), 'name');
        await expectConflict(store.commit(keyOf('k1'), 2, contentOf(1, [], ['u'])), 'revision');
        expect(await sumsIn(store)).to.deep.equal([['t', [1, 1]]]);
      });

      it(`after any walk are those of a recount (seed ${seed})`, async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.array(someStep, { maxLength: 4 }), { maxLength: 8 }),
            async (rounds) => {
              const steps = rounds.map((round) => round.filter((step) => step.act !== 'reopen'));
              for (const round of steps) {
                await Promise.allSettled(
                  round.map(async (step) => {
                    const key = keyOf(step.key);
                    const revision = (await store.get(key))?.revision;
                    if (step.act === 'remove') await store.remove(key, revision ?? 1);
                    else await store.commit(key, revision ?? 'absent', contentOf(1, step.names, step.terms));
                  }),
                );
              }
              const records = await Promise.all((await allKeys(store)).map((key) => store.get(key)));
              const counted = new SumsOver(
                () => records.filter((record) => record !== undefined),
                contractTally,
              );
              const { items } = counted.sumsOf('term', { limit: 100 });
              expect(await sumsIn(store)).to.deep.equal(items.map(({ id, amounts }) => [id, amounts]));
            },
          ),
          { seed, numRuns: 20 },
        );
      });

      it('come in pages', async () => {
        const ids = Array.from({ length: 11 }, (_, n) => `t${n}`);
        for (const id of ids) await store.commit(keyOf(id), 'absent', contentOf(1, [], [id]));
        const page = await store.sumsOf('term', { limit: 4 });
        expect(page.items).to.have.length(4);
        expect((await sumsIn(store, 4)).map(([id]) => id)).to.deep.equal(ids.sort());
      });
    });

    describe('remove', () => {
      it('takes the record from every index and from the medium', async () => {
        await store.commit(keyOf('k'), 'absent', contentOf(1, ['n'], ['t']));
        await store.remove(keyOf('k'), 1);
        for (const open of [() => Promise.resolve(store), () => tested.reopen()]) {
          const each = await open();
          expect(await each.keyOfName('n')).to.equal(undefined);
          expect(await keysOfTerm(each, 't')).to.deep.equal([]);
          expect(await allKeys(each)).to.deep.equal([]);
        }
      });

      it('refuses another revision than the current one, and an absent record', async () => {
        await store.commit(keyOf('k'), 'absent', contentOf(1, ['n'], ['t']));
        const before = await snapshot(store);
        await expectConflict(store.remove(keyOf('k'), 2), 'revision');
        await expectConflict(store.remove(keyOf('other'), 1), 'revision');
        expect(await snapshot(store)).to.deep.equal(before);
        expect(await snapshot(await tested.reopen())).to.deep.equal(before);
      });

      it('lets the key be created anew', async () => {
        await store.commit(keyOf('k'), 'absent', contentOf('first', ['n']));
        await store.remove(keyOf('k'), 1);
        expect(await store.get(keyOf('k'))).to.equal(undefined);
        const second = await store.commit(keyOf('k'), 'absent', contentOf('second', ['n']));
        expect(await store.get(keyOf('k'))).to.deep.equal(second);
        expect(await (await tested.reopen()).get(keyOf('k'))).to.deep.equal(second);
      });
    });

    describe('concurrency', () => {
      it('lets exactly one of 50 commits with one expected revision win', async () => {
        await store.commit(keyOf('k'), 'absent', contentOf('start'));
        const all = await Promise.allSettled(
          Array.from({ length: 50 }, (_, n) => store.commit(keyOf('k'), 1, contentOf(n))),
        );
        const won = all.filter((outcome) => outcome.status === 'fulfilled').map((outcome) => outcome.value);
        expect(won).to.have.length(1);
        expect(await store.get(keyOf('k')))
          .to.deep.equal(won[0])
          .and.to.have.property('revision', 2);
        for (const lost of all.filter((outcome) => outcome.status === 'rejected')) {
          expect(lost.reason).to.be.instanceOf(CommitConflict).and.to.have.property('reason', 'revision');
        }
        expect(await (await tested.reopen()).get(keyOf('k'))).to.deep.equal(won[0]);
      });

      it('lets exactly one of 50 creators win', async () => {
        const all = await Promise.allSettled(
          Array.from({ length: 50 }, (_, n) => store.commit(keyOf('k'), 'absent', contentOf(n))),
        );
        const won = all.filter((outcome) => outcome.status === 'fulfilled').map((outcome) => outcome.value);
        expect(won).to.have.length(1);
        expect(await store.get(keyOf('k'))).to.deep.equal(won[0]);
      });

      it('lets exactly one of a commit and a removal win', async () => {
        await store.commit(keyOf('k'), 'absent', contentOf('start'));
        const [commit, removal] = await Promise.allSettled([
          store.commit(keyOf('k'), 1, contentOf('next')),
          store.remove(keyOf('k'), 1),
        ]);
        expect([commit.status, removal.status].sort()).to.deep.equal(['fulfilled', 'rejected']);
        expect((await store.get(keyOf('k')))?.data).to.equal(
          commit.status === 'fulfilled' ? 'next' : undefined,
        );
      });

      it('loses no increment of writers that read, add one and try again', async () => {
        await store.commit(keyOf('k'), 'absent', contentOf(0));
        const addOne = async (): Promise<void> => {
          for (;;) {
            const read = await store.get(keyOf('k'));
            if (typeof read?.data !== 'number') throw new Error('the counter is gone');
            try {
              await store.commit(keyOf('k'), read.revision, contentOf(read.data + 1));
              return;
            } catch (error) {
              if (!(error instanceof CommitConflict)) throw error;
            }
          }
        };
        await Promise.all(Array.from({ length: 20 }, addOne));
        expect((await store.get(keyOf('k')))?.data).to.equal(20);
      });

      it('shows readers whole records that never go back, and the new one once the commit resolves', async () => {
        const data = (n: number): Json => ({ n, text: `${n} `.repeat(2000) });
        await store.commit(keyOf('k'), 'absent', contentOf(data(1)));
        let done = false;
        const reader = async (): Promise<number> => {
          let last = 1;
          let reads = 0;
          while (!done) {
            const record = await store.get(keyOf('k'));
            if (record === undefined) throw new Error('the record vanished');
            expect(record.data).to.deep.equal(data(record.revision));
            expect(record.revision).to.be.at.least(last);
            last = record.revision;
            reads += 1;
            await new Promise((resolve) => setImmediate(resolve));
          }
          return reads;
        };
        const readers = Array.from({ length: 4 }, reader);
        for (let revision = 1; revision < 30; revision += 1) {
          await store.commit(keyOf('k'), revision, contentOf(data(revision + 1)));
          expect((await store.get(keyOf('k')))?.revision).to.equal(revision + 1);
        }
        done = true;
        for (const reads of await Promise.all(readers)) expect(reads).to.be.greaterThan(0);
      });
    });

    describe('data', () => {
      for (const [kind, text] of Object.entries(hostileTexts)) {
        it(`comes back as it went, with ${kind} as key, name, term, member and value`, async () => {
          const member: Json = Object.fromEntries([[text, text]]);
          const content = contentOf([text, member, { nested: [member] }], [text], [text]);
          await store.commit(keyOf(text), 'absent', content);
          const check = async (): Promise<void> => {
            expect(await store.get(keyOf(text))).to.deep.equal(recordOf(text, 1, content));
            expect(await store.keyOfName(text)).to.equal(text);
            expect(await keysOfTerm(store, text)).to.deep.equal([text]);
          };
          await check();
          store = await tested.reopen();
          await check();
        });
      }

      it('of keys that differ in one lone surrogate only stays apart', async () => {
        const keys = ['a\ud800b', 'a\udbffb', 'a\ufffdb'];
        for (const key of keys) await store.commit(keyOf(key), 'absent', contentOf(key, [key]));
        const reopened = await tested.reopen();
        for (const key of keys) expect((await reopened.get(keyOf(key)))?.data).to.equal(key);
      });

      it('may be any JSON value', async () => {
        const values: readonly Json[] = [
          null,
          true,
          false,
          0,
          -1.5,
          1e300,
          '',
          [],
          {},
          [[[]]],
          { a: { b: [null, { c: '' }] } },
        ];
        for (const [n, value] of values.entries())
          await store.commit(keyOf(`k${n}`), 'absent', contentOf(value));
        const reopened = await tested.reopen();
        for (const [n, value] of values.entries()) {
          expect((await reopened.get(keyOf(`k${n}`)))?.data).to.deep.equal(value);
        }
      });

      it('comes back as it went, whatever JSON it is', async () => {
        let revision = 0;
        await fc.assert(
          fc.asyncProperty(fc.jsonValue({ stringUnit: 'binary' }), async (value) => {
            // fast-check makes -0, which is no number of JSON.
            const data = JSON.parse(JSON.stringify(value)) as Json;
            await store.commit(keyOf('k'), revision === 0 ? 'absent' : revision, contentOf(data));
            revision += 1;
            store = await tested.reopen();
            expect((await store.get(keyOf('k')))?.data).to.deep.equal(data);
          }),
          { numRuns: 30 },
        );
      });

      it('cannot be changed by whoever read it or wrote it', async () => {
        const data = { list: [{ a: 1 }] };
        const names = ['n'];
        const committed = await store.commit(keyOf('k'), 'absent', { names, terms: [], data });
        data.list.push({ a: 2 });
        names.push('m');
        const read = await store.get(keyOf('k'));
        expect(await store.keyOfName('m')).to.equal(undefined);
        const reread = await (await tested.reopen()).get(keyOf('k'));
        for (const record of [committed, read, reread]) {
          expect(record).to.deep.equal(recordOf('k', 1, contentOf({ list: [{ a: 1 }] }, ['n'])));
          expect(record).to.be.frozen;
          expect(record?.names).to.be.frozen;
          expect(record?.terms).to.be.frozen;
          expect(record?.data).to.be.frozen;
          expect((record?.data as typeof data).list).to.be.frozen;
          expect((record?.data as typeof data).list[0]).to.be.frozen;
        }
      });
    });

    describe('reopening', () => {
      it('gives everything back', async () => {
        for (let n = 0; n < 50; n += 1) {
          await store.commit(keyOf(`k${n}`), 'absent', contentOf({ n }, [`n${n}`], [`t${n % 3}`]));
          if (n % 2 === 0)
            await store.commit(keyOf(`k${n}`), 1, contentOf({ n, again: true }, [`m${n}`], ['t']));
          if (n % 5 === 0) await store.remove(keyOf(`k${n}`), n % 2 === 0 ? 2 : 1);
        }
        const before = await snapshot(store);
        expect(await snapshot(await tested.reopen())).to.deep.equal(before);
      });

      it('gives what a model gives after any course of commits, removals and reopenings', async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(someStep, { maxLength: 25 }), async (steps) => {
            const fresh = await open();
            try {
              await walk(fresh, steps);
            } finally {
              await fresh.dispose();
            }
          }),
          { numRuns: 30 },
        );
      });
    });

    describe('close', () => {
      it('waits for the commits under way, also those that wait for their turn', async () => {
        const commits = Array.from({ length: 5 }, (_, n) =>
          store.commit(keyOf('k'), n === 0 ? 'absent' : n, contentOf(n)),
        );
        let closed = false;
        const closing = store.close().then(() => {
          closed = true;
        });
        for (const commit of commits) {
          await commit;
          expect(closed).to.equal(false);
        }
        await closing;
        expect((await (await tested.reopen()).get(keyOf('k')))?.revision).to.equal(5);
      });

      it('refuses every later read and write, and may be called again', async () => {
        await store.commit(keyOf('k'), 'absent', contentOf(1));
        await store.close();
        await store.close();
        expect(store.writable).to.equal(false);
        expect(await rejection(store.get(keyOf('k')))).to.be.instanceOf(StoreFailure);
        expect(await rejection(store.commit(keyOf('k'), 1, contentOf(2)))).to.be.instanceOf(StoreFailure);
        expect(await rejection(store.remove(keyOf('k'), 1))).to.be.instanceOf(StoreFailure);
        expect((await (await tested.reopen()).get(keyOf('k')))?.data).to.equal(1);
      });
    });
  });
}
