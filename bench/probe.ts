import { appendFileSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';

/**
 * Loaded into a server that is measured (`node --import`): on SIGUSR2 it writes a line of JSON to the file that
 * MCGMS_BENCH_PROBE names, with the longest turn of the event loop since the last one, and the memory of the process.
 */

/** What a line says: milliseconds, and bytes. */
export interface Probed {
  readonly longestTurn: number;
  /** Of these, the longest that went to the collector of garbage. */
  readonly longestCollection: number;
  /** Resident memory that is of no file, as the system counts it. */
  readonly anonymous: number;
  readonly heap: number;
}

/** Milliseconds between two looks; a turn shows up by at most so much longer. */
const resolution = 1;

const file = process.env['MCGMS_BENCH_PROBE'];
if (file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution });
  delay.enable();
  let longestCollection = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longestCollection = Math.max(longestCollection, duration);
  }).observe({ entryTypes: ['gc'] });
  process.on('SIGUSR2', () => {
    const [, kilobytes = '0'] = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    const line: Probed = {
      longestTurn: delay.max / 1e6,
      longestCollection,
      anonymous: 1024 * Number(kilobytes),
      heap: process.memoryUsage().heapUsed,
    };
    appendFileSync(file, `${JSON.stringify(line)}\n`);
    delay.reset();
    longestCollection = 0;
  });
}
