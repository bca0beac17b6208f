import { create } from 'xmlbuilder2';

/**
 * XML documents that this server writes itself. xmlbuilder2 checks every name and character
 * (`wellFormed`), so that no value from outside can break out of its place.
 *
 * Subtle: xmlbuilder2 takes `&` with a name and a semicolon behind it for a reference and leaves it
 * alone, so that a value such as `&x;` would make a broken document. Values are therefore escaped
 * before it sees them, and what it sees are references that it lets pass.
 */

export interface XmlNode {
  /** Local name; the namespace of the document element is the default namespace of the document. */
  readonly name: string;
  /** Namespace, where it differs from the parent's. */
  readonly namespace?: string;
  readonly attributes?: Readonly<Record<string, string | undefined>>;
  readonly children?: readonly (XmlNode | string)[];
}

type Builder = ReturnType<typeof create>;

function append(parent: Builder, node: XmlNode, namespace: string): void {
  const own = node.namespace ?? namespace;
  const element = parent.ele(own, node.name);
  for (const [name, value] of Object.entries(node.attributes ?? {})) {
    if (value !== undefined) element.att(name, escapeAttribute(value));
  }
  for (const child of node.children ?? []) {
    if (typeof child === 'string') element.txt(escapeText(child));
    else append(element, child, own);
  }
}

/** The text of a document with an XML declaration. Characters that XML forbids become U+FFFD. */
export function buildXml(root: XmlNode & { readonly namespace: string }): string {
  const document = create({ version: '1.0', encoding: 'UTF-8', invalidCharReplacement: '\uFFFD' });
  append(document, root, root.namespace);
  return document.end({ wellFormed: true });
}

/** `text` as a literal for a double-quoted attribute value. */
export function escapeAttribute(text: string): string {
  if (!/[&<"\t\n\r]/.test(text)) return text;
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('"', '&quot;')
    .replace(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** `text` as character data of an element. */
export function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\r', '&#13;');
}

/** Namespace declarations as they stand in a start tag, each with a space before it; by prefix. */
export function writeDeclarations(namespaces: ReadonlyMap<string, string>): string {
  const declarations = [...namespaces].map(([prefix, uri]) => {
    return ` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${escapeAttribute(uri)}"`;
  });
  return declarations.join('');
}
