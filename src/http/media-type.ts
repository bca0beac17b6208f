import { UnsupportedMediaType } from '../base/refusals.js';
import { essence } from '../xcap/media-types.js';
import type { XcapRequest } from './messages.js';

/** @throws UnsupportedMediaType where the body is not of the `expected` type (RFC 4825 clause 8.2.2) */
export function checkMediaType(request: XcapRequest, expected: string): void {
  if (essence(request.headers['content-type'] ?? '') !== essence(expected)) {
    throw new UnsupportedMediaType(`send it as ${expected}`);
  }
}

/** Whether the Accept field value names `mediaType` itself; wildcards do not count. */
export function accepts(request: XcapRequest, mediaType: string): boolean {
  const ranges = (request.headers.accept ?? '').split(',');
  return ranges.some((range) => essence(range) === mediaType && !/;\s*q=0(\.0*)?\s*(;|$)/i.test(range));
}
