import type { GroupId, McServiceId } from './identifiers.js';

/**
 * Canonical forms of the URIs that name MC service groups and users, so that two spellings of one
 * identity compare equal as strings (RFC 3261 clause 19.1.4, RFC 3966 clause 5, RFC 3986 clause 6.2.2).
 *
 * Subtle: only what the RFCs call equivalent is folded. The scheme and a SIP host are case-insensitive,
 * a SIP user part is not. Percent-encoded octets are decoded only where the octet is unreserved, so
 * that `sip:a%40b@x` never turns into another address. In `tel:` URIs visual separators vanish from
 * global numbers.
 */

/** The most characters of an MC service ID, of a user or of a system. */
export const longestIdentity = 1024;

const UNRESERVED = /[A-Za-z0-9\-._~]/;

function normalisePercentEncoding(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return UNRESERVED.test(character) ? character : escape.toUpperCase();
  });
}

function canonicalSip(scheme: string, rest: string): string {
  const at = rest.lastIndexOf('@');
  const user = rest.slice(0, at + 1);
  const hostAndParameters = rest.slice(at + 1);
  const end = hostAndParameters.search(/[;?]/);
  const host = end < 0 ? hostAndParameters : hostAndParameters.slice(0, end);
  const parameters = end < 0 ? '' : hostAndParameters.slice(end);
  return `${scheme}:${user}${host.toLowerCase()}${parameters}`;
}

function canonicalTel(rest: string): string {
  const end = rest.indexOf(';');
  const number = end < 0 ? rest : rest.slice(0, end);
  const parameters = end < 0 ? '' : rest.slice(end).toLowerCase();
  const digits = number.startsWith('+') ? number.replace(/[-.()]/g, '') : number;
  return `tel:${digits}${parameters}`;
}

/** The canonical spelling of `uri`; text that is no URI with a scheme comes back unchanged. */
export function canonicalUri(uri: string): string {
  const text = normalisePercentEncoding(uri.trim());
  const colon = text.indexOf(':');
  if (colon < 1) return text;
  const scheme = text.slice(0, colon).toLowerCase();
  const rest = text.slice(colon + 1);
  if (scheme === 'sip' || scheme === 'sips') return canonicalSip(scheme, rest);
  if (scheme === 'tel') return canonicalTel(rest);
  return `${scheme}:${rest}`;
}

/**
 * Whether `text` is a URI with a scheme, printable ASCII only, as an identity must be. A percent sign
 * begins an escape (RFC 3986 clause 2.1): with a loose one, a canonical form would not be its own.
 */
export function isIdentityUri(text: string): boolean {
  return (
    /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/.test(text) && !/["<>\\^`{|}]|%(?![0-9A-Fa-f]{2})/.test(text)
  );
}

/** The MC service group ID that `uri` spells, or undefined where it is no URI. */
export function toGroupId(uri: string): GroupId | undefined {
  const text = uri.trim();
  return isIdentityUri(text) ? (canonicalUri(text) as GroupId) : undefined;
}

/** The MC service ID that `uri` spells, or undefined where it is no URI, or one longer than `longestIdentity`. */
export function toMcServiceId(uri: string): McServiceId | undefined {
  const text = uri.trim();
  return text.length <= longestIdentity && isIdentityUri(text)
    ? (canonicalUri(text) as McServiceId)
    : undefined;
}

/** The lower-case domain of a SIP URI in canonical form, or undefined for any other URI. */
export function sipDomain(canonical: string): string | undefined {
  const match = /^sips?:(?:[^@]*@)?([^;?:@[\]]+|\[[^\]]*\])(?::\d+)?(?:[;?].*)?$/.exec(canonical);
  return match?.[1];
}

/** `host` as it stands in a URL: an IPv6 address in brackets (RFC 3986 clause 3.2.2). */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
