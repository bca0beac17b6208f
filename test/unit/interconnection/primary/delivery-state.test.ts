import { expect } from 'chai';
import fc from 'fast-check';
import type { DocumentName, ETag } from '../../../../src/base/identifiers.js';
import { withShares, type Delivery, type PartnerAnswer } from '../../../../src/documents/state.js';
import {
  afterAttempt,
  differing,
  firstDelivery,
  owed,
  tryAgain,
  withNews,
  type Attempted,
  type Outcome,
  type Retry,
} from '../../../../src/interconnection/primary/delivery-state.js';
import { groupText } from '../../../support/peers.js';
import { seed } from '../../../support/seed.js';
import { a, b, contentOf, delivery, jointName, ownState, Parts, peer, peers } from '../parts.js';

const answer: PartnerAnswer = { status: 200, at: 5, result: null };
const delivered: Outcome = { kind: 'delivered', partnerETag: '"p"', answer };
const withdrawn: Outcome = { kind: 'withdrawn', withdrawalTag: '"w"', answer };
const parked: Outcome = { kind: 'parked', reason: 'no', answer };
const failed: Outcome = { kind: 'failed', reason: 'no answer', unreachable: false };
const superseded: Outcome = { kind: 'superseded', partnerETag: '"theirs"', withdrawalTag: null };
const retry: Retry = { failures: 3, general: false, at: 99 };

function begun({ change, behind, hold }: Delivery, sent = 't'): Attempted {
  return { change, behind, sent: hold ? (sent as ETag) : null };
}

describe('design D20: what is owed', () => {
  const settled = delivery({ status: 'delivered', acknowledged: 't' as ETag, partnerETag: '"p"', change: 4 });
  const gone = delivery({ status: 'withdrawn', hold: false, withdrawalTag: '"w"', behind: 0, change: 4 });

  it('is nothing to a partner that never was to hold the group', () => {
    expect(owed(undefined, false, true)).to.equal(undefined);
    expect(owed(undefined, true, false)).to.equal(firstDelivery);
  });

  for (const [title, known, hold, changed, expected] of [
    ['a change of the group', settled, true, true, { hold: true, change: 5, behind: 1 }],
    ['a share that ends', settled, false, false, { hold: false, change: 5, behind: 1 }],
    ['a share that comes back', gone, true, false, { hold: true, change: 5, behind: 1 }],
    ['a deletion', settled, false, true, { hold: false, change: 5, behind: 1 }],
  ] as const) {
    it(`${title} raises its number`, () => {
      expect(owed(known, hold, changed)).to.deep.equal({ ...known, status: 'pending', ...expected });
    });
  }

  it('stays as it is where neither the group nor the partner’s part in it changed', () => {
    for (const known of [settled, gone, delivery({ status: 'parked' })]) {
      expect(owed(known, known.hold, false)).to.equal(known);
    }
    expect(owed(gone, false, true), 'what it holds no more').to.equal(gone);
  });

  it('a withdrawal that was refused is tried again with the next change', () => {
    const refused = delivery({ status: 'parked', hold: false, failures: 2, reason: 'no' });
    expect(owed(refused, false, true)).to.deep.include({
      status: 'pending',
      hold: false,
      failures: 0,
      change: 2,
    });
  });

  it('is told again where the partner turns out to hold something else', () => {
    for (const known of [settled, gone]) {
      expect(differing(known, '"other"')).to.deep.equal({
        ...known,
        status: 'pending',
        change: 5,
        behind: 1,
        acknowledged: null,
        partnerETag: '"other"',
        withdrawalTag: null,
      });
    }
  });
});

