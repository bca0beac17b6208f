import { expect } from 'chai';
import fc from 'fast-check';
import { XMLParser } from 'fast-xml-parser';
import { gateText } from '../../../src/xml/gate.js';
import { XmlRefused } from '../../../src/xml/refusal.js';
import { scanXml, type ScanLimits } from '../../../src/xml/scan.js';
import { parseGated } from '../../../src/xml/parse.js';
import type { LocatedElement } from '../../../src/xml/tree.js';
import { bytesOf, listedDocuments } from '../../contract/documents.js';
import { fixture } from '../../support/fixtures.js';
import { damagedDocument, tokens, writtenDocument, type WrittenElement } from './generated.js';
import { limits } from '../../support/limits.js';
import { seed } from '../../support/seed.js';

type Place = readonly [name: string, start: number | undefined, end: number | undefined];

function placesOf(element: LocatedElement): readonly Place[] {
  return [[element.name, element.start, element.end], ...element.children.flatMap(placesOf)];
}

/** The places of all elements as fast-xml-parser sees them. */
function placesByParser(text: string): readonly Place[] {
  const parser = new XMLParser({
    preserveOrder: true,
    captureMetaData: true,
    ignoreAttributes: false,
    processEntities: false,
    trimValues: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
  });
  const metaData = XMLParser.getMetaDataSymbol() as symbol;
  const read = (nodes: unknown): readonly Place[] => {
    if (!Array.isArray(nodes)) return [];
    return nodes.flatMap((node: Readonly<Record<string | symbol, unknown>>) => {
      const name = Object.keys(node).find((key) => Array.isArray(node[key]));
      if (name === undefined) return [];
      const place = node[metaData] as { readonly startIndex?: number; readonly endIndex?: number };
      const own: Place = [name, place.startIndex, place.endIndex];
      return [own, ...read(node[name])];
    });
  };
  return read(parser.parse(text));
}

function refusal(text: string, bounds = limits): XmlRefused | undefined {
  try {
    scanXml(text, bounds);
    return undefined;
  } catch (error) {
    if (error instanceof XmlRefused) return error;
    throw error;
  }
}

/** Whether libxml2 takes the text for a document. */
function isWellFormed(text: string): boolean {
  try {
    parseGated(text).dispose();
    return true;
  } catch (error) {
    if (error instanceof XmlRefused) return false;
    throw error;
  }
}

