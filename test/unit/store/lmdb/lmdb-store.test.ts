import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Environment } from '../../../../src/store/lmdb/environment.js';
import { LmdbStore } from '../../../../src/store/lmdb/lmdb-store.js';
import { idOf } from '../../../../src/store/lmdb/record-format.js';
import { CommitConflict, StoreFailure, type Json } from '../../../../src/store/store.js';
import { contentOf, keyOf, rejection } from '../../../contract/store-contract.js';
import { allKeys, keysOfTerm } from '../../../support/store-lists.js';

/** A gate before each batch: the medium waits, or refuses. */
class Gate {
  #open: () => void = () => undefined;
  #waiting: Promise<boolean> | undefined;
  #arrive: () => void = () => undefined;

  /** The next batch waits; `reached` tells when it does. */
  hold(): { readonly reached: Promise<void>; readonly release: () => void } {
    this.#waiting = new Promise((resolve) => {
      this.#open = () => {
        resolve(true);
      };
    });
    const reached = new Promise<void>((resolve) => (this.#arrive = resolve));
    return {
      reached,
      release: () => {
        this.#open();
      },
    };
  }

  readonly mayWrite = (): boolean | Promise<boolean> => {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#arrive();
    return waiting ?? true;
  };
}

describe('The embedded store (design D4)', () => {
  let folder: string;
  let gate: Gate;
  let environment: Environment;
  let store: LmdbStore<Json>;

  const open = (cacheBytes: number): void => {
    environment = new Environment({ path: join(folder, 'store.mdb'), mayWrite: gate.mayWrite });
    store = new LmdbStore<Json>({ environment, cacheBytes, onClosed: () => Promise.resolve() });
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-lmdb-'));
    gate = new Gate();
  });

  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  for (const [situation, cacheBytes] of [
    ['the record is in the cache', 1 << 20],
    ['the cache holds nothing', 0],
  ] as const) {
    describe(`readers during a commit, when ${situation}`, () => {
      beforeEach(() => {
        open(cacheBytes);
      });

      it('have the former state, names and terms until the new ones are durable', async () => {
        await store.commit(keyOf('k'), 'absent', contentOf('old', ['old'], ['old term']));
        const { reached, release } = gate.hold();
        const commit = store.commit(keyOf('k'), 1, contentOf('new', ['new'], ['new term']));
        await reached;
        expect((await store.get(keyOf('k')))?.data).to.equal('old');
        expect([store.keyOfName('old'), store.keyOfName('new')]).to.deep.equal(['k', undefined]);
        expect([await keysOfTerm(store, 'old term'), await keysOfTerm(store, 'new term')]).to.deep.equal([
          ['k'],
          [],
        ]);
        expect(store.labelsOf(keyOf('k'))?.names).to.deep.equal(['old']);
        release();
        await commit;
        expect((await store.get(keyOf('k')))?.data).to.equal('new');
        expect([store.keyOfName('old'), store.keyOfName('new')]).to.deep.equal([undefined, 'k']);
        expect([await keysOfTerm(store, 'old term'), await keysOfTerm(store, 'new term')]).to.deep.equal([
          [],
          ['k'],
        ]);
      });

      it('find nothing of a new record until it is durable, and its name is reserved', async () => {
        const { reached, release } = gate.hold();
        const commit = store.commit(keyOf('k'), 'absent', contentOf('new', ['name']));
        await reached;
        expect(await store.get(keyOf('k'))).to.equal(undefined);
        expect(await allKeys(store)).to.deep.equal([]);
        const error = await rejection(store.commit(keyOf('other'), 'absent', contentOf('x', ['name'])));
        expect(error).to.be.instanceOf(CommitConflict);
        release();
        await commit;
      });

      it('have the record until its removal is durable, and its name is not free before', async () => {
        await store.commit(keyOf('k'), 'absent', contentOf('old', ['name']));
        const { reached, release } = gate.hold();
        const removal = store.remove(keyOf('k'), 1);
        await reached;
        expect((await store.get(keyOf('k')))?.data).to.equal('old');
        const error = await rejection(store.commit(keyOf('other'), 'absent', contentOf('x', ['name'])));
        expect(error).to.be.instanceOf(CommitConflict);
        release();
        await removal;
        await store.commit(keyOf('other'), 'absent', contentOf('x', ['name']));
        expect(await store.get(keyOf('k'))).to.equal(undefined);
      });

      it('of the same turn as the end of a commit do not keep its former state in the cache', async () => {
        await store.commit(keyOf('k'), 'absent', contentOf(0));
        for (let revision = 1; revision < 30; revision += 1) {
          const commit = store.commit(keyOf('k'), revision, contentOf(revision));
          const outcome = { done: false };
          void commit.then(() => (outcome.done = true));
          while (!outcome.done) {
            await store.get(keyOf('k'));
            await new Promise(setImmediate);
          }
          expect((await store.get(keyOf('k')))?.data).to.equal(revision);
        }
      });
    });
  }

  it('serialises the commits of one key and lets other keys pass', async () => {
    open(0);
    const { reached, release } = gate.hold();
    const order: string[] = [];
    const note = (word: string) => (): void => void order.push(word);
    const first = store.commit(keyOf('k'), 'absent', contentOf(1)).then(note('first'));
    await reached;
    const second = store.commit(keyOf('k'), 1, contentOf(2)).then(note('second'));
    const other = store.commit(keyOf('other'), 'absent', contentOf(3)).then(note('other'));
    release();
    await Promise.all([first, second, other]);
    expect(order[0]).to.equal('first');
    expect(order).to.have.members(['first', 'second', 'other']);
  });

  it('fails the readers and writers of a record that is damaged behind its back, and nobody else', async () => {
    open(0);
    await store.commit(keyOf('a'), 'absent', contentOf('a', ['name a']));
    await store.commit(keyOf('b'), 'absent', contentOf('b', ['name b']));
    await environment.write(1, (writing) => {
      writing.put('labels', idOf('a'), Buffer.alloc(40));
    });
    const error = await rejection(store.get(keyOf('a')));
    expect(error).to.be.instanceOf(StoreFailure);
    expect((error as StoreFailure).message, 'no key of a client').to.match(
      /record of [0-9a-f]{32}: the checksum/,
    );
    // A name leads to its key without the labels; its own entry is damaged on its own.
    expect(store.keyOfName('name a')).to.equal('a');
    await environment.write(1, (writing) => {
      writing.put('names', idOf('name c'), Buffer.alloc(40));
    });
    expect(() => store.keyOfName('name c')).to.throw(StoreFailure, /the checksum/);
    expect(await rejection(store.commit(keyOf('a'), 1, contentOf('x')))).to.be.instanceOf(StoreFailure);
    expect((await store.get(keyOf('b')))?.data).to.equal('b');
    await store.commit(keyOf('b'), 1, contentOf('b2'));
    expect(store.writable).to.equal(true);
  });

  it('serves from its cache what was committed or read before, and keeps no more octets than it was given', async () => {
    open(20_000);
    for (let n = 0; n < 10; n += 1) await store.commit(keyOf(`k${n}`), 'absent', contentOf('x'.repeat(5000)));
    const last = await store.get(keyOf('k9'));
    expect(await store.get(keyOf('k9')), 'the same object').to.equal(last);
    const first = await store.get(keyOf('k0'));
    expect(first?.data).to.have.length(5000);
    for (let n = 1; n < 10; n += 1) await store.get(keyOf(`k${n}`));
    expect(await store.get(keyOf('k0')), 'read anew').not.to.equal(first);
  });

  it('lists more keys than it looks up at a time', async () => {
    open(0);
    await Promise.all(
      Array.from({ length: 600 }, (_, n) =>
        store.commit(keyOf(`k${n}`), 'absent', contentOf(n, [], ['all'])),
      ),
    );
    expect(new Set(await allKeys(store)).size).to.equal(600);
    expect(await keysOfTerm(store, 'all')).to.have.length(600);
  });
});
