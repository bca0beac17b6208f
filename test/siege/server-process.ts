import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { program } from '../support/command.js';
import { pinned } from './cores.js';
import type { Probed } from './probe.js';

/** A server of the siege as a process, and what the system tells about it. */

/** Megabytes of objects that the besieged server may keep: its budget, less what buffers and the engine need. */
const heapMegabytes = 320;

/** Of these, the young ones: Node.js 24 takes four times as much by itself. */
const youngMegabytes = 16;

/** What a process held at its worst. */
export interface Peak {
  /** Octets of memory that are resident and its own, the pages of files aside; NaN where there is no /proc. */
  own: number;
  descriptors: number;
}

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;
  readonly peak: Peak = { own: NaN, descriptors: NaN };
  /** What it wrote to its log. */
  readonly logged = { lines: 0, octets: 0 };
  #lastWords = '';
  #sampler: NodeJS.Timeout | undefined;
  #end: string | undefined;

  private constructor(words: readonly [string, ...string[]]) {
    const [command, ...rest] = words;
    this.#child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    const kill = (): void => {
      this.#child.kill('SIGKILL');
    };
    // A siege that is broken off leaves no server behind.
    process.once('exit', kill);
    this.#child.on('exit', (code, signal) => {
      process.off('exit', kill);
      this.#end = signal ?? `exit code ${code ?? 'unknown'}`;
      clearInterval(this.#sampler);
    });
    let head = '';
    this.#ready = new Promise((resolve, reject) => {
      this.#child.stdout?.on('data', (chunk: Buffer) => {
        this.#count(chunk);
        if (head.length > 10_000) return;
        head += chunk.toString('latin1');
        if (head.includes('XCAP root: ')) resolve();
      });
      this.#child.on('exit', () => {
        reject(new Error(`the server does not start: ${this.#lastWords}`));
      });
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#count(chunk);
    });
  }

  /** Starts `mcgms serve`; where it is besieged, with a budget of memory, on one core, and with the probe. */
  static async start(
    config: string,
    { isBesieged }: { readonly isBesieged: boolean },
  ): Promise<ServerProcess> {
    const probe = fileURLToPath(new URL('probe.js', import.meta.url));
    const serve = [program, 'serve', '--config', config];
    const limited = [
      `--max-old-space-size=${heapMegabytes}`,
      `--max-semi-space-size=${youngMegabytes}`,
      '--expose-gc',
      '--import',
      probe,
    ];
    const [command = '', ...words] = isBesieged
      ? [...pinned('besieged'), process.execPath, ...limited]
      : [...pinned('others'), process.execPath];
    const self = new ServerProcess([command, ...words, ...serve]);
    await self.#ready;
    self.#sampler = setInterval(() => {
      self.#sample();
    }, 100);
    return self;
  }

  /** How it ended; undefined while it runs. */
  get end(): string | undefined {
    return this.#end;
  }

  /** The end of what it wrote. */
  get lastWords(): string {
    return this.#lastWords;
  }

  /**
   * Seconds of processor time that its first thread had, and for which it waited for the core; NaN where the system
   * does not tell.
   */
  get processor(): { readonly used: number; readonly waited: number } {
    try {
      const [used = NaN, waited = NaN] = readFileSync(`/proc/${this.#child.pid ?? 0}/schedstat`, 'utf8')
        .split(' ')
        .map(Number);
      return { used: used / 1e9, waited: waited / 1e9 };
    } catch {
      return { used: NaN, waited: NaN };
    }
  }

  /** How many descriptors are open; NaN where there is no /proc. */
  get descriptors(): number {
    try {
      return readdirSync(`/proc/${this.#child.pid ?? 0}/fd`).length;
    } catch {
      return NaN;
    }
  }

  /** Starts to measure: what was before does not count. */
  begin(): void {
    this.peak.own = NaN;
    this.peak.descriptors = NaN;
    this.logged.lines = 0;
    this.logged.octets = 0;
    this.#child.send('begin');
  }

  /** What is in its memory. Undefined where it has ended, or does not answer for a while. */
  async probe(): Promise<Probed | undefined> {
    if (this.#end !== undefined) return undefined;
    const patience = AbortSignal.timeout(60_000);
    this.#child.send('measure');
    try {
      const [said] = (await once(this.#child, 'message', { signal: patience })) as [Probed];
      return said;
    } catch {
      return undefined;
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#sampler);
    if (this.#end !== undefined) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(late);
  }

  #count(chunk: Buffer): void {
    this.logged.octets += chunk.length;
    const text = chunk.toString('utf8');
    this.logged.lines += text.split('\n').length - 1;
    this.#lastWords = (this.#lastWords + text).slice(-2000);
  }

  #sample(): void {
    const larger = (a: number, b: number): number => (Number.isNaN(a) ? b : Math.max(a, b));
    this.peak.descriptors = larger(this.peak.descriptors, this.descriptors);
    try {
      const status = readFileSync(`/proc/${this.#child.pid ?? 0}/status`, 'utf8');
      const kilobytes = Number(/^RssAnon:\s*(\d+) kB/m.exec(status)?.[1] ?? NaN);
      this.peak.own = larger(this.peak.own, kilobytes * 1024);
    } catch {
      // It has ended, or the system does not tell.
    }
  }
}
