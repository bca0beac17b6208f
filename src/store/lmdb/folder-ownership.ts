import { statSync } from 'node:fs';
import type { Log } from '../../base/log.js';
import type { Random } from '../../base/random.js';
import { StoreUnusable } from '../store.js';
import { claimFolder, lockFolder, type FolderLock } from './folder-lock.js';

/**
 * The lock of a data folder for as long as the store is open. Its file may be taken away under a running server:
 * cleaners of temporary files do that. A second process would then find no owner.
 *
 * So the owner looks whether its file is there, each second and before each batch that it writes, and claims the
 * folder anew where it is not. And whoever finds a folder that was not closed in an orderly way, with no trace of
 * the process that had it, waits longer than that and looks again (`waitForOwner`). A process that was killed leaves
 * its file, so that nobody waits after a crash. Until then it does not own the folder, so that the one that comes back
 * finds no owner.
 */

/** Milliseconds between two looks. */
const lookingInterval = 1000;

/** Milliseconds in which an owner whose file was taken away has claimed its folder anew. */
const returningTime = 3 * lookingInterval;

export class FolderOwnership {
  readonly #path: string;
  readonly #random: Random;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #lock: FolderLock;
  #returning: Promise<boolean> | undefined;
  #lost = false;

  private constructor(path: string, lock: FolderLock, random: Random, log: Log) {
    this.#path = path;
    this.#lock = lock;
    this.#random = random;
    this.#log = log;
  }

  /** Claims the folder, which is not owned before `begin`. @throws StoreUnusable where another process owns it */
  static async claim(path: string, random: Random, log: Log): Promise<FolderOwnership> {
    return new FolderOwnership(path, await claimFolder(path, random), random, log);
  }

  /**
   * Waits until an owner whose file was taken away would have come back. For a folder that was not closed.
   *
   * @throws StoreUnusable where one did
   */
  async waitForOwner(wait: (milliseconds: number) => Promise<unknown>): Promise<void> {
    if (this.#lock.foundDead) return;
    this.#log.warn({}, 'the data folder was not closed, and no process has left a trace: looking for one');
    await wait(returningTime);
    if (!(await this.#lock.prevails())) {
      throw new StoreUnusable('the data folder is owned by another process, whose lock had been removed');
    }
  }

  /** Owns the folder from here on. */
  async begin(): Promise<void> {
    await this.#lock.own();
    this.#timer = setInterval(() => void this.ensure(), lookingInterval);
    this.#timer.unref();
  }

  /** Whether the folder is this process's; where the lock's file is gone, it is claimed anew first. */
  ensure(): boolean | Promise<boolean> {
    if (this.#lost) return false;
    if (this.#returning !== undefined) return this.#returning;
    if (statSync(this.#lock.file, { throwIfNoEntry: false }) !== undefined) return true;
    this.#returning = this.#return().finally(() => {
      this.#returning = undefined;
    });
    return this.#returning;
  }

  async #return(): Promise<boolean> {
    this.#log.warn(
      {},
      'the lock of the data folder was removed: a cleaner of temporary files may be at work',
    );
    const former = this.#lock;
    try {
      this.#lock = await lockFolder(this.#path, this.#random, true);
    } catch (error) {
      this.#lost = true;
      const reason = error instanceof StoreUnusable ? error.message : 'it cannot be locked';
      this.#log.error({ reason }, 'the data folder is lost to this process: nothing is written any more');
      return false;
    }
    await former.release();
    return true;
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#returning;
    await this.#lock.release();
  }
}
