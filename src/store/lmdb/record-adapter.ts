import type { Adapter } from 'lowdb';
import type { RecordKey, StoreRecord } from '../store.js';
import type { Environment, Writing } from './environment.js';
import {
  DamagedRecord,
  decodeBody,
  decodeLabels,
  encodeBody,
  encodeHolder,
  encodeLabels,
  idOf,
  termKey,
  type StoredLabels,
} from './record-format.js';

/**
 * The lowdb adapter of one record. `Low` holds the record's state; the adapter replaces it in the file, with
 * everything by which it is found, in one transaction.
 */
export class RecordAdapter<T> implements Adapter<StoreRecord<T> | null> {
  readonly #environment: Environment;
  readonly #id: Buffer;
  readonly #former: StoredLabels | undefined;
  #length = 0;

  /** @param former the labels of the record as they stand now; undefined where there is none */
  constructor(environment: Environment, key: RecordKey, former: StoredLabels | undefined) {
    this.#environment = environment;
    this.#id = idOf(key);
    this.#former = former;
  }

  /** The size in octets of what was read or written last. */
  get length(): number {
    return this.#length;
  }

  /** The record, or null where there is none. @throws DamagedRecord, StoreFailure */
  read(): Promise<StoreRecord<T> | null> {
    return Promise.resolve(this.readNow());
  }

  /** As `read`: the tables are in memory, or the operating system brings them there. */
  readNow(): StoreRecord<T> | null {
    const labels = this.#former ?? readLabels(this.#environment, this.#id);
    if (labels === undefined) return null;
    const bytes = this.#environment.get('bodies', this.#id);
    if (bytes === undefined) throw new DamagedRecord('its body is gone');
    const { revision, data } = decodeBody(this.#id, bytes);
    if (revision !== labels.revision) throw new DamagedRecord('its body is of another revision');
    this.#length = bytes.length;
    // The checksum vouches that the data is what was once written as T.
    return { ...labels, data: data as T };
  }

  /** Replaces the record, or removes it for null. @throws StoreFailure where the medium refuses */
  async write(record: StoreRecord<T> | null): Promise<void> {
    const change = record === null ? this.#removal() : this.#replacement(record);
    await this.#environment.write(this.#length, change);
  }

  #removal(): (writing: Writing) => void {
    return (writing) => {
      writing.remove('labels', this.#id);
      writing.remove('bodies', this.#id);
      for (const name of new Set(this.#former?.names)) writing.remove('names', idOf(name));
      for (const term of new Set(this.#former?.terms)) writing.remove('terms', termKey(term, this.#id));
    };
  }

  #replacement(record: StoreRecord<T>): (writing: Writing) => void {
    const labels = encodeLabels(this.#id, record);
    const body = encodeBody(this.#id, record);
    this.#length = labels.length + body.length;
    const names = difference(this.#former?.names, record.names);
    const terms = difference(this.#former?.terms, record.terms);
    return (writing) => {
      writing.put('labels', this.#id, labels);
      writing.put('bodies', this.#id, body);
      for (const name of names.gone) writing.remove('names', idOf(name));
      for (const name of names.come) {
        const nameId = idOf(name);
        writing.put('names', nameId, encodeHolder(nameId, record.key));
      }
      for (const term of terms.gone) writing.remove('terms', termKey(term, this.#id));
      for (const term of terms.come) writing.put('terms', termKey(term, this.#id), nothing);
    };
  }
}

/** The labels of the record `id`, or undefined. @throws DamagedRecord, StoreFailure */
export function readLabels(environment: Environment, id: Buffer): StoredLabels | undefined {
  const bytes = environment.get('labels', id);
  return bytes && decodeLabels(id, bytes);
}

const nothing = Buffer.alloc(0);

interface Difference {
  readonly gone: readonly string[];
  readonly come: readonly string[];
}

function difference(before: readonly string[] = [], after: readonly string[]): Difference {
  const had = new Set(before);
  const has = new Set(after);
  return { gone: [...had].filter((text) => !has.has(text)), come: [...has].filter((text) => !had.has(text)) };
}
