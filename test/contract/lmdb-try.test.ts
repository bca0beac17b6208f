import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Environment } from '../../src/store/lmdb/environment.js';
import { LmdbStore } from '../../src/store/lmdb/lmdb-store.js';
import type { Json } from '../../src/store/store.js';
import { describeStoreContract, type StoreUnderTest } from './store-contract.js';

async function openStore(cacheBytes: number): Promise<StoreUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'mcgms-lmdb-'));
  let store: LmdbStore<Json>;
  const open = (): LmdbStore<Json> => {
    const environment = new Environment({ path: join(folder, 'store.mdb') });
    store = new LmdbStore<Json>({ environment, cacheBytes, onClosed: () => Promise.resolve() });
    return store;
  };
  return {
    store: open(),
    reopen: async () => {
      await store.close();
      return open();
    },
    dispose: async () => {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

describeStoreContract('LMDB', () => openStore(1 << 20));
describeStoreContract('LMDB, no cache', () => openStore(0));
