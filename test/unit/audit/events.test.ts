import { expect } from 'chai';
import fc from 'fast-check';
import { auditLine, type AuditEvent } from '../../../src/audit/events.js';

const time = Date.UTC(2026, 0, 1, 12);

function parking(reason: string, group = 'sip:g@police.example'): AuditEvent {
  return { event: 'parked', peer: 'b', group, tag: 't', status: 409, reason };
}

describe('A line of the audit log', () => {
  it('is one JSON value with the time in front', () => {
    const line = auditLine(time, parking('the partner answered 409'));
    expect(JSON.parse(line)).to.deep.equal({
      time: '2026-01-01T12:00:00.000Z',
      ...parking('the partner answered 409'),
    });
    expect(line.startsWith('{"time":"2026-01-01T12:00:00.000Z"')).to.equal(true);
  });

  it('stays one line, printable, whatever a value says', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.string({ unit: 'binary' }),
        (reason, group) => {
          const line = auditLine(time, parking(reason, group));
          expect(line).to.match(/^[^\p{Cc}\p{Cf}\u2028\u2029]*$/u);
          const read = JSON.parse(line) as { readonly reason: string; readonly group: string };
          expect(read.reason).to.equal(reason);
          expect(Object.keys(read)).to.deep.equal(['time', ...Object.keys(parking(''))]);
        },
      ),
    );
  });

  it('cannot be made to look like another event', () => {
    const forged = '"}\n{"time":"2026-01-01T12:00:00.000Z","event":"write","by":"administrator"';
    const line = auditLine(time, parking(forged));
    expect(line.split('\n')).to.have.lengthOf(1);
    expect(JSON.parse(line)).to.include({ event: 'parked', reason: forged });
  });

  it('holds no more than the beginning of a long value', () => {
    const line = auditLine(time, parking('x'.repeat(1_000_000)));
    expect(line.length).to.be.below(3000);
    expect(JSON.parse(line))
      .to.have.property('reason')
      .that.matches(/^x{2000}…$/);
  });
});
