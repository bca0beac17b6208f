import { expect } from 'chai';
import fc from 'fast-check';
import { Places } from '../../../src/base/places.js';
import { seed } from '../../support/seed.js';

describe('Places (design D21)', () => {
  it('one alone may hold all of them, and each other its reserve none the less', () => {
    const places = new Places<string>({ each: 4, all: 4, reserve: 1 });
    const take = (holder: string, times: number): number =>
      Array.from({ length: times }, () => places.take(holder)).filter((took) => took).length;
    expect([take('a', 9), take('b', 9), take('c', 9)]).to.deep.equal([4, 1, 1]);
    places.release('a');
    places.release('a');
    expect(take('b', 9), 'as long as more than all are held').to.equal(0);
    places.release('a');
    expect([take('b', 9), take('a', 9)]).to.deep.equal([1, 0]);
    places.release('a');
    expect(take('a', 9), 'its reserve').to.equal(1);
  });

  it('a place that nobody holds cannot be given back', () => {
    const places = new Places<string>({ each: 1, all: 1, reserve: 1 });
    places.take('a');
    places.release('a');
    expect(() => {
      places.release('a');
    }).to.throw(RangeError);
  });

  it('whatever the others hold, nobody is kept out of its reserve, and the sum is bounded', () => {
    const holders = ['a', 'b', 'c', 'd'];
    const step = fc.record({ holder: fc.constantFrom(...holders), takes: fc.boolean() });
    const limits = fc.record({
      each: fc.integer({ min: 3, max: 9 }),
      all: fc.integer({ min: 1, max: 12 }),
      reserve: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(limits, fc.array(step, { maxLength: 80 }), (most, steps) => {
        const places = new Places<string>(most);
        const held = new Map<string, number>();
        for (const { holder, takes } of steps) {
          const own = held.get(holder) ?? 0;
          if (!takes) {
            if (own > 0) places.release(holder);
            held.set(holder, Math.max(0, own - 1));
            continue;
          }
          const free = places.isFree(holder);
          expect(places.take(holder)).to.equal(free);
          if (own < most.reserve) expect(free).to.equal(true);
          if (free) held.set(holder, own + 1);
          const values = [...held.values()];
          const sum = values.reduce((one, other) => one + other, 0);
          expect(places.held).to.equal(sum);
          expect(Math.max(...values)).to.be.at.most(most.each);
          expect(sum).to.be.at.most(most.all + holders.length * most.reserve);
        }
      }),
      { seed },
    );
  });
});
