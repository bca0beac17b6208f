import { expect } from 'chai';
import fc from 'fast-check';
import { BoundedCache } from '../../../src/base/bounded-cache.js';
import { seed } from '../../support/seed.js';

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
