import { appendFile, readdir, readFile } from 'node:fs/promises';
import net from 'node:net';
import { expect } from 'chai';
import { ManualClock } from '../support/manual-clock.js';
import { auditOf, jsonOf, operations, problemOf } from '../support/operations.js';
import {
  administratorDeletes,
  administratorPuts,
  copyAt,
  fire,
  getAs,
  groupText,
  InformedServer,
  joint,
  notProvided,
  police,
  policyFixture,
  provide,
  putPolicy,
  ScriptedServer,
  startPair,
  startPartner,
  startPrimary,
  steadyRandom,
  willingPartner,
  type Pair,
} from '../support/peers.js';
import { groupPath, groupType, TestSystem } from '../support/system.js';

const asPolice = { as: police.administrator };
const asFire = { as: fire.administrator };

/** What makes a refusal the peer's own word: an xcap-error (RFC 4825 clause 11). */
const refusalInItsOwnName = {
  headers: { 'Content-Type': 'application/xcap-error+xml' },
  body: '<xcap-error xmlns="urn:ietf:params:xml:ns:xcap-error"><constraint-failure phrase="no"/></xcap-error>',
};

/** A group that no member of the fire brigade is in. */
const local = groupText({ members: [police.member] });
const encoded = encodeURIComponent;

describe('operations: who may, and what there is', () => {
  let a: TestSystem;

  before(async () => {
    a = await startPrimary('http://127.0.0.1:9/xcap-root');
    await administratorPuts(a, police, joint, local);
  });

  after(async () => {
    await a.dispose();
  });

  const everything = [
    ['GET', ''],
    ['GET', '/peers'],
    ['GET', '/peers/b'],
    ['POST', '/peers/b/retry'],
    ['POST', '/peers/b/refetch'],
    ['GET', '/peers/b/verify'],
    ['POST', '/peers/b/resend'],
    ['POST', '/peers/b/repair'],
    ['POST', '/peers/b/accept-removals'],
    ['DELETE', '/peers/b'],
    ['GET', '/shares'],
    ['PUT', `/shares/${encoded(joint)}/b`],
    ['DELETE', `/shares/${encoded(joint)}/b`],
    ['GET', '/orphans'],
    ['DELETE', `/orphans/${encoded(joint)}`],
    ['GET', '/policies/progress'],
    ['GET', '/counters'],
    ['GET', '/quotas'],
    ['GET', '/there/is/no/such/thing'],
    ['PATCH', '/peers'],
  ] as const;

  for (const [title, as] of [
    ['nobody', undefined],
    ['a user', police.member],
    ['an MC service server', police.server],
    ['a peer', fire.gms],
    ['an administrator of another system', fire.administrator],
    ['two identities at once', `${police.administrator}, ${police.administrator}`],
  ] as const) {
    it(`${title} learns nothing and changes nothing`, async () => {
      for (const [method, path] of everything) {
        const answer = await operations(a, method, path, { as });
        // Where the identity is odd, the answer says so behind these words.
        expect(problemOf(answer, 403), `${method} ${path}`).to.match(/^this is for administrators(?:; |$)/);
      }
      expect(jsonOf(await operations(a, 'GET', '/shares', asPolice))).to.deep.equal({
        shares: [],
        leftOut: 0,
      });
    });
  }

  it('a refusal comes before the body does', async () => {
    const socket = net.connect(a.port, '127.0.0.1');
    socket.write('POST /operations/peers/b/retry HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n');
    const [first] = await new Promise<[Buffer]>((resolve) =>
      socket.once('data', (data) => {
        resolve([data]);
      }),
    );
    expect(first.toString('latin1')).to.match(/^HTTP\/1\.1 403 /);
    socket.destroy();
  });

  it('an administrator finds every resource, with its methods', async () => {
    const { resources } = jsonOf(await operations(a, 'GET', '', asPolice)) as {
      readonly resources: readonly { readonly path: string; readonly methods: readonly string[] }[];
    };
    for (const { path, methods } of resources) {
      const named = path.replace('/operations', '').replace('{name}', 'b').replace('{group}', encoded(joint));
      const answer = await operations(a, 'PATCH', named, asPolice);
      problemOf(answer, 405);
      const allowed = answer.headers.allow?.split(', ') ?? [];
      expect(allowed.filter((method) => method !== 'HEAD')).to.deep.equal([...methods]);
    }
  });

  for (const path of [
    '/nothing',
    '/peers/',
    '/peers/b/',
    '/peers//retry',
    '/peers/b/retry/more',
    '/../xcap-root/xcap-caps/global/index',
    '/shares/x',
  ]) {
    it(`${path}: 404`, async () => {
      problemOf(await operations(a, 'GET', path, asPolice), 404);
    });
  }

  it('names that are none, or of nobody, are told so', async () => {
    expect(problemOf(await operations(a, 'GET', '/peers/nobody', asPolice), 404)).to.match(/"nobody"/);
    expect(problemOf(await operations(a, 'GET', '/peers/__proto__', asPolice), 404)).to.match(/__proto__/);
    expect(problemOf(await operations(a, 'POST', '/peers/x%0Ay/retry', asPolice), 404)).to.match(/"x\\ny"/);
    problemOf(await operations(a, 'GET', '/peers/%E0%A4%A', asPolice), 400);
    problemOf(await operations(a, 'PUT', '/shares/no-uri/b', asPolice), 400);
    problemOf(await operations(a, 'GET', `/peers/${'x'.repeat(9000)}`, asPolice), 414);
  });

  for (const query of ['limit=0', 'limit=1001', 'limit=1&limit=2', 'limit=1e2', 'status=lost', 'page=2']) {
    it(`?${query}: 400`, async () => {
      problemOf(await operations(a, 'GET', `/peers/b?${query}`, asPolice), 400);
    });
  }

  const json = { 'Content-Type': 'application/json' };
  for (const [title, body, headers, status] of [
    ['no JSON', '{', json, 400],
    ['no object', '["sip:g@police.example"]', json, 400],
    ['null', 'null', json, 400],
    ['another name', '{"groups": "sip:g@police.example"}', json, 400],
    ['two names', '{"group": "sip:g@police.example", "x": 1}', json, 400],
    ['no text', '{"group": 7}', json, 400],
    ['no group ID', '{"group": "../../x"}', json, 400],
    ['bad UTF-8', Buffer.from('{"group": "\u00ff"}', 'latin1'), json, 400],
    ['another media type', '{}', { 'Content-Type': 'text/plain' }, 415],
    ['too much', `{"group": "sip:${'x'.repeat(5000)}@police.example"}`, json, 413],
    ['a content coding', '{}', { ...json, 'Content-Encoding': 'gzip' }, 415],
  ] as const) {
    it(`a body of ${title}: ${status}`, async () => {
      const answer = await operations(a, 'POST', '/peers/b/retry', { ...asPolice, body, headers });
      problemOf(answer, status);
    });
  }

  it('HEAD is a GET without a body', async () => {
    const answer = await operations(a, 'HEAD', '/peers', asPolice);
    expect(answer).to.include({ status: 200, text: '' });
    expect(Number(answer.headers['content-length'])).to.be.above(2);
  });

  it('the XCAP root and the resources for operators know nothing of each other', async () => {
    expect((await a.request({ method: 'GET', path: '/operations/peers', ...asPolice })).status).to.equal(404);
    expect((await operations(a, 'GET', groupPath(joint), asPolice)).status).to.equal(404);
    const beside = await a.request({ method: 'GET', path: '/../operations-else', ...asPolice });
    expect(beside.status).to.be.oneOf([400, 404]);
    expect(beside.headers['content-type']).to.not.equal('application/problem+json');
  });
});

