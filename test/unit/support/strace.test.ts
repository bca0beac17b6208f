import { expect } from 'chai';
import { onlyCallOf, parseTrace, requireOrder } from '../../support/strace.js';

describe('parseTrace', () => {
  it('puts the two halves of an interrupted call together and keeps both places', () => {
    const trace = parseTrace(
      [
        '10 execve("/bin/x", ["x"], 0x1 /* 3 vars */) = 0',
        '11 fsync(21</data/a.tmp> <unfinished ...>',
        '10 write(1<pipe:[7]>, "a)b = c", 7) = 7',
        '11 <... fsync resumed>)              = 0',
        '12 rename("/data/a.tmp", "/data/a" <unfinished ...>',
        '11 +++ exited with 0 +++',
      ].join('\n'),
    );
    expect(trace.map(({ name, began, ended, result }) => [name, began, ended, result])).to.deep.equal([
      ['execve', 0, 0, '0'],
      ['fsync', 1, 3, '0'],
      ['write', 2, 2, '7'],
      ['rename', 4, Infinity, undefined],
    ]);
    expect(trace[1]?.arguments).to.equal('21</data/a.tmp>');
    expect(trace[2]?.arguments).to.equal('1<pipe:[7]>, "a)b = c", 7');
  });

  it('sees calls out of order, overlapping ones and failed ones', () => {
    const [first, second, failed, overlapping] = parseTrace(
      [
        '1 fsync(3) = 0',
        '1 fsync(4) = 0',
        '1 fsync(5) = -1 EIO (x)',
        '1 fsync(6 <unfinished ...>',
        '2 a() = 0',
        '1 <... fsync resumed>) = 0',
      ].join('\n'),
    );
    const last = { ...onlyCallOf(parseTrace('2 a() = 0'), ['a'], /^/), began: 4, ended: 4 };
    if (!first || !second || !failed || !overlapping) throw new Error('calls are missing');
    requireOrder([
      ['a', first],
      ['b', second],
    ]);
    expect(() => {
      requireOrder([
        ['b', second],
        ['a', first],
      ]);
    }).to.throw('began before');
    expect(() => {
      requireOrder([
        ['c', failed],
        ['d', overlapping],
      ]);
    }).to.throw('did not succeed');
    expect(() => {
      requireOrder([
        ['d', overlapping],
        ['e', last],
      ]);
    }).to.throw('began before');
  });
});
