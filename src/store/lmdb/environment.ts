import { open, type RootDatabase } from 'lmdb';
import { statfs } from 'node:fs/promises';
import { getSystemErrorName } from 'node:util';
import { StoreFailure } from '../store.js';

/**
 * The LMDB environment of a store: a file of keys and values, and the only module that knows the library.
 *
 * Changes are written in batches, one LMDB transaction each, and never more than one at a time. While one is being
 * written the next ones gather. So a batch that fails is the last that was handed to the engine, and nothing has to
 * be called back: LMDB itself goes on after a failed fsync, as if the next one could make up for it, which it cannot.
 *
 * `overlappingSync` is off: with it a change can be read, and is acknowledged, before it is on disk. Without it LMDB
 * writes the pages, calls fdatasync, writes the meta page through a descriptor opened with O_DSYNC, and only then
 * lets readers see the change. `eventTurnBatching` is off as well: the promise that it adds for each turn of the
 * event loop is out of our reach, and its rejection would end the process.
 *
 * `useWritemap` stays off for ever: with it a full disk, or a file that somebody shortens, ends the process with
 * SIGBUS where now a write reports an error.
 *
 * After an error at the meta page LMDB refuses to read, too (MDB_PANIC). Readers are to have the state from before:
 * the environment is opened again, for reading only. LMDB has put the former meta page back by then.
 */

/**
 * The kinds of entries. The engine has one table; an entry's key begins with the letter of its kind, so that entries
 * of a kind lie together. Tables of the engine's own would each cost a commit when they are made, and a page more in
 * every transaction.
 */
const letters = { labels: 'l', bodies: 'b', names: 'n', terms: 't', sums: 'a', settings: 's' } as const;

export type Kind = keyof typeof letters;

/** A part of a list of keys: those that begin with `prefix`, behind `after`, at most `limit`. */
export interface Page {
  readonly prefix?: Buffer;
  readonly after?: Buffer | undefined;
  readonly limit: number;
}

/** Writes into one transaction. */
export interface Writing {
  put(kind: Kind, key: Buffer, value: Buffer): void;
  remove(kind: Kind, key: Buffer): void;
  /**
   * Puts what `next` makes of the present value, changes of the same batch included; removes the entry where that is
   * undefined. Only of entries that nothing else puts or removes.
   */
  merge(kind: Kind, key: Buffer, next: (present: Buffer | undefined) => Buffer | undefined): void;
}

/** An entry that is written; without a value, it is removed. */
interface Entry {
  readonly key: Buffer;
  readonly value: Buffer | undefined;
}

