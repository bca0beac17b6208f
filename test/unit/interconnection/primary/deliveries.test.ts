import { expect } from 'chai';
import type { ETag, GroupId } from '../../../../src/base/identifiers.js';
import { ConstraintFailure, writeXcapError } from '../../../../src/xcap/conflicts.js';
import type { Delivery } from '../../../../src/documents/state.js';
import { terms } from '../../../../src/documents/index-terms.js';
import { groupsUnder } from '../../../../src/groups/groups-under.js';
import { groupMediaType, groupsAuid, nameOfGroup } from '../../../../src/groups/names.js';
import { Deliveries } from '../../../../src/interconnection/primary/deliveries.js';
import {
  NoAnswer,
  NoAnswerInTime,
  NoConnection,
  Nonsense,
  type OutboundAnswer,
} from '../../../../src/outbound/client.js';
import {
  provisionFailed,
  provisionSucceeded,
  resultMediaType,
  type Result,
} from '../../../../src/interconnection/result/result.js';
import { writeResult } from '../../../../src/interconnection/result/write-result.js';
import { mediaTypes } from '../../../../src/xcap/media-types.js';
import { StoreFailure } from '../../../../src/store/store.js';
import { Gate, groupText } from '../../../support/peers.js';
import {
  a,
  answer,
  b,
  bodiless,
  c,
  delivery,
  joint,
  jointName,
  ownState,
  Parts,
  peer,
  peers,
  signed,
  silence,
  steady,
} from '../parts.js';

const backOff = { first: 1000, cap: 60_000 };
const first = 800;
const parallel = 4;
const day = 24 * 3_600_000;

/** What a delivery comes to; when it is tried again and what was answered is another matter. */
function told(changes: Partial<Delivery> = {}): Partial<Delivery> {
  const { status, acknowledged, partnerETag, failures, reason } = delivery(changes);
  return { status, acknowledged, partnerETag, failures, reason };
}

const other = 'sip:other@police.example' as GroupId;

