/** How much may wait. */
export interface MostWaiting {
  /** Items of one. */
  readonly each: number;
  /** Items in all. */
  readonly all: number;
  /** The same by weight, in the unit that `add` is given; without it, weights do not count. */
  readonly weight?: { readonly each: number; readonly all: number };
}

interface Queue<T> {
  readonly items: { readonly item: T; readonly weight: number }[];
  weight: number;
}

/**
 * What waits for one thing that many share, served by turns: first the oldest of one of them, then the oldest of
 * the next. One with a long queue makes only itself wait, and how much of each may wait is bounded (design D21).
 *
 * The first item of each may wait whatever it weighs: otherwise one with heavy items would keep all others out.
 */
export class Turns<K, T> {
  /** Whose turn it is next stands first; nobody stands here without something that waits. */
  readonly #queues = new Map<K, Queue<T>>();
  readonly #most: MostWaiting;
  #size = 0;
  #weight = 0;

  constructor(most: MostWaiting) {
    this.#most = most;
  }

  /** How much waits. */
  get size(): number {
    return this.#size;
  }

  /** What it weighs. */
  get weight(): number {
    return this.#weight;
  }

  /** Whether `item` of `key` may wait; if so, it does. */
  add(key: K, item: T, weight = 0): boolean {
    const queue = this.#queues.get(key) ?? { items: [], weight: 0 };
    if (this.#size >= this.#most.all || queue.items.length >= this.#most.each) return false;
    if (queue.items.length > 0 && this.#isTooHeavy(queue.weight + weight, this.#weight + weight))
      return false;
    queue.items.push({ item, weight });
    this.#queues.set(key, queue);
    this.#count(queue, 1, weight);
    return true;
  }

  /**
   * Takes the item whose turn it is.
   *
   * @param may whether an item that is the oldest of its key can be served now; those that cannot keep their turn
   */
  next(may: (item: T) => boolean = () => true): T | undefined {
    for (const [key, queue] of this.#queues) {
      const [first] = queue.items;
      if (first !== undefined && !may(first.item)) continue;
      queue.items.shift();
      this.#queues.delete(key);
      if (queue.items.length > 0) this.#queues.set(key, queue);
      if (first === undefined) continue;
      this.#count(queue, -1, -first.weight);
      return first.item;
    }
    return undefined;
  }

  /** Takes `item` of `key` out of turn. @returns whether it waited */
  remove(key: K, item: T): boolean {
    const queue = this.#queues.get(key);
    const at = queue?.items.findIndex((waiting) => waiting.item === item) ?? -1;
    const [removed] = at < 0 ? [] : (queue?.items.splice(at, 1) ?? []);
    if (queue === undefined || removed === undefined) return false;
    if (queue.items.length === 0) this.#queues.delete(key);
    this.#count(queue, -1, -removed.weight);
    return true;
  }

  /** Takes all that waits, by turns. */
  takeAll(): readonly T[] {
    const all: T[] = [];
    for (let item = this.next(); item !== undefined; item = this.next()) all.push(item);
    return all;
  }

  #isTooHeavy(ofOne: number, inAll: number): boolean {
    const { weight } = this.#most;
    return weight !== undefined && (ofOne > weight.each || inAll > weight.all);
  }

  #count(queue: Queue<T>, items: number, weight: number): void {
    queue.weight += weight;
    this.#size += items;
    this.#weight += weight;
  }
}