describe('The places of nodes', () => {
  describe('agree with fast-xml-parser', () => {
    for (const folder of ['groups', 'resource-lists', 'xcap']) {
      it(`in every well-formed document of fixtures/${folder}`, () => {
        const wellFormed = listedDocuments(folder).filter(
          ({ verdict }) => verdict === 'valid' || verdict === 'schema-invalid',
        );
        expect(wellFormed).not.to.be.empty;
        for (const document of wellFormed) {
          const text = bytesOf(document).toString('utf8');
          expect(placesOf(scanXml(text, limits)), document.path).to.deep.equal(placesByParser(text));
        }
      });
    }

    it('where the line ends are CRLF', () => {
      expect(fixture('groups/valid/line-ends-crlf.xml')).to.include('\r\n');
    });
  });

  function expectWritten(text: string, element: LocatedElement, written: WrittenElement): void {
    const { name, start, end, contentStart, contentEnd } = element;
    expect({ name, start, end, contentStart, contentEnd }).to.deep.equal({
      name: written.name,
      start: written.start,
      end: written.end,
      contentStart: written.contentStart,
      contentEnd: written.contentEnd,
    });
    expect(element.attributes.map((each) => [each.name, each.start, each.end])).to.deep.equal(
      written.attributes.map((each) => [each.name, each.start, each.end]),
    );
    expect(
      element.attributes.map(({ valueStart, valueEnd }) => text.slice(valueStart, valueEnd)),
    ).to.deep.equal(written.attributes.map(({ literal }) => literal));
    expect(element.children).to.have.length(written.children.length);
    element.children.forEach((child, index) => {
      const other = written.children[index] ?? expect.fail();
      expect(child.parent).to.equal(element);
      expectWritten(text, child, other);
    });
  }

  it(`are found exactly in any well-formed document, seed ${seed}`, () => {
    fc.assert(
      fc.property(writtenDocument, ({ text, root }) => {
        expect(isWellFormed(text), 'libxml2 accepts it').to.equal(true);
        expectWritten(text, scanXml(text, limits), root);
      }),
      { seed, numRuns: 500 },
    );
  });

  it('of an element whose attributes are declared behind their use', () => {
    const tree = scanXml('<p:a p:b="1" xmlns:p="urn:p" c="2"/>', limits);
    expect(tree).to.include({ namespace: 'urn:p', prefix: 'p', local: 'a' });
    expect(tree.attributes.map(({ namespace, local }) => [namespace, local])).to.deep.equal([
      ['urn:p', 'b'],
      ['', 'c'],
    ]);
    expect(tree.declarations).to.deep.equal([{ prefix: 'p', uri: 'urn:p', start: 13, end: 28 }]);
  });

  it('of names that mean something to JavaScript', () => {
    const text = '<__proto__ constructor="a"><toString/><hasOwnProperty __proto__="b"/></__proto__>';
    const tree = scanXml(text, limits);
    expect(placesOf(tree).map(([name]) => name)).to.deep.equal(['__proto__', 'toString', 'hasOwnProperty']);
    expect(tree.attributes[0]).to.include({ name: 'constructor', value: 'a' });
    expect(tree.children[1]?.attributes[0]).to.include({ name: '__proto__', value: 'b' });
    expect(Object.getPrototypeOf(tree)).to.equal(Object.prototype);
  });

  it('with the namespaces that the nearest declarations give', () => {
    const tree = scanXml(
      '<a xmlns="urn:1" xmlns:p="urn:2"><p:b xmlns:p="urn:3"><p:c/></p:b><p:d/><e xmlns=""><f/></e><g/></a>',
      limits,
    );
    const namespaces = (element: LocatedElement): readonly string[] => [
      `${element.local} ${element.namespace}`,
      ...element.children.flatMap(namespaces),
    ];
    expect(namespaces(tree)).to.deep.equal([
      'a urn:1',
      'b urn:3',
      'c urn:3',
      'd urn:2',
      'e ',
      'f ',
      'g urn:1',
    ]);
  });
});

/** As many bindings in scope as the limits allow, and `count` names to be looked up among them. */
function manyPrefixes(count: number): string {
  const level = Array.from({ length: 63 }, (_, index) => `xmlns:p${index}="u"`).join(' ');
  return `<z:a xmlns:z="u">${`<z:a ${level}>`.repeat(60)}${'<z:b z:c=""/>'.repeat(count / 5)}`;
}

describe('Any text at all', () => {
  it(`is located or refused as XML, nothing else, seed ${seed}`, () => {
    fc.assert(
      fc.property(fc.oneof(tokens, damagedDocument, fc.string({ unit: 'binary' })), (text) => {
        const refused = refusal(text);
        if (refused !== undefined) expect(refused.condition).to.be.oneOf(['forbidden', 'not-well-formed']);
      }),
      { seed, numRuns: 3000 },
    );
  });

  it(`that libxml2 takes for a document is not refused as broken, seed ${seed}`, () => {
    fc.assert(
      fc.property(fc.oneof(tokens, damagedDocument), (text) => {
        // Half a surrogate pair never comes out of UTF-8, and becomes another character on its way to libxml2.
        fc.pre(Buffer.from(text).toString() === text);
        const refused = refusal(text);
        if (refused?.condition === 'not-well-formed') expect(isWellFormed(text)).to.equal(false);
      }),
      { seed, numRuns: 2000 },
    );
  });

  const bulk = 200_000;
  const adversarial: readonly [string, string][] = [
    ['start tags', '<a>'.repeat(bulk)],
    ['end tags', '</a>'.repeat(bulk)],
    ['less-than signs', '<'.repeat(bulk)],
    ['opened comments', '<a>' + '<!--'.repeat(bulk)],
    ['opened CDATA sections', '<a>' + '<![CDATA['.repeat(bulk)],
    ['opened processing instructions', '<a>' + '<?'.repeat(bulk)],
    ['attributes without end', '<a' + ' b="c"'.repeat(bulk)],
    ['quotes without end', '<a b=' + '"'.repeat(bulk)],
    ['ampersands', `<a>${'&'.repeat(bulk)}</a>`],
    ['ampersands in an attribute', `<a b="${'&'.repeat(bulk)}"/>`],
    ['references', `<a b="${'&amp;'.repeat(bulk)}"/>`],
    ['one long name', `<${'a'.repeat(bulk)}/>`],
    ['one long prefix', `<${'a'.repeat(bulk)}:b/>`],
    ['white space', ' '.repeat(bulk)],
    ['declared versions', `<?xml ${'version="1.0" '.repeat(bulk)}?><a/>`],
    ['question marks in the declaration', `<?xml ${'?'.repeat(bulk)}`],
    ['prefixes in scope', manyPrefixes(bulk)],
    ['prefixes of one element', `<a ${Array.from({ length: bulk }, (_, n) => `xmlns:p${n}=""`).join(' ')}/>`],
  ];
  for (const [name, text] of adversarial) {
    it(`is read to its end or refused: ${name} in bulk`, () => {
      try {
        gateText(text, limits);
      } catch (error) {
        expect(error).to.be.instanceOf(XmlRefused);
      }
    });
  }
});

