import { later, type Clock, type MonotonicTime } from '../base/clock.js';

/** A deadline is looked at so many times on its way. */
const beats = 20;

/**
 * A deadline for work in another thread that counts the time in which that thread could work. A process that
 * is stopped, or whose machine is (a virtual machine on the move, swap), does no work meanwhile, and its clock
 * goes on. So the time is taken in short beats, and of a beat that came late no more than two count.
 */
export class WorkTime {
  readonly #clock: Clock;
  readonly #deadline: number;
  readonly #beat: number;
  readonly #onEnd: () => void;
  #last: MonotonicTime;
  #spent = 0;
  #cancel: () => void = () => undefined;

  /**
   * @param deadline milliseconds
   * @param onEnd called once where the time is up before `stop`
   */
  constructor(clock: Clock, deadline: number, onEnd: () => void) {
    this.#clock = clock;
    this.#deadline = deadline;
    this.#beat = Math.max(1, Math.ceil(deadline / beats));
    this.#onEnd = onEnd;
    this.#last = clock.monotonic();
    this.#wait();
  }

  /** Ends the count. @returns the milliseconds of work */
  stop(): number {
    this.#cancel();
    this.#count();
    return this.#spent;
  }

  #count(): void {
    const now = this.#clock.monotonic();
    const longest = later(this.#last, 2 * this.#beat);
    this.#spent += (now < longest ? now : longest) - this.#last;
    this.#last = now;
  }

  #wait(): void {
    this.#cancel = this.#clock.schedule(Math.min(this.#beat, this.#deadline - this.#spent), () => {
      this.#count();
      if (this.#spent >= this.#deadline) this.#onEnd();
      else this.#wait();
    });
  }
}
