import { BoundedCache } from './bounded-cache.js';
import type { Clock } from './clock.js';
import { TokenBucket, type Rate } from './token-bucket.js';

/**
 * A bounded rate that many share (design D21): one alone may use all of it, and takes nothing from another one who
 * has used little.
 *
 * There is one bucket for all. Who has used nothing for a while has a credit, and may take from the bucket even where
 * it is empty, as far into debt as the credit goes. Each use takes from the credit as well, so that it is soon gone
 * for one who takes without end: that one waits until the debt is made up for. The deeper the debt, the more credit
 * it needs to take part, so that the last part of it is left to those who have used nothing at all.
 *
 * So one alone gets at least what a bucket of its own would give. The debt is never larger than the credit of one:
 * in any time, that is how much more there can be than the rate and the burst.
 */

/** Milliseconds after which somebody who stops using it has all of the credit again. */
const recovery = 60_000;

/** How many users are remembered. A user who is forgotten has credit again; those who use it most are kept. */
const usersKept = 10_000;

export class SharedBucket<K> {
  readonly #all: TokenBucket;
  /** The credit of those who have not all of it. */
  readonly #credits = new BoundedCache<K, TokenBucket>(usersKept);
  readonly #credit: Rate;
  readonly #clock: Pick<Clock, 'monotonic'>;

  /** @param credit how many uses at once each has, while others take all there is */
  constructor(rate: Rate, credit: number, clock: Pick<Clock, 'monotonic'>) {
    this.#all = new TokenBucket(rate, clock);
    this.#credit = { rate: (credit * 1000) / recovery, burst: credit };
    this.#clock = clock;
  }

  /** Whether `user` may use it now; if so, it counts. */
  take(user: K): boolean {
    const known = this.#credits.get(user);
    const own = known ?? new TokenBucket(this.#credit, this.#clock);
    // Whole uses only: parts of one would let all those who have no credit left stay in debt.
    if (!this.#all.take(Math.floor(own.tokens))) return false;
    own.take();
    if (known === undefined) this.#credits.set(user, own, 1);
    return true;
  }
}
