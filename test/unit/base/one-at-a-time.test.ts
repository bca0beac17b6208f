import { expect } from 'chai';
import type { MonotonicTime } from '../../../src/base/clock.js';
import { ServiceUnavailable } from '../../../src/base/refusals.js';
import { OneAtATime } from '../../../src/base/one-at-a-time.js';

describe('Work that is done one piece at a time', () => {
  const events: string[] = [];
  /** Milliseconds that the work seems to have taken so far. */
  let taken = 0;
  const clock = {
    monotonic: () => taken as MonotonicTime,
    schedule: (delay: number, callback: () => void) => {
      events.push(`${delay} ms`);
      queueMicrotask(callback);
      return () => undefined;
    },
    turn: async (): Promise<void> => {
      events.push('others');
      await Promise.resolve();
    },
  };
  const piece = (name: string) => (): string => {
    events.push(name);
    return name;
  };
  beforeEach(() => {
    events.length = 0;
  });

  it('goes by turns, with a turn of everything else after each', async () => {
    const work = new OneAtATime<string>(clock);
    const all = [
      ...['a1', 'a2', 'a3'].map((name) => work.run('a', piece(name))),
      ...['b1', 'b2'].map((name) => work.run('b', piece(name))),
    ];
    expect(await Promise.all(all)).to.deep.equal(['a1', 'a2', 'a3', 'b1', 'b2']);
    const others = 'others';
    expect(events).to.deep.equal(['a1', others, 'a2', others, 'b1', others, 'a3', others, 'b2', others]);
  });

  it('never overlaps, also where it waits for something itself', async () => {
    const work = new OneAtATime<string>(clock);
    let underWay = 0;
    const waits = async (): Promise<number> => {
      underWay += 1;
      for (let tick = 0; tick < 5; tick += 1) await Promise.resolve();
      const most = underWay;
      underWay -= 1;
      return most;
    };
    const all = ['a', 'b', 'a', 'c'].map((key) => work.run(key, waits));
    expect(await Promise.all(all)).to.deep.equal([1, 1, 1, 1]);
  });

  it('leaves everything else as much time as it took, up to a second', async () => {
    const work = new OneAtATime<string>(clock);
    const takes = (name: string, milliseconds: number) => (): void => {
      events.push(name);
      taken += milliseconds;
    };
    await Promise.all([
      work.run('a', takes('long', 300)),
      work.run('a', takes('longer', 5000)),
      work.run('a', takes('last', 0)),
    ]);
    expect(events).to.deep.equal([
      'long',
      '300 ms',
      'others',
      'longer',
      '1000 ms',
      'others',
      'last',
      'others',
    ]);
  });

  it('does nothing for one who is gone when it is its turn; what is small is done at once', async () => {
    const work = new OneAtATime<string>(clock);
    const giving = new AbortController();
    const first = work.run('a', piece('first'));
    const second = work.runSized('b', 1 << 20, piece('second'), () => giving.signal);
    const small = work.runSized('b', 10, piece('small'), () => giving.signal);
    giving.abort();
    const error: unknown = await second.catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(ServiceUnavailable);
    expect(await Promise.all([first, small])).to.deep.equal(['first', 'small']);
    expect(events).to.deep.equal(['small', 'first', 'others', 'others']);
  });

  it('goes on where a piece fails', async () => {
    const work = new OneAtATime<string>(clock);
    const failed = work.run('a', () => {
      throw new RangeError('no');
    });
    const next = work.run('a', piece('next'));
    let error: unknown;
    try {
      await failed;
    } catch (thrown) {
      error = thrown;
    }
    expect(error).to.be.instanceOf(RangeError);
    expect(await next).to.equal('next');
    expect(await work.run('b', piece('later'))).to.equal('later');
  });
});
