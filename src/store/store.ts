import { GmsError } from '../base/errors.js';
import type { Branded } from '../base/identifiers.js';
import type { Soon } from '../base/soon.js';

/**
 * The contract of every store (design D4). A record is the unit of consistency: one commit replaces
 * one record, wholly or not at all, and is on disk when `commit` resolves.
 *
 * A record is found by its key, by any of its names (a name belongs to at most one record of the
 * store) and by its terms (free index words such as `member:sip:a@x`). Its data is opaque to the store.
 *
 * What is read is `Soon` there: at hand where the index is in this process, a promise where it is elsewhere. Lists
 * come in pages. A page is the state of one moment and holds nothing open, so that a caller may take any time before
 * it asks for the next one.
 *
 * The store also keeps sums over its records. What a record adds to them follows from its labels, by a function that
 * is given to the store; a commit changes record and sums together. So nobody has to read all records to count them.
 */

/** Identifies a record for its life. The caller chooses it. */
export type RecordKey = Branded<string, 'RecordKey'>;

/**
 * A JSON value, so that what is read equals what was written. Text may be any JavaScript string, also
 * with NUL or lone surrogates; numbers are finite.
 */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** What a record is found by, beside its key. */
export interface RecordLabels {
  readonly names: readonly string[];
  readonly terms: readonly string[];
}

/** The content of a record as a caller gives it. */
export interface RecordContent<T> extends RecordLabels {
  readonly data: T;
}

/** A record as it stands in the store. It is frozen, since callers share it. */
export interface StoreRecord<T> extends RecordContent<T> {
  readonly key: RecordKey;
  /** Counts the commits of this record from 1; a key that was removed may start again. */
  readonly revision: number;
}

/** The labels of the record of `key`. */
export interface KeyedLabels extends RecordLabels {
  readonly key: RecordKey;
}

/** Where a page ended. It means something to the store alone, and only in the list that it came from. */
export type Cursor = Branded<string, 'Cursor'>;

/** Which part of a list is wanted. */
export interface PageOf {
  /** Where the page before ended; undefined for the first one. */
  readonly after?: Cursor | undefined;
  /** The most items; a page may have fewer, also where there are more. */
  readonly limit: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Where this page ended; undefined where it is the last one. */
  readonly next: Cursor | undefined;
}

/** What is summed up under one heading, such as the documents of one user: a kind, and whose. */
export interface Account {
  readonly kind: string;
  readonly id: string;
}

/** What a record adds to an account, or what the account has; numbers that are left out are 0. */
export interface Sum extends Account {
  readonly amounts: readonly number[];
}

/** How sums follow from records. */
export interface Tally {
  /** Another one with each change of `of`: then a store sums up anew. */
  readonly version: string;
  /** What the record adds. Pure. */
  readonly of: (record: KeyedLabels) => readonly Sum[];
}

/** The condition of a commit: the revision that the caller has read, or that it found nothing. */
export type Expected = number | 'absent';

/** The record changed since it was read, or another record holds one of the names. Nothing was written. */
export class CommitConflict extends GmsError {
  readonly reason: 'revision' | 'name';
  /** The names that another record holds or is about to. */
  readonly names: readonly string[];

  constructor(reason: 'revision' | 'name', message: string, names: readonly string[] = []) {
    super(message);
    this.reason = reason;
    this.names = names;
  }
}

/**
 * The medium refused a write, or no longer gives back what was written. Whether further writes can
 * succeed is told by `Store.writable`.
 */
export class StoreFailure extends GmsError {
  /** True where the medium has no room left: HTTP 507. */
  readonly full: boolean;

  constructor(message: string, options: { readonly cause?: unknown; readonly full?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.full = options.full ?? false;
  }
}

/** The data folder is damaged, of another version, or owned by another process: the store does not open. */
export class StoreUnusable extends GmsError {}

export interface Store<T> {
  /**
   * The record of `key` as it was last committed durably, or undefined. Does not wait for a commit
   * under way.
   *
   * @param use `once` for a pass over many records: the record is not kept in memory for the next who asks
   * @throws StoreFailure where the medium does not give back what was written, or the store is closed
   */
  get(key: RecordKey, use?: 'once'): Promise<StoreRecord<T> | undefined>;

  /** The key of the record that holds `name`. */
  keyOfName(name: string): Soon<RecordKey | undefined>;

  /**
   * The records that carry `term`, in an order of the store's own. Over all pages, a record that carries it all the
   * while is among them; one that changes meanwhile may come twice.
   */
  keysOfTerm(term: string, page: PageOf): Soon<Page<KeyedLabels>>;

  /** The names and terms of the record of `key`, or undefined. */
  labelsOf(key: RecordKey): Soon<RecordLabels | undefined>;

  /** All records, as `keysOfTerm` gives them. Those that come or go meanwhile may be among them. */
  keys(page: PageOf): Soon<Page<KeyedLabels>>;

  /** The amounts of an account; none where it has nothing, or where the store was given no tally. */
  sumOf(account: Account): Soon<readonly number[]>;

  /** The accounts of a kind that have something, in an order of the store's own. */
  sumsOf(kind: string, page: PageOf): Soon<Page<Sum>>;

  /**
   * Creates or replaces the record of `key` and resolves with the new record once it is durable.
   *
   * `content` is copied; a name given twice counts once. A name that another commit under way takes or
   * gives up counts as taken until that commit is durable.
   *
   * @throws CommitConflict where `expected` does not hold or a name is taken
   * @throws StoreFailure where the medium refuses, or the store is closed. Readers keep the former record.
   *   Where `writable` is false afterwards, a restart may show either.
   * @throws TypeError where the data holds what is no JSON value
   */
  commit(key: RecordKey, expected: Expected, content: RecordContent<T>): Promise<StoreRecord<T>>;

  /** Removes the record of `key`, as durably and under the same conditions as `commit`. */
  remove(key: RecordKey, expected: number): Promise<void>;

  /** Whether writes succeed as far as is known: false after a failed fsync, until restart, and once closed. */
  readonly writable: boolean;

  /** Waits for commits under way and lets go of the medium. Later reads and writes fail; may be called again. */
  close(): Promise<void>;
}
