/** Namespace names of the documents that this server reads and writes (TS 24.481 table 7.2.2-2). */
export const ns = {
  xml: 'http://www.w3.org/XML/1998/namespace',
  xmlns: 'http://www.w3.org/2000/xmlns/',
  listService: 'urn:oma:xml:poc:list-service',
  resourceLists: 'urn:ietf:params:xml:ns:resource-lists',
  commonPolicy: 'urn:ietf:params:xml:ns:common-policy',
  omaCommonPolicy: 'urn:oma:xml:xdm:common-policy',
  omaExtensions: 'urn:oma:xml:xdm:extensions',
  mcpttGroupInfo: 'urn:3gpp:ns:mcpttGroupInfo:1.0',
  xcapError: 'urn:ietf:params:xml:ns:xcap-error',
  xcapCaps: 'urn:ietf:params:xml:ns:xcap-caps',
  xcapDiff: 'urn:ietf:params:xml:ns:xcap-diff',
  xcapDirectory: 'urn:oma:xml:xdm:xcap-directory',
  rlsServices: 'urn:ietf:params:xml:ns:rls-services',
  gmop: 'urn:3gpp:ns:mcpttGMOP:1.0',
  policy: 'urn:mcgms:ns:interconnection-policy:1',
  policyPreview: 'urn:mcgms:ns:policy-preview:1',
  result: 'urn:mcgms:ns:interconnection-result:1',
} as const;

// NameStartChar and NameChar of XML 1.0, fifth edition, without the colon (Namespaces in XML: NCName).
const nameStart =
  'A-Z_a-z\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C\\u200D' +
  '\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}';
const nameChar = `${nameStart}\\-.0-9\\u00B7\\u0300-\\u036F\\u203F-\\u2040`;

// Nearly every name is ASCII, and the test for those is several times cheaper.
const asciiNcName = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
// eslint-disable-next-line no-misleading-character-class -- combining characters are part of the production
const ncName = new RegExp(`^[${nameStart}][${nameChar}]*$`, 'u');

/** Whether `text` is an NCName: a name without a colon. */
export function isNcName(text: string): boolean {
  return asciiNcName.test(text) || ncName.test(text);
}

/** A qualified name taken apart; undefined where `text` is none. */
export function parseQName(text: string): { readonly prefix: string; readonly local: string } | undefined {
  const colon = text.indexOf(':');
  const prefix = colon < 0 ? '' : text.slice(0, colon);
  const local = text.slice(colon + 1);
  if (colon >= 0 && !isNcName(prefix)) return undefined;
  return isNcName(local) ? { prefix, local } : undefined;
}
