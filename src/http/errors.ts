import { describeError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { storageRefusal } from '../documents/storage-refusal.js';
import { ProvisionRefused } from '../interconnection/partner/provision.js';
import { StoreFailure } from '../store/store.js';
import { writeXcapError, XcapConflict } from '../xcap/conflicts.js';
import { RequestRefused } from '../base/refusals.js';
import { mediaTypes } from '../xcap/media-types.js';
import type { XcapAnswer } from './messages.js';

/** The answer to a request that was refused for a known reason. */
export function refusalAnswer(refused: RequestRefused): XcapAnswer {
  const { status, headers, phrase } = refused;
  if (refused instanceof XcapConflict) {
    return {
      status,
      headers: { ...headers, 'Content-Type': mediaTypes.error },
      body: writeXcapError(refused),
    };
  }
  return {
    status,
    headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' },
    body: `${phrase}\n`,
  };
}

/** The answer to whatever a handler threw. An unknown error is a bare 500 and a log line. */
export function errorAnswer(error: unknown, log: Log): XcapAnswer {
  if (error instanceof RequestRefused) {
    log.debug({ status: error.status, reason: error.message }, 'request refused');
    return refusalAnswer(error instanceof ProvisionRefused ? error.refusal : error);
  }
  if (error instanceof StoreFailure) {
    log.error({ reason: error.message }, 'the store refuses a write');
    return refusalAnswer(storageRefusal(error));
  }
  log.error({ reason: describeError(error) }, 'request failed');
  return { status: 500, headers: {} };
}
