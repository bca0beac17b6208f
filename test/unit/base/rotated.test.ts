import { expect } from 'chai';
import { rotated } from '../../../src/base/rotated.js';

describe('A pass that goes on where the last one ended', () => {
  const items = ['b', 'd', 'f'];

  for (const [reached, expected] of [
    [undefined, ['b', 'd', 'f']],
    ['b', ['d', 'f', 'b']],
    ['c', ['d', 'f', 'b']],
    ['f', ['b', 'd', 'f']],
    ['a', ['b', 'd', 'f']],
    ['z', ['b', 'd', 'f']],
  ] as const) {
    it(`begins behind ${reached ?? 'nothing'}`, () => {
      expect(rotated(items, reached)).to.deep.equal(expected);
    });
  }

  it('of nothing is nothing', () => {
    expect(rotated([], 'a')).to.deep.equal([]);
  });
});
