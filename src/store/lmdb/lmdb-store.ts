import { Low } from 'lowdb';
import { BoundedCache } from '../../base/bounded-cache.js';
import { KeyedLock } from '../../base/keyed-lock.js';
import { frozenCopy } from '../frozen-json.js';
import {
  CommitConflict,
  StoreFailure,
  type Expected,
  type Json,
  type RecordContent,
  type RecordKey,
  type RecordLabels,
  type Store,
  type StoreRecord,
} from '../store.js';
import type { Environment } from './environment.js';
import { readLabels, RecordAdapter } from './record-adapter.js';
import { DamagedRecord, decodeHolder, idLength, idOf, type StoredLabels } from './record-format.js';

/**
 * The embedded store: one lowdb database per record, whose adapter writes into LMDB.
 *
 * A commit builds the next state as a `Low` of its own, writes that, and only then puts it in the place
 * of the former in the caches, which never hold what is not durable. lowdb's `update()` is not used, as it
 * changes the state in memory before it is written and leaves it changed when the write fails.
 *
 * Indexes are in the file, so nothing is read at start, and memory is bounded by the two caches. A read is answered at
 * once, from the mapped file.
 *
 * The condition of a commit is checked in the turn of its key. Names are checked and reserved in one
 * step without an await, and a name is free again only when the commit that gave it up is durable.
 */

export interface LmdbStoreOptions {
  readonly environment: Environment;
  /** How many bytes of records, counted by their length in the file, are kept in memory. */
  readonly cacheBytes: number;
  /** Called once, when no commit is under way any more. */
  readonly onClosing?: () => Promise<void>;
  /** Called once, when the store has let go of the environment. */
  readonly onClosed: () => Promise<void>;
}

/** How many octets of names are kept with the keys that they lead to. */
const keptNameOctets = 8 * 1024 * 1024;

/** What an entry of a cache takes beside its text. */
const entryOctets = 200;

/** How many keys are looked up at a time where all are asked for. */
const pageOfKeys = 256;

export class LmdbStore<T extends Json> implements Store<T> {
  readonly #environment: Environment;
  readonly #onClosing: () => Promise<void>;
  readonly #onClosed: () => Promise<void>;
  readonly #reserved = new Set<string>();
  readonly #records: BoundedCache<RecordKey, StoreRecord<T>>;
  readonly #keysOfNames = new BoundedCache<string, RecordKey>(keptNameOctets);
  readonly #turns = new KeyedLock();
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor({ environment, cacheBytes, onClosing, onClosed }: LmdbStoreOptions) {
    this.#environment = environment;
    this.#onClosing = onClosing ?? (() => Promise.resolve());
    this.#onClosed = onClosed;
    this.#records = new BoundedCache(cacheBytes);
  }

  get writable(): boolean {
    return this.#closing === undefined && !this.#environment.failed;
  }

