import type { Clock } from './clock.js';
import { ServiceUnavailable } from './refusals.js';
import { Turnstile } from './turnstile.js';

/** Characters of a text that is worked on at once, in some milliseconds at most, whoever else is waiting. */
const largestAtOnce = 64 * 1024;

/** Milliseconds between two pieces at most. */
const longestRest = 1000;

/**
 * Pieces of work that hold up everybody while they run, done one at a time and by turns, with as much time for
 * everything else between two of them as the first has taken: however many of them one requester wants at once, others
 * wait for one (design D21). A single turn of the event loop would not do: a small request takes several turns, and
 * would wait for a piece in each.
 */
export class OneAtATime<K> {
  readonly #clock: Pick<Clock, 'turn' | 'monotonic' | 'schedule'>;
  readonly #turnstile = new Turnstile<K>(1);

  constructor(clock: Pick<Clock, 'turn' | 'monotonic' | 'schedule'>) {
    this.#clock = clock;
  }

  /** The result of `work`, which runs when it is the turn of `key`. */
  async run<T>(key: K, work: () => T | Promise<T>): Promise<T> {
    const leave = await this.#turnstile.enter(key);
    const start = this.#clock.monotonic();
    try {
      return await work();
    } finally {
      void this.#rest(this.#clock.monotonic() - start).then(leave);
    }
  }

  /** Resolves after a turn of everything else, and as many milliseconds as the work has taken. */
  async #rest(taken: number): Promise<void> {
    if (taken >= 1) {
      await new Promise<void>((resolve) => {
        this.#clock.schedule(Math.min(taken, longestRest), resolve);
      });
    }
    await this.#clock.turn();
  }

  /**
   * As `run`, for work whose time grows with so many characters or octets: what is small does not wait.
   *
   * @param gone tells who waits for the result; nothing is done for one who has gone by the time that it is its turn
   * @throws ServiceUnavailable then
   */
  async runSized<T>(key: K, size: number, work: () => T | Promise<T>, gone?: () => AbortSignal): Promise<T> {
    if (size <= largestAtOnce) return await work();
    const signal = gone?.();
    return await this.run(key, () => {
      if (signal?.aborted === true) throw new ServiceUnavailable('nobody waits for the answer', 1);
      return work();
    });
  }
}
