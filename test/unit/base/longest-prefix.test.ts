import { expect } from 'chai';
import fc from 'fast-check';
import { LongestPrefix } from '../../../src/base/longest-prefix.js';

describe('LongestPrefix', () => {
  it('the longest prefix of a text decides, and of equal ones the first', () => {
    const prefixes = new LongestPrefix<string>();
    for (const [prefix, value] of [
      ['tel:+1', 'far'],
      ['tel:+15', 'near'],
      ['tel:+15', 'late'],
    ] as const) {
      prefixes.add(prefix, value);
    }
    expect(prefixes.valueFor('tel:+1555')).to.equal('near');
    expect(prefixes.valueFor('tel:+15')).to.equal('near');
    expect(prefixes.valueFor('tel:+16')).to.equal('far');
    expect(prefixes.valueFor('tel:+')).to.equal(undefined);
    expect(prefixes.valueFor('')).to.equal(undefined);
  });

  it('is what a search finds', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 6 });
    fc.assert(
      fc.property(fc.array(text), text, (added, asked) => {
        const prefixes = new LongestPrefix<number>();
        for (const [index, prefix] of added.entries()) prefixes.add(prefix, index);
        const fitting = added.filter((prefix) => asked.startsWith(prefix));
        const longest = fitting.toSorted((one, other) => other.length - one.length)[0];
        expect(prefixes.valueFor(asked)).to.equal(longest === undefined ? undefined : added.indexOf(longest));
      }),
    );
  });
});
