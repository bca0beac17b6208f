import { expect } from 'chai';
import { firstDelivery } from '../../../../src/interconnection/primary/delivery-state.js';
import type { DocumentName, ETag, GroupId, SystemName } from '../../../../src/base/identifiers.js';
import { withShares, type DocumentState } from '../../../../src/documents/state.js';
import { readGroup } from '../../../../src/groups/reading.js';
import type { Peers } from '../../../../src/mc-systems/peers.js';
import {
  createPlan,
  partnersConcerned,
  withPlan,
  type PlanTools,
} from '../../../../src/interconnection/primary/plan.js';
import { policyAuid } from '../../../../src/policy/usage.js';
import { groupText } from '../../../support/peers.js';
import { a, b, c, delivery, homesOf, joint, ownState, peer, peers, receivedState } from '../parts.js';

const homes = homesOf(a);
const both = peers(peer(b), peer(c));
const key = 'k' as DocumentName;

function concerned(text: string, known: Peers = both): SystemName[] {
  return [...partnersConcerned(readGroup(text), homes, known, [])].sort();
}

function toolsOf(known: Peers): PlanTools {
  return { homes, peers: known, readings: { of: ({ body }) => readGroup(body) } };
}

const ofNobodyElse = groupText({ members: ['sip:unit-71@police.example'] });
const ofFire = groupText({ members: ['sip:boat-1@fire.example'] });
const ofPort = groupText({ members: ['sip:crane@port.example'] });

describe('design D6: which partners a group concerns', () => {
  for (const [title, members, expected] of [
    ['a member of our own alone', ['sip:unit-71@police.example'], []],
    ['a member by SIP URI', ['sip:boat-1@fire.example'], [b]],
    ['members of two partners', ['sip:boat-1@fire.example', 'sips:crane@port.example'], [b, c]],
    ['several members of one', ['sip:boat-1@fire.example', 'sip:divers@fire.example'], [b]],
    ['a domain in other letters, with port and parameters', ['sip:boat-1@FIRE.Example:5060;user=ip'], [b]],
    ['a tel URI under the longer prefix', ['tel:+1-5550-99'], [b]],
    ['a tel URI under our own prefix', ['tel:+15551'], []],
    ['a domain below that of a partner', ['sip:boat-1@north.fire.example'], []],
    ['a home that nobody knows', ['sip:x@nowhere.example', 'mailto:boat-1@fire.example'], []],
  ] as const) {
    it(`${title}: ${expected.length === 0 ? 'nobody' : expected.join(' and ')}`, () => {
      expect(concerned(groupText({ members }))).to.deep.equal(expected);
    });
  }

  it('MCVideo and MCData IDs count as the entry’s own', () => {
    for (const element of ['mcvideo-mcvideo-id', 'mcdata-mcdata-id']) {
      const inner = `<entry uri="sip:unit-71@police.example"><mcpttgi:${element} uri="sip:boat-1@fire.example"/></entry>`;
      const text = ofNobodyElse.replace(/<entry .*?\/>/, inner);
      expect(concerned(text), element).to.deep.equal([b]);
    }
  });

  it('a group shared by name concerns the partner regardless of its members', () => {
    const shared = peers(peer(b), peer(c, { groups: new Set([joint]) }));
    expect(concerned(ofNobodyElse, shared)).to.deep.equal([c]);
    expect(concerned(ofFire, shared)).to.deep.equal([b, c]);
  });

  it('a system that is not a peer is not concerned', () => {
    expect(concerned(ofPort, peers(peer(b)))).to.deep.equal([]);
  });

  it('a group that is not homed here concerns nobody, shared by name or not', () => {
    const foreign = 'sip:pier@fire.example' as GroupId;
    const shared = peers(peer(b), peer(c, { groups: new Set([foreign]) }));
    const text = groupText({ id: foreign, members: ['sip:crane@port.example'] });
    expect(concerned(text, shared)).to.deep.equal([]);
  });

  it('a partner that we may not provide is concerned, and owed nothing', () => {
    const known = peers(peer(b, { provide: false }), peer(c));
    const members = ['sip:boat-1@fire.example', 'sip:crane@port.example'];
    const text = groupText({ members });
    expect(concerned(text, known)).to.deep.equal([b, c]);
    const { deliveries, concerned: formerly } = withPlan(ownState(text), true, toolsOf(known));
    expect(deliveries).to.deep.equal({ c: firstDelivery });
    expect(formerly, 'it may ask, and so hold a copy').to.deep.equal([b, c]);
  });
});

