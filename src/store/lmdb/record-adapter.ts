import type { Adapter } from 'lowdb';
import { mapInSlices } from '../../base/slices.js';
import type { RecordKey, StoreRecord, Tally } from '../store.js';
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
import { addSums, sumsBetween } from './sums.js';

/**
 * The lowdb adapter of one record. `Low` holds the record's state; the adapter replaces it in the file, with
 * everything by which it is found, in one transaction.
 */
export class RecordAdapter<T> implements Adapter<StoreRecord<T> | null> {
  readonly #environment: Environment;
  readonly #id: Buffer;
  readonly #former: StoredLabels | undefined;
  readonly #tally: Tally | undefined;
  #length = 0;

  /**
   * @param former the labels of the record as they stand now; undefined where there is none
   * @param tally how sums follow from records, where they are kept; only for writing
   */
  constructor(environment: Environment, key: RecordKey, former: StoredLabels | undefined, tally?: Tally) {
    this.#environment = environment;
    this.#id = idOf(key);
    this.#former = former;
    this.#tally = tally;
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
    const change = await (record === null ? this.#removal() : this.#replacement(record));
    await this.#environment.write(this.#length, change);
  }

  async #removal(): Promise<(writing: Writing) => void> {
    const sums = sumsBetween(this.#tally, this.#former, undefined);
    const gone = await mapInSlices([...new Set(this.#former?.names)], idOf);
    return (writing) => {
      addSums(writing, sums);
      writing.remove('labels', this.#id);
      writing.remove('bodies', this.#id);
      for (const nameId of gone) writing.remove('names', nameId);
      for (const term of new Set(this.#former?.terms)) writing.remove('terms', termKey(term, this.#id));
    };
  }

  async #replacement(record: StoreRecord<T>): Promise<(writing: Writing) => void> {
    const labels = encodeLabels(this.#id, record);
    const body = encodeBody(this.#id, record);
    this.#length = labels.length + body.length;
    const names = difference(this.#former?.names, record.names);
    const terms = difference(this.#former?.terms, record.terms);
    const gone = await mapInSlices(names.gone, idOf);
    const come = await mapInSlices(names.come, (name) => {
      const nameId = idOf(name);
      return { nameId, holder: encodeHolder(nameId, record.key) };
    });
    const sums = sumsBetween(this.#tally, this.#former, record);
    return (writing) => {
      addSums(writing, sums);
      writing.put('labels', this.#id, labels);
      writing.put('bodies', this.#id, body);
      for (const nameId of gone) writing.remove('names', nameId);
      for (const { nameId, holder } of come) writing.put('names', nameId, holder);
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
