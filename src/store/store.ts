import { GmsError } from '../base/errors.js';
import type { Branded } from '../base/identifiers.js';

/**
 * The contract of every store (design D4). A record is the unit of consistency: one commit replaces
 * one record, wholly or not at all, and is on disk when `commit` resolves.
 *
 * A record is found by its key, by any of its names (a name belongs to at most one record of the
 * store) and by its terms (free index words such as `member:sip:a@x`). Its data is opaque to the store.
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
   * @throws StoreFailure where the medium does not give back what was written, or the store is closed
   */
  get(key: RecordKey): Promise<StoreRecord<T> | undefined>;

  /** The key of the record that holds `name`. Answers at once. */
  keyOfName(name: string): RecordKey | undefined;

  /** The keys of the records that carry `term`, in no particular order. Answers at once. */
  keysOfTerm(term: string): readonly RecordKey[];

  /** The names and terms of the record of `key`, or undefined. Answers at once. */
  labelsOf(key: RecordKey): RecordLabels | undefined;

  /** All keys, in no particular order. Those that come or go while the caller iterates may be among them. */
  keys(): Iterable<RecordKey>;

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
