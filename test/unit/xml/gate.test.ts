import { expect } from 'chai';
import { gateBytes, gateText } from '../../../src/xml/gate.js';
import { XmlRefused, type RefusalCondition } from '../../../src/xml/refusal.js';
import { parseGated } from '../../../src/xml/parse.js';
import { limits } from '../../support/limits.js';
import { bytesOf, listedDocuments } from '../../contract/documents.js';

function refusal(bytes: Uint8Array): XmlRefused | undefined {
  try {
    gateBytes(bytes, limits);
    return undefined;
  } catch (error) {
    if (error instanceof XmlRefused) return error;
    throw error;
  }
}

/** A document with these octets in the middle of its text. */
function around(...octets: readonly number[]): Buffer {
  return Buffer.concat([Buffer.from('<a>x'), Buffer.from(octets), Buffer.from('y</a>')]);
}

describe('The gate (design D13)', () => {
  describe('takes strict UTF-8 only (RFC 4825 8.2.5: not-utf-8)', () => {
    const bad: readonly [string, Buffer][] = [
      ['a continuation octet by itself', around(0x80)],
      ['the last continuation octet by itself', around(0xbf)],
      ['a lead octet of two with nothing behind it', around(0xc3)],
      ['a lead octet of three with one octet behind it', around(0xe2, 0x82)],
      ['a lead octet of four with two octets behind it', around(0xf0, 0x9f, 0x9a)],
      ['a slash in two octets', around(0xc0, 0xaf)],
      ['NUL in two octets', around(0xc0, 0x80)],
      ['the largest overlong form of two octets', around(0xc1, 0xbf)],
      ['a slash in three octets', around(0xe0, 0x80, 0xaf)],
      ['a slash in four octets', around(0xf0, 0x80, 0x80, 0xaf)],
      ['the first high surrogate', around(0xed, 0xa0, 0x80)],
      ['the last low surrogate', around(0xed, 0xbf, 0xbf)],
      ['a surrogate pair in six octets', around(0xed, 0xa0, 0xbd, 0xed, 0xba, 0x92)],
      ['a number just beyond U+10FFFF', around(0xf4, 0x90, 0x80, 0x80)],
      ['a lead octet that never occurs', around(0xf5, 0x80, 0x80, 0x80)],
      ['a form of five octets', around(0xf8, 0x88, 0x80, 0x80, 0x80)],
      ['a form of six octets', around(0xfc, 0x84, 0x80, 0x80, 0x80, 0x80)],
      ['FE', around(0xfe)],
      ['FF', around(0xff)],
      ['a character cut by the end of the document', Buffer.from([0x3c, 0x61, 0x2f, 0x3e, 0xe2, 0x82])],
      ['ISO 8859-1', Buffer.from('<a>é</a>', 'latin1')],
      ['UTF-16, little endian', Buffer.from('\uFEFF<a/>', 'utf16le')],
      ['UTF-16, big endian', Buffer.from('\uFEFF<a/>', 'utf16le').swap16()],
      ['gzip', Buffer.from('1f8b0800000000000003b349d4b703001c8c1c8c04000000', 'hex')],
    ];
    for (const [name, bytes] of bad) {
      it(`${name} is refused`, () => {
        expect(refusal(bytes)).to.be.instanceOf(XmlRefused).with.property('condition', 'not-utf-8');
      });
    }

    const good: readonly [string, Buffer][] = [
      ['the largest character of one octet', around(0x7f)],
      ['the smallest of two', around(0xc2, 0x80)],
      ['the largest of two', around(0xdf, 0xbf)],
      ['the smallest of three', around(0xe0, 0xa0, 0x80)],
      ['the last before the surrogates', around(0xed, 0x9f, 0xbf)],
      ['the first behind them', around(0xee, 0x80, 0x80)],
      ['U+FFFD', around(0xef, 0xbf, 0xbd)],
      ['the smallest of four', around(0xf0, 0x90, 0x80, 0x80)],
      ['U+10FFFD', around(0xf4, 0x8f, 0xbf, 0xbd)],
    ];
    for (const [name, bytes] of good) {
      it(`${name} is accepted, by libxml2 too`, () => {
        const { text } = gateBytes(bytes, limits);
        expect(Buffer.from(text)).to.deep.equal(bytes);
        expect(() => {
          parseGated(text).dispose();
        }).not.to.throw();
      });
    }
  });

  it('keeps a byte order mark: documents are bytes (design D3)', () => {
    const bytes = Buffer.from('\uFEFF<?xml version="1.0"?><a/>');
    const { text, tree } = gateBytes(bytes, limits);
    expect(Buffer.from(text)).to.deep.equal(bytes);
    expect(text.slice(tree.start, tree.end)).to.equal('<a/>');
    expect(() => {
      parseGated(text).dispose();
    }).not.to.throw();
  });

  it('refuses a second byte order mark', () => {
    expect(refusal(Buffer.from('\uFEFF\uFEFF<a/>'))?.condition).to.equal('not-well-formed');
  });

  describe('refuses the characters that XML 1.0 forbids (clause 2.2)', () => {
    const forbidden = [...Array(0x20).keys(), 0xfffe, 0xffff].filter((code) => ![9, 10, 13].includes(code));
    for (const code of forbidden) {
      const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
      it(name, () => {
        for (const text of ['<a>#</a>', '<a b="#"/>', '<!--#--><a/>', '<?p #?><a/>', '<a/>#', '#<a/>']) {
          const refused = refusal(Buffer.from(text.replace('#', String.fromCharCode(code))));
          expect(refused?.condition, text).to.equal('not-well-formed');
          expect(refused?.message, text).to.include(name);
        }
      });
    }

    it('but not tabs and line ends', () => {
      expect(refusal(Buffer.from('<a>\t\r\n\r</a>'))).to.equal(undefined);
    });
  });

  describe('reads the XML declaration', () => {
    const cases: readonly [string, RefusalCondition | 'accepted'][] = [
      ['<?xml version="1.0"?>', 'accepted'],
      ["<?xml version='1.0'?>", 'accepted'],
      ['<?xml version = "1.0" ?>', 'accepted'],
      ['<?xml\nversion="1.0"\n?>', 'accepted'],
      ['<?xml version="1.0" encoding="UTF-8"?>', 'accepted'],
      ['<?xml version="1.0" encoding="utf-8" standalone="yes"?>', 'accepted'],
      ["<?xml version='1.0' encoding='Utf-8'?>", 'accepted'],
      ['<?xml version="1.0" encoding="US-ASCII"?>', 'accepted'],
      ['<?xml version="1.0" encoding="ISO-8859-1"?>', 'not-utf-8'],
      ["<?xml version='1.0' encoding='windows-1252'?>", 'not-utf-8'],
      ['<?xml version="1.0" encoding="UTF-16"?>', 'not-utf-8'],
      ['<?xml version="1.0" encoding="UTF-7"?>', 'not-utf-8'],
      ['<?xml version="1.0" encoding="EBCDIC-CP-US"?>', 'not-utf-8'],
      ['<?xml version="1.0" encoding=""?>', 'not-utf-8'],
      ['<?xml version="1.1"?>', 'not-well-formed'],
      ['<?xml version="1.1" encoding="UTF-8"?>', 'not-well-formed'],
      ['<?xml version="2.0"?>', 'not-well-formed'],
      ['<?xml version=""?>', 'not-well-formed'],
      ['<?xml encoding="UTF-8"?>', 'not-well-formed'],
      ['<?xml standalone="yes"?>', 'not-well-formed'],
    ];
    for (const [declaration, verdict] of cases) {
      it(`${JSON.stringify(declaration)} is ${verdict}`, () => {
        const bytes = Buffer.from(`${declaration}<a/>`);
        expect(refusal(bytes)?.condition ?? 'accepted').to.equal(verdict);
        expect(refusal(Buffer.concat([Buffer.from('\uFEFF'), bytes]))?.condition ?? 'accepted').to.equal(
          verdict,
        );
        if (verdict !== 'accepted') return;
        expect(() => {
          parseGated(bytes.toString()).dispose();
        }).not.to.throw();
      });
    }

    it('and none inside a comment or a processing instruction', () => {
      expect(refusal(Buffer.from('<!--<?xml version="1.1"?>--><a/>'))).to.equal(undefined);
      expect(refusal(Buffer.from('<?xml-stylesheet version="1.1"?><a/>'))).to.equal(undefined);
    });
  });

  it('refuses octets that say US-ASCII and are more', () => {
    const bytes = Buffer.from('<?xml version="1.0" encoding="us-ascii"?><a>\u00e9</a>');
    expect(refusal(bytes)?.condition).to.equal('not-utf-8');
  });

  it('leaves it to libxml2 to refuse a text that says US-ASCII and is more', () => {
    const { text } = gateText('<?xml version="1.0" encoding="US-ASCII"?><a>é</a>', limits);
    expect(() => {
      parseGated(text).dispose();
    })
      .to.throw(XmlRefused)
      .with.property('condition', 'not-well-formed');
  });

  it('lets every well-formed fixture pass and changes no octet of it', () => {
    for (const document of [...listedDocuments('groups'), ...listedDocuments('xcap')]) {
      if (document.verdict !== 'valid' && document.verdict !== 'schema-invalid') continue;
      const bytes = bytesOf(document);
      expect(Buffer.from(gateBytes(bytes, limits).text).equals(bytes), document.path).to.equal(true);
    }
  });
});
