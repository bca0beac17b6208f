import type { Auid, McServiceId, SystemName, Xui } from '../../base/identifiers.js';
import { canonicalUri, isIdentityUri, sipDomain, toGroupId, toMcServiceId } from '../../base/uri.js';
import { quote } from '../../base/text.js';
import { nearestName } from '../../base/text.js';
import { isNcName } from '../../xml/names.js';

/** The kinds of values that options of the configuration take, each with the words for what is right. */

/** A kind of value: its name in the manual, the words for what is right, and how it is read. */
export interface Kind<T> {
  readonly type: string;
  readonly right: string;
  /** The typed value, or undefined where `value` is not of this kind. */
  read(value: unknown): T | undefined;
  /** What the writer probably meant, where that can be told. */
  hint?(value: unknown): string | undefined;
}

const longestText = 2048;

export function textKind<T>(
  type: string,
  right: string,
  read: (text: string) => T | undefined,
  hint?: (text: string) => string | undefined,
): Kind<T> {
  return {
    type,
    right,
    read: (value) => (typeof value === 'string' && value.length <= longestText ? read(value) : undefined),
    ...(hint && { hint: (value) => (typeof value === 'string' ? hint(value) : undefined) }),
  };
}

/** A number in a base unit: a plain number, or a number with one of `units`. */
export function quantity(type: string, example: string, units: ReadonlyMap<string, number>) {
  const parse = (value: unknown): number | undefined => {
    const [, number, unit] = /^(\d{1,16}(?:\.\d{1,6})?) ?([A-Za-z]*)$/.exec(String(value)) ?? [];
    const factor = unit === '' ? 1 : units.get(unit ?? '');
    if (number === undefined || factor === undefined) return undefined;
    const exact = Number(number) * factor;
    const amount = Math.round(exact);
    // 1.1h is whole in milliseconds, though not in binary floating point.
    const whole = Math.abs(exact - amount) <= amount * 1e-12;
    return whole && Number.isSafeInteger(amount) ? amount : undefined;
  };
  const names = [...units.keys()];
  return (least: string, most: string): Kind<number> => {
    const [minimum, maximum] = [parse(least) ?? 0, parse(most) ?? 0];
    return {
      type,
      right: `a ${type} from ${least} to ${most}, such as ${example} (units: ${names.join(', ')})`,
      read: (value) => {
        if (typeof value !== 'string' && typeof value !== 'number') return undefined;
        const amount = parse(value);
        return amount !== undefined && amount >= minimum && amount <= maximum ? amount : undefined;
      },
      hint: (value) => {
        const unit = typeof value === 'string' ? /^[\d.]+ ?([A-Za-z]+)$/.exec(value)?.[1] : undefined;
        if (unit === undefined || units.has(unit)) return undefined;
        const near =
          names.find((name) => unit.toLowerCase().startsWith(name.toLowerCase())) ??
          names.find((name) => name.slice(0, 1).toLowerCase() === unit.slice(0, 1).toLowerCase());
        return `unit ${quote(unit)} is unknown${near === undefined ? '' : `, did you mean ${near}?`}`;
      },
    };
  };
}

export const second = 1000;
export const duration = quantity(
  'duration',
  '10s',
  new Map([
    ['ms', 1],
    ['s', second],
    ['m', 60 * second],
    ['h', 3600 * second],
    ['d', 86_400 * second],
  ]),
);

export const size = quantity(
  'size',
  '64KiB',
  new Map([
    ['B', 1],
    ['KiB', 1024],
    ['MiB', 1024 ** 2],
    ['GiB', 1024 ** 3],
  ]),
);

export function wholeNumber(minimum: number, maximum: number): Kind<number> {
  return {
    type: 'whole number',
    right: `a whole number from ${minimum} to ${maximum}`,
    read: (value) =>
      typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum
        ? value
        : undefined,
    hint: (value) =>
      typeof value === 'string' && /^\d+$/.test(value) ? 'write it without quotes' : undefined,
  };
}

export const flag: Kind<boolean> = {
  type: 'true or false',
  right: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
  hint: (value) => {
    if (typeof value !== 'string') return undefined;
    if (/^(yes|on|true)$/i.test(value)) return 'write true';
    return /^(no|off|false)$/i.test(value) ? 'write false' : undefined;
  },
};

export function oneOf<const T extends string>(...values: readonly T[]): Kind<T> {
  const words = values.length === 1 ? values.join() : `one of ${values.join(', ')}`;
  return textKind(
    values.join(' | '),
    words,
    (text) => values.find((value) => value === text),
    (text) => {
      const nearest = nearestName(text, values);
      return nearest === undefined ? undefined : `did you mean ${nearest}?`;
    },
  );
}

export const systemName = textKind(
  'name',
  'a name of at most 63 lower-case letters, digits and single hyphens, such as fire-north',
  (text) => (text.length <= 63 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text) ? (text as SystemName) : undefined),
);

/** A host name of RFC 1123, or an IPv4 address, in lower case. */
export function readHostName(text: string): string | undefined {
  const name = text.toLowerCase();
  if (isIpv4(name)) return name;
  const labels = name.split('.');
  const valid =
    name.length <= 253 && labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
  return valid && !/^\d+$/.test(labels.at(-1) ?? '') ? name : undefined;
}

export function isIpv4(text: string): boolean {
  const octets = text.split('.');
  return (
    octets.length === 4 && octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256)
  );
}

/** The shortest spelling of an IPv6 address without brackets, or undefined where `text` is none. */
export function readIpv6(text: string): string | undefined {
  if (!/^[0-9A-Fa-f:.]+$/.test(text) || !text.includes(':')) return undefined;
  const url = `http://[${text}]/`;
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : undefined;
}

