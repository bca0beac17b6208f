import type { McServiceId, Xui } from '../../base/identifiers.js';
import { quote } from '../../base/text.js';
import { canonicalUri, isIdentityUri, sipDomain, toGroupId, toMcServiceId } from '../../base/uri.js';
import { readHostName } from './addresses.js';
import { textKind } from './kind.js';

/** Kinds of values that name users, groups, and what is homed where. */

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

/** What a requester would hardly assert: identities are compared as a whole, without leaving anything out. */
function doubtIdentity(text: string): string | undefined {
  if (text.includes(',')) return 'no request can assert an identity with a comma';
  if (text.includes('%20')) return 'no request will assert an identity with a blank';
  const [, host = text] = /^sips?:[^@]*@(.*)$/i.exec(text) ?? [];
  const compared = 'and a request must assert the same; write it without, unless it does';
  if (/^sips?:[^@:]*:[^@]*@/i.test(text)) return `it has a password, ${compared}`;
  if (host.replace(/;phone-context=[^;]*/i, '').includes(';')) return `it has parameters, ${compared}`;
  if (/^sips?:/i.test(text) && host.includes('?')) return `it has headers, ${compared}`;
  return /^sips?:[^@]*@.*:\d+$/i.test(text) ? `it has a port, ${compared}` : undefined;
}

export const identity = textKind(
  'SIP or tel URI',
  'a SIP or tel URI, such as sip:gms@police.example or tel:+15551234',
  readIdentity,
  hintIdentity,
  doubtIdentity,
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
