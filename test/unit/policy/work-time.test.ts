import { expect } from 'chai';
import type { Clock, MonotonicTime, WallTime } from '../../../src/base/clock.js';
import { WorkTime } from '../../../src/policy/work-time.js';

/** A clock whose timers are late where the machine stood still. */
class LateClock implements Clock {
  #time = 5000;
  #timers: { readonly due: number; readonly callback: () => void }[] = [];

  now(): WallTime {
    return 0 as WallTime;
  }

  monotonic(): MonotonicTime {
    return this.#time as MonotonicTime;
  }

  schedule(delay: number, callback: () => void): () => void {
    const timer = { due: this.#time + delay, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  turn(): Promise<void> {
    return Promise.resolve();
  }

  /** Time passes at once; what came due meanwhile is called afterwards. */
  standStill(milliseconds: number): void {
    this.#time += milliseconds;
    const due = this.#timers.filter((timer) => timer.due <= this.#time);
    this.#timers = this.#timers.filter((timer) => timer.due > this.#time);
    for (const { callback } of due) callback();
  }

  pass(milliseconds: number): void {
    for (let passed = 0; passed < milliseconds; passed += 1) this.standStill(1);
  }

  get pending(): number {
    return this.#timers.length;
  }
}

describe('The time that a policy takes is its own, not the machine’s (design D8)', () => {
  let clock: LateClock;
  let ends: number;
  let time: WorkTime;

  beforeEach(() => {
    clock = new LateClock();
    ends = 0;
    time = new WorkTime(clock, 2000, () => (ends += 1));
  });

  it('is up at the deadline, once', () => {
    clock.pass(1999);
    expect(ends).to.equal(0);
    clock.pass(1);
    expect(ends).to.equal(1);
    clock.pass(5000);
    expect(ends).to.equal(1);
    expect(clock.pending).to.equal(0);
  });

  it('a stop of hours costs no more than two of its twenty beats', () => {
    clock.pass(1000);
    clock.standStill(4 * 3_600_000);
    expect(ends).to.equal(0);
    clock.pass(799);
    expect(ends).to.equal(0);
    clock.pass(1);
    expect(ends).to.equal(1);
  });

  it('is told in milliseconds of work, and nothing more is counted', () => {
    clock.pass(333);
    expect(time.stop()).to.equal(333);
    clock.pass(5000);
    expect(ends).to.equal(0);
    expect(clock.pending).to.equal(0);
  });

  it('is told without the stop of the machine at the end of the work', () => {
    clock.pass(300);
    const stopped = new WorkTime(clock, 2000, () => undefined);
    clock.standStill(60_000);
    expect(stopped.stop()).to.equal(200);
  });

  it('a deadline of a millisecond is one', () => {
    let short = 0;
    new WorkTime(clock, 1, () => (short += 1));
    clock.pass(1);
    expect(short).to.equal(1);
  });
});
