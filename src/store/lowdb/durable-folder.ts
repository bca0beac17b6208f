import type { Log } from '../../base/log.js';
import type { Random } from '../../base/random.js';
import { errorCode, type FileCalls } from '../file-calls.js';
import { StoreFailure } from '../store.js';

/**
 * Files whose replacement and removal is on disk when the promise resolves.
 *
 * A file is replaced in this order: a temporary file of a unique name in the same folder is created,
 * written, fsynced and closed, it is renamed over the old one, and the folder is fsynced. Before the
 * rename nothing of the old file is touched; after it the new content is complete. Only the fsync of the
 * folder makes the rename itself survive a power cut, so no answer may be given earlier.
 *
 * The fsync of the folder is shared. An fsync covers the renames that were complete when it started; one
 * that completes while it runs may or may not be in it. So a commit never joins an fsync that is running:
 * it waits for the next one. That one is open to every commit whose rename is complete, up to the very
 * moment at which it starts; then it takes its waiters with it and the list begins anew. The start
 * is put off to the end of the event loop's turn, since renames tend to complete several in one turn.
 *
 * After a failed fsync, of a file or of the folder, the kernel may have dropped the unwritten pages and
 * marked them clean: a second fsync would succeed without anything being on disk. So none is tried. The
 * folder is `failed` from then on, and every write, also one that is under way, is refused until restart.
 *
 * Where the rename succeeded and the fsync of the folder failed, the commit is reported as failed, but
 * its file is in place. It is not renamed back: that would be one more write of which nobody knows
 * whether it lasts. What the disk holds shows at the next start; until then readers are given the
 * former state by the store. The same holds for a rename that reports an error although it happened.
 */

/** Where and how a folder's files are written. */
export interface DurableFolderOptions {
  readonly calls: FileCalls;
  readonly log: Log;
  readonly random: Random;
}

/** One fsync of the folder, and those who wait for it. */
interface Flush {
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

// Promise.withResolvers comes with Node.js 22.
function newFlush(): Flush {
  let resolve: () => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const done = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { done, resolve, reject };
}

/** A temporary file: the name of the file that it is to replace, and what makes it unique. */
const TEMPORARY = /^(.+)\.[\w-]+\.tmp$/;
/** What a medium without room reports. */
const NO_ROOM: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/** The name of the file that a temporary file was to replace, or undefined for any other file. */
export function targetOfTemporary(name: string): string | undefined {
  return TEMPORARY.exec(name)?.[1];
}

/** One folder of files that are replaced and removed durably. */
export class DurableFolder {
  readonly #path: string;
  readonly #label: string;
  readonly #descriptor: number;
  readonly #calls: FileCalls;
  readonly #log: Log;
  readonly #token: string;
  #serial = 0;
  #failed = false;
  #nextFlush: Flush | undefined;
  #flushing = false;

  private constructor(path: string, label: string, descriptor: number, options: DurableFolderOptions) {
    this.#path = path;
    this.#label = label;
    this.#descriptor = descriptor;
    this.#calls = options.calls;
    this.#log = options.log;
    this.#token = options.random.token();
  }

  /**
   * Opens a folder. Its descriptor is kept, so that an error of the disk between two fsyncs is reported
   * by the second.
   *
   * @param label what messages call the folder, whose path stays out of them
   */
  static async open(path: string, label: string, options: DurableFolderOptions): Promise<DurableFolder> {
    return new DurableFolder(path, label, await options.calls.openFolder(path), options);
  }

  /** Whether an fsync has failed: no write succeeds any more. */
  get failed(): boolean {
    return this.#failed;
  }

  list(): Promise<string[]> {
    return this.#calls.list(this.#path);
  }

  read(name: string): Promise<Buffer> {
    return this.#calls.read(this.#file(name));
  }

