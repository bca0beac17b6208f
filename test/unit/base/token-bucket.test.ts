import { expect } from 'chai';
import { TokenBucket } from '../../../src/base/token-bucket.js';
import { ManualClock } from '../../support/manual-clock.js';

describe('A token bucket', () => {
  const taken = (bucket: TokenBucket, attempts: number): number =>
    Array.from({ length: attempts }, () => bucket.take()).filter((took) => took).length;

  it('lets the burst pass at once, and then the rate', () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ rate: 10, burst: 20 }, clock);
    expect(taken(bucket, 50)).to.equal(20);
    clock.advance(500);
    expect(taken(bucket, 50)).to.equal(5);
    clock.advance(99);
    expect(bucket.take()).to.equal(false);
    clock.advance(1);
    expect(bucket.take()).to.equal(true);
  });

  it('on credit it gives ahead of its time, and makes up for it', () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ rate: 10, burst: 2 }, clock);
    expect(taken(bucket, 5)).to.equal(2);
    expect([bucket.take(2), bucket.take(2), bucket.take(2)]).to.deep.equal([true, true, false]);
    expect(bucket.tokens).to.equal(-2);
    clock.advance(250);
    expect(bucket.take()).to.equal(false);
    clock.advance(50);
    expect(bucket.take()).to.equal(true);
  });

  it('never holds more than the burst', () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ rate: 10, burst: 20 }, clock);
    clock.advance(3_600_000);
    expect(taken(bucket, 50)).to.equal(20);
  });

  for (const jump of [-3_600_000, 3_600_000]) {
    it(`neither fills nor empties when the clock is set by ${jump} ms`, () => {
      const clock = new ManualClock();
      const bucket = new TokenBucket({ rate: 10, burst: 2 }, clock);
      expect(taken(bucket, 5)).to.equal(2);
      clock.jump(jump);
      expect(bucket.take()).to.equal(false);
      clock.advance(100);
      expect(bucket.take()).to.equal(true);
    });
  }
});
