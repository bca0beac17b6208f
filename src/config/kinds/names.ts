import type { Auid, SystemName } from '../../base/identifiers.js';
import { isIdentityUri } from '../../base/uri.js';
import { isNcName } from '../../xml/names.js';
import { type Kind, textKind } from './kind.js';

/** Kinds of values that name systems, usages, what stands in documents, and files. */

export const systemName = textKind(
  'name',
  'a name of at most 63 lower-case letters, digits and single hyphens, such as fire-north',
  (text) => (text.length <= 63 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text) ? (text as SystemName) : undefined),
);

/** The path of a `what`, a file or a folder. */
function path(what: string): Kind<string> {
  return textKind(
    what,
    `the path of a ${what}`,
    (text) => (text !== '' && !text.startsWith('~') && !/\p{C}/u.test(text) ? text : undefined),
    (text) => (text.startsWith('~') ? 'a leading ~ is not expanded; write the folder out' : undefined),
  );
}

export const file = path('file');
export const folder = path('folder');

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
