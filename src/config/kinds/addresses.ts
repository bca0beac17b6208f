import { isIdentityUri } from '../../base/uri.js';
import { textKind } from './kind.js';

/** Kinds of values that say where something listens or is called. */

/** A host name of RFC 1123, or an IPv4 address, in lower case. */
export function readHostName(text: string): string | undefined {
  const name = text.toLowerCase();
  if (isIpv4(name)) return name;
  const labels = name.split('.');
  const valid =
    name.length <= 253 && labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
  return valid && !/^\d+$/.test(labels.at(-1) ?? '') ? name : undefined;
}

function isIpv4(text: string): boolean {
  const octets = text.split('.');
  return (
    octets.length === 4 && octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256)
  );
}

/** The shortest spelling of an IPv6 address without brackets, or undefined where `text` is none. */
function readIpv6(text: string): string | undefined {
  if (!/^[0-9A-Fa-f:.]+$/.test(text) || !text.includes(':')) return undefined;
  const url = `http://[${text}]/`;
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : undefined;
}

/** Whether `name` is a loopback address as `host` gives it: 127.0.0.0/8, ::1 or localhost. */
export function isLoopback(name: string): boolean {
  return (
    name.toLowerCase() === 'localhost' ||
    readIpv6(name) === '::1' ||
    (isIpv4(name) && name.startsWith('127.'))
  );
}

const twoAddresses = 'localhost can mean 127.0.0.1 or ::1; write the address that is meant';

function doubtClosingSlash(text: string): string | undefined {
  return text.endsWith('/') ? 'the slash at its end does not count; write it without' : undefined;
}

function doubtHost(text: string): string | undefined {
  const { hostname } = new URL(text);
  if (hostname === 'localhost') return twoAddresses;
  const isAny = hostname === '0.0.0.0' || hostname === '[::]';
  return isAny ? `${hostname} is an address to listen on, not one to call` : undefined;
}

function doubtRoot(text: string): string | undefined {
  const { pathname } = new URL(text);
  if (pathname === '/') return 'it has no path; most XCAP roots have one, such as /xcap-root';
  if (pathname.includes('//')) return 'there are two slashes in a row in its path';
  const isDocument = /\/(?:global|users|org\.openmobilealliance\.[a-z-]+)(?:\/|$)/.test(pathname);
  if (isDocument) return 'it goes on into a tree of documents; an XCAP root ends before the AUID';
  return doubtClosingSlash(text) ?? doubtHost(text);
}

export const host = textKind(
  'host name or IP address',
  'a host name or an IP address, such as 127.0.0.1 or ::1, without port or brackets',
  (text) => readHostName(text) ?? readIpv6(text),
  (text) => {
    if (/^\[.*\]$/.test(text)) return 'leave out the brackets';
    return /^[^:]+:\d+$/.test(text) ? 'the port is an option of its own, http.port' : undefined;
  },
  (text) => (text.toLowerCase() === 'localhost' ? twoAddresses : undefined),
);

export const rootPath = textKind(
  'path',
  'an absolute path of plain segments, such as /xcap-root',
  (text) => {
    const path = text.replace(/\/$/, '');
    return /^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/.test(path) ? path : undefined;
  },
  (text) => (text.includes('://') ? 'the public URI is an option of its own, http.publicRoot' : undefined),
  doubtClosingSlash,
);

/** An absolute HTTP URL without user information and fragment. */
function readHttpUrl(text: string): URL | undefined {
  if (!/^https?:\/\/[^/?#@]+(?:[/?]|$)/i.test(text) || !isIdentityUri(text)) return undefined;
  return !text.includes('#') && URL.canParse(text) ? new URL(text) : undefined;
}

function hintHttpUrl(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text)) return 'it must begin with http:// or https://';
  if (/^https?:\/\/[^/?#]*@/i.test(text)) return 'leave out the user information';
  return text.includes('#') ? 'leave out the fragment' : undefined;
}

export const xcapRoot = textKind(
  'XCAP root URI',
  'an absolute http or https URI without user information, query or fragment, such as https://gms.fire.example/xcap-root',
  (text) => {
    const url = text.includes('?') || text.includes('~~') ? undefined : readHttpUrl(text);
    return url?.href.replace(/\/$/, '');
  },
  (text) => hintHttpUrl(text) ?? (text.includes('?') ? 'leave out the query' : undefined),
  doubtRoot,
);

export const httpUrl = textKind(
  'http or https URL',
  'an absolute http or https URL without user information or fragment',
  (text) => readHttpUrl(text)?.href,
  hintHttpUrl,
  doubtHost,
);
