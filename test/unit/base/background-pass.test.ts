import { expect } from 'chai';
import { BackgroundPass } from '../../../src/base/background-pass.js';
import { gate, settled } from '../../support/gate.js';

describe('A background pass', () => {
  it('begins again where the reason for it comes up while it is under way', async () => {
    const steps = [gate(), gate()];
    let passes = 0;
    const pass = new BackgroundPass(async (isOver) => {
      const step = steps[passes];
      passes += 1;
      await step?.opened;
      if (passes === 1) expect(isOver()).to.equal(true);
    });
    pass.start();
    await settled();
    pass.start();
    pass.start();
    expect(passes).to.equal(1);
    steps[0]?.open();
    await settled();
    expect(passes).to.equal(2);
    steps[1]?.open();
    await settled();
    expect(passes).to.equal(2);
    await pass.close();
  });

  it('ends after its present step once closed, and never starts again', async () => {
    const step = gate();
    let over = false;
    let passes = 0;
    const pass = new BackgroundPass(async (isOver) => {
      passes += 1;
      await step.opened;
      over = isOver();
    });
    pass.start();
    const closed = pass.close();
    step.open();
    await closed;
    expect(over).to.equal(true);
    pass.start();
    await settled();
    expect(passes).to.equal(1);
  });

  it('may be closed before it ever started', async () => {
    await new BackgroundPass(() => Promise.resolve()).close();
  });
});