interface PeerView {
  readonly name: string;
  readonly reachableSince: string | null;
  readonly failing: Readonly<Record<string, unknown>> | null;
  readonly groups: { readonly leftOut: number; readonly items: readonly Record<string, unknown>[] };
  readonly receivedGroups: { readonly leftOut: number; readonly items: readonly Record<string, unknown>[] };
}

describe('operations: how a partner stands', () => {
  let partner: ScriptedServer;
  let clock: ManualClock;
  let a: TestSystem;

  beforeEach(async () => {
    partner = await ScriptedServer.start(willingPartner());
    clock = new ManualClock();
    const interconnection = { backOff: { first: '10s', cap: '1h' } };
    a = await startPrimary(partner.root, { interconnection }, { clock, random: steadyRandom });
  });

  afterEach(async () => {
    await a.dispose();
    await partner.down();
  });

  const peer = async (query = ''): Promise<PeerView> =>
    jsonOf(await operations(a, 'GET', `/peers/b${query}`, asPolice)) as PeerView;
  const peers = async (): Promise<unknown> => jsonOf(await operations(a, 'GET', '/peers', asPolice));
  const untilLogged = async (message: string, act: () => Promise<unknown>): Promise<void> => {
    a.log.clear();
    await act();
    await a.log.line(message);
  };

  it('nothing has been tried yet', async () => {
    expect(await peers()).to.deep.equal({
      peers: [
        {
          name: 'b',
          configured: true,
          reachableSince: null,
          failing: null,
          underWay: 0,
          pending: 0,
          parked: 0,
          delivered: 0,
          received: 0,
          revalidation: null,
          reconciliation: null,
        },
      ],
    });
  });

  it('a partner that is down: since when, why, how often, when next; then reachable since', async () => {
    await partner.down();
    const start = new Date(clock.now()).toISOString();
    await untilLogged('group information not delivered', () =>
      administratorPuts(a, police, joint, groupText()),
    );
    clock.advance(8000);
    await untilLogged('group information not delivered', () => Promise.resolve());
    const { failing, groups } = await peer();
    expect(failing).to.deep.equal({
      since: start,
      reason: 'the connection failed (ECONNREFUSED)',
      failures: 2,
      nextAttempt: new Date(clock.now() + 16_000).toISOString(),
    });
    expect(groups.items).to.have.lengthOf(1);
    expect(groups.items[0]).to.include({ group: joint, status: 'pending', behind: 1, answer: null });
    await partner.up();
    await untilLogged('group information delivered', () => operations(a, 'POST', '/peers/b/retry', asPolice));
    const after = await peer();
    expect(after.failing).to.equal(null);
    expect(after.reachableSince).to.equal(new Date(clock.now()).toISOString());
    expect(after).to.include({ delivered: 1, pending: 0 });
  });

  it('a refusal for good: parked with its reason, until the operator has it tried again', async () => {
    partner.answers({ status: 409, ...refusalInItsOwnName });
    await untilLogged('group information parked', () => administratorPuts(a, police, joint, groupText()));
    const [item] = (await peer()).groups.items;
    expect(item).to.include({
      status: 'parked',
      behind: 1,
      reason: 'the partner answered 409: constraint-failure: no',
      acknowledged: null,
    });
    expect(item?.['answer']).to.deep.include({ status: 409, result: null });
    const none = await operations(a, 'POST', '/peers/b/retry', {
      ...asPolice,
      headers: { 'Content-Type': 'application/json' },
      body: '{"group": "sip:other@police.example"}',
    });
    expect(jsonOf(none)).to.deep.equal({ peer: 'b', group: 'sip:other@police.example', tried: 0 });
    expect(partner.requests).to.have.lengthOf(1);
    await untilLogged('group information delivered', async () => {
      const headers = { 'Content-Type': 'application/json' };
      const body = JSON.stringify({ group: 'SIP:joint@POLICE.example' });
      const answer = await operations(a, 'POST', '/peers/b/retry', { ...asPolice, headers, body });
      expect(jsonOf(answer)).to.deep.equal({ peer: 'b', group: joint, tried: 1 });
    });
    const [delivered] = (await peer()).groups.items;
    expect(delivered).to.include({ status: 'delivered', behind: 0, reason: null });
    expect(delivered?.['acknowledged']).to.equal(delivered?.['tag']);
  });

  it('a partner without strong tags: delivered, and the operator is told in plain words (RFC 4825 8.5)', async () => {
    partner.answers({ status: 201, headers: { ETag: 'W/"1"' } });
    await untilLogged('group information delivered', () => administratorPuts(a, police, joint, groupText()));
    const [item] = (await peer()).groups.items;
    expect(item).to.include({ status: 'delivered' });
    expect(item?.['remark']).to.match(/^the partner gives no strong entity tag/);
  });

  it('a withdrawal that was acknowledged is listed at request alone', async () => {
    await untilLogged('group information delivered', () => administratorPuts(a, police, joint, groupText()));
    await untilLogged('group information delivered', () => administratorDeletes(a, police, joint));
    expect(await peer()).to.deep.include({ delivered: 0, groups: { leftOut: 0, items: [] } });
    const { groups } = await peer('?status=withdrawn');
    expect(groups.items[0]).to.include({ group: joint, status: 'withdrawn', withdrawal: true, tag: null });
  });

  it('many groups come in pages, by group ID and by status, and say what is left out', async () => {
    const ids = Array.from({ length: 7 }, (_, index) => `sip:g-${index}@police.example`);
    for (const id of ids) {
      if (id === ids[3]) partner.answers({ status: 403, ...refusalInItsOwnName });
      a.log.clear();
      await administratorPuts(a, police, id, groupText({ id }));
      await a.log.line(id === ids[3] ? 'group information parked' : 'group information delivered');
    }
    const seen: unknown[] = [];
    for (let after = ''; ;) {
      const { groups } = await peer(`?limit=3${after}`);
      seen.push(...groups.items.map(({ group }) => group));
      expect(groups.leftOut).to.equal(ids.length - seen.length);
      if (groups.leftOut === 0) break;
      after = `&after=${encoded(String(seen.at(-1)))}`;
    }
    expect(seen).to.deep.equal(ids);
    const parked = await peer('?status=parked');
    expect(parked.groups.items.map(({ group }) => group)).to.deep.equal([ids[3]]);
    expect(parked).to.include({ delivered: 6, parked: 1 });
  });

  it('counts deliveries and refused provisions by reason, from the start on', async () => {
    await untilLogged('group information delivered', () => administratorPuts(a, police, joint, groupText()));
    expect((await provide(a, fire, joint, groupText())).status).to.equal(403);
    const counters = jsonOf(await operations(a, 'GET', '/counters', asPolice));
    expect(counters).to.deep.equal({
      since: '2026-01-01T00:00:00.000Z',
      peers: {
        b: {
          deliveries: { delivered: 1 },
          received: 0,
          refused: { '403 reception: the MC service group is not defined in your MC system': 1 },
          fetches: {},
        },
      },
      audit: { lost: 0 },
    });
  });

  it('a drift is seen, on either side, with nothing changed', async () => {
    await untilLogged('group information delivered', () => administratorPuts(a, police, joint, groupText()));
    const verify = async (): Promise<unknown> =>
      jsonOf(await operations(a, 'GET', '/peers/b/verify', asPolice));
    expect(await verify()).to.deep.include({ inSync: 1, drift: 0, differences: [] });
    const changed = { 'Content-Type': groupType, ETag: '"x"' };
    partner.answers({ status: 404 }, { status: 200, headers: changed, body: 'changed' });
    const before = await peer();
    const { differences } = (await verify()) as { readonly differences: readonly unknown[] };
    const [group] = before.groups.items;
    expect(differences).to.deep.equal([
      {
        group: joint,
        side: 'delivered',
        comparison: 'drift',
        reason: 'it was delivered',
        tag: group?.['tag'],
        since: new Date(clock.now()).toISOString(),
        theirTag: '"x"',
      },
    ]);
    expect(await peer()).to.deep.equal(before);
    expect(partner.requests.map(({ method }) => method)).to.deep.equal([
      'PUT',
      ...['GET', 'GET'],
      ...['GET', 'GET'],
    ]);
  });
});

