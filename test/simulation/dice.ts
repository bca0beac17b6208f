import type { Random } from '../../src/base/random.js';

/** Chance from a seed (mulberry32): the same numbers in the same order for the same seed. */
export class Dice implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  token(): string {
    return Array.from({ length: 4 }, () =>
      this.below(2 ** 32)
        .toString(36)
        .padStart(7, '0'),
    ).join('');
  }

  /** A whole number from 0 to `bound` - 1. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** A whole number from `from` to `to`, both of which can come. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  /** True once in `1 / probability` times. */
  happens(probability: number): boolean {
    return this.fraction() < probability;
  }

  of<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new Error('there is nothing to choose from');
    return value;
  }

  /** Dice of their own, so that what one part throws does not change what another gets. */
  fork(): Dice {
    return new Dice(this.below(2 ** 32));
  }
}
