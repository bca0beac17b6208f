import { expect } from 'chai';
import type { ConfigInput } from '../../src/gms/config.js';
import { ManualClock } from '../support/manual-clock.js';
import { jsonOf, operations, problemOf } from '../support/operations.js';
import {
  administratorDeletes,
  administratorPuts,
  fire,
  getAs,
  groupText,
  joint,
  police,
  provide,
  ScriptedServer,
  siteConfig,
  startPair,
  startPartner,
  steadyRandom,
  willingPartner,
  xcapErrorOf,
  type Pair,
  type PeerInput,
} from '../support/peers.js';
import type { RawAnswer } from '../support/raw-http.js';
import { groupPath, groupType, TestSystem } from '../support/system.js';

/**
 * Configurations that change over a restart (design D6, D20): records keep what identifies a system, and whose
 * a record is follows from where it came from and from the home of its group now.
 */

const port = { ...police, name: 'c', domain: 'port.example', gms: 'sip:gms@port.example' } as const;

const asPolice = { as: police.administrator };
const asFire = { as: fire.administrator };
const isNew = { 'If-None-Match': '*' };
const tagOf = ({ headers }: RawAnswer): Record<string, string> => ({
  'If-Match': headers.etag ?? '',
});

interface Orphans {
  readonly orphans: readonly { readonly group: string; readonly receivedFrom: string }[];
}

async function orphansOf(system: TestSystem, as: { readonly as: string }): Promise<Orphans['orphans']> {
  return (jsonOf(await operations(system, 'GET', '/orphans', as)) as Orphans).orphans;
}

interface PeerView {
  readonly name: string;
  readonly configured: boolean;
  readonly delivered: number;
  readonly pending: number;
  readonly received: number;
}

async function peersOf(
  system: TestSystem,
  as: { readonly as: string },
): Promise<Readonly<Record<string, PeerView>>> {
  const { peers } = jsonOf(await operations(system, 'GET', '/peers', as)) as { readonly peers: PeerView[] };
  return Object.fromEntries(peers.map((peer) => [peer.name, peer]));
}

describe('a peer that is given another name keeps what it is owed and what it gave', () => {
  let pair: Pair;
  const local = 'sip:local@police.example';

  beforeEach(async () => {
    pair = await startPair();
    await administratorPuts(pair.a, police, joint, groupText());
    await administratorPuts(pair.a, police, local, groupText({ id: local, members: [police.member] }));
    jsonOf(await operations(pair.a, 'PUT', `/shares/${encodeURIComponent(local)}/b`, asPolice), 201);
    for (const group of [joint, local]) {
      await pair.a.log.line('group information delivered', (line) => line['group'] === group);
    }
  });

  afterEach(async () => {
    await pair.dispose();
  });

  const renamed = (other: typeof police | typeof fire, root: string, name: string): ConfigInput => ({
    peers: [{ name, identity: other.gms, root, domains: [other.domain] }],
  });

  it('at the primary: deliveries, shares, and the withdrawal in the end', async () => {
    const { a, b } = pair;
    await a.close();
    a.log.clear();
    await a.open(renamed(fire, b.root, 'brigade'));
    const peers = await peersOf(a, asPolice);
    expect(Object.keys(peers)).to.deep.equal(['brigade']);
    expect(peers['brigade']).to.include({ configured: true, delivered: 2, pending: 0 });
    const { shares } = jsonOf(await operations(a, 'GET', '/shares', asPolice)) as { shares: unknown[] };
    expect(shares).to.deep.equal([{ group: local, peer: 'brigade', by: 'operator' }]);
    const news = groupText({ name: 'News' });
    await administratorPuts(a, police, joint, news);
    await a.log.line('group information delivered', ({ group }) => group === joint);
    expect((await getAs(b, police.gms, joint)).text).to.equal(news);
    expect((await getAs(b, police.gms, local)).status, 'nothing was withdrawn').to.equal(200);
    a.log.clear();
    await administratorDeletes(a, police, joint);
    await a.log.line('group information delivered', ({ outcome }) => outcome === 'withdrawn');
    expect((await getAs(b, police.gms, joint)).status).to.not.equal(200);
    await a.close();
    await a.open(renamed(fire, b.root, 'once-more'));
    expect((await getAs(a, fire.gms, joint)).status, 'what it has held is remembered').to.equal(410);
  });

  it('at the partner: its groups are kept current, and no orphans', async () => {
    const { a, b } = pair;
    await b.close();
    await b.open(renamed(police, a.root, 'metropolitan'));
    expect(await orphansOf(b, asFire)).to.deep.equal([]);
    const peers = await peersOf(b, asFire);
    expect(Object.keys(peers)).to.deep.equal(['metropolitan']);
    expect(peers['metropolitan']).to.include({ configured: true, received: 2 });
    a.log.clear();
    const news = groupText({ name: 'News' });
    await administratorPuts(a, police, joint, news);
    await a.log.line('group information delivered');
    expect((await getAs(b, fire.member, joint)).status).to.equal(200);
    expect((await getAs(b, fire.administrator, joint)).text).to.equal(news);
    const refetched = jsonOf(await operations(b, 'POST', '/peers/metropolitan/refetch', asFire));
    expect(refetched).to.deep.include({ outcomes: { unchanged: 2 } });
  });
});

