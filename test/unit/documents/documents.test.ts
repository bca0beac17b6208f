import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { firstDelivery } from '../../../src/interconnection/primary/delivery-state.js';
import type { Auid, Claim, DocumentName, ETag, SystemName, Xui } from '../../../src/base/identifiers.js';
import { systemRandom } from '../../../src/base/random.js';
import type { DocumentChange } from '../../../src/documents/commits.js';
import { Documents, NameTaken, type Decision } from '../../../src/documents/documents.js';
import { terms } from '../../../src/documents/index-terms.js';
import type { Delivery, DocumentState } from '../../../src/documents/state.js';
import { openStore } from '../../../src/store/lmdb/open-store.js';
import { StoreFailure, type RecordKey, type Store } from '../../../src/store/store.js';
import { claimOf } from '../../../src/xcap/usage.js';
import { ManualClock } from '../../support/manual-clock.js';
import { LaterStore } from '../../support/later-store.js';
import { allKeys } from '../../support/store-lists.js';
import { allOf } from '../../../src/base/soon.js';
import { documentTally } from '../../../src/documents/tally.js';

const auid = 'a' as Auid;
const key = 'a/global/byID/g' as DocumentName;
const alias = 'a/users/u/g' as DocumentName;

/** A store through which a test meddles with what is committed. */
class WatchedStore implements Store<DocumentState> {
  readonly inner: Store<DocumentState>;
  /** Runs before each commit or removal. */
  before: () => Promise<void> = () => Promise.resolve();

  constructor(inner: Store<DocumentState>) {
    this.inner = inner;
  }

  get: Store<DocumentState>['get'] = (recordKey) => this.inner.get(recordKey);
  keyOfName: Store<DocumentState>['keyOfName'] = (name) => this.inner.keyOfName(name);
  keysOfTerm: Store<DocumentState>['keysOfTerm'] = (...given) => this.inner.keysOfTerm(...given);
  labelsOf: Store<DocumentState>['labelsOf'] = (recordKey) => this.inner.labelsOf(recordKey);
  keys: Store<DocumentState>['keys'] = (page) => this.inner.keys(page);
  sumOf: Store<DocumentState>['sumOf'] = (account) => this.inner.sumOf(account);
  sumsOf: Store<DocumentState>['sumsOf'] = (...given) => this.inner.sumsOf(...given);

  commit: Store<DocumentState>['commit'] = async (recordKey, expected, content) => {
    await this.before();
    return await this.inner.commit(recordKey, expected, content);
  };

  remove: Store<DocumentState>['remove'] = async (recordKey, expected) => {
    await this.before();
    await this.inner.remove(recordKey, expected);
  };

  get writable(): boolean {
    return this.inner.writable;
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

function delivery(status: Delivery['status']): Delivery {
  return { ...firstDelivery, status };
}

for (const [way, as] of [
  ['at once', (store: Store<DocumentState>) => store],
  ['later', (store: Store<DocumentState>) => new LaterStore(store)],
] as const) {
  describe(`Documents over a store that answers ${way}`, () => {
    let folder: string;
    let store: WatchedStore;
    let documents: Documents;
    let changes: DocumentChange[];
    const clock = new ManualClock();

    async function openWatched(): Promise<WatchedStore> {
      const options = { folder: join(folder, 'data'), cacheBytes: 1 << 20, tally: documentTally };
      return new WatchedStore(await openStore<DocumentState>(options));
    }

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'mcgms-documents-'));
      store = await openWatched();
      documents = new Documents(as(store), clock, systemRandom, 1 << 20);
      changes = [];
      documents.addListener((change) => changes.push(change));
    });

    afterEach(async () => {
      await store.close();
      await rm(folder, { recursive: true });
    });

    function putting(body: string, names: readonly DocumentName[] = [key, alias]): Decision<ETag> {
      const current = documents.newForm(body);
      return {
        kind: 'put',
        placement: { key: names[0] ?? key, names },
        content: { auid, current, received: null },
        result: () => current.etag,
      };
    }

