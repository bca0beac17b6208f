/**
 * What waits for one thing that many share, served by turns: first the oldest of one of them, then the oldest of
 * the next. One with a long queue makes only itself wait, and how much of each may wait is bounded (design D21).
 */
export class Turns<K, T> {
  /** Whose turn it is next stands first; nobody stands here without something that waits. */
  readonly #queues = new Map<K, T[]>();
  readonly #most: { readonly each: number; readonly all: number };
  #size = 0;

  /**
   * @param most.each how much of one may wait
   * @param most.all how much may wait in all
   */
  constructor(most: { readonly each: number; readonly all: number }) {
    this.#most = most;
  }

  /** How much waits. */
  get size(): number {
    return this.#size;
  }

  /** Whether `item` of `key` may wait; if so, it does. */
  add(key: K, item: T): boolean {
    const queue = this.#queues.get(key) ?? [];
    if (this.#size >= this.#most.all || queue.length >= this.#most.each) return false;
    queue.push(item);
    this.#queues.set(key, queue);
    this.#size += 1;
    return true;
  }

  /** Takes the item whose turn it is. */
  next(): T | undefined {
    for (const [key, queue] of this.#queues) {
      const item = queue.shift();
      this.#queues.delete(key);
      if (queue.length > 0) this.#queues.set(key, queue);
      if (item === undefined) continue;
      this.#size -= 1;
      return item;
    }
    return undefined;
  }

  /** Takes `item` of `key` out of turn. @returns whether it waited */
  remove(key: K, item: T): boolean {
    const queue = this.#queues.get(key) ?? [];
    const at = queue.indexOf(item);
    if (at < 0) return false;
    queue.splice(at, 1);
    if (queue.length === 0) this.#queues.delete(key);
    this.#size -= 1;
    return true;
  }

  /** Takes all that waits, by turns. */
  takeAll(): readonly T[] {
    const all: T[] = [];
    for (let item = this.next(); item !== undefined; item = this.next()) all.push(item);
    return all;
  }
}
