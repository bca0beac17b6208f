import { expect } from 'chai';
import type { ETag, GroupId } from '../../../../src/base/identifiers.js';
import { nameOfGroup } from '../../../../src/groups/names.js';
import { NoAnswer, UnusableAnswer, type OutboundRequest } from '../../../../src/outbound/client.js';
import {
  Verifier,
  type ComparedGroup,
  type Verification,
} from '../../../../src/interconnection/operations/verifier.js';
import type { PeerClient } from '../../../../src/interconnection/peer-client.js';
import { groupText } from '../../../support/peers.js';
import { groupType } from '../../../support/system.js';
import {
  a,
  answer,
  b,
  bodiless,
  delivery,
  identity,
  joint,
  ownState,
  Parts,
  peer,
  peers,
  receivedState,
  silence,
} from '../parts.js';

const foreign = 'sip:pier@fire.example' as GroupId;
const settings = { parallel: 4, operationDeadline: 60_000 };
const ours = groupText();
const theirs = groupText({ id: foreign });
/** What shows that the peer itself answers. */
const own = { 'mcgms-incarnation': 'p'.repeat(22) };

describe('Verifying what two systems hold', () => {
  const shown = (text: string, etag = '"theirs"') => answer(200, { 'content-type': groupType, etag }, text);
  const delivered = delivery({ status: 'delivered', acknowledged: 't' as ETag });
  const other = peer(b);
  let parts: Parts;

  beforeEach(() => {
    parts = new Parts(a, peers(other));
    list = { status: 200, groups: [] };
  });

  const plant = async (groupId: GroupId, state: ReturnType<typeof ownState>): Promise<void> => {
    await parts.plant(nameOfGroup(groupId), state);
  };
  /** What the peer says of its list. */
  let list: Awaited<ReturnType<PeerClient['getList']>> | NoAnswer;
  const verifierOf = (): Verifier => {
    const getList: PeerClient['getList'] = () =>
      list instanceof NoAnswer ? Promise.reject(list) : Promise.resolve(list);
    return new Verifier({ ...parts.tools, peerLists: { getList } }, settings);
  };
  const verify = async (peerToAsk = other): Promise<Verification> => await verifierOf().verify(peerToAsk);
  /** The one difference there is. */
  const difference = async (): Promise<Partial<ComparedGroup> | undefined> => {
    const { differences, leftOut } = await verify();
    expect(leftOut).to.equal(0);
    expect(differences.length).to.be.at.most(1);
    return differences[0];
  };

  it('nothing is shared: nobody is asked', async () => {
    await plant(joint, ownState(ours));
    const { counts, differences, notCompared } = await verify();
    expect(Object.values(counts).reduce((sum, count) => sum + count)).to.equal(0);
    expect({ differences, notCompared }).to.deep.equal({ differences: [], notCompared: 0 });
    expect(parts.client.requests).to.deep.equal([]);
  });

  it('the same bytes on both sides are in sync, for received and own groups', async () => {
    await plant(joint, ownState(ours, { b: delivered }));
    await plant(foreign, receivedState(theirs, b, 'our policy has made another one'));
    parts.client.otherwise = ({ url }: OutboundRequest) => shown(url.includes('pier') ? theirs : ours);
    expect(await verify()).to.deep.equal({
      counts: { 'in-sync': 2, drift: 0, 'missing-there': 0, 'missing-here': 0, 'not-comparable': 0 },
      differences: [],
      leftOut: 0,
      notCompared: 0,
      noList: undefined,
    });
    expect(parts.client.requests.map(({ method }) => method)).to.deep.equal(['GET', 'GET']);
    for (const { headers } of parts.client.requests) {
      expect(headers).to.include({ 'X-3GPP-Asserted-Identity': identity });
    }
  });

  it('one octet more is drift, told with both tags and since when ours is held', async () => {
    const state = receivedState(theirs, b);
    await plant(foreign, state);
    parts.client.otherwise = () => shown(`${theirs}\n`);
    expect(await difference()).to.deep.equal({
      groupId: foreign,
      side: 'received',
      comparison: 'drift',
      reason: undefined,
      ours: state.received?.etag,
      since: 0,
      theirs: '"theirs"',
    });
  });

  for (const status of [404, 410]) {
    it(`${status}: missing there`, async () => {
      await plant(joint, ownState(ours, { b: delivered }));
      parts.client.otherwise = () => answer(status, own);
      expect(await difference()).to.include({ comparison: 'missing-there', reason: 'it was delivered' });
    });
  }

  it('a group that is pending or parked says so', async () => {
    await plant(
      joint,
      ownState(ours, { b: delivery({ status: 'parked', reason: 'the partner answered 409' }) }),
    );
    parts.client.otherwise = () => shown('an older form');
    expect(await difference()).to.include({
      comparison: 'drift',
      reason: 'the delivery is parked: the partner answered 409',
    });
  });

  it('a group that is deleted here and still there is missing here', async () => {
    await plant(joint, { ...ownState(ours, { b: delivery() }), current: null });
    parts.client.otherwise = () => shown(ours);
    expect(await difference()).to.include({ comparison: 'missing-here', reason: 'a delivery is pending' });
    parts.client.otherwise = () => answer(404, own);
    expect(await difference(), 'gone there too').to.equal(undefined);
  });

  it('a group that no longer concerns the partner and is still there is missing here', async () => {
    const text = groupText({ members: ['sip:unit-71@police.example'] });
    await plant(joint, ownState(text, { b: delivery({ hold: false }) }));
    parts.client.otherwise = () => shown(text);
    expect(await difference()).to.include({ comparison: 'missing-here' });
  });

  for (const [title, given, reason] of [
    ['a refusal', answer(403, own), 'the peer answered 403'],
    ['a failure', answer(503, own), 'the peer answered 503'],
    ['a redirect', answer(302, { ...own, location: '/' }), 'the peer answered 302'],
    [
      'another document',
      answer(200, { ...own, 'content-type': 'text/html' }, ours),
      'the peer answered something that is no group document',
    ],
    ['no answer', new NoAnswer('no answer in time'), 'the peer does not answer: no answer in time'],
    [
      'a document that cannot be used',
      bodiless(new UnusableAnswer('the answer is too long')),
      "the peer's document cannot be used: the answer is too long",
    ],
    [
      'a page of a proxy',
      answer(404, { 'content-type': 'text/html' }, '<html/>'),
      'the peer did not answer itself: 404 came back',
    ],
  ] as const) {
    it(`${title}: not comparable`, async () => {
      await plant(joint, ownState(ours, { b: delivered }));
      parts.client.otherwise = () => given;
      expect(await difference()).to.include({ comparison: 'not-comparable', reason });
    });
  }

  it('a peer that we may not request groups from is not asked for its groups', async () => {
    await plant(foreign, receivedState(theirs, b));
    const { counts } = await verify(peer(b, { request: false }));
    expect(counts['not-comparable']).to.equal(1);
    expect(parts.client.requests).to.deep.equal([]);
  });

  it('a group that changes while it is compared is compared again', async () => {
    await parts.put(joint, ours);
    const changed = groupText({ name: 'Changed' });
    let asked = 0;
    parts.client.otherwise = async () => {
      asked += 1;
      if (asked > 1) return shown(changed);
      await parts.put(joint, changed);
      return shown(ours);
    };
    const { counts } = await verify();
    expect(counts['in-sync']).to.equal(1);
    expect(asked).to.equal(2);
  });

  it('a group that changes all the time is not comparable', async () => {
    await parts.put(joint, ours);
    let asked = 0;
    parts.client.otherwise = async () => {
      asked += 1;
      await parts.put(joint, groupText({ name: `Form ${asked}` }));
      return shown(ours);
    };
    expect(await difference()).to.include({
      comparison: 'not-comparable',
      reason: 'the group keeps changing',
    });
  });

  it('a group that goes while it is compared is not told of', async () => {
    await plant(foreign, receivedState(theirs, b));
    parts.client.otherwise = async () => {
      await parts.delete(foreign);
      return answer(404);
    };
    expect(await difference()).to.equal(undefined);
  });

  const many = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      const id = `sip:g-${index}@police.example` as GroupId;
      await plant(id, ownState(groupText({ id }), { b: delivered }));
    }
  };

  it('a group that the peer alone knows of is missing here, ours or its own', async () => {
    list = { status: 200, groups: [joint, foreign, 'sip:x@elsewhere.example' as GroupId] };
    parts.client.otherwise = ({ url }: OutboundRequest) => shown(url.includes('pier') ? theirs : ours);
    const { differences, noList } = await verify();
    expect(noList).to.equal(undefined);
    expect(differences.map(({ groupId, side, comparison }) => [groupId, side, comparison])).to.deep.equal([
      [joint, 'delivered', 'missing-here'],
      [foreign, 'received', 'missing-here'],
    ]);
    expect(parts.client.requests, 'a third system’s group is not asked for').to.have.lengthOf(2);
  });

  it('a group that the peer lists and does not give to us is no difference', async () => {
    list = { status: 200, groups: [joint, foreign] };
    parts.client.otherwise = ({ url }: OutboundRequest) => answer(url.includes('pier') ? 403 : 404, own);
    const { counts, differences } = await verify();
    expect(differences).to.deep.equal([]);
    expect(counts['in-sync']).to.equal(0);
  });

  it('without a list, what was withdrawn is asked for as well, and the outcome says so', async () => {
    await plant(joint, ownState(ours, { b: delivery({ status: 'withdrawn', hold: false }) }));
    list = new NoAnswer('the connection failed (ECONNREFUSED)');
    parts.client.otherwise = () => shown(ours);
    expect(await verify()).to.deep.include({
      noList: 'the peer does not answer: the connection failed (ECONNREFUSED)',
    });
    expect(await difference()).to.include({ comparison: 'missing-here', reason: 'it was withdrawn' });
    list = { status: 404, groups: undefined };
    expect((await verify()).noList).to.equal('the peer answered 404');
    list = { status: 200, groups: undefined };
    expect((await verify()).noList).to.equal('the peer answered something that is no list');
    list = { status: 200, groups: [] };
    expect(await difference(), 'with a list, it says').to.equal(undefined);
  });

  it('no more are asked for at a time than configured', async () => {
    await many(30);
    let underWay = 0;
    let most = 0;
    parts.client.otherwise = async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await parts.clock.turn();
      underWay -= 1;
      return answer(404, own);
    };
    expect((await verify()).counts['missing-there']).to.equal(30);
    expect(most).to.equal(settings.parallel);
  });

  it('a peer that is silent is given up at the deadline, and what is left is counted', async () => {
    await many(30);
    parts.client.otherwise = () => silence;
    const verification = verify();
    await parts.client.request(settings.parallel);
    parts.clock.advance(settings.operationDeadline);
    expect(await verification).to.deep.include({ differences: [], notCompared: 30 });
    expect(parts.clock.pending).to.equal(0);
  });

  it('a peer that is down is not asked for every group', async () => {
    await many(30);
    parts.client.otherwise = () => new NoAnswer('the connection failed (ECONNREFUSED)');
    const { counts, notCompared } = await verify();
    expect(counts['not-comparable'] + notCompared).to.equal(30);
    expect(parts.client.requests.length).to.be.below(15);
  });

  it('ends early when the server closes', async () => {
    await many(10);
    parts.client.otherwise = () => silence;
    const verifier = verifierOf();
    const verification = verifier.verify(other);
    await parts.client.request(1);
    verifier.close();
    expect((await verification).notCompared).to.equal(10);
    expect((await verifier.verify(other)).notCompared, 'and from then on').to.equal(10);
  });

  it('several who ask at once are told the same, and the peer is asked once', async () => {
    await many(3);
    parts.client.otherwise = () => answer(404);
    const verifier = verifierOf();
    const both = await Promise.all([verifier.verify(other), verifier.verify(other)]);
    expect(both[0]).to.deep.equal(both[1]);
    expect(parts.client.requests).to.have.lengthOf(3);
    await verifier.verify(other);
    expect(parts.client.requests, 'asked anew later').to.have.lengthOf(6);
  });

  it('changes nothing here', async () => {
    await plant(joint, ownState(ours, { b: delivery({ status: 'parked', reason: 'no' }) }));
    await plant(foreign, receivedState(theirs, b));
    const before = [await parts.state(joint), await parts.state(foreign)];
    parts.client.otherwise = () => shown('something else');
    await verify();
    expect([await parts.state(joint), await parts.state(foreign)]).to.deep.equal(before);
  });
});