    /** Puts a document; where `deliveries` are given, they then stand beside it. */
    async function put(body: string, deliveries?: DocumentState['deliveries']): Promise<ETag> {
      const etag = await documents.change(key, () => putting(body));
      if (deliveries !== undefined) await documents.amend(key, ({ state }) => ({ ...state, deliveries }));
      return etag;
    }

    it('are found by each of their names, as they were put', async () => {
      const etag = await put('<a>é\r\n</a>');
      for (const name of [key, alias]) {
        const form = (await documents.find(name))?.state.current ?? expect.fail('not found');
        expect(form.etag).to.equal(etag);
        expect(form.modified).to.equal(clock.now());
        expect(documents.bytesOf(form).toString()).to.equal('<a>é\r\n</a>');
        expect(documents.treeOf(form).tree.name).to.equal('a');
      }
      expect(await documents.find('a/global/byID/other' as DocumentName)).to.equal(undefined);
      expect(await documents.isTaken(alias)).to.equal(true);
      expect(await allOf(documents.keysOf(terms.usage(auid)))).to.deep.equal([key]);
    });

    it('never use an entity tag twice, the same body or not, deleted in between or not', async () => {
      const tags = [await put('<a/>'), await put('<b/>'), await put('<a/>'), await put('<a/>')];
      await documents.change(key, () => ({ kind: 'delete', result: undefined }));
      tags.push(await put('<a/>'));
      expect(new Set(tags).size).to.equal(tags.length);
    });

    it('RFC 9110 §8.8.2.2 know of a former state that has the same date, over a restart and a removal too', async () => {
      const other = async (): Promise<number | undefined> => (await documents.find(key))?.form?.otherUntil;
      const remove = (): Promise<void> =>
        documents.change(key, () => ({ kind: 'delete', result: undefined }));
      clock.advance(1000 - (clock.now() % 1000));
      const first = clock.now();
      await put('<a/>');
      expect(await other()).to.equal(undefined);
      clock.advance(10);
      await put('<b/>');
      expect(await other()).to.equal(first);
      await store.close();
      store = await openWatched();
      documents = new Documents(as(store), clock, systemRandom, 1 << 20);
      expect(await other()).to.equal(first);
      clock.advance(1000);
      const third = clock.now();
      await put('<c/>');
      expect(await other()).to.equal(undefined);
      await remove();
      await put('<d/>');
      expect(await other()).to.equal(third);
      clock.advance(1000);
      await remove();
      clock.advance(1000);
      await put('<e/>');
      expect(await other()).to.equal(undefined);
      const last = clock.now();
      clock.jump(-5000);
      await put('<f/>');
      expect(await other(), 'the clock was set back').to.equal(last);
      clock.advance(1000);
      await put('<g/>');
      expect(await other(), 'and is still behind').to.equal(last);
    });

    it('are decided on the state that is replaced, one decision after the other', async () => {
      await put('<a></a>');
      await Promise.all(
        Array.from({ length: 20 }, (_, number) =>
          documents.change(number % 2 === 0 ? key : alias, (current) => {
            const body = current?.state.current?.body ?? '';
            return putting(body.replace('</a>', `<n>${number}</n></a>`));
          }),
        ),
      );
      const body = (await documents.find(key))?.state.current?.body ?? '';
      expect(body.match(/<n>/g)).to.have.length(20);
    });

    it('stay as they are where a decision refuses', async () => {
      const etag = await put('<a/>');
      changes.length = 0;
      const refusal = new Error('refused');
      const attempt = documents.change(key, () => {
        throw refusal;
      });
      expect(await attempt.catch((error: unknown) => error)).to.equal(refusal);
      expect(await documents.change(key, () => ({ kind: 'keep', result: 'kept' }))).to.equal('kept');
      expect((await documents.find(key))?.state.current?.etag).to.equal(etag);
      expect(changes).to.deep.equal([]);
    });

