import type { Holding, SharedBudget } from '../base/shared-budget.js';

/** Who reads an answer, and how the reading is broken off. */
export interface Reader {
  readonly owner: string;
  readonly cut: () => void;
  /** Whether what the request did is done, so that its answer goes out also where there is no room. */
  readonly mustHear?: boolean;
}

interface Held {
  /** Those that read the body, for the first of whom it counts. */
  readonly readers: Set<Reader>;
  holding: Holding | undefined;
}

/**
 * The octets of answers under way. All readers of a document have one buffer, so it counts once: for the first of
 * them, and once that one has it, for the next.
 */
export class AnswersUnderWay {
  readonly #budget: SharedBudget;
  readonly #held = new Map<Buffer, Held>();

  constructor(budget: SharedBudget) {
    this.#budget = budget;
  }

  /**
   * Counts `body` for `reader`, who is cut off where it has to give way to others.
   *
   * @returns what to call once the body is taken; undefined where there is no room
   */
  hold(body: Buffer, reader: Reader): (() => void) | undefined {
    const held = this.#held.get(body) ?? { readers: new Set<Reader>(), holding: undefined };
    this.#held.set(body, held);
    held.readers.add(reader);
    if (!this.#count(body, held)) {
      this.#held.delete(body);
      return undefined;
    }
    return () => {
      this.#leave(body, held, reader);
    };
  }

  /** Counts the body for the first of its readers, unless it does already. Whether there is room. */
  #count(body: Buffer, held: Held): boolean {
    const [first] = held.readers;
    if (first === undefined || held.holding?.owner === first.owner) return true;
    held.holding?.release();
    held.holding = this.#budget.open(first.owner, () => {
      held.holding = undefined;
      for (const reader of [...held.readers]) {
        if (reader.owner !== first.owner) continue;
        reader.cut();
        this.#leave(body, held, reader);
      }
    });
    if (first.mustHear !== true) return held.holding.resize(body.length);
    held.holding.insist(body.length);
    return true;
  }

  #leave(body: Buffer, held: Held, reader: Reader): void {
    if (!held.readers.delete(reader)) return;
    if (held.readers.size > 0) {
      // There is room, since the one who leaves has just made it.
      this.#count(body, held);
      return;
    }
    held.holding?.release();
    if (this.#held.get(body) === held) this.#held.delete(body);
  }
}