export const domain = textKind(
  'domain',
  'a domain of SIP URIs, such as police.example, without scheme, port or wildcard',
  readHostName,
  (text) => {
    if (/^sips?:/i.test(text)) return `write only what stands behind the @`;
    if (text.endsWith('.')) return 'leave out the last dot';
    return text.startsWith('*') ? 'list each domain by itself' : undefined;
  },
);

export const telPrefix = textKind(
  'tel prefix',
  'the beginning of a global number as a tel URI, such as tel:+1555',
  (text) => {
    const canonical = isIdentityUri(text) ? canonicalUri(text) : '';
    return /^tel:\+\d{1,15}$/.test(canonical) ? canonical : undefined;
  },
  (text) => (/^\+[\d().-]+$/.test(text) ? `write tel:${text}` : undefined),
);

export function readIdentity(text: string): McServiceId | undefined {
  const id = toMcServiceId(text);
  if (id === undefined) return undefined;
  if (/^sips?:/.test(id)) {
    const host = sipDomain(id);
    return host !== undefined && (host.startsWith('[') || readHostName(host) !== undefined) ? id : undefined;
  }
  const number = /^tel:(?:\+\d{1,15}(?:;.+)?|[\d*#a-f().-]+;(?:.+;)?phone-context=.+)$/i;
  return number.test(id) ? id : undefined;
}

export function hintIdentity(text: string): string | undefined {
  if (/^[^:@]+@[^:@]+$/.test(text)) return `did you mean ${quote(`sip:${text}`)}?`;
  return /^\+\d+$/.test(text) ? `did you mean ${quote(`tel:${text}`)}?` : undefined;
}

export const identity = textKind(
  'SIP or tel URI',
  'a SIP or tel URI, such as sip:gms@police.example or tel:+15551234',
  readIdentity,
  hintIdentity,
);

export const groupId = textKind(
  'MC service group ID',
  'an MC service group ID, a SIP or tel URI such as sip:alpha@police.example',
  (text) => (readIdentity(text) === undefined ? undefined : toGroupId(text)),
  hintIdentity,
);

export const xui = textKind('URI', 'a URI, such as sip:group-creation@police.example', (text) =>
  isIdentityUri(text) ? (canonicalUri(text) as Xui) : undefined,
);

export const host = textKind(
  'host name or IP address',
  'a host name or an IP address, such as 127.0.0.1 or ::1, without port or brackets',
  (text) => readHostName(text) ?? readIpv6(text),
  (text) => {
    if (/^\[.*\]$/.test(text)) return 'leave out the brackets';
    return /^[^:]+:\d+$/.test(text) ? 'the port is an option of its own, http.port' : undefined;
  },
);

export const folder = textKind(
  'folder',
  'the path of a folder',
  (text) => (text !== '' && !text.startsWith('~') && !/\p{C}/u.test(text) ? text : undefined),
  (text) => (text.startsWith('~') ? 'a leading ~ is not expanded; write the folder out' : undefined),
);

export const rootPath = textKind(
  'path',
  'an absolute path of plain segments, such as /xcap-root',
  (text) => {
    const path = text.replace(/\/$/, '');
    return /^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/.test(path) ? path : undefined;
  },
  (text) => (text.includes('://') ? 'the public URI is an option of its own, http.publicRoot' : undefined),
);

/** An absolute HTTP URL without user information and fragment. */
export function readHttpUrl(text: string): URL | undefined {
  if (!/^https?:\/\/[^/?#@]+(?:[/?]|$)/i.test(text) || !isIdentityUri(text)) return undefined;
  return !text.includes('#') && URL.canParse(text) ? new URL(text) : undefined;
}

export function hintHttpUrl(text: string): string | undefined {
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
);

export const httpUrl = textKind(
  'http or https URL',
  'an absolute http or https URL without user information or fragment',
  (text) => readHttpUrl(text)?.href,
  hintHttpUrl,
);

export const auid = textKind(
  'AUID',
  'an application unique ID of letters, digits, points, hyphens and underscores, such as pres-rules',
  (text) => (text.length <= 128 && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text) ? (text as Auid) : undefined),
);

export const namespaceName = textKind(
  'namespace',
  'a namespace name, a URI such as urn:ietf:params:xml:ns:common-policy',
  (text) => (isIdentityUri(text) ? text : undefined),
);

export const mediaType = textKind(
  'media type',
  'a media type without parameters, such as application/auth-policy+xml',
  (text) => (/^[A-Za-z0-9!#$&^_.+-]{1,127}\/[A-Za-z0-9!#$&^_.+-]{1,127}$/.test(text) ? text : undefined),
  (text) => (text.includes(';') ? 'leave out the parameters' : undefined),
);

export const localName = textKind('XML name', 'an XML name without a prefix, such as uri', (text) =>
  isNcName(text) ? text : undefined,
);

/** `{namespace}local`, or the local name alone. */
export const elementName = textKind(
  'element name',
  'the local name of an element, with its namespace in braces in front where that is not the default namespace, such as rule or {urn:example}rule',
  (text) => {
    const { namespace, local = '' } =
      /^(?:\{(?<namespace>[^{}]*)\})?(?<local>[^{}]*)$/.exec(text)?.groups ?? {};
    return isNcName(local) && (namespace === undefined || isIdentityUri(namespace)) ? text : undefined;
  },
  (text) => (/^[^{}:]+:[^{}:]+$/.test(text) ? 'write the namespace instead of a prefix' : undefined),
);

export const file = textKind(
  'file',
  'the path of a file',
  (text) => (text !== '' && !text.startsWith('~') && !/\p{C}/u.test(text) ? text : undefined),
  (text) => (text.startsWith('~') ? 'a leading ~ is not expanded; write the folder out' : undefined),
);
