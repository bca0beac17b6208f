import { Low } from 'lowdb';
import { resolve } from 'node:path';
import { BoundedCache } from '../../base/bounded-cache.js';
import { KeyedLock } from '../../base/keyed-lock.js';
import { silentLog, type Log } from '../../base/log.js';
import { systemRandom, type Random } from '../../base/random.js';
import { errorCode, systemFileCalls, type FileCalls } from '../file-calls.js';
import { frozenCopy } from '../frozen-json.js';
import {
  CommitConflict,
  StoreFailure,
  StoreUnusable,
  type Expected,
  type Json,
  type RecordContent,
  type RecordKey,
  type RecordLabels,
  type Store,
  type StoreRecord,
} from '../store.js';
import type { DurableFolder } from './durable-folder.js';
import { lockFolder, type FolderLock } from './folder-lock.js';
import { RecordAdapter } from './record-adapter.js';
import { DamagedRecord, recordFileName } from './record-format.js';
import { ensureFolder, recover, type FoundRecord, type RecoveredFolder } from './recovery.js';

/**
 * The embedded store: one lowdb database per record, in a file of its own.
 *
 * A commit builds the next state as a `Low` of its own, writes that, and only then puts it in the place
 * of the former: indexes and cache never hold what is not durable. lowdb's `update()` is not used, as it
 * changes the state in memory before it is written and leaves it changed when the write fails.
 *
 * From the rename to the fsync of the folder the file on disk is newer than the record that readers may
 * see. So the former state is held in memory while a commit is under way, in `#held`, and a reader
 * that read the file trusts it only if meanwhile nothing was held and the index did not move. A commit
 * that fails with the folder in doubt leaves the former state held until restart.
 *
 * The condition of a commit is checked in the turn of its key. Names are checked and reserved in one
 * step without an await, and a name is free again only when the commit that gave it up is durable.
 */

export interface LowdbStoreOptions {
  /** The data folder; created with mode 0700 where absent. */
  readonly folder: string;
  /** How many bytes of records, counted by file length, are kept in memory. */
  readonly cacheBytes: number;
  readonly log?: Log;
  readonly random?: Random;
  /** The calls to the file system; for tests. */
  readonly calls?: FileCalls;
}

/** A state of a record as it is on disk, and the length of its file. */
interface Reading<T> {
  readonly record: StoreRecord<T>;
  readonly length: number;
}

class LowdbStore<T extends Json> implements Store<T> {
  readonly #folder: DurableFolder;
  readonly #lock: FolderLock;
  readonly #index = new Map<RecordKey, FoundRecord>();
  readonly #names = new Map<string, RecordKey>();
  readonly #terms = new Map<string, Set<RecordKey>>();
  readonly #reserved = new Set<string>();
  readonly #held = new Map<RecordKey, StoreRecord<T>>();
  readonly #cache: BoundedCache<RecordKey, StoreRecord<T>>;
  readonly #turns = new KeyedLock();
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(recovered: RecoveredFolder, lock: FolderLock, cacheBytes: number) {
    this.#folder = recovered.records;
    this.#lock = lock;
    this.#cache = new BoundedCache(cacheBytes);
    for (const record of recovered.found) this.#insert(record);
  }

  get writable(): boolean {
    return this.#closing === undefined && !this.#folder.failed;
  }