  get(key: RecordKey): Promise<StoreRecord<T> | undefined> {
    try {
      return Promise.resolve(this.#get(key));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new StoreFailure(String(error)));
    }
  }

  #get(key: RecordKey): StoreRecord<T> | undefined {
    this.#checkOpen();
    const known = this.#records.get(key);
    if (known !== undefined) return known;
    const adapter = new RecordAdapter<T>(this.#environment, key, undefined);
    const read = readable(key, () => adapter.readNow());
    if (read === null) return undefined;
    const { revision, names, terms, data } = read;
    const record = Object.freeze({ key, revision, names, terms, data: frozenCopy(data) });
    this.#records.set(key, record, adapter.length);
    return record;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new StoreFailure('the store is closed');
  }

  keyOfName(name: string): RecordKey | undefined {
    this.#checkOpen();
    const known = this.#keysOfNames.get(name);
    if (known !== undefined) return known;
    const nameId = idOf(name);
    const bytes = this.#environment.get('names', nameId);
    if (bytes === undefined) return undefined;
    const key = readable(name, () => decodeHolder(nameId, bytes));
    this.#keysOfNames.set(name, key, 2 * name.length + entryOctets);
    return key;
  }

  keysOfTerm(term: string): readonly RecordKey[] {
    const found = this.#environment.keys('terms', { prefix: idOf(term), limit: Number.MAX_SAFE_INTEGER });
    return found.map((entry) => {
      const id = entry.subarray(idLength);
      const labels = readable(term, () => readLabels(this.#environment, id));
      if (labels?.terms.includes(term) !== true) throw damaged(term, 'the record does not carry it');
      return labels.key;
    });
  }

  labelsOf(key: RecordKey): RecordLabels | undefined {
    return this.#labelsOf(key);
  }

  #labelsOf(key: RecordKey): StoredLabels | undefined {
    const known = this.#records.get(key);
    if (known !== undefined) return known;
    const labels = readable(key, () => readLabels(this.#environment, idOf(key)));
    if (labels !== undefined && labels.key !== key) throw damaged(key, 'it holds another key');
    return labels;
  }

  *keys(): Iterable<RecordKey> {
    let after: Buffer | undefined;
    for (;;) {
      const ids = this.#environment.keys('labels', { after, limit: pageOfKeys });
      for (const id of ids) {
        const labels = readable(id.toString('hex'), () => readLabels(this.#environment, id));
        if (labels !== undefined) yield labels.key;
      }
      after = ids.at(-1);
      if (after === undefined) return;
    }
  }

  async commit(key: RecordKey, expected: Expected, content: RecordContent<T>): Promise<StoreRecord<T>> {
    const names = Object.freeze([...content.names]);
    const terms = Object.freeze([...content.terms]);
    const data = frozenCopy(content.data);
    return this.#turn(key, async () => {
      const former = this.#expect(key, expected);
      const release = this.#reserve(key, names);
      try {
        const revision = (former?.revision ?? 0) + 1;
        const next: StoreRecord<T> = Object.freeze({ key, revision, names, terms, data });
        await this.#replace(key, former, next);
        return next;
      } finally {
        release();
      }
    });
  }

  async remove(key: RecordKey, expected: number): Promise<void> {
    await this.#turn(key, async () => {
      const former = this.#expect(key, expected);
      // Not through Low, whose write() passes over null.
      await new RecordAdapter<T>(this.#environment, key, former).write(null);
      this.#forget(key, former?.names ?? []);
    });
  }

  async #replace(key: RecordKey, former: StoredLabels | undefined, next: StoreRecord<T>): Promise<void> {
    const adapter = new RecordAdapter<T>(this.#environment, key, former);
    await new Low<StoreRecord<T> | null>(adapter, next).write();
    this.#forget(key, former?.names ?? []);
    this.#records.set(key, next, adapter.length);
  }

  #forget(key: RecordKey, names: readonly string[]): void {
    this.#records.delete(key);
    for (const name of names) this.#keysOfNames.delete(name);
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    // A medium that refuses has refused commits as well, and whoever opens the store next finds out.
    if (!this.#environment.failed) await this.#onClosing().catch(() => undefined);
    try {
      await this.#environment.close();
    } finally {
      await this.#onClosed();
    }
  }

  /** Runs a change in the turn of its key. Those that wait when the store closes still get theirs. */
  async #turn<R>(key: RecordKey, task: () => Promise<R>): Promise<R> {
    if (this.#closing !== undefined) throw new StoreFailure('the store is closed');
    const turn = this.#turns.run(key, task);
    this.#underWay.add(turn);
    try {
      return await turn;
    } finally {
      this.#underWay.delete(turn);
    }
  }

  #expect(key: RecordKey, expected: Expected): StoredLabels | undefined {
    const former = this.#labelsOf(key);
    const actual = former?.revision ?? 'absent';
    if (actual !== expected) {
      throw new CommitConflict('revision', `expected revision ${expected}, found ${actual}`);
    }
    return former;
  }

  /** Keeps all others from `names` until the result is called. */
  #reserve(key: RecordKey, names: readonly string[]): () => void {
    const holders = new Map([...new Set(names)].map((name) => [name, this.keyOfName(name)] as const));
    const added = [...holders].filter(([, holder]) => holder !== key).map(([name]) => name);
    const taken = added.filter((name) => holders.get(name) !== undefined || this.#reserved.has(name));
    if (taken.length > 0) {
      throw new CommitConflict('name', `another record holds the name ${JSON.stringify(taken[0])}`, taken);
    }
    for (const name of added) this.#reserved.add(name);
    return () => {
      for (const name of added) this.#reserved.delete(name);
    };
  }
}

/** What `read` gives. @throws StoreFailure where that is not what was written */
function readable<R>(text: string, read: () => R): R {
  try {
    return read();
  } catch (error) {
    if (error instanceof DamagedRecord) throw damaged(text, error.message, error);
    throw error;
  }
}

/** The ID in place of the text: a message may reach a log, and a text is a client's. */
function damaged(text: string, reason: string, cause?: unknown): StoreFailure {
  return new StoreFailure(`cannot read the record of ${idOf(text).toString('hex')}: ${reason}`, { cause });
}