describe('design D7: a commit that changes a group plans its deliveries', () => {
  const hook = createPlan(toolsOf(both));
  const planned = (before: DocumentState | undefined, after: DocumentState): DocumentState['deliveries'] =>
    hook(key, before, after).deliveries;

  it('a new group: one first delivery for each partner concerned', () => {
    const members = ['sip:boat-1@fire.example', 'sip:crane@port.example'];
    const after = ownState(groupText({ members }));
    expect(planned(undefined, after)).to.deep.equal({ b: firstDelivery, c: firstDelivery });
    expect(planned(undefined, ownState(ofNobodyElse))).to.deep.equal({});
  });

  it('nothing is touched but the deliveries, and the partners that the group has ever concerned', () => {
    const after = ownState(ofFire);
    expect({ ...hook(key, undefined, after), deliveries: {} }).to.deep.equal({ ...after, concerned: [b] });
    const later = { ...ownState(ofPort), concerned: [b] };
    expect(hook(key, after, later).concerned).to.deep.equal([b, c]);
  });

  it('a changed group: pending again, with the partner’s tag; a new partner is added', () => {
    const known = delivery({ status: 'delivered', partnerETag: '"t"' });
    const before = ownState(ofFire, { b: known });
    const members = ['sip:boat-1@fire.example', 'sip:crane@port.example'];
    const after = ownState(groupText({ members }), before.deliveries);
    expect(planned(before, after)).to.deep.equal({
      b: { ...known, status: 'pending', change: 2, behind: 1 },
      c: firstDelivery,
    });
  });

  it('news unparks, and the failures before it do not count', () => {
    const parked = delivery({ status: 'parked', failures: 7, reason: 'the partner answered 409' });
    const before = ownState(ofFire, { b: parked });
    expect(planned(before, ownState(ofFire, before.deliveries))).to.deep.equal({
      b: delivery({ status: 'pending', change: 2, behind: 2 }),
    });
  });

  it('a partner that is no longer concerned stays to be told', () => {
    const known = delivery({ status: 'delivered', partnerETag: '"t"' });
    const before = ownState(ofFire, { b: known });
    expect(planned(before, ownState(ofNobodyElse, before.deliveries))).to.deep.equal({
      b: { ...known, status: 'pending', hold: false, change: 2, behind: 1 },
    });
  });

  it('a partner that was told of the end is not told of later changes, and of the group when it is to hold it', () => {
    const withdrawn = delivery({ status: 'withdrawn', hold: false, withdrawalTag: '"w"', behind: 0 });
    const before = ownState(ofNobodyElse, { b: withdrawn });
    const renamed = ownState(groupText({ name: 'Other', members: ['sip:unit-71@police.example'] }));
    expect(planned(before, { ...renamed, deliveries: before.deliveries })).to.deep.equal({ b: withdrawn });
    expect(planned(before, ownState(ofFire, before.deliveries))).to.deep.equal({
      b: { ...withdrawn, status: 'pending', hold: true, change: 2, behind: 1 },
    });
  });

  it('a group that is put anew finds the withdrawal that is still owed of the former one', () => {
    const owed = delivery({
      hold: false,
      change: 3,
      acknowledged: 'old' as ETag,
      partnerETag: '"t"',
      behind: 2,
    });
    const before = { ...ownState(ofFire, { b: owed }), current: null };
    const after = ownState(ofNobodyElse, before.deliveries);
    expect(planned(before, after)).to.deep.equal({ b: { ...owed, change: 4, behind: 3 } });
  });

  it('a deleted group: partners that were given it stay to be told, and no others', () => {
    const known = delivery({ status: 'delivered', partnerETag: '"t"' });
    const before = ownState(groupText(), { c: known });
    const after = { ...before, current: null };
    expect(planned(before, after)).to.deep.equal({
      c: { ...known, status: 'pending', hold: false, change: 2, behind: 1 },
    });
  });

  it('a commit that leaves the document alone leaves the deliveries alone', () => {
    const before = ownState(ofFire, { b: delivery() });
    const after = { ...before, deliveries: { b: delivery({ status: 'delivered' }) } };
    expect(hook(key, before, after)).to.equal(after);
  });

  it('received groups, and documents of other usages, are never planned for', () => {
    const received = receivedState(groupText({ members: ['sip:crane@port.example'] }), b);
    expect(hook(key, undefined, received)).to.equal(received);
    expect(hook(key, received, { ...received, current: null, received: null }).deliveries).to.deep.equal({});
    const policy = { ...ownState(ofFire), auid: policyAuid };
    expect(hook(key, undefined, policy)).to.equal(policy);
  });

  it('a partner that we may not provide is not planned for', () => {
    const silent = createPlan(toolsOf(peers(peer(b, { provide: false }))));
    expect(silent(key, undefined, ownState(ofFire)).deliveries).to.deep.equal({});
  });
});