describe('operations: sharing by name between two systems', () => {
  let pair: Pair;

  beforeEach(async () => {
    pair = await startPair();
    await administratorPuts(pair.a, police, joint, local);
  });

  afterEach(async () => {
    await pair.dispose();
  });

  const path = `/shares/${encoded(joint)}/b`;
  const share = async (): Promise<void> => {
    const answer = await operations(pair.a, 'PUT', path, asPolice);
    expect(jsonOf(answer, 201)).to.deep.equal({ group: joint, peer: 'b', outcome: 'shared' });
    await pair.a.log.line('group information delivered', ({ outcome }) => outcome === 'delivered');
  };
  const readers = async (): Promise<number[]> => [
    (await getAs(pair.b, fire.administrator, joint)).status,
    (await getAs(pair.a, fire.gms, joint)).status,
  ];

  it('the partner is given the group at once, and may request it', async () => {
    expect(await readers()).to.deep.equal([404, 403]);
    await share();
    expect((await copyAt(pair.b, joint)).received).to.include({ status: 200, text: local });
    expect(await readers()).to.deep.equal([200, 200]);
    expect(jsonOf(await operations(pair.a, 'PUT', path, asPolice))).to.have.property('outcome', 'was-shared');
    expect(jsonOf(await operations(pair.a, 'GET', '/shares', asPolice))).to.deep.equal({
      shares: [{ group: joint, peer: 'b', by: 'operator' }],
      leftOut: 0,
    });
  });

  it('the share outlives a restart and changes of the group', async () => {
    await share();
    await pair.a.close();
    await pair.a.open();
    pair.a.log.clear();
    const text = groupText({ members: [police.member], name: 'Renamed' });
    await administratorPuts(pair.a, police, joint, text);
    await pair.a.log.line('group information delivered');
    expect((await copyAt(pair.b, joint)).received.text).to.equal(text);
  });

  it('taken back, the group is withdrawn at once', async () => {
    await share();
    const tag = (await getAs(pair.a, police.administrator, joint)).headers.etag;
    pair.a.log.clear();
    const answer = await operations(pair.a, 'DELETE', path, asPolice);
    expect(jsonOf(answer)).to.deep.equal({ group: joint, peer: 'b', outcome: 'withdrawn' });
    await pair.a.log.line('group information delivered', ({ outcome }) => outcome === 'withdrawn');
    expect(await readers(), 'no longer shared').to.deep.equal([404, 410]);
    problemOf(await operations(pair.a, 'DELETE', path, asPolice), 404);
    const here = await getAs(pair.a, police.administrator, joint);
    expect(here, 'our own copy').to.deep.include({ status: 200, text: local });
    expect(here.headers.etag).to.equal(tag);
  });

  it('taken back while a member is there, the group stays', async () => {
    await share();
    pair.a.log.clear();
    await administratorPuts(pair.a, police, joint, groupText());
    await pair.a.log.line('group information delivered');
    const answer = await operations(pair.a, 'DELETE', path, asPolice);
    expect(jsonOf(answer)).to.have.property('outcome', 'still-concerned');
    expect(await readers()).to.deep.equal([200, 200]);
    expect(jsonOf(await operations(pair.a, 'GET', '/peers/b/verify', asPolice))).to.include({ inSync: 1 });
  });

  it('is refused for what is not ours or not there', async () => {
    const pier = encoded('sip:pier@fire.example');
    expect(problemOf(await operations(pair.a, 'PUT', `/shares/${pier}/b`, asPolice), 409)).to.match(
      /not defined/,
    );
    problemOf(await operations(pair.a, 'PUT', `/shares/${encoded('sip:x@police.example')}/b`, asPolice), 404);
    problemOf(await operations(pair.a, 'PUT', `/shares/${encoded(joint)}/c`, asPolice), 404);
    problemOf(await operations(pair.a, 'DELETE', `/shares/${pier}/b`, asPolice), 404);
  });

  it('ends with the group: a later one of that ID is another', async () => {
    await share();
    pair.a.log.clear();
    await administratorDeletes(pair.a, police, joint);
    await pair.a.log.line('group information delivered', ({ outcome }) => outcome === 'withdrawn');
    await administratorPuts(pair.a, police, joint, local);
    expect(jsonOf(await operations(pair.a, 'GET', '/shares', asPolice))).to.have.deep.property('shares', []);
    expect(await readers(), 'no longer shared').to.deep.equal([404, 410]);
  });
});

