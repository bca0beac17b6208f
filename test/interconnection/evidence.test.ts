import { expect } from 'chai';
import { badBodies } from '../support/bad-answers.js';
import { ManualClock } from '../support/manual-clock.js';
import { operations } from '../support/operations.js';
import {
  administratorDeletes,
  administratorPuts,
  groupText,
  joint,
  police,
  fire,
  ScriptedServer,
  scriptedIncarnation,
  startPrimary,
  steadyRandom,
  willingPartner,
  type Answering,
  type ScriptedAnswer,
} from '../support/peers.js';
import { groupPath, groupType, type TestSystem } from '../support/system.js';

/** The primary's side of answers that are, or are not, the partner's own word (design D16, D18, D20). */

const delivered = 'group information delivered';
const failed = 'group information not delivered';
const parked = 'group information parked';
/** The first pause of the back-off, where jitter is at its least. */
const pause = 8000;

describe('23.280 10.2.7.2 step 5: who answers, and for how many groups', () => {
  let partner: ScriptedServer;
  let clock: ManualClock;
  let a: TestSystem;

  beforeEach(async () => {
    partner = await ScriptedServer.start(willingPartner());
    clock = new ManualClock();
    const interconnection = {
      peerDeadline: '250ms',
      answerBytes: '32KiB',
      backOff: { first: '10s', cap: '1h' },
      reconciliation: { interval: '0' },
    };
    a = await startPrimary(partner.root, { interconnection }, { clock, random: steadyRandom });
  });

  afterEach(async () => {
    await a.dispose();
    await partner.down();
  });

  const after = async (act: () => unknown, message: string, group = joint): Promise<unknown> => {
    a.log.clear();
    await act();
    return (await a.log.line(message, (fields) => fields['group'] === group)).fields['reason'];
  };
  const put = (name: string, id = joint) => {
    return async (): Promise<void> => {
      await administratorPuts(a, police, id, groupText({ id, name }));
    };
  };
  const deletes = async (): Promise<void> => {
    await administratorDeletes(a, police, joint);
  };
  const later = (): void => {
    clock.advance(pause);
  };

  describe('design D16: only the partner’s own words refuse', () => {
    const login: ScriptedAnswer = {
      status: 200,
      headers: { 'Content-Type': 'text/html' },
      body: '<html><body>Please log in</body></html>',
      onTheWay: true,
    };
    const pages: readonly (readonly [string, ScriptedAnswer])[] = [
      ...[
        301, 302, 303, 307, 308, 400, 402, 403, 404, 405, 407, 409, 410, 411, 413, 414, 415, 421, 428, 431,
      ].map((status): readonly [string, ScriptedAnswer] => [
        `${status} of something on the way`,
        { status, headers: { Location: '/login' }, body: 'no', onTheWay: true },
      ]),
      ['a login page with 200', login],
      [
        'a login page with 200 and a strong tag',
        { ...login, headers: { 'Content-Type': 'text/html; charset=utf-8', ETag: '"5f1c"' } },
      ],
      ['a login page with 403', { ...login, status: 403 }],
      [
        'a Result about another group',
        {
          status: 403,
          headers: { 'Content-Type': 'application/vnd.mcgms.result+xml' },
          body:
            '<result xmlns="urn:mcgms:ns:interconnection-result:1">' +
            '<mc-service-group-id>sip:other@police.example</mc-service-group-id>' +
            '<provision outcome="failure"><reason phrase="no"/></provision></result>',
          onTheWay: true,
        },
      ],
      [
        'an xcap-error that is none',
        {
          status: 409,
          headers: { 'Content-Type': 'application/xcap-error+xml' },
          body: '<xcap-error xmlns="urn:ietf:params:xml:ns:xcap-error"',
          onTheWay: true,
        },
      ],
    ];

    for (const [title, page] of pages) {
      it(`${title}: a PUT and a DELETE are tried again after the pause, neither parked nor done`, async () => {
        partner.answers(page);
        // A success is confirmed by a GET, which the same page answers.
        if (typeof page === 'object' && 'status' in page && page.status === 200) partner.answers(page);
        await after(put('First'), failed);
        await after(later, delivered);
        expect(partner.requests.at(-1)?.body).to.equal(groupText({ name: 'First' }));
        partner.answers(page, page, page);
        await after(deletes, failed);
        partner.otherwise(willingPartner());
        // What is left of the script answers the looks that followed; then the partner is itself again.
        partner.forget();
        await after(later, delivered);
        expect(partner.requests.at(-1)?.method).to.equal('DELETE');
      });
    }

    it('an xcap-error of the partner parks: it is its own word', async () => {
      const body =
        '<xcap-error xmlns="urn:ietf:params:xml:ns:xcap-error"><constraint-failure phrase="too many"/></xcap-error>';
      const headers = { 'Content-Type': 'application/xcap-error+xml' };
      partner.answers({ status: 409, headers, body, onTheWay: true });
      expect(await after(put('First'), parked)).to.equal(
        'the partner answered 409: constraint-failure: too many',
      );
    });
  });

  describe('a partner that is a plain XCAP server: it has no words of its own for some answers', () => {
    const plain: Answering = (() => {
      const willing = willingPartner();
      return async (request): Promise<ScriptedAnswer> => {
        if (request.target.includes('/xcap-caps/')) {
          const headers = { 'Content-Type': 'application/xcap-caps+xml' };
          return { status: 200, headers, body: '<xcap-caps/>', onTheWay: true };
        }
        const answer = await willing(request);
        return typeof answer === 'object' && 'status' in answer ? { ...answer, onTheWay: true } : 'reset';
      };
    })();

    it('is given groups, changes and withdrawals all the same', async () => {
      partner.otherwise(plain);
      await after(put('First'), delivered);
      await after(put('Second'), delivered);
      await after(deletes, delivered);
      expect(partner.requests.map(({ method }) => method)).to.deep.equal([
        'PUT',
        'PUT',
        'DELETE',
        // Nothing in its answer shows who gave it: so it is looked at.
        'GET',
        'GET',
      ]);
    });
  });

  describe('weak or missing entity tags (RFC 4825 8.5 wants strong ones)', () => {
    for (const [title, tag] of [
      ['missing', undefined],
      ['weak', 'W/"1"'],
      ['malformed', 'one'],
    ] as const) {
      it(`${title}: the group is delivered, changed and withdrawn, and the operator is told`, async () => {
        let body: string | undefined;
        const headers = { ...(tag === undefined ? {} : { ETag: tag }), 'Content-Type': groupType };
        partner.otherwise((request) => {
          const isThere = body !== undefined;
          if (request.method === 'GET') {
            return isThere ? { status: 200, headers, body: body ?? '' } : { status: 404 };
          }
          // As such a server does: it cannot compare what it does not have.
          if (request.headers['if-match'] !== undefined) return { status: 412 };
          if (isThere && request.headers['if-none-match'] === '*') return { status: 412 };
          body = request.method === 'PUT' ? request.body : undefined;
          return { status: isThere ? 200 : 201, headers };
        });
        await after(put('First'), delivered);
        expect(body).to.equal(groupText({ name: 'First' }));
        const { level, fields } = await a.log.line(delivered);
        expect(level).to.equal('warn');
        expect(fields['remark'], 'in plain words').to.match(/no strong entity tag/);
        await after(put('Second'), delivered);
        expect(body).to.equal(groupText({ name: 'Second' }));
        await after(deletes, delivered);
        expect(body).to.equal(undefined);
      });
    }
  });

  describe('design D16: Retry-After is the partner’s word', () => {
    it('is kept although the partner sends requests of its own', async () => {
      partner.answers({ status: 503, headers: { 'Retry-After': '120' } });
      await after(put('First'), failed);
      for (let second = 0; second < 119; second += 1) {
        await a.request({ method: 'GET', path: groupPath(joint), as: fire.gms });
        clock.advance(1000);
      }
      expect(partner.requests, 'not asked again before').to.have.length(1);
      await after(() => {
        clock.advance(1000);
      }, delivered);
    });

    for (const [title, edit] of [
      ['the group changes', put('Second')],
      ['the group is deleted', deletes],
    ] as const) {
      it(`is kept although ${title}, also while the request is under way`, async () => {
        partner.answers(async () => {
          await edit();
          return { status: 503, headers: { 'Retry-After': '120' } };
        });
        await after(put('First'), failed);
        await put('Third')();
        clock.advance(119_999);
        await put('Fourth')();
        expect(partner.requests, 'not asked again before').to.have.length(1);
        await after(() => {
          clock.advance(1);
        }, delivered);
        expect(partner.requests.at(-1)?.body).to.equal(groupText({ name: 'Fourth' }));
      });
    }

    it('ends when the operator asks for another attempt', async () => {
      partner.answers({ status: 503, headers: { 'Retry-After': '120' } });
      await after(put('First'), failed);
      await after(() => operations(a, 'POST', '/peers/b/retry', { as: police.administrator }), delivered);
    });

    it('a pause that it did not ask for ends when it sends a request', async () => {
      partner.answers({ status: 503 });
      await after(put('First'), failed);
      await after(() => a.request({ method: 'GET', path: groupPath(joint), as: fire.gms }), delivered);
    });
  });

  describe('design D18: one poisoned group costs a partner nothing else', () => {
    const poisoned = 'sip:poisoned@police.example';
    const others = Array.from({ length: 20 }, (_, number) => `sip:other-${number}@police.example`);
    const head = `HTTP/1.1 200 OK\r\nMCGMS-Incarnation: ${scriptedIncarnation}\r\n`;
    const slow = badBodies.find(({ title }) => title === 'that stands still');
    if (slow === undefined) throw new Error('no body stands still any more');

    for (const [title, answer] of [
      ['a reset', 'reset'],
      ['a head that breaks off', { raw: 'HTTP/1.1 200 OK\r\nContent-Le' }],
      ['the end of the connection', { raw: '' }],
      ['silence', 'silence'],
      ['no HTTP', { raw: 'SSH-2.0-OpenSSH_9.2\r\n' }],
      ['a failure whose body stands still', slow.answer(head.replace('200 OK', '500 No'))],
      ['429', { status: 429 }],
      ['500', { status: 500 }],
      ['502', { status: 502, onTheWay: true }],
      ['503', { status: 503 }],
      ['503 with Retry-After', { status: 503, headers: { 'Retry-After': '3600' } }],
      ['504', { status: 504, onTheWay: true }],
      ['401', { status: 401 }],
      ['412 for ever', { status: 412 }],
      ['a refusal of something on the way', { status: 403, onTheWay: true }],
    ] as const satisfies readonly (readonly [string, ScriptedAnswer])[]) {
      it(`${title}, and it is the only one pending at first: twenty others are delivered, and their changes`, async () => {
        const willing = willingPartner();
        partner.otherwise((request) =>
          request.target.endsWith(groupPath(poisoned)) ? answer : willing(request),
        );
        await after(put('Poison', poisoned), failed, poisoned);
        a.log.clear();
        for (const name of ['First', 'Second']) {
          for (const id of others) await put(name, id)();
          for (const id of others) await a.log.line(delivered, ({ group }) => group === id);
          a.log.clear();
          // The poisoned one fails again; nothing changes for the others.
          clock.advance(pause);
        }
        const seen = new Map(partner.requests.map(({ target, body }) => [target, body]));
        for (const id of others) {
          expect(seen.get(`/xcap-root${groupPath(id)}`)).to.equal(groupText({ id, name: 'Second' }));
        }
        expect(a.log.lines.some(({ fields }) => fields['outcome'] === 'parked')).to.equal(false);
      });
    }
  });
});