    it('tell a change after the commit: what was, what is, under which names', async () => {
      const first = await put('<a/>');
      const second = await put('<b/>');
      await documents.change(alias, () => ({ kind: 'delete', result: undefined }));
      expect(changes.map(({ before, after }) => [before?.etag, after?.etag])).to.deep.equal([
        [undefined, first],
        [first, second],
        [second, undefined],
      ]);
      for (const change of changes) {
        expect(change).to.include({ key, auid });
        expect(change.names).to.have.members([key, alias]);
      }
    });

    it('tell nothing before the commit, and nothing where the store refuses', async () => {
      store.before = () => {
        expect(changes).to.deep.equal([]);
        throw new StoreFailure('no room', { full: true });
      };
      const error = await put('<a/>').catch((failure: unknown) => failure);
      expect(error).to.be.instanceOf(StoreFailure);
      expect(changes).to.deep.equal([]);
      expect(await documents.find(key)).to.equal(undefined);
    });

    it('tell nothing where only what belongs to the document changed', async () => {
      const etag = await put('<a/>');
      changes.length = 0;
      const deliveries = { fire: delivery('delivered') };
      await documents.amend(key, ({ state }) => ({ ...state, deliveries }));
      expect((await documents.find(key))?.state).to.deep.include({ deliveries });
      await documents.change(key, (current) => {
        const { current: form = null, received = null } = current?.state ?? {};
        const content = { auid, current: form, received };
        return { kind: 'put', placement: { key, names: [key] }, content, result: () => 0 };
      });
      expect((await documents.find(key))?.state).to.deep.include({ deliveries });
      expect((await documents.find(key))?.state.current?.etag).to.equal(etag);
      expect(changes).to.deep.equal([]);
    });

    it('take what hooks add into the same commit, in the order of their registration', async () => {
      const seen: string[] = [];
      for (const system of ['fire', 'rescue']) {
        documents.addHook((recordKey, before, after) => {
          seen.push(
            `${system} ${recordKey} ${before?.current?.body ?? '-'} ${Object.keys(after.deliveries).join()}`,
          );
          return { ...after, deliveries: { ...after.deliveries, [system]: delivery('pending') } };
        });
      }
      await put('<a/>');
      expect(seen).to.deep.equal([`fire ${key} - `, `rescue ${key} - fire`]);
      expect(await allOf(documents.keysOf(terms.pending('fire')))).to.deep.equal([key]);
      expect(await allOf(documents.keysOf(terms.pending('rescue')))).to.deep.equal([key]);
      expect((await documents.get(key))?.revision).to.equal(1);
    });

    it('keep the record of a deleted document while partners are to be told, under its key alone', async () => {
      await put('<a/>', { fire: delivery('pending') });
      await documents.change(alias, () => ({ kind: 'delete', result: undefined }));
      expect(await documents.isTaken(alias)).to.equal(false);
      const tombstone = await documents.find(key);
      expect(tombstone?.state).to.deep.include({ current: null, received: null });
      expect(await allOf(documents.keysOf(terms.pending('fire')))).to.deep.equal([key]);
    });

    it('are put without a word about what stands beside them, which stays', async () => {
      const beside = {
        deliveries: { fire: delivery('delivered'), port: delivery('pending') },
        sharedWith: ['port'],
        concerned: ['fire', 'port'],
      };
      await put('<a/>');
      await documents.amend(key, ({ state }) => ({ ...state, ...beside }));
      for (const name of [key, alias]) {
        await documents.change(name, () => putting('<b/>'));
        expect((await documents.find(key))?.state).to.deep.include(beside);
      }
    });

