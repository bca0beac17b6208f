import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs a process under strace and tells in which order its system calls were made. A killed process
 * cannot show a missing fsync, since what it wrote stays in the kernel; the order of the calls can.
 *
 * Calls of several threads overlap, and strace prints such a call in two lines: `<unfinished ...>` where
 * it began and `<... resumed>` where it ended. So a call has two places in the trace, and one call comes
 * before another only if it ended before the other began.
 */

/** One system call of a trace. */
export interface SystemCall {
  readonly process: number;
  readonly name: string;
  /** All between the parentheses, as strace prints it: descriptors with their paths, text cut short. */
  readonly arguments: string;
  /** What it returned, such as `0` or `-1 EIO (Input/output error)`; undefined where it never returned. */
  readonly result: string | undefined;
  /** The lines of the trace in which it began and ended, from 0. */
  readonly began: number;
  readonly ended: number;
}

const LINE = /^(\d+)\s+(.*)$/;
const WHOLE = /^(\w+)\((.*)\)\s+= (.*)$/;
const BEGUN = /^(\w+)\((.*?)\s*<unfinished \.\.\.>$/;
const RESUMED = /^<\.\.\. (\w+) resumed>(.*)\)\s+= (.*)$/;

/** Reads the output of `strace -f`, in which every line begins with the number of the process. */
export function parseTrace(text: string): readonly SystemCall[] {
  const calls: SystemCall[] = [];
  const begun = new Map<string, { readonly arguments: string; readonly began: number }>();
  for (const [place, line] of text.split('\n').entries()) {
    const [, process = '', rest = ''] = LINE.exec(line) ?? [];
    const whole = WHOLE.exec(rest);
    const start = BEGUN.exec(rest);
    const end = RESUMED.exec(rest);
    if (start !== null) {
      const [, name = '', args = ''] = start;
      begun.set(`${process} ${name}`, { arguments: args, began: place });
    } else if (end !== null) {
      const [, name = '', args = '', result = ''] = end;
      const first = begun.get(`${process} ${name}`) ?? { arguments: '', began: place };
      begun.delete(`${process} ${name}`);
      const all = first.arguments + args;
      calls.push({
        process: Number(process),
        name,
        arguments: all,
        result,
        began: first.began,
        ended: place,
      });
    } else if (whole !== null) {
      const [, name = '', args = '', result = ''] = whole;
      calls.push({ process: Number(process), name, arguments: args, result, began: place, ended: place });
    }
  }
  for (const [key, { arguments: args, began }] of begun) {
    const [process = '', name = ''] = key.split(' ');
    calls.push({
      process: Number(process),
      name,
      arguments: args,
      result: undefined,
      began,
      ended: Infinity,
    });
  }
  return calls.sort((a, b) => a.began - b.began);
}

/** The calls of these names whose arguments match, in the order in which they began. */
export function callsOf(
  trace: readonly SystemCall[],
  names: readonly string[],
  match: RegExp,
): readonly SystemCall[] {
  return trace.filter((call) => names.includes(call.name) && match.test(call.arguments));
}

/** The only call of these names whose arguments match. */
export function onlyCallOf(
  trace: readonly SystemCall[],
  names: readonly string[],
  match: RegExp,
): SystemCall {
  const [found, ...more] = callsOf(trace, names, match);
  if (found === undefined) throw new Error(`no ${names.join(' or ')} with ${match.source} in the trace`);
  if (more.length > 0) throw new Error(`${more.length + 1} of ${names.join(' or ')} with ${match.source}`);
  return found;
}

/**
 * Throws unless each of `steps` succeeded and had ended before the next one began.
 *
 * @param steps the calls by what they are for, in the order wanted
 */
export function requireOrder(steps: readonly (readonly [purpose: string, call: SystemCall])[]): void {
  for (const [place, [purpose, call]] of steps.entries()) {
    if (call.result === undefined || call.result.startsWith('-1')) {
      throw new Error(`${purpose}: ${call.name} did not succeed: ${call.result ?? 'never returned'}`);
    }
    const next = steps[place + 1];
    if (next === undefined) continue;
    const [nextPurpose, nextCall] = next;
    if (call.ended >= nextCall.began) {
      throw new Error(
        `${nextPurpose} (line ${nextCall.began}) began before ${purpose} (line ${call.ended}) had ended`,
      );
    }
  }
}

/** Why nothing can be traced here, or undefined where it can. */
function whyNoStrace(): string | undefined {
  const probe = spawnSync('strace', ['-f', '-y', '-o', '/dev/null', 'true'], { encoding: 'utf8' });
  if (probe.error !== undefined) return `strace cannot be started (${probe.error.message})`;
  return probe.status === 0 ? undefined : `strace may not trace here (${probe.stderr.trim()})`;
}

/** Skips what follows a hook where nothing can be traced, and says why. */
export function needsStrace(hook: Mocha.Context): void {
  const reason = whyNoStrace();
  if (reason === undefined) return;
  console.log(`      skipped: ${reason}`);
  hook.skip();
}

export interface TraceOptions {
  /** What is done to a call, as strace's option says it: `fdatasync:error=EIO:when=3`. */
  readonly inject?: string;
  /** Only calls on this file are traced, and injected. */
  readonly file?: string;
  /** Whether all octets are written down; in hexadecimal, where they are no text. */
  readonly whole?: boolean;
}

/** A Node process under strace. */
export class TracedProcess {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #exited: Promise<number | null>;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    this.#exited = new Promise((resolve) => child.once('exit', resolve));
  }

  /**
   * Starts `script` with Node. Standard input and output are pipes; errors go to ours, but those that are injected do not.
   *
   * @param calls the system calls to trace
   */
  static async start(
    script: string,
    args: readonly string[],
    calls: readonly string[],
    { inject, file, whole = false }: TraceOptions = {},
  ): Promise<TracedProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'mcgms-trace-'));
    const options = ['-f', '-y', '-o', join(folder, 'trace'), '-e', `trace=execve,${calls.join()}`];
    if (whole) options.push('-x', '-s', '10000000');
    else options.push('-s', '64');
    if (inject !== undefined) options.push('-e', `inject=${inject}`);
    if (file !== undefined) options.push('-P', file);
    const child = spawn('strace', [...options, process.execPath, script, ...args], {
      stdio: ['pipe', 'pipe', inject === undefined ? 'inherit' : 'pipe'],
      // Calls that go through a ring of the kernel would not be seen.
      // An injection counts the calls of each thread for itself: one thread makes them all.
      env: { ...process.env, UV_USE_IO_URING: '0', ...(inject && { UV_THREADPOOL_SIZE: '1' }) },
    });
    return new TracedProcess(child, folder);
  }

  /** The strace process, for its pipes. Signals to it do not reach the traced process: see `kill`. */
  get child(): ChildProcess {
    return this.#child;
  }

  /** Sends a signal to the traced process, which must have begun to run. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const trace = await readFile(join(this.#folder, 'trace'), 'utf8');
    const first = LINE.exec(trace.split('\n')[0] ?? '');
    if (first === null) throw new Error('the traced process has not begun to run');
    process.kill(Number(first[1]), signal);
  }

  /** Waits for the end of the process; gives its exit code and its trace, whose file is removed. */
  async finish(): Promise<{ readonly exitCode: number | null; readonly trace: readonly SystemCall[] }> {
    const exitCode = await this.#exited;
    const trace = parseTrace(await readFile(join(this.#folder, 'trace'), 'utf8'));
    await rm(this.#folder, { recursive: true });
    return { exitCode, trace };
  }
}
