import type { Clock, MonotonicTime } from './clock.js';

/** How often something may happen: `rate` times a second in the long run, `burst` times at once. */
export interface Rate {
  readonly rate: number;
  readonly burst: number;
}

/** Lets things happen at a bounded rate. */
export class TokenBucket {
  readonly #rate: Rate;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #tokens: number;
  #filled: MonotonicTime;

  constructor(rate: Rate, clock: Pick<Clock, 'monotonic'>) {
    this.#rate = rate;
    this.#clock = clock;
    this.#tokens = rate.burst;
    this.#filled = clock.monotonic();
  }

  /** How often it may happen now, in parts of once too; below 0 where it happened on credit. */
  get tokens(): number {
    const now = this.#clock.monotonic();
    const elapsed = now - this.#filled;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + (elapsed / 1000) * this.#rate.rate);
    this.#filled = now;
    return this.#tokens;
  }

  /**
   * Whether it may happen now; if so, it counts as having happened.
   *
   * @param credit how often it may happen ahead of its time, which is made up for before it happens without credit
   */
  take(credit = 0): boolean {
    if (this.tokens + credit < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
