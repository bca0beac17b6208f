import { describeStoreContract, type StoreUnderTest } from './store-contract.js';
import { StoreFolder } from './store-folder.js';

async function openStore(cacheBytes: number): Promise<StoreUnderTest> {
  const folder = await StoreFolder.make();
  // The check of a file has tests of its own, and takes a process of its own each time.
  const options = { cacheBytes, check: false };
  return {
    store: await folder.open(options),
    reopen: async () => {
      await folder.closeAll();
      return folder.open(options);
    },
    dispose: () => folder.dispose(),
  };
}

describeStoreContract('embedded', () => openStore(1 << 20));
describeStoreContract('embedded, where the cache holds nothing and every read comes from the disk', () =>
  openStore(0),
);
