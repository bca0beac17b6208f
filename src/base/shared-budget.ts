/**
 * An amount of something, such as octets of memory, that many share (design D21). Where it is short, whoever holds
 * most gives way to whoever holds less. So nobody takes everybody's share, and one alone may take all of it: no part
 * has to be set aside for each.
 */
export class SharedBudget {
  readonly #capacity: number;
  /** By owner, who holds something. */
  readonly #owners = new Map<string, Share>();
  #held = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How much is held in all. */
  get held(): number {
    return this.#held;
  }

  /** How many hold something. */
  get owners(): number {
    return this.#owners.size;
  }

  /**
   * A holding of nothing yet, for `owner`.
   *
   * @param giveWay ends what the amount was held for, once it is taken away
   */
  open(owner: string, giveWay: () => void): Holding {
    return new Holding(
      {
        grow: (holding, by, must) => this.#grow(holding, by, must),
        shrink: (holding, by) => {
          this.#shrink(holding, by);
        },
      },
      owner,
      giveWay,
    );
  }

  #grow(holding: Holding, by: number, must: boolean): boolean {
    // What is larger than the whole budget has room where it is alone.
    while (this.#held + by > this.#capacity && this.#held > holding.amount) {
      const largest = this.#largestAbove((this.#owners.get(holding.owner)?.amount ?? 0) + by);
      if (largest === undefined) {
        if (must) break;
        return false;
      }
      largest.giveWay();
    }
    const share = this.#owners.get(holding.owner) ?? { amount: 0, holdings: new Set<Holding>() };
    this.#owners.set(holding.owner, share);
    share.amount += by;
    share.holdings.add(holding);
    this.#held += by;
    return true;
  }

  #shrink(holding: Holding, by: number): void {
    const share = this.#owners.get(holding.owner);
    if (share === undefined) return;
    share.amount -= by;
    this.#held -= by;
    if (holding.amount === 0) share.holdings.delete(holding);
    if (share.holdings.size === 0) this.#owners.delete(holding.owner);
  }

  /** The largest holding that can give way, of the owner who has most and more than `amount`. */
  #largestAbove(amount: number): Holding | undefined {
    let most = amount;
    let largest: Holding | undefined;
    for (const share of this.#owners.values()) {
      if (share.amount <= most) continue;
      const own = largestOf(share);
      if (own === undefined) continue;
      most = share.amount;
      largest = own;
    }
    return largest;
  }
}

interface Share {
  amount: number;
  readonly holdings: Set<Holding>;
}

function largestOf({ holdings }: Share): Holding | undefined {
  let largest: Holding | undefined;
  for (const holding of holdings) {
    if (holding.givesWay && holding.amount > (largest?.amount ?? 0)) largest = holding;
  }
  return largest;
}

interface Books {
  readonly grow: (holding: Holding, by: number, must: boolean) => boolean;
  readonly shrink: (holding: Holding, by: number) => void;
}

/** What one holds of a budget for one purpose. */
export class Holding {
  readonly owner: string;
  readonly #books: Books;
  readonly #end: () => void;
  #amount = 0;
  #firm = false;

  constructor(books: Books, owner: string, end: () => void) {
    this.#books = books;
    this.owner = owner;
    this.#end = end;
  }

  get amount(): number {
    return this.#amount;
  }

  get givesWay(): boolean {
    return !this.#firm;
  }

  /** Whether the holding may be `amount`; if so, it is. Others may have to give way. */
  resize(amount: number): boolean {
    return this.#resize(amount, false);
  }

  /**
   * Holds `amount` also where there is no room, for what cannot be refused any more. What comes afterwards finds the
   * budget short, and whoever holds most gives way as ever.
   */
  insist(amount: number): void {
    this.#resize(amount, true);
  }

  #resize(amount: number, must: boolean): boolean {
    const by = amount - this.#amount;
    if (by > 0 && !this.#books.grow(this, by, must)) return false;
    this.#amount = amount;
    if (by < 0) this.#books.shrink(this, -by);
    return true;
  }

  /** From now on it gives way to nobody. */
  keep(): void {
    this.#firm = true;
  }

  release(): void {
    this.resize(0);
  }

  giveWay(): void {
    this.release();
    this.#end();
  }
}