describe('operations: groups that came from a primary', () => {
  let primary: ScriptedServer;
  let server: InformedServer;
  let b: TestSystem;

  beforeEach(async () => {
    primary = await ScriptedServer.start();
    server = await InformedServer.start();
    b = await startPartner(primary.root, { inform: server.url });
    expect((await provide(b, police, joint, groupText(), { 'If-None-Match': '*' })).status).to.equal(201);
    await server.server.request(1);
  });

  afterEach(async () => {
    await b.dispose();
    await primary.down();
    await server.close();
  });

  const given = (text: string) => ({
    status: 200,
    headers: { 'Content-Type': groupType, ETag: '"p"' },
    body: text,
  });
  const refetch = async (body = ''): Promise<unknown> => {
    const headers = body === '' ? {} : { 'Content-Type': 'application/json' };
    return jsonOf(await operations(b, 'POST', '/peers/a/refetch', { ...asFire, headers, body }));
  };

  it('are shown with both tags and what the policy modified', async () => {
    await putPolicy(b, fire, policyFixture('guest-groups'));
    await b.log.line('effective documents were derived anew', ({ groups }) => groups === 1);
    const { receivedGroups } = jsonOf(await operations(b, 'GET', '/peers/a', asFire)) as PeerView;
    const { received, effective } = await copyAt(b, joint);
    expect(receivedGroups.items).to.have.lengthOf(1);
    const [item] = receivedGroups.items;
    expect(`"${String(item?.['tag'])}"`).to.equal(received.etag);
    expect(`"${String(item?.['effectiveTag'])}"`).to.equal(effective.etag);
    expect(item).to.include({ group: joint, orphaned: false });
    expect(item?.['modifications']).to.be.above(0);
    expect(jsonOf(await operations(b, 'GET', '/policies/progress', asFire))).to.include({
      state: 'done',
      total: 1,
      done: 1,
      failed: 0,
    });
  });

  it('are asked for anew: updated, refused, not the primary’s word, gone, not there', async () => {
    const news = groupText({ name: 'News' });
    primary.answers(given(news));
    expect(await refetch()).to.deep.include({ outcomes: { updated: 1 }, others: [], notAsked: 0 });
    expect((await copyAt(b, joint)).received.text).to.equal(news);
    for (const [answer, outcome] of [
      [{ status: 403, onTheWay: true }, 'unconfirmed'],
      [{ status: 404, onTheWay: true }, 'unconfirmed'],
      [{ status: 410, body: '<h1>Gone</h1>', onTheWay: true }, 'unconfirmed'],
      [{ status: 404 }, 'refused'],
      [notProvided(joint, 'unknown'), 'refused'],
      [notProvided(joint, 'not-answered'), 'refused'],
      [notProvided('sip:other@police.example', 'deleted'), 'refused'],
    ] as const) {
      primary.answers(answer);
      expect(await refetch(`{"group": "${joint}"}`), outcome).to.deep.include({
        outcomes: { [outcome]: 1 },
        others: [{ group: joint, outcome }],
        heldBack: 0,
      });
      expect((await copyAt(b, joint)).received.text).to.equal(news);
    }
    primary.otherwise(notProvided(joint, 'deleted'));
    expect(await refetch()).to.deep.include({ outcomes: { gone: 1 } });
    expect((await copyAt(b, joint)).received.status).to.equal(404);
    expect(await refetch()).to.deep.include({ outcomes: {} });
    expect(await refetch(`{"group": "${joint}"}`)).to.deep.include({ outcomes: { 'not-held': 1 } });
  });

  it('are compared with the primary’s document, not with what the policy made of it', async () => {
    await putPolicy(b, fire, policyFixture('guest-groups'));
    const verify = async (): Promise<unknown> =>
      jsonOf(await operations(b, 'GET', '/peers/a/verify', asFire));
    const noList = { status: 404 };
    primary.answers(noList, given(groupText()), noList, given(groupText({ name: 'News' })));
    expect(await verify()).to.include({ inSync: 1, drift: 0, noList: 'the peer answered 404' });
    expect(await verify()).to.include({ inSync: 0, drift: 1 });
    expect((await copyAt(b, joint)).received.text, 'verifying changes nothing').to.equal(groupText());
  });

  it('stay readable when the primary leaves the configuration, as orphans, until they are removed', async () => {
    const { effective } = await copyAt(b, joint);
    await b.close();
    await b.open({ peers: [] });
    expect(await getAs(b, fire.member, joint)).to.deep.include({ status: 200, text: effective.text });
    expect(jsonOf(await operations(b, 'GET', '/orphans', asFire))).to.deep.equal({
      orphans: [{ group: joint, receivedFrom: 'a' }],
      leftOut: 0,
    });
    const { peers } = jsonOf(await operations(b, 'GET', '/peers', asFire)) as {
      readonly peers: readonly unknown[];
    };
    expect(peers).to.have.lengthOf(1);
    expect(peers[0]).to.include({ name: 'a', configured: false, received: 1 });
    const { receivedGroups } = jsonOf(await operations(b, 'GET', '/peers/a', asFire)) as PeerView;
    expect(receivedGroups.items[0]).to.include({ group: joint, orphaned: true });

    const path = `/orphans/${encoded(joint)}`;
    expect(jsonOf(await operations(b, 'DELETE', path, asFire))).to.include({ outcome: 'removed' });
    expect((await getAs(b, fire.member, joint)).status).to.equal(404);
    const [told] = await server.told(2);
    expect(told).to.include({ selector: groupPath(joint).slice(1), next: undefined });
    expect(`"${told?.previous ?? ''}"`).to.equal(effective.etag);
    problemOf(await operations(b, 'DELETE', path, asFire), 404);
    expect(jsonOf(await operations(b, 'GET', '/peers', asFire))).to.deep.equal({ peers: [] });
  });

  it('of a peer are no orphans', async () => {
    problemOf(await operations(b, 'DELETE', `/orphans/${encoded(joint)}`, asFire), 404);
    expect((await copyAt(b, joint)).received.status).to.equal(200);
  });
});

