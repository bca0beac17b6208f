import { performance } from 'node:perf_hooks';
import autocannon from 'autocannon';
import { quantile } from './statistics.js';

/**
 * The load generator, a process of its own, so that its event loop is not the server's. It is sent one
 * job after the other and reports when the warm-up is over, when the time is up, and the result.
 *
 * Subtle: told so, it never sleeps while a job runs. A sender on the same machine pays for waking the
 * receiver, on virtual machines more than for all the rest of a small answer, and it pays only where the
 * receiver has nothing left to do: a server a little slower than the load generator would look twice as
 * slow as it is to clients on other machines. Writes are a different matter: there the cost of
 * waking is small, and the threads of the server that write to the disk need the processor.
 */

export interface LoadRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** What to send. Times in seconds. */
export interface LoadJob {
  readonly url: string;
  /** The requests of each connection, sent over and over again, one at a time. */
  readonly connections: readonly (readonly LoadRequest[])[];
  readonly warmUp: number;
  readonly seconds: number;
  /** Whether the load generator may sleep while it waits for answers. */
  readonly maySleep: boolean;
}

/** What came back between the end of the warm-up and the end. Latencies in milliseconds. */
export interface LoadResult {
  readonly responses: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  /** How many answers had which status, from the first one on. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly errors: number;
}

export type LoadReport =
  | { readonly kind: 'open' | 'closed' }
  | { readonly kind: 'done'; readonly result: LoadResult }
  | { readonly kind: 'failed'; readonly reason: string };

function report(message: LoadReport): void {
  process.send?.(message);
}

async function run(job: LoadJob): Promise<LoadResult> {
  let connection = 0;
  const setupClient = (client: autocannon.Client): void => {
    client.setRequests(job.connections[connection] ?? []);
    connection += 1;
  };
  const statuses: Record<string, number> = {};
  const latencies: number[] = [];
  const [opening, closing] = [job.warmUp * 1000, (job.warmUp + job.seconds) * 1000];
  let open = false;
  let closed = false;
  let busy = !job.maySleep;
  const stayAwake = (): void => {
    if (busy) setImmediate(stayAwake);
  };
  stayAwake();
  const started = performance.now();
  const going = autocannon({
    url: job.url,
    connections: job.connections.length,
    // Longer than it is looked at, so that all connections work until then.
    duration: job.warmUp + job.seconds + 0.1,
    sampleInt: 50,
    timeout: 10,
    setupClient,
  });
  going.on('response', (_client: unknown, status: number, _octets: number, latency: number) => {
    statuses[status] = (statuses[status] ?? 0) + 1;
    const now = performance.now() - started;
    if (now < opening) return;
    if (now < closing) {
      if (!open) report({ kind: 'open' });
      open = true;
      latencies.push(latency);
    } else if (!closed) {
      closed = true;
      report({ kind: 'closed' });
    }
  });
  const { errors, timeouts } = await going;
  busy = false;
  const sorted = Float64Array.from(latencies).sort();
  return {
    responses: sorted.length,
    seconds: job.seconds,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    statuses,
    errors: errors + timeouts,
  };
}

process.on('message', (job: LoadJob) => {
  run(job).then(
    (result) => {
      report({ kind: 'done', result });
    },
    (error: unknown) => {
      report({ kind: 'failed', reason: String(error) });
    },
  );
});