describe('design D6: what the operator shares by name', () => {
  const hook = createPlan(toolsOf(both));
  const shares = (before: DocumentState, ...systems: string[]): DocumentState =>
    hook(key, before, withShares(before, systems));
  const delivered = delivery({ status: 'delivered', acknowledged: 't' as ETag, partnerETag: '"t"' });

  it('concerns the partner regardless of the members, and no system that is not a peer', () => {
    const view = readGroup(ofNobodyElse);
    expect([...partnersConcerned(view, homes, both, [c, 'left'])]).to.deep.equal([c]);
  });

  it('a share is planned in the same commit, and changes nothing for the others', () => {
    const before = ownState(ofFire, { b: delivered });
    expect(shares(before, c)).to.deep.equal({
      ...before,
      sharedWith: [c],
      concerned: [b, c],
      deliveries: { b: delivered, c: firstDelivery },
    });
  });

  it('a share that is taken back is to be told, unless a member keeps the group there', () => {
    const before = withShares(ownState(ofFire, { b: delivered, c: delivered }), [b, c]);
    const withdrawal = { ...delivered, status: 'pending' as const, hold: false, change: 2, behind: 1 };
    expect(shares(before)).to.deep.equal({
      ...ownState(ofFire, { b: delivered, c: withdrawal }, before.current?.etag),
      concerned: [b],
    });
  });

  it('a pause does not hold up a share that comes or goes', () => {
    const paused = delivery({ failures: 4, reason: 'the partner answered 500', retryAt: 99 });
    const before = withShares(ownState(ofNobodyElse, { b: paused, c: paused }), [b, c]);
    expect(shares(before, b).deliveries).to.deep.equal({
      b: paused,
      c: delivery({ hold: false, change: 2, behind: 2 }),
    });
  });

  it('outlives changes of the group', () => {
    const before = shares(ownState(ofNobodyElse), c);
    const after = hook(key, before, {
      ...withShares(ownState(groupText({ name: 'Other' })), [c]),
      deliveries: before.deliveries,
    });
    expect(after.deliveries).to.have.all.keys(b, c);
  });
});

