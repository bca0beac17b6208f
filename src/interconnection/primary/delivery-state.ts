import type { Delivery, PartnerAnswer } from '../../documents/state.js';

/**
 * What one partner MC system is owed of one group, and how that ends (design D7, D16, D20). Pure:
 * delivery-loop.ts decides who sends and when; delivery-attempt.ts decides what an answer means.
 *
 * What is owed is a pair: the group as it is now, and whether the partner is to hold it. Every change of the
 * pair gets the next number. An attempt remembers the number with which it began, and settles that number
 * only: an answer about something else than what is owed now leaves the delivery pending, whatever it says.
 * Nothing here ends an obligation but an acknowledgement.
 *
 * An acknowledged withdrawal stays as `withdrawn`. It says that the partner was given the group once, and
 * under which tag the partner remembers the withdrawal; tombstones.ts in this folder forgets it in the end.
 */

/** What came of one attempt. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly partnerETag: string | null; readonly answer: PartnerAnswer }
  | { readonly kind: 'withdrawn'; readonly withdrawalTag: string | null; readonly answer: PartnerAnswer }
  | { readonly kind: 'parked'; readonly reason: string; readonly answer: PartnerAnswer }
  /** Something else is owed since: it must be sent under what the partner holds by now. */
  | {
      readonly kind: 'superseded';
      readonly partnerETag: string | null;
      readonly withdrawalTag: string | null;
    }
  | Failure;

export interface Failure {
  readonly kind: 'failed';
  readonly reason: string;
  /** Whether no connection could be made: then no other group can be told either. */
  readonly unreachable: boolean;
  /** Milliseconds that the partner itself asks us to wait. */
  readonly retryAfter?: number | undefined;
  /** Absent where no answer came. */
  readonly answer?: PartnerAnswer;
}

/** When an attempt that failed is made again. */
export interface Retry {
  /** Failures in a row: of the partner where the loop pauses, else of the group. */
  readonly failures: number;
  /** Whether the loop pauses, not the group alone. */
  readonly general: boolean;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The delivery of a group that the partner was never given, and is to hold. */
export const firstDelivery: Delivery = {
  status: 'pending',
  hold: true,
  change: 1,
  acknowledged: null,
  partnerETag: null,
  withdrawalTag: null,
  behind: 1,
  failures: 0,
  reason: null,
  general: false,
  retryAt: null,
  answer: null,
};

/** The delivery, to be attempted as if it had never failed. */
export function tryAgain(known: Delivery): Delivery {
  return { ...known, status: 'pending', failures: 0, reason: null, general: false, retryAt: null };
}

/** The delivery once there is news for the partner, which may cure what parked or paused it (design D16). */
export function withNews(known: Delivery, hold = known.hold): Delivery {
  return { ...tryAgain(known), hold, change: known.change + 1, behind: known.behind + 1 };
}

/**
 * What the partner is owed after a change, or undefined where it is owed nothing and never was.
 *
 * @param hold whether it is to hold the group now
 * @param changed whether the group is another than before
 */
export function owed(known: Delivery | undefined, hold: boolean, changed: boolean): Delivery | undefined {
  if (known === undefined) return hold ? firstDelivery : undefined;
  if (known.hold !== hold) return withNews(known, hold);
  if (!changed) return known;
  // What the partner no longer holds may change as it likes; a withdrawal that was refused is tried again.
  if (!hold) return known.status === 'withdrawn' ? known : withNews(known);
  return withNews(known);
}

/**
 * The delivery where the partner turns out to hold something else than it acknowledged: it is told again.
 *
 * @param etag the tag of what it holds; null for nothing
 */
export function differing(known: Delivery, etag: string | null): Delivery {
  return { ...withNews(known), acknowledged: null, partnerETag: etag, withdrawalTag: null };
}

/** The withdrawal of a group that the partner may hold, although nothing here says that it was given. */
export const firstWithdrawal: Delivery = { ...firstDelivery, hold: false };

/** The delivery, to be told again whatever the partner is believed to hold. */
export function resent(known: Delivery): Delivery {
  return differing(known, null);
}

/** What was owed when an attempt began. */
export type Attempted = Pick<Delivery, 'change' | 'behind'> & {
  /** Tag of the form that was sent; null for a withdrawal. */
  readonly sent: Delivery['acknowledged'];
};

/**
 * The delivery after an attempt. Where what is owed has changed meanwhile, it stays pending whatever came of
 * the attempt.
 *
 * @param retry set where the attempt failed
 */
export function afterAttempt(
  known: Delivery,
  outcome: Outcome,
  attempted: Attempted,
  retry: Retry | undefined,
): Delivery {
  const settled = known.change === attempted.change;
  switch (outcome.kind) {
    case 'delivered':
    case 'withdrawn':
      return {
        ...tryAgain(known),
        status: settled ? outcome.kind : 'pending',
        acknowledged: outcome.kind === 'delivered' ? attempted.sent : null,
        partnerETag: outcome.kind === 'delivered' ? outcome.partnerETag : null,
        withdrawalTag: outcome.kind === 'delivered' ? null : outcome.withdrawalTag,
        behind: settled ? 0 : Math.max(1, known.behind - attempted.behind),
        answer: outcome.answer,
      };
    case 'superseded':
      return { ...known, partnerETag: outcome.partnerETag, withdrawalTag: outcome.withdrawalTag };
    case 'parked':
      return {
        ...known,
        status: settled ? 'parked' : 'pending',
        behind: Math.max(1, known.behind),
        failures: known.failures + 1,
        reason: outcome.reason,
        general: false,
        retryAt: null,
        answer: outcome.answer,
      };
    case 'failed': {
      const curable = outcome.answer !== undefined && outcome.retryAfter === undefined;
      return {
        ...known,
        status: 'pending',
        behind: Math.max(1, known.behind),
        failures: retry?.failures ?? known.failures + 1,
        reason: outcome.reason,
        general: retry?.general ?? false,
        // News may cure what the partner answered, unless it asked us to wait. It cures no silence.
        retryAt: curable && !settled ? null : (retry?.at ?? null),
        answer: outcome.answer ?? known.answer,
      };
    }
  }
}
