import { once } from 'node:events';
import { open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { errorCode } from '../../base/system-errors.js';
import type { Random } from '../../base/random.js';
import { StoreUnusable } from '../store.js';

/**
 * One process owns a data folder. The lock is a Unix domain socket in the folder on which the owner
 * listens: the kernel stops that when the process dies, however it dies, and unlike an abstract socket
 * or a port it works between containers that share the folder but no network.
 *
 * A socket of one fixed name would need a way to take the place of a dead one. Every such way has a gap,
 * in which two processes that start at once remove each other's live socket. So each process has a name
 * of its own, which is used once, and the order decides:
 *
 * 1. Listen under a name that nobody looks at, then publish it by a rename to `lock-<token>.sock`.
 *    A published name is therefore answered until its process ends, and never again after that.
 * 2. List the published names and connect to each of the others. A refused one is dead and is removed.
 * 3. Where none is alive, the folder is this process's; where an owner answers, it is not.
 *
 * Of two owners one must have published first, and would have been seen by the other in step 2. Between
 * processes that are all in step 2 the lowest token goes first: a higher one withdraws, a lower one waits
 * until the higher has withdrawn or says that it had finished before. So exactly one gets the folder.
 * A process that is stopped or busy still accepts through the kernel and counts as alive.
 *
 * An owner whose name was taken away, as a cleaner of temporary files does, claims the folder anew
 * (folder-ownership.ts). Its new token is lower than every other, so that it wins over candidates.
 *
 * A socket's address holds some 100 bytes. Longer paths go through `/proc/self/fd` on Linux; elsewhere
 * they are refused. macOS works with short paths. On Windows a listening path is a named pipe, not a
 * file, so the store does not open there. Nor does the lock reach between machines: a data folder must
 * not be shared over a network file system.
 */

/** The longest address in bytes that every system takes: 104 with its end on macOS, 108 on Linux. */
const LONGEST_ADDRESS = 103;
const PUBLISHED = /^lock-([\w-]+)\.sock$/;
const UNPUBLISHED = /^lock-[\w-]+\.new$/;
const OWNED = 'the data folder is owned by another process, or opened a second time';

/**
 * What connecting to a published name says where its process no longer listens. The connection is reset,
 * not refused, where the process stopped listening before it had accepted; we may learn of that before we
 * learn that we were connected.
 */
const WITHDRAWN: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET']);

/**
 * How long in milliseconds a living process may take to say whether it owns the folder. Who owned it before has more
 * patience, since it cannot try again later, and others wait for it before they own the folder.
 */
const PATIENCE = 5_000;
const RETURNING_PATIENCE = 60_000;

function socketAddress(path: string, descriptor: number, name: string): string {
  const direct = join(path, name);
  if (Buffer.byteLength(direct) <= LONGEST_ADDRESS) return direct;
  if (process.platform === 'linux') return `/proc/self/fd/${descriptor}/${name}`;
  throw new StoreUnusable(
    `the path of the data folder is too long for a socket: ${Buffer.byteLength(path)} bytes`,
  );
}

/** The state of another process's claim. A living one of a lower token counts as the owner's. */
function claimOf(address: string, lower: boolean, patience: number): Promise<'owned' | 'dead'> {
  return new Promise((resolve) => {
    let connected = false;
    const socket = connect(address);
    const settle = (claim: 'owned' | 'dead'): void => {
      socket.destroy();
      resolve(claim);
    };
    socket.setTimeout(patience, () => {
      settle('owned');
    });
    socket.on('connect', () => {
      connected = true;
      if (lower) settle('owned');
    });
    socket.on('data', () => {
      settle('owned');
    });
    socket.on('error', (error) => {
      settle(connected || WITHDRAWN.has(errorCode(error)) ? 'dead' : 'owned');
    });
    socket.on('close', () => {
      settle('dead');
    });
  });
}

/** Before the token of a process that owned the folder before: no other token begins with a hyphen. */
const RETURNING = '-';

/** Ownership of a data folder. */
export interface FolderLock {
  /** The file that says so to other processes. */
  readonly file: string;
  /** Whether another process had left its name behind, so that its end was no orderly one. */
  readonly foundDead: boolean;
  /** Whether no other process has a better claim by now. */
  prevails(): Promise<boolean>;
  /** Says from here on to whoever asks that the folder is owned. The lock does not keep the process alive. */
  own(): Promise<void>;
  release(): Promise<void>;
}

/** This process's claim to a data folder: first a candidate's, then the owner's. */
class Claim implements FolderLock {
  readonly #path: string;
  readonly #folder: FileHandle;
  readonly #token: string;
  readonly #server: Server;
  readonly #askers = new Set<Socket>();
  #owner = false;
  foundDead = false;

  constructor(path: string, folder: FileHandle, token: string) {
    this.#path = path;
    this.#folder = folder;
    this.#token = token;
    this.#server = createServer((asker) => {
      this.#askers.add(asker);
      asker.unref();
      asker.on('error', () => undefined);
      asker.on('close', () => this.#askers.delete(asker));
      if (this.#owner) asker.end('owner\n');
    });
  }

  get #name(): string {
    return `lock-${this.#token}.sock`;
  }

  get file(): string {
    return join(this.#path, this.#name);
  }

  async publish(): Promise<void> {
    const unpublished = `lock-${this.#token}.new`;
    this.#server.listen(socketAddress(this.#path, this.#folder.fd, unpublished));
    // Rejects with the error of the server where it cannot listen.
    await once(this.#server, 'listening');
    await rename(join(this.#path, unpublished), this.file);
  }

  /** Step 2: whether no other process has, or will have, a better claim. */
  async prevails(): Promise<boolean> {
    for (const name of await readdir(this.#path)) {
      const token = PUBLISHED.exec(name)?.[1];
      if (token === undefined || token === this.#token) continue;
      const address = socketAddress(this.#path, this.#folder.fd, name);
      const patience = this.#token.startsWith(RETURNING) ? RETURNING_PATIENCE : PATIENCE;
      const claim = await claimOf(address, token < this.#token, patience);
      if (claim === 'owned') return false;
      this.foundDead = true;
      await rm(join(this.#path, name), { force: true });
    }
    return true;
  }

  /** Step 3. */
  async own(): Promise<void> {
    this.#owner = true;
    this.#server.unref();
    for (const asker of this.#askers) asker.end('owner\n');
    // A process that was killed before it had published leaves this; one that is alive loses anyway.
    for (const name of await readdir(this.#path)) {
      if (UNPUBLISHED.test(name)) await rm(join(this.#path, name), { force: true });
    }
  }

  /** Ends the claim, whether or not it prevailed. */
  async release(): Promise<void> {
    try {
      await rm(this.file, { force: true });
    } finally {
      await new Promise<void>((resolve) => {
        // Stops listening at once; calls back when the last asker is gone, or was never listening.
        this.#server.close(() => {
          resolve();
        });
        for (const asker of this.#askers) asker.destroy();
      });
      await this.#folder.close();
    }
  }
}

/**
 * Claims a data folder for this process, which is to own it once it has found nothing that speaks against it.
 *
 * @param returning whether this process owned it before, and its name was taken away
 * @throws StoreUnusable where another process owns it, this process has it open already, or the folder
 *   cannot hold sockets
 */
export async function claimFolder(path: string, random: Random, returning = false): Promise<FolderLock> {
  if (process.platform === 'win32') throw new StoreUnusable('the embedded store needs Unix domain sockets');
  let claim: Claim | undefined;
  try {
    // A token may begin with a hyphen of its own.
    const token = `${returning ? RETURNING : 't'}${random.token()}`;
    claim = new Claim(path, await open(path, 'r'), token);
    await claim.publish();
    if (!(await claim.prevails())) throw new StoreUnusable(OWNED);
  } catch (error) {
    await claim?.release();
    if (error instanceof StoreUnusable) throw error;
    throw new StoreUnusable(`cannot lock the data folder: ${errorCode(error)}`, { cause: error });
  }
  return claim;
}

/** Takes a data folder for this process: as `claimFolder`, and owns it. */
export async function lockFolder(path: string, random: Random, returning = false): Promise<FolderLock> {
  const claim = await claimFolder(path, random, returning);
  try {
    await claim.own();
  } catch (error) {
    await claim.release();
    throw new StoreUnusable(`cannot lock the data folder: ${errorCode(error)}`, { cause: error });
  }
  return claim;
}
