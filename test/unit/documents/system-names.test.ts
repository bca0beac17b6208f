import { expect } from 'chai';
import type { ETag, SystemName } from '../../../src/base/identifiers.js';
import { terms, termsOf } from '../../../src/documents/index-terms.js';
import type { DocumentState } from '../../../src/documents/state.js';
import { NamedStore, type NamedSystem } from '../../../src/documents/system-names.js';
import type { RecordKey } from '../../../src/store/store.js';
import { delivery, MemoryStore, ownState, receivedState } from '../interconnection/parts.js';
import { allKeys, keysOfTerm } from '../../support/store-lists.js';

const own = 'own' as SystemName;
const [x, y] = ['sip:gms@x.example', 'sip:gms@y.example'] as const;
const key = 'k' as RecordKey;

function system(name: string, identity: string): NamedSystem {
  return { name: name as SystemName, identity };
}

/** A state that mentions the system in every place that there is. */
function mentioning(name: string): DocumentState {
  return {
    ...receivedState('', name as SystemName),
    deliveries: { [name]: delivery() },
    sharedWith: [name],
    concerned: [name],
    tombstone: { etag: 't' as ETag, at: 0, system: name as SystemName },
  };
}

/** The systems that a state mentions. */
function mentioned({ received, deliveries, sharedWith, concerned, tombstone }: DocumentState): unknown[] {
  return [received?.system, ...Object.keys(deliveries), sharedWith, concerned, tombstone?.system].flat();
}

function five(name: string): string[] {
  return [name, name, name, name, name];
}

describe('design D20: records name MC systems by what identifies them', () => {
  let disk: MemoryStore;

  /** The system starts anew, with these peers. */
  const open = async (...peers: readonly NamedSystem[]): Promise<NamedStore> => {
    const store = await NamedStore.open(disk, own, peers);
    await store.keepNames();
    return store;
  };
  const keep = async (store: Pick<NamedStore, 'commit'>, state: DocumentState): Promise<void> => {
    await store.commit(key, 'absent', { names: [], terms: termsOf(state, []), data: state });
  };
  const shown = async (store: NamedStore): Promise<unknown[]> => {
    const record = await store.get(key);
    return record === undefined ? [] : mentioned(record.data);
  };
  const indexed = async (store: NamedStore, name: string): Promise<boolean> => {
    const found = [terms.pending(name), terms.receivedFrom(name)].map((term) => keysOfTerm(store, term));
    return (await Promise.all(found)).every((keys) => keys.includes(key));
  };

  beforeEach(() => {
    disk = new MemoryStore();
  });

  it('on disk stands the identity alone, in data and in index terms; readers see the name', async () => {
    const store = await open(system('b', x));
    await keep(store, mentioning('b'));
    const record = await disk.get(key);
    expect(record && mentioned(record.data)).to.deep.equal(five(x));
    expect(record?.terms).to.include.members([`pending:${x}`, `received-from:${x}`]);
    expect(await shown(store)).to.deep.equal(five('b'));
    expect((await store.labelsOf(key))?.terms).to.include.members(['pending:b', 'received-from:b']);
    expect(await indexed(store, 'b')).to.equal(true);
    expect(await keysOfTerm(store, 'usage:org.openmobilealliance.groups')).to.deep.equal([key]);
    expect(await allKeys(store), 'the record of names is nobody’s').to.deep.equal([key]);
    expect(await store.get(key), 'the same reading').to.equal(await store.get(key));
  });

  it('another name: readers see that, and find the record by it alone', async () => {
    await keep(await open(system('b', x)), mentioning('b'));
    const store = await open(system('brigade', x));
    expect(await shown(store)).to.deep.equal(five('brigade'));
    expect(await indexed(store, 'brigade')).to.equal(true);
    expect(await indexed(store, 'b')).to.equal(false);
  });

  it('names swapped: each system keeps its own', async () => {
    await keep(await open(system('b', x), system('c', y)), mentioning('b'));
    const store = await open(system('c', x), system('b', y));
    expect(await shown(store)).to.deep.equal(five('c'));
    expect(await indexed(store, 'b')).to.equal(false);
  });

  it('a system that is configured no more has its last name', async () => {
    await keep(await open(system('b', x)), mentioning('b'));
    await open(system('brigade', x));
    const store = await open();
    expect(await shown(store)).to.deep.equal(five('brigade'));
    expect(await indexed(store, 'brigade')).to.equal(true);
  });

  for (const [title, peers, name] of [
    ['another peer', [system('b', y)], own],
    ['this system', [], 'b' as SystemName],
  ] as const) {
    it(`its identity where the name is that of ${title}, under which it is found as well`, async () => {
      await keep(await open(system('b', x)), mentioning('b'));
      const store = await NamedStore.open(disk, name, peers);
      expect(await shown(store)).to.deep.equal(five(x));
      expect(await indexed(store, x)).to.equal(true);
      expect(await indexed(store, 'b')).to.equal(false);
    });
  }

  it('of two former systems of one name the later has it', async () => {
    await keep(await open(system('b', x)), mentioning('b'));
    const later = await open(system('b', y));
    await later.commit('l' as RecordKey, 'absent', { names: [], terms: [], data: mentioning('b') });
    const store = await open();
    expect(await shown(store)).to.deep.equal(five(x));
    expect((await store.get('l' as RecordKey))?.data.received?.system).to.equal('b');
  });

  it('a name in a record of an earlier version means the peer that had it when this version first started', async () => {
    await keep(disk, mentioning('b'));
    expect(await shown(await open(system('b', x)))).to.deep.equal(five('b'));
    const renamed = await open(system('brigade', x), system('b', y));
    expect(await shown(renamed)).to.deep.equal(five('brigade'));
    expect(await indexed(renamed, 'brigade')).to.equal(true);
    expect(await indexed(renamed, 'b')).to.equal(false);
  });

  it('or whoever has it, where nobody had it then', async () => {
    await keep(disk, mentioning('b'));
    expect(await shown(await open())).to.deep.equal(five('b'));
    const store = await open(system('b', x));
    expect(await shown(store)).to.deep.equal(five('b'));
    expect(await indexed(store, 'b')).to.equal(true);
  });

  it('names are written only where they changed', async () => {
    let commits = 0;
    disk.before = () => Promise.resolve(void (commits += 1));
    await open(system('b', x));
    await open(system('b', x));
    expect(commits).to.equal(1);
    await open(system('brigade', x));
    expect(commits).to.equal(2);
  });

  it('a group of our own mentions nobody and stays as it is', async () => {
    const store = await open(system('b', x));
    const state = ownState('text');
    await keep(store, state);
    expect((await disk.get(key))?.data).to.deep.equal(state);
  });
});
