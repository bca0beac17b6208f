import { expect } from 'chai';
import fc from 'fast-check';
import { RequestRefused } from '../../src/base/refusals.js';
import { editTargets } from './edits.js';
import { gateTargets } from './gate.js';
import { longTargets, readAll, uriTargets } from './uris.js';
import { seed } from '../support/seed.js';

/**
 * Random cases by the thousand: `MCGMS_FUZZ_RUNS` says how many in all, `SEED` which. `npm test` runs a
 * few of them, `npm run fuzz` a hundred thousand.
 */

const runs = Number(process.env['MCGMS_FUZZ_RUNS'] ?? 4000);
const targets = [...uriTargets, ...gateTargets, ...editTargets];

describe(`Fuzz: ${runs} runs in all, seed ${seed}`, function () {
  this.timeout(Math.max(10_000, runs * 20));
  const each = Math.ceil(runs / targets.length);

  for (const { title, property } of targets) {
    it(title, () => {
      fc.assert(property, { seed, numRuns: each });
    });
  }
});

describe('A long request-target', () => {
  // At this size whatever takes quadratic time does not come to its end before the test does.
  const size = 400_000;
  for (const [title, write] of longTargets) {
    it(`of ${title} is read in linear time`, () => {
      const [short, long] = [readAll(write(2000)), readAll(write(size), Infinity)];
      if (short instanceof RequestRefused) expect(long).to.be.instanceOf(RequestRefused);
    });
  }
});
