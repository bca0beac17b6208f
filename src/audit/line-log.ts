import { type FileHandle, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errorCode } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { StoreUnusable } from '../store/store.js';

/**
 * An append-only file of lines. An append never waits: lines go to a queue of bounded size, and one writer
 * takes what is there in one go. Lines that do not fit, or cannot be written, are counted. The count is
 * written as a line of its own as soon as something can be written again.
 *
 * A write may be cut off, by a full disk, a kill or a lost power supply. So the next text begins on a
 * line of its own: at the start where the file does not end with a line break, and after a write that failed.
 * The file is fsynced when it is closed; until then the operating system has it, which is enough for a
 * process that is killed.
 */

/** The file that lines are appended to: a `FileHandle`, or what a test puts around it. */
export interface LineFile {
  /** Appends; resolves with how many octets were taken, which may be fewer than all. */
  write(bytes: Uint8Array): Promise<{ readonly bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface LineLogOptions {
  /** The folder that a relative `file` starts at. */
  readonly folder: string;
  readonly file: string;
  /** The line that tells of lines that were lost. */
  readonly lostLine: (lines: number) => string;
  readonly log: Log;
  /** How many octets wait to be written at most. */
  readonly queueBytes?: number;
  /** What is put around the file; for tests. */
  readonly around?: (file: LineFile) => LineFile;
}

const lineBreak = 0x0a;

/** Whether the file is not empty and its last octet is no line break. */
async function isTorn(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat();
  if (size === 0) return false;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== lineBreak;
}

/** The most octets that wait, unless configured otherwise. */
const usualQueue = 4 * 1024 * 1024;

/** The audit log's file: appended to, never read again and never cut. */
export class LineLog {
  readonly #file: LineFile;
  readonly #log: Log;
  readonly #lostLine: (lines: number) => string;
  readonly #queueBytes: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #torn: boolean;
  #failing = false;
  #closed = false;
  #writing: Promise<void> | undefined;

  private constructor(file: LineFile, torn: boolean, options: LineLogOptions) {
    this.#file = file;
    this.#torn = torn;
    this.#log = options.log;
    this.#lostLine = options.lostLine;
    this.#queueBytes = options.queueBytes ?? usualQueue;
  }

  /** @throws StoreUnusable where the file cannot be opened for appending */
  static async open(options: LineLogOptions): Promise<LineLog> {
    const { folder, file, around } = options;
    const path = resolve(folder, file);
    let handle: FileHandle | undefined;
    try {
      // Created so that its owner only may read it.
      handle = await open(path, 'a+', 0o600);
      return new LineLog(around?.(handle) ?? handle, await isTorn(handle), options);
    } catch (error) {
      await handle?.close().catch(() => undefined);
      const where = dirname(path) === resolve(folder) ? 'in the data folder' : 'as configured';
      throw new StoreUnusable(`the audit log ${where} cannot be opened: ${errorCode(error)}`, {
        cause: error,
      });
    }
  }

  /** How many lines were lost that the file does not tell of yet. */
  get lost(): number {
    return this.#lost;
  }

  /** Takes a line without its line break. Never waits and never throws. */
  append(line: string): void {
    const bytes = Buffer.from(`${line}\n`, 'utf8');
    if (this.#closed || this.#waitingBytes + bytes.length > this.#queueBytes) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#writing ??= this.#write();
  }

  /** Writes what waits, fsyncs and lets go of the file. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    while (this.#writing !== undefined) await this.#writing;
    if (this.#lost > 0) await this.#writeOut([]);
    try {
      await this.#file.sync();
    } catch (error) {
      this.#log.error({ lost: this.#lost, error: errorCode(error) }, 'audit log not flushed');
    } finally {
      await this.#file.close().catch(() => undefined);
    }
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      const written = await this.#writeOut(lines);
      this.#lost += lines.length - written;
      this.#waitingBytes = sizeOf(this.#waiting);
    }
    this.#writing = undefined;
  }

  /**
   * Writes lines. In front of them go the count of lost lines and the break that ends a line that was cut off.
   *
   * @returns how many of `lines` were written to their end
   */
  async #writeOut(lines: readonly Buffer[]): Promise<number> {
    const lost = this.#lost;
    const head = Buffer.from(
      `${this.#torn ? '\n' : ''}${lost > 0 ? `${this.#lostLine(lost)}\n` : ''}`,
      'utf8',
    );
    const written = await this.#writeBytes(Buffer.concat([head, ...lines]));
    if (written >= head.length) this.#lost -= lost;
    let complete = 0;
    let end = head.length;
    for (const { length } of lines) {
      end += length;
      if (end <= written) complete += 1;
    }
    return complete;
  }

  /** @returns how many octets were taken, which are fewer than all where the medium fails */
  async #writeBytes(bytes: Buffer): Promise<number> {
    let written = 0;
    try {
      while (written < bytes.length) {
        const { bytesWritten } = await this.#file.write(bytes.subarray(written));
        if (bytesWritten <= 0) throw new Error('the medium takes nothing');
        written += bytesWritten;
      }
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#log.error({ error: errorCode(error) }, 'audit log not written');
      this.#failing = true;
    }
    if (written > 0) this.#torn = bytes[written - 1] !== lineBreak;
    return written;
  }
}

function sizeOf(lines: readonly Buffer[]): number {
  return lines.reduce((size, { length }) => size + length, 0);
}
