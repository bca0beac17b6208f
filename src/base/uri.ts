import type { GroupId, McServiceId } from './identifiers.js';

/**
 * Canonical forms of the URIs that name MC service groups and users, so that two spellings of one
 * identity compare equal as strings (RFC 3261 clause 19.1.4 as corrected by RFC 5954 clause 4.2, RFC 3966
 * clause 4, RFC 3986 clause 6.2.2). Members, group IDs, identities, rules and names of resources all use it.
 *
 * Subtle: which equivalence this is. Equality by RFC 3261 is none: `sip:c@h` equals both `sip:c@h;x=1` and
 * `sip:c@h;x=2`, since a parameter that only one URI has is ignored, and these two differ. Something that is a
 * key cannot be so. Here such a parameter counts: two URIs have one canonical form where RFC 3261 calls them
 * equal and equal to the same others. So nobody is taken for somebody else, and `sip:c@h` may not read what
 * `sip:c@h;x=1` may; a member list is stricter (`comparedParts`), and refuses to have both.
 *
 * Subtle: only what the RFCs call equivalent is folded.
 * - All of a SIP URI is case-insensitive but for its user information and the values of its headers. That holds
 *   where the user part is a telephone number, too: its separators count.
 * - A default is not the same as nothing: `sip:g@h:5060` and `sip:g@h;transport=udp` are not `sip:g@h`. A port is
 *   a number, though, and an IPv6 address is its 128 bits.
 * - Escapes of the characters that RFC 3261 and RFC 3966 call unreserved mean these characters; an escaped
 *   delimiter is data, so that `sip:a%40b@x` never turns into another address. Other schemes reserve more of the
 *   marks (RFC 3986 clause 2.2).
 * - A `tel:` URI is case-insensitive and its visual separators vanish. Where what stands for the number is none, as
 *   in the `tel:g-001` of deployed clients, it stays as it is.
 */

/** The most characters of an MC service ID, of a user or of a system. */
export const longestIdentity = 1024;

/** RFC 3986 clause 2.3. */
const unreserved = /[A-Za-z0-9\-._~]/;

/** RFC 3261 clause 25.1 and RFC 3966 clause 3: the nine marks, letters and digits. */
const unreservedInSip = /[A-Za-z0-9\-_.!~*'()]/;

function normaliseEscapes(text: string, meant: RegExp): string {
  if (!text.includes('%')) return text;
  return text.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return meant.test(character) ? character : escape.toUpperCase();
  });
}

/** `text` in lower case, but for its escapes. */
function caseless(text: string): string {
  return text.toLowerCase().replace(/%[0-9a-f]{2}/g, (escape) => escape.toUpperCase());
}

function nameOf(parameter: string): string {
  const equals = parameter.indexOf('=');
  return equals < 0 ? parameter : parameter.slice(0, equals);
}

