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
