import { expect } from 'chai';
import { BoundedRefusals } from '../../../src/audit/bounded-refusals.js';
import type { AuditEvent } from '../../../src/audit/events.js';
import { linesOfOneKind } from '../../../src/base/repeats.js';
import { ManualClock } from '../../support/manual-clock.js';

const refusal = (peer: string, number: number): AuditEvent => ({
  event: 'refused',
  peer,
  group: `sip:group-${number}@police.example`,
  method: 'PUT',
  status: 409,
  stage: 'reception',
  reason: 'no',
});

describe('what the audit log is told of refusals', () => {
  it('each is written or counted, so that their sum is what happened', () => {
    const clock = new ManualClock();
    const written: AuditEvent[] = [];
    const refusals = new BoundedRefusals(clock, (event) => written.push(event));
    const happened = 5000;
    for (let number = 0; number < happened; number += 1) {
      const event = refusal('b', number % 3000);
      if (refusals.admits(event)) written.push(event);
      if (number % 1000 === 999) clock.advance(300);
    }
    refusals.close();
    expect(clock.pending).to.equal(0);
    const single = written.filter(({ event }) => event === 'refused').length;
    const counted = written.reduce(
      (sum, event) => sum + (event.event === 'refused-more' ? event.events : 0),
      0,
    );
    expect(single + counted).to.equal(happened);
    expect(single).to.be.within(linesOfOneKind.burst, linesOfOneKind.burst + 2 * linesOfOneKind.rate);
  });

  it('one peer takes no room of another', () => {
    const refusals = new BoundedRefusals(new ManualClock(), () => undefined);
    for (let number = 0; number < 5000; number += 1) refusals.admits(refusal('b', number));
    expect(refusals.admits(refusal('c', 1))).to.equal(true);
  });

  it('what changed something, and what an administrator did, is never left out', () => {
    const refusals = new BoundedRefusals(new ManualClock(), () => undefined);
    const by = { by: 'administrator', identity: 'sip:admin@police.example' };
    const events: readonly AuditEvent[] = [
      { event: 'operation', ...by, operation: 'retry', peer: 'b', group: null, outcome: '0 tried' },
      {
        event: 'write',
        ...by,
        method: 'PUT',
        document: 'd',
        node: null,
        before: null,
        after: 't',
        status: 201,
      },
      { event: 'received', peer: 'b', group: 'g', before: null, tag: 't' },
    ];
    for (let time = 0; time < 3000; time += 1) {
      for (const event of events) expect(refusals.admits(event)).to.equal(true);
    }
  });
});
