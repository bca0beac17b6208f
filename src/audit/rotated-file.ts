import { type FileHandle, open, readdir, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * A file that is appended to, and changed for a new one: when it is asked to open its path anew, because somebody
 * has renamed the file, and by itself when it is full.
 *
 * Subtle:
 * - The file is opened for appending. So what follows a truncation by somebody else begins at the start of the file,
 *   without a hole. How large it is is asked of the system each time, for the same reason.
 * - The new file is open before the old one is let go of. Where it cannot be opened, the old one is written on.
 * - Full files are numbered: 1 is the youngest. They move up into the first number that is free, the last one first,
 *   so a process that ends in between leaves a gap, which the next time fills, and never one file on another. What
 *   is written over is the file with the highest number that is kept, and nothing else.
 * - The path may have been given to another file meanwhile. Then that one is opened, and nothing is moved.
 */

/** How large a file may be, and how many full ones stay beside it. */
export interface Rotation {
  /** Octets; 0 for any number. */
  readonly rotateBytes: number;
  readonly keep: number;
}

/** The most full files that can be kept. Higher numbers behind a name are none of ours, such as a date. */
export const mostKept = 1000;

/** What is written to: a `FileHandle`, or what a test puts around it. */
export interface LineFile {
  /** Appends; resolves with how many octets were taken, which may be fewer than all. */
  write(bytes: Uint8Array): Promise<{ readonly bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What tells a file from others, whatever it is called. */
interface FileId {
  readonly ino: number;
  readonly dev: number;
}

interface Opened {
  readonly handle: FileHandle;
  readonly file: LineFile;
}

const lineBreak = 0x0a;

export class RotatedFile {
  readonly #path: string;
  readonly #rotation: Rotation;
  readonly #around: (file: LineFile) => LineFile;
  #opened: Opened;

  private constructor(
    path: string,
    rotation: Rotation,
    around: (file: LineFile) => LineFile,
    opened: Opened,
  ) {
    this.#path = path;
    this.#rotation = rotation;
    this.#around = around;
    this.#opened = opened;
  }

  /** @throws the error of the system where the file cannot be opened for appending */
  static async open(
    path: string,
    rotation: Rotation,
    around: (file: LineFile) => LineFile,
  ): Promise<RotatedFile> {
    return new RotatedFile(path, rotation, around, await openAt(path, around));
  }

  /** Whether a file can be full. */
  get rotates(): boolean {
    return this.#rotation.rotateBytes > 0;
  }

  async write(bytes: Uint8Array): Promise<number> {
    return (await this.#opened.file.write(bytes)).bytesWritten;
  }

  /** How many octets fit in, and whether the file is empty. */
  async room(): Promise<{ readonly octets: number; readonly empty: boolean }> {
    const { size } = await this.#opened.handle.stat();
    return { octets: this.#rotation.rotateBytes - size, empty: size === 0 };
  }

  /** Whether the file is not empty and its last octet is no line break. */
  async isTorn(): Promise<boolean> {
    const { handle } = this.#opened;
    const { size } = await handle.stat();
    if (size === 0) return false;
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0] !== lineBreak;
  }

  /** Goes on in the file that the path names now, and makes it where there is none. */
  async reopen(): Promise<void> {
    const { file: former } = this.#opened;
    this.#opened = await openAt(this.#path, this.#around);
    try {
      await former.sync();
    } finally {
      await former.close();
    }
  }

  /** Gives the full file a number, and goes on in a new one. */
  async rotate(): Promise<void> {
    await this.#opened.file.sync();
    const path = await realpath(this.#path).catch(() => this.#path);
    if (await this.#isAt(path)) await moveUp(path, this.#rotation.keep);
    await this.reopen();
    await syncFolder(dirname(path));
  }

  async sync(): Promise<void> {
    await this.#opened.file.sync();
  }

  async close(): Promise<void> {
    await this.#opened.file.close();
  }

  /** Whether the path names another file by now. Where it names none, somebody is about to make one. */
  async isReplaced(): Promise<boolean> {
    const [own, there] = await Promise.all([this.#opened.handle.stat(), found(this.#path)]);
    return there !== undefined && !areSame(own, there);
  }

  async #isAt(path: string): Promise<boolean> {
    const [own, there] = await Promise.all([this.#opened.handle.stat(), found(path)]);
    return there !== undefined && areSame(own, there);
  }
}

async function found(path: string): Promise<FileId | undefined> {
  return await stat(path).catch(() => undefined);
}

function areSame(one: FileId, other: FileId): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

async function openAt(path: string, around: (file: LineFile) => LineFile): Promise<Opened> {
  // Created so that its owner only may read it.
  const handle = await open(path, 'a+', 0o600);
  return { handle, file: around(handle) };
}

/** Gives `path` the number 1, and the files with numbers their next one, as far as `keep`. */
async function moveUp(path: string, keep: number): Promise<void> {
  const numbered = (number: number): string => `${path}.${number}`;
  const numbers = await numbersOf(path);
  for (const number of numbers) if (number > keep) await unlink(numbered(number));
  let free = 1;
  while (free < keep && numbers.has(free)) free += 1;
  for (let number = free - 1; number >= 1; number -= 1) await rename(numbered(number), numbered(number + 1));
  await rename(path, numbered(1));
}

async function numbersOf(path: string): Promise<ReadonlySet<number>> {
  const start = `${basename(path)}.`;
  const ends = (await readdir(dirname(path)))
    .filter((name) => name.startsWith(start))
    .map((name) => name.slice(start.length))
    .filter((end) => /^[1-9]\d{0,3}$/.test(end) && Number(end) <= mostKept);
  return new Set(ends.map(Number));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(join(path, '.'), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
