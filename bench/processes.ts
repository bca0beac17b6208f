import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BareSetup } from './bare-server.js';
import type { LoadJob, LoadReport, LoadResult } from './load.js';

/** The processes of a run: two servers and a load generator. */

/** A server under load. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** Ends it and waits until it has ended. */
  stop(): Promise<void>;
}

function scriptPath(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

async function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

/**
 * Starts `mcgms serve` on a free port.
 *
 * @param nodeOptions options of Node, such as `--cpu-prof`
 */
export async function startServer(folder: string, nodeOptions: readonly string[]): Promise<ServerProcess> {
  return await serve(nodeOptions, ['--port', '0', '--data', folder]);
}

/** Starts `mcgms serve` with a configuration file. */
export async function startConfigured(
  file: string,
  nodeOptions: readonly string[] = [],
): Promise<ServerProcess> {
  return await serve(nodeOptions, ['--config', file]);
}

async function serve(nodeOptions: readonly string[], options: readonly string[]): Promise<ServerProcess> {
  const program = [scriptPath('../src/main.js'), 'serve', ...options];
  const child = spawn(process.execPath, [...nodeOptions, ...program], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const root = /^XCAP root: (http:\/\/[^/]+)/.exec(line)?.[1];
    if (root === undefined) continue;
    child.stdout.resume();
    child.stderr.resume();
    return { url: root, pid: child.pid ?? 0, stop: () => stopped(child, 'SIGTERM') };
  }
  throw new Error(`the server does not start: ${said}`);
}

/** Starts the bare server. */
export async function startBareServer(setup: BareSetup): Promise<ServerProcess> {
  const child = fork(scriptPath('bare-server.js'), { serialization: 'advanced' });
  child.send(setup);
  const [port] = (await once(child, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, stop: () => stopped(child, 'SIGTERM') };
}

/** What a run under load came to. Processor time in seconds, NaN where the system does not tell. */
export interface Measured extends LoadResult {
  readonly serverCpu: number;
}

/** The load generator. */
export class LoadGenerator {
  readonly #child = fork(scriptPath('load.js'), { serialization: 'advanced' });

  /** Runs one job against `server`. @throws Error where the load generator fails */
  async run(job: LoadJob, server: ServerProcess): Promise<Measured> {
    return await new Promise((resolve, reject) => {
      let before = NaN;
      let serverCpu = NaN;
      const onReport = (report: LoadReport): void => {
        switch (report.kind) {
          case 'open':
            before = cpuSeconds(server.pid);
            return;
          case 'closed':
            serverCpu = cpuSeconds(server.pid) - before;
            return;
          case 'done':
            this.#child.off('message', onReport);
            resolve({ ...report.result, serverCpu });
            return;
          case 'failed':
            this.#child.off('message', onReport);
            reject(new Error(`the load generator fails: ${report.reason}`));
        }
      };
      this.#child.on('message', onReport);
      this.#child.send(job);
    });
  }

  async stop(): Promise<void> {
    await stopped(this.#child, 'SIGTERM');
  }
}

/** Clock ticks per second in /proc (USER_HZ), 100 on every Linux that Node runs on. */
const ticks = 100;

/** The processor time that a process has used, in seconds; NaN where there is no /proc. */
function cpuSeconds(pid: number): number {
  try {
    // The name of the program may hold anything; what follows its closing bracket does not.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / ticks;
  } catch {
    return NaN;
  }
}