describe('The limits', () => {
  const many = (count: number, write: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => write(index)).join('');

  const cases: readonly [keyof ScanLimits, number, (count: number) => string][] = [
    ['depth', 64, (count) => '<a>'.repeat(count) + '</a>'.repeat(count)],
    ['depth', 64, (count) => `${'<a>'.repeat(count - 1)}<a/>${'</a>'.repeat(count - 1)}`],
    ['attributes', 256, (count) => `<a ${many(count, (index) => `a${index}="" `)}/>`],
    ['attributes', 256, (count) => `<a xmlns="u" ${many(count, (index) => `a${index}="" `)}/>`],
    ['namespaces', 64, (count) => `<a ${many(count, (index) => `xmlns:p${index}="u" `)}/>`],
    ['namespaces', 64, (count) => `<a b="" ${many(count, (index) => `xmlns:p${index}="u" `)}/>`],
    ['elements', 50_000, (count) => `<a>${'<b/>'.repeat(count - 1)}</a>`],
  ];
  for (const [name, limit, write] of cases) {
    it(`of ${limit} ${name}: reached is accepted, one above is refused`, () => {
      expect(limits[name]).to.equal(limit);
      expect(refusal(write(limit))).to.equal(undefined);
      expect(refusal(write(limit + 1)))
        .to.be.instanceOf(XmlRefused)
        .with.property('condition', 'forbidden');
    });
  }

  it('of attributes and namespaces hold for each element by itself', () => {
    const attributes = many(limits.attributes, (index) => ` a${index}=""`);
    expect(refusal(`<a${attributes}><b${attributes}/></a>`)).to.equal(undefined);
  });

  it('of depth counts levels, not elements', () => {
    expect(refusal(`<a>${'<b><c/></b>'.repeat(100)}</a>`, { ...limits, depth: 3 })).to.equal(undefined);
  });
});

