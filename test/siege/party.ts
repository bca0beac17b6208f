import { fork, type ChildProcess } from 'node:child_process';
import { pinned, setNiceness } from './cores.js';

/**
 * A process of the siege, and how it is told what to do. Clients are processes of their own, so that none is slow
 * because another one works. They are asked one thing at a time, and answer it.
 */

interface Call {
  readonly name: string;
  readonly argument: unknown;
}

type Answer = { readonly value: unknown } | { readonly failure: string };

/** What a process does when it is asked. */
export type Duties = Readonly<Record<string, (argument: unknown) => Promise<unknown>>>;

/** Answers the calls of the process that started this one, and ends with it. */
export function attend(duties: Duties): void {
  const answer = (message: Answer): void => {
    process.send?.(message);
  };
  process.on('message', (message) => {
    const { name, argument } = message as Call;
    const duty = duties[name];
    if (duty === undefined) throw new Error(`nobody knows how to ${name}`);
    duty(argument).then(
      (value) => {
        answer({ value });
      },
      (error: unknown) => {
        answer({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      },
    );
  });
  process.on('disconnect', () => {
    process.exit();
  });
}

/** A process that attends, seen from outside. */
export class Party {
  readonly name: string;
  readonly #child: ChildProcess;
  #waiting:
    { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void } | undefined;
  #hasEnded = false;

  /** @param niceness how far the process stands back where others want the processor as well */
  constructor(name: string, script: URL, niceness: number) {
    this.name = name;
    const [execPath = process.execPath, ...execArgv]: readonly string[] = [
      ...pinned('others'),
      process.execPath,
      '--max-old-space-size=2048',
    ];
    this.#child = fork(script, { serialization: 'advanced', execPath, execArgv });
    setNiceness(this.#child.pid, niceness);
    this.#child.on('message', (message) => {
      const answer = message as Answer;
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if ('failure' in answer) waiting?.reject(new Error(`${name}: ${answer.failure}`));
      else waiting?.resolve(answer.value);
    });
    this.#child.on('exit', (code) => {
      this.#hasEnded = true;
      this.#waiting?.reject(new Error(`${name} has ended with ${code ?? 'a signal'}`));
    });
  }

  /** Asks for something. The answer is what the process sent, which nobody checks. @throws Error where it fails */
  async call(name: string, argument?: unknown): Promise<unknown> {
    if (this.#hasEnded) throw new Error(`${this.name} has ended`);
    return await new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#child.send({ name, argument } satisfies Call);
    });
  }

  async dismiss(): Promise<void> {
    if (this.#hasEnded) return;
    await new Promise((resolve) => {
      this.#child.on('exit', resolve);
      this.#child.kill('SIGKILL');
    });
  }
}
