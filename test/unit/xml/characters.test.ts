import { expect } from 'chai';
import fc from 'fast-check';
import { XmlDocument } from 'libxml2-wasm';
import { escapeAttribute, escapeText } from '../../../src/xml/build.js';
import {
  attributeValue,
  expandReferences,
  foldLineEnds,
  isXmlCharacter,
} from '../../../src/xml/characters.js';
import { textContent } from '../../../src/xml/content.js';
import { gateText } from '../../../src/xml/gate.js';
import type { LocatedElement } from '../../../src/xml/tree.js';
import { limits } from '../../support/limits.js';
import { seed } from '../../support/seed.js';
import { writtenDocument } from './generated.js';

/** What libxml2 reads: the value of the attribute `b` of the root, and the text of the root. */
function readByLibxml2(text: string): { attribute: string | undefined; content: string } {
  const document = XmlDocument.fromString(text);
  try {
    const { root } = document;
    const attribute = root.attrs.find(({ name }) => name === 'b');
    return { attribute: attribute?.value, content: root.content };
  } finally {
    document.dispose();
  }
}

/** Text of characters that XML allows, with those that have a meaning in it more often than others. */
const anyText = fc
  .array(
    fc.oneof(
      fc.constantFrom('&', '<', '>', '"', "'", ';', '#', ']]>', '\r', '\n', '\t', ' ', '&amp;', '&#10;'),
      fc.string({ unit: 'binary', maxLength: 2 }),
    ),
  )
  .map((parts) => parts.join(''))
  .filter((text) => Array.from(text).every((character) => isXmlCharacter(character.codePointAt(0) ?? 0)));

describe('Character data', () => {
  describe('references (XML 1.0 clause 4.1)', () => {
    const cases: readonly [string, string | undefined][] = [
      ['', ''],
      ['a', 'a'],
      ['&amp;&lt;&gt;&quot;&apos;', '&<>"\''],
      ['&#65;&#x41;&#x4a;&#x4A;', 'AAJJ'],
      ['&#0000065;', 'A'],
      ['&#000000000000000065;', 'A'],
      ['&#x0000000000000041;', 'A'],
      ['&#x000000010FFFF;', '\u{10FFFF}'],
      ['&#x1F692;', '\u{1F692}'],
      ['&#9;&#10;&#13;', '\t\n\r'],
      ['&amp;lt;', '&lt;'],
      ['&#38;lt;', '&lt;'],
      ['a;b', 'a;b'],
      ['&', undefined],
      ['&;', undefined],
      ['&amp', undefined],
      ['& amp;', undefined],
      ['&AMP;', undefined],
      ['&nbsp;', undefined],
      ['&constructor;', undefined],
      ['&#;', undefined],
      ['&#x;', undefined],
      ['&#X41;', undefined],
      ['&#a;', undefined],
      ['&#-1;', undefined],
      ['&#0;', undefined],
      ['&#000000000000;', undefined],
      ['&#x1000000000041;', undefined],
      ['&#x1;', undefined],
      ['&#xD800;', undefined],
      ['&#xDFFF;', undefined],
      ['&#xFFFE;', undefined],
      ['&#x110000;', undefined],
      ['&#99999999999999999999;', undefined],
    ];
    for (const [text, expanded] of cases) {
      it(`${JSON.stringify(text)} is ${expanded === undefined ? 'not legal' : JSON.stringify(expanded)}`, () => {
        expect(expandReferences(text)).to.equal(expanded);
      });
    }
  });

  it('line ends (clause 2.11) are folded to LF', () => {
    expect(foldLineEnds('a\r\nb\rc\nd\r\r\n')).to.equal('a\nb\nc\nd\n\n');
  });

  describe('attribute values (clause 3.3.3)', () => {
    const cases: readonly [string, string | undefined][] = [
      ['a  b', 'a  b'],
      ['a\tb\nc', 'a b c'],
      ['a\r\nb\rc', 'a b c'],
      ['a&#10;b&#13;&#9;', 'a\nb\r\t'],
      ['&quot;', '"'],
      ['a&b', undefined],
    ];
    for (const [literal, value] of cases) {
      it(`${JSON.stringify(literal)} is ${JSON.stringify(value)}`, () => {
        expect(attributeValue(literal)).to.equal(value);
        if (value !== undefined) expect(readByLibxml2(`<a b='${literal}'/>`).attribute).to.equal(value);
      });
    }
  });

  it(`values and contents are what libxml2 reads, seed ${seed}`, () => {
    const isSame = (text: string, element: LocatedElement): void => {
      // One element by itself, so that both sides are asked the same simple question.
      const declarations = ' xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:q"';
      const name = text.slice(element.start, element.start + 1 + element.name.length);
      let own = '';
      let from = element.contentStart;
      for (const child of element.children) {
        own += text.slice(from, child.start);
        from = child.end;
      }
      own += text.slice(from, element.contentEnd);
      const literals = element.attributes.map(({ start, end }) => ` ${text.slice(start, end)}`).join('');
      const document = XmlDocument.fromString(`${name}${declarations}${literals}>${own}</${element.name}>`);
      try {
        expect(textContent(text, element)).to.equal(document.root.content);
        expect(element.attributes.map(({ value }) => value)).to.deep.equal(
          document.root.attrs.map(({ value }) => value),
        );
      } finally {
        document.dispose();
      }
      for (const child of element.children) isSame(text, child);
    };
    fc.assert(
      fc.property(writtenDocument, ({ text }) => {
        isSame(text, gateText(text, limits).tree);
      }),
      { seed, numRuns: 300 },
    );
  });

  it(`any text comes back from where it was escaped, by libxml2 and by ourselves, seed ${seed}`, () => {
    fc.assert(
      fc.property(anyText, (value) => {
        const text = `<a b="${escapeAttribute(value)}">${escapeText(value)}</a>`;
        expect(readByLibxml2(text)).to.deep.equal({ attribute: value, content: value });
        const { tree } = gateText(text, limits);
        expect(tree.attributes[0]?.value).to.equal(value);
        expect(textContent(text, tree)).to.equal(value);
      }),
      { seed, numRuns: 500 },
    );
  });
});
