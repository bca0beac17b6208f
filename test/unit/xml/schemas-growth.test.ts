import { expect } from 'chai';
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
