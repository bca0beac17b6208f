import { expect } from 'chai';
import { ManualClock } from '../support/manual-clock.js';
import { jsonOf, operations } from '../support/operations.js';
import {
  copyAt,
  fire,
  Gate,
  groupText,
  joint,
  notProvided,
  police,
  provide,
  ScriptedServer,
  startPartner,
  steadyRandom,
  type HttpAnswer,
  type ScriptedAnswer,
} from '../support/peers.js';
import { groupPath, groupType, type TestSystem } from '../support/system.js';

/**
 * A copy leaves a partner on the word of the group's primary only, and always then (design D16). The primary is a
 * script here, and so is what answers in its place.
 */

const hour = 3_600_000;

describe('design D16: a copy leaves a partner on its primary’s own word only', () => {
  let primary: ScriptedServer;
  let clock: ManualClock;
  let b: TestSystem;

  beforeEach(async () => {
    primary = await ScriptedServer.start({ status: 304 });
    clock = new ManualClock();
    const interconnection = {
      revalidation: '1h',
      fetchDeadline: '250ms',
      peerDeadline: '250ms',
      reconciliation: { interval: '0' },
    };
    b = await startPartner(primary.root, { interconnection }, { clock, random: steadyRandom });
  });

  afterEach(async () => {
    await b.dispose();
    await primary.down();
  });

  /** Gives `b` the groups, and has them asked for once, so that it knows the primary's tags. */
  const holds = async (groups: readonly string[]): Promise<void> => {
    for (const id of groups) {
      const { status, text } = await provide(b, police, id, groupText({ id }), { 'If-None-Match': '*' });
      expect(status, text).to.equal(201);
    }
  };
  const pass = async (): Promise<Readonly<Record<string, unknown>>> => {
    b.log.clear();
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(0.8 * hour);
    return (await b.log.line('received groups asked for again')).fields;
  };
  const refetch = async (group?: string): Promise<Readonly<Record<string, unknown>>> => {
    const told = group === undefined ? {} : { body: JSON.stringify({ group }) };
    const headers = group === undefined ? {} : { 'Content-Type': 'application/json' };
    const answer = await operations(b, 'POST', '/peers/a/refetch', {
      as: fire.administrator,
      headers,
      ...told,
    });
    return jsonOf(answer) as Readonly<Record<string, unknown>>;
  };
  const given = (id: string, name: string): ScriptedAnswer => ({
    status: 200,
    headers: { 'Content-Type': groupType, ETag: `"${name}"` },
    body: groupText({ id, name }),
  });
  const heldOf = async (groups: readonly string[]): Promise<number> => {
    const statuses = await Promise.all(groups.map(async (id) => (await copyAt(b, id)).received.status));
    return statuses.filter((status) => status === 200).length;
  };

  const html = { 'Content-Type': 'text/html' };
  const pages: readonly (readonly [string, HttpAnswer])[] = [
    [
      'traefik without a route',
      { status: 404, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: '404 page not found\n' },
    ],
    [
      'kong without a route',
      {
        status: 404,
        headers: { 'Content-Type': 'application/json' },
        body: '{"message":"no Route matched with those values"}',
      },
    ],
    ['envoy without a route', { status: 404 }],
    [
      'the default page of an ingress',
      { status: 404, headers: { 'Content-Type': 'text/plain' }, body: 'default backend - 404' },
    ],
    ['a page with 410', { status: 410, headers: html, body: '<html>Gone</html>' }],
    ['401 of a gateway', { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' } }],
    ['403 of a firewall', { status: 403, headers: html, body: '<html>Request blocked</html>' }],
    ['407', { status: 407 }],
    ['a redirect to a login', { status: 302, headers: { Location: '/login' } }],
    ['a permanent redirect', { status: 308, headers: { Location: '/' } }],
    ['a login page with 200', { status: 200, headers: html, body: '<html>Please log in</html>' }],
    ['an empty 200', { status: 200 }],
    ['204', { status: 204 }],
    ['421', { status: 421 }],
    ['429', { status: 429 }],
    ['500', { status: 500 }],
    ['502', { status: 502, headers: html, body: '<html>Bad Gateway</html>' }],
    ['503', { status: 503 }],
    ['504', { status: 504 }],
  ];
  const foreign = pages.map(([title, answer]): readonly [string, ScriptedAnswer] => [
    title,
    { ...answer, onTheWay: true },
  ]);
  const odd: readonly (readonly [string, ScriptedAnswer])[] = [
    ['a reset', 'reset'],
    ['silence', 'silence'],
    ['no HTTP', { raw: 'SSH-2.0-OpenSSH_9.2\r\n' }],
    ['404 of a primary that started with an empty folder', notProvided(joint, 'unknown')],
    ['404 of an XCAP server at another root', { status: 404 }],
    ['403 of a primary that answers us no more', notProvided(joint, 'not-answered')],
    ['403 of a system that is not the group’s home', notProvided(joint, 'another-home')],
    ['403 without a Result', { status: 403 }],
    [
      'a Result about another group',
      { ...notProvided('sip:other@police.example', 'deleted'), onTheWay: true },
    ],
  ];

  for (const [title, answer] of [...foreign, ...odd]) {
    it(`${title}: revalidation and refetch keep the copy, and it recovers`, async () => {
      await holds([joint]);
      const before = await copyAt(b, joint);
      primary.otherwise(answer);
      await pass();
      expect(await copyAt(b, joint)).to.deep.equal(before);
      await refetch();
      await refetch(joint);
      expect(await copyAt(b, joint)).to.deep.equal(before);
      primary.otherwise(given(joint, 'Recovered'));
      expect(await pass()).to.include({ updated: 1 });
      expect((await copyAt(b, joint)).received.text).to.equal(groupText({ name: 'Recovered' }));
    });
  }

  for (const code of ['deleted', 'no-longer-shared', 'not-shared'] as const) {
    it(`a Result with the code ${code} removes the copy, at a revalidation and at a refetch`, async () => {
      await holds([joint]);
      primary.otherwise(notProvided(joint, code));
      expect(await pass()).to.include({ gone: 1 });
      expect((await copyAt(b, joint)).received.status).to.equal(404);
      // It follows the withdrawal that the answer was.
      const tag = (await b.request({ method: 'GET', path: groupPath(joint), as: police.gms })).headers;
      expect(tag['mcgms-withdrawal']).to.match(/^"/);
      await holds([joint]);
      expect(await refetch(joint)).to.deep.include({ outcomes: { gone: 1 } });
      expect((await copyAt(b, joint)).received.status).to.equal(404);
    });
  }

  describe('a slow answer does not undo what the primary has pushed since', () => {
    for (const [title, slow] of [
      ['an older document', given(joint, 'Old')],
      ['a refusal that ends the copy', notProvided(joint, 'deleted')],
    ] as const) {
      it(`${title}: the push stands, also where it brought the same bytes again`, async () => {
        await holds([joint]);
        const gate = new Gate();
        primary.answers(async () => {
          await gate.passed;
          return slow;
        });
        const asked = refetch(joint);
        await primary.request(1);
        const { received } = await copyAt(b, joint);
        const again = await provide(b, police, joint, groupText(), { 'If-Match': received.etag ?? '' });
        expect(again.status).to.equal(200);
        const before = await copyAt(b, joint);
        gate.open();
        expect(await asked).to.deep.include({ outcomes: { unchanged: 1 } });
        expect(await copyAt(b, joint)).to.deep.equal(before);
      });
    }
  });

  describe('a group that the primary cannot give costs the others nothing (design D18)', () => {
    const groups = Array.from({ length: 20 }, (_, number) => `sip:g-${10 + number}@police.example`);

    for (const [title, answer] of [
      ['500', { status: 500 }],
      ['429', { status: 429 }],
      ['a reset', 'reset'],
      ['silence', 'silence'],
      ['a head that breaks off', { raw: 'HTTP/1.1 200 OK\r\nContent-Le' }],
    ] as const satisfies readonly (readonly [string, ScriptedAnswer])[]) {
      it(`${title} for one of twenty: a pass and a refetch bring the news of all others`, async () => {
        await holds(groups);
        const poisoned = groups[3] ?? '';
        let name = 'News';
        primary.otherwise((request) => {
          const id = groups.find((group) => request.target.endsWith(groupPath(group))) ?? '';
          return id === poisoned ? answer : given(id, name);
        });
        expect(await pass()).to.include({ updated: 19, unavailable: 1, brokenOff: false });
        name = 'Later';
        expect(await refetch()).to.deep.include({ outcomes: { updated: 19, unavailable: 1 }, notAsked: 0 });
        for (const id of groups) {
          const { text } = (await copyAt(b, id)).received;
          expect(text).to.equal(id === poisoned ? groupText({ id }) : groupText({ id, name: 'Later' }));
        }
      });
    }

    it('a pass that was broken off goes on behind the last group the next time', async () => {
      await holds(groups);
      primary.otherwise({ status: 503 });
      expect(await pass()).to.include({ brokenOff: true });
      const first = primary.requests.map(({ target }) => target);
      primary.requests.length = 0;
      expect(await pass()).to.include({ brokenOff: true });
      const second = primary.requests.map(({ target }) => target);
      expect(
        second.filter((target) => first.includes(target)),
        'others than before',
      ).to.deep.equal([]);
    });
  });

  describe('the brake on removals', () => {
    const many = Array.from({ length: 30 }, (_, number) => `sip:g-${10 + number}@police.example`);
    const endsFor = (count: number): void => {
      primary.otherwise((request) => {
        const number = many.findIndex((id) => request.target.endsWith(groupPath(id)));
        const id = many[number] ?? '';
        return number < count ? notProvided(id, 'deleted') : given(id, 'Kept');
      });
    };

    it('10 % of a peer’s groups go; one more, and none goes, and the operator is told', async () => {
      await holds(many);
      endsFor(4);
      expect(await pass()).to.include({ heldBack: 4, updated: 26 });
      expect(await heldOf(many)).to.equal(30);
      const { level, fields } = await b.log.line(
        'the primary says that many groups are gone: none is removed until the operator accepts it',
      );
      expect([level, fields['groups']]).to.deep.equal(['error', 4]);
      expect(await refetch()).to.deep.include({ outcomes: { ended: 4, unchanged: 26 } });
      expect(await heldOf(many)).to.equal(30);
      endsFor(3);
      expect(await pass()).to.include({ gone: 3, heldBack: 0 });
      expect(await heldOf(many)).to.equal(27);
    });

    it('the primary’s own DELETEs are not held back', async () => {
      await holds(many);
      for (const id of many) {
        const { headers } = await b.request({ method: 'GET', path: groupPath(id), as: police.gms });
        const condition = { 'If-Match': headers.etag ?? '' };
        const gone = await b.request({
          method: 'DELETE',
          path: groupPath(id),
          as: police.gms,
          headers: condition,
        });
        expect(gone.status).to.equal(200);
      }
      expect(await heldOf(many)).to.equal(0);
    });
  });
});
