import { expect } from 'chai';
import { fixture } from '../support/fixtures.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  administratorDeletes,
  administratorPuts,
  copyAt,
  fire,
  freePort,
  Gate,
  getAs,
  groupText,
  InformedServer,
  joint,
  police,
  policyFixture,
  provide,
  putPolicy,
  resultMediaType,
  resultOf,
  ScriptedServer,
  siteConfig,
  startPair,
  startPartner,
  startPrimary,
  type Pair,
  type ScriptedAnswer,
} from '../support/peers.js';
import { groupPath, groupType, TestSystem } from '../support/system.js';

const nowhere = 'http://127.0.0.1:9/xcap-root';

/** The answer of a primary that gives the group. */
function given(body = groupText(), etag = '"upstream"'): ScriptedAnswer {
  return { status: 200, headers: { 'Content-Type': groupType, ETag: etag }, body };
}

describe('23.280 10.2.7.3 the partner MC system requests group configuration from the primary', () => {
  describe('between two systems', () => {
    let pair: Pair;
    let server: InformedServer;

    /** `b` misses the group: it was down when `a` tried to provide it, and `a` waits before it tries again. */
    beforeEach(async () => {
      server = await InformedServer.start();
      pair = await startPair({ b: { inform: server.url } }, { clock: new ManualClock() });
      await putPolicy(pair.b, fire, policyFixture('guest-groups'));
      await pair.b.close();
      await administratorPuts(pair.a, police, joint, groupText());
      await pair.a.log.line('group information not delivered');
      await pair.b.open();
    });

    afterEach(async () => {
      await pair.dispose();
      await server.close();
    });

    it('steps 1 to 6: an MC service server asks and is answered; received and effective are stored', async () => {
      const { b } = pair;
      const answer = await getAs(b, fire.server, joint);
      expect(answer.status).to.equal(200);
      expect(answer.headers['content-type']).to.equal(groupType);
      expect(answer.text).to.equal(fixture('interconnection/joint-effective.xml'));
      // The primary hears of the partner by its request, and what waited is delivered too.
      await pair.a.log.line('group information delivered');

      const copy = await copyAt(b, joint);
      expect(copy.received.text).to.equal(fixture('interconnection/joint.xml'));
      expect(copy.effective).to.deep.equal({ status: 200, text: answer.text, etag: answer.headers.etag });

      const [change] = await server.told(1);
      expect(change).to.deep.include({ previous: undefined, next: answer.headers.etag?.slice(1, -1) });

      await pair.a.close();
      await b.close();
      await b.open();
      expect(await copyAt(b, joint), 'stored for good, without the primary').to.deep.equal(copy);
    });

    it('step 1: a user whom the group lists may ask, also for a node', async () => {
      const answer = await pair.b.request({
        method: 'GET',
        path: `${groupPath(joint)}/~~/group/list-service/display-name`,
        as: fire.member,
      });
      expect(answer.text).to.equal('<display-name xml:lang="en">Guest: Joint operation</display-name>');
    });

    it('what was fetched is kept current: the delivery that waited, an update, the deletion', async () => {
      const { a, b } = pair;
      const fetched = await getAs(b, fire.server, joint);
      const news = groupText({ priority: 3 });
      await a.log.line('group information delivered');
      const { received, effective } = await copyAt(b, joint);
      expect([received.text, effective.text, effective.etag], 'the same content again').to.deep.equal([
        groupText(),
        fetched.text,
        fetched.headers.etag,
      ]);
      expect((await server.told(1)).length).to.equal(1);
      a.log.clear();
      await administratorPuts(a, police, joint, news);
      await a.log.line('group information delivered');
      expect((await copyAt(b, joint)).received.text).to.equal(news);
      await administratorDeletes(a, police, joint);
      await a.log.line('group information delivered', ({ outcome }) => outcome === 'withdrawn');
      expect((await getAs(b, fire.member, joint)).status).to.equal(404);
    });

    it('If-None-Match of a client is judged by what was fetched', async () => {
      const first = await getAs(pair.b, fire.member, joint);
      const again = await getAs(pair.b, fire.member, joint, { 'If-None-Match': first.headers.etag ?? '' });
      expect([again.status, again.text]).to.deep.equal([304, '']);
    });
  });

  describe('step 1: who may cause a request', () => {
    let primary: ScriptedServer;
    let b: TestSystem;

    beforeEach(async () => {
      primary = await ScriptedServer.start(given());
      b = await startPartner(primary.root, {
        others: [{ name: 'c', identity: 'sip:gms@port.example', root: nowhere, domains: ['port.example'] }],
      });
    });

    afterEach(async () => {
      await b.dispose();
      await primary.down();
    });

    for (const [title, identity, status] of [
      ['nobody', undefined, 403],
      ['an administrator', fire.administrator, 404],
      ['the peer that is home of the group', police.gms, 404],
      ['another peer', 'sip:gms@port.example', 403],
      ['a user of another system', police.member, 403],
      ['an MC service server of another system', police.server, 403],
    ] as const) {
      it(`${title} causes none: ${status}`, async () => {
        for (const method of ['GET', 'HEAD']) {
          const answer = await b.request({ method, path: groupPath(joint), as: identity });
          expect(answer.status).to.equal(status);
        }
        expect((await getAs(b, fire.member, joint)).status, 'a member may').to.equal(200);
        expect(primary.requests).to.have.length(1);
      });
    }

    it('a user whom the fetched document does not list causes one, and gets 403', async () => {
      expect((await getAs(b, fire.stranger, joint)).status).to.equal(403);
      expect((await copyAt(b, joint)).received.text, 'others of ours are listed').to.equal(groupText());
    });

    it('neither PUT nor DELETE of an administrator causes one', async () => {
      await b.request({ method: 'DELETE', path: groupPath(joint), as: fire.administrator });
      await b.request({
        method: 'PUT',
        path: groupPath(joint),
        as: fire.administrator,
        body: groupText(),
        headers: { 'Content-Type': groupType },
      });
      expect(primary.connections).to.equal(0);
    });

    it('a group of our own or of no configured system causes none: 404', async () => {
      for (const id of ['sip:harbour-fire@fire.example', 'sip:x@nowhere.example', 'tel:+15551234']) {
        expect((await getAs(b, fire.member, id)).status, id).to.equal(404);
      }
      expect(primary.connections).to.equal(0);
    });

    it('a document in the users tree or of another usage causes none: 404', async () => {
      for (const path of [
        `/org.openmobilealliance.groups/users/${encodeURIComponent(fire.member)}/joint.xml`,
        `/resource-lists/global/byGroupID/${encodeURIComponent(joint)}`,
      ]) {
        expect((await b.request({ method: 'GET', path, as: fire.member })).status, path).to.equal(404);
      }
      expect(primary.connections).to.equal(0);
    });

    it('a system that may not request (precondition 6) does not: 404', async () => {
      await b.close();
      const { peers = [] } = siteConfig(fire, police, primary.root, { peer: { request: false } });
      await b.open({ peers });
      expect((await getAs(b, fire.member, joint)).status).to.equal(404);
      expect(primary.connections).to.equal(0);
    });
  });

  describe('step 2: the request', () => {
    let primary: ScriptedServer;
    let b: TestSystem;

    beforeEach(async () => {
      primary = await ScriptedServer.start(given());
      b = await startPartner(primary.root);
    });

    afterEach(async () => {
      await b.dispose();
      await primary.down();
    });

    it('is a GET of the group ID, in the name of this system', async () => {
      await getAs(b, fire.member, joint);
      const request = await primary.request(1);
      expect([request.method, request.target, request.body]).to.deep.equal([
        'GET',
        `/xcap-root${groupPath(joint)}`,
        '',
      ]);
      expect(request.headers['x-3gpp-asserted-identity'], 'not in the name of the user').to.equal(fire.gms);
      expect(request.headers.accept?.split(', ')).to.include.members([groupType, resultMediaType]);
      expect(JSON.stringify(request.headers)).to.not.include('boat-1');
    });

    it('keeps a group ID with every delicate character in one segment', async () => {
      const id = "sip:a%2F..%2F..%3Fq=1%23x&'~!$@police.example";
      primary.otherwise(given(groupText({ id: id.replaceAll('&', '&amp;') })));
      const answer = await getAs(b, fire.server, id);
      expect(answer.status, answer.text).to.equal(200);
      const { target } = await primary.request(1);
      const prefix = '/xcap-root/org.openmobilealliance.groups/global/byGroupID/';
      expect(target.startsWith(prefix)).to.equal(true);
      expect(target.slice(prefix.length)).to.match(/^[^/?#]+$/);
      expect(decodeURIComponent(target.slice(prefix.length))).to.equal(id);
    });

    it('is shared by all who ask at the same time: a hundred misses, one request', async () => {
      const gate = new Gate();
      primary.answers(async () => {
        await gate.passed;
        return given();
      });
      const asking = Array.from({ length: 100 }, (_, i) =>
        getAs(b, i % 2 === 0 ? fire.member : fire.server, joint),
      );
      await primary.request(1);
      gate.open();
      for (const answer of await Promise.all(asking)) {
        expect([answer.status, answer.text]).to.deep.equal([200, groupText()]);
      }
      expect(primary.requests).to.have.length(1);
    });

    it('of one group does not wait for that of another', async () => {
      const gate = new Gate();
      primary.answers(async () => {
        await gate.passed;
        return given();
      });
      const slow = getAs(b, fire.member, joint);
      await primary.request(1);
      const other = 'sip:other@police.example';
      primary.answers(given(groupText({ id: other })));
      expect((await getAs(b, fire.member, other)).status).to.equal(200);
      gate.open();
      expect((await slow).status).to.equal(200);
    });

    it('is never caused by a peer: two systems that both miss a group do not ask each other', async () => {
      const pair = await startPair();
      try {
        expect((await getAs(pair.b, fire.member, joint)).status).to.equal(404);
        const missing = 'sip:none@fire.example';
        expect((await getAs(pair.a, police.member, missing)).status).to.equal(404);
        const asked = [pair.a, pair.b].map(({ log }) =>
          log.lines.filter(({ message }) => message === 'the primary MC system refuses the group'),
        );
        expect(asked.map(({ length }) => length)).to.deep.equal([1, 1]);
      } finally {
        await pair.dispose();
      }
    });
  });

  describe('step 3: what the primary answers', () => {
    let primary: ScriptedServer;
    let clock: ManualClock;
    let b: TestSystem;

    beforeEach(async () => {
      primary = await ScriptedServer.start();
      clock = new ManualClock();
      b = await startPartner(
        primary.root,
        { interconnection: { peerDeadline: '250ms', answerBytes: '32KiB' }, xml: { depth: 16 } },
        { clock },
      );
    });

    afterEach(async () => {
      await b.dispose();
      await primary.down();
    });

    /** A member asks, is answered with `status`, and nothing is stored. */
    const refusedWith = async (status: number): Promise<void> => {
      const answer = await getAs(b, fire.member, joint);
      expect(answer.status, answer.text).to.equal(status);
      expect(answer.headers['retry-after']).to.equal(status === 503 ? '10' : undefined);
      expect(answer.text).to.not.match(/127\.0\.0\.1|police\.example/);
      expect((await copyAt(b, joint)).effective.status).to.equal(404);
    };

    for (const status of [403, 404, 410]) {
      it(`${status}: the client sees 404, and it is remembered for a while`, async () => {
        primary.answers({ status });
        await refusedWith(404);
        await refusedWith(404);
        clock.advance(29_999);
        await refusedWith(404);
        expect(primary.requests).to.have.length(1);
        primary.answers(given());
        clock.advance(1);
        expect((await getAs(b, fire.member, joint)).status, 'asked again').to.equal(200);
      });
    }

    it('the refusal of one group is not that of another', async () => {
      primary.answers({ status: 404 }, given(groupText({ id: 'sip:other@police.example' })));
      await refusedWith(404);
      expect((await getAs(b, fire.member, 'sip:other@police.example')).status).to.equal(200);
    });

    it('a provision ends a remembered refusal', async () => {
      primary.answers({ status: 404 });
      await refusedWith(404);
      await provide(b, police, joint, groupText());
      expect((await getAs(b, fire.member, joint)).text).to.equal(groupText());
    });

    for (const status of [429, 500, 501, 502, 503, 504, 599]) {
      it(`${status}: the client sees 503 with Retry-After, and it is not remembered`, async () => {
        primary.answers({ status }, given());
        await refusedWith(503);
        expect((await getAs(b, fire.member, joint)).status).to.equal(200);
      });
    }

    for (const [title, answer] of [
      ['no word', 'silence'],
      ['a connection reset', 'reset'],
      [
        'an answer that breaks off',
        { raw: `HTTP/1.1 200 OK\r\nContent-Type: ${groupType}\r\nContent-Length: 1000\r\n\r\n<group` },
      ],
      ['an end before the answer', { raw: '' }],
    ] as const) {
      it(`${title}: the client sees 503 with Retry-After, and it is not remembered`, async () => {
        primary.answers(answer, given());
        await refusedWith(503);
        expect((await getAs(b, fire.member, joint)).status).to.equal(200);
      });
    }

    it('a primary that is down: 503 with Retry-After', async () => {
      await primary.down();
      await refusedWith(503);
      await primary.up();
      primary.answers(given());
      expect((await getAs(b, fire.member, joint)).status).to.equal(200);
    });

    const nonsense: readonly (readonly [string, ScriptedAnswer])[] = [
      ['a document of another group', given(groupText({ id: 'sip:other@police.example' }))],
      [
        'a document of another group that lists nobody of ours',
        given(groupText({ id: 'sip:other@police.example', members: [police.member] })),
      ],
      ['another media type', { ...answerOf(given()), headers: { 'Content-Type': 'text/html' } }],
      ['no media type', { status: 200, body: groupText() }],
      ['a document that is not well-formed', given(groupText().slice(0, -4))],
      ['a document that is not valid', given(groupText().replace('>12<', '>very high<'))],
      ['a well-formed document of another kind', given('<a/>')],
      ['an empty document', given('')],
      ['a document with a DOCTYPE', given(groupText().replace('<!--', '<!DOCTYPE group><!--'))],
      ['a document beyond the limits', given(groupText().replace('<list>', '<list>' + '<x>'.repeat(20)))],
      ['a document that is too long', given(groupText({ name: 'x'.repeat(40_000) }))],
      ['a redirect', { status: 302, headers: { Location: '/elsewhere' } }],
      ['no content', { status: 204 }],
      ['304 to a request without a condition', { status: 304 }],
      ['part of a document', { ...answerOf(given()), status: 206 }],
      ['a bad request', { status: 400 }],
      ['unauthorised', { status: 401 }],
    ];

    for (const [title, answer] of nonsense) {
      it(`${title}: the client sees 502, nothing is stored, the operator is told`, async () => {
        primary.answers(answer);
        await refusedWith(502);
        const line = await b.log.line('the answer of the primary MC system is unusable');
        expect(line.level).to.equal('warn');
        expect(line.fields).to.include({ peer: 'a', group: joint });
        expect(line.fields['reason']).to.be.a('string').that.is.not.empty;
        primary.answers(given());
        expect((await getAs(b, fire.member, joint)).status, 'not remembered').to.equal(200);
      });
    }

    it('an answer without end: 502 at the limit, not at the deadline', async () => {
      const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
      primary.answers({
        raw: `HTTP/1.1 200 OK\r\nContent-Type: ${groupType}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(40)}`,
      });
      await refusedWith(502);
    });

    it('a redirect is not followed', async () => {
      const decoy = await ScriptedServer.start(given());
      try {
        const location = `${decoy.root}${groupPath(joint)}`;
        for (const status of [301, 302, 303, 307, 308]) {
          primary.answers({ status, headers: { Location: location } });
          await refusedWith(502);
        }
        expect(decoy.connections).to.equal(0);
      } finally {
        await decoy.down();
      }
    });

    it('a document that lists nobody of ours: 403, nothing is stored', async () => {
      primary.answers(given(groupText({ members: [police.member] })));
      await refusedWith(403);
    });

    it('the policy fails: 503, nothing is stored, the operator is told', async () => {
      await putPolicy(b, fire, policyFixture('makes-invalid'));
      primary.answers(given());
      await refusedWith(503);
      const line = await b.log.line('fetched group not stored');
      expect(line.fields['reason']).to.match(/^modification: /);
    });
  });

  describe('what happens while a request is under way', () => {
    let primary: ScriptedServer;
    let b: TestSystem;
    let gate: Gate;
    let asking: Promise<{ readonly status: number; readonly text: string }>;

    beforeEach(async () => {
      gate = new Gate();
      primary = await ScriptedServer.start(async () => {
        await gate.passed;
        return given(groupText({ name: 'Older' }));
      });
      b = await startPartner(primary.root);
      asking = getAs(b, fire.member, joint);
      await primary.request(1);
    });

    afterEach(async () => {
      gate.open();
      await b.dispose();
      await primary.down();
    });

    it('a provision arrives: it stands, the older answer does not overwrite it', async () => {
      const provision = await provide(b, police, joint, groupText({ name: 'Newer' }), {
        'If-None-Match': '*',
      });
      expect(provision.status).to.equal(201);
      gate.open();
      expect((await asking).text).to.equal(groupText({ name: 'Newer' }));
      const { received } = await copyAt(b, joint);
      expect(received.text).to.equal(groupText({ name: 'Newer' }));
      expect(received.etag, 'the primary’s tag is good still').to.equal(provision.headers.etag);
    });

    it('the primary withdraws the group: the older answer does not bring it back', async () => {
      const gone = await b.request({ method: 'DELETE', path: groupPath(joint), as: police.gms });
      expect(gone.status).to.equal(404);
      gate.open();
      expect((await asking).status).to.equal(404);
      expect((await copyAt(b, joint)).effective.status).to.equal(404);
    });

    it('a provision arrives and is withdrawn again: the older answer does not bring it back', async () => {
      await provide(b, police, joint, groupText({ name: 'Newer' }));
      await b.request({ method: 'DELETE', path: groupPath(joint), as: police.gms });
      gate.open();
      expect((await asking).status).to.equal(404);
      expect((await copyAt(b, joint)).effective.status).to.equal(404);
    });

    it('after that, a new request counts again', async () => {
      await b.request({ method: 'DELETE', path: groupPath(joint), as: police.gms });
      gate.open();
      await asking;
      primary.answers(given());
      expect((await getAs(b, fire.member, joint)).text).to.equal(groupText());
    });

    it('the system closes: the client has an answer or the end of its connection', async () => {
      const outcome = asking.then(
        ({ status }) => status,
        () => 'closed',
      );
      const closing = b.close();
      gate.open();
      expect(await outcome).to.be.oneOf([200, 503, 'closed']);
      await closing;
    });
  });

  describe('step 3: what the primary gives to a peer that asks', () => {
    const port = 'sip:gms@port.example';
    const patrol = 'sip:patrol@police.example';
    let a: TestSystem;

    beforeEach(async () => {
      const downAt = `http://127.0.0.1:${await freePort()}`;
      a = await startPrimary(
        `${downAt}/b`,
        {
          peer: { groups: [patrol] },
          others: [
            { name: 'c', identity: port, root: `${downAt}/c`, domains: ['port.example'] },
            {
              name: 'd',
              identity: 'sip:gms@coast.example',
              root: `${downAt}/d`,
              domains: ['coast.example'],
              answer: false,
            },
          ],
        },
        { clock: new ManualClock() },
      );
      const members = [police.member, fire.member, 'sip:cutter@coast.example'];
      await administratorPuts(a, police, joint, groupText({ members }));
      await administratorPuts(a, police, patrol, groupText({ id: patrol, members: [police.member] }));
    });

    afterEach(async () => {
      await a.dispose();
    });

    it('a group with a member there: the document, byte for byte, under its own tag', async () => {
      const answer = await getAs(a, fire.gms, joint);
      const own = await getAs(a, police.administrator, joint);
      expect([answer.status, answer.text, answer.headers.etag]).to.deep.equal([
        200,
        own.text,
        own.headers.etag,
      ]);
      expect(answer.headers['content-type']).to.equal(groupType);
      const again = await getAs(a, fire.gms, joint, { 'If-None-Match': answer.headers.etag ?? '' });
      expect(again.status).to.equal(304);
    });

    it('a group shared with it by name', async () => {
      expect((await getAs(a, fire.gms, patrol)).status).to.equal(200);
      expect((await getAs(a, port, patrol)).status).to.equal(403);
    });

    for (const [title, identity, group, status] of [
      ['a group that does not concern it: 403', port, joint, 403],
      ['a group that does not exist: 404', fire.gms, 'sip:none@police.example', 404],
      ['a group of a third system: 403', fire.gms, 'sip:quay@port.example', 403],
      ['a group of no system: 403', fire.gms, 'sip:x@nowhere.example', 403],
      ['answer: false, although a member is there: 403', 'sip:gms@coast.example', joint, 403],
    ] as const) {
      it(`${title}, with the reason as a Result where it asks for one`, async () => {
        const plain = await getAs(a, identity, group);
        expect(plain.status).to.equal(status);
        expect(plain.headers['content-type']).to.equal('text/plain; charset=utf-8');
        const answer = await getAs(a, identity, group, { Accept: `${groupType}, ${resultMediaType}` });
        expect(answer.status).to.equal(status);
        const result = resultOf(answer);
        if (result.kind !== 'request') throw new Error('the Result is not one of a request');
        expect(result.groupId).to.equal(group);
        expect(`${result.reason.phrase}\n`).to.equal(plain.text);
      });
    }

    it('a deleted group, while partners are still to be told: 410 to them, 404 to others', async () => {
      await administratorDeletes(a, police, joint);
      const answer = await getAs(a, fire.gms, joint, { Accept: resultMediaType });
      expect(answer.status).to.equal(410);
      expect(resultOf(answer)).to.deep.include({ kind: 'request', groupId: joint });
      expect((await getAs(a, port, joint)).status).to.equal(404);
    });

    it('a received group is not given to a third system, nor its effective form to anybody', async () => {
      const theirs = 'sip:pier@fire.example';
      const text = groupText({ id: theirs, members: [police.member, 'sip:crane@port.example'] });
      await provide(a, fire, theirs, text);
      await putPolicy(a, police, policyFixture('guest-groups').replace('name="a"', 'name="b"'));
      expect((await getAs(a, port, theirs)).status).to.equal(403);
      const back = await getAs(a, fire.gms, theirs);
      expect(back.text, 'its primary sees its own bytes').to.equal(text);
    });
  });
});

function answerOf(answer: ScriptedAnswer): Extract<ScriptedAnswer, { readonly status: number }> {
  if (typeof answer === 'string' || 'raw' in answer || 'by' in answer)
    throw new Error('not an answer with a status');
  return answer;
}
