import { expect } from 'chai';
import { checkGroupConstraints } from '../../../src/groups/constraints.js';
import { gateText } from '../../../src/xml/gate.js';
import { parseGated } from '../../../src/xml/parse.js';
import { XmlRefused } from '../../../src/xml/refusal.js';
import { expectLinear } from '../../support/growth.js';
import { limits } from '../../support/limits.js';
import { schemas } from '../../support/schemas.js';

const inGroup = (content: string, declarations = ''): string =>
  `<group xmlns="urn:oma:xml:poc:list-service"${declarations}>` +
  `<list-service uri="sip:g@police.example">${content}</list-service></group>`;

const inList = (content: string, declarations = ''): string =>
  inGroup(`<list>${content}</list>`, declarations);

/** Long for a name, and as often as it is repeated not much. */
const longName = 512;

const longest = `urn:${'x'.repeat(longName - 4)}`;

/** Documents with ever more of what a schema forbids. */
const invalid: Readonly<Record<string, (size: number) => string>> = {
  'unknown elements': (size) => inGroup('<x/>'.repeat(size)),
  'elements without an attribute that is required': (size) => inList('<entry/>'.repeat(size)),
  'unknown attributes': (size) => inList('<entry uri="sip:a@b" q="1" r="2" s="3"/>'.repeat(size)),
  'values out of range': (size) =>
    inGroup('<max-participant-count>many</max-participant-count>'.repeat(size)),
  'names in a namespace with a long name': (size) =>
    inList('<entry p:x="1" p:y="2"/>'.repeat(size), ` xmlns:p="${longest}"`),
  'elements below each other': (size) => inList('<x><entry/></x>'.repeat(size / 2)),
};

describe('The refusal of a text by a schema', () => {
  const refusal = (work: () => void): XmlRefused => {
    try {
      work();
    } catch (error) {
      if (error instanceof XmlRefused) return error;
      throw error;
    }
    throw new Error('the text was accepted');
  };

  for (const [what, make] of Object.entries(invalid)) {
    it(`takes linear time: ${what}`, () => {
      const validate = (text: string): void => {
        const { condition, message } = refusal(() => {
          schemas().validate('group', gateText(text, limits).text);
        });
        expect(condition).to.equal('schema-invalid');
        expect(message).to.match(/^line 1: ./);
      };
      expectLinear(make, validate, 2500);
    });
  }

  it('takes linear time: a policy', () => {
    const make = (size: number): string =>
      `<policy xmlns="urn:mcgms:ns:interconnection-policy:1">${'<x/>'.repeat(size)}</policy>`;
    const validate = (text: string): void => {
      const { message } = refusal(() => {
        schemas().validate('policy', gateText(text, limits).text);
      });
      expect(message).to.include("Element '{urn:mcgms:ns:interconnection-policy:1}");
    };
    expectLinear(make, validate, 2500);
  });

  it('takes linear time: a text with many faults that are no errors of the grammar', () => {
    const make = (size: number): string => `<a>${'<b xmlns:p="x" xml:space="z"/>'.repeat(size)}</a>`;
    const parse = (text: string): void => {
      parseGated(text).dispose();
    };
    expectLinear(make, parse, 2500);
  });

  it('is short, however long the names are that it repeats', () => {
    for (const text of [
      inList(`<${'y'.repeat(longName)}/>`),
      inList('<p:y/>', ` xmlns:p="${longest}"`),
      inGroup(`<max-participant-count>${'9'.repeat(100_000)}x</max-participant-count>`),
    ]) {
      const { message } = refusal(() => {
        schemas().validate('group', gateText(text, limits).text);
      });
      expect(message.length).to.be.within(10, 500);
    }
  });
});

describe('A document with long namespace names', () => {
  const repeated = (size: number, one: (at: number) => string): string =>
    Array.from({ length: size }, (_, at) => one(at)).join('');
  const bound = (size: number): string => ` xmlns:e="urn:${'x'.repeat(4 * size)}"`;

  /** Valid documents whose names grow as their elements do. */
  const valid: Readonly<Record<string, (size: number) => string>> = {
    'unknown elements': (size) =>
      inList(
        repeated(size, (at) => `<entry uri="sip:${at}@h"><e:x/></entry>`),
        bound(size),
      ),
    'unknown attributes': (size) =>
      inList(
        repeated(size, (at) => `<entry uri="sip:${at}@h" e:x="1" e:y="2"/>`),
        bound(size),
      ),
    'names that nothing is in': (size) =>
      inList(
        repeated(size, (at) => `<entry uri="sip:${at}@h"/>`),
        bound(size),
      ),
  };
  for (const [what, make] of Object.entries(valid)) {
    it(`is accepted in linear time: ${what}`, function () {
      this.timeout(60_000);
      const accept = (text: string): void => {
        const gated = gateText(text, limits);
        schemas().validate('group', gated.text);
        checkGroupConstraints(gated);
      };
      expectLinear(make, accept, 1000);
    });
  }

  const long = `urn:${'%C3%A9&amp;'.repeat(300)}`;

  it('may have two that differ in their last character', () => {
    const declarations = ` xmlns:p="${long}1" xmlns:q="${long}2" xmlns:r='relative${'/'.repeat(2000)}'`;
    const names = inList('<entry uri="sip:a@h" p:x="1" q:x="1" r:x="1"><p:y/><q:y/></entry>', declarations);
    schemas().validate('group', names);
  });

  it('is refused with the line of the fault, and with the beginning of the name', () => {
    const text = inList(`\n<entry/>`, `\n xmlns:p="${long}"\n\nxmlns:q='${long}2'`);
    expect(() => {
      schemas().validate('group', text);
    }).to.throw(XmlRefused, /^line 5: .*entry/);
    expect(() => {
      schemas().validate('group', `<group xmlns="${long}"/>`);
    }).to.throw(XmlRefused, /^the document element must be/);
    expect(() => {
      schemas().validate('group', inGroup('<p:mcvideo/><x/>', ` xmlns:p="${long}"`));
    }).to.throw(XmlRefused, /'{urn:oma:xml:poc:list-service}x'/);
  });

  it('is not well-formed where it is not, whatever its names', () => {
    for (const text of [`<p:a xmlns:p="${'x'.repeat(60_000)}"><p:b></p:a>`, '<'.repeat(1_000_000)]) {
      expect(() => {
        schemas().validate(undefined, gateText(text, limits).text);
      })
        .to.throw(XmlRefused)
        .with.property('condition', 'not-well-formed');
    }
  });
});