describe('a partner whose configuration changes', () => {
  let nobody: ScriptedServer;
  let b: TestSystem;

  const peerAt = (site: {
    readonly name: string;
    readonly gms: string;
    readonly domain: string;
  }): PeerInput => ({
    name: site.name,
    identity: site.gms,
    root: `${nobody.root}/${site.domain}`,
    domains: [site.domain],
  });
  const reopen = async (changes: ConfigInput): Promise<void> => {
    await b.close();
    b.log.clear();
    await b.open(changes);
  };
  const dock = 'sip:dock@port.example';
  const put = async (text: string, path = groupPath(joint), headers: Record<string, string> = {}) =>
    await b.request({
      method: 'PUT',
      path,
      as: fire.administrator,
      body: text,
      headers: { 'Content-Type': groupType, ...headers },
    });

  beforeEach(async () => {
    nobody = await ScriptedServer.start(willingPartner());
    b = await startPartner(`${nobody.root}/police.example`, { others: [peerAt(port)] });
    expect((await provide(b, police, joint, groupText(), isNew)).status).to.equal(201);
  });

  afterEach(async () => {
    await b.dispose();
    await nobody.down();
  });

  it('swaps the names of two peers: each keeps its groups', async () => {
    const text = groupText({ id: dock });
    expect((await provide(b, port, dock, text, isNew)).status).to.equal(201);
    await reopen({ peers: [peerAt({ ...police, name: 'c' }), peerAt({ ...port, name: 'a' })] });
    expect(await orphansOf(b, asFire)).to.deep.equal([]);
    const shown = async (name: string): Promise<unknown> => {
      const { receivedGroups } = jsonOf(await operations(b, 'GET', `/peers/${name}`, asFire)) as {
        readonly receivedGroups: { readonly items: readonly { readonly group: string }[] };
      };
      return receivedGroups.items.map(({ group }) => group);
    };
    expect(await shown('c')).to.deep.equal([joint]);
    expect(await shown('a')).to.deep.equal([dock]);
    const held = await getAs(b, police.gms, joint);
    expect(held).to.include({ status: 200, text: groupText() });
    expect((await provide(b, police, joint, groupText({ name: 'News' }), tagOf(held))).status).to.equal(200);
    expect((await getAs(b, port.gms, joint)).status).to.not.equal(200);
    expect((await getAs(b, port.gms, dock)).text).to.equal(text);
  });

  it('gives a former peer’s name to another system: that one inherits nothing', async () => {
    await reopen({ peers: [peerAt({ ...port, name: 'a' })] });
    expect(await orphansOf(b, asFire)).to.deep.equal([{ group: joint, receivedFrom: police.gms }]);
    const peers = await peersOf(b, asFire);
    expect(peers['a']).to.include({ configured: true, received: 0 });
    expect(peers[police.gms]).to.include({ configured: false, received: 1 });
    expect((await getAs(b, port.gms, joint)).status).to.not.equal(200);
    const former = `/peers/${encodeURIComponent(police.gms)}`;
    expect(jsonOf(await operations(b, 'GET', former, asFire))).to.include({ name: police.gms, received: 1 });
  });

  it('shows a former peer by the last name that it had', async () => {
    await reopen({ peers: [peerAt({ ...police, name: 'metropolitan' })] });
    await reopen({ peers: [] });
    expect(await orphansOf(b, asFire)).to.deep.equal([{ group: joint, receivedFrom: 'metropolitan' }]);
    await reopen({ peers: [peerAt(police)] });
    expect(await orphansOf(b, asFire)).to.deep.equal([]);
    expect((await getAs(b, police.gms, joint)).status).to.equal(200);
  });

  it('gives a peer’s name to another identity: the groups are orphans, and that system replaces them', async () => {
    const successor = { ...police, gms: 'sip:new-gms@police.example' };
    await reopen({ peers: [peerAt(successor)] });
    expect(await orphansOf(b, asFire)).to.deep.equal([{ group: joint, receivedFrom: police.gms }]);
    expect((await getAs(b, successor.gms, joint)).status).to.equal(404);
    expect((await provide(b, successor, joint, groupText(), isNew)).status).to.equal(201);
    expect(await orphansOf(b, asFire)).to.deep.equal([]);
    expect((await getAs(b, successor.gms, joint)).text).to.equal(groupText());
  });

  describe('the domain of a received group becomes ours', () => {
    beforeEach(async () => {
      await reopen({
        system: { name: fire.name, domains: [fire.domain, police.domain] },
        peers: [{ ...peerAt(police), domains: ['metropolitan.example'] }],
      });
    });

    it('the group is an orphan: readable, shown to nobody but the one it came from, and not kept current', async () => {
      expect(await orphansOf(b, asFire)).to.deep.equal([{ group: joint, receivedFrom: 'a' }]);
      const { receivedGroups } = jsonOf(await operations(b, 'GET', '/peers/a', asFire)) as {
        readonly receivedGroups: { readonly items: readonly unknown[] };
      };
      expect(receivedGroups.items[0]).to.include({ group: joint, orphaned: true });
      expect((await getAs(b, fire.member, joint)).status).to.equal(200);
      expect((await getAs(b, fire.server, joint)).text).to.equal(groupText());
      const held = await getAs(b, police.gms, joint);
      expect(held).to.include({ status: 200, text: groupText() });
      const late = await provide(b, police, joint, groupText({ name: 'Late' }), tagOf(held));
      expect(late.status).to.equal(403);
      const withdrawal = { method: 'DELETE', path: groupPath(joint), as: police.gms } as const;
      expect((await b.request(withdrawal)).status).to.equal(403);
      const refetched = jsonOf(await operations(b, 'POST', '/peers/a/refetch', asFire));
      expect(refetched).to.deep.include({ outcomes: { 'not-held': 1 } });
      expect((await getAs(b, fire.administrator, joint)).text).to.equal(groupText());
    });

    it('our administrator puts it anew, whole', async () => {
      const node = `${groupPath(joint)}/~~/group/list-service/display-name`;
      const part = await b.request({
        method: 'PUT',
        path: node,
        as: fire.administrator,
        body: '<display-name xml:lang="en">Part</display-name>',
        headers: { 'Content-Type': 'application/xcap-el+xml' },
      });
      expect(xcapErrorOf(part, 'constraint-failure')).to.match(/not its home any more/);
      const ours = groupText({ name: 'Ours', members: [fire.member] });
      const shown = await getAs(b, fire.administrator, joint);
      expect((await put(ours, groupPath(joint), { 'If-Match': '"another"' })).status).to.equal(412);
      expect((await put(ours, groupPath(joint), tagOf(shown))).status).to.equal(200);
      expect(await orphansOf(b, asFire)).to.deep.equal([]);
      expect((await getAs(b, fire.member, joint)).status).to.equal(200);
      expect((await getAs(b, police.gms, joint)).status, 'it is not shared').to.equal(403);
      const mine = await b.request({
        method: 'PUT',
        path: node,
        as: fire.administrator,
        body: '<display-name xml:lang="en">Part</display-name>',
        headers: { 'Content-Type': 'application/xcap-el+xml' },
      });
      expect(mine.status, 'it is ours').to.equal(200);
    });

    it('and in the users tree', async () => {
      const ours = groupText({ name: 'Ours', members: [fire.member] });
      const path = '/org.openmobilealliance.groups/users/sip:group-creation@fire.example/joint';
      expect((await put(ours, path, isNew)).status).to.equal(201);
      expect((await getAs(b, fire.administrator, joint)).text).to.equal(ours);
      expect(await orphansOf(b, asFire)).to.deep.equal([]);
      expect((await put(groupText({ members: [] }), `${path}-2`, isNew)).status, 'ours is taken').to.equal(
        409,
      );
    });

    it('a user who may create groups does not', async () => {
      await reopen({
        system: { name: fire.name, domains: [fire.domain, police.domain] },
        peers: [{ ...peerAt(police), domains: ['metropolitan.example'] }],
        groups: { creators: [fire.member] },
      });
      const owned = groupText().replace(
        /<(\w+):on-network-group-priority>/,
        `<$1:owner>${fire.member}</$1:owner>$&`,
      );
      const creates = async (path: string): Promise<number> => {
        const headers = { 'Content-Type': groupType };
        return (await b.request({ method: 'PUT', path, as: fire.member, body: owned, headers })).status;
      };
      const folder = '/org.openmobilealliance.groups/users/sip:group-creation@fire.example';
      expect(await creates(`${folder}/joint`)).to.equal(409);
      expect(await creates(groupPath(joint))).to.equal(403);
      expect((await getAs(b, police.gms, joint)).text).to.equal(groupText());
    });

    it('the operator removes it', async () => {
      const path = `/orphans/${encodeURIComponent(joint)}`;
      expect(jsonOf(await operations(b, 'DELETE', path, asFire))).to.include({ outcome: 'removed' });
      expect((await getAs(b, fire.administrator, joint)).status).to.equal(404);
      problemOf(await operations(b, 'DELETE', path, asFire), 404);
      expect((await put(groupText())).status).to.equal(201);
    });
  });

  it('gives a domain to another peer: what the former home withdrew does not bind the new one', async () => {
    const none = { ...isNew, 'MCGMS-Withdrawal': 'none' };
    expect((await b.request({ method: 'DELETE', path: groupPath(joint), as: police.gms })).status).to.equal(
      200,
    );
    expect((await provide(b, police, joint, groupText(), none)).status, 'it binds the former').to.equal(412);
    const moved = { ...peerAt(port), domains: [port.domain, police.domain] };
    await reopen({ peers: [{ ...peerAt(police), domains: ['metropolitan.example'] }, moved] });
    expect((await provide(b, port, joint, groupText(), none)).status).to.equal(201);
  });

  describe('the domain of a received group becomes another peer’s', () => {
    beforeEach(async () => {
      await reopen({
        peers: [
          { ...peerAt(police), domains: ['metropolitan.example'] },
          { ...peerAt(port), domains: [port.domain, police.domain] },
        ],
      });
    });

    it('the group is never shown to that peer, and our administrator cannot take it', async () => {
      expect((await getAs(b, port.gms, joint)).status).to.equal(404);
      expect((await getAs(b, police.gms, joint)).text).to.equal(groupText());
      expect((await getAs(b, fire.administrator, joint)).text).to.equal(groupText());
      expect(await orphansOf(b, asFire)).to.deep.equal([{ group: joint, receivedFrom: 'a' }]);
      xcapErrorOf(await put(groupText({ name: 'Ours' })), 'constraint-failure');
      const withdrawal = { method: 'DELETE', path: groupPath(joint), as: port.gms } as const;
      expect((await b.request(withdrawal)).status, 'it never gave the group').to.equal(404);
      expect((await getAs(b, fire.administrator, joint)).text).to.equal(groupText());
    });

    for (const [title, text] of [
      ['another document', groupText({ name: 'Theirs' })],
      ['the same bytes', groupText()],
    ] as const) {
      it(`that peer replaces the group, with ${title}`, async () => {
        const first = await provide(b, port, joint, text, isNew);
        expect(first.status).to.equal(201);
        expect(await orphansOf(b, asFire)).to.deep.equal([]);
        expect(await getAs(b, port.gms, joint)).to.include({ status: 200, text });
        expect((await getAs(b, police.gms, joint)).status).to.equal(403);
        expect((await provide(b, port, joint, text, isNew)).status).to.equal(412);
        const next = groupText({ name: 'Next' });
        expect((await provide(b, port, joint, next, tagOf(first))).status).to.equal(200);
        expect((await getAs(b, fire.administrator, joint)).text).to.equal(next);
      });
    }
  });
});

