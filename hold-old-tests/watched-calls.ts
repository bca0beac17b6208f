import { basename } from 'node:path';
import { systemFileCalls, type FileCalls } from '../../../src/store/file-calls.js';

/** The name of a call to the file system. */
export type CallName = keyof FileCalls;

/** One call: what was called, on which file or folder, and its end once it has ended. */
export interface WatchedCall {
  readonly call: CallName;
  readonly file: string;
  ended: 'well' | 'badly' | undefined;
}

interface Rule {
  readonly call: CallName;
  readonly file: RegExp;
  readonly act: (effect: () => Promise<unknown>) => Promise<unknown>;
}

/** A call that waits. */
export interface Held {
  readonly reached: Promise<void>;
  readonly release: () => void;
}

/** An error as the operating system reports it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made by a test`), { code });
}

/** File calls that are written down, and of which a test can make any one fail or wait. */
export class WatchedCalls implements FileCalls {
  readonly calls: WatchedCall[] = [];
  readonly #rules: Rule[] = [];
  readonly #opened = new Map<number, string>();
  readonly #base: FileCalls;

  constructor(base: FileCalls = systemFileCalls) {
    this.#base = base;
  }

  /** The next `call` on a matching file is not made and fails with `code`. */
  fail(call: CallName, code: string, file = /^/): void {
    this.#rules.push({ call, file, act: () => Promise.reject(systemError(code)) });
  }

  /** The next `call` on a matching file is made, and yet reported as failed with `code`. */
  failAfter(call: CallName, code: string, file = /^/): void {
    this.#rules.push({
      call,
      file,
      act: async (effect) => {
        await effect();
        throw systemError(code);
      },
    });
  }

  /**
   * The next `call` on a matching file waits, before it is made or with its result, until `release`.
   * `reached` tells when it waits.
   */
  hold(call: CallName, options: { readonly file?: RegExp; readonly when?: 'before' | 'after' } = {}): Held {
    const { file = /^/, when = 'before' } = options;
    let arrive: () => void = () => undefined;
    let release: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => (arrive = resolve));
    const released = new Promise<void>((resolve) => (release = resolve));
    this.#rules.push({
      call,
      file,
      act: async (effect) => {
        const result = when === 'after' ? await effect() : undefined;
        arrive();
        await released;
        return when === 'after' ? result : effect();
      },
    });
    return { reached, release };
  }

  /** The names of the calls so far, in the order in which they began. */
  get names(): readonly CallName[] {
    return this.calls.map(({ call }) => call);
  }

  create = (path: string): Promise<number> => this.#open('create', path, () => this.#base.create(path));

  openFolder = (path: string): Promise<number> =>
    this.#open('openFolder', path, () => this.#base.openFolder(path));

  write = (descriptor: number, bytes: Uint8Array): Promise<number> =>
    this.#watch('write', this.#fileOf(descriptor), () => this.#base.write(descriptor, bytes));

  fsync = (descriptor: number): Promise<void> =>
    this.#watch('fsync', this.#fileOf(descriptor), () => this.#base.fsync(descriptor));

  fsyncFolder = (descriptor: number): Promise<void> =>
    this.#watch('fsyncFolder', this.#fileOf(descriptor), () => this.#base.fsyncFolder(descriptor));

  close = (descriptor: number): Promise<void> =>
    this.#watch('close', this.#fileOf(descriptor), () => this.#base.close(descriptor));

  rename = (from: string, to: string): Promise<void> =>
    this.#watch('rename', basename(to), () => this.#base.rename(from, to));

  unlink = (path: string): Promise<void> =>
    this.#watch('unlink', basename(path), () => this.#base.unlink(path));

  read = (path: string): Promise<Buffer> => this.#watch('read', basename(path), () => this.#base.read(path));

  makeFolder = (path: string): Promise<void> =>
    this.#watch('makeFolder', basename(path), () => this.#base.makeFolder(path));

  list = (path: string): Promise<string[]> =>
    this.#watch('list', basename(path), () => this.#base.list(path));

  #fileOf(descriptor: number): string {
    return this.#opened.get(descriptor) ?? '';
  }

  async #open(call: CallName, path: string, effect: () => Promise<number>): Promise<number> {
    const descriptor = await this.#watch(call, basename(path), effect);
    this.#opened.set(descriptor, basename(path));
    return descriptor;
  }

  async #watch<T>(call: CallName, file: string, effect: () => Promise<T>): Promise<T> {
    const watched: WatchedCall = { call, file, ended: undefined };
    this.calls.push(watched);
    const rule = this.#rules.findIndex((each) => each.call === call && each.file.test(file));
    const act = rule < 0 ? undefined : this.#rules.splice(rule, 1)[0]?.act;
    try {
      const result = act === undefined ? await effect() : ((await act(effect)) as T);
      watched.ended = 'well';
      return result;
    } catch (error) {
      watched.ended = 'badly';
      throw error;
    }
  }
}
