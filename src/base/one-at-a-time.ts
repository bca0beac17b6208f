import type { Clock } from './clock.js';
import { Turns } from './turns.js';

/** Octets of a text that is worked on at once, in some milliseconds at most, whoever else is waiting. */
const largestAtOnce = 64 * 1024;

/**
 * Pieces of work that hold up everybody while they run, done one at a time and by turns, with a turn of everything
 * else between two of them: however many of them one requester wants at once, others wait for one (design D21).
 */
export class OneAtATime<K> {
  readonly #clock: Pick<Clock, 'turn'>;
  /** Each connection has one request in work: their number bounds what waits. */
  readonly #waiting = new Turns<K, () => void>({ each: Infinity, all: Infinity });
  #busy = false;

  constructor(clock: Pick<Clock, 'turn'>) {
    this.#clock = clock;
  }

  /** The result of `work`, which runs when it is the turn of `key`. */
  async run<T>(key: K, work: () => T | Promise<T>): Promise<T> {
    if (this.#busy) {
      await new Promise<void>((resolve) => this.#waiting.add(key, resolve));
    }
    this.#busy = true;
    try {
      return await work();
    } finally {
      void this.#clock.turn().then(() => {
        this.#next();
      });
    }
  }

  /** As `run`, for work whose time grows with so many octets: what is small does not wait. */
  async runSized<T>(key: K, octets: number, work: () => T | Promise<T>): Promise<T> {
    return octets <= largestAtOnce ? await work() : await this.run(key, work);
  }

  /** It stays busy while it passes from one to the next, so that nobody gets in between. */
  #next(): void {
    const start = this.#waiting.next();
    if (start === undefined) this.#busy = false;
    else start();
  }
}
