/** Bytes of memory that one entry of a cache takes, beside its key and its value. */
export const entryWeight = 200;

/** Bytes of memory that `text` takes, at most. */
export function weightOfText(text: string): number {
  return 32 + 2 * text.length;
}

/** `text` in UTF-8, to be kept: in memory of its own, since a part of a shared block would keep all of it. */
export function bytesToKeep(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text, 'utf8'));
  bytes.write(text, 'utf8');
  return bytes;
}

/**
 * A cache with a bound on the summed weight of its values. A value that was not used since it came, or since it
 * was last passed over, goes first, oldest first: nearly the least recently used, at a third of the cost of keeping
 * the exact order at every read.
 */
export class BoundedCache<K, V> {
  readonly #entries = new Map<K, { readonly value: V; readonly weight: number; used: boolean }>();
  readonly #capacity: number;
  #weight = 0;

  /** @param capacity the largest sum of weights, in the unit that `set` is given */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry.value;
  }

  /** Keeps `value`; one that is heavier than the whole cache is not kept. */
  set(key: K, value: V, weight: number): void {
    this.delete(key);
    if (weight > this.#capacity) return;
    this.#weight += weight;
    if (this.#weight > this.#capacity) this.#makeRoom();
    this.#entries.set(key, { value, weight, used: false });
  }

  delete(key: K): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
  }

  get weight(): number {
    return this.#weight;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A value that is passed over goes to the end of the map, where the iteration meets it again, unused. */
  #makeRoom(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#weight <= this.#capacity) return;
      if (entry.used) {
        entry.used = false;
        this.#entries.delete(key);
        this.#entries.set(key, entry);
      } else this.delete(key);
    }
  }
}
