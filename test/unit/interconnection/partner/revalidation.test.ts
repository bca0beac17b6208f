import { expect } from 'chai';
import type { GroupId } from '../../../../src/base/identifiers.js';
import type { LogFields } from '../../../../src/base/log.js';
import { nameOfGroup } from '../../../../src/groups/names.js';
import { Requester } from '../../../../src/interconnection/partner/requester.js';
import { Revalidation } from '../../../../src/interconnection/partner/revalidation.js';
import { NoAnswer, NoAnswerInTime } from '../../../../src/outbound/client.js';
import { Gate, groupText } from '../../../support/peers.js';
import { groupType } from '../../../support/system.js';
import {
  a,
  answer,
  b,
  bodiless,
  joint,
  notProvided,
  Parts,
  peer,
  peers,
  receivedState,
  requestSettings,
  steady,
  unchanged,
} from '../parts.js';

const brake = { groups: 10, percent: 10 };

describe('design D7: groups that are held are asked for again on a schedule', () => {
  let parts: Parts;
  let requester: Requester;
  const others = Array.from({ length: 3 }, (_, i) => `sip:group-${i}@police.example` as GroupId);
  let revalidation: Revalidation;

  beforeEach(async () => {
    parts = new Parts(b, peers(peer(a)));
    requester = new Requester({ ...parts.tools, receiver: parts.receiver(unchanged) }, requestSettings);
    for (const id of others) await parts.plant(nameOfGroup(id), receivedState(groupText({ id }), a));
    revalidation = new Revalidation({ ...parts.tools, requester, random: steady }, { interval: 1000, brake });
  });

  afterEach(() => revalidation.close());

  const pass = async (): Promise<LogFields> => {
    parts.log.clear();
    parts.clock.advance(800);
    return (await parts.log.line('received groups asked for again')).fields;
  };

  it('asks for every received group of every peer, interval for interval', async () => {
    parts.client.otherwise = ({ url }) => {
      const id = others.find((each) => url.endsWith(encodeURIComponent(each))) ?? joint;
      return answer(200, { 'content-type': groupType, etag: '"up"' }, groupText({ id }));
    };
    revalidation.start();
    expect(parts.client.requests).to.have.length(0);
    expect(await pass()).to.deep.include({ peer: a, unchanged: 3, brokenOff: false });
    expect(parts.client.requests).to.have.length(3);
    parts.client.otherwise = () => answer(304, { etag: '"up"' });
    while (parts.clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await pass()).to.deep.include({ unchanged: 3 });
    expect(revalidation.passes.get(a)).to.deep.equal({
      at: parts.clock.now(),
      outcomes: { unchanged: 3 },
      brokenOff: false,
      heldBack: 0,
    });
  });

  const idOf = (url: string): GroupId => decodeURIComponent(url.split('/').at(-1) ?? '') as GroupId;

  /** The groups that were asked for since the last call. */
  const asked = (): readonly GroupId[] => parts.client.requests.splice(0).map(({ url }) => idOf(url));

  const nextPass = async (): Promise<LogFields> => {
    while (parts.clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    return await pass();
  };

  const holding = async (count: number): Promise<readonly GroupId[]> => {
    const ids = Array.from({ length: count }, (_, i) => `sip:more-${i + 100}@police.example` as GroupId);
    for (const id of ids) await parts.plant(nameOfGroup(id), receivedState(groupText({ id }), a));
    return ids;
  };

  const heldGroups = (): Promise<number> => parts.documents.receivedCount();

  describe('design D18: what a failure costs', () => {
    for (const [title, fails] of [
      ['500', () => answer(500)],
      ['429', () => answer(429)],
      ['a reset', () => new NoAnswer('the connection broke')],
      ['no answer in time', () => new NoAnswerInTime('no answer in time')],
      ['a body that breaks off', () => bodiless(new NoAnswer('the connection failed'))],
    ] as const) {
      it(`one group that always ends in ${title} costs the others nothing`, async () => {
        const [first] = others;
        parts.client.otherwise = ({ url }) => {
          const id = idOf(url);
          return id === first ? fails() : answer(200, { 'content-type': groupType }, groupText({ id }));
        };
        revalidation.start();
        for (let number = 0; number < 3; number += 1) {
          expect(await nextPass()).to.deep.include({ unavailable: 1, unchanged: 2, brokenOff: false });
          expect([...asked()].sort()).to.deep.equal(others);
        }
      });
    }

    it('a pass breaks off where three groups in a row get no answer, and the next begins behind them', async () => {
      const all = [...others, ...(await holding(4))];
      parts.client.otherwise = () => answer(503);
      revalidation.start();
      expect(await nextPass()).to.deep.include({ unavailable: 3, brokenOff: true });
      expect(asked()).to.deep.equal(all.slice(0, 3));
      await nextPass();
      expect(asked()).to.deep.equal(all.slice(3, 6));
      await nextPass();
      expect(asked()).to.deep.equal([all[6], all[0], all[1]]);
    });
  });

  describe('design D16: when a copy goes', () => {
    it('an answer that is not the primary’s own keeps it, and shows since when nothing is confirmed', async () => {
      const statuses = [404, 401, 403, 302, 410];
      parts.client.otherwise = () => answer(statuses[0] ?? 404, { 'content-type': 'text/html' }, '<html>');
      revalidation.start();
      const since: unknown[] = [];
      while (statuses.length > 0) {
        expect(await nextPass(), String(statuses[0])).to.deep.include({ unconfirmed: 3 });
        since.push(revalidation.notConfirmedSince(joint), revalidation.notConfirmedSince(others[0] ?? joint));
        statuses.shift();
      }
      const began = since[1];
      expect(began).to.be.a('number').and.to.be.below(parts.clock.now());
      expect(new Set(since)).to.deep.equal(new Set([undefined, began]));
      expect(await heldGroups()).to.equal(3);
      parts.client.otherwise = ({ url }) =>
        answer(200, { 'content-type': groupType }, groupText({ id: idOf(url) }));
      await nextPass();
      expect(revalidation.notConfirmedSince(others[0] ?? joint)).to.equal(undefined);
    });

    it('a primary that refuses with the code "unknown", as one with an empty store does, keeps it', async () => {
      parts.client.otherwise = ({ url }) => notProvided('unknown', idOf(url));
      revalidation.start();
      expect(await nextPass()).to.deep.include({ refused: 3, heldBack: 0 });
      expect(await heldGroups()).to.equal(3);
      expect(revalidation.notConfirmedSince(others[0] ?? joint)).not.to.equal(undefined);
    });

    it('one group that is gone goes at the end of the pass', async () => {
      parts.client.otherwise = ({ url }) =>
        idOf(url) === others[1] ? notProvided('deleted', idOf(url)) : answer(503);
      revalidation.start();
      expect(await nextPass()).to.deep.include({ gone: 1, unavailable: 2, heldBack: 0 });
      expect(await heldGroups()).to.equal(2);
      expect((await parts.state(others[1]))?.current).to.equal(null);
    });

    it('many at once do not go, pass for pass, until the operator accepts it', async () => {
      await holding(9);
      parts.client.otherwise = ({ url }) => notProvided('no-longer-shared', idOf(url));
      revalidation.start();
      for (let number = 0; number < 2; number += 1) {
        expect(await nextPass()).to.deep.include({ heldBack: 12, brokenOff: false });
        expect(parts.log.lines.filter(({ level }) => level === 'error')).to.have.length(1);
        expect(await heldGroups()).to.equal(12);
      }
      expect(revalidation.passes.get(a)?.heldBack).to.equal(12);
      const accepted = await revalidation.acceptRemovals(a);
      expect(accepted).to.deep.include({ heldBack: 0, outcomes: { gone: 12 } });
      expect(await heldGroups()).to.equal(0);
    });
  });

  it('design D17: a primary whose store was replaced is asked soon, and one that is the same is not', async () => {
    await revalidation.close();
    const settings = { interval: 3_600_000, brake };
    revalidation = new Revalidation({ ...parts.tools, requester, random: steady }, settings);
    parts.client.otherwise = () => answer(503);
    revalidation.start();
    for (const token of ['first', 'first']) revalidation.heard(a, token);
    parts.clock.advance(10_000);
    expect(asked()).to.deep.equal([]);
    for (const token of ['second', 'second']) revalidation.heard(a, token);
    expect(await nextPass()).to.deep.include({ peer: a, unavailable: 3 });
    expect(asked()).to.have.length(3);
  });

  it('closes in the middle of a pass, and leaves no timer', async () => {
    const gate = new Gate();
    parts.client.answers(gate.passed.then(() => answer(304, { etag: '"up"' })));
    revalidation.start();
    parts.clock.advance(800);
    await parts.client.request(1);
    const closing = revalidation.close();
    gate.open();
    await closing;
    expect(parts.client.requests).to.have.length(1);
    expect(parts.clock.pending).to.equal(0);
  });

  it('is off where the interval is 0, and for peers that may not be asked', () => {
    new Revalidation({ ...parts.tools, requester, random: steady }, { interval: 0, brake }).start();
    const silent = peers(peer(a, { request: false }));
    new Revalidation(
      { ...parts.tools, peers: silent, requester, random: steady },
      { interval: 1000, brake },
    ).start();
    expect(parts.clock.pending).to.equal(0);
  });
});
