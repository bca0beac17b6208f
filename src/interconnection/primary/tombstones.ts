import { millisecondsUntil, type Clock, type WallTime } from '../../base/clock.js';
import { BackgroundPass } from '../../base/background-pass.js';
import { describeError } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import type { Documents } from '../../documents/documents.js';
import { readOwed, terms } from '../../documents/index-terms.js';
import type { Delivery, DocumentState } from '../../documents/state.js';
import { groupsAuid } from '../../groups/names.js';

/**
 * What is remembered of groups that are gone expires (design D16): tombstones of groups that were deleted or
 * withdrawn, and acknowledged withdrawals. A pass at start and once a day goes over the records.
 *
 * What a partner is still owed never expires: it ends by acknowledgement, or by the operator's word.
 */

const day = 24 * 60 * 60 * 1000;

/** Milliseconds for which it is remembered that a group is gone. */
export const lifetime = 90 * day;

interface Tools {
  readonly documents: Pick<Documents, 'addObserver' | 'amend' | 'entriesOf' | 'look'>;
  readonly clock: Clock;
  readonly log: Log;
}

export class Tombstones {
  readonly #tools: Tools;
  readonly #pass: BackgroundPass;
  /** Of the next pass, where one is planned. */
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#pass = new BackgroundPass(async (isOver) => {
      try {
        if (await this.#run(isOver)) this.#plan();
      } catch (error) {
        tools.log.error({ reason: describeError(error) }, 'what is remembered of groups was not looked at');
        this.#plan();
      }
    });
  }

  /** Looks at everything now, and then once a day while there is something that may expire. */
  start(): void {
    this.#tools.documents.addObserver(({ after }) => {
      if (mayExpire(after)) this.#plan();
    });
    this.#pass.start();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pass.close();
    this.#cancel?.();
  }

  #plan(): void {
    if (this.#closed || this.#cancel !== undefined) return;
    this.#cancel = this.#tools.clock.schedule(day, () => {
      this.#cancel = undefined;
      this.#pass.start();
    });
  }

  /** @returns whether there is still something that may expire */
  async #run(isOver: () => boolean): Promise<boolean> {
    const { clock, documents, log } = this.#tools;
    const remembers = (carried: readonly string[]): boolean =>
      carried.includes(terms.tombstone) || readOwed(carried).some(({ status }) => status === 'withdrawn');
    let forgotten = 0;
    let isMore = false;
    for await (const { key, terms: carried } of documents.entriesOf(terms.usage(groupsAuid))) {
      if (isOver()) return true;
      if (!remembers(carried)) continue;
      const stored = await documents.look(key);
      if (stored === undefined) continue;
      if (afterExpiry(stored.state, clock.now()) === undefined) {
        isMore = true;
        continue;
      }
      // Should something stay in the record, the commit plans the next pass.
      await documents.amend(key, ({ state }) => afterExpiry(state, clock.now()));
      forgotten += 1;
    }
    if (forgotten > 0) log.info({ groups: forgotten }, 'groups that are long gone were forgotten');
    return isMore;
  }
}

/** Whether something in `state` is remembered for a time. */
function mayExpire({ deliveries, tombstone }: DocumentState): boolean {
  return tombstone !== undefined || Object.values(deliveries).some(({ status }) => status === 'withdrawn');
}

/** `state` without what has expired by `now`; undefined where nothing has. */
export function afterExpiry(state: DocumentState, now: WallTime): DocumentState | undefined {
  const { auid, current, received, tombstone } = state;
  const isOld = (at: number | undefined): boolean =>
    at === undefined || millisecondsUntil(at + lifetime, now, lifetime) === 0;
  const isOver = ({ status, answer }: Delivery): boolean =>
    status === 'withdrawn' && isOld(answer?.at ?? tombstone?.at);
  const kept = Object.entries(state.deliveries).filter(([, delivery]) => !isOver(delivery));
  const isForgotten = current === null && kept.length === 0 && isOld(tombstone?.at);
  if (!isForgotten && kept.length === Object.keys(state.deliveries).length) return undefined;
  const deliveries = Object.fromEntries(kept);
  // Nothing is left that a record is kept for: it goes.
  if (isForgotten) return { auid, current, received, deliveries };
  return { ...state, deliveries };
}