    describe('that are deleted (design D16)', () => {
      const remove = async (): Promise<void> => {
        await documents.change(key, () => ({ kind: 'delete', result: undefined }));
      };

      it('leave nothing where no other system is concerned', async () => {
        await put('<a/>');
        await remove();
        expect(await documents.get(key)).to.equal(undefined);
        expect(await allKeys(store)).to.deep.equal([]);
      });

      it('leave a tombstone with the last tag for as long as a partner is owed or may ask', async () => {
        const etag = await put('<a/>', { fire: delivery('pending') });
        await documents.amend(key, ({ state }) => ({ ...state, concerned: ['fire'], sharedWith: ['fire'] }));
        await remove();
        const tombstone = { etag, at: clock.now(), system: null };
        const left = (await documents.get(key))?.state;
        expect(left).to.deep.equal({
          auid,
          current: null,
          received: null,
          deliveries: { fire: delivery('pending') },
          concerned: ['fire'],
          tombstone,
        });
        expect(await allOf(documents.keysOf(terms.tombstone))).to.deep.equal([key]);
        await documents.amend(key, ({ state }) => ({ ...state, deliveries: {} }));
        expect((await documents.get(key))?.state.tombstone, 'it may ask').to.deep.equal(tombstone);
        await documents.amend(key, ({ state }) => ({ ...state, concerned: [] }));
        expect(await documents.get(key), 'nobody is concerned any more').to.equal(undefined);
      });

      it('leave one of a received document, with a tag of its own', async () => {
        const current = documents.newForm('<a/>');
        const received = { ...current, system: 'fire' as SystemName, upstreamETag: null, modifications: [] };
        await documents.change(key, () => ({
          kind: 'put',
          placement: { key, names: [key] },
          content: { auid, current, received },
          result: () => undefined,
        }));
        await remove();
        const left = (await documents.get(key))?.state;
        expect(left).to.deep.include({ current: null, received: null });
        expect(left?.tombstone).to.deep.include({ at: clock.now(), system: 'fire' });
        expect(left?.tombstone?.etag).not.to.equal(current.etag);
        await put('<b/>');
        expect((await documents.get(key))?.state).not.to.have.property('tombstone');
      });

      it('are found again with what is owed when they are put through another name', async () => {
        await put('<a/>', { fire: delivery('pending') });
        await documents.amend(key, ({ state }) => ({ ...state, concerned: ['fire'] }));
        await remove();
        const other = 'a/users/u/other' as DocumentName;
        await documents.change(other, () => putting('<b/>', [key, other]));
        const { state } = (await documents.find(other)) ?? expect.fail('it is not found');
        expect(state).to.deep.include({ deliveries: { fire: delivery('pending') }, concerned: ['fire'] });
        expect(state).not.to.have.property('tombstone');
      });
    });

    it('come again in the place of a deleted one, also under another name', async () => {
      await put('<a/>', { fire: delivery('pending') });
      await documents.change(key, () => ({ kind: 'delete', result: undefined }));
      const other = 'a/users/u/other' as DocumentName;
      const etag = await documents.change(other, (current) => {
        expect(current).to.equal(undefined);
        return putting('<b/>', [key, other]);
      });
      expect((await documents.find(other))?.state.current?.etag).to.equal(etag);
      expect((await documents.find(other))?.key).to.equal(key);
      expect(changes.at(-1)).to.deep.include({ before: undefined });
    });

    it('are refused where the key or a name belongs to another document', async () => {
      const etag = await put('<a/>');
      const other = 'a/global/byID/h' as DocumentName;
      for (const names of [
        [key, 'a/users/u/new' as DocumentName],
        [other, alias],
      ]) {
        const name = names[1] === alias ? other : (names[1] ?? other);
        const error = await documents
          .change(name, () => putting('<b/>', names))
          .catch((failure: unknown) => failure);
        expect(error).to.be.instanceOf(NameTaken);
      }
      expect((await documents.find(key))?.state.current?.etag).to.equal(etag);
      expect(await documents.isTaken(other)).to.equal(false);
    });

