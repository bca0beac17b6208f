import { STATUS_CODES } from 'node:http';
import { describeError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { storageRefusal } from '../documents/storage-refusal.js';
import { StoreFailure } from '../store/store.js';
import { RequestRefused } from '../base/refusals.js';
import type { XcapAnswer } from './messages.js';

/** What does not fit the present state, and would not if it were only asked again. */
export class Conflict extends RequestRefused {
  readonly status = 409;
}

function problem(
  status: number,
  detail: string | undefined,
  headers: Readonly<Record<string, string>>,
): XcapAnswer {
  const body = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail };
  return {
    status,
    headers: { ...headers, 'Content-Type': 'application/problem+json' },
    body: `${JSON.stringify(body, null, 2)}\n`,
  };
}

/** The answer to whatever a handler threw, as problem details (RFC 9457). An unknown error tells nothing. */
export function problemAnswer(error: unknown, log: Log): XcapAnswer {
  if (error instanceof RequestRefused) {
    log.debug({ status: error.status, reason: error.message }, 'request refused');
    return problem(error.status, error.phrase, error.headers);
  }
  if (error instanceof StoreFailure) {
    log.error({ reason: error.message }, 'the store refuses a write');
    const refusal = storageRefusal(error);
    return problem(refusal.status, refusal.phrase, refusal.headers);
  }
  log.error({ reason: describeError(error) }, 'request failed');
  return problem(500, undefined, {});
}
