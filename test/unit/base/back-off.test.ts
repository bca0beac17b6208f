import { expect } from 'chai';
import fc from 'fast-check';
import { backOffDelay } from '../../../src/base/back-off.js';
import type { Random } from '../../../src/base/random.js';
import { seed } from '../../support/seed.js';

describe('Back-off (design D7)', () => {
  const policy = { first: 10_000, cap: 3_600_000 };
  const fixed = (fraction: number): Random => ({ fraction: () => fraction, token: () => '' });

  it('doubles from the first pause, with a jitter of 0.8 to 1.4', () => {
    const least = [1, 2, 3, 4].map((failures) => backOffDelay(policy, failures, fixed(0)));
    expect(least).to.deep.equal([8_000, 16_000, 32_000, 64_000]);
    const most = [1, 2, 3, 4].map((failures) => backOffDelay(policy, failures, fixed(1)));
    expect(most).to.deep.equal([14_000, 28_000, 56_000, 112_000]);
  });

  it(`never exceeds the cap, however many failures, seed ${seed}`, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, fraction) => {
          const delay = backOffDelay(policy, failures, fixed(fraction));
          expect(delay).to.be.within(8_000, policy.cap);
          expect(Number.isInteger(delay)).to.equal(true);
        },
      ),
      { seed },
    );
  });
});
