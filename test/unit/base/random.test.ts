import { expect } from 'chai';
import { systemRandom } from '../../../src/base/random.js';

describe('The randomness of the operating system', () => {
  it('gives tokens that do not repeat and need no escaping in an entity tag or a URL', () => {
    const tokens = Array.from({ length: 1000 }, () => systemRandom.token());
    expect(new Set(tokens).size).to.equal(tokens.length);
    for (const token of tokens) expect(token).to.match(/^[A-Za-z0-9_-]{22}$/);
  });

  it('gives fractions from 0 up to but not including 1', () => {
    for (let count = 0; count < 1000; count += 1)
      expect(systemRandom.fraction()).to.be.within(0, 1 - 2 ** -32);
  });
});
