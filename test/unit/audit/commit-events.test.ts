import { expect } from 'chai';
import type { AuditEvent } from '../../../src/audit/events.js';
import type { ETag } from '../../../src/base/identifiers.js';
import type { Delivery, DocumentState, PartnerAnswer } from '../../../src/documents/state.js';
import {
  afterAttempt,
  differing,
  tryAgain,
  withNews,
  type Failure,
  type Outcome,
} from '../../../src/interconnection/primary/delivery-state.js';
import { eventsOf } from '../../../src/audit/commit-events.js';
import { policyAuid } from '../../../src/policy/usage.js';
import { groupText } from '../../support/peers.js';
import { a, b, delivery, joint, jointName, ownState, receivedState } from '../interconnection/parts.js';

const group = joint;

function told(before: DocumentState | undefined, after: DocumentState): readonly AuditEvent[] {
  return eventsOf({ key: jointName, before, after });
}

const answer = (status: number, at: number): PartnerAnswer => ({ status, at, result: null });

describe('The events of a commit', () => {
  const state = ownState(groupText(), {}, 't1');
  const withDelivery = (one: Delivery | undefined): DocumentState => ({
    ...state,
    deliveries: one === undefined ? {} : { b: one },
  });
  /** What is told when `former` becomes what this outcome of an attempt makes of it. */
  const attempted = (
    former: Delivery,
    outcome: Outcome,
    { sent = 't1', change = former.change }: { sent?: string | null; change?: number } = {},
  ): readonly AuditEvent[] => {
    const retry =
      outcome.kind === 'failed' ? { failures: former.failures + 1, general: false, at: 9 } : undefined;
    const begun = { sent: sent as ETag | null, change, behind: former.behind };
    return told(withDelivery(former), withDelivery(afterAttempt(former, outcome, begun, retry)));
  };

  it('do not tell of a delivery that is still due', () => {
    expect(told(undefined, withDelivery(delivery()))).to.deep.equal([]);
    const delivered = delivery({ status: 'delivered', acknowledged: 't0' as ETag });
    expect(told(withDelivery(delivered), withDelivery(withNews(delivered)))).to.deep.equal([]);
    expect(told(withDelivery(delivered), withDelivery(withNews(delivered, false)))).to.deep.equal([]);
  });

  it('do not tell of a difference that a comparison found', () => {
    const delivered = delivery({ status: 'delivered', acknowledged: 't1' as ETag, partnerETag: '"p"' });
    for (const etag of ['"other"', null]) {
      expect(told(withDelivery(delivered), withDelivery(differing(delivered, etag)))).to.deep.equal([]);
    }
    const withdrawn = delivery({ status: 'withdrawn', hold: false });
    expect(told(withDelivery(withdrawn), withDelivery(differing(withdrawn, '"p"')))).to.deep.equal([]);
  });

  it('tell of a delivery, with the tag of what was sent', () => {
    const outcome: Outcome = { kind: 'delivered', partnerETag: '"p"', answer: answer(201, 5) };
    const expected = [{ event: 'delivered', peer: b, group, tag: 't1', status: 201 }];
    expect(attempted(delivery(), outcome)).to.deep.equal(expected);
    const before = delivery({ acknowledged: 't0' as ETag, answer: answer(201, 1) });
    expect(attempted(before, outcome)).to.deep.equal(expected);
  });

  it('tell of a delivery of what has changed since it was sent', () => {
    const outcome: Outcome = { kind: 'delivered', partnerETag: '"p"', answer: answer(200, 5) };
    const changed = delivery({ change: 4 });
    expect(attempted(changed, outcome, { sent: 't0', change: 3 })).to.deep.equal([
      { event: 'delivered', peer: b, group, tag: 't0', status: 200 },
    ]);
    const again = delivery({ change: 4, hold: false, acknowledged: 't0' as ETag });
    expect(attempted(again, outcome, { sent: 't0', change: 3 }), 'the same form once more').to.deep.equal([
      { event: 'delivered', peer: b, group, tag: 't0', status: 200 },
    ]);
  });

  it('tell of the same form delivered once more', () => {
    const outcome: Outcome = { kind: 'delivered', partnerETag: '"p"', answer: answer(200, 9) };
    const before = delivery({ acknowledged: 't1' as ETag, answer: answer(201, 1) });
    expect(attempted(before, outcome)).to.deep.equal([
      { event: 'delivered', peer: b, group, tag: 't1', status: 200 },
    ]);
  });

  it('tell of a delivery that failed, and failed again', () => {
    const failed: Failure = { kind: 'failed', reason: 'no answer in time', unreachable: true };
    const expected = [
      { event: 'not-delivered', peer: b, group, tag: 't1', status: null, reason: 'no answer in time' },
    ];
    expect(attempted(delivery(), failed)).to.deep.equal(expected);
    expect(
      attempted(delivery({ failures: 1, reason: 'no answer in time', retryAt: 3 }), failed),
    ).to.deep.equal(expected);
    const known = delivery({ acknowledged: 't0' as ETag });
    expect(attempted(known, { ...failed, answer: answer(503, 3) })).to.deep.equal([
      { ...expected[0], status: 503 },
    ]);
  });

  it('tell of a delivery that was parked, with the reason, and not of its new attempt', () => {
    const outcome: Outcome = {
      kind: 'parked',
      reason: 'the partner answered 409',
      answer: answer(409, 5),
    };
    expect(attempted(delivery(), outcome)).to.deep.equal([
      { event: 'parked', peer: b, group, tag: 't1', status: 409, reason: 'the partner answered 409' },
    ]);
    const parked = delivery({ status: 'parked', reason: 'no', answer: answer(409, 5) });
    expect(told(withDelivery(parked), withDelivery(tryAgain(parked)))).to.deep.equal([]);
  });

  it('tell of a withdrawal, acknowledged for the first time or again', () => {
    const outcome: Outcome = { kind: 'withdrawn', withdrawalTag: '"w"', answer: answer(200, 7) };
    const expected = [{ event: 'withdrawn', peer: b, group, status: 200 }];
    const due = delivery({ hold: false, acknowledged: 't1' as ETag });
    expect(attempted(due, outcome, { sent: null })).to.deep.equal(expected);
    const unsure = delivery({ hold: false });
    expect(attempted(unsure, outcome, { sent: null }), 'of a group that nobody acknowledged').to.deep.equal(
      expected,
    );
    const again = delivery({ hold: false, withdrawalTag: '"w"', answer: answer(200, 3) });
    expect(attempted(again, outcome, { sent: null })).to.deep.equal(expected);
  });

  it('tell of what a partner was owed and is not any more, and not of a withdrawal that is remembered no more', () => {
    for (const status of ['pending', 'parked', 'delivered'] as const) {
      const before = { ...state, deliveries: { left: delivery({ status }) } };
      expect(told(before, withDelivery(undefined)), status).to.deep.equal([
        { event: 'forgotten', peer: 'left', group },
      ]);
    }
    const withdrawn = delivery({ status: 'withdrawn', hold: false });
    expect(told(withDelivery(withdrawn), withDelivery(undefined))).to.deep.equal([]);
  });

  it('tell of the withdrawal of a group that has come again meanwhile', () => {
    const outcome: Outcome = { kind: 'withdrawn', withdrawalTag: null, answer: answer(200, 7) };
    const before = delivery({ acknowledged: 't0' as ETag, change: 3 });
    expect(attempted(before, outcome, { sent: null, change: 2 })).to.deep.equal([
      { event: 'withdrawn', peer: b, group, status: 200 },
    ]);
  });

  it('do not tell again of another partner’s delivery', () => {
    const parked = delivery({ status: 'parked', reason: 'no', answer: answer(409, 5) });
    const before = { ...state, deliveries: { a: parked, b: delivery() } };
    const after = {
      ...state,
      deliveries: { a: parked, b: delivery({ status: 'delivered', acknowledged: 't1' as ETag }) },
    };
    expect(told(before, after).map((event) => [event.event, 'peer' in event && event.peer])).to.deep.equal([
      ['delivered', b],
    ]);
  });

  it('tell of a received group, and of what the policies made of it', () => {
    const plain = receivedState(groupText(), a);
    expect(told(undefined, plain)).to.deep.equal([
      { event: 'received', peer: a, group, before: null, tag: plain.received?.etag },
    ]);
    const received = plain.received;
    if (received === null) throw new Error('no received document');
    const modification = { path: '/x', before: '1', after: '2' };
    const modified: DocumentState = {
      ...ownState('effective', {}, 'e2'),
      received: {
        ...received,
        etag: 'r2' as ETag,
        modifications: [
          { ...modification, template: 'p/one' },
          { ...modification, template: 'p/two' },
          { ...modification, template: 'p/one' },
        ],
        omitted: 4,
      },
    };
    expect(told(plain, modified)).to.deep.equal([
      { event: 'received', peer: a, group, before: received.etag, tag: 'r2' },
      { event: 'policy', peer: a, group, tag: 'e2', templates: ['p/one', 'p/two'], modifications: 7 },
    ]);
    const bare = { ...modified, ...ownState('effective', {}, 'e3') };
    const withoutPolicy = { ...bare, received: { ...received, etag: 'r2' as ETag } };
    expect(told(modified, withoutPolicy), 'the policy went').to.deep.equal([
      { event: 'policy', peer: a, group, tag: 'e3', templates: [], modifications: 0 },
    ]);
    expect(told(modified, { ...modified }), 'nothing new').to.deep.equal([]);
  });

  it('tell of a received group that is no longer held', () => {
    const before = receivedState(groupText(), a);
    expect(told(before, { ...before, current: null, received: null })).to.deep.equal([
      { event: 'removed', peer: a, group, tag: before.received?.etag },
    ]);
  });

  it('tell nothing of documents of other usages', () => {
    const before = { ...withDelivery(delivery()), auid: policyAuid };
    expect(told(before, { ...before, deliveries: {} })).to.deep.equal([]);
  });
});
