import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/**
 * Loaded into the besieged server beside its program: says on request what is in its memory once garbage is gone, and
 * how late its event loop was. Nothing else of the server is changed.
 */

/** What the probe says. Octets and milliseconds. */
export interface Probed {
  /** Objects, buffers and the memory of the XML engine, after a collection. */
  readonly held: number;
  readonly loopDelayP99: number;
  readonly loopDelayMax: number;
}

if (isMainThread && process.send !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  process.on('message', (message) => {
    if (message === 'begin') {
      delay.reset();
      return;
    }
    const [loopDelayP99, loopDelayMax] = [delay.percentile(99) / 1e6, delay.max / 1e6];
    // Twice: what finalizers let go of in the first turn is gone after the second.
    globalThis.gc?.();
    setImmediate(() => {
      globalThis.gc?.();
      const { heapUsed, external } = process.memoryUsage();
      const said: Probed = { held: heapUsed + external, loopDelayP99, loopDelayMax };
      process.send?.(said);
    });
  });
  // The server ends when it has nothing to do, whether or not somebody may ask.
  process.channel?.unref();
}