/** `parameters` in the order of their ranks and names; those of one name stay in the order that they had. */
function inOrder(parameters: readonly string[], rank: (name: string) => number = () => 0): readonly string[] {
  if (parameters.length < 2) return parameters;
  const named = parameters.map((text) => ({ text, name: nameOf(text) }));
  named.sort((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return named.map(({ text }) => text);
}

/** An IPv6 address in brackets, in the one spelling of RFC 5952; what is none stays as it is. */
function canonicalAddress(bracketed: string): string {
  const url = /^\[[0-9a-f:.]+\]$/.test(bracketed) ? `http://${bracketed}/` : '';
  return URL.canParse(url) ? new URL(url).hostname : bracketed;
}

function canonicalHostPort(text: string): string {
  const lower = caseless(text);
  const [, host = lower, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(lower) ?? [];
  const address = host.startsWith('[') ? canonicalAddress(host) : host;
  return port === undefined ? address : `${address}:${port.replace(/^0+(?=\d)/, '')}`;
}

/** `name=value` of a header: names are case-insensitive, what values are is for each header to say. */
function canonicalHeader(header: string): string {
  const name = nameOf(header);
  return caseless(name) + header.slice(name.length);
}

function canonicalSip(scheme: string, rest: string): string {
  const at = rest.indexOf('@') + 1;
  const question = rest.indexOf('?', at);
  const [hostPort = '', ...parameters] = rest.slice(at, question < 0 ? undefined : question).split(';');
  const headers = question < 0 ? [] : rest.slice(question + 1).split('&');
  const end = inOrder(parameters.map(caseless))
    .map((parameter) => `;${parameter}`)
    .join('');
  const query = question < 0 ? '' : `?${inOrder(headers.map(canonicalHeader)).join('&')}`;
  return `${scheme}:${rest.slice(0, at)}${canonicalHostPort(hostPort)}${end}${query}`;
}

const separators = /[-.()]/g;

/** RFC 3966 clause 3: `global-number-digits` and `local-number-digits`, with their visual separators. */
function canonicalNumber(number: string): string {
  if (number.startsWith('+')) return number.replace(separators, '');
  const isLocal = /^(?:[\da-f*#().-]|%23)+$/i.test(number) && /[\da-f*#]/i.test(number);
  return isLocal ? number.toLowerCase().replace(separators, '') : number;
}

function canonicalTelParameter(parameter: string): string {
  const text = caseless(parameter);
  return /^(?:phone-context=\+|ext=)[\d().-]*$/.test(text) ? `${nameOf(text)}=${digitsOf(text)}` : text;
}

function digitsOf(parameter: string): string {
  return parameter.slice(parameter.indexOf('=') + 1).replace(separators, '');
}

/** RFC 3966 clause 3: the extension or ISDN subaddress comes first, then the context, then the rest. */
function rankInTel(name: string): number {
  return ['ext', 'isub', 'phone-context'].includes(name) ? (name === 'phone-context' ? 1 : 0) : 2;
}

function canonicalTel(rest: string): string {
  const [number = '', ...parameters] = rest.split(';');
  return [
    `tel:${canonicalNumber(number)}`,
    ...inOrder(parameters.map(canonicalTelParameter), rankInTel),
  ].join(';');
}

/**
 * SIP URIs as nearly all are: a user of plain characters at a domain in lower case, and nothing else. Each is its own
 * canonical spelling. A group has tens of thousands of them, and to take them to pieces takes ten times as long.
 */
const plainSip = /^sips?:[A-Za-z0-9._~-]+@[a-z0-9.-]+$/;

/** The canonical spelling of `uri`; text that is no URI with a scheme comes back unchanged. */
export function canonicalUri(uri: string): string {
  return plainSip.test(uri) ? uri : spelt(uri);
}

/** The canonical spelling, whatever the URI looks like. */
export function spelt(uri: string): string {
  const text = normaliseEscapes(uri.trim(), unreserved);
  const colon = text.indexOf(':');
  if (colon < 1) return text;
  const scheme = text.slice(0, colon).toLowerCase();
  const rest = text.slice(colon + 1);
  const isSip = scheme === 'sip' || scheme === 'sips';
  if (isSip) return canonicalSip(scheme, normaliseEscapes(rest, unreservedInSip));
  if (scheme === 'tel') return canonicalTel(normaliseEscapes(rest, unreservedInSip));
  return `${scheme}:${rest}`;
}

/** What decides whether two URIs are equal by RFC 3261 clause 19.1.4. */
export interface ComparedParts {
  /** What must be the same: all but the other parameters. */
  readonly always: string;
  /** Parameters that must be the same where both URIs have them, by name. */
  readonly inBoth: ReadonlyMap<string, string>;
}

/** Parameters that one URI alone never has: present and absent are two things. */
const countsAlone: readonly string[] = ['user', 'ttl', 'method', 'maddr', 'transport'];

/** The parts of `canonical`, a URI in canonical form. Other schemes than SIP's have no parameters that may be ignored. */
export function comparedParts(canonical: string): ComparedParts {
  if (!/^sips?:/.test(canonical)) return { always: canonical, inBoth: new Map() };
  const question = canonical.indexOf('?', canonical.indexOf('@') + 1);
  const end = question < 0 ? canonical.length : question;
  const semicolon = canonical.indexOf(';', canonical.indexOf('@') + 1);
  if (semicolon < 0 || semicolon > end) return { always: canonical, inBoth: new Map() };
  const always = [canonical.slice(0, semicolon)];
  const inBoth = new Map<string, string>();
  for (const parameter of canonical.slice(semicolon + 1, end).split(';')) {
    const name = nameOf(parameter);
    if (countsAlone.includes(name)) always.push(parameter);
    else inBoth.set(name, parameter);
  }
  return { always: always.join(';') + canonical.slice(end), inBoth };
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
