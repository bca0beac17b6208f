import fs from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Log } from '../base/log.js';
import { errorCode } from '../store/file-calls.js';
import { StoreUnusable } from '../store/store.js';

/**
 * An append-only file of lines. Whoever appends never waits: lines go to a queue of bounded size, and one
 * writer takes what is there in one go. What does not fit, or cannot be written, is counted, and the count is
 * written as a line of its own as soon as something can be written again.
 *
 * A write may be cut off, by a full disk, a kill or a lost power supply. So the next line begins on a
 * line of its own: at the start where the file does not end with a line break, and after a write that failed.
 * The file is fsynced when it is closed; until then the operating system has it, which is enough for a
 * process that is killed.
 */

/** The calls that the file is written with; tests put their own in place. */
export interface LineCalls {
  /** Opens for appending; creates the file, readable by its owner only. */
  open(path: string): Promise<number>;
  /** Whether the file is not empty and its last octet is no line break. */
  isTorn(path: string): Promise<boolean>;
  /** Appends; resolves with how many octets were taken. */
  write(descriptor: number, bytes: Uint8Array): Promise<number>;
  fsync(descriptor: number): Promise<void>;
  close(descriptor: number): Promise<void>;
}

export interface LineLogOptions {
  /** The folder that a relative `file` starts at. */
  readonly folder: string;
  readonly file: string;
  /** What tells of lines that were lost. */
  readonly lostLine: (lines: number) => string;
  readonly log: Log;
  /** How many octets wait to be written at most. */
  readonly queueBytes?: number;
  readonly calls?: LineCalls;
}

const lineBreak = 0x0a;

export const systemLineCalls: LineCalls = {
  open: (path) =>
    new Promise((done, fail) => {
      fs.open(path, 'a', 0o600, (error, descriptor) => {
        if (error === null) done(descriptor);
        else fail(error);
      });
    }),
  isTorn: async (path) => {
    const handle = await fs.promises.open(path, 'r');
    try {
      const { size } = await handle.stat();
      if (size === 0) return false;
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
      return buffer[0] !== lineBreak;
    } finally {
      await handle.close();
    }
  },
  write: (descriptor, bytes) =>
    new Promise((done, fail) => {
      fs.write(descriptor, bytes, (error, taken) => {
        if (error === null) done(taken);
        else fail(error);
      });
    }),
  fsync: (descriptor) =>
    new Promise((done, fail) => {
      fs.fsync(descriptor, (error) => {
        if (error === null) done();
        else fail(error);
      });
    }),
  close: (descriptor) =>
    new Promise((done, fail) => {
      fs.close(descriptor, (error) => {
        if (error === null) done();
        else fail(error);
      });
    }),
};

/** The most octets that wait, unless configured otherwise. */
const usualQueue = 4 * 1024 * 1024;

export class LineLog {
  readonly #descriptor: number;
  readonly #calls: LineCalls;
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

  private constructor(descriptor: number, torn: boolean, options: LineLogOptions) {
    this.#descriptor = descriptor;
    this.#torn = torn;
    this.#calls = options.calls ?? systemLineCalls;
    this.#log = options.log;
    this.#lostLine = options.lostLine;
    this.#queueBytes = options.queueBytes ?? usualQueue;
  }

  /** @throws StoreUnusable where the file cannot be opened for appending */
  static async open(options: LineLogOptions): Promise<LineLog> {
    const { folder, file, calls = systemLineCalls } = options;
    const path = resolve(folder, file);
    let descriptor: number | undefined;
    try {
      descriptor = await calls.open(path);
      return new LineLog(descriptor, await calls.isTorn(path), options);
    } catch (error) {
      if (descriptor !== undefined) await calls.close(descriptor).catch(() => undefined);
      const where = dirname(path) === resolve(folder) ? 'in the data folder' : 'as configured';
      throw new StoreUnusable(`the audit log ${where} cannot be opened: ${errorCode(error)}`, {
        cause: error,
      });
    }
  }

  /** How many lines were lost and are not yet told of in the file. */
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
      await this.#calls.fsync(this.#descriptor);
    } catch (error) {
      this.#log.error({ lost: this.#lost, error: errorCode(error) }, 'audit log not flushed');
    } finally {
      await this.#calls.close(this.#descriptor).catch(() => undefined);
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
   * Writes lines, in front of them what was lost and what sets them apart from a line that was cut off.
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

  /** @returns how many octets were taken: fewer than all where the medium fails */
  async #writeBytes(bytes: Buffer): Promise<number> {
    let written = 0;
    try {
      while (written < bytes.length) {
        const taken = await this.#calls.write(this.#descriptor, bytes.subarray(written));
        if (taken <= 0) throw new Error('the medium takes nothing');
        written += taken;
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
