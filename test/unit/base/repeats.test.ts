import { expect } from 'chai';
import { countingRepeats } from '../../../src/base/log.js';
import { linesOfOneKind } from '../../../src/base/repeats.js';
import { RecordedLog } from '../../support/log.js';
import { ManualClock } from '../../support/manual-clock.js';

describe('a log that counts repeated lines', () => {
  const make = () => {
    const clock = new ManualClock();
    const written = new RecordedLog();
    return { clock, written, log: countingRepeats(written, clock) };
  };

  it('writes what is said once as it is', () => {
    const { clock, written, log } = make();
    log.info({ a: 1 }, 'one');
    log.warn({ a: 1 }, 'one');
    log.info({ a: 2 }, 'one');
    log.info({ a: 1 }, 'two');
    clock.advance(10_000);
    expect(written.lines.map(({ level, fields, message }) => [level, fields, message])).to.deep.equal([
      ['info', { a: 1 }, 'one'],
      ['warn', { a: 1 }, 'one'],
      ['info', { a: 2 }, 'one'],
      ['info', { a: 1 }, 'two'],
    ]);
    expect(clock.pending).to.equal(0);
  });

  it('writes the same line once a second, and then how often it came again', () => {
    const { clock, written, log } = make();
    for (let time = 0; time < 500; time += 1) log.warn({ reason: 'reset' }, 'not sent');
    expect(written.lines).to.have.length(1);
    clock.advance(1000);
    expect(written.lines).to.have.length(2);
    expect(written.lines[1]).to.deep.equal({
      level: 'warn',
      fields: { reason: 'reset', repeated: 499 },
      message: 'not sent',
    });
    clock.advance(1000);
    log.warn({ reason: 'reset' }, 'not sent');
    clock.advance(1000);
    expect(written.lines).to.have.length(3);
    expect(clock.pending).to.equal(0);
  });

  it('bounds the rate of lines of a kind that differ, and counts the others', () => {
    const { clock, written, log } = make();
    const { burst, rate } = linesOfOneKind;
    for (let number = 0; number < burst + 70; number += 1) log.info({ number }, 'refused');
    log.info({ number: 0 }, 'something else');
    expect(written.lines).to.have.length(burst + 1);
    clock.advance(1000);
    expect(written.lines.at(-1)).to.deep.equal({
      level: 'info',
      fields: { leftOut: 70 },
      message: 'refused',
    });
    written.clear();
    for (let number = 0; number < 70; number += 1) log.info({ number }, 'refused');
    clock.advance(1000);
    expect(written.lines).to.have.length(rate + 1);
    expect(written.lines.at(-1)?.fields).to.deep.equal({ leftOut: 70 - rate });
  });

  it('lets no system hide what is said of another', () => {
    const { clock, written, log } = make();
    for (let number = 0; number < 2000; number += 1) log.warn({ peer: 'b', number }, 'refused');
    log.warn({ peer: 'c', number: 1 }, 'refused');
    expect(written.lines.at(-1)?.fields).to.deep.equal({ peer: 'c', number: 1 });
    clock.advance(1000);
    expect(written.lines.at(-1)?.fields).to.deep.equal({ peer: 'b', leftOut: 2000 - linesOfOneKind.burst });
  });

  it('tells what it has counted when it ends, and waits for nothing then', () => {
    const { clock, written, log } = make();
    for (let time = 0; time < 3; time += 1) log.error({}, 'again');
    log[Symbol.dispose]();
    expect(written.lines.map(({ fields }) => fields)).to.deep.equal([{}, { repeated: 2 }]);
    expect(clock.pending).to.equal(0);
  });

  it('cuts long texts', () => {
    const { written, log } = make();
    log.info({ reason: 'x'.repeat(1_000_000), group: 'g', number: 1 }, 'refused');
    const [line] = written.lines;
    expect(String(line?.fields['reason'])).to.have.length(2001);
    expect(line?.fields).to.include({ group: 'g', number: 1 });
  });
});