    describe('with claims', () => {
      const [one, two] = ['a/users/u/one', 'a/users/u/two'] as DocumentName[] as [DocumentName, DocumentName];
      const claim = claimOf(auid, 'field', 'value');

      async function claiming(name: DocumentName, claims: readonly Claim[]): Promise<unknown> {
        const put = putting('<a/>', [name]);
        if (put.kind !== 'put') throw new TypeError('a put is meant');
        const decision = { ...put, placement: { ...put.placement, claims } };
        return await documents.change(name, () => decision).catch((error: unknown) => error);
      }

      it('are refused where another document holds one, which is told', async () => {
        await claiming(one, [claim]);
        const error = await claiming(two, [claimOf(auid, 'field', 'free'), claim]);
        expect(error).to.be.instanceOf(NameTaken).and.to.have.property('names').that.deep.equals([claim]);
        expect(await documents.isTaken(two)).to.equal(false);
        expect(await documents.isTaken(claimOf(auid, 'field', 'free'))).to.equal(false);
      });

      it('do not show them as names', async () => {
        await claiming(one, [claim]);
        expect((await documents.find(one))?.names).to.deep.equal([one]);
        expect(changes.at(-1)?.names).to.deep.equal([one]);
      });

      it('give them up when they are replaced, or deleted', async () => {
        await claiming(one, [claim]);
        await claiming(one, []);
        expect(await documents.isTaken(claim)).to.equal(false);
        await claiming(two, [claim]);
        await documents.change(two, () => ({ kind: 'delete', result: undefined }));
        expect(await documents.isTaken(claim)).to.equal(false);
        await claiming(one, [claim]);
        expect((await documents.find(one))?.names).to.deep.equal([one]);
      });

      it('keep them where only what stands beside the document is amended', async () => {
        await claiming(one, [claim]);
        await documents.amend(one, ({ state }) => ({ ...state, deliveries: { fire: delivery('pending') } }));
        expect(await documents.isTaken(claim)).to.equal(true);
        expect(await claiming(two, [claim])).to.be.instanceOf(NameTaken);
      });

      it('give one of two that race for a claim its way', async () => {
        const results = await Promise.all([claiming(one, [claim]), claiming(two, [claim])]);
        expect(results.filter((result) => result instanceof NameTaken)).to.have.lengthOf(1);
      });
    });

    it('are summed up without being read, in each tree where they have a name', async () => {
      const etag = await put('<a>é</a>');
      store.get = () => Promise.reject(new Error('read'));
      const summary = { key, names: [key, alias], etag, modified: clock.now(), size: 9 };
      const inTrees = [
        terms.tree({ tree: 'global', xui: undefined }),
        terms.tree({ tree: 'users', xui: 'u' as Xui }),
      ];
      for (const term of [...inTrees, terms.usage(auid)]) {
        expect(await allOf(documents.summariesOf(term)), term).to.deep.equal([summary]);
      }
      expect(
        await allOf(documents.summariesOf(terms.tree({ tree: 'users', xui: 'v' as Xui }))),
      ).to.deep.equal([]);
    });

    it('are summed up no more once they are deleted, even while partners are to be told', async () => {
      await put('<a/>', { fire: delivery('delivered') });
      await documents.change(key, () => ({ kind: 'delete', result: undefined }));
      expect(await allOf(documents.keysOf(terms.usage(auid)))).to.deep.equal([key]);
      expect(await allOf(documents.summariesOf(terms.usage(auid)))).to.deep.equal([]);
      expect(
        await allOf(documents.summariesOf(terms.tree({ tree: 'global', xui: undefined }))),
      ).to.deep.equal([]);
    });

    it('have another generation after each commit, and after nothing else', async () => {
      const before = documents.generation;
      await put('<a/>');
      const after = documents.generation;
      expect(after).to.be.above(before);
      await documents.change(key, () => ({ kind: 'keep', result: undefined }));
      await documents.find(key);
      expect(documents.generation).to.equal(after);
      await documents.change(key, () => ({ kind: 'delete', result: undefined }));
      expect(documents.generation).to.be.above(after);
    });

