import type { RequestRefused } from '../base/refusals.js';
import type { XcapAnswer } from '../http/messages.js';

/**
 * What the gateway says itself: that it refuses a request, has no route for it, or got no answer that it can pass
 * on. No GMS has spoken then, so nothing may follow from it: no copy goes, and nothing counts as delivered,
 * withdrawn or refused for good (design D20). Such an answer is text with a Proxy-Status field (RFC 9209), and
 * never has a Result, an xcap-error, an entity tag or a field of the GMSs.
 */

/** The field that says that a proxy gave the answer. */
export const proxyStatusField = 'Proxy-Status';

/** How the gateway calls itself there. It tells nothing of the inside. */
const name = 'mcgms-gateway';

/** The proxy error types of RFC 9209 clause 2.3 by status; all other refusals are of the request. */
const errorTypes: Readonly<Record<number, string>> = {
  404: 'destination_not_found',
  500: 'proxy_internal_error',
  502: 'destination_unavailable',
  503: 'connection_limit_reached',
  504: 'http_response_timeout',
  508: 'proxy_loop_detected',
};

/** The answer to a request that was refused at the gateway; `undefined` stands for a fault of its own. */
export function ownAnswer(refused: RequestRefused | undefined): XcapAnswer {
  const status = refused?.status ?? 500;
  const error = errorTypes[status] ?? 'http_request_denied';
  const said = { [proxyStatusField]: `${name}; error=${error}` };
  if (refused === undefined) return { status, headers: said };
  const headers = { ...refused.headers, ...said, 'Content-Type': 'text/plain; charset=utf-8' };
  return { status, headers, body: `${refused.phrase}\n` };
}