describe('A document type declaration (design D13)', () => {
  const places: readonly [string, string][] = [
    ['at the start', '<!DOCTYPE a><a/>'],
    ['behind a byte order mark', '\uFEFF<!DOCTYPE a><a/>'],
    ['behind the XML declaration', '<?xml version="1.0"?>\n<!DOCTYPE a><a/>'],
    ['behind a comment', '<!-- c --><!DOCTYPE a><a/>'],
    ['behind a processing instruction', '<?p i?><!DOCTYPE a><a/>'],
    ['with an external subset', '<!DOCTYPE a SYSTEM "file:///etc/hosts"><a/>'],
    ['with a public identifier', '<!DOCTYPE a PUBLIC "-//X//Y" "http://127.0.0.1/"><a/>'],
    ['with an internal subset', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['on several lines', '<!DOCTYPE\na\n[\n]\n>\n<a/>'],
    ['inside the root, where none may stand', '<a><!DOCTYPE a></a>'],
    ['behind the root, where none may stand', '<a/><!DOCTYPE a>'],
    ['in small letters, which is none', '<!doctype a><a/>'],
    ['cut short', '<!DOCTYPE'],
    ['as an entity declaration by itself', '<!ENTITY a "b"><a/>'],
  ];
  for (const [place, text] of places) {
    it(`${place} is forbidden`, () => {
      expect(refusal(text)).to.be.instanceOf(XmlRefused).with.property('condition', 'forbidden');
    });
  }

  for (const text of [
    '<!-- <!DOCTYPE a> --><a/>',
    '<a><!-- <!DOCTYPE a [<!ENTITY b "c">]> --></a>',
    '<a><![CDATA[<!DOCTYPE a>]]></a>',
    '<?p <!DOCTYPE a> ?><a/>',
    '<a b="&lt;!DOCTYPE a>"/>',
    '<a>&lt;!DOCTYPE a></a>',
  ]) {
    it(`is none in ${text}`, () => {
      expect(refusal(text)).to.equal(undefined);
      expect(isWellFormed(text)).to.equal(true);
    });
  }
});

describe('Text that is no document', () => {
  const broken: readonly [string, string][] = [
    ['', 'there is no root element'],
    [' \n', 'there is no root element'],
    ['<!-- c -->', 'there is no root element'],
    ['<a/><b/>', 'a second root element'],
    ['<a/>b', 'text outside the root element'],
    ['b<a/>', 'text outside the root element'],
    ['<a/>&#32;', 'text outside the root element'],
    ['<a/><![CDATA[]]>', 'a CDATA section outside the root element'],
    ['<a>', '<a> is not closed'],
    ['<a><b></a></b>', '</a> where </b> is due'],
    ['</a>', 'an end tag too many'],
    ['<a/></a>', 'an end tag too many'],
    ['<a b="1" b="2"/>', 'has an attribute twice'],
    ['<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>', 'has an attribute twice'],
    ['<a xmlns="u" xmlns="v"/>', 'has an attribute twice'],
    ['<p:a/>', 'prefix p is not declared'],
    ['<a p:b=""/>', 'prefix p is not declared'],
    ['<a b="<"/>', 'holds a bare < or &'],
    ['<a b="&"/>', 'holds a bare < or &'],
    ['<a b="&c;"/>', 'holds a bare < or &'],
    ['<a b="&#0;"/>', 'holds a bare < or &'],
    ['<a b/>', 'attribute b/ has no value'],
    ['<a b=c/>', 'is not quoted'],
    ['<a b="c"d="e"/>', 'the start tag of a is broken'],
    ['<1/>', '1 is no name'],
    ['< />', 'is no name'],
    ['<a:b:c xmlns:a="u"/>', 'a:b:c is no name'],
    ['<a><!-- </a>', 'a comment is not closed'],
    ['<a><![CDATA[</a>', 'a CDATA section is not closed'],
    ['<a><?p </a>', 'a processing instruction is not closed'],
  ];
  for (const [text, says] of broken) {
    it(`${JSON.stringify(text)}: ${says}`, () => {
      const refused = refusal(text) ?? expect.fail('it was accepted');
      expect(refused.condition).to.equal('not-well-formed');
      expect(refused.message)
        .to.match(/^line \d+: /)
        .and.include(says);
      expect(isWellFormed(text), 'libxml2 agrees').to.equal(false);
    });
  }

  it('is refused with the line of the mistake', () => {
    expect(refusal('<a>\r\n<b>\n</c></a>')?.message).to.match(/^line 3: /);
  });

  it('is not repeated at length in the refusal', () => {
    const long = 'b'.repeat(10_000);
    for (const text of [
      `<a><${long}></a></a>`,
      `<a></${long}></a>`,
      `<${long}>`,
      `<${long}:a/>`,
      `<a ${long}:b=""/>`,
      `<a ${long}/>`,
      `<a ${long}=/>`,
      `<a ${long}="<"/>`,
      `<${long} c="" c=""/>`,
      `<1${long}/>`,
    ]) {
      expect(refusal(text)?.message.length, text.slice(0, 8)).to.be.below(200);
    }
  });
});
