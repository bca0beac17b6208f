import { shortened } from '../base/text.js';
import { attributeValue } from './characters.js';
import { EXCLAMATION, QUOTE, APOSTROPHE, SLASH, EQUALS, GREATER, QUESTION, isSpace } from './code-units.js';
import { ns, parseQName } from './names.js';
import { XmlRefused } from './refusal.js';
import type { LocatedAttribute, LocatedDeclaration, LocatedElement } from './tree.js';

/**
 * One pass over a text that counts what the limits bound and notes where each element stands.
 *
 * Subtle: this is not a parser, and its yes proves nothing. It runs before libxml2, so that what it
 * forbids (a document type declaration, depth, too many elements, attributes or namespaces) never
 * reaches a parser; and its tree is used only for text that libxml2 has then accepted. It must
 * therefore (1) refuse or survive any text at all, in linear time, and (2) on well-formed text agree
 * with libxml2 about every range, which a test checks against a second parser on all fixtures.
 */

/** Bounds on one text; reaching one is allowed, exceeding it is not. */
export interface ScanLimits {
  readonly depth: number;
  /** Per element, namespace declarations not counted. */
  readonly attributes: number;
  /** Namespace declarations per element. */
  readonly namespaces: number;
  readonly elements: number;
}

/**
 * No bounds: for stored text, which has passed the gate once, and must stay readable where a limit is lowered later; for
 * parts of it; and for schemas, which come with the server or its configuration.
 */
export const unlimited: ScanLimits = {
  depth: Infinity,
  attributes: Infinity,
  namespaces: Infinity,
  elements: Infinity,
};

/** An element while its content is still being read. */
interface OpenElement extends LocatedElement {
  prefix: string;
  local: string;
  namespace: string;
  readonly attributes: LocatedAttribute[];
  readonly declarations: LocatedDeclaration[];
  readonly children: OpenElement[];
  readonly parent: OpenElement | undefined;
  end: number;
  contentStart: number;
  contentEnd: number;
}

function hasTwins<T>(items: readonly T[], key: (item: T) => string): boolean {
  return items.length > 1 && new Set(items.map(key)).size < items.length;
}

/** The longest name that a refusal repeats, in UTF-16 code units. */
const longestShown = 81;

/** A name of the text as a refusal may repeat it. */
function shown(name: string): string {
  return shortened(name, longestShown);
}

function notWellFormed(text: string, offset: number, what: string): XmlRefused {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return new XmlRefused('not-well-formed', `line ${line}: ${what}`);
}

class Scanner {
  readonly #text: string;
  readonly #limits: ScanLimits;
  #at: number;
  #root: OpenElement | undefined;
  #current: OpenElement | undefined;
  /** The namespaces that each prefix is bound to here, nearest last: no search, however many there are. */
  readonly #bindings = new Map<string, string[]>();
  readonly #numbers = new Map<string, number>();
  #depth = 0;
  #elements = 0;