describe('operations: a primary that says of many groups at once that they are gone', () => {
  const ids = ['sip:one@police.example', 'sip:two@police.example', 'sip:three@police.example'];
  let primary: ScriptedServer;
  let b: TestSystem;

  beforeEach(async () => {
    primary = await ScriptedServer.start(({ target }) => {
      const id = ids.find((each) => target.endsWith(encoded(each)));
      return notProvided(id ?? joint, 'deleted');
    });
    b = await startPartner(primary.root);
    for (const id of ids) {
      const answer = await provide(b, police, id, groupText({ id }), { 'If-None-Match': '*' });
      expect(answer.status).to.equal(201);
    }
  });

  afterEach(async () => {
    await b.dispose();
    await primary.down();
  });

  const statuses = async (): Promise<readonly number[]> =>
    await Promise.all(ids.map(async (id) => (await copyAt(b, id)).received.status));
  const post = async (what: string): Promise<unknown> =>
    jsonOf(await operations(b, 'POST', `/peers/a/${what}`, asFire));

  it('none of them goes, until the operator accepts it', async () => {
    const refetched = await post('refetch');
    expect(refetched).to.deep.include({ outcomes: { ended: 3 }, heldBack: 3 });
    expect(await statuses()).to.deep.equal([200, 200, 200]);
    const accepted = await post('accept-removals');
    expect(accepted).to.deep.include({ removed: 3, outcomes: { gone: 3 }, heldBack: 0, brokenOff: false });
    expect(await statuses()).to.deep.equal([404, 404, 404]);
  });

  it('a repair holds them back as well', async () => {
    expect(await post('repair')).to.deep.include({
      differed: 3,
      resent: [],
      fetched: [],
      left: [],
      noList: 'the peer answered 410',
    });
    expect(await statuses()).to.deep.equal([200, 200, 200]);
  });

  it('of a peer whose groups are not asked for, nothing is accepted', async () => {
    await b.close();
    const { identity, domains } = { identity: police.gms, domains: [police.domain] };
    await b.open({ peers: [{ name: 'a', identity, root: primary.root, domains, request: false }] });
    const answer = await operations(b, 'POST', '/peers/a/accept-removals', asFire);
    expect(problemOf(answer, 409)).to.match(/not asked for/);
  });
});

