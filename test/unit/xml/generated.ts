import fc from 'fast-check';

/** Random well-formed documents that know where each of their nodes stands. */

/** An element as the generator wrote it; offsets count as those of `LocatedElement` do. */
export interface WrittenElement {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly contentStart: number;
  readonly contentEnd: number;
  readonly attributes: readonly WrittenAttribute[];
  readonly children: readonly WrittenElement[];
}

export interface WrittenAttribute {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** The text between the quotes. */
  readonly literal: string;
}

interface Attribute {
  readonly name: string;
  readonly gap: string;
  readonly equals: string;
  readonly quote: '"' | "'";
  readonly literal: string;
}

interface Element {
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly tail: string;
  readonly empty: boolean;
  readonly content: readonly (Element | string)[];
}

const names = ['a', 'b', 'c-d', 'p:a', 'q:b', '_', 'é', '__proto__', 'constructor', 'p:toString', 'x.1'];
const gaps = [' ', '\n', '\r\n', '\t', '  \r\n '];
const data = ['', ' ', 'text', '\r\n', 'a]]b', '&amp;', '&#x41;', '&#13;', '\u{1F692}', '"', "'", '=', '/>'];
const beside = ['<!---->', '<!-- <a b="c"> -->', '<!--\r\n- > & -->', '<?p?>', '<?p <x> ?>', '<?p a="b"?>'];
const sections = ['<![CDATA[]]>', '<![CDATA[<a></b>&]]>', '<![CDATA[]] >\r\n]]>'];
const values = ['', 'v', 'a b', '&lt;', '&#10;', '>', 'x>y/', '{}', '\r\n', '\t', 'é', '--', 'xmlns'];

const attribute: fc.Arbitrary<Attribute> = fc.record({
  name: fc.constantFrom(...names),
  gap: fc.constantFrom(...gaps),
  equals: fc.constantFrom('=', ' = ', '\r\n='),
  quote: fc.constantFrom('"' as const, "'" as const),
  literal: fc.array(fc.constantFrom(...values), { maxLength: 3 }).map((parts) => parts.join('')),
});

const { element } = fc.letrec<{ element: Element }>((tie) => ({
  element: fc.record({
    name: fc.constantFrom(...names),
    attributes: fc.uniqueArray(attribute, { selector: ({ name }) => name, maxLength: 3 }),
    tail: fc.constantFrom('', ...gaps),
    empty: fc.boolean(),
    content: fc.array(
      fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constantFrom(...data, ...beside, ...sections),
        tie('element'),
      ),
      { maxLength: 4 },
    ),
  }),
}));

class Writer {
  text = '';

  write(text: string): void {
    this.text += text;
  }

  element(element: Element, declarations: string): WrittenElement {
    const start = this.text.length;
    this.write(`<${element.name}${declarations}`);
    const attributes = element.attributes.map((each) => this.#attribute(each));
    this.write(element.tail);
    if (element.empty) {
      this.write('/>');
      const end = this.text.length;
      return { name: element.name, start, end, contentStart: end, contentEnd: end, attributes, children: [] };
    }
    this.write('>');
    const contentStart = this.text.length;
    const children: WrittenElement[] = [];
    for (const item of element.content) {
      if (typeof item === 'string') this.write(item);
      else children.push(this.element(item, ''));
    }
    const contentEnd = this.text.length;
    this.write(`</${element.name}${element.tail}>`);
    const end = this.text.length;
    return { name: element.name, start, end, contentStart, contentEnd, attributes, children };
  }

  #attribute({ name, gap, equals, quote, literal }: Attribute): WrittenAttribute {
    this.write(gap);
    const start = this.text.length;
    this.write(`${name}${equals}${quote}${literal}${quote}`);
    return { name, start, end: this.text.length, literal };
  }
}

const around = fc.array(fc.constantFrom(' ', '\r\n', ...beside), { maxLength: 3 });
const heads = ['', '\uFEFF', '<?xml version="1.0"?>', "<?xml version='1.0' encoding='UTF-8'?>"];

/** A document, its text and the places of its elements. */
export const writtenDocument: fc.Arbitrary<{ readonly text: string; readonly root: WrittenElement }> = fc
  .record({ head: fc.constantFrom(...heads), before: around, root: element, behind: around })
  .map(({ head, before, root, behind }) => {
    const writer = new Writer();
    writer.write(head + before.join(''));
    const written = writer.element(root, ' xmlns="urn:d" xmlns:p="urn:p"\n xmlns:q=\'urn:q\'');
    writer.write(behind.join(''));
    return { text: writer.text, root: written };
  });

/** Text of the tokens that XML is made of, in any order. */
export const tokens: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom(
      ...['<', '>', '/', '</', '/>', '=', '"', "'", '&', ';', ':', '!', '?', '-', '[', ']', ' ', '\r', '\n'],
      ...['<a', '<a>', '</a>', '<a/>', 'xmlns', 'xmlns:p="urn:p"', ' b="c"', "b='", '<!--', '-->', '--'],
      ...['<![CDATA[', ']]>', '<!DOCTYPE a>', '<!', '<?', '?>', '<?xml version="1.0"?>', '&amp;', '&#0;'],
      ...['\uFEFF', '\u0000', '\uFFFE', '\u{1F692}', '\uD800', '__proto__', 'p:a', 'é', '\u0300'],
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

/** A document with one piece of its text left out, doubled, or replaced by a token. */
export const damagedDocument: fc.Arbitrary<string> = fc
  .tuple(
    writtenDocument,
    fc.nat(),
    fc.nat(6),
    fc.constantFrom('', 'twice', '<', '>', '&', '"', "'", '/', ':', '-'),
  )
  .map(([{ text }, place, length, damage]) => {
    const from = place % text.length;
    const piece = text.slice(from, from + length);
    return text.slice(0, from) + (damage === 'twice' ? piece + piece : damage) + text.slice(from + length);
  });
