import { describeStoreContract, type StoreUnderTest } from './store-contract.js';
import { StoreFolder } from './store-folder.js';

async function openStore(cacheBytes: number): Promise<StoreUnderTest> {
  const folder = await StoreFolder.make();
  return {
    store: await folder.open({ cacheBytes }),
    reopen: async () => {
      await folder.closeAll();
      return folder.open({ cacheBytes });
    },
    dispose: () => folder.dispose(),
  };
}

describeStoreContract('embedded', () => openStore(1 << 20));
describeStoreContract('embedded, where the cache holds nothing and every read comes from the disk', () =>
  openStore(0),
);
