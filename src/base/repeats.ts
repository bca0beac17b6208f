import type { Clock } from './clock.js';
import { TokenBucket, type Rate } from './token-bucket.js';

/**
 * Lines that come again and again are counted instead of written (design D21): many of them are caused by
 * whoever can connect, as often as they like, and a disk that is full of them serves nobody.
 *
 * Within one second, a line with the same text is written once; how often it was repeated is told when the
 * second is over. Lines of one kind that differ in their text are written at a bounded rate; how many were left
 * out is told in the same way. Nothing goes uncounted.
 */

/** Milliseconds after which it is told what was counted. */
const window = 1000;

/** How many different lines of one kind are written. A kind that comes in bulk has room for a large burst. */
export const linesOfOneKind: Rate = { rate: 10, burst: 1000 };

/** A line, and how it is told apart from others. */
export interface Line {
  /** What all lines of the kind have in common. There is a bounded number of kinds. */
  readonly kind: string;
  /** The whole line, without the time. */
  readonly text: string;
}

/** Why lines were not written: the same text was there already, or there were too many of the kind. */
export type Reason = 'repeated' | 'leftOut';

interface Counted<L> {
  readonly line: L;
  more: number;
}

export class Repeats<L extends Line> {
  readonly #clock: Pick<Clock, 'monotonic' | 'schedule'>;
  readonly #tell: (line: L, reason: Reason, lines: number) => void;
  readonly #buckets = new Map<string, TokenBucket>();
  /** Written within the present second, by text. */
  readonly #written = new Map<string, Counted<L>>();
  /** Left out within the present second, by kind. */
  readonly #leftOut = new Map<string, Counted<L>>();
  #cancel: (() => void) | undefined;

  /** @param tell writes down how many lines like `line` were not written */
  constructor(
    clock: Pick<Clock, 'monotonic' | 'schedule'>,
    tell: (line: L, reason: Reason, lines: number) => void,
  ) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Whether `line` is to be written; otherwise it is counted. */
  admits(line: L): boolean {
    const same = this.#written.get(line.text);
    if (same !== undefined) {
      same.more += 1;
      return false;
    }
    this.#cancel ??= this.#clock.schedule(window, () => {
      this.flush();
    });
    if (this.#bucketOf(line.kind).take()) {
      this.#written.set(line.text, { line, more: 0 });
      return true;
    }
    const others = this.#leftOut.get(line.kind);
    if (others === undefined) this.#leftOut.set(line.kind, { line, more: 1 });
    else others.more += 1;
    return false;
  }

  /** Tells now what was counted; to be called at the end as well. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const written = [...this.#written.values()].filter(({ more }) => more > 0);
    const leftOut = [...this.#leftOut.values()];
    this.#written.clear();
    this.#leftOut.clear();
    for (const { line, more } of written) this.#tell(line, 'repeated', more);
    for (const { line, more } of leftOut) this.#tell(line, 'leftOut', more);
  }

  #bucketOf(kind: string): TokenBucket {
    let bucket = this.#buckets.get(kind);
    if (bucket === undefined) {
      bucket = new TokenBucket(linesOfOneKind, this.#clock);
      this.#buckets.set(kind, bucket);
    }
    return bucket;
  }
}