interface Waiting {
  readonly change: (writing: Writing) => void;
  readonly octets: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export interface EnvironmentOptions {
  /** The file. LMDB keeps `FILE-lock` beside it. */
  readonly path: string;
  /** Whether nothing is going to be written. */
  readonly readOnly?: boolean;
  /** How many readers there may be at a time; the first process that opens the file decides. */
  readonly readers?: number;
  /** Called before each batch: whether this process still owns the folder. */
  readonly mayWrite?: () => boolean | Promise<boolean>;
}

/** How many readers at a time: this process has one transaction, beside those of a backup and of `doctor`. */
const mostReaders = 126;

/** The most octets of one batch, so that what comes behind it need not wait for long. */
const batchOctets = 8 * 1024 * 1024;

/** Codes of errors with which a write may fail and later ones succeed: ENOSPC, EDQUOT, MDB_MAP_FULL. */
const noRoom: ReadonlySet<unknown> = new Set([28, 122, -30792]);

/** The code of EIO. */
const ioError = 5;

/** Octets that a disk must have left, beside twice those of a batch, not to count as full: pages of the tree. */
const leastRoom = 256 * 1024;

/** The code of MDB_PANIC. */
const panic = -30795;

/** What the engine's own codes mean to an operator. */
const engineErrors: Readonly<Record<number, string>> = {
  [-30797]: 'a page is missing',
  [-30796]: 'a page is damaged',
  [-30795]: 'an earlier write failed',
  [-30794]: 'the file is of another version of LMDB',
  [-30793]: 'the file is no LMDB file',
  [-30792]: 'the map is full',
  [-30790]: 'too many processes read it at once',
};

/** Milliseconds that the engine has to let go of a file whose writing failed. */
const closingTime = 2000;

/** @throws StoreFailure where the engine cannot open it */
function openFile(path: string, readOnly: boolean, readers = mostReaders): RootDatabase<Buffer, Buffer> {
  try {
    return open<Buffer, Buffer>({
      path,
      noSubdir: true,
      encoding: 'binary',
      keyEncoding: 'binary',
      overlappingSync: false,
      eventTurnBatching: false,
      useWritemap: false,
      maxReaders: readers,
      readOnly,
    });
  } catch (cause) {
    throw new StoreFailure(`the engine cannot open the file: ${nameOf(codeOf(cause))}`, { cause });
  }
}

function entryKey(kind: Kind, key: Buffer): Buffer {
  return Buffer.concat([Buffer.from(letters[kind], 'latin1'), key]);
}

/** The least key that is greater than every key with this beginning; undefined where there is none. */
function behind(beginning: Buffer): Buffer | undefined {
  const end = Buffer.from(beginning);
  for (let at = end.length - 1; at >= 0; at -= 1) {
    const octet = end[at] ?? 0;
    if (octet === 0xff) continue;
    end[at] = octet + 1;
    return end.subarray(0, at + 1);
  }
  return undefined;
}

export class Environment {
  readonly #path: string;
  readonly #mayWrite: () => boolean | Promise<boolean>;
  #root: RootDatabase<Buffer, Buffer>;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #failure: StoreFailure | undefined;
  #closed = false;
  #opening = false;

  /** Opens the file, which is created where absent. @throws StoreFailure where the engine cannot */
  constructor({ path, readOnly = false, readers, mayWrite = () => true }: EnvironmentOptions) {
    this.#path = path;
    this.#mayWrite = mayWrite;
    this.#root = openFile(path, readOnly, readers);
  }

  /** Whether a write failed in a way that only a restart can clear. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** The value of a key, or undefined. @throws StoreFailure where the engine finds the file damaged */
  get(kind: Kind, key: Buffer): Buffer | undefined {
    return this.#read((root) => root.getBinary(entryKey(kind, key)));
  }

  /** Keys in their order. @throws StoreFailure where the engine finds the file damaged */
  keys(kind: Kind, { prefix = Buffer.alloc(0), after, limit }: Page): Buffer[] {
    const first = entryKey(kind, prefix);
    // Nothing lies between a key and the same with a NUL behind it.
    const start = after === undefined ? first : entryKey(kind, Buffer.concat([after, Buffer.alloc(1)]));
    const end = behind(first);
    const range = { start, limit, ...(end === undefined ? {} : { end }) };
    const found = this.#read((root) => [...root.getKeys(range)]);
    return found.map((key) => key.subarray(1));
  }

  #read<R>(read: (root: RootDatabase<Buffer, Buffer>) => R): R {
    try {
      return read(this.#root);
    } catch (cause) {
      // Between an error at the meta page and the moment when the file is open again.
      if (codeOf(cause) === panic || this.#opening)
        throw new StoreFailure('the medium refuses writes', { cause });
      throw new StoreFailure(`the engine cannot read the file: ${nameOf(codeOf(cause))}`, { cause });
    }
  }

  /**
   * Writes a change, durably: all of it or nothing.
   *
   * @param octets about how much it writes
   * @throws StoreFailure where the medium refuses
   */
  async write(octets: number, change: (writing: Writing) => void): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw new StoreFailure('the store is closed');
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ change, octets, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Writes batch after batch until nothing waits. */
  async #writeAll(): Promise<void> {
    // What comes in the same turn of the event loop goes into the first batch.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      try {
        await this.#writeBatch(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#writing = undefined;
  }