describe('a primary whose configuration changes', () => {
  const pier = 'sip:pier@fire.example';
  let there: ScriptedServer;
  let clock: ManualClock;
  let b: TestSystem;

  const peers = (...more: readonly PeerInput[]): PeerInput[] => [
    { name: police.name, identity: police.gms, root: there.root, domains: [police.domain] },
    ...more,
  ];
  const newHome: PeerInput = {
    name: port.name,
    identity: port.gms,
    root: 'http://127.0.0.1:9/xcap-root',
    domains: [port.domain, fire.domain],
  };

  beforeEach(async () => {
    there = await ScriptedServer.start(willingPartner());
    clock = new ManualClock();
    b = await TestSystem.start(siteConfig(fire, police, there.root), { clock, random: steadyRandom });
  });

  afterEach(async () => {
    await b.dispose();
    await there.down();
  });

  it('a group of ours whose domain becomes a peer’s is an orphan; partners are told, the peer replaces it', async () => {
    await administratorPuts(b, fire, pier, groupText({ id: pier }));
    await b.log.line('group information delivered');
    jsonOf(await operations(b, 'PUT', `/shares/${encodeURIComponent(pier)}/a`, asFire), 201);
    await b.close();
    await b.open({ system: { name: fire.name, domains: ['rescue.example'] }, peers: peers(newHome) });
    expect(await orphansOf(b, asFire)).to.deep.equal([{ group: pier, receivedFrom: 'b' }]);
    expect((await getAs(b, fire.administrator, pier)).text).to.equal(groupText({ id: pier }));
    expect((await getAs(b, port.gms, pier)).status, 'the new home').to.equal(404);
    expect((await getAs(b, police.gms, pier)).status, 'a partner').to.equal(403);
    const changed = { method: 'PUT', path: groupPath(pier), as: fire.administrator } as const;
    const headers = { 'Content-Type': groupType };
    const refused = await b.request({ ...changed, headers, body: groupText({ id: pier, name: 'Ours' }) });
    xcapErrorOf(refused, 'constraint-failure');
    const theirs = groupText({ id: pier, name: 'Theirs' });
    expect((await provide(b, port, pier, theirs, isNew)).status).to.equal(201);
    expect(await orphansOf(b, asFire)).to.deep.equal([]);
    expect((await getAs(b, fire.administrator, pier)).text).to.equal(theirs);
    expect((await getAs(b, police.gms, pier)).status).to.equal(403);
    expect(jsonOf(await operations(b, 'GET', '/shares', asFire))).to.deep.include({ shares: [] });
    for (let number = 1; ; number += 1) if ((await there.request(number)).method === 'DELETE') break;
    expect(
      there.requests.filter(({ body }) => body.includes('Theirs')),
      'nothing goes onward',
    ).to.deep.equal([]);
  });

  it('what was pending of such a group is not sent any more; the operator removes the orphan', async () => {
    await there.down();
    await administratorPuts(b, fire, pier, groupText({ id: pier }));
    await b.log.line('group information not delivered');
    await b.close();
    // No pause is left when it starts again.
    clock.advance(86_400_000);
    await there.up();
    await b.open({ system: { name: fire.name, domains: ['rescue.example'] }, peers: peers(newHome) });
    await there.request(1);
    expect(there.requests.map(({ method }) => method)).to.not.include('PUT');
    const path = `/orphans/${encodeURIComponent(pier)}`;
    expect(jsonOf(await operations(b, 'DELETE', path, asFire))).to.include({ outcome: 'removed' });
    expect((await getAs(b, fire.administrator, pier)).status).to.equal(404);
    expect(await orphansOf(b, asFire)).to.deep.equal([]);
  });

  it('a peer that is removed and added again under another name keeps what it is owed', async () => {
    await administratorPuts(b, fire, pier, groupText({ id: pier }));
    await b.log.line('group information delivered');
    await b.close();
    await b.open({ peers: [] });
    await administratorDeletes(b, fire, pier);
    await administratorPuts(b, fire, pier, groupText({ id: pier, members: [fire.member] }));
    await b.close();
    const sent = there.requests.length;
    await b.open({ peers: [{ ...peers()[0], name: 'metropolitan' }] });
    const owed = await there.request(sent + 1);
    expect(owed.method).to.equal('DELETE');
    expect(owed.headers['if-match']).to.equal('"1"');
  });
});
