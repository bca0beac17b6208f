/** How many places there are. */
export interface PlaceLimits {
  /** The most that one may hold. */
  readonly each: number;
  /** How many may be held in all, before only the reserve of each is left. */
  readonly all: number;
  /** How many each may always hold, however many the others do. */
  readonly reserve: number;
}

/**
 * Places that many share, such as connections (design D21). One alone may hold all of them. But whatever the others
 * hold, each has a reserve of its own: so there are at most `all` places, and the reserves.
 */
export class Places<K> {
  readonly #limits: PlaceLimits;
  /** Nobody stands here who holds none. */
  readonly #held = new Map<K, number>();
  #all = 0;

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  /** How many are held in all. */
  get held(): number {
    return this.#all;
  }

  /** Whether `holder` may have one more. */
  isFree(holder: K): boolean {
    const { each, all, reserve } = this.#limits;
    const held = this.#held.get(holder) ?? 0;
    return held < each && (this.#all < all || held < reserve);
  }

  /** Takes a place for `holder`, if it may have one more. @returns whether it does */
  take(holder: K): boolean {
    if (!this.isFree(holder)) return false;
    this.#held.set(holder, (this.#held.get(holder) ?? 0) + 1);
    this.#all += 1;
    return true;
  }

  /** Gives a place back that `holder` took. */
  release(holder: K): void {
    const held = this.#held.get(holder) ?? 0;
    if (held === 0) throw new RangeError('there is no place to give back');
    if (held === 1) this.#held.delete(holder);
    else this.#held.set(holder, held - 1);
    this.#all -= 1;
  }
}
