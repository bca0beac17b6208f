import { expect } from 'chai';
import { BackgroundPass } from '../../../src/base/background-pass.js';
import { KeyedLock } from '../../../src/base/keyed-lock.js';
import { SingleFlight } from '../../../src/base/single-flight.js';

interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

function gate(): Gate {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    opened,
    open: () => {
      open();
    },
  };
}

/** Lets everything run that waits for nothing. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('A keyed lock', () => {
  it('runs the tasks of one key one after the other, in the order of their calls', async () => {
    const lock = new KeyedLock();
    const first = gate();
    const order: string[] = [];
    const tasks = [
      lock.run('k', async () => {
        order.push('1 begins');
        await first.opened;
        order.push('1 ends');
      }),
      lock.run('k', () => Promise.resolve(order.push('2'))),
      lock.run('k', () => Promise.resolve(order.push('3'))),
    ];
    await settled();
    expect(order).to.deep.equal(['1 begins']);
    first.open();
    await Promise.all(tasks);
    expect(order).to.deep.equal(['1 begins', '1 ends', '2', '3']);
  });

  it('lets other keys pass, `constructor` and the empty one too', async () => {
    const lock = new KeyedLock();
    const held = gate();
    const holder = lock.run('k', () => held.opened);
    for (const key of ['other', 'constructor', '__proto__', '']) {
      expect(await lock.run(key, () => Promise.resolve(key))).to.equal(key);
    }
    held.open();
    await holder;
  });

  it('gives each caller its own result, and the next one its turn after a failure', async () => {
    const lock = new KeyedLock();
    const failing = lock.run('k', () => Promise.reject(new Error('failed')));
    const next = lock.run('k', () => Promise.resolve('next'));
    const outcome = await failing.then(
      () => 'resolved',
      (error: unknown) => (error instanceof Error ? error.message : ''),
    );
    expect(outcome).to.equal('failed');
    expect(await next).to.equal('next');
  });

  it('survives a task that throws before it waits for anything', async () => {
    const lock = new KeyedLock();
    const outcome = await lock
      .run('k', () => {
        throw new Error('at once');
      })
      .catch((error: unknown) => (error instanceof Error ? error.message : ''));
    expect(outcome).to.equal('at once');
    expect(await lock.run('k', () => Promise.resolve(1))).to.equal(1);
    expect(lock.size).to.equal(0);
  });

  it('keeps nothing of keys that nobody uses', async () => {
    const lock = new KeyedLock();
    await Promise.all(
      Array.from({ length: 100 }, (_, key) => lock.run(String(key % 7), () => Promise.resolve())),
    );
    expect(lock.size).to.equal(0);
  });
});

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
