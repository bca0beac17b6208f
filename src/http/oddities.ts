import { identityFault } from '../auth/asserted-identity.js';
import { Forbidden, NotFound, type RequestRefused } from '../base/refusals.js';
import { NoParent } from '../xcap/conflicts.js';
import { originForm } from '../xcap/request-uri.js';
import { assertedIdentity, type XcapRequest } from './messages.js';

/**
 * What proxies and clients make of a request that is lawful but hardly meant. It changes no verdict: where a request
 * is refused because nothing is there, or because nobody known asks, the refusal says it too, so that an operator does
 * not look for the fault in documents and rights. It is looked for only then, and costs other requests nothing.
 */

/** What is odd about the path of a request-target; undefined where nothing is. */
function pathOddity(target: string): string | undefined {
  const [path = ''] = originForm(target).split('?');
  const [document = ''] = path.split(/\/(?:~|%7e){2}(?:\/|$)/i);
  if (document.endsWith('/')) {
    return document === path ? 'the path ends in a slash' : 'two slashes stand before ~~';
  }
  if (/%25[\da-f]{2}/i.test(document)) return 'the path looks as if it were percent-encoded twice (%25…)';
  if (/%2f/i.test(document)) return 'an encoded slash (%2F) is part of its segment and ends none';
  const hasParameters = document
    .split('/')
    .some((segment) => segment.includes(';') && !/:|%3a/i.test(segment));
  return hasParameters ? 'what follows a semicolon is part of its segment, no parameter' : undefined;
}

/** `refused`, with what is odd about the request that may be the cause. */
export function explained(
  refused: RequestRefused,
  request: Pick<XcapRequest, 'target' | 'headers'>,
): RequestRefused {
  if (refused instanceof Forbidden) {
    const fault = identityFault(assertedIdentity(request));
    return fault === undefined ? refused : new Forbidden(`${refused.phrase}; ${fault}`, refused.message);
  }
  const oddity =
    refused instanceof NotFound || refused instanceof NoParent ? pathOddity(request.target) : undefined;
  if (oddity === undefined) return refused;
  return refused instanceof NoParent
    ? new NoParent(`${refused.phrase}; ${oddity}`, refused.ancestor)
    : new NotFound(`${refused.phrase}; ${oddity}`, refused.message);
}
