import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The compiled program. */
export const program = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** A process whose output is read as it comes. */
export class Command {
  readonly child: ChildProcess;
  #output = '';
  #errors = '';
  readonly #waiting = new Set<() => void>();
  readonly #ended: Promise<unknown>;
  #over = false;

  constructor(child: ChildProcess) {
    this.child = child;
    this.#ended = once(child, 'close').then(() => {
      this.#over = true;
      this.#notify();
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
      this.#notify();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
  }

  /** Starts `mcgms` with these arguments. */
  static run(...args: readonly string[]): Command {
    return new Command(spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  get output(): string {
    return this.#output;
  }

  get errors(): string {
    return this.#errors;
  }

  /** Waits until the output matches. @throws Error where the process ends without it */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      if (this.#over) throw new Error(`ended without ${pattern.source}:\n${this.#output}${this.#errors}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits for the end; gives the exit code, or null where a signal ended it. */
  async exit(): Promise<number | null> {
    await this.#ended;
    return this.child.exitCode;
  }

  #notify(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
