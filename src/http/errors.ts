import type { RequestRefused } from '../base/refusals.js';
import { ProvisionRefused } from '../interconnection/partner/provision.js';
import { writeXcapError, XcapConflict } from '../xcap/conflicts.js';
import { mediaTypes } from '../xcap/media-types.js';
import type { XcapAnswer } from './messages.js';

/**
 * The answer to a refused request: an xcap-error document for a 409 (RFC 4825 clause 11), else the phrase as
 * text. For a fault of this server, a bare 500.
 */
export function refusalAnswer(refused: RequestRefused | undefined): XcapAnswer {
  if (refused === undefined) return { status: 500, headers: {} };
  const cause = refused instanceof ProvisionRefused ? refused.refusal : refused;
  const { status, headers, phrase } = cause;
  const [type, body] =
    cause instanceof XcapConflict
      ? [mediaTypes.error, writeXcapError(cause)]
      : ['text/plain; charset=utf-8', `${phrase}\n`];
  return { status, headers: { ...headers, 'Content-Type': type }, body };
}
