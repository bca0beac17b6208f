import type { ETag } from '../../base/identifiers.js';
import type { Delivery, PartnerAnswer } from '../../documents/state.js';

/**
 * The states of one delivery, and what each outcome of an attempt makes of it (design D7, D16). Pure:
 * delivery-loop.ts decides who sends and when; delivery-attempt.ts decides what an answer means.
 */

/** The outcome of one attempt. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly partnerETag: string | null; readonly answer: PartnerAnswer }
  | { readonly kind: 'withdrawn'; readonly answer: PartnerAnswer }
  | {
      readonly kind: 'parked';
      readonly reason: string;
      /** Whether the partner refused to remove the group, not to take it. */
      readonly withdrawal: boolean;
      readonly answer: PartnerAnswer;
    }
  /** The group changed while the partner was asked for its tag: the newest form must be sent under it. */
  | { readonly kind: 'superseded'; readonly partnerETag: string | null }
  | Failure;

export interface Failure {
  readonly kind: 'failed';
  readonly reason: string;
  /** Whether it concerns the partner as a whole, not only this group. */
  readonly general: boolean;
  /** Milliseconds that the partner asks us to wait. */
  readonly retryAfter?: number | undefined;
  /** Absent where no answer came. */
  readonly answer?: PartnerAnswer;
}

/** When an attempt that failed is made again. */
export interface Retry {
  /** Failures in a row: of the partner where the failure is general, else of the group. */
  readonly failures: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The delivery of a group that the partner was never given. */
export const firstDelivery: Delivery = {
  status: 'pending',
  acknowledged: null,
  partnerETag: null,
  behind: 1,
  failures: 0,
  reason: null,
  withdrawal: false,
  general: false,
  retryAt: null,
  answer: null,
};

/** The delivery once the group has changed: the change may cure what parked or paused it (design D16). */
export function withNews(known: Delivery): Delivery {
  return { ...tryAgain(known), behind: known.behind + 1 };
}

/** The delivery, to be attempted as if it had never failed. */
export function tryAgain(known: Delivery): Delivery {
  return {
    ...known,
    status: 'pending',
    failures: 0,
    reason: null,
    withdrawal: false,
    general: false,
    retryAt: null,
  };
}

/** What an attempt set out to tell. */
export interface Attempted {
  /** Tag of the form that was sent; undefined for a withdrawal. */
  readonly sent: ETag | undefined;
  /** How many changes the partner had not been told of. */
  readonly behind: number;
}

/**
 * The delivery after an attempt, or undefined where nothing is left to be told. A group that has changed
 * meanwhile (`present`) stays pending whatever came of the attempt.
 *
 * @param retry set where the attempt failed
 */
export function nextDelivery(
  known: Delivery,
  outcome: Outcome,
  { sent, behind }: Attempted,
  present: ETag | undefined,
  retry: Retry | undefined,
): Delivery | undefined {
  const settled = sent === present;
  switch (outcome.kind) {
    case 'withdrawn':
      return settled ? undefined : { ...firstDelivery, answer: outcome.answer };
    case 'delivered':
      return {
        ...tryAgain(known),
        status: settled ? 'delivered' : 'pending',
        acknowledged: sent ?? null,
        partnerETag: outcome.partnerETag,
        behind: settled ? 0 : Math.max(1, known.behind - behind),
        answer: outcome.answer,
      };
    case 'superseded':
      return { ...known, partnerETag: outcome.partnerETag };
    case 'parked':
      return {
        ...known,
        status: settled ? 'parked' : 'pending',
        failures: known.failures + 1,
        reason: outcome.reason,
        withdrawal: outcome.withdrawal,
        general: false,
        retryAt: null,
        answer: outcome.answer,
      };
    case 'failed':
      return {
        ...known,
        status: 'pending',
        failures: retry?.failures ?? known.failures + 1,
        reason: outcome.reason,
        withdrawal: false,
        general: outcome.general,
        retryAt: settled ? (retry?.at ?? null) : null,
        answer: outcome.answer ?? known.answer,
      };
  }
}
