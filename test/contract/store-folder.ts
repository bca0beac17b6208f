import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type StoreOptions } from '../../src/store/lmdb/open-store.js';
import type { Json, Store } from '../../src/store/store.js';

/** A temporary folder, the data folder inside it that no store has made yet, and the stores opened there. */
export class StoreFolder {
  readonly path: string;
  readonly #outer: string;
  readonly #opened: Store<Json>[] = [];

  private constructor(outer: string) {
    this.#outer = outer;
    this.path = join(outer, 'data');
  }

  static async make(): Promise<StoreFolder> {
    return new StoreFolder(await mkdtemp(join(tmpdir(), 'mcgms-store-')));
  }

  async open(options: Partial<StoreOptions> = {}): Promise<Store<Json>> {
    const store = await openStore<Json>({ folder: this.path, cacheBytes: 1 << 20, ...options });
    this.#opened.push(store);
    return store;
  }

  async closeAll(): Promise<void> {
    for (const store of this.#opened.splice(0)) await store.close();
  }

  async dispose(): Promise<void> {
    await this.closeAll();
    await rm(this.#outer, { recursive: true });
  }
}
