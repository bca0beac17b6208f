/** Media types of RFC 4825 (clauses 11.2, 12 and 15.2), RFC 5874 and the XCAP directory of OMA XDM. */
export const mediaTypes = {
  element: 'application/xcap-el+xml',
  attribute: 'application/xcap-att+xml',
  namespaces: 'application/xcap-ns+xml',
  error: 'application/xcap-error+xml',
  caps: 'application/xcap-caps+xml',
  diff: 'application/xcap-diff+xml',
  directory: 'application/vnd.oma.xcap-directory+xml',
} as const;

/** `type/subtype` of a Content-Type field value in lower case, parameters cut off. */
export function essence(contentType: string): string {
  const semicolon = contentType.indexOf(';');
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}
