import { later, type Clock, type MonotonicTime, type WallTime } from '../../src/base/clock.js';

interface Timer {
  readonly due: MonotonicTime;
  readonly callback: () => void;
}

/** A clock that stands still until the test moves it. */
export class ManualClock implements Clock {
  // Another number than the time of day, so that a test notices where the two are mixed.
  #monotonic = 1000 as MonotonicTime;
  /** The time of day when monotonic time was 0. */
  #origin: number;
  readonly #timers = new Set<Timer>();

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#origin = now - this.#monotonic;
  }

  now(): WallTime {
    return (this.#origin + this.#monotonic) as WallTime;
  }

  monotonic(): MonotonicTime {
    return this.#monotonic;
  }

  schedule(delay: number, callback: () => void): () => void {
    const timer = { due: later(this.#monotonic, delay), callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Moves time on by `milliseconds` and runs the timers that come due, in their order. */
  advance(milliseconds: number): void {
    const until = later(this.#monotonic, milliseconds);
    for (;;) {
      const [next] = [...this.#timers].filter(({ due }) => due <= until).sort((a, b) => a.due - b.due);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#monotonic = next.due;
      next.callback();
    }
    this.#monotonic = until;
  }

  /**
   * Sets the time of day forward by `milliseconds`, or back where they are negative. No time passes, and no
   * timer comes due.
   */
  jump(milliseconds: number): void {
    this.#origin += milliseconds;
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }
}
