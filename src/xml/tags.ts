import { attributeValue } from './characters.js';
import {
  SPACE,
  EXCLAMATION,
  QUOTE,
  AMPERSAND,
  APOSTROPHE,
  SLASH,
  COLON,
  EQUALS,
  GREATER,
  QUESTION,
  isSpace,
} from './code-units.js';
import { ns } from './names.js';

/**
 * Text that is known to be well-formed, read tag by tag: what stands where is found in one pass, and no tree is
 * made of it, which would take some fifty times its octets in time and memory (design D21).
 *
 * Subtle: nothing is checked here. Only text may be read so that libxml2 has accepted, as everything in the store,
 * or that the server wrote. A test compares what is found with the trees of the gate.
 */

const C = 0x43;
const OPENING_BRACKET = 0x5b;

/** Goes from tag to tag; comments, processing instructions and CDATA sections are passed over. */
export class TagCursor {
  kind: 'start' | 'empty' | 'end' = 'end';
  /** Offset of the `<`. */
  start = 0;
  /** Offset behind the name, of a start tag or that of an empty element. */
  nameEnd = 0;
  /** Offset behind the `>`. */
  end = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Goes to the next tag. @returns false where there is none */
  next(): boolean {
    const text = this.#text;
    for (;;) {
      const open = text.indexOf('<', this.end);
      if (open < 0) return false;
      const code = text.charCodeAt(open + 1);
      if (code === QUESTION) this.#pass('?>', open + 2);
      else if (code === EXCLAMATION) this.#passDeclaration(open);
      else {
        this.start = open;
        if (code === SLASH) this.#endTag(open);
        else this.#startTag(open);
        return true;
      }
    }
  }

  #endTag(open: number): void {
    this.kind = 'end';
    this.#pass('>', open);
  }

  #startTag(open: number): void {
    const text = this.#text;
    let at = open + 1;
    let code = text.charCodeAt(at);
    while (at < text.length && code !== GREATER && code !== SLASH && !isSpace(code)) {
      code = text.charCodeAt(++at);
    }
    this.nameEnd = at;
    while (at < text.length && code !== GREATER) {
      if (code === QUOTE || code === APOSTROPHE) at = closingQuote(text, at);
      code = text.charCodeAt(++at);
    }
    this.kind = text.charCodeAt(at - 1) === SLASH ? 'empty' : 'start';
    this.end = at + 1;
  }

  #passDeclaration(open: number): void {
    const isSection =
      this.#text.charCodeAt(open + 2) === OPENING_BRACKET && this.#text.charCodeAt(open + 3) === C;
    this.#pass(isSection ? ']]>' : '-->', open + 4);
  }

  #pass(end: string, from: number): void {
    const at = this.#text.indexOf(end, from);
    this.end = at < 0 ? this.#text.length : at + end.length;
  }
}

/** The offset of the quote that closes the literal which opens at `at`. */
function closingQuote(text: string, at: number): number {
  const end = text.indexOf(text.charAt(at), at + 1);
  return end < 0 ? text.length : end;
}

/** Goes from attribute to attribute of one tag, namespace declarations included. */
class AttributeCursor {
  nameStart = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  readonly #text: string;
  #at: number;

  constructor(text: string, from: number) {
    this.#text = text;
    this.#at = from;
  }

  next(): boolean {
    const text = this.#text;
    let at = this.#at;
    let code = text.charCodeAt(at);
    while (isSpace(code)) code = text.charCodeAt(++at);
    if (code === GREATER || code === SLASH || at >= text.length) return false;
    this.nameStart = at;
    while (at < text.length && code !== EQUALS && !isSpace(code)) code = text.charCodeAt(++at);
    this.nameEnd = at;
    while (at < text.length && code !== QUOTE && code !== APOSTROPHE) code = text.charCodeAt(++at);
    this.valueStart = at + 1;
    this.valueEnd = closingQuote(text, at);
    this.#at = this.valueEnd + 1;
    return true;
  }
}

/** Range of the literal of an attribute, between the quotes. */
export interface TextAttribute {
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** A namespace declaration; the empty prefix is the default namespace, an empty URI undeclares it. */
export interface TextDeclaration extends TextAttribute {
  readonly prefix: string;
  readonly uri: string;
}

const noDeclarations: readonly TextDeclaration[] = [];

/** An element whose start tag was met. What stands in the tag is read when it is asked for. */
export class TextElement {
  readonly parent: TextElement | undefined;
  /** Range of the whole element, as `LocatedElement` has it; the end is known once `close` was called. */
  readonly start: number;
  end: number;
  readonly contentStart: number;
  contentEnd: number;
  readonly #text: string;
  readonly #nameEnd: number;
  #declarations: readonly TextDeclaration[] | undefined;
  /** The namespaces of prefixes that children asked for: however many they are, each is looked up once. */
  #inScope: Map<string, string> | undefined;

