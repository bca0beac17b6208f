import { BadRequest, UnsupportedMediaType } from '../base/refusals.js';
import { NotUtf8 } from '../xcap/conflicts.js';
import { essence } from '../xcap/media-types.js';
import { isAscii } from '../xml/gate.js';
import type { XcapRequest } from './messages.js';

const charsetParameter = /;[ \t]*charset=(?:"([^"]*)"|([^\s;"]*))/i;

/**
 * @throws UnsupportedMediaType where the body is not of the `expected` type (RFC 4825 clause 8.2.2), BadRequest where
 *   it is a part of one (RFC 9110 clause 14.5)
 */
export function checkMediaType(request: XcapRequest, expected: string): void {
  if (request.method === 'PUT' && request.headers['content-range'] !== undefined) {
    throw new BadRequest('a part of a representation cannot be put: Content-Range is not accepted');
  }
  if (essence(request.headers['content-type'] ?? '') !== essence(expected)) {
    throw new UnsupportedMediaType(`send it as ${expected}`);
  }
}

/** Charsets in which octets below 128 are the characters of US-ASCII. */
const extendsAscii = /^(?:us-ascii|ascii|iso-8859-\d{1,2}|windows-125\d)$/;

/** @throws NotUtf8 where the charset of the Content-Type says that `body` is not UTF-8 (RFC 7303 clause 3) */
export function checkCharset({ headers }: Pick<XcapRequest, 'headers'>, body: Uint8Array): void {
  const [, quoted, token] = charsetParameter.exec(headers['content-type'] ?? '') ?? [];
  const charset = (quoted ?? token)?.toLowerCase();
  if (charset === undefined || charset === 'utf-8' || charset === 'utf8') return;
  if (extendsAscii.test(charset) && isAscii(body)) return;
  throw new NotUtf8('the charset of the Content-Type is not that of the body');
}

/** Whether the Accept field value names `mediaType` itself; wildcards do not count. */
export function accepts(request: XcapRequest, mediaType: string): boolean {
  const ranges = (request.headers.accept ?? '').split(',');
  return ranges.some((range) => essence(range) === mediaType && !/;\s*q=0(\.0*)?\s*(;|$)/i.test(range));
}
