import { ConstraintFailure } from '../xcap/conflicts.js';
import { NameTooLong } from './name-bounds.js';
import { QuotaExceeded } from './quotas.js';
import { InsufficientStorage, ServiceUnavailable, type RequestRefused } from '../base/refusals.js';
import type { StoreFailure } from '../store/store.js';

/** Seconds after which a client may try a failed write again. */
const retryAfter = 30;

/** A failure of the store in the words of HTTP: 507 where the medium is full, else 503. */
export function storageRefusal(failure: StoreFailure): RequestRefused {
  const detail = failure.message;
  return failure.full
    ? new InsufficientStorage('no room is left to store the document', detail)
    : new ServiceUnavailable('the document cannot be stored at present', retryAfter, detail);
}

/**
 * What a client is told where a document does not fit into its bounds, or undefined for any other error. A quota
 * is a constraint of ours on the document (RFC 4825 clause 11), and so is the length of names: the same request
 * will not succeed later, as a 507 would say, unless the client makes room.
 */
export function boundRefusal(error: unknown): ConstraintFailure | undefined {
  return error instanceof QuotaExceeded || error instanceof NameTooLong
    ? new ConstraintFailure(error.message)
    : undefined;
}
