import { mkdirSync } from 'node:fs';
import { open, type RootDatabase } from 'lmdb';

/**
 * The least that a durable write can be: LMDB with the options of the store, one entry for each write. No checksum,
 * no index, no condition. What the store achieves is compared with this.
 */
export class BareEngine {
  readonly #root: RootDatabase<Buffer, string>;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    const options = { noSubdir: true, encoding: 'binary', overlappingSync: false } as const;
    this.#root = open<Buffer, string>({ path: `${folder}/bare.mdb`, ...options });
  }

  /** Replaces the value of `name`; resolves when it is on disk. */
  async replace(name: string, bytes: Uint8Array): Promise<void> {
    await this.#root.put(name, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  close(): void {
    void this.#root.close();
  }
}
