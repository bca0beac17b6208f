import { expect } from 'chai';
import { SingleFlight } from '../../../src/base/single-flight.js';
import { gate } from '../../support/gate.js';

describe('A single flight', () => {
  it('lets callers that want the same share one attempt', async () => {
    const flights = new SingleFlight<number>();
    const held = gate();
    let attempts = 0;
    const task = async (): Promise<number> => {
      attempts += 1;
      await held.opened;
      return attempts;
    };
    const results = [flights.run('k', task), flights.run('k', task), flights.run('k', task)];
    held.open();
    expect(await Promise.all(results)).to.deep.equal([1, 1, 1]);
    expect(await flights.run('k', task)).to.equal(2);
  });

  it('shares a failure too, and tries again afterwards', async () => {
    const flights = new SingleFlight<string>();
    const failing = (): Promise<string> => Promise.reject(new Error('no'));
    const results = await Promise.allSettled([flights.run('k', failing), flights.run('k', failing)]);
    expect(results.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected']);
    expect(await flights.run('k', () => Promise.resolve('yes'))).to.equal('yes');
  });

  it('keeps keys apart', async () => {
    const flights = new SingleFlight<string>();
    const results = ['a', 'b'].map((key) => flights.run(key, () => Promise.resolve(key)));
    expect(await Promise.all(results)).to.deep.equal(['a', 'b']);
  });
});