describe('23.280 10.2.7.2: delivery to partner MC systems', () => {
  let parts: Parts;
  let deliveries: Deliveries;

  beforeEach(() => {
    parts = new Parts(a, peers(peer(b)));
    deliveries = begin();
  });

  afterEach(async () => {
    await deliveries.close();
  });

  function begin(): Deliveries {
    const begun = new Deliveries({ ...parts.tools, random: steady }, { backOff, parallel });
    parts.documents.addListener((change) => {
      begun.wake(change);
    });
    return begun;
  }

  const known = async (groupId = joint): Promise<Delivery | undefined> =>
    (await parts.state(groupId))?.deliveries[b];

  type Said = 'group information delivered' | 'group information not delivered' | 'group information parked';

  /** Waits until an attempt came to this, and no other one is under way. */
  const said = async (message: Said): Promise<void> => {
    await parts.log.line(message);
    await new Promise((resolve) => setImmediate(resolve));
  };

  describe('what each status means (design D16)', () => {
    const done = new Set([200, 201, 204]);
    const withdrawn = new Set([200, 204, 404, 410]);
    const retried = new Set([401, 408, 429, 304]);

    /** Every number that an HTTP message could carry. */
    const statuses = Array.from({ length: 900 }, (_, i) => i + 100).filter((status) => status !== 412);

    const expected = (status: number, good: ReadonlySet<number>): Said => {
      if (good.has(status)) return 'group information delivered';
      const parks = status >= 300 && status < 500 && !retried.has(status);
      return parks ? 'group information parked' : 'group information not delivered';
    };

    it('in answer to a PUT', async () => {
      for (const status of statuses) {
        parts = new Parts(a, peers(peer(b)));
        const loop = begin();
        parts.client.answers(signed(status, { etag: '"t"' }));
        await parts.put(joint, groupText());
        await said(expected(status, done));
        expect(parts.log.lines, String(status)).to.have.length(1);
        const delivered = await known();
        if (done.has(status)) {
          const acknowledged = (await parts.state())?.current?.etag ?? null;
          expect(delivered).to.deep.include(told({ status: 'delivered', acknowledged, partnerETag: '"t"' }));
          expect(delivered?.answer?.status).to.equal(status);
        } else {
          const parked = expected(status, done) === 'group information parked';
          expect(delivered, String(status)).to.deep.include(
            told({
              status: parked ? 'parked' : 'pending',
              failures: 1,
              reason: `the partner answered ${status}`,
            }),
          );
        }
        expect(parts.client.requests, String(status)).to.have.length(1);
        await loop.close();
      }
    });

    it('in answer to a DELETE', async () => {
      for (const status of statuses) {
        parts = new Parts(a, peers(peer(b)));
        const loop = begin();
        await parts.plant(jointName, ownState(groupText(), { b: delivery({ status: 'delivered' }) }));
        parts.client.answers(signed(status));
        await parts.delete(joint);
        await said(expected(status, withdrawn));
        expect(parts.log.lines, String(status)).to.have.length(1);
        const state = await parts.state();
        if (withdrawn.has(status)) {
          const { status: now, hold, acknowledged, behind } = state?.deliveries[b] ?? delivery();
          expect([now, hold, acknowledged, behind], String(status)).to.deep.equal([
            'withdrawn',
            false,
            null,
            0,
          ]);
        } else
          expect(state?.deliveries[b]?.reason, String(status)).to.equal(`the partner answered ${status}`);
        await loop.close();
      }
    });

    for (const method of ['PUT', 'DELETE'] as const) {
      it(`nothing, in answer to a ${method}, where nothing shows that the partner itself answered (D20)`, async () => {
        for (const status of statuses) {
          parts = new Parts(a, peers(peer(b)));
          const loop = begin();
          const page = { 'content-type': 'text/html', etag: '"page"' };
          parts.client.otherwise = () => answer(status, page, '<html></html>');
          if (method === 'PUT') await parts.put(joint, groupText());
          else {
            await parts.plant(jointName, ownState(groupText(), { b: delivery({ status: 'delivered' }) }));
            await parts.delete(joint);
          }
          await said('group information not delivered');
          expect(parts.client.requests[0]?.method).to.equal(method);
          expect(await known(), String(status)).to.deep.include({
            status: 'pending',
            hold: method === 'PUT',
            failures: 1,
          });
          await loop.close();
        }
      });
    }

    it('a success that nobody signed counts once the partner shows the very document', async () => {
      const shown = (text: string) => answer(200, { 'content-type': groupMediaType, etag: '"t"' }, text);
      parts.client.answers(
        answer(200),
        shown(groupText({ name: 'Another' })),
        answer(200),
        shown(groupText()),
      );
      await parts.put(joint, groupText());
      await said('group information not delivered');
      parts.clock.advance(first);
      await said('group information delivered');
      expect(parts.client.requests.map(({ method }) => method)).to.deep.equal(['PUT', 'GET', 'PUT', 'GET']);
      expect(await known()).to.deep.include({ status: 'delivered', partnerETag: '"t"' });
    });

    it('an absence that nobody signed counts where an XCAP server stands there (RFC 4825 clause 12)', async () => {
      const caps = answer(200, { 'content-type': mediaTypes.caps });
      parts.client.answers(answer(404), answer(404), answer(404), answer(404), answer(404), caps);
      await parts.plant(jointName, ownState(groupText(), { b: delivery({ status: 'delivered' }) }));
      await parts.delete(joint);
      await said('group information not delivered');
      expect((await known())?.status).to.equal('pending');
      parts.clock.advance(first);
      await said('group information delivered');
      expect((await known())?.status).to.equal('withdrawn');
    });

    it('weak and missing tags of a partner are told to the operator, and the group is delivered', async () => {
      for (const etag of ['W/"t"', undefined]) {
        parts = new Parts(a, peers(peer(b)));
        const loop = begin();
        parts.client.otherwise = ({ method }) => signed(method === 'PUT' ? 200 : 204, etag ? { etag } : {});
        await parts.put(joint, groupText());
        await said('group information delivered');
        expect(await known()).to.deep.include({ status: 'delivered', partnerETag: null });
        expect((await known())?.answer?.remark).to.include('no strong entity tag');
        await loop.close();
      }
    });

    it('a partner without tags is told of changes all the same: without a condition, as none can name its copy', async () => {
      parts.client.answers(
        signed(201),
        signed(412),
        answer(200, { 'content-type': groupMediaType }, groupText()),
        signed(200),
      );
      await parts.put(joint, groupText());
      await said('group information delivered');
      parts.log.clear();
      await parts.put(joint, groupText({ name: 'Newer' }));
      await said('group information delivered');
      const last = parts.client.requests.at(-1);
      expect(last?.body).to.equal(groupText({ name: 'Newer' }));
      expect(last?.headers).not.to.have.any.keys('If-Match', 'If-None-Match');
    });

    it('the first provision says that no withdrawal is known; one after a withdrawal names it (D20)', async () => {
      const withdrawal = { 'mcgms-withdrawal': '"w"' };
      parts.client.answers(
        signed(201, { etag: '"t"' }),
        signed(200, withdrawal),
        signed(201, { etag: '"u"' }),
      );
      await parts.put(joint, groupText());
      await said('group information delivered');
      parts.log.clear();
      await parts.delete(joint);
      await said('group information delivered');
      parts.log.clear();
      await parts.put(joint, groupText());
      await said('group information delivered');
      const conditions = parts.client.requests.map(({ headers }) => [
        headers['If-Match'],
        headers['If-None-Match'],
        headers['MCGMS-Withdrawal'],
      ]);
      expect(conditions).to.deep.equal([
        [undefined, '*', 'none'],
        ['"t"', undefined, undefined],
        [undefined, '*', '"w"'],
      ]);
    });
  });

  it('a failure is kept with its reason and its count, and so is the success after it', async () => {
    parts.client.answers(new NoAnswer('no answer in time'), answer(503), answer(201, { etag: '"t"' }));
    await parts.put(joint, groupText());
    await said('group information not delivered');
    expect(await known()).to.deep.include(told({ failures: 1, reason: 'no answer in time' }));
    parts.log.clear();
    parts.clock.advance(first);
    await said('group information not delivered');
    expect(await known()).to.deep.include(told({ failures: 2, reason: 'the partner answered 503' }));
    parts.clock.advance(2 * first);
    await said('group information delivered');
    expect(await known()).to.deep.include({ status: 'delivered', failures: 0, reason: null });
  });

  it('what is acknowledged is what was sent, not what came meanwhile', async () => {
    const gate: { open: () => void } = { open: () => undefined };
    parts.client.answers(
      new Promise((resolve) => {
        gate.open = () => {
          resolve(answer(201, { etag: '"t"' }));
        };
      }),
      answer(500),
    );
    await parts.put(joint, groupText());
    const sent = (await parts.state())?.current?.etag;
    await parts.client.request(1);
    await parts.put(joint, groupText({ name: 'Newer' }));
    gate.open();
    await said('group information not delivered');
    expect(await known()).to.deep.include({ status: 'pending', acknowledged: sent, partnerETag: '"t"' });
    expect((await parts.client.request(2)).body).to.equal(groupText({ name: 'Newer' }));
  });

  it('a withdrawal is owed to each partner until that one has acknowledged it, and is remembered', async () => {
    parts = new Parts(a, peers(peer(b), peer(c)));
    const loop = begin();
    const members = ['sip:boat-1@fire.example', 'sip:crane@port.example'];
    const text = groupText({ members });
    await parts.plant(
      jointName,
      ownState(text, { b: delivery({ status: 'delivered' }), c: delivery({ status: 'delivered' }) }),
    );
    parts.client.otherwise = ({ url }) => signed(url.startsWith('http://b.') ? 200 : 503);
    await parts.delete(joint);
    await parts.log.line('group information delivered');
    await said('group information not delivered');
    const statuses = async (): Promise<unknown> => {
      const { current, deliveries: left = {} } = (await parts.state()) ?? {};
      return [current, left[b]?.status, left[c]?.status];
    };
    expect(await statuses()).to.deep.equal([null, 'withdrawn', 'pending']);
    parts.client.otherwise = () => signed(404);
    parts.log.clear();
    parts.clock.advance(first);
    await said('group information delivered');
    expect(await statuses()).to.deep.equal([null, 'withdrawn', 'withdrawn']);
    await loop.close();
  });

  it('a store that refuses to keep the outcome: the partner is asked again after the pause', async () => {
    parts.client.otherwise = ({ method }) => answer(method === 'GET' ? 404 : 201, { etag: '"t"' });
    await parts.plant(jointName, ownState(groupText(), { b: delivery() }));
    parts.store.failure = new StoreFailure('the medium refuses');
    deliveries.start();
    await parts.log.line('delivery failed');
    expect(await known()).to.deep.include(told());
    parts.store.failure = undefined;
    await new Promise((resolve) => setImmediate(resolve));
    parts.clock.advance(first);
    await said('group information delivered');
    expect(await known()).to.deep.include({ status: 'delivered', partnerETag: '"t"' });
  });

  const groupIds = (count: number): readonly GroupId[] =>
    Array.from({ length: count }, (_, i) => `sip:group-${i}@police.example` as GroupId);

  const deliveredOf = async (id: GroupId): Promise<unknown> =>
    (await parts.log.line('group information delivered', ({ group }) => group === id)).fields['outcome'];

  it('sends to one partner a bounded number of groups at a time, however many wait', async () => {
    let underWay = 0;
    let most = 0;
    parts.client.otherwise = () => {
      underWay += 1;
      most = Math.max(most, underWay);
      return new Promise((resolve) =>
        setImmediate(() => {
          underWay -= 1;
          resolve(answer(201, { etag: '"t"' }));
        }),
      );
    };
    const ids = groupIds(40);
    for (const id of ids) await parts.put(id, groupText({ id }));
    for (const id of ids) await deliveredOf(id);
    expect(most).to.equal(parallel);
    expect(parts.client.requests).to.have.length(ids.length);
  });

  it('sends one request of one group at a time, whatever happens to it meanwhile', async () => {
    let underWay = 0;
    parts.client.otherwise = () => {
      underWay += 1;
      expect(underWay).to.equal(1);
      return new Promise((resolve) =>
        setImmediate(() => {
          underWay -= 1;
          resolve(answer(201, { etag: '"t"' }));
        }),
      );
    };
    for (let change = 0; change < 10; change += 1) {
      await parts.put(joint, groupText({ name: `Change ${change}` }));
      deliveries.wake({ key: jointName, auid: groupsAuid });
    }
    await parts.log.line('group information delivered');
    for (;;) {
      if ((await known())?.status === 'delivered') break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(parts.client.requests.at(-1)?.body).to.equal(groupText({ name: 'Change 9' }));
    expect((await known())?.behind).to.equal(0);
  });

  it('what the partner fetched meanwhile is not replaced by what is older: the newest is sent under its tag', async () => {
    const gate = new Gate();
    parts.client.answers(
      gate.passed.then((): OutboundAnswer => answer(412)),
      answer(200, { etag: '"fetched"', 'content-type': groupMediaType }),
      answer(200, { etag: '"told"' }),
    );
    await parts.put(joint, groupText());
    await parts.client.request(1);
    await parts.put(joint, groupText({ name: 'Newer' }));
    gate.open();
    await said('group information delivered');
    const [first, second, third, ...more] = parts.client.requests;
    expect([first?.method, second?.method, third?.method]).to.deep.equal(['PUT', 'GET', 'PUT']);
    expect([third?.headers['If-Match'], third?.body]).to.deep.equal([
      '"fetched"',
      groupText({ name: 'Newer' }),
    ]);
    expect(more).to.have.length(0);
    expect(await known()).to.deep.include({
      status: 'delivered',
      partnerETag: '"told"',
      behind: 0,
      failures: 0,
    });
  });

  it('a withdrawal that is void by then is not sent: the partner is told what holds now', async () => {
    await parts.plant(
      jointName,
      ownState(groupText(), { b: delivery({ status: 'delivered', partnerETag: '"t"' }) }),
    );
    const gate = new Gate();
    parts.client.answers(
      gate.passed.then((): OutboundAnswer => answer(412)),
      answer(200, { etag: '"present"', 'content-type': groupMediaType }),
      answer(200, { etag: '"told"' }),
    );
    await parts.put(joint, groupText({ members: ['sip:unit-71@police.example'] }));
    await parts.client.request(1);
    await parts.put(joint, groupText({ name: 'Again' }));
    gate.open();
    await said('group information delivered');
    expect(parts.client.requests.map(({ method }) => method)).to.deep.equal(['DELETE', 'GET', 'PUT']);
    expect(await known()).to.deep.include({ status: 'delivered', partnerETag: '"told"' });
  });

  it('counts the changes that the partner has not acknowledged', async () => {
    parts.client.answers(answer(201, { etag: '"t"' }));
    await parts.put(joint, groupText());
    await said('group information delivered');
    expect((await known())?.behind).to.equal(0);
    parts.client.otherwise = () => answer(503);
    for (let change = 1; change <= 3; change += 1) {
      await parts.put(joint, groupText({ name: `Change ${change}` }));
      expect((await known())?.behind).to.equal(change);
    }
  });

  describe('design D18: a failure is the group’s own until different groups fail', () => {
    const ids = groupIds(20);
    const failures: readonly (readonly [string, () => OutboundAnswer | Error | Promise<OutboundAnswer>])[] = [
      ['a reset', () => new NoAnswer('the connection broke')],
      ['no answer in time', () => new NoAnswerInTime('no answer in time')],
      ['what is no HTTP', () => new Nonsense('the answer is no HTTP')],
      ['500', () => answer(500)],
      ['503', () => signed(503)],
      ['a page with 200', () => answer(200, { 'content-type': 'text/html' }, '<html>')],
      [
        'a success with a truncated body that nobody signed',
        () => bodiless(new NoAnswer('the connection failed')),
      ],
      ['412 again and again', () => signed(412)],
    ];

    /** The poisoned group always fails; every other one is taken. */
    const poison = (fails: (typeof failures)[number][1], ...poisoned: readonly GroupId[]): void => {
      parts.client.otherwise = ({ url }) =>
        poisoned.some((id) => url.endsWith(nameOfGroup(id))) ? fails() : answer(201, { etag: '"t"' });
    };

    for (const [title, fails] of failures) {
      it(`one group that always ends in ${title}, alone at first, costs the others nothing`, async () => {
        poison(fails, joint);
        await parts.put(joint, groupText());
        await said('group information not delivered');
        for (let round = 1; round <= 3; round += 1) {
          for (const id of ids) await parts.put(id, groupText({ id, name: `Round ${round}` }));
          for (const id of ids) await deliveredOf(id);
          for (const id of ids) expect(await known(id)).to.deep.include({ status: 'delivered', behind: 0 });
          expect(await known()).to.deep.include({ status: 'pending', failures: round, general: false });
          parts.log.clear();
          parts.clock.advance(first * 2 ** (round - 1));
          await said('group information not delivered');
          parts.log.clear();
        }
        poison(() => answer(201, { etag: '"t"' }));
        parts.clock.advance(8 * first);
        expect(await deliveredOf(joint)).to.equal('delivered');
      });
    }

    it('a group that never gets an answer takes one place of those on their way, and no more', async () => {
      poison(() => silence, joint);
      await parts.put(joint, groupText());
      await parts.client.request(1);
      for (const id of ids) await parts.put(id, groupText({ id }));
      for (const id of ids) expect(await deliveredOf(id)).to.equal('delivered');
    });

    it('three poisoned groups pause the loop; a group that has not failed is tried at once, and all the others follow', async () => {
      const poisoned = ['x', 'y', 'z'].map((name) => `sip:${name}@police.example` as GroupId);
      poison(() => answer(500), ...poisoned);
      for (const id of poisoned) await parts.put(id, groupText({ id }));
      for (const id of poisoned) {
        await parts.log.line('group information not delivered', ({ group }) => group === id);
      }
      expect((await deliveries.standings())[0]?.failing?.nextAttempt).to.equal(parts.clock.now() + first);
      for (const id of ids) await parts.put(id, groupText({ id }));
      for (const id of ids) expect(await deliveredOf(id)).to.equal('delivered');
      expect((await deliveries.standings())[0]).to.deep.include({ pending: 3, delivered: 20 });
    });

    it('after a pause of the loop another group is tried before the one that failed', async () => {
      parts.client.otherwise = () => new NoConnection('nobody is there');
      const [one = joint, two = joint, three = joint] = ids;
      for (const id of [one, two, three]) await parts.put(id, groupText({ id }));
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      parts.client.requests.length = 0;
      for (const pause of [first, 2 * first, 4 * first]) {
        parts.log.clear();
        parts.clock.advance(pause);
        await said('group information not delivered');
      }
      const tried = parts.client.requests.map(({ url }) => url);
      expect(new Set(tried).size, 'each of them once').to.equal(3);
    });
  });

  describe('RFC 9110 clause 10.2.3: a pause that the partner asked for', () => {
    const asking = (seconds: number): OutboundAnswer => signed(503, { 'retry-after': String(seconds) });
    const requestsAfter = async (milliseconds: number): Promise<number> => {
      parts.clock.advance(milliseconds);
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      return parts.client.requests.length;
    };

    beforeEach(async () => {
      parts.client.answers(asking(30));
      parts.client.otherwise = () => answer(201, { etag: '"t"' });
      await parts.put(joint, groupText());
      await said('group information not delivered');
    });

    it('lasts, whatever requests the partner sends us meanwhile', async () => {
      for (let second = 1; second < 30; second += 1) {
        deliveries.heard(b);
        expect(await requestsAfter(1000)).to.equal(1);
      }
      expect(await requestsAfter(999)).to.equal(1);
      expect(await requestsAfter(1)).to.equal(2);
    });

    it('lasts, though the group changes: the newest form is sent when it is over', async () => {
      await parts.put(joint, groupText({ name: 'Newer' }));
      expect(await requestsAfter(29_999)).to.equal(1);
      expect(await requestsAfter(1)).to.equal(2);
      expect(parts.client.requests[1]?.body).to.equal(groupText({ name: 'Newer' }));
    });

    it('is that group’s own, and ends where the operator wants it', async () => {
      await parts.put(other, groupText({ id: other }));
      expect(await deliveredOf(other)).to.equal('delivered');
      expect(await deliveries.retry(b)).to.equal(1);
      expect(await deliveredOf(joint)).to.equal('delivered');
    });

    it('is the loop’s where different groups are answered so: neither requests of the partner nor news end it', async () => {
      parts.client.otherwise = () => asking(30);
      const ids = groupIds(3);
      for (const id of ids.slice(0, 2)) {
        await parts.put(id, groupText({ id }));
        await parts.log.line('group information not delivered', ({ group }) => group === id);
      }
      expect((await deliveries.standings())[0]?.failing?.nextAttempt).to.equal(parts.clock.now() + 30_000);
      parts.client.otherwise = () => answer(201, { etag: '"t"' });
      await parts.put(ids[2] ?? joint, groupText({ id: ids[2] ?? joint }));
      for (let second = 1; second < 30; second += 1) {
        deliveries.heard(b);
        expect(await requestsAfter(1000)).to.equal(3);
      }
      parts.clock.advance(1000);
      for (const id of [...ids, joint]) expect(await deliveredOf(id)).to.equal('delivered');
    });

    it('is no longer than the cap', async () => {
      parts.client.answers(asking(86_400));
      await parts.put(other, groupText({ id: other }));
      await parts.log.line('group information not delivered', ({ group }) => group === other);
      const retryAt = (await known(other))?.retryAt ?? 0;
      expect(retryAt - parts.clock.now()).to.equal(backOff.cap);
    });
  });

  describe('a partner that is down', () => {
    it('is tried with one group alone, until one succeeds; then all the others follow', async () => {
      parts.client.otherwise = () => new NoConnection('nobody is there');
      const ids = groupIds(20);
      await parts.put(ids[0] ?? joint, groupText({ id: ids[0] ?? joint }));
      await said('group information not delivered');
      for (const id of ids.slice(1)) await parts.put(id, groupText({ id }));
      expect(parts.client.requests).to.have.length(1);
      for (const [attempt, pause] of [first, 2 * first, 4 * first].entries()) {
        parts.log.clear();
        parts.clock.advance(pause);
        await said('group information not delivered');
        expect(parts.client.requests).to.have.length(attempt + 2);
      }
      parts.client.otherwise = () => answer(201, { etag: '"t"' });
      parts.log.clear();
      parts.clock.advance(8 * first);
      for (const id of ids) expect(await deliveredOf(id)).to.equal('delivered');
    });

    it('is not tried sooner after a restart', async () => {
      parts.client.otherwise = () => new NoConnection('nobody is there');
      await parts.put(joint, groupText());
      await said('group information not delivered');
      for (const pause of [first, 2 * first]) {
        parts.log.clear();
        parts.clock.advance(pause);
        await said('group information not delivered');
      }
      const retryAt = (await known())?.retryAt ?? 0;
      expect(retryAt - parts.clock.now()).to.equal(4 * first);
      await deliveries.close();
      parts.clock.advance(first);
      await parts.put(other, groupText({ id: other }));
      deliveries = begin();
      deliveries.start();
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(parts.client.requests).to.have.length(3);
      expect((await deliveries.standings())[0]?.failing).to.deep.include({
        failures: 3,
        nextAttempt: retryAt,
      });
      parts.log.clear();
      parts.clock.advance(3 * first);
      await said('group information not delivered');
      expect((await parts.client.request(4)).method).to.equal('PUT');
      expect((await deliveries.standings())[0]?.failing?.failures).to.equal(4);
    });

    it('is waited for no longer than the cap, whatever became of the clock', async () => {
      const retryAt = parts.clock.now() + 1000 * backOff.cap;
      await parts.plant(
        jointName,
        ownState(groupText(), { b: delivery({ general: true, failures: 3, retryAt }) }),
      );
      deliveries.start();
      while (parts.clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
      expect(parts.client.requests).to.have.length(0);
      parts.clock.advance(backOff.cap);
      await parts.client.request(1);
    });

    for (const status of [500, 503]) {
      for (const [title, jump] of [
        ['a day back', -day],
        ['a day forward', day],
      ] as const) {
        it(`is tried within the cap after ${status} and a restart with a clock ${title}`, async () => {
          parts.client.answers(answer(status), answer(201, { etag: '"t"' }));
          await parts.put(joint, groupText());
          await said('group information not delivered');
          await deliveries.close();
          parts.clock.jump(jump);
          parts.log.clear();
          deliveries = begin();
          deliveries.start();
          const delivered = said('group information delivered');
          if (jump < 0) {
            while (parts.clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
            parts.clock.advance(backOff.cap - 1);
            for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
            expect(parts.client.requests).to.have.length(1);
            parts.clock.advance(1);
          }
          await delivered;
        });

        it(`is tried when its pause ends after ${status}, though the clock is set ${title}`, async () => {
          parts.client.answers(answer(status), answer(201, { etag: '"t"' }));
          await parts.put(joint, groupText());
          await said('group information not delivered');
          parts.log.clear();
          parts.clock.jump(jump);
          parts.clock.advance(first - 1);
          for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
          expect(parts.client.requests).to.have.length(1);
          parts.clock.advance(1);
          await said('group information delivered');
        });
      }
    }

    it('may end its pause by a request of its own, though the clock was set back since it did last', async () => {
      parts.client.otherwise = () => answer(503);
      await parts.put(joint, groupText());
      await said('group information not delivered');
      parts.log.clear();
      deliveries.heard(b);
      await said('group information not delivered');
      parts.log.clear();
      parts.clock.jump(-day);
      parts.clock.advance(backOff.first);
      deliveries.heard(b);
      await said('group information not delivered');
      expect(parts.client.requests).to.have.length(3);
    });

    it('is tried at once when it sends a request of its own, but no more often than the first pause', async () => {
      parts.client.otherwise = () => answer(503);
      await parts.put(joint, groupText());
      await said('group information not delivered');
      parts.log.clear();
      deliveries.heard(c);
      expect(parts.client.requests).to.have.length(1);
      deliveries.heard(b);
      await said('group information not delivered');
      for (let request = 0; request < 10; request += 1) deliveries.heard(b);
      expect(parts.client.requests).to.have.length(2);
      parts.clock.advance(backOff.first);
      parts.log.clear();
      parts.client.otherwise = () => answer(201, { etag: '"t"' });
      deliveries.heard(b);
      await said('group information delivered');
    });

    it('fails once for all the groups that were on their way together', async () => {
      const ids = groupIds(parallel);
      parts.client.otherwise = async () => {
        await parts.client.request(parallel);
        throw new NoAnswer('no answer in time');
      };
      for (const id of ids) await parts.put(id, groupText({ id }));
      for (const id of ids) {
        await parts.log.line('group information not delivered', ({ group }) => group === id);
      }
      expect((await deliveries.standings())[0]?.failing).to.deep.include({
        failures: 1,
        nextAttempt: parts.clock.now() + first,
      });
      for (const id of ids) expect((await known(id))?.failures).to.equal(1);
    });

    it('is down too where a proxy on the way answers in its place', async () => {
      const page = { 'content-type': 'text/html; charset=utf-8' };
      const nobodys = (status: number): string =>
        `${status} came back, but nothing in it shows that the partner itself answered: perhaps a proxy on the way`;
      parts.client.otherwise = () => answer(200, page, '<html>');
      await parts.put(joint, groupText());
      await said('group information not delivered');
      expect(await known()).to.deep.include({ status: 'pending', reason: nobodys(200) });
      parts.client.otherwise = () => answer(404, page, '<html>');
      parts.log.clear();
      await parts.delete(joint);
      await said('group information not delivered');
      expect((await known())?.reason).to.equal(nobodys(404));
    });

    it('costs a live one nothing', async () => {
      await deliveries.close();
      parts = new Parts(a, peers(peer(b), peer(c)));
      deliveries = begin();
      parts.client.otherwise = ({ url }) =>
        url.startsWith('http://b.') ? silence : answer(201, { etag: '"t"' });
      const members = ['sip:boat-1@fire.example', 'sip:crane@port.example'];
      const ids = groupIds(20);
      for (const id of ids) await parts.put(id, groupText({ id, members }));
      for (const id of ids) await deliveredOf(id);
      const [ofB, ofC] = await deliveries.standings();
      expect(ofB).to.deep.include({ system: b, pending: 20, delivered: 0, underWay: parallel });
      expect(ofC).to.deep.include({ system: c, pending: 0, delivered: 20, failing: null });
    });
  });

  describe('what the operator sees and does', () => {
    const resultOf = (result: Result): OutboundAnswer =>
      answer(409, { 'content-type': resultMediaType }, writeResult(result));

    for (const [title, refusal, words] of [
      [
        'a Result',
        resultOf(provisionFailed(joint, 'modification', { phrase: 'no policy' })),
        'modification failed, no policy',
      ],
      [
        'an xcap-error',
        answer(
          409,
          { 'content-type': 'application/xcap-error+xml' },
          writeXcapError(new ConstraintFailure('too\nmany')),
        ),
        'constraint-failure: too many',
      ],
    ] as const) {
      it(`the partner's words, where a refusal comes with ${title}`, async () => {
        parts.client.answers(refusal);
        await parts.put(joint, groupText());
        await said('group information parked');
        expect((await known())?.reason).to.equal(`the partner answered 409: ${words}`);
      });
    }

    it('nothing of an answer that is no document of ours', async () => {
      for (const type of [resultMediaType, 'application/xcap-error+xml', 'text/html']) {
        parts.client.answers(signed(403, { 'content-type': type }, '<!DOCTYPE a><b>'));
        await parts.put(joint, groupText({ name: type }));
        await said('group information parked');
        expect((await known())?.reason).to.equal('the partner answered 403');
        parts.log.clear();
      }
    });

    it('the last Result of a group, and how many parts the partner changed', async () => {
      const change = { template: 't', path: 'p', before: null, after: 'x' };
      const body = writeResult({ ...provisionSucceeded(joint, [change, change]), omitted: 3 });
      parts.client.answers(answer(201, { etag: '"t"', 'content-type': resultMediaType }, body));
      await parts.put(joint, groupText());
      await said('group information delivered');
      expect(await groupsUnder(parts.documents, terms.delivered(b))).to.deep.equal([joint]);
      expect((await known())?.answer).to.deep.equal({
        status: 201,
        at: parts.clock.now(),
        result: { reception: 'success', modification: 'success', storage: 'success', modifications: 5 },
      });
    });

    it('how a partner stands: since when it is reachable, or fails, why, and when it is tried next', async () => {
      parts.client.answers(answer(201, { etag: '"t"' }), signed(403), answer(503));
      const begun = parts.clock.now();
      expect(await deliveries.standings()).to.deep.equal([
        { system: b, reachableSince: null, failing: null, underWay: 0, pending: 0, parked: 0, delivered: 0 },
      ]);
      await parts.put(joint, groupText());
      await said('group information delivered');
      await parts.put(other, groupText({ id: other }));
      await said('group information parked');
      expect((await deliveries.standings())[0]).to.deep.include({
        reachableSince: begun,
        delivered: 1,
        parked: 1,
      });
      await parts.put(joint, groupText({ name: 'Newer' }));
      await said('group information not delivered');
      expect((await deliveries.standings())[0]).to.deep.include({
        reachableSince: null,
        pending: 1,
        parked: 1,
        failing: {
          since: begun,
          reason: 'the partner answered 503',
          failures: 1,
          nextAttempt: begun + first,
        },
      });
    });

    it('retry: a parked group is tried again, and so is one that pauses; others are left alone', async () => {
      parts.client.answers(signed(403), answer(500));
      await parts.put(joint, groupText());
      await said('group information parked');
      await parts.put(other, groupText({ id: other }));
      await said('group information not delivered');
      parts.log.clear();
      parts.client.otherwise = () => answer(201, { etag: '"t"' });
      expect(await deliveries.retry(b, joint)).to.equal(1);
      expect(await deliveredOf(joint)).to.equal('delivered');
      expect(await deliveries.retry(b)).to.equal(1);
      expect(await deliveredOf(other)).to.equal('delivered');
      expect(await deliveries.retry(b)).to.equal(0);
      expect(await deliveries.retry(c)).to.equal(0);
      expect(parts.client.requests).to.have.length(4);
    });
  });

  it('a group that fails pauses by its own count of failures, which survives a restart', async () => {
    await parts.plant(jointName, ownState(groupText(), { b: delivery({ failures: 4 }) }));
    parts.client.otherwise = () => answer(500);
    deliveries.start();
    await said('group information not delivered');
    expect((await known())?.failures).to.equal(5);
    parts.clock.advance(first * 16 - 1);
    expect(parts.client.requests).to.have.length(1);
    parts.clock.advance(1);
    await parts.client.request(2);
  });

  it('closes in the middle of a request: nothing is kept of it, and no timer stays', async () => {
    parts.client.otherwise = () => silence;
    await parts.put(joint, groupText());
    await parts.client.request(1);
    await deliveries.close();
    expect(await known()).to.deep.include(told());
    expect(parts.clock.pending).to.equal(0);
    await parts.put(other, groupText({ id: other }));
    expect(parts.client.requests, 'and nothing is sent afterwards').to.have.length(1);
  });

  it('closes while it pauses: the timers go', async () => {
    parts.client.answers(answer(500), answer(503));
    await parts.put(joint, groupText());
    await said('group information not delivered');
    parts.log.clear();
    await parts.put(other, groupText({ id: other }));
    await said('group information not delivered');
    expect(parts.clock.pending).to.equal(2);
    await deliveries.close();
    expect(parts.clock.pending).to.equal(0);
  });

  describe('at start', () => {
    it('plans for groups that a changed configuration concerns, and tells partners of it', async () => {
      const shared = 'sip:shared@police.example' as GroupId;
      const former = 'sip:former@police.example' as GroupId;
      const members = ['sip:unit-71@police.example'];
      parts = new Parts(a, peers(peer(b, { groups: new Set([shared]) })));
      await parts.plant(nameOfGroup(shared), ownState(groupText({ id: shared, members })));
      const told = delivery({ status: 'delivered', acknowledged: 'e' as ETag, partnerETag: '"t"' });
      await parts.plant(nameOfGroup(former), ownState(groupText({ id: former, members }), { b: told }));
      parts.client.otherwise = () => signed(200, { etag: '"t"' });
      const loop = begin();
      loop.start();
      const line = async (id: GroupId): Promise<unknown> =>
        (await parts.log.line('group information delivered', ({ group }) => group === id)).fields['outcome'];
      expect(await line(shared)).to.equal('delivered');
      expect(await line(former)).to.equal('withdrawn');
      expect((await known(former))?.status).to.equal('withdrawn');
      await loop.close();
    });

    it('lets other work go on between the groups', async () => {
      const ids = Array.from({ length: 50 }, (_, i) => `sip:group-${i}@police.example` as GroupId);
      const last = ids.at(-1) ?? joint;
      parts = new Parts(a, peers(peer(b, { groups: new Set([last]) })));
      for (const id of ids) {
        const members = ['sip:unit-71@police.example'];
        await parts.plant(nameOfGroup(id), ownState(groupText({ id, members })));
      }
      let turns = 0;
      let stopped = false;
      const turn = (): void => {
        turns += 1;
        if (!stopped) setImmediate(turn);
      };
      setImmediate(turn);
      const loop = begin();
      loop.start();
      await parts.client.request(1);
      stopped = true;
      expect(turns).to.be.at.least(ids.length);
      await loop.close();
    });
  });
});
