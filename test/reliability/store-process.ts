import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** The compiled program of `store-child.ts`. */
export const childScript = fileURLToPath(new URL('store-child.js', import.meta.url));

/** A process that runs `store-child.ts`. */
export class StoreProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<unknown>;

  constructor(...args: readonly string[]) {
    this.#child = spawn(process.execPath, [childScript, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#exited = once(this.#child, 'close');
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** The next line that it says, or undefined where it says no more. */
  async line(): Promise<string | undefined> {
    const next = await this.#lines.next();
    return next.done === true ? undefined : next.value;
  }

  /** Every line that is still to come. */
  async rest(): Promise<readonly string[]> {
    const lines: string[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) lines.push(line);
    return lines;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  /** Waits for its end; gives the signal that ended it, or null. */
  async exit(): Promise<NodeJS.Signals | null> {
    await this.#exited;
    return this.#child.signalCode;
  }
}
