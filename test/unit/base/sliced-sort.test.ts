import { expect } from 'chai';
import fc from 'fast-check';
import { sortedBy } from '../../../src/base/sliced-sort.js';
import { seed } from '../../support/seed.js';

describe('Sorting in slices (design D21)', () => {
  it(`gives the order of the whole, equals in the order in which they came (seed ${seed})`, async () => {
    const item = fc.tuple(fc.constantFrom('', 'a', 'b', 'B', 'é', 'aa'), fc.nat());
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, { maxLength: 30 }),
        fc.integer({ min: 0, max: 400 }),
        async (some, times) => {
          const items = Array.from({ length: times }, () => some).flat();
          const sorted = await sortedBy(
            items,
            ([key]) => key,
            () => Promise.resolve(),
          );
          const whole = [...items].sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
          expect(sorted).to.deep.equal(whole);
        },
      ),
      { seed, numRuns: 40 },
    );
  });

  it('gives others their turns, and leaves what it was given alone', async () => {
    const items = Array.from({ length: 30_000 }, (_, n) => String((n * 7919) % 30_000));
    const before = items.join();
    let turns = 0;
    const sorted = await sortedBy(
      items,
      (item) => item,
      () => {
        turns += 1;
        return Promise.resolve();
      },
    );
    expect(sorted).to.deep.equal([...items].sort());
    expect(items.join()).to.equal(before);
    expect(turns).to.be.at.least(20);
  });
});