  #nextBatch(): Waiting[] {
    let octets = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      octets += waiting.octets;
      if (count > 0 && octets > batchOctets) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!(await this.#mayWrite())) {
      this.#failure = new StoreFailure('the data folder is no longer owned by this process');
      throw this.#failure;
    }
    const entries = this.#entriesOf(batch);
    try {
      await this.#root.batch(() => {
        for (const { key, value } of entries) {
          if (value === undefined) void this.#root.remove(key);
          else void this.#root.put(key, value);
        }
      });
    } catch (error) {
      const octets = batch.reduce((sum, waiting) => sum + waiting.octets, 0);
      throw await this.#failureOf(error, octets);
    }
    // A reader of this turn of the event loop may have looked at the state from before.
    this.#root.resetReadTxn();
  }

  /**
   * What a batch writes. Made before the engine gets any of it: an error in between would leave it with a part.
   *
   * @throws StoreFailure where what is merged with cannot be read; nothing is written then
   */
  #entriesOf(batch: readonly Waiting[]): readonly Entry[] {
    const entries: Entry[] = [];
    const merged = new Map<string, Entry>();
    const writing: Writing = {
      put: (kind, key, value) => entries.push({ key: entryKey(kind, key), value }),
      remove: (kind, key) => entries.push({ key: entryKey(kind, key), value: undefined }),
      merge: (kind, key, next) => {
        const name = `${kind} ${key.toString('latin1')}`;
        const known = merged.get(name);
        const present = known === undefined ? this.get(kind, key) : known.value;
        merged.set(name, { key: entryKey(kind, key), value: next(present) });
      },
    };
    for (const { change } of batch) change(writing);
    return [...entries, ...merged.values()];
  }

  /** The engine says why in a second promise, which would end the process if nobody waited for it. */
  async #failureOf(error: unknown, octets: number): Promise<StoreFailure> {
    const reason = error instanceof Error && 'commitError' in error ? error.commitError : undefined;
    const cause: unknown = await Promise.resolve(reason).then(
      () => error,
      (told: unknown) => told,
    );
    const code = codeOf(cause);
    const readable = this.#isReadable();
    if (readable && (noRoom.has(code) || (code === ioError && (await this.#hasNoRoom(octets))))) {
      return new StoreFailure('the medium has no room left', { cause, full: true });
    }
    this.#failure = new StoreFailure(`the medium refuses writes (${nameOf(code)})`, { cause });
    if (!readable) await this.#openForReading();
    return this.#failure;
  }

  /** LMDB reports EIO where the disk takes only a part of a write, as it does when it becomes full. */
  async #hasNoRoom(octets: number): Promise<boolean> {
    try {
      const { bavail, bsize } = await statfs(this.#path);
      return bavail * bsize < 2 * octets + leastRoom;
    } catch {
      return false;
    }
  }

  /** Whether the engine still works: not after an error at the meta page. */
  #isReadable(): boolean {
    try {
      this.#root.resetReadTxn();
      this.#root.getBinary(entryKey('settings', Buffer.from('anything')));
      return true;
    } catch {
      return false;
    }
  }

  /** A file that is opened while it is open would be the same to the engine, with the same error. */
  async #openForReading(): Promise<void> {
    this.#opening = true;
    try {
      await this.#letGo();
      this.#root = openFile(this.#path, true);
    } catch {
      // Readers get the error of the engine.
    }
    this.#opening = false;
  }

  /** Closes a file whose writing failed: the engine may wait for what never comes. */
  async #letGo(): Promise<void> {
    let late: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      late = setTimeout(resolve, closingTime);
    });
    await Promise.race([this.#root.close().catch(() => undefined), patience]);
    clearTimeout(late);
  }

  /** Copies the file while it is in use, free pages left out. @throws StoreFailure */
  async backup(path: string): Promise<void> {
    try {
      await this.#root.backup(path, true);
    } catch (error) {
      throw new StoreFailure('the copy could not be written', { cause: error });
    }
  }

  /** Waits for what is being written, then closes the file. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    while (this.#writing !== undefined) await this.#writing;
    if (this.#failure === undefined) await this.#root.close();
    else await this.#letGo();
  }
}

/** The symbol of an error number of the system, such as EIO; words for the engine's own numbers. */
function nameOf(code: unknown): string {
  if (typeof code !== 'number') return 'unknown error';
  return code > 0 ? getSystemErrorName(-code) : (engineErrors[code] ?? `LMDB ${code}`);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
