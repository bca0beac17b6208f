import { expect } from 'chai';
import fc from 'fast-check';
import { buildXml } from '../../../src/xml/build.js';
import { textContent } from '../../../src/xml/content.js';
import { gateText } from '../../../src/xml/gate.js';
import { parseGated } from '../../../src/xml/parse.js';
import { attribute } from '../../../src/xml/tree.js';
import { limits } from '../../support/limits.js';
import { seed } from '../../support/seed.js';

/** What a reader gets of a value that was written as attribute and as content. */
function readBack(value: string): readonly (string | undefined)[] {
  const text = buildXml({ name: 'a', namespace: 'urn:a', attributes: { b: value }, children: [value] });
  parseGated(text).dispose();
  const { tree } = gateText(text, limits);
  return [attribute(tree, 'b'), textContent(text, tree)];
}

describe('Documents that this server writes', () => {
  for (const value of ['&amp;', '&#65;', '&x;', '&', '<a b="c">', "'", ']]>', '-->', '\r\n\t', ' a ', '']) {
    it(`carry ${JSON.stringify(value)} as it is`, () => {
      expect(readBack(value)).to.deep.equal([value, value]);
    });
  }

  it(`carry any text that XML can, seed ${seed}`, () => {
    const value = fc
      .array(
        fc.constantFrom(
          '&',
          ';',
          'amp',
          '#',
          '6',
          'x',
          '<',
          '>',
          '"',
          "'",
          ']',
          '\r',
          '\n',
          ' ',
          '\u{1F692}',
        ),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(value, (text) => {
        expect(readBack(text)).to.deep.equal([text, text]);
      }),
      { seed, numRuns: 500 },
    );
  });

  it('carry U+FFFD in the place of what XML cannot', () => {
    expect(readBack('a\u0000b\uD800c\uFFFE')).to.deep.equal([
      'a\uFFFDb\uFFFDc\uFFFD',
      'a\uFFFDb\uFFFDc\uFFFD',
    ]);
  });
});
