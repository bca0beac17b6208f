/** Closes in the reverse order of opening. */
export class Closers {
  readonly #closers: (() => Promise<void> | void)[] = [];

  /** Remembers how to let go of `part` and gives it back. */
  add<T extends { close(): Promise<void> | void }>(part: T): T {
    this.#closers.push(() => part.close());
    return part;
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.splice(0).reverse()) await closer();
  }
}