describe('design D20: what an attempt settles', () => {
  const due = delivery({ change: 4, behind: 3, failures: 2, reason: 'no answer', retryAt: 7 });

  it('its own number: the group is delivered, under the partner’s tag', () => {
    expect(afterAttempt(due, delivered, begun(due), undefined)).to.deep.equal({
      ...firstDelivery,
      status: 'delivered',
      change: 4,
      acknowledged: 't',
      partnerETag: '"p"',
      behind: 0,
      answer,
    });
  });

  it('its own number: the group is withdrawn, and the partner’s tag of that is kept', () => {
    const withdrawal = { ...due, hold: false, acknowledged: 't' as ETag, partnerETag: '"p"' };
    expect(afterAttempt(withdrawal, withdrawn, begun(withdrawal), undefined)).to.deep.equal({
      ...firstDelivery,
      status: 'withdrawn',
      hold: false,
      change: 4,
      withdrawalTag: '"w"',
      behind: 0,
      answer,
    });
  });

  for (const [title, before, hold] of [
    ['unshare, and share again while the DELETE is under way', withNews(delivery(), false), true],
    ['share, and unshare again while the PUT is under way', delivery(), false],
  ] as const) {
    it(`${title}: the partner is told what holds now`, () => {
      const after = withNews(before, hold);
      const outcome = before.hold ? delivered : withdrawn;
      const next = afterAttempt(after, outcome, begun(before), undefined);
      expect(next).to.deep.include({ status: 'pending', hold, change: after.change, behind: 1 });
      expect([next.partnerETag, next.withdrawalTag]).to.deep.equal(
        before.hold ? ['"p"', null] : [null, '"w"'],
      );
    });
  }

  it('nothing where something else is owed by then, whatever came of it', () => {
    const news = withNews(due);
    for (const outcome of [delivered, withdrawn, parked, failed, superseded]) {
      const next = afterAttempt(news, outcome, begun(due), retry);
      expect(next, outcome.kind).to.deep.include({ status: 'pending', change: 5 });
      // News may cure what the partner answered, and no silence.
      expect(next.retryAt, outcome.kind).to.equal(outcome === failed ? 99 : null);
    }
    const answered: Outcome = { ...failed, answer };
    expect(afterAttempt(news, answered, begun(due), retry).retryAt).to.equal(null);
    const asked: Outcome = { ...answered, retryAfter: 7000 };
    expect(afterAttempt(news, asked, begun(due), retry).retryAt).to.equal(99);
  });

  it('counts what is behind from what was sent', () => {
    const news = withNews(withNews(due));
    expect(afterAttempt(news, delivered, begun(due), undefined).behind).to.equal(2);
  });

  it('a failure is kept with its reason, its count and its pause, and with the last answer', () => {
    const known = { ...due, answer };
    expect(afterAttempt(known, failed, begun(due), retry)).to.deep.equal({
      ...known,
      failures: 3,
      reason: 'no answer',
      retryAt: 99,
    });
  });

  it('a refusal parks, without a pause', () => {
    expect(afterAttempt(due, parked, begun(due), undefined)).to.deep.include({
      status: 'parked',
      failures: 3,
      reason: 'no',
      retryAt: null,
    });
  });

  it('superseded: what the partner holds by now is noted, and nothing else', () => {
    const news = withNews(due);
    expect(afterAttempt(news, superseded, begun(due), undefined)).to.deep.equal({
      ...news,
      partnerETag: '"theirs"',
      withdrawalTag: null,
    });
  });

  it('trying again changes nothing of what is owed', () => {
    const { status, failures, reason, general, retryAt, ...rest } = tryAgain(due);
    expect([status, failures, reason, general, retryAt]).to.deep.equal(['pending', 0, null, false, null]);
    expect(due).to.deep.include(rest);
  });
});

