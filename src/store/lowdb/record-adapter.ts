import type { Adapter } from 'lowdb';
import { errorCode } from '../file-calls.js';
import type { StoreRecord } from '../store.js';
import type { DurableFolder } from './durable-folder.js';
import { decodeRecord, encodeRecord } from './record-format.js';

/** The lowdb adapter of one record, whose file it is; no file stands for null. `Low` holds the record's state. */
export class RecordAdapter<T> implements Adapter<StoreRecord<T> | null> {
  readonly #folder: DurableFolder;
  readonly #name: string;
  #length = 0;

  constructor(folder: DurableFolder, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  /** The size in bytes of what was read or written last. */
  get length(): number {
    return this.#length;
  }

  /**
   * The record on disk, or null where there is none.
   *
   * @throws DamagedRecord where the file is not what was written
   */
  async read(): Promise<StoreRecord<T> | null> {
    let bytes: Buffer;
    try {
      bytes = await this.#folder.read(this.#name);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return null;
      throw error;
    }
    this.#length = bytes.length;
    // The checksum vouches that the data is what was once written as T.
    return decodeRecord(this.#name, bytes) as StoreRecord<T>;
  }

  /** Replaces the record on disk, or removes it for null; see `DurableFolder`. */
  async write(record: StoreRecord<T> | null): Promise<void> {
    if (record === null) {
      await this.#folder.remove(this.#name);
      return;
    }
    const bytes = encodeRecord(record);
    await this.#folder.write(this.#name, bytes);
    this.#length = bytes.length;
  }
}
