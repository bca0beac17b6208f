import { expect } from 'chai';
import { describeOutcome, run, scenarioOf, shrink } from './run.js';

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1_000_000));
const runs = Number(process.env['MCGMS_SIMULATIONS'] ?? 40);

describe('23.280 10.2.7 two to five systems that fail in every way', () => {
  it(`end equal, each under its own policy (${runs} runs from seed ${seed})`, async function () {
    this.timeout(runs * 1000);
    for (let next = seed; next < seed + runs; next += 1) {
      const outcome = await run(scenarioOf(next));
      if (outcome.violations.length > 0) expect.fail(describeOutcome(await shrink(outcome, 100)));
    }
  });

  it('a seed tells the same story each time', async () => {
    const [one, other] = [await run(scenarioOf(seed)), await run(scenarioOf(seed))];
    expect(other.trace).to.deep.equal(one.trace);
    expect(one.events).to.be.greaterThan(0);
  });
});
