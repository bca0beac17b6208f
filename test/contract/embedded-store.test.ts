import type { Json, Store } from '../../src/store/store.js';
import { LaterStore } from '../support/later-store.js';
import { contractTally, describeStoreContract, type StoreUnderTest } from './store-contract.js';
import { StoreFolder } from './store-folder.js';

async function openStore(
  cacheBytes: number,
  as: (store: Store<Json>) => Store<Json> = (store) => store,
): Promise<StoreUnderTest> {
  const folder = await StoreFolder.make();
  // The check of a file has tests of its own, and takes a process of its own each time.
  const options = { cacheBytes, check: false, tally: contractTally };
  return {
    store: as(await folder.open(options)),
    reopen: async () => {
      await folder.closeAll();
      return as(await folder.open(options));
    },
    dispose: () => folder.dispose(),
  };
}

describeStoreContract('embedded', () => openStore(1 << 20));
describeStoreContract('embedded, where the cache holds nothing and every read comes from the disk', () =>
  openStore(0),
);
describeStoreContract('embedded, where every answer comes later', () =>
  openStore(1 << 20, (store) => new LaterStore(store)),
);
