/** Lets callers that want the same thing at the same time share one attempt. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  /** Whether an attempt is under way for `key`. */
  isUnderWay(key: string): boolean {
    return this.#flights.has(key);
  }

  /** The result of the attempt under way for `key`, or of a new one by `task`. */
  run(key: string, task: () => Promise<T>): Promise<T> {
    const flying = this.#flights.get(key);
    if (flying !== undefined) return flying;
    const flight = task().finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }
}
