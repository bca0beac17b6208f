import { expect } from 'chai';
import fc from 'fast-check';
import { XmlElement } from 'libxml2-wasm';
import { gateBytes, type GatedText } from '../../src/xml/gate.js';
import { XmlRefused } from '../../src/xml/refusal.js';
import { parseGated } from '../../src/xml/parse.js';
import type { LocatedElement } from '../../src/xml/tree.js';
import { damagedDocument, tokens, writtenDocument } from '../unit/xml/generated.js';
import type { Target } from './target.js';
import { limits } from '../support/limits.js';

/**
 * The gate beside libxml2. What both judge they judge alike: encoding, characters, tags, attributes,
 * prefixes, the references in attributes. The rest (what stands in text, comments, sections and
 * instructions) the gate leaves to libxml2, and forbids on its own what libxml2 would take: document types,
 * XML 1.1 and what exceeds a limit.
 */

function gate(bytes: Uint8Array): GatedText | XmlRefused {
  try {
    return gateBytes(bytes, limits);
  } catch (error) {
    if (error instanceof XmlRefused) return error;
    throw error;
  }
}

interface Seen {
  readonly name: string;
  readonly namespace: string;
  readonly attributes: readonly string[];
}

/** The elements as libxml2 sees them, in document order, or undefined where it refuses the text. */
function elementsByParser(text: string): readonly Seen[] | undefined {
  try {
    const document = parseGated(text);
    try {
      return document.find('//*').map((node) => {
        if (!(node instanceof XmlElement)) throw new Error('an element is none');
        return {
          name: node.name,
          namespace: node.namespaceUri,
          attributes: node.attrs
            .map(({ name, namespaceUri, value }) => `{${namespaceUri}}${name}=${value}`)
            .sort(),
        };
      });
    } finally {
      document.dispose();
    }
  } catch (error) {
    if (error instanceof XmlRefused) return undefined;
    throw error;
  }
}

function elementsOf(element: LocatedElement): readonly Seen[] {
  const { local, namespace, attributes, children } = element;
  const seen = attributes.map((each) => `{${each.namespace}}${each.local}=${each.value}`).sort();
  return [{ name: local, namespace, attributes: seen }, ...children.flatMap(elementsOf)];
}

/** What stands between the tags. */
function textOf(text: string, element: LocatedElement): string {
  let data = '';
  let from = element.contentStart;
  for (const child of element.children) {
    data += text.slice(from, child.start) + textOf(text, child);
    from = child.end;
  }
  return data + text.slice(from, element.contentEnd);
}

/** Tags of all kinds, with nothing in the text that libxml2 alone judges. */
const tags: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom(
      ...[
        '<a>',
        '<a>',
        '</a>',
        '</a>',
        '<a/>',
        '<p:a xmlns:p="urn:p">',
        '</p:a>',
        '<p:a/>',
        '<b ',
        '<a',
        '</a',
      ],
      ...[
        '>',
        '/>',
        '/',
        ' ',
        '\r\n',
        '=',
        '"',
        "'",
        'é',
        ':',
        ' b="c"',
        " b='c'",
        ' p:b=""',
        ' q:b=""',
        'text',
      ],
      ...[' b="&amp;"', ' b="&#65;"', ' b="&#x0000000041;"', ' b="&nbsp;"', ' b="&"', ' b="&#0;"', ' b="<"'],
      ...[
        ' xmlns="urn:d"',
        ' xmlns=""',
        ' xmlns:p="urn:p"',
        ' xmlns:q="urn:p"',
        '\u0000',
        '\uFFFE',
        '\u{1F692}',
      ],
    ),
    { maxLength: 14 },
  )
  .chain((parts) =>
    fc.constantFrom(parts.join(''), `<a>${parts.join('')}</a>`, `<a xmlns:p="urn:p"${parts.join('')}/>`),
  );

const octets: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  tokens.map((text) => Buffer.from(text)),
  damagedDocument.map((text) => Buffer.from(text)),
  fc
    .tuple(
      writtenDocument,
      fc.nat(),
      fc.constantFrom(
        'c0af',
        'c3',
        'eda080',
        'edbfbf',
        'f4908080',
        'f8888080',
        'ff',
        'fe',
        '80',
        'e000',
        'efbfbe',
      ),
    )
    .map(([{ text }, place, hex]) => {
      const bytes = Buffer.from(text);
      const at = place % bytes.length;
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(hex, 'hex'), bytes.subarray(at)]);
    }),
  writtenDocument.map(({ text }) => Buffer.from(text, 'utf16le')),
  writtenDocument.map(({ text }) => Buffer.from(text, 'latin1')),
);

export const gateTargets: readonly Target[] = [
  {
    title: 'design D13 any octets pass the gate or are refused as XML; what passes is the same octets',
    property: fc.property(octets, (bytes) => {
      const result = gate(bytes);
      if (result instanceof XmlRefused) {
        expect(result.condition).to.be.oneOf(['not-utf-8', 'not-well-formed', 'forbidden']);
      } else expect(Buffer.from(result.text).equals(Buffer.from(bytes))).to.equal(true);
    }),
  },
  {
    title: 'XML 1.0 what libxml2 takes the gate does not call broken, and both see the same elements',
    property: fc.property(
      fc.oneof(
        writtenDocument.map(({ text }) => text),
        tokens,
        damagedDocument,
      ),
      (text) => {
        // Half a surrogate pair never comes out of UTF-8.
        fc.pre(Buffer.from(text).toString() === text);
        const result = gate(Buffer.from(text));
        if (result instanceof XmlRefused) {
          const version = /^\uFEFF?<\?xml\s[^?]*version\s*=\s*["'](?!1\.0["'])/.test(text);
          if (result.condition === 'not-well-formed' && !version) {
            expect(elementsByParser(text), result.message).to.equal(undefined);
          }
        } else {
          const seen = elementsByParser(text);
          if (seen !== undefined) expect(elementsOf(result.tree)).to.deep.equal(seen);
        }
      },
    ),
  },
  {
    title: 'XML 1.0 §3.1, Namespaces §3 what the gate takes for tags libxml2 takes, and the reverse',
    property: fc.property(tags, (text) => {
      const result = gate(Buffer.from(text));
      const seen = elementsByParser(text);
      if (result instanceof XmlRefused) expect(seen, result.message).to.equal(undefined);
      // References in text are libxml2's to judge.
      else if (!textOf(text, result.tree).includes('&')) expect(elementsOf(result.tree)).to.deep.equal(seen);
    }),
  },
];
