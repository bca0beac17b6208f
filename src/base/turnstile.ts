import { Turns } from './turns.js';

/** Lets so many in at once. Who has to wait comes in by turns of the keys, however many of one key there are (design D21). */
export class Turnstile<K> {
  readonly #places: number;
  /** Each connection has one request in work: their number bounds what waits. */
  readonly #waiting = new Turns<K, () => void>({ each: Infinity, all: Infinity });
  #inside = 0;

  constructor(places: number) {
    this.#places = places;
  }

  /** Resolves when it is the turn of `key`, with what is to be called once on leaving. */
  async enter(key: K): Promise<() => void> {
    if (this.#inside < this.#places) this.#inside += 1;
    else await new Promise<void>((resolve) => this.#waiting.add(key, resolve));
    return () => {
      this.#leave();
    };
  }

  /** A place passes from one to the next, so that nobody gets in between. */
  #leave(): void {
    const next = this.#waiting.next();
    if (next === undefined) this.#inside -= 1;
    else next();
  }
}
