import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openLowdbStore } from '../../src/store/lowdb/lowdb-store.js';
import { StoreFailure, StoreUnusable, type Json, type Store } from '../../src/store/store.js';
import { keyOf } from '../contract/store-contract.js';
import { workState } from './store-child.js';
import { MemoryDisk, type Lie } from './store-disk.js';
import { seededFraction } from './store-seed.js';

const workers = 6;
const cutsPerDisk = 4;

/** What was acknowledged of each key: the sequence number of its state. */
type Acknowledged = Map<string, number>;

async function takeThrough(
  store: Store<Json>,
  key: string,
  from: number,
  acknowledged: Acknowledged,
): Promise<void> {
  for (let sequence = from; ; sequence += 1) {
    const state = workState(key, sequence);
    const record = await store.get(keyOf(key));
    if (state !== 'absent') await store.commit(keyOf(key), record?.revision ?? 'absent', state);
    else if (record !== undefined) await store.remove(keyOf(key), record.revision);
    acknowledged.set(key, sequence);
  }
}

/** The sequence number at which the store shows `key`, or undefined where it shows what it must not. */
async function foundAt(store: Store<Json>, key: string, acknowledged: number): Promise<number | undefined> {
  const record = await store.get(keyOf(key));
  for (const sequence of [acknowledged, acknowledged + 1]) {
    const state = workState(key, sequence);
    if (state === 'absent') {
      if (record === undefined) return sequence;
    } else if (JSON.stringify(record?.data) === JSON.stringify(state.data)) {
      const held = state.names.every((name) => store.keyOfName(name) === key);
      if (held) return sequence;
    }
  }
  return undefined;
}

describe('the store and power cuts', function () {
  this.timeout(30_000);
  const seed = Number(process.env['MCGMS_TEST_SEED'] ?? randomInt(2 ** 31));
  let outer: string;

  beforeEach(async () => {
    outer = await mkdtemp(join(tmpdir(), 'mcgms-cut-'));
  });

  afterEach(async () => {
    await rm(outer, { recursive: true });
  });

  /** Works on one disk through several power cuts; gives the first thing that went wrong. */
  const round = async (roundSeed: number, lie?: Lie): Promise<string | undefined> => {
    const fraction = seededFraction(roundSeed);
    // The lock is a socket in a real folder; everything else is on the disk in memory.
    let disk = MemoryDisk.holding(outer, fraction, lie);
    const acknowledged: Acknowledged = new Map();
    for (let cut = 0; cut <= cutsPerDisk; cut += 1) {
      let store: Store<Json>;
      if (fraction() < 0.3) disk.cutAfter(Math.floor(fraction() * 25));
      try {
        store = await openLowdbStore<Json>({ folder: outer, cacheBytes: 3000, calls: disk });
      } catch (error) {
        if (!(error instanceof StoreUnusable)) throw error;
        if (!disk.isCut) return `cut ${cut}: ${error.message}`;
        disk = disk.afterCut();
        continue;
      }
      disk.cutAfter(Infinity);
      for (let n = 0; n < workers; n += 1) {
        const found = await foundAt(store, `k${n}`, acknowledged.get(`k${n}`) ?? -1);
        if (found === undefined)
          return store.close().then(() => `cut ${cut}: k${n} lost what was acknowledged`);
        acknowledged.set(`k${n}`, found);
      }
      disk.cutAfter(cut === cutsPerDisk ? 0 : Math.floor(fraction() * 300));
      const work = Array.from({ length: workers }, (_, n) =>
        takeThrough(store, `k${n}`, (acknowledged.get(`k${n}`) ?? -1) + 1, acknowledged),
      );
      for (const outcome of await Promise.allSettled(work)) {
        if (outcome.status === 'rejected' && !(outcome.reason instanceof StoreFailure)) throw outcome.reason;
      }
      await store.close();
      disk = disk.afterCut();
    }
    return undefined;
  };

  const troubles = async (rounds: number, lie?: Lie): Promise<readonly string[]> => {
    const found: string[] = [];
    for (let n = 0; n < rounds; n += 1) {
      const trouble = await round(seed + n, lie);
      if (trouble !== undefined) found.push(`seed ${seed + n}: ${trouble}`);
    }
    return found;
  };

  it(`loses nothing that was acknowledged and opens again each time (seed ${seed})`, async () => {
    expect(await troubles(60)).to.deep.equal([]);
  });

  for (const lie of ['fsync', 'fsyncFolder'] as const) {
    it(`would be caught out by a disk whose ${lie} does nothing (seed ${seed})`, async () => {
      expect(await troubles(10, lie)).not.to.deep.equal([]);
    });
  }
});
