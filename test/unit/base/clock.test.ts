import { expect } from 'chai';
import { systemClock } from '../../../src/base/clock.js';

describe('The clock of the machine', () => {
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
