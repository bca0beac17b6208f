import { expect } from 'chai';
import fc from 'fast-check';
import { SharedBucket } from '../../../src/base/shared-bucket.js';
import { TokenBucket } from '../../../src/base/token-bucket.js';
import { ManualClock } from '../../support/manual-clock.js';
import { seed } from '../../support/seed.js';

describe('A rate that many share (design D21)', () => {
  const rate = { rate: 50, burst: 100 };
  let clock: ManualClock;
  let bucket: SharedBucket<string>;

  beforeEach(() => {
    clock = new ManualClock();
    bucket = new SharedBucket<string>(rate, 25, clock);
  });

  /** How often `user` is served in so many attempts. */
  const taken = (user: string, attempts = 1000): number =>
    Array.from({ length: attempts }, () => bucket.take(user)).filter((took) => took).length;

  it('one alone has the whole burst, and then the whole rate', () => {
    expect(taken('a')).to.equal(100);
    clock.advance(1000);
    expect(taken('a')).to.equal(50);
  });

  it('while one takes without end, another one is served at once, and first until it has had its share', () => {
    taken('a');
    expect(taken('b')).to.equal(13);
    for (let turn = 0; turn < 8; turn += 1) {
      clock.advance(40);
      expect(taken('a'), 'before b has had its share').to.equal(0);
      expect(taken('b', 1)).to.equal(1);
    }
    expect(taken('c', 1), 'who has had nothing yet').to.equal(1);
  });

  it('in debt, those are served first who have taken least', () => {
    taken('a');
    for (const user of ['b', 'c', 'd']) expect(taken(user), user).to.be.at.least(2);
    expect(taken('b')).to.equal(0);
    expect(taken('e', 1)).to.equal(1);
  });

  it('a user who has stopped for a while has credit again', () => {
    taken('a');
    clock.advance(60_000);
    taken('b');
    expect(taken('a', 1)).to.equal(1);
  });

  const steps = fc.array(
    fc.record({
      advance: fc.integer({ min: 0, max: 700 }),
      greedy: fc.integer({ min: 0, max: 150 }),
      newcomers: fc.integer({ min: 0, max: 4 }),
    }),
    { maxLength: 40 },
  );
  const rates = fc.integer({ min: 4, max: 60 });

  it('whatever one takes: the first request of each other is served, and the sum is bounded', () => {
    fc.assert(
      fc.property(rates, steps, (perSecond, all) => {
        const burst = 2 * perSecond;
        const credit = Math.ceil(perSecond / 2);
        clock = new ManualClock();
        bucket = new SharedBucket({ rate: perSecond, burst }, credit, clock);
        // More than the primary can be asked for cannot be served, whoever asks.
        const possible = new TokenBucket({ rate: perSecond, burst: Math.floor(credit / 2) }, clock);
        let served = 0;
        let elapsed = 0;
        let number = 0;
        for (const { advance, greedy, newcomers } of all) {
          clock.advance(advance);
          elapsed += advance;
          served += taken('greedy', greedy);
          for (let each = 0; each < newcomers; each += 1) {
            if (!possible.take()) break;
            number += 1;
            expect(bucket.take(`newcomer ${number}`), `newcomer ${number}`).to.equal(true);
            served += 1;
          }
        }
        expect(served).to.be.at.most(burst + credit + (elapsed / 1000) * perSecond);
      }),
      { seed },
    );
  });

  it('one alone has at any time had at least what a bucket of its own would give', () => {
    fc.assert(
      fc.property(rates, steps, (perSecond, all) => {
        const whole = { rate: perSecond, burst: 2 * perSecond };
        clock = new ManualClock();
        bucket = new SharedBucket(whole, Math.ceil(perSecond / 2), clock);
        const own = new TokenBucket(whole, clock);
        let [shared, alone] = [0, 0];
        for (const { advance, greedy } of all) {
          clock.advance(advance);
          for (let each = 0; each < greedy; each += 1) {
            if (bucket.take('a')) shared += 1;
            if (own.take()) alone += 1;
            expect(shared).to.be.at.least(alone);
          }
        }
      }),
      { seed },
    );
  });
});
