import type { Branded } from './identifiers.js';

/**
 * Milliseconds since the epoch, as the machine's clock says. People and other programs set that clock, back
 * and forward. So this is for what is shown and stored, never for how long something takes: a rule of the
 * linter forbids subtracting or comparing it.
 */
export type WallTime = Branded<number, 'WallTime'>;

/**
 * Milliseconds since some moment of this process, of a clock that nobody sets. Two of them tell how much
 * time has passed. It means nothing to another process, so it is never stored or shown.
 */
export type MonotonicTime = Branded<number, 'MonotonicTime'>;

/** Time as an argument: tests pass a clock that they move by hand. */
export interface Clock {
  /** The time of day. */
  now(): WallTime;
  /** The time for durations. */
  monotonic(): MonotonicTime;
  /** Calls `callback` once after `delay` milliseconds of monotonic time; the result cancels it. */
  schedule(delay: number, callback: () => void): () => void;
  /** Resolves once everything that waits to run has had its turn: long work lets requests in between. */
  turn(): Promise<void>;
}

/** The machine's clock. Its timers never keep a process alive. */
export const systemClock: Clock = {
  now: () => Date.now() as WallTime,
  monotonic: () => performance.now() as MonotonicTime,
  schedule(delay, callback) {
    const timer = setTimeout(callback, delay);
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
  turn: () =>
    new Promise((resolve) => {
      setImmediate(resolve);
    }),
};

/** The moment that lies `milliseconds` after `time`. */
export function later(time: MonotonicTime, milliseconds: number): MonotonicTime {
  return (time + milliseconds) as MonotonicTime;
}

/**
 * Milliseconds until a time of day that was stored, or that another system named: at least 0 and at most
 * `longest`, because the clock may have been set since, or differ from theirs.
 */
export function millisecondsUntil(time: number, now: WallTime, longest: number): number {
  // eslint-disable-next-line local/no-wall-durations -- the one place that may, since it bounds what comes out
  return Math.min(Math.max(0, time - now), longest);
}