describe('design D20: over random edits, shares and answers that come late', () => {
  const users = 'org.openmobilealliance.groups/users/sip:admin@police.example/joint.xml' as DocumentName;
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('put' as const),
        through: fc.constantFrom('global' as const, 'users' as const),
        concerns: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('share' as const, 'unshare' as const) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('begin' as const) }) },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('finish' as const),
        which: fc.nat(3),
        came: fc.constantFrom('acknowledged', 'acknowledged', 'failed', 'parked', 'superseded'),
      }),
    },
  );

  /** The group of one partner, through every entrance, beside a model of what the partner is owed. */
  class Run {
    readonly parts = new Parts(a, peers(peer(b)));
    readonly underWay: Delivery[] = [];
    /** Whether the group is there, lists a member of the partner, and is shared by name. */
    group: 'absent' | 'concerns' | 'others' = 'absent';
    shared = false;
    /** How the last attempt that began with the present number ended. */
    ended: Delivery['status'] = 'pending';
    last: Delivery | undefined;

    async take(taken: typeof step extends fc.Arbitrary<infer Step> ? Step : never): Promise<void> {
      switch (taken.kind) {
        case 'put':
          await this.put(taken.through === 'users', taken.concerns);
          break;
        case 'delete':
          await this.parts.documents.change(jointName, () => ({ kind: 'delete', result: undefined }));
          this.group = 'absent';
          this.shared = false;
          break;
        case 'share':
        case 'unshare':
          if (this.group !== 'absent') await this.share(taken.kind === 'share');
          break;
        case 'begin':
          if (this.last?.status === 'pending' && !this.isUnderWay(this.last)) this.underWay.push(this.last);
          break;
        case 'finish':
          await this.finish(taken.which, taken.came);
      }
      await this.check(taken.kind);
    }

    isUnderWay({ change }: Delivery): boolean {
      return this.underWay.some((attempt) => attempt.change === change);
    }

    async put(throughUsers: boolean, concerns: boolean): Promise<void> {
      const { documents } = this.parts;
      const mayUseUsers = this.group === 'absent' || documents.isTaken(users);
      const members = ['sip:unit-71@police.example', ...(concerns ? ['sip:boat-1@fire.example'] : [])];
      await documents.change(throughUsers && mayUseUsers ? users : jointName, (current) => ({
        kind: 'put',
        placement: {
          key: jointName,
          names: throughUsers && mayUseUsers ? [jointName, users] : (current?.names ?? [jointName]),
        },
        content: contentOf(ownState(groupText({ members }))),
        result: () => undefined,
      }));
      this.group = concerns ? 'concerns' : 'others';
    }

    async share(shared: boolean): Promise<void> {
      await this.parts.documents.amend(jointName, ({ state }) => withShares(state, shared ? [b] : []));
      this.shared = shared;
    }

    async finish(which: number, came: string): Promise<void> {
      const attempt = this.underWay.splice(which % Math.max(1, this.underWay.length), 1)[0];
      if (attempt === undefined) return;
      const acknowledged = attempt.hold ? delivered : withdrawn;
      const outcome = { acknowledged, failed, parked, superseded }[came] ?? failed;
      await this.parts.documents.amend(jointName, ({ state }) => {
        const known = state.deliveries[b] ?? expect.fail('what is owed was dropped');
        const next = afterAttempt(known, outcome, begun(attempt), came === 'failed' ? retry : undefined);
        return { ...state, deliveries: { ...state.deliveries, [b]: next } };
      });
      const known = this.last;
      if (came === 'superseded') return;
      const isOwn = known?.change === attempt.change;
      this.ended = !isOwn || outcome.kind === 'failed' ? 'pending' : (outcome.kind as Delivery['status']);
    }

    async check(kind: string): Promise<void> {
      const state = await this.parts.state();
      const present = state?.deliveries[b];
      const holds = this.group === 'concerns' || (this.group === 'others' && this.shared);
      if (this.last === undefined && present === undefined) {
        expect(holds, 'it was to be told').to.equal(false);
        return;
      }
      if (present === undefined) throw new Error('what is owed was dropped');
      expect(state?.concerned).to.deep.equal([b]);
      expect(present.hold, 'whether it is to hold the group').to.equal(holds);
      const former = this.last?.change ?? 0;
      if (present.change !== former) {
        expect(present.change).to.equal(former + 1);
        expect(kind).not.to.be.oneOf(['begin', 'finish']);
        this.ended = 'pending';
      }
      expect(present.status).to.equal(this.ended);
      expect(present.behind === 0, 'nothing is behind').to.equal(
        present.status === 'delivered' || present.status === 'withdrawn',
      );
      if (present.status === 'delivered') expect(present.hold).to.equal(true);
      if (present.status === 'withdrawn') expect(present.hold).to.equal(false);
      this.last = present;
    }
  }

  it(`an acknowledgement settles its own number only, and nothing else ends what is owed, seed ${seed}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const run = new Run();
        for (const taken of steps) await run.take(taken);
      }),
      { seed, numRuns: 200 },
    );
  });

  it('a withdrawal that is pending survives the deletion and a put through the users tree', async () => {
    const run = new Run();
    await run.take({ kind: 'put', through: 'global', concerns: true });
    await run.take({ kind: 'begin' });
    await run.take({ kind: 'finish', which: 0, came: 'acknowledged' });
    expect(run.last?.status).to.equal('delivered');
    await run.take({ kind: 'delete' });
    await run.take({ kind: 'put', through: 'users', concerns: false });
    expect(run.last).to.deep.include({ status: 'pending', hold: false, partnerETag: '"p"' });
  });
});