  constructor(text: string, limits: ScanLimits) {
    this.#text = text;
    this.#limits = limits;
    this.#at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  }

  run(): LocatedElement {
    const text = this.#text;
    for (;;) {
      const open = text.indexOf('<', this.#at);
      this.#outsideText(this.#at, open < 0 ? text.length : open);
      if (open < 0) break;
      const next = text.charCodeAt(open + 1);
      if (next === SLASH) this.#endTag(open);
      else if (next === EXCLAMATION) this.#declaration(open);
      else if (next === QUESTION) this.#at = this.#behind('?>', open + 2, 'a processing instruction');
      else this.#startTag(open);
    }
    if (this.#current !== undefined) {
      throw notWellFormed(text, text.length, `<${shown(this.#current.name)}> is not closed`);
    }
    if (this.#root === undefined) throw notWellFormed(text, 0, 'there is no root element');
    return this.#root;
  }

  /** Outside the root element only white space may stand. */
  #outsideText(from: number, to: number): void {
    if (this.#current !== undefined) return;
    for (let at = from; at < to; at += 1) {
      if (!isSpace(this.#text.charCodeAt(at))) {
        throw notWellFormed(this.#text, at, 'text outside the root element');
      }
    }
  }

  #behind(end: string, from: number, what: string): number {
    const at = this.#text.indexOf(end, from);
    if (at < 0) throw notWellFormed(this.#text, from, `${what} is not closed`);
    return at + end.length;
  }

  #declaration(open: number): void {
    if (this.#text.startsWith('<!--', open)) {
      this.#at = this.#behind('-->', open + 4, 'a comment');
    } else if (this.#text.startsWith('<![CDATA[', open)) {
      if (this.#current === undefined) {
        throw notWellFormed(this.#text, open, 'a CDATA section outside the root element');
      }
      this.#at = this.#behind(']]>', open + 9, 'a CDATA section');
    } else {
      throw new XmlRefused('forbidden', 'document type declarations are not accepted');
    }
  }

  #endTag(open: number): void {
    const element = this.#current;
    const close = this.#text.indexOf('>', open);
    if (element === undefined || close < 0) throw notWellFormed(this.#text, open, 'an end tag too many');
    const name = this.#text.slice(open + 2, close).trimEnd();
    if (name !== element.name) {
      throw notWellFormed(this.#text, open, `</${shown(name)}> where </${shown(element.name)}> is due`);
    }
    element.contentEnd = open;
    element.end = close + 1;
    this.#at = close + 1;
    this.#current = element.parent;
    this.#depth -= 1;
    this.#unbind(element);
  }

  #startTag(open: number): void {
    const text = this.#text;
    if (this.#current === undefined && this.#root !== undefined) {
      throw notWellFormed(text, open, 'a second root element');
    }
    let at = open + 1;
    for (let code = text.charCodeAt(at); at < text.length; code = text.charCodeAt(++at)) {
      if (code === GREATER || code === SLASH || isSpace(code)) break;
    }
    const name = text.slice(open + 1, at);
    const element: OpenElement = {
      name,
      prefix: '',
      local: name,
      namespace: '',
      attributes: [],
      declarations: [],
      children: [],
      parent: this.#current,
      start: open,
      end: 0,
      contentStart: 0,
      contentEnd: 0,
    };
    at = this.#attributes(element, at);
    this.#bind(element);
    const empty = text.charCodeAt(at) === SLASH;
    const end = empty ? at + 2 : at + 1;
    element.contentStart = end;
    element.contentEnd = end;
    this.#name(element);
    this.#enter(element, empty, end);
  }

  /** Reads attributes from `from` and returns the offset of the `>` or `/>` that closes the tag. */
  #attributes(element: OpenElement, from: number): number {
    const text = this.#text;
    let at = from;
    for (;;) {
      const gap = at;
      while (isSpace(text.charCodeAt(at))) at += 1;
      const code = text.charCodeAt(at);
      if (code === GREATER) return at;
      if (code === SLASH && text.charCodeAt(at + 1) === GREATER) return at;
      if (Number.isNaN(code) || gap === at) {
        throw notWellFormed(text, at, `the start tag of ${shown(element.name)} is broken`);
      }
      at = this.#attribute(element, at);
    }
  }

  #attribute(element: OpenElement, start: number): number {
    const text = this.#text;
    let at = start;
    for (let code = text.charCodeAt(at); at < text.length; code = text.charCodeAt(++at)) {
      if (code === EQUALS || code === GREATER || isSpace(code)) break;
    }
    const name = text.slice(start, at);
    while (isSpace(text.charCodeAt(at))) at += 1;
    if (text.charCodeAt(at) !== EQUALS) {
      throw notWellFormed(text, start, `attribute ${shown(name)} has no value`);
    }
    at += 1;
    while (isSpace(text.charCodeAt(at))) at += 1;
    const quote = text.charCodeAt(at);
    if (quote !== QUOTE && quote !== APOSTROPHE) {
      throw notWellFormed(text, at, `the value of ${shown(name)} is not quoted`);
    }
    const valueStart = at + 1;
    const valueEnd = text.indexOf(quote === QUOTE ? '"' : "'", valueStart);
    if (valueEnd < 0) throw notWellFormed(text, at, `the value of ${shown(name)} is not closed`);
    const literal = text.slice(valueStart, valueEnd);
    const value = literal.includes('<') ? undefined : attributeValue(literal);
    if (value === undefined) {
      throw notWellFormed(text, valueStart, `the value of ${shown(name)} holds a bare < or &`);
    }
    const end = valueEnd + 1;
    if (name === 'xmlns' || name.startsWith('xmlns:')) {
      element.declarations.push({ prefix: name.slice(6), uri: value, start, end });
      if (element.declarations.length > this.#limits.namespaces) {
        throw this.#exceeded(`${this.#limits.namespaces} namespace declarations in one element`);
      }
    } else {
      element.attributes.push({ name, local: name, namespace: '', value, start, end, valueStart, valueEnd });
      if (element.attributes.length > this.#limits.attributes) {
        throw this.#exceeded(`${this.#limits.attributes} attributes in one element`);
      }
    }
    return end;
  }

  /** Resolves the names in an element's start tag, now that its own declarations are known. */
  #name(element: OpenElement): void {
    const qname = parseQName(element.name);
    if (qname === undefined) {
      throw notWellFormed(this.#text, element.start, `${shown(element.name)} is no name`);
    }
    const { attributes } = element;
    for (const [at, located] of attributes.entries()) attributes[at] = this.#namedAttribute(element, located);
    if (
      hasTwins(attributes, ({ namespace, local }) => `${this.#numberOf(namespace)} ${local}`) ||
      hasTwins(element.declarations, ({ prefix }) => prefix)
    ) {
      throw notWellFormed(this.#text, element.start, `${shown(element.name)} has an attribute twice`);
    }
    element.prefix = qname.prefix;
    element.local = qname.local;
    element.namespace = this.#namespace(element, qname.prefix);
  }

  #namedAttribute(element: OpenElement, located: LocatedAttribute): LocatedAttribute {
    const qname = parseQName(located.name);
    if (qname === undefined) {
      throw notWellFormed(this.#text, located.start, `${shown(located.name)} is no name`);
    }
    if (qname.prefix === '') return located;
    return { ...located, local: qname.local, namespace: this.#namespace(element, qname.prefix) };
  }

  #namespace(element: OpenElement, prefix: string): string {
    if (prefix === 'xml') return ns.xml;
    const uri = this.#bindings.get(prefix)?.at(-1);
    if (uri !== undefined) return uri;
    if (prefix === '') return '';
    throw notWellFormed(this.#text, element.start, `prefix ${shown(prefix)} is not declared`);
  }

  /** Names a namespace in few characters: its own name may be long, and would be spelt out for each attribute. */
  #numberOf(namespace: string): number {
    const known = this.#numbers.get(namespace);
    if (known !== undefined) return known;
    this.#numbers.set(namespace, this.#numbers.size);
    return this.#numbers.size - 1;
  }

  #bind({ declarations }: OpenElement): void {
    for (const { prefix, uri } of declarations) {
      const bound = this.#bindings.get(prefix);
      if (bound === undefined) this.#bindings.set(prefix, [uri]);
      else bound.push(uri);
    }
  }

  #unbind({ declarations }: OpenElement): void {
    for (const { prefix } of declarations) this.#bindings.get(prefix)?.pop();
  }

  #enter(element: OpenElement, empty: boolean, end: number): void {
    this.#elements += 1;
    if (this.#elements > this.#limits.elements) throw this.#exceeded(`${this.#limits.elements} elements`);
    if (this.#depth >= this.#limits.depth) {
      throw this.#exceeded(`${this.#limits.depth} levels of elements`);
    }
    if (this.#current === undefined) this.#root = element;
    else this.#current.children.push(element);
    this.#at = end;
    if (empty) {
      element.end = end;
      this.#unbind(element);
      return;
    }
    this.#current = element;
    this.#depth += 1;
  }

  #exceeded(limit: string): XmlRefused {
    return new XmlRefused('forbidden', `the document has more than ${limit}`);
  }
}

/**
 * The root element of `text` with the places of all its nodes.
 *
 * @throws XmlRefused `forbidden` where a limit is exceeded or a document type declaration found,
 *   `not-well-formed` where the text is so broken that no tree can be made of it
 */
export function scanXml(text: string, limits: ScanLimits): LocatedElement {
  return new Scanner(text, limits).run();
}
