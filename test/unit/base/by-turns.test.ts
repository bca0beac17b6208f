import { expect } from 'chai';
import fc from 'fast-check';
import { byTurns } from '../../../src/base/by-turns.js';
import { seed } from '../../support/seed.js';

describe('By turns (design D21)', () => {
  const letter = (item: string): string => item.slice(0, 1);

  it('the first of each, then the second of each', () => {
    const items = ['a1', 'a2', 'a3', 'b1', 'c1', 'c2'];
    expect(byTurns(items, letter)).to.deep.equal(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
    expect(byTurns([], letter)).to.deep.equal([]);
  });

  it('has every item once, and those of one key in their order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat())), (items) => {
        const ordered = byTurns(items, ([key]) => key);
        expect(ordered).to.have.length(items.length);
        for (const key of ['a', 'b', 'c']) {
          const of = (all: typeof ordered): typeof ordered => all.filter(([each]) => each === key);
          expect(of(ordered)).to.deep.equal(of(items));
        }
      }),
      { seed },
    );
  });
});