    describe('amended', () => {
      const amended = { fire: delivery('delivered') };

      it('keep form and names, and clients hear nothing of it', async () => {
        const etag = await put('<a/>', { fire: delivery('pending') });
        const heard = changes.length;
        const stored = await documents.amend(alias, ({ state }) => ({ ...state, deliveries: amended }));
        expect(stored).to.deep.include({ key, names: [key, alias], revision: 3 });
        expect(stored?.form?.etag).to.equal(etag);
        expect((await documents.find(alias))?.state.deliveries).to.deep.equal(amended);
        expect(changes.length).to.equal(heard);
      });

      it('stay as they are where nothing is to be amended, or nothing is there', async () => {
        const unknown = await documents.amend(key, () => expect.fail('asked about no document'));
        expect(unknown).to.equal(undefined);
        await put('<a/>');
        expect((await documents.amend(key, () => undefined))?.revision).to.equal(1);
        expect((await documents.find(key))?.revision).to.equal(1);
      });

      it('pass the commit hooks', async () => {
        await put('<a/>');
        documents.addHook((_key, _before, after) => ({ ...after, deliveries: amended }));
        const stored = await documents.amend(key, ({ state }) => ({ ...state }));
        expect(stored?.state.deliveries).to.deep.equal(amended);
      });

      it('are judged again where another process changed the record meanwhile', async () => {
        await put('<a/>');
        store.before = async () => {
          store.before = () => Promise.resolve();
          const record = (await store.inner.get(key as string as RecordKey)) ?? expect.fail();
          const data = { ...record.data, current: documents.newForm('<theirs/>') };
          await store.inner.commit(record.key, record.revision, { ...record, data });
        };
        const stored = await documents.amend(key, ({ state }) => ({ ...state, deliveries: amended }));
        expect(stored?.form?.body).to.equal('<theirs/>');
        expect((await documents.find(key))?.state).to.deep.include({ deliveries: amended });
      });

      it('go where they are deleted and nobody is left to be told', async () => {
        await put('<a/>', { fire: delivery('delivered') });
        await documents.change(key, () => ({ kind: 'delete', result: undefined }));
        const stored = await documents.amend(key, ({ state }) => ({ ...state, deliveries: {} }));
        expect(stored?.state.deliveries).to.deep.equal({});
        expect(await documents.find(key)).to.equal(undefined);
      });
    });

    it('are decided anew where another process changed the record meanwhile', async () => {
      await put('<a/>');
      const bodies: string[] = [];
      let meddled = false;
      store.before = async () => {
        if (meddled) return;
        meddled = true;
        const record = (await store.inner.get(key as string as RecordKey)) ?? expect.fail();
        const current = documents.newForm('<theirs/>');
        await store.inner.commit(record.key, record.revision, {
          ...record,
          data: { ...record.data, current },
        });
      };
      await documents.change(key, (current) => {
        bodies.push(current?.state.current?.body ?? '');
        return putting('<ours/>');
      });
      expect(bodies).to.deep.equal(['<a/>', '<theirs/>']);
      expect((await documents.find(key))?.state.current?.body).to.equal('<ours/>');
    });

    it('are given up where others keep changing the record: that is of the moment, not of the name', async () => {
      await put('<a/>');
      store.before = async () => {
        const record = (await store.inner.get(key as string as RecordKey)) ?? expect.fail();
        await store.inner.commit(record.key, record.revision, record);
      };
      const error = await put('<b/>').catch((failure: unknown) => failure);
      expect(error).to.be.instanceOf(StoreFailure).with.property('full', false);
      expect((await documents.find(key))?.state.current?.body).to.equal('<a/>');
    });

    it('are located once per form, within the bound of the cache', async () => {
      await put('<a/>');
      const form = (await documents.find(key))?.state.current ?? expect.fail();
      expect(documents.treeOf(form)).to.equal(documents.treeOf(form));
      const uncached = new Documents(as(store), clock, systemRandom, 0);
      expect(uncached.treeOf(form)).not.to.equal(uncached.treeOf(form));
      expect(uncached.bytesOf(form)).to.deep.equal(documents.bytesOf(form));
    });

    it('stay readable where a limit is lowered later', () => {
      const form = documents.newForm('<a>'.repeat(1000) + '</a>'.repeat(1000));
      expect(documents.treeOf(form).tree.name).to.equal('a');
    });

    it('do not outlive their store', async () => {
      await put('<a/>');
      expect(documents.writable).to.equal(true);
      await store.close();
      expect(documents.writable).to.equal(false);
      expect(await put('<b/>').catch((error: unknown) => error)).to.be.instanceOf(StoreFailure);
    });
  });
}