  /** @param cursor stands at the start tag */
  constructor(text: string, cursor: TagCursor, parent: TextElement | undefined) {
    this.#text = text;
    this.#nameEnd = cursor.nameEnd;
    this.parent = parent;
    this.start = cursor.start;
    this.end = cursor.end;
    this.contentStart = cursor.end;
    this.contentEnd = cursor.end;
  }

  /** @param cursor stands at the end tag */
  close(cursor: TagCursor): void {
    this.contentEnd = cursor.start;
    this.end = cursor.end;
  }

  /** Qualified name as written. */
  get name(): string {
    return this.#text.slice(this.start + 1, this.#nameEnd);
  }

  isNamed(namespace: string, local: string): boolean {
    const prefix = this.#prefixOf(this.start + 1, this.#nameEnd, local);
    return prefix !== undefined && this.#namespaceOf(prefix) === namespace;
  }

  /** The attribute with this expanded name, or undefined. */
  attribute(namespace: string, local: string): TextAttribute | undefined {
    const cursor = new AttributeCursor(this.#text, this.#nameEnd);
    while (cursor.next()) {
      const prefix = this.#prefixOf(cursor.nameStart, cursor.nameEnd, local);
      if (prefix === undefined || prefix === 'xmlns' || (prefix === '' && local === 'xmlns')) continue;
      // An attribute without a prefix is in no namespace, whatever the default is.
      if ((prefix === '' ? '' : this.#namespaceOf(prefix)) === namespace) return cursor;
    }
    return undefined;
  }

  /** The value of an attribute without namespace, or undefined. */
  valueOf(local: string): string | undefined {
    const found = this.attribute('', local);
    return found && attributeValue(this.#text.slice(found.valueStart, found.valueEnd));
  }

  /** Whether the attribute has this value, after normalisation and expansion. */
  hasValue({ valueStart, valueEnd }: TextAttribute, value: string): boolean {
    const text = this.#text;
    for (let at = valueStart; at < valueEnd; at += 1) {
      const code = text.charCodeAt(at);
      if (code === AMPERSAND || code < SPACE)
        return attributeValue(text.slice(valueStart, valueEnd)) === value;
      if (code !== value.charCodeAt(at - valueStart)) return false;
    }
    return value.length === valueEnd - valueStart;
  }

  /** The declarations in the tag, in their order. */
  get declarations(): readonly TextDeclaration[] {
    return (this.#declarations ??= this.#readDeclarations());
  }

  #readDeclarations(): readonly TextDeclaration[] {
    const text = this.#text;
    let found: TextDeclaration[] | undefined;
    const cursor = new AttributeCursor(text, this.#nameEnd);
    while (cursor.next()) {
      if (!text.startsWith('xmlns', cursor.nameStart)) continue;
      const name = text.slice(cursor.nameStart, cursor.nameEnd);
      if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue;
      const { valueStart, valueEnd } = cursor;
      const uri = attributeValue(text.slice(valueStart, valueEnd)) ?? '';
      (found ??= []).push({ prefix: name.slice(6), uri, valueStart, valueEnd });
    }
    return found ?? noDeclarations;
  }

  /** The prefix of the name in this range, where `local` is its local name. */
  #prefixOf(nameStart: number, nameEnd: number, local: string): string | undefined {
    const at = nameEnd - local.length;
    if (at < nameStart || !this.#text.startsWith(local, at)) return undefined;
    if (at === nameStart) return '';
    return this.#text.charCodeAt(at - 1) === COLON ? this.#text.slice(nameStart, at - 1) : undefined;
  }

  #namespaceOf(prefix: string): string {
    if (prefix === 'xml') return ns.xml;
    for (const declaration of this.declarations) if (declaration.prefix === prefix) return declaration.uri;
    return this.parent?.namespaceInScope(prefix) ?? '';
  }

  /** The namespace that `prefix` is bound to in the content of this element; empty where there is none. */
  namespaceInScope(prefix: string): string {
    this.#inScope ??= new Map();
    const known = this.#inScope.get(prefix);
    if (known !== undefined) return known;
    const namespace = this.#namespaceOf(prefix);
    this.#inScope.set(prefix, namespace);
    return namespace;
  }
}
