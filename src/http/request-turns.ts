import { later, type Clock, type MonotonicTime } from '../base/clock.js';
import { Turns } from '../base/turns.js';

/**
 * Which requests are begun in one turn of the event loop (design D21).
 *
 * Subtle: whatever connections have brought is begun as soon as the loop gets there, and nothing else happens until it
 * has been to all of them. Most requests need several turns, for a commit or an answer of a peer. With a thousand busy
 * connections of one client, each of these turns would take half a second for everybody. Therefore the time of a turn
 * is measured, and once it is spent, requests wait for a later turn: first one of one principal, then one of the next.
 */

/** Milliseconds after which no more requests are begun in a turn. */
const longestTurn = 10;

/** How many of those that wait are begun in a turn: what they do after their first step is not measured. */
const mostOfATurn = 32;

interface Waiting {
  readonly begin: () => void;
  readonly isGone: () => boolean;
}

export class RequestTurns {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** Each connection has one request in work: their number bounds what waits. */
  readonly #waiting = new Turns<string, Waiting>({ each: Infinity, all: Infinity });
  /** When the present turn is over for requests; undefined where none was begun in it. */
  #over: MonotonicTime | undefined;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /**
   * Begins a request of `owner`, now or in a later turn.
   *
   * @param isGone whether nobody waits for the answer; what has waited for one who is gone is not begun
   */
  begin(owner: string, begin: () => void, isGone: () => boolean): void {
    this.#open();
    if (this.#waiting.size === 0 && !this.#isOver()) begin();
    else this.#waiting.add(owner, { begin, isGone });
  }

  /** Opens a turn, where none is open. */
  #open(): void {
    if (this.#over !== undefined) return;
    this.#over = later(this.#clock.monotonic(), longestTurn);
    setImmediate(() => {
      this.#over = undefined;
      if (this.#waiting.size > 0) this.#beginWaiting();
    });
  }

  #beginWaiting(): void {
    this.#open();
    for (let begun = 0; begun < mostOfATurn && !this.#isOver();) {
      const next = this.#waiting.next();
      if (next === undefined) return;
      if (next.isGone()) continue;
      next.begin();
      begun += 1;
    }
  }

  #isOver(): boolean {
    return this.#over !== undefined && this.#clock.monotonic() >= this.#over;
  }
}
