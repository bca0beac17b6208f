import { expect } from 'chai';
import fc from 'fast-check';
import { nearestName, quote, shortened } from '../../../src/base/text.js';
import { seed } from '../../support/seed.js';

const engine = '\u{1F692}';

describe('A text that is shortened', () => {
  it('is left as it is up to the length', () => {
    expect(shortened('', 3)).to.equal('');
    expect(shortened('abc', 3)).to.equal('abc');
    expect(shortened(engine, 2)).to.equal(engine);
  });

  it('ends in an ellipsis beyond it, which counts towards the length', () => {
    expect(shortened('abcd', 3)).to.equal('ab…');
    expect(shortened('abcd', 1)).to.equal('…');
  });

  it('is never cut in half of a character', () => {
    expect(shortened(`a${engine}b`, 3)).to.equal('a…');
    expect(shortened(`a${engine}bc`, 4)).to.equal(`a${engine}…`);
    expect(shortened(engine.repeat(2), 1)).to.equal('…');
  });

  it(`is a beginning of the text, well-formed where the text is, seed ${seed}`, () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'é', engine) }),
        fc.integer({ min: 1, max: 12 }),
        (text, length) => {
          const short = shortened(text, length);
          expect(short.length).to.be.at.most(length);
          expect(() => encodeURIComponent(short)).to.not.throw();
          if (short === text) return;
          expect(short.endsWith('…')).to.equal(true);
          expect(text.startsWith(short.slice(0, -1))).to.equal(true);
          expect(short.length).to.be.at.least(length - 1);
        },
      ),
      { seed },
    );
  });
});

describe('A text that is quoted', () => {
  it('stays on one line, with every character that a terminal acts on escaped', () => {
    expect(quote('a"b\n\u001b\u202e\u2028\u0085')).to.equal('"a\\"b\\n\\u001b\\u202e\\u2028\\u0085"');
  });

  it('is cut where it is long, never in half of a character', () => {
    expect(quote('x'.repeat(82))).to.equal(`"${'x'.repeat(80)}…"`);
    expect(quote(`${'x'.repeat(79)}${engine}yz`)).to.equal(`"${'x'.repeat(79)}…"`);
  });
});

describe('The name that a mistyped one most probably meant', () => {
  const names = ['host', 'port', 'root', 'requestTimeout', 'headersTimeout'];

  it('is one that is a few steps away, whatever its case and punctuation', () => {
    expect(nearestName('prot', names)).to.equal('port');
    expect(nearestName('hots', names)).to.equal('host');
    expect(nearestName('headers-timeout', names)).to.equal('headersTimeout');
  });

  it('is none where nothing is near', () => {
    expect(nearestName('entirelyElse', names)).to.equal(undefined);
    expect(nearestName('x'.repeat(100_000), names)).to.equal(undefined);
    expect(nearestName(`${'-'.repeat(61)}port`, names)).to.equal(undefined);
  });
});
