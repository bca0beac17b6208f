import { expect } from 'chai';
import { ManualClock } from '../support/manual-clock.js';
import {
  copyAt,
  fire,
  getAs,
  groupText,
  InformedServer,
  joint,
  notProvided,
  police,
  provide,
  ScriptedServer,
  startPartner,
  steadyRandom,
} from '../support/peers.js';
import { send, type RawAnswer } from '../support/raw-http.js';
import { groupType, type TestSystem } from '../support/system.js';

describe('What a partner does of its own accord', () => {
  let primary: ScriptedServer;
  let server: InformedServer;
  let clock: ManualClock;
  let b: TestSystem;

  beforeEach(async () => {
    primary = await ScriptedServer.start({ status: 404 });
    server = await InformedServer.start();
    clock = new ManualClock();
    b = await startPartner(
      primary.root,
      { inform: server.url, interconnection: { revalidation: '1h' } },
      { clock, random: steadyRandom },
    );
  });

  afterEach(async () => {
    await b.dispose();
    await primary.down();
    await server.close();
  });

  const given = (text: string, etag: string) => ({
    status: 200,
    headers: { 'Content-Type': groupType, ETag: etag },
    body: text,
  });

  describe('design D7: revalidation', () => {
    /** The first pass comes after 0.8 of the interval, where jitter is at its least. */
    const pass = async (): Promise<void> => {
      b.log.clear();
      while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
      clock.advance(0.8 * 3_600_000);
      await b.log.line('received groups asked for again');
    };

    it('a change whose provision was lost is found, derived, stored and told', async () => {
      await provide(b, police, joint, groupText());
      await server.told(1);
      primary.otherwise(given(groupText({ name: 'Missed' }), '"up"'));
      await pass();
      expect((await copyAt(b, joint)).received.text).to.equal(groupText({ name: 'Missed' }));
      expect((await server.told(2)).at(-1)?.previous).to.be.a('string');
      primary.otherwise({ status: 304 });
      await pass();
      const asked = primary.requests.at(-1);
      expect([asked?.method, asked?.headers['if-none-match']]).to.deep.equal(['GET', '"up"']);
      expect((await copyAt(b, joint)).received.text).to.equal(groupText({ name: 'Missed' }));
    });

    it('a deletion whose message was lost is found: the copy goes and servers are told', async () => {
      await provide(b, police, joint, groupText());
      await server.told(1);
      primary.otherwise(notProvided(joint, 'deleted'));
      await pass();
      expect((await getAs(b, fire.administrator, joint)).status).to.equal(404);
      expect((await server.told(2)).at(-1)?.next).to.equal(undefined);
    });

    it('a primary that is down, or says nonsense, changes nothing', async () => {
      await provide(b, police, joint, groupText());
      const before = await copyAt(b, joint);
      for (const answer of [{ status: 503 }, { status: 302 }, given('<a>', '"x"'), { status: 403 }]) {
        primary.otherwise(answer);
        await pass();
        expect(await copyAt(b, joint)).to.deep.equal(before);
      }
    });
  });

  describe('23.280 10.2.7.3, preconditions 2 and 3: a user becomes service authorised', () => {
    const told = async (
      body: unknown,
      as: string | null = fire.server,
      headers: Readonly<Record<string, string>> = {},
      method = 'POST',
    ): Promise<RawAnswer> =>
      await send(b.port, {
        method,
        target: '/service-authorisations',
        headers: {
          'Content-Type': 'application/json',
          ...(as === null ? {} : { 'X-3GPP-Asserted-Identity': as }),
          ...headers,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });

    it('the groups of the user that are not here are fetched, before anybody asks for them', async () => {
      primary.otherwise((request) =>
        request.target.includes('joint') ? given(groupText(), '"up"') : { status: 404 },
      );
      const message = {
        user: fire.member,
        groups: [joint, 'sip:none@police.example', 'SIP:joint@POLICE.example'],
      };
      const answer = await told(message);
      expect([answer.status, answer.headers['content-type']]).to.deep.equal([200, 'application/json']);
      expect(JSON.parse(answer.text)).to.deep.equal({
        groups: [
          { group: joint, state: 'fetched' },
          { group: 'sip:none@police.example', state: 'refused' },
        ],
      });
      const asked = primary.requests.length;
      expect((await getAs(b, fire.member, joint)).status).to.equal(200);
      expect(JSON.parse((await told({ user: fire.member, groups: [joint] })).text)).to.deep.equal({
        groups: [{ group: joint, state: 'held' }],
      });
      expect(primary.requests, 'nothing is asked for twice').to.have.length(asked);
    });

    for (const [title, identity] of [
      ['an administrator', fire.administrator],
      ['the user', fire.member],
      ['a peer', police.gms],
      ['nobody', null],
    ] as const) {
      it(`${title} may not tell it: 403, before the body is looked at, and nothing is asked for`, async () => {
        expect((await told('no JSON', identity)).status).to.equal(403);
        expect(primary.requests).to.have.length(0);
      });
    }

    it('a user of another MC system is not ours to authorise: 403', async () => {
      expect((await told({ user: police.member, groups: [joint] })).status).to.equal(403);
      expect(primary.requests).to.have.length(0);
    });

    it('what is no such message is refused with the reason: 400, 415, 405', async () => {
      for (const body of ['', '[]', '{', {}, { user: 'x', groups: [] }, { user: fire.member, groups: 'x' }]) {
        expect((await told(body)).status, JSON.stringify(body)).to.equal(400);
      }
      for (const groups of [[1], ['no URI'], Array.from({ length: 1001 }, () => joint)]) {
        expect((await told({ user: fire.member, groups })).status).to.equal(400);
      }
      expect((await told({}, fire.server, { 'Content-Type': 'text/plain' })).status).to.equal(415);
      const get = await told('', fire.server, {}, 'GET');
      expect([get.status, get.headers.allow]).to.deep.equal([405, 'POST']);
      expect(primary.requests).to.have.length(0);
    });
  });
});
