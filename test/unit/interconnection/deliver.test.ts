import { expect } from 'chai';
import type { ETag, GroupId } from '../../../src/base/identifiers.js';
import type { Delivery } from '../../../src/documents/state.js';
import { nameOfGroup } from '../../../src/groups/group-usage.js';
import { Deliveries } from '../../../src/interconnection/deliver.js';
import { NoAnswer } from '../../../src/interconnection/outbound.js';
import { StoreFailure } from '../../../src/store/store.js';
import { groupText } from '../../support/peers.js';
import {
  a,
  answer,
  b,
  c,
  delivery,
  joint,
  jointName,
  ownState,
  Parts,
  peer,
  peers,
  silence,
  steady,
} from './parts.js';

const backOff = { first: 1000, cap: 60_000 };
const first = 800;
const other = 'sip:other@police.example' as GroupId;

describe('Delivery to partner MC systems', () => {
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
    const begun = new Deliveries(
      { ...parts.tools, random: steady },
      { identity: 'sip:gms@police.example', backOff },
    );
    parts.documents.addListener(() => {
      begun.wake();
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
        parts.client.answers(answer(status, { etag: '"t"' }));
        await parts.put(joint, groupText());
        await said(expected(status, done));
        expect(parts.log.lines, String(status)).to.have.length(1);
        const delivered = await known();
        if (done.has(status)) {
          const acknowledged = (await parts.state())?.current?.etag ?? null;
          expect(delivered).to.deep.equal(
            delivery({ status: 'delivered', acknowledged, partnerETag: '"t"' }),
          );
        } else {
          const parked = expected(status, done) === 'group information parked';
          expect(delivered, String(status)).to.deep.equal(
            delivery({
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
        parts.client.answers(answer(status));
        await parts.delete(joint);
        await said(expected(status, withdrawn));
        expect(parts.log.lines, String(status)).to.have.length(1);
        const state = await parts.state();
        if (withdrawn.has(status)) expect(state, String(status)).to.equal(undefined);
        else expect(state?.deliveries[b]?.reason, String(status)).to.equal(`the partner answered ${status}`);
        await loop.close();
      }
    });
  });

  it('a failure is kept with its reason and its count, and so is the success after it', async () => {
    parts.client.answers(new NoAnswer('no answer in time'), answer(503), answer(201, { etag: '"t"' }));
    await parts.put(joint, groupText());
    await said('group information not delivered');
    expect(await known()).to.deep.equal(delivery({ failures: 1, reason: 'no answer in time' }));
    parts.log.clear();
    parts.clock.advance(first);
    await said('group information not delivered');
    expect(await known()).to.deep.equal(delivery({ failures: 2, reason: 'the partner answered 503' }));
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

  it('a tombstone goes when the last partner is told, not before', async () => {
    parts = new Parts(a, peers(peer(b), peer(c)));
    const loop = begin();
    const members = ['sip:boat-1@fire.example', 'sip:crane@port.example'];
    const text = groupText({ members });
    await parts.plant(
      jointName,
      ownState(text, { b: delivery({ status: 'delivered' }), c: delivery({ status: 'delivered' }) }),
    );
    parts.client.otherwise = ({ url }) => answer(url.startsWith('http://b.') ? 200 : 503);
    await parts.delete(joint);
    await parts.log.line('group information delivered');
    await said('group information not delivered');
    const left = await parts.state();
    expect(left?.current).to.equal(null);
    expect(Object.keys(left?.deliveries ?? {})).to.deep.equal([c]);
    parts.client.otherwise = () => answer(404);
    parts.log.clear();
    parts.clock.advance(first);
    await said('group information delivered');
    expect(await parts.state()).to.equal(undefined);
    await loop.close();
  });

  it('a store that refuses to keep the outcome: the partner is asked again after the pause', async () => {
    parts.client.otherwise = ({ method }) => answer(method === 'GET' ? 404 : 201, { etag: '"t"' });
    await parts.plant(jointName, ownState(groupText(), { b: delivery() }));
    parts.store.failure = new StoreFailure('the medium refuses');
    deliveries.wake();
    await parts.log.line('delivery failed');
    expect(await known()).to.deep.equal(delivery());
    parts.store.failure = undefined;
    await new Promise((resolve) => setImmediate(resolve));
    parts.clock.advance(first);
    await said('group information delivered');
    expect(await known()).to.deep.include({ status: 'delivered', partnerETag: '"t"' });
  });

  it('sends to one partner one request at a time, in whatever number groups wait', async () => {
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
    const ids = Array.from({ length: 20 }, (_, i) => `sip:group-${i}@police.example` as GroupId);
    for (const id of ids) await parts.put(id, groupText({ id }));
    await parts.client.request(ids.length);
    for (const id of ids) await parts.log.line('group information delivered', ({ group }) => group === id);
    expect(most).to.equal(1);
  });

  it('a group that fails pauses by its own count of failures, which survives a restart', async () => {
    await parts.plant(jointName, ownState(groupText(), { b: delivery({ failures: 4 }) }));
    parts.client.otherwise = () => answer(500);
    deliveries.wake();
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
    expect(await known()).to.deep.equal(delivery());
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
      parts.client.otherwise = () => answer(200, { etag: '"t"' });
      const loop = begin();
      loop.wake();
      const line = async (id: GroupId): Promise<unknown> =>
        (await parts.log.line('group information delivered', ({ group }) => group === id)).fields['outcome'];
      expect(await line(shared)).to.equal('delivered');
      expect(await line(former)).to.equal('withdrawn');
      expect((await parts.state(former))?.deliveries).to.deep.equal({});
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
      loop.wake();
      await parts.client.request(1);
      stopped = true;
      expect(turns).to.be.at.least(ids.length);
      await loop.close();
    });
  });
});
