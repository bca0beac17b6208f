import type { IncomingMessage } from 'node:http';
import {
  BadRequest,
  HeadersTooLarge,
  MisdirectedRequest,
  PreconditionFailed,
  type RequestRefused,
} from '../base/refusals.js';

/**
 * What is checked of the head of every request before anybody reads its meaning: that no proxy on the way can
 * have read another meaning in it.
 */

/** Header fields of one request; as many as Node.js itself would take before it drops some in silence. */
const mostFields = 2000;

/** Fields of which Node.js takes the first and drops the others in silence, though another one would say otherwise. */
const single = new Set(['host', 'content-type', 'if-modified-since', 'if-unmodified-since']);

/**
 * The conditions that are judged (RFC 9110 clause 13). `If-Range` is among them: it is for ranges, which are not
 * served, so the whole is sent whatever it says. Any other field of such a name is a condition that is not known
 * here, such as `If` of WebDAV (RFC 4918 clause 10.4). To pass over it would be to do what the client forbade.
 */
const conditions = new Set([
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
]);

/** `uri-host [":" port]` (RFC 9110 clause 7.2). An empty value is sent where the target has no authority. */
const hostValue = /^(?:(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*|\[[\da-f:.]+\])(?::\d{0,5})?$/i;

const absoluteForm = /^(https?):\/\/([^/?#@]+)(?=[/?#]|$)/i;

/** Why the head of `request` is refused, or undefined. */
export function refusalOfHead({
  rawHeaders,
  headers,
  url = '',
}: IncomingMessage): RequestRefused | undefined {
  if (rawHeaders.length / 2 > mostFields) {
    return new HeadersTooLarge(`a request has at most ${mostFields} header fields`);
  }
  const met = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if ((name === 'if' || name.startsWith('if-')) && !conditions.has(name)) {
      return new PreconditionFailed(
        `the condition in ${rawHeaders[index] ?? ''} is not known here, so it does not hold`,
      );
    }
    if (!single.has(name)) continue;
    if (met.has(name)) return new BadRequest(`the request has two ${name} fields`);
    met.add(name);
  }
  const { host } = headers;
  if (host !== undefined && !isHost(host)) return new BadRequest('Host is not a host with or without a port');
  const [, scheme = '', authority] = absoluteForm.exec(url) ?? [];
  if (authority === undefined || host === undefined) return undefined;
  // RFC 9112 clause 3.2.2 has clients send the same twice; an authority of its own is for another server.
  if (withoutPort(scheme, authority) === withoutPort(scheme, host)) return undefined;
  return new MisdirectedRequest('the authority of the request-target is not the one in Host');
}

function isHost(value: string): boolean {
  return hostValue.test(value) && (!value.startsWith('[') || URL.canParse(`http://${value}`));
}

/** `authority` in lower case, without the port that is the scheme's own. */
function withoutPort(scheme: string, authority: string): string {
  return authority.toLowerCase().replace(scheme.toLowerCase() === 'http' ? /:(80)?$/ : /:(443)?$/, '');
}
