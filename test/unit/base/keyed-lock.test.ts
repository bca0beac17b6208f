import { expect } from 'chai';
import { KeyedLock } from '../../../src/base/keyed-lock.js';
import { gate, settled } from '../../support/gate.js';

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
