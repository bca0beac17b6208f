import { Low } from 'lowdb';
import { BoundedCache } from '../../base/bounded-cache.js';
import { KeyedLock } from '../../base/keyed-lock.js';
import { mapInSlices } from '../../base/slices.js';
import { frozenCopy } from '../frozen-json.js';
import {
  CommitConflict,
  StoreFailure,
  type Account,
  type Cursor,
  type Expected,
  type Json,
  type KeyedLabels,
  type Page,
  type PageOf,
  type RecordContent,
  type RecordKey,
  type RecordLabels,
  type Store,
  type StoreRecord,
  type Sum,
  type Tally,
} from '../store.js';
import type { Environment, Kind } from './environment.js';
import { readLabels, RecordAdapter } from './record-adapter.js';
import {
  DamagedRecord,
  decodeHolder,
  decodeSum,
  idLength,
  idOf,
  sumKey,
  type StoredLabels,
} from './record-format.js';

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
  /** How sums follow from records; without it, none are kept. */
  readonly tally?: Tally | undefined;
  /** Called once, when no commit is under way any more. */
  readonly onClosing?: () => Promise<void>;
  /** Called once, when the store has let go of the environment. */
  readonly onClosed: () => Promise<void>;
}

/** How many octets of names are kept with the keys that they lead to. */
const keptNameOctets = 8 * 1024 * 1024;

/** What an entry of a cache takes beside its text. */
const entryOctets = 200;

/** The most characters of labels in one page: a document may have ten thousand names. */
const pageCharacters = 256 * 1024;

export class LmdbStore<T extends Json> implements Store<T> {
  readonly #environment: Environment;
  readonly #tally: Tally | undefined;
  readonly #onClosing: () => Promise<void>;
  readonly #onClosed: () => Promise<void>;
  readonly #reserved = new Set<string>();
  readonly #records: BoundedCache<RecordKey, StoreRecord<T>>;
  readonly #keysOfNames = new BoundedCache<string, RecordKey>(keptNameOctets);
  readonly #turns = new KeyedLock();
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor({ environment, cacheBytes, tally, onClosing, onClosed }: LmdbStoreOptions) {
    this.#environment = environment;
    this.#tally = tally;
    this.#onClosing = onClosing ?? (() => Promise.resolve());
    this.#onClosed = onClosed;
    this.#records = new BoundedCache(cacheBytes);
  }

  get writable(): boolean {
    return this.#closing === undefined && !this.#environment.failed;
  }

  get(key: RecordKey, use?: 'once'): Promise<StoreRecord<T> | undefined> {
    try {
      return Promise.resolve(this.#get(key, use));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new StoreFailure(String(error)));
    }
  }

  #get(key: RecordKey, use?: 'once'): StoreRecord<T> | undefined {
    this.#checkOpen();
    const known = this.#records.get(key);
    if (known !== undefined) return known;
    const adapter = new RecordAdapter<T>(this.#environment, key, undefined);
    const read = readable(key, () => adapter.readNow());
    if (read === null) return undefined;
    const { revision, names, terms, data } = read;
    const record = Object.freeze({ key, revision, names, terms, data: frozenCopy(data) });
    if (use === undefined) this.#records.set(key, record, adapter.length);
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

  keysOfTerm(term: string, page: PageOf): Page<KeyedLabels> {
    return this.#page('terms', page, idOf(term), (entry) => {
      const labels = readable(term, () => readLabels(this.#environment, entry.subarray(idLength)));
      if (labels?.terms.includes(term) !== true) throw damaged(term, 'the record does not carry it');
      return labels;
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

  keys(page: PageOf): Page<KeyedLabels> {
    return this.#page('labels', page, Buffer.alloc(0), (id) =>
      readable(id.toString('hex'), () => readLabels(this.#environment, id)),
    );
  }

  /**
   * A part of the entries of `kind` whose keys begin with `prefix`. A cursor is the key of an entry, which need not be
   * there any more. The page ends early where its labels are long.
   */
  #page(
    kind: Kind,
    { after, limit }: PageOf,
    prefix: Buffer,
    read: (key: Buffer) => StoredLabels | undefined,
  ): Page<KeyedLabels> {
    this.#checkOpen();
    const keys = this.#environment.keys(kind, { prefix, after: after && Buffer.from(after, 'hex'), limit });
    const items: KeyedLabels[] = [];
    let last: Buffer | undefined;
    let characters = 0;
    for (const key of keys) {
      last = key;
      const labels = read(key);
      if (labels === undefined) continue;
      items.push(labels);
      for (const name of labels.names) characters += name.length;
      if (characters >= pageCharacters) break;
    }
    const isMore = keys.length >= limit || last !== keys.at(-1);
    return { items, next: isMore ? cursorAt(last) : undefined };
  }

  sumOf(account: Account): readonly number[] {
    this.#checkOpen();
    const key = sumKey(account);
    return this.#readSum(key)?.amounts ?? [];
  }

  sumsOf(kind: string, { after, limit }: PageOf): Page<Sum> {
    this.#checkOpen();
    const prefix = idOf(kind);
    const keys = this.#environment.keys('sums', {
      prefix,
      after: after && Buffer.from(after, 'hex'),
      limit,
    });
    const items = keys.map((key) => this.#readSum(key)).filter((sum) => sum !== undefined);
    return { items, next: keys.length < limit ? undefined : cursorAt(keys.at(-1)) };
  }

  #readSum(key: Buffer): Sum | undefined {
    const bytes = this.#environment.get('sums', key);
    return bytes && readable(key.toString('hex'), () => decodeSum(key, bytes));
  }

  async commit(key: RecordKey, expected: Expected, content: RecordContent<T>): Promise<StoreRecord<T>> {
    const names = Object.freeze([...content.names]);
    const terms = Object.freeze([...content.terms]);
    const data = frozenCopy(content.data);
    return this.#turn(key, async () => {
      const former = this.#expect(key, expected);
      const release = await this.#reserve(key, names, former);
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
      await new RecordAdapter<T>(this.#environment, key, former, this.#tally).write(null);
      this.#forget(key, former?.names ?? []);
    });
  }

  async #replace(key: RecordKey, former: StoredLabels | undefined, next: StoreRecord<T>): Promise<void> {
    const adapter = new RecordAdapter<T>(this.#environment, key, former, this.#tally);
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

  /**
   * Keeps all others from `names` until the result is called. Those that the record has already need no look.
   *
   * Subtle: the names are reserved before it is looked who holds them, which takes turns. So nobody can come to hold
   * one in between.
   */
  async #reserve(
    key: RecordKey,
    names: readonly string[],
    former: StoredLabels | undefined,
  ): Promise<() => void> {
    const had = new Set(former?.names);
    const added = [...new Set(names)].filter((name) => !had.has(name));
    refuseTaken(added.filter((name) => this.#reserved.has(name)));
    for (const name of added) this.#reserved.add(name);
    const release = (): void => {
      for (const name of added) this.#reserved.delete(name);
    };
    try {
      const holders = await mapInSlices(added, (name) => this.keyOfName(name));
      refuseTaken(added.filter((_, at) => holders[at] !== undefined && holders[at] !== key));
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }
}

/** @throws CommitConflict where there are such names */
function refuseTaken(names: readonly string[]): void {
  const [first] = names;
  if (first === undefined) return;
  throw new CommitConflict('name', `another record holds the name ${JSON.stringify(first)}`, names);
}

function cursorAt(key: Buffer | undefined): Cursor | undefined {
  return key?.toString('hex') as Cursor | undefined;
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
