import { setImmediate } from 'node:timers/promises';

interface Event {
  readonly due: number;
  readonly callback: () => void;
}

/** A hundred times as many as a simulation has. */
const mostEvents = 30_000;

/**
 * Time that stands still until the next event. All that happens in a simulation is an event here: timers,
 * messages, commits. They run in the order of their times, those of one time in the order of their making.
 *
 * Subtle: after each event all promises that can settle must have done so before the next one runs, or the
 * order of things would depend on the engine. Nothing in a simulation waits for the real world, so all that
 * is left are microtasks, and these are done when a macrotask begins: one turn of the real event loop.
 */
export class SimulatedTime {
  #now = Date.UTC(2026, 0, 1);
  readonly #events: Event[] = [];
  /** Events that have run. */
  steps = 0;

  get now(): number {
    return this.#now;
  }

  /** When the next event is due; undefined where there is none. */
  get next(): number | undefined {
    return this.#events[0]?.due;
  }

  /** Calls `callback` after `delay` milliseconds; the result cancels it. */
  after(delay: number, callback: () => void): () => void {
    const event = { due: this.#now + Math.max(0, delay), callback };
    this.#events.splice(this.#placeOf(event.due), 0, event);
    return () => {
      const index = this.#events.indexOf(event);
      if (index >= 0) this.#events.splice(index, 1);
    };
  }

  /** Resolves after `delay` milliseconds. */
  sleep(delay: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delay, resolve);
    });
  }

  /**
   * Runs what comes due until `time`.
   *
   * @throws Error where events bring forth events without end
   */
  async runUntil(time: number): Promise<void> {
    await setImmediate();
    for (;;) {
      const event = this.#events[0];
      if (event === undefined || event.due > time) break;
      this.#events.shift();
      this.#now = Math.max(this.#now, event.due);
      this.steps += 1;
      if (this.steps > mostEvents) throw new Error('it does not come to rest');
      event.callback();
      await setImmediate();
    }
    this.#now = Math.max(this.#now, time);
  }

  /** Runs events until `promise` is settled; for a test that waits for one thing. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    await setImmediate();
    // The compiler does not see that the callback sets it.
    while (!(settled as boolean)) {
      if (this.next === undefined) throw new Error('what is waited for will never happen');
      await this.runUntil(this.next);
    }
    return await promise;
  }

  /** Behind all that is due at the same time. */
  #placeOf(due: number): number {
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.due ?? Infinity) <= due) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