describe('operations: what was asked for again on schedule', () => {
  it('is told with when and what came of it', async () => {
    const clock = new ManualClock();
    const primary = await ScriptedServer.start({ status: 503 });
    const b = await startPartner(
      primary.root,
      { interconnection: { revalidation: '1h' } },
      { clock, random: steadyRandom },
    );
    try {
      const first = await provide(b, police, joint, groupText(), { 'If-None-Match': '*' });
      expect(first.status).to.equal(201);
      clock.advance(3_600_000);
      await b.log.line('received groups asked for again');
      const partner = jsonOf(await operations(b, 'GET', '/peers/a', asFire));
      expect(partner).to.have.deep.property('revalidation', {
        at: new Date(clock.now()).toISOString(),
        outcomes: { unavailable: 1 },
        brokenOff: false,
        heldBack: 0,
      });
      const { items } = (partner as PeerView).receivedGroups;
      expect(items[0]).to.include({
        group: joint,
        notConfirmedSince: new Date(clock.now()).toISOString(),
      });
      const { peers } = jsonOf(await operations(b, 'GET', '/counters', asFire)) as {
        readonly peers: Readonly<Record<string, unknown>>;
      };
      expect(peers['a']).to.deep.include({ received: 1, fetches: { '503': 1 } });
    } finally {
      await b.dispose();
      await primary.down();
    }
  });
});

