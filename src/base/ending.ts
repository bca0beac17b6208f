import type { Clock } from './clock.js';

/** The end of some work: when the time is up, when a wider end comes, or when `end` is called. */
export class Ending implements Disposable {
  readonly #controller = new AbortController();
  readonly #wider: AbortSignal | undefined;
  readonly #cancel: () => void;

  /**
   * @param deadline milliseconds from now
   * @param wider ends this too, such as the closing of the server
   */
  constructor(clock: Clock, deadline: number, wider?: AbortSignal) {
    this.#wider = wider;
    this.#cancel = clock.schedule(deadline, this.end);
    // Not AbortSignal.any: every use leaves something behind in a signal that lives on.
    wider?.addEventListener('abort', this.end);
    if (wider?.aborted === true) this.end();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readonly end = (): void => {
    this.#controller.abort();
  };

  /** The work is done: no timer and no listener stays. */
  [Symbol.dispose](): void {
    this.#cancel();
    this.#wider?.removeEventListener('abort', this.end);
  }
}
