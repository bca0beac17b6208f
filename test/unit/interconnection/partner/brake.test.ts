import { expect } from 'chai';
import { brakes } from '../../../../src/interconnection/partner/brake.js';

describe('design D16: the brake on removals', () => {
  const brake = { groups: 10, percent: 10 };

  for (const [ended, held, expected] of [
    [0, 0, false],
    [0, 100, false],
    [1, 1, false],
    [1, 5, false],
    [2, 2, true],
    [2, 19, true],
    [2, 20, false],
    [10, 100, false],
    [10, 99, true],
    [11, 110, true],
    [11, 100_000, true],
  ] as const) {
    it(`${ended} of ${held} groups: ${expected ? 'none is removed' : 'they are removed'}`, () => {
      expect(brakes(brake, ended, held)).to.equal(expected);
    });
  }

  it('as configured', () => {
    expect(brakes({ groups: 50, percent: 100 }, 50, 50)).to.equal(false);
    expect(brakes({ groups: 50, percent: 100 }, 51, 1000)).to.equal(true);
    expect(brakes({ groups: 0, percent: 0 }, 1, 1000)).to.equal(true);
  });
});
