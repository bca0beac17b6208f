import fs from 'node:fs';

/**
 * The calls through which the store touches the disk. Tests put their own in place to make any one of
 * them fail or to write down their order. Callbacks and bare descriptors, because a commit makes seven
 * calls and FileHandle costs a fifth of the commits per second.
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

function settle<T>(start: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}

function settleVoid(start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/** The operating system's own calls. */
export const systemFileCalls: FileCalls = {
  create: (path) =>
    settle((done) => {
      fs.open(path, 'wx', 0o600, done);
    }),
  write: (descriptor, bytes) =>
    settle((done) => {
      fs.write(descriptor, bytes, done);
    }),
  fsync: (descriptor) =>
    settleVoid((done) => {
      fs.fsync(descriptor, done);
    }),
  close: (descriptor) =>
    settleVoid((done) => {
      fs.close(descriptor, done);
    }),
  rename: (from, to) =>
    settleVoid((done) => {
      fs.rename(from, to, done);
    }),
  unlink: (path) =>
    settleVoid((done) => {
      fs.unlink(path, done);
    }),
  read: (path) =>
    settle((done) => {
      fs.readFile(path, done);
    }),
  makeFolder: (path) =>
    settleVoid((done) => {
      fs.mkdir(path, 0o700, done);
    }),
  list: (path) =>
    settle((done) => {
      fs.readdir(path, done);
    }),
  openFolder: (path) =>
    settle((done) => {
      fs.open(path, 'r', done);
    }),
  fsyncFolder: (descriptor) =>
    settleVoid((done) => {
      fs.fsync(descriptor, done);
    }),
};
