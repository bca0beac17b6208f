import { dirname, isAbsolute, join } from 'node:path';
import { type Clock, type MonotonicTime, systemClock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import { FileUnusable, systemCode, systemReason } from '../base/system-errors.js';
import { type LineFile, RotatedFile, type Rotation } from './rotated-file.js';

/**
 * An append-only file of lines. An append never waits: lines go to a queue of bounded size, and one writer
 * takes what is there in one go. Lines that do not fit, or cannot be written, are counted. The count is
 * written as a line of its own as soon as something can be written again.
 *
 * A write may be cut off, by a full disk, a kill or a lost power supply. So the next text begins on a
 * line of its own: at the start where the file does not end with a line break, and after a write that failed.
 * The file is fsynced when it is closed or changed for another; until then the operating system has it, which is
 * enough for a process that is killed.
 *
 * The writer changes files between two writes, which hold whole lines. So no line is cut by a change, and lines that
 * come meanwhile wait for the new file. It looks now and then whether its path names another file, so that a rename
 * is noticed without a signal, too.
 */

export interface LineLogOptions {
  /** What the log is called in messages, such as `audit log`. */
  readonly name: string;
  /** The folder that a relative `file` starts at. */
  readonly folder: string;
  readonly file: string;
  /** When the file is full. Without it: never. */
  readonly rotation?: Rotation;
  /** The line that tells of lines that were lost. */
  readonly lostLine: (lines: number) => string;
  /** Where it is told that something cannot be written. */
  readonly log: Log;
  readonly clock?: Pick<Clock, 'monotonic'>;
  /** How many octets wait to be written at most. */
  readonly queueBytes?: number;
  /** What is put around each file that is opened; for tests. */
  readonly around?: (file: LineFile) => LineFile;
}

const lineBreak = 0x0a;

const noRotation: Rotation = { rotateBytes: 0, keep: 1 };

/** Milliseconds between two looks at the path, at the least. */
const lookingInterval = 500;

/** The words for where an operator looks: a file for appending is made, so what is missing is its folder. */
const missing = { ENOENT: 'its folder is missing; make it first' };

/** The most octets that wait, unless configured otherwise. */
const usualQueue = 4 * 1024 * 1024;

/** A log that is appended to and never read again. */
export class LineLog {
  readonly #file: RotatedFile;
  readonly #name: string;
  readonly #log: Log;
  readonly #lostLine: (lines: number) => string;
  readonly #queueBytes: number;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #lookedAt: MonotonicTime;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #lost = 0;
  /** Whether the last write may have ended within a line. */
  #torn: boolean;
  #failing = false;
  #stuck = false;
  #reopenAsked = false;
  #closed = false;
  #writing: Promise<void> | undefined;

  private constructor(file: RotatedFile, torn: boolean, options: LineLogOptions) {
    this.#file = file;
    this.#torn = torn;
    this.#name = options.name;
    this.#log = options.log;
    this.#lostLine = options.lostLine;
    this.#queueBytes = options.queueBytes ?? usualQueue;
    this.#clock = options.clock ?? systemClock;
    this.#lookedAt = this.#clock.monotonic();
  }

  /** @throws FileUnusable where the file cannot be opened for appending */
  static async open(options: LineLogOptions): Promise<LineLog> {
    const {
      name,
      folder,
      file: given,
      rotation = noRotation,
      around = (opened: LineFile) => opened,
    } = options;
    const path = isAbsolute(given) ? given : join(folder, given);
    let file: RotatedFile | undefined;
    try {
      file = await RotatedFile.open(path, rotation, around);
      return new LineLog(file, await file.isTorn(), options);
    } catch (error) {
      await file?.close().catch(() => undefined);
      const reason = systemReason(error, { ...missing, EACCES: denied(path) });
      throw new FileUnusable(`the ${name} ${path} cannot be opened: ${reason}`, { cause: error });
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

  /**
   * Opens the file anew, as after a rename by another program; resolves when that is done. What was appended before
   * is in the former file or in the new one, whole. Where the file cannot be opened, the former one is written on.
   */
  async reopen(): Promise<void> {
    if (this.#closed) return;
    this.#reopenAsked = true;
    this.#writing ??= this.#write();
    await this.#writing;
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
      this.#log.error({ lost: this.#lost, error: codeOf(error) }, `${this.#name} not flushed`);
    } finally {
      await this.#file.close().catch(() => undefined);
    }
  }

  async #write(): Promise<void> {
    while (this.#reopenAsked || this.#waiting.length > 0) {
      if (this.#reopenAsked || (this.#isToLook() && (await this.#isReplaced()))) {
        this.#reopenAsked = false;
        await this.#change('opened anew', () => this.#file.reopen());
      }
      if (this.#waiting.length === 0) continue;
      const lines = this.#waiting.splice(0, this.#file.rotates ? await this.#fitting() : Infinity);
      const written = await this.#writeOut(lines);
      this.#lost += lines.length - written;
      this.#waitingBytes -= sizeOf(lines);
    }
    this.#writing = undefined;
  }

  #isToLook(): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#lookedAt < lookingInterval) return false;
    this.#lookedAt = now;
    return true;
  }

  async #isReplaced(): Promise<boolean> {
    return await this.#file.isReplaced().catch(() => false);
  }

  /** How many of the lines that wait go into the file, which is changed where there is no room for one. */
  async #fitting(): Promise<number> {
    const { octets, empty } = await this.#room();
    const fitting = fittingIn(octets, this.#waiting);
    if (fitting > 0) return fitting;
    if (empty) return 1;
    const changed = await this.#change('changed for a new one', () => this.#file.rotate());
    // A file that grows too large is better than lines that are lost.
    if (!changed) return this.#waiting.length;
    // A line that is longer than a file may be has one of its own.
    return Math.max(1, fittingIn((await this.#room()).octets, this.#waiting));
  }

  async #room(): ReturnType<RotatedFile['room']> {
    return await this.#file.room().catch(() => ({ octets: Infinity, empty: false }));
  }

  /** Changes the file. @returns whether that went well; where it did not, lines go on in one that is open */
  async #change(what: string, change: () => Promise<void>): Promise<boolean> {
    try {
      await change();
      this.#stuck = false;
    } catch (error) {
      if (!this.#stuck) {
        this.#log.error({ error: systemReason(error, missing) }, `${this.#name} not ${what}`);
      }
      this.#stuck = true;
    }
    this.#torn = true;
    return !this.#stuck;
  }

  /**
   * Writes lines. In front of them go the count of lost lines and the break that ends a line that was cut off.
   *
   * @returns how many of `lines` were written to their end
   */
  async #writeOut(lines: readonly Buffer[]): Promise<number> {
    const lost = this.#lost;
    // Somebody may have taken the line away meanwhile, with all of the file.
    const torn = this.#torn && (await this.#file.isTorn().catch(() => true));
    const head = Buffer.from(`${torn ? '\n' : ''}${lost > 0 ? `${this.#lostLine(lost)}\n` : ''}`, 'utf8');
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
        const taken = await this.#file.write(bytes.subarray(written));
        if (taken <= 0) throw new Error('the medium takes nothing');
        written += taken;
      }
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#log.error({ error: codeOf(error) }, `${this.#name} not written`);
      this.#failing = true;
    }
    if (written > 0) this.#torn = bytes[written - 1] !== lineBreak;
    return written;
  }
}

/** The words for a path that may not be written. */
function denied(path: string): string {
  return `permission denied; this user must be able to write the file, or to make files in ${dirname(path)}`;
}

function codeOf(error: unknown): string {
  return systemCode(error) ?? systemReason(error);
}

/** How many of `lines`, from the first on, have room in so many octets. */
function fittingIn(octets: number, lines: readonly Buffer[]): number {
  let room = octets;
  const beyond = lines.findIndex(({ length }) => (room -= length) < 0);
  return beyond < 0 ? lines.length : beyond;
}

function sizeOf(lines: readonly Buffer[]): number {
  return lines.reduce((size, { length }) => size + length, 0);
}
