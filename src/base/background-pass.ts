/**
 * Work over many things that is done beside everything else, and done again when the reason for it
 * comes up anew: a start while a pass is under way ends that pass early and begins another.
 */
export class BackgroundPass {
  readonly #run: (isOver: () => boolean) => Promise<void>;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;

  /** @param run goes over everything once; asks `isOver` between steps and returns where it says so */
  constructor(run: (isOver: () => boolean) => Promise<void>) {
    this.#run = run;
  }

  /** Starts a pass, or another one instead of the one under way. */
  start(): void {
    if (this.#closed) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#running = this.#run(() => this.#closed || this.#again).finally(() => {
      this.#running = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.start();
    });
  }

  /** Ends the pass under way after its present step; no other will start. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }
}