  async get(key: RecordKey): Promise<StoreRecord<T> | undefined> {
    if (this.#closing !== undefined) throw new StoreFailure('the store is closed');
    for (;;) {
      const entry = this.#index.get(key);
      if (entry === undefined) return undefined;
      const known = this.#held.get(key) ?? this.#cache.get(key);
      if (known !== undefined) return known;
      const reading = await this.#read(entry).catch((error: unknown) => this.#unreadable(entry, error));
      if (this.#index.get(key) !== entry || this.#held.has(key)) continue;
      if (reading instanceof StoreFailure) throw reading;
      this.#cache.set(key, reading.record, reading.length);
      return reading.record;
    }
  }

  keyOfName(name: string): RecordKey | undefined {
    return this.#names.get(name);
  }

  keysOfTerm(term: string): readonly RecordKey[] {
    return [...(this.#terms.get(term) ?? [])];
  }

  labelsOf(key: RecordKey): RecordLabels | undefined {
    return this.#index.get(key);
  }

  keys(): Iterable<RecordKey> {
    return this.#index.keys();
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
      // The expected revision is a number, so there is a former state.
      if (former === undefined) return;
      await this.#change(
        former,
        // Not through Low, whose write() passes over null.
        () => new RecordAdapter<T>(this.#folder, former.file).write(null),
        () => {
          this.#withdraw(former);
        },
      );
    });
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    try {
      await this.#folder.close();
    } finally {
      await this.#lock.release();
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

  #expect(key: RecordKey, expected: Expected): FoundRecord | undefined {
    const former = this.#index.get(key);
    const actual = former?.revision ?? 'absent';
    if (actual !== expected) {
      throw new CommitConflict('revision', `expected revision ${expected}, found ${actual}`);
    }
    return former;
  }

  /** Keeps all others from `names` until the result is called. */
  #reserve(key: RecordKey, names: readonly string[]): () => void {
    const added = new Set(names.filter((name) => this.#names.get(name) !== key));
    const taken = [...added].filter((name) => this.#names.has(name) || this.#reserved.has(name));
    if (taken.length > 0) {
      throw new CommitConflict('name', `another record holds the name ${JSON.stringify(taken[0])}`, taken);
    }
    for (const name of added) this.#reserved.add(name);
    return () => {
      for (const name of added) this.#reserved.delete(name);
    };
  }

  async #replace(key: RecordKey, former: FoundRecord | undefined, next: StoreRecord<T>): Promise<void> {
    const file = former?.file ?? recordFileName(key);
    const adapter = new RecordAdapter<T>(this.#folder, file);
    const state = new Low<StoreRecord<T> | null>(adapter, next);
    await this.#change(
      former,
      () => state.write(),
      () => {
        if (former !== undefined) this.#withdraw(former);
        this.#insert({ key, revision: next.revision, names: next.names, terms: next.terms, file });
        this.#cache.set(key, next, adapter.length);
      },
    );
  }

  /**
   * Makes a change on disk and then, in one step, in memory. Readers have the former state until then,
   * and for good where the change fails and leaves the disk in doubt.
   */
  async #change(
    former: FoundRecord | undefined,
    onDisk: () => Promise<void>,
    inMemory: () => void,
  ): Promise<void> {
    if (former === undefined) {
      await onDisk();
      inMemory();
      return;
    }
    this.#held.set(former.key, await this.#former(former));
    try {
      await onDisk();
    } catch (error) {
      if (!this.#folder.failed) this.#held.delete(former.key);
      throw error;
    }
    inMemory();
    this.#held.delete(former.key);
  }

  async #former(entry: FoundRecord): Promise<StoreRecord<T>> {
    const known = this.#held.get(entry.key) ?? this.#cache.get(entry.key);
    if (known !== undefined) return known;
    try {
      return (await this.#read(entry)).record;
    } catch (error) {
      throw this.#unreadable(entry, error);
    }
  }

  async #read(entry: FoundRecord): Promise<Reading<T>> {
    const adapter = new RecordAdapter<T>(this.#folder, entry.file);
    const state = new Low<StoreRecord<T> | null>(adapter, null);
    await state.read();
    if (state.data === null) throw new DamagedRecord('it is gone');
    const { key, revision, names, terms, data } = state.data;
    if (revision !== entry.revision) throw new DamagedRecord('it holds another revision');
    const record = Object.freeze({
      key,
      revision,
      names: Object.freeze([...names]),
      terms: Object.freeze([...terms]),
      data: frozenCopy(data),
    });
    return { record, length: adapter.length };
  }

  #unreadable(entry: FoundRecord, error: unknown): StoreFailure {
    const reason = error instanceof DamagedRecord ? error.message : errorCode(error);
    return new StoreFailure(`cannot read ${entry.file}: ${reason}`, { cause: error });
  }

  #insert(entry: FoundRecord): void {
    this.#index.set(entry.key, entry);
    for (const name of entry.names) this.#names.set(name, entry.key);
    for (const term of entry.terms) {
      const keys = this.#terms.get(term);
      if (keys === undefined) this.#terms.set(term, new Set([entry.key]));
      else keys.add(entry.key);
    }
  }

  #withdraw(entry: FoundRecord): void {
    this.#index.delete(entry.key);
    this.#cache.delete(entry.key);
    for (const name of entry.names) this.#names.delete(name);
    for (const term of entry.terms) {
      const keys = this.#terms.get(term);
      keys?.delete(entry.key);
      if (keys?.size === 0) this.#terms.delete(term);
    }
  }
}

/**
 * Opens the store in `options.folder`, which is created where absent.
 *
 * @throws StoreUnusable where the folder is damaged, of another version, owned by another process, or
 *   cannot be used at all
 */
export async function openLowdbStore<T extends Json>(options: LowdbStoreOptions): Promise<Store<T>> {
  const { cacheBytes, log = silentLog, random = systemRandom, calls = systemFileCalls } = options;
  const path = resolve(options.folder);
  let lock: FolderLock | undefined;
  try {
    await ensureFolder(calls, path);
    lock = await lockFolder(path, random);
    return new LowdbStore<T>(await recover(path, { calls, log, random }), lock, cacheBytes);
  } catch (error) {
    await lock?.release();
    if (error instanceof StoreUnusable) throw error;
    throw new StoreUnusable(
      `cannot open the data folder: ${error instanceof StoreFailure ? error.message : errorCode(error)}`,
      { cause: error },
    );
  }
}