describe('design D6, D7: what a changed configuration leaves to be told', () => {
  const anew = (state: DocumentState, known: Peers): DocumentState['deliveries'] | undefined =>
    changedBy(state, known)?.deliveries;
  const changedBy = (state: DocumentState, known: Peers): DocumentState | undefined => {
    const next = withPlan(state, false, toolsOf(known));
    return next === state ? undefined : next;
  };
  /** A state that has been planned for before. */
  const ownPlanned = (
    text: string,
    deliveries: DocumentState['deliveries'] = {},
    concerned = Object.keys(deliveries),
  ): DocumentState => ({ ...ownState(text, deliveries), ...(concerned.length === 0 ? {} : { concerned }) });
  const delivered = delivery({ status: 'delivered', partnerETag: '"t"' });

  it('nothing where every partner is told or about to be', () => {
    expect(anew(ownPlanned(ofFire, { b: delivered }), both)).to.equal(undefined);
    expect(anew(ownPlanned(ofFire, { b: delivery() }), both)).to.equal(undefined);
    expect(anew(ownPlanned(ofFire, { b: delivery({ status: 'parked' }) }), both)).to.equal(undefined);
    expect(anew(ownState(ofNobodyElse), both)).to.equal(undefined);
    const withdrawn = delivery({ status: 'withdrawn', hold: false });
    expect(anew(ownPlanned(ofNobodyElse, { b: withdrawn }), both)).to.equal(undefined);
  });

  it('a partner that came, or that the group is shared with from now on', () => {
    expect(anew(ownState(ofFire), both)).to.deep.equal({ b: firstDelivery });
    const shared = peers(peer(b), peer(c, { groups: new Set([joint]) }));
    expect(anew(ownState(ofFire, { b: delivered }), shared)).to.deep.equal({
      b: delivered,
      c: firstDelivery,
    });
  });

  it('a partner that the group is no longer shared with, or that we may no longer provide', () => {
    const pending = { ...delivered, status: 'pending' as const, hold: false, change: 2, behind: 1 };
    expect(anew(ownState(ofNobodyElse, { b: delivered }), both)).to.deep.equal({ b: pending });
    const silent = peers(peer(b, { provide: false }));
    expect(anew(ownState(ofFire, { b: delivered }), silent)).to.deep.equal({ b: pending });
    const parked = delivery({ status: 'parked', failures: 3 });
    expect(anew(ownState(ofNobodyElse, { b: parked }), both)).to.deep.equal({
      b: delivery({ hold: false, change: 2, behind: 2 }),
    });
  });

  it('a withdrawal that was refused is void once the partner is to hold the group again', () => {
    const refused = delivery({ status: 'parked', hold: false, partnerETag: '"t"', failures: 1 });
    const again = delivery({ partnerETag: '"t"', change: 2, behind: 2 });
    expect(anew(ownState(ofFire, { b: refused }), both)).to.deep.equal({ b: again });
    const provision = delivery({ status: 'parked', failures: 1 });
    expect(anew(ownPlanned(ofFire, { b: provision }), both), 'a refused provision').to.equal(undefined);
  });

  it('a partner that left the configuration is owed its withdrawal, should it come back, deleted groups included', () => {
    const only = peers(peer(c));
    const withdrawal = { ...delivered, status: 'pending' as const, hold: false, change: 2, behind: 1 };
    const left = changedBy(ownState(ofFire, { b: delivered }), only) ?? expect.fail('nothing is planned');
    expect(left.deliveries).to.deep.equal({ b: withdrawal });
    const pending = delivery({ hold: false });
    const gone = { ...ownState(ofFire, { b: pending, c: pending }), current: null };
    expect(anew(gone, only), 'what is owed stays').to.equal(undefined);
    expect(anew(left, both), 'it came back').to.deep.equal({
      b: { ...withdrawal, hold: true, change: 3, behind: 2 },
    });
  });

  it('received, deleted and other documents are left alone', () => {
    const received = receivedState(groupText({ members: ['sip:crane@port.example'] }), b);
    expect(anew(received, both)).to.equal(undefined);
    expect(anew({ ...ownState(ofFire), current: null }, both)).to.equal(undefined);
    expect(anew({ ...ownState(ofFire), auid: policyAuid }, both)).to.equal(undefined);
  });
});