  /**
   * Creates or replaces a file; it is on disk when the promise resolves.
   *
   * @throws StoreFailure with the old file in place, unless `failed` is true afterwards
   */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    this.#refuseIfFailed(name);
    this.#serial += 1;
    const temporary = `${name}.${this.#token}-${this.#serial}.tmp`;
    await this.#writeTemporary(temporary, name, bytes);
    try {
      this.#refuseIfFailed(name);
      await this.#calls.rename(this.#file(temporary), this.#file(name));
    } catch (error) {
      const failure = this.#failure('rename', name, error);
      // A temporary file that cannot be seen to go may have been renamed all the same.
      if (!(await this.#discard(temporary))) this.#fail(failure);
      throw failure;
    }
    await this.#flush(name);
  }

  /**
   * Removes a file durably. One that is absent already counts as removed.
   *
   * @throws StoreFailure with the file in place, unless `failed` is true afterwards
   */
  async remove(name: string): Promise<void> {
    this.#refuseIfFailed(name);
    try {
      await this.#calls.unlink(this.#file(name));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw this.#failure('unlink', name, error);
    }
    await this.#flush(name);
  }

  /** Makes durable whatever renames and removals the folder has seen. */
  async flush(): Promise<void> {
    await this.#flush('');
  }

  /** Lets go of the folder. No write may be under way. */
  async close(): Promise<void> {
    await this.#calls.close(this.#descriptor);
  }

  #file(name: string): string {
    return `${this.#path}/${name}`;
  }

  async #writeTemporary(temporary: string, name: string, bytes: Uint8Array): Promise<void> {
    let call = 'create';
    let descriptor: number | undefined;
    try {
      descriptor = await this.#calls.create(this.#file(temporary));
      call = 'write';
      for (let written = 0; written < bytes.length;) {
        const taken = await this.#calls.write(descriptor, written === 0 ? bytes : bytes.subarray(written));
        if (taken <= 0) throw new Error('the medium takes nothing');
        written += taken;
      }
      call = 'fsync';
      await this.#calls.fsync(descriptor);
      call = 'close';
      const closing = descriptor;
      // Even a close that fails has freed the descriptor: a second one could hit another file.
      descriptor = undefined;
      await this.#calls.close(closing);
    } catch (error) {
      const failure = this.#failure(call, name, error);
      if (call === 'fsync') this.#fail(failure);
      if (descriptor !== undefined) await this.#calls.close(descriptor).catch(() => undefined);
      if (call !== 'create') await this.#discard(temporary);
      throw failure;
    }
  }

  /** Removes a temporary file that is of no use. @returns whether it did; else the next start removes it */
  async #discard(temporary: string): Promise<boolean> {
    try {
      await this.#calls.unlink(this.#file(temporary));
      return true;
    } catch (error) {
      this.#log.warn(
        { file: `${this.#label}/${temporary}`, error: errorCode(error) },
        'temporary file not removed',
      );
      return false;
    }
  }

  /** Waits for an fsync of the folder that starts after this call. */
  async #flush(name: string): Promise<void> {
    if (this.#nextFlush === undefined) {
      this.#nextFlush = newFlush();
      if (!this.#flushing) void this.#runFlushes();
    }
    try {
      await this.#nextFlush.done;
    } catch (error) {
      throw this.#failure('fsync the folder for', name, error);
    }
  }

  async #runFlushes(): Promise<void> {
    this.#flushing = true;
    while (this.#nextFlush !== undefined) {
      await new Promise((resolve) => setImmediate(resolve));
      const flush = this.#nextFlush;
      // No await between this line and the call: a commit that comes after it waits for the next fsync.
      this.#nextFlush = undefined;
      try {
        this.#refuseIfFailed('');
        await this.#calls.fsyncFolder(this.#descriptor);
        flush.resolve();
      } catch (error) {
        this.#fail(this.#failure('fsync the folder', '', error));
        flush.reject(error);
      }
    }
    this.#flushing = false;
  }

  #refuseIfFailed(name: string): void {
    if (this.#failed) {
      throw new StoreFailure(
        `cannot write ${this.#label}/${name}: an fsync failed earlier, restart after repair`,
      );
    }
  }

  #fail(failure: StoreFailure): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#log.error({ error: failure.message }, 'no write succeeds until restart');
  }

  #failure(call: string, name: string, error: unknown): StoreFailure {
    if (error instanceof StoreFailure) return error;
    const code = errorCode(error);
    return new StoreFailure(`cannot ${call} ${this.#label}/${name}: ${code}`, {
      cause: error,
      full: NO_ROOM.has(code),
    });
  }
}
