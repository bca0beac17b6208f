import { describeError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { RequestRefused } from '../base/refusals.js';
import { storageRefusal } from '../documents/storage-refusal.js';
import { StoreFailure } from '../store/store.js';
import type { RequestHandler, XcapAnswer, XcapRequest } from './messages.js';
import { explained } from './oddities.js';

/**
 * The frame of every handler: what is thrown becomes an answer, and every answer gets the handler's header
 * fields. A refusal has a status and a phrase for the requester. Any other error is a fault of this server:
 * it goes to the log, and the requester learns nothing but the status 500.
 */

/** Writes the answer to a refused request; `undefined` stands for a fault of this server (500). */
export type WriteRefusal = (refused: RequestRefused | undefined) => XcapAnswer;

export interface Frame {
  readonly write: WriteRefusal;
  /** Header fields of every answer; an answer's own value of a field wins. */
  readonly headers: Readonly<Record<string, string>>;
  readonly log: Log;
}

/**
 * For answers that depend on the requester (design D16). A proxy that codes a document makes its entity tag weak, and
 * `If-Match` with a weak tag never holds: hence `no-transform` (RFC 9111 clause 5.2.2.6).
 */
export const perRequester = {
  'Cache-Control': 'private, no-cache, no-transform',
  Vary: 'Authorization, X-3GPP-Asserted-Identity',
} as const;

/** For answers that no cache may keep. */
export const notStored = { 'Cache-Control': 'no-store' } as const;

/** `answer` in its frame: a handler that never throws. */
export function framed(
  answer: (request: XcapRequest) => Promise<XcapAnswer>,
  { write, headers, log }: Frame,
): RequestHandler['handle'] {
  return async (request) => {
    let given: XcapAnswer;
    try {
      given = await answer(request);
    } catch (error) {
      const refused = refusalIn(error, log);
      given = write(refused && explained(refused, request));
    }
    return { ...given, headers: { ...headers, ...given.headers } };
  };
}

/** The refusal that a thrown error stands for, or undefined for a fault of this server. Writes it to the log. */
function refusalIn(error: unknown, log: Log): RequestRefused | undefined {
  if (error instanceof RequestRefused) {
    log.debug({ status: error.status, reason: error.message }, 'request refused');
    return error;
  }
  if (error instanceof StoreFailure) {
    log.error({ reason: error.message }, 'the store refuses a write');
    return storageRefusal(error);
  }
  log.error({ reason: describeError(error) }, 'request failed');
  return undefined;
}
