import { STATUS_CODES } from 'node:http';
import { RequestRefused } from '../base/refusals.js';
import type { XcapAnswer } from './messages.js';

/** The request does not fit the present state, and sending it again would not help. */
export class Conflict extends RequestRefused {
  readonly status = 409;
}

/** The answer to a refused request as problem details (RFC 9457); for a fault of this server, without a detail. */
export function problemAnswer(refused: RequestRefused | undefined): XcapAnswer {
  const status = refused?.status ?? 500;
  const title = STATUS_CODES[status] ?? 'Error';
  const body = { type: 'about:blank', title, status, detail: refused?.phrase };
  return {
    status,
    headers: { ...refused?.headers, 'Content-Type': 'application/problem+json' },
    body: `${JSON.stringify(body, null, 2)}\n`,
  };
}
