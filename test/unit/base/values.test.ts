import { expect } from 'chai';
import fc from 'fast-check';
import { backOffDelay } from '../../../src/base/back-off.js';
import { BoundedCache } from '../../../src/base/bounded-cache.js';
import { systemClock } from '../../../src/base/clock.js';
import { ConfigurationError, describeError } from '../../../src/base/errors.js';
import { systemRandom, type Random } from '../../../src/base/random.js';
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

describe('A bounded cache', () => {
  it('drops what was used longest ago once the weights exceed the bound', () => {
    const cache = new BoundedCache<string, number>(10);
    cache.set('a', 1, 4);
    cache.set('b', 2, 4);
    expect(cache.get('a')).to.equal(1);
    cache.set('c', 3, 4);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).to.deep.equal([1, undefined, 3]);
  });

  it('may be full to the brim', () => {
    const cache = new BoundedCache<string, number>(8);
    cache.set('a', 1, 4);
    cache.set('b', 2, 4);
    expect([cache.get('a'), cache.get('b')]).to.deep.equal([1, 2]);
  });

  it('does not keep what is heavier than the whole of it, nor the value it would replace', () => {
    const cache = new BoundedCache<string, number>(10);
    cache.set('a', 1, 4);
    cache.set('b', 2, 4);
    cache.set('a', 3, 11);
    expect([cache.get('a'), cache.get('b')]).to.deep.equal([undefined, 2]);
  });

  it('weighs a replaced value anew', () => {
    const cache = new BoundedCache<string, number>(10);
    cache.set('a', 1, 9);
    cache.set('a', 2, 1);
    expect([cache.size, cache.weight, cache.get('a')]).to.deep.equal([1, 1, 2]);
    cache.delete('a');
    cache.delete('a');
    expect([cache.size, cache.weight]).to.deep.equal([0, 0]);
  });

  it(`never weighs more than its bound, seed ${seed}`, () => {
    const step = fc.tuple(fc.constantFrom('set', 'get', 'delete'), fc.nat(5), fc.nat(12));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const cache = new BoundedCache<number, number>(10);
        const weights = new Map<number, number>();
        for (const [action, key, weight] of steps) {
          if (action === 'get') cache.get(key);
          if (action === 'delete') cache.delete(key);
          if (action !== 'set') continue;
          cache.set(key, weight, weight);
          weights.set(key, weight);
          expect(cache.get(key)).to.equal(weight > 10 ? undefined : weight);
        }
        const kept = [...weights.keys()].filter((key) => cache.get(key) !== undefined);
        const sum = kept.reduce((total, key) => total + (cache.get(key) ?? 0), 0);
        expect(cache.weight).to.equal(sum).and.to.be.at.most(10);
        expect(cache.size).to.equal(kept.length);
      }),
      { seed },
    );
  });
});

describe('The operating system as an argument', () => {
  it('gives tokens that do not repeat and need no escaping in an entity tag or a URL', () => {
    const tokens = Array.from({ length: 1000 }, () => systemRandom.token());
    expect(new Set(tokens).size).to.equal(tokens.length);
    for (const token of tokens) expect(token).to.match(/^[A-Za-z0-9_-]{22}$/);
  });

  it('gives fractions from 0 up to but not including 1', () => {
    for (let count = 0; count < 1000; count += 1)
      expect(systemRandom.fraction()).to.be.within(0, 1 - 2 ** -32);
  });

  it('calls once after a delay, unless cancelled', async () => {
    const called: string[] = [];
    const cancel = systemClock.schedule(0, () => called.push('cancelled'));
    cancel();
    await new Promise<void>((resolve) => {
      systemClock.schedule(1, () => {
        called.push('due');
        resolve();
      });
      // The clock's timers keep no process alive; this one does.
      const patience = setTimeout(resolve, 5000);
      systemClock.schedule(2, () => {
        clearTimeout(patience);
      });
    });
    expect(called).to.deep.equal(['due']);
  });
});

describe('Errors', () => {
  it('carry the name of their class, and are described whatever was thrown', () => {
    const error = new ConfigurationError('no such option');
    expect(error.name).to.equal('ConfigurationError');
    expect(describeError(error)).to.equal('no such option');
    expect(describeError('text')).to.equal('text');
    expect(describeError(undefined)).to.equal('undefined');
  });
});