describe('operations: the audit log', () => {
  it('has who changed what, what was delivered, modified, refused and asked for, in order', async () => {
    const pair = await startPair();
    try {
      await putPolicy(pair.b, fire, policyFixture('guest-groups'));
      const first = await administratorPuts(pair.a, police, joint, groupText());
      await pair.a.log.line('group information delivered');
      await pair.a.request({
        method: 'PUT',
        path: `${groupPath(joint)}/~~/group/list-service/display-name`,
        headers: { 'Content-Type': 'application/xcap-el+xml' },
        body: '<display-name xml:lang="en">Other</display-name>',
      });
      const refused = await provide(pair.b, police, 'sip:pier@fire.example', groupText());
      expect(refused.status).to.equal(403);
      pair.a.log.clear();
      await administratorDeletes(pair.a, police, joint);
      await pair.a.log.line('group information delivered', ({ outcome }) => outcome === 'withdrawn');
      await operations(pair.a, 'POST', '/peers/b/retry', asPolice);
      await pair.a.close();
      await pair.b.close();

      const byA = await auditOf(pair.a);
      expect(byA.map(({ event }) => event)).to.include.members([
        'start',
        'write',
        'delivered',
        'withdrawn',
        'stop',
      ]);
      expect(byA[0]).to.include({ event: 'start', system: 'a' });
      expect(byA.at(-1)).to.include({ event: 'stop', system: 'a' });
      const writes = byA.filter(({ event }) => event === 'write');
      const tag = first.headers.etag?.replaceAll('"', '');
      const name = `org.openmobilealliance.groups/global/byGroupID/${encoded(joint)}`;
      const who = { event: 'write', by: 'administrator', identity: police.administrator, document: name };
      expect(writes.map(({ method, status }) => [method, status])).to.deep.equal([
        ['PUT', 201],
        ['PUT', 200],
        ['DELETE', 200],
      ]);
      expect(writes[0]).to.include({ ...who, node: null, before: null, after: tag });
      expect(writes[1]).to.include({ ...who, node: 'group/list-service/display-name', before: tag });
      expect(writes[2]).to.include({ ...who, node: null, before: writes[1]?.['after'], after: null });
      expect(byA.find(({ event }) => event === 'delivered')).to.include({
        peer: 'b',
        group: joint,
        tag,
        status: 201,
      });
      expect(byA.find(({ event }) => event === 'operation')).to.include({
        by: 'administrator',
        identity: police.administrator,
        operation: 'retry',
        peer: 'b',
      });

      const byB = await auditOf(pair.b);
      expect(byB.find(({ event }) => event === 'received')).to.include({
        peer: 'a',
        group: joint,
        before: null,
      });
      const policy = byB.find(({ event }) => event === 'policy');
      expect(policy).to.include({ peer: 'a', group: joint });
      expect(policy?.['templates']).to.be.an('array').that.is.not.empty;
      expect(byB.find(({ event }) => event === 'refused')).to.include({
        peer: 'a',
        group: 'sip:pier@fire.example',
        method: 'PUT',
        status: 403,
        stage: 'reception',
      });
      expect(byB.find(({ event }) => event === 'removed')).to.include({ peer: 'a', group: joint });
      for (const line of [...byA, ...byB]) {
        expect(Date.parse(String(line['time']))).to.be.above(0);
        expect(JSON.stringify(line)).to.not.include('<');
      }
    } finally {
      await pair.dispose();
    }
  });

  it('has no line of a write that was refused', async () => {
    const a = await TestSystem.start();
    try {
      const answer = await a.request({ method: 'PUT', path: groupPath(joint), as: police.member, body: 'x' });
      expect(answer.status).to.be.oneOf([403, 415]);
      await a.close();
      expect((await auditOf(a)).map(({ event }) => event)).to.deep.equal(['start', 'stop']);
    } finally {
      await a.dispose();
    }
  });

  it('keeps a hostile name on its line', async () => {
    const a = await TestSystem.start();
    try {
      const path = `/resource-lists/users/${encoded('sip:admin@police.example')}/${encoded('x"\u202e,"event":"start')}`;
      const answer = await a.request({
        method: 'PUT',
        path,
        headers: { 'Content-Type': 'application/resource-lists+xml' },
        body: '<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>',
      });
      expect(answer.status, answer.text).to.equal(201);
      await a.close();
      expect((await auditOf(a)).map(({ event }) => event)).to.deep.equal(['start', 'write', 'stop']);
    } finally {
      await a.dispose();
    }
  });

  it('goes on over a restart, also behind a line that a kill has torn', async () => {
    const a = await TestSystem.start();
    try {
      await a.close();
      const file = `${a.folder}/data/audit.jsonl`;
      await appendFile(file, '{"time":"2026');
      await a.open();
      await a.close();
      const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
      expect(lines.map((line) => /"event":"(\w+)"/.exec(line)?.[1])).to.deep.equal([
        'start',
        'stop',
        undefined,
        'start',
        'stop',
      ]);
    } finally {
      await a.dispose();
    }
  });

  it('is not written where the configuration says none', async () => {
    const a = await TestSystem.start({ audit: { file: 'none' } });
    try {
      await a.close();
      expect(await readdir(`${a.folder}/data`)).to.not.include('audit.jsonl');
    } finally {
      await a.dispose();
    }
  });
});
