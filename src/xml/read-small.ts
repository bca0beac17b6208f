import { XMLParser } from 'fast-xml-parser';
import { attributeValue, expandReferences } from './characters.js';
import { ns, parseQName } from './names.js';
import { XmlRefused } from './refusal.js';

/**
 * Small documents of other systems, Results and xcap-errors, as plain data.
 *
 * The text must have passed the gate and been accepted by libxml2: the parser used here would also take
 * much that is not XML. So such a text is read twice, on purpose. The gate's scan bounds it, and its tree
 * tells places in the text, for splicing. What is wanted of an answer is its content: elements and text in
 * their order, with CDATA sections opened. A general parser that others maintain gives that, in less than
 * 0.1 ms for a Result of a kilobyte.
 *
 * Subtle: names in a document must never become names of properties, where `__proto__` or
 * `constructor` has a meaning. The parser is made to mark element names with `<` and attribute names with
 * `@`, characters that no XML name holds, and what it gives is copied into lists. It expands no
 * references and takes no text for a number.
 */

export interface SmallAttribute {
  readonly namespace: string;
  readonly local: string;
  readonly value: string;
}

export interface SmallElement {
  readonly namespace: string;
  readonly local: string;
  readonly attributes: readonly SmallAttribute[];
  /** Elements and character data in their order; comments and processing instructions are left out. */
  readonly children: readonly (SmallElement | string)[];
}

const elementMark = '<';
const attributeMark = '@';
const textName = '#text';
const cdataName = '#cdata';
const attributesName = ':@';

type Scope = ReadonlyMap<string, string>;

function createParser(): XMLParser {
  return new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: attributeMark,
    // The parser calls this twice for some elements.
    transformTagName: (name) => (name.startsWith(elementMark) ? name : elementMark + name),
    textNodeName: textName,
    cdataPropName: cdataName,
    ignoreDeclaration: true,
    ignorePiTags: true,
    parseAttributeValue: false,
    parseTagValue: false,
    processEntities: false,
    trimValues: false,
  });
}

function refused(): XmlRefused {
  return new XmlRefused('not-well-formed', 'the document cannot be read');
}

function entriesOf(node: unknown): readonly [string, unknown][] {
  if (typeof node !== 'object' || node === null) throw refused();
  return Object.entries(node);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** The text of a CDATA section, which the parser wraps in a list of one text. */
function cdataText(value: unknown): string {
  if (!isList(value)) throw refused();
  return value.map(plainText).join('');
}

function plainText(node: unknown): string {
  const text = entriesOf(node).find(([key]) => key === textName)?.[1];
  if (typeof text !== 'string') throw refused();
  return text;
}

function resolve(scope: Scope, prefix: string): string {
  if (prefix === 'xml') return ns.xml;
  const uri = scope.get(prefix);
  if (uri === undefined && prefix !== '') throw refused();
  return uri ?? '';
}

function readAttributes(
  node: readonly [string, unknown][],
  outer: Scope,
): { readonly attributes: readonly SmallAttribute[]; readonly scope: Scope } {
  const scope = new Map(outer);
  const plain: { readonly prefix: string; readonly local: string; readonly value: string }[] = [];
  const written = node.find(([key]) => key === attributesName)?.[1];
  for (const [marked, literal] of written === undefined ? [] : entriesOf(written)) {
    const name = marked.slice(attributeMark.length);
    const value = typeof literal === 'string' ? attributeValue(literal) : undefined;
    const qname = parseQName(name);
    if (value === undefined || qname === undefined) throw refused();
    if (name === 'xmlns') scope.set('', value);
    else if (qname.prefix === 'xmlns') scope.set(qname.local, value);
    else plain.push({ ...qname, value });
  }
  const attributes = plain.map(({ prefix, local, value }) => ({
    namespace: prefix === '' ? '' : resolve(scope, prefix),
    local,
    value,
  }));
  return { attributes, scope };
}

function readNode(node: unknown, outer: Scope): SmallElement | string | undefined {
  const entries = entriesOf(node);
  const [key, content] = entries[0] ?? ['', undefined];
  if (key === textName) {
    const text = expandReferences(plainText(node));
    if (text === undefined) throw refused();
    return text;
  }
  if (key === cdataName) return cdataText(content);
  if (!key.startsWith(elementMark)) return undefined;
  const qname = parseQName(key.slice(elementMark.length));
  if (qname === undefined || !isList(content)) throw refused();
  const { attributes, scope } = readAttributes(entries, outer);
  return {
    namespace: resolve(scope, qname.prefix),
    local: qname.local,
    attributes,
    children: content.map((child) => readNode(child, scope)).filter((child) => child !== undefined),
  };
}

/** The root element of `text`, an accepted document. @throws XmlRefused where the parser cannot read it */
export function readSmall(text: string): SmallElement {
  let nodes: unknown;
  try {
    nodes = createParser().parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw refused();
  }
  if (!isList(nodes)) throw refused();
  for (const node of nodes) {
    const read = readNode(node, new Map());
    if (typeof read === 'object') return read;
  }
  throw refused();
}

/** The character data of `element` itself. */
export function smallText(element: SmallElement): string {
  return element.children.filter((child) => typeof child === 'string').join('');
}

/** The first child element with this expanded name. */
export function smallChild(
  element: SmallElement,
  namespace: string,
  local: string,
): SmallElement | undefined {
  return smallChildren(element).find((child) => child.local === local && child.namespace === namespace);
}

/** The child elements, in order. */
export function smallChildren(element: SmallElement): readonly SmallElement[] {
  return element.children.filter((child) => typeof child === 'object');
}

/** The value of an attribute without namespace. */
export function smallAttribute(element: SmallElement, local: string): string | undefined {
  return element.attributes.find((found) => found.local === local && found.namespace === '')?.value;
}
