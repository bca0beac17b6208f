import fs from 'node:fs';
import { promisify } from 'node:util';

/**
 * The calls through which the store touches the disk. Tests put their own in place to make any one of
 * them fail or to write down their order. They take bare descriptors, because a commit makes seven calls
 * and FileHandle costs a fifth of the commits per second.
 */
export interface FileCalls {
  /** Creates a file that must not exist, readable by its owner only, and opens it for writing. */
  create(path: string): Promise<number>;
  /** Writes from the start of `bytes`; resolves with how many were taken, which may be fewer than all. */
  write(descriptor: number, bytes: Uint8Array): Promise<number>;
  fsync(descriptor: number): Promise<void>;
  close(descriptor: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** The whole content of a file. */
  read(path: string): Promise<Buffer>;
  /** Creates a folder that only its owner may enter. */
  makeFolder(path: string): Promise<void>;
  /** The names in a folder. */
  list(path: string): Promise<string[]>;
  openFolder(path: string): Promise<number>;
  fsyncFolder(descriptor: number): Promise<void>;
}

/** The symbol of a system error such as `ENOSPC`, or the class of any other error. Holds no path. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

const calls = {
  open: promisify(fs.open),
  write: promisify(fs.write),
  fsync: promisify(fs.fsync),
  close: promisify(fs.close),
  rename: promisify(fs.rename),
  unlink: promisify(fs.unlink),
  read: promisify(fs.readFile),
  makeFolder: promisify(fs.mkdir),
  list: promisify(fs.readdir),
};

/** The operating system's own calls. */
export const systemFileCalls: FileCalls = {
  create: (path) => calls.open(path, 'wx', 0o600),
  write: async (descriptor, bytes) => (await calls.write(descriptor, bytes)).bytesWritten,
  fsync: (descriptor) => calls.fsync(descriptor),
  close: (descriptor) => calls.close(descriptor),
  rename: (from, to) => calls.rename(from, to),
  unlink: (path) => calls.unlink(path),
  read: (path) => calls.read(path),
  makeFolder: (path) => calls.makeFolder(path, 0o700),
  list: (path) => calls.list(path),
  openFolder: (path) => calls.open(path, 'r'),
  fsyncFolder: (descriptor) => calls.fsync(descriptor),
};
