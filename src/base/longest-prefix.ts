/**
 * Values by the beginnings of texts; of those that fit a text, the longest decides. What a look-up costs depends on
 * how many lengths the prefixes have, not on how many prefixes there are.
 */
export class LongestPrefix<V> {
  readonly #values = new Map<string, V>();
  /** The lengths that there are, the longest first. */
  #lengths: readonly number[] = [];

  /** Of a prefix that is added twice the first value counts. */
  add(prefix: string, value: V): void {
    if (this.#values.has(prefix)) return;
    this.#values.set(prefix, value);
    if (this.#lengths.includes(prefix.length)) return;
    this.#lengths = [...this.#lengths, prefix.length].sort((a, b) => b - a);
  }

  /** The value of the longest prefix that `text` begins with, or undefined where it begins with none. */
  valueFor(text: string): V | undefined {
    for (const length of this.#lengths) {
      const value = this.#values.get(text.slice(0, length));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
