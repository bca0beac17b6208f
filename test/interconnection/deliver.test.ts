import { expect } from 'chai';
import type { LogFields } from '../../src/base/log.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  administratorDeletes,
  administratorPuts,
  copyAt,
  fire,
  Gate,
  groupText,
  joint,
  police,
  policyFixture,
  putPolicy,
  ScriptedServer,
  startPair,
  startPrimary,
  steadyRandom,
  willingPartner,
  type ScriptedAnswer,
} from '../support/peers.js';
import { groupPath, type TestSystem } from '../support/system.js';

/** The first pauses of the default back-off, where jitter is at its least: 0.8 times 10, 20, 40 s. */
const pauses = [8000, 16_000, 32_000] as const;

describe('design D7: a shared group stays shared', () => {
  let partner: ScriptedServer;
  let clock: ManualClock;
  let a: TestSystem;

  beforeEach(async () => {
    partner = await ScriptedServer.start(willingPartner());
    clock = new ManualClock();
    a = await startPrimary(
      partner.root,
      { interconnection: { peerDeadline: '1s', backOff: { first: '10s', cap: '1h' } } },
      { clock, random: steadyRandom },
    );
  });

  afterEach(async () => {
    await a.dispose();
    await partner.down();
  });

  const put = async (name: string, id = joint): Promise<string> => {
    const text = groupText({ name, id });
    await administratorPuts(a, police, id, text);
    return text;
  };

  /** The next line of this kind after `act`. */
  const after = async (
    act: () => unknown,
    message: 'group information delivered' | 'group information not delivered' | 'group information parked',
    group = joint,
  ): Promise<LogFields> => {
    a.log.clear();
    await act();
    return (await a.log.line(message, (fields) => fields['group'] === group)).fields;
  };

  const delivered = 'group information delivered';
  const failed = 'group information not delivered';
  const parked = 'group information parked';

  /** How many PUTs of `id` came, and the last one's body. */
  const puts = (id = joint): { readonly count: number; readonly last: string | undefined } => {
    const bodies = partner.requests
      .filter(({ method, target }) => method === 'PUT' && target.endsWith(groupPath(id)))
      .map(({ body }) => body);
    return { count: bodies.length, last: bodies.at(-1) };
  };

  describe('a partner that is down', () => {
    it('is tried again after pauses that double, until it is up', async () => {
      await partner.down();
      await after(() => put('First'), failed);
      for (const pause of pauses.slice(0, 2)) {
        a.log.clear();
        clock.advance(pause - 1);
        expect(clock.pending, 'not a moment too early').to.equal(1);
        await after(() => {
          clock.advance(1);
        }, failed);
      }
      await partner.up();
      expect(partner.requests).to.have.length(0);
      await after(() => {
        clock.advance(pauses[2]);
      }, delivered);
      expect(puts()).to.deep.equal({ count: 1, last: groupText({ name: 'First' }) });
      expect(clock.pending, 'nothing waits any more').to.equal(0);
    });

    it('gets the newest form only, and only once', async () => {
      await partner.down();
      await after(() => put('First'), failed);
      await put('Second');
      const newest = await put('Third');
      await partner.up();
      await after(() => {
        clock.advance(pauses[0]);
      }, delivered);
      expect(puts()).to.deep.equal({ count: 1, last: newest });
    });

    it('is never told of a group that came and went meanwhile but by DELETE', async () => {
      await partner.down();
      await after(() => put('First'), failed);
      await administratorDeletes(a, police, joint);
      await partner.up();
      const { outcome } = await after(() => {
        clock.advance(pauses[0]);
      }, delivered);
      expect(outcome).to.equal('withdrawn');
      expect(partner.requests.map(({ method }) => method)).to.deep.equal(['DELETE']);
    });

    it('the pause is never longer than the cap', async () => {
      await partner.down();
      await after(() => put('First'), failed);
      for (let attempt = 0; attempt < 12; attempt += 1) {
        await after(() => {
          clock.advance(3_600_000);
        }, failed);
      }
      await partner.up();
      await after(() => {
        clock.advance(3_600_000);
      }, delivered);
    });

    it('a success ends the growth of the pauses', async () => {
      await partner.down();
      await after(() => put('First'), failed);
      await after(() => {
        clock.advance(pauses[0]);
      }, failed);
      await partner.up();
      await after(() => {
        clock.advance(pauses[1]);
      }, delivered);
      await partner.down();
      await after(() => put('Second'), failed);
      await partner.up();
      await after(() => {
        clock.advance(pauses[0]);
      }, delivered);
      expect(puts().count).to.equal(2);
    });
  });

  describe('restart of the primary', () => {
    it('with a delivery that pauses: the pause goes on, not a moment shorter', async () => {
      await partner.down();
      const text = await put('First');
      await a.log.line(failed);
      clock.advance(pauses[0] / 2);
      await a.close();
      await partner.up();
      await a.open();
      while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
      clock.advance(pauses[0] / 2 - 1);
      expect(partner.requests).to.have.length(0);
      await after(() => {
        clock.advance(1);
      }, delivered);
      expect(puts()).to.deep.equal({ count: 1, last: text });
    });

    it('right after the answer to the administrator: the delivery was in the same commit', async () => {
      await partner.down();
      const text = await put('First');
      await a.close();
      await partner.up();
      await after(() => a.open(), delivered);
      expect(puts()).to.deep.equal({ count: 1, last: text });
    });

    it('right after the answer to a DELETE: the partner is told after the start', async () => {
      await after(() => put('First'), delivered);
      await partner.down();
      await administratorDeletes(a, police, joint);
      await a.close();
      await partner.up();
      await after(() => a.open(), delivered);
      expect(partner.requests.at(-1)?.method).to.equal('DELETE');
      await a.close();
      partner.requests.length = 0;
      await a.open();
      await after(
        () => put('Sentinel', 'sip:sentinel@police.example'),
        delivered,
        'sip:sentinel@police.example',
      );
      expect(
        partner.requests.map(({ method }) => method),
        'told once',
      ).to.deep.equal(['PUT']);
    });

    it('the partner’s tag survives: the next update carries it', async () => {
      await after(() => put('First'), delivered);
      await a.close();
      await a.open();
      await after(() => put('Second'), delivered);
      expect(partner.requests.at(-1)?.headers['if-match']).to.equal('"1"');
    });

    it('what was delivered is not sent again', async () => {
      await after(() => put('First'), delivered);
      await a.close();
      await a.open();
      const sentinel = 'sip:sentinel@police.example';
      await after(() => put('Sentinel', sentinel), delivered, sentinel);
      expect(puts().count).to.equal(1);
    });
  });

  describe('412: the tag is stale', () => {
    it('the present one is read and the newest form sent again under it', async () => {
      partner.answers(
        { status: 412 },
        { status: 200, headers: { ETag: '"theirs"' }, body: 'whatever it holds' },
        { status: 200, headers: { ETag: '"next"' } },
      );
      const text = await put('First');
      await a.log.line(delivered);
      const seen = partner.requests.map(({ method, headers }) => [
        method,
        headers['if-none-match'] ?? headers['if-match'],
      ]);
      expect(seen).to.deep.equal([
        ['PUT', '*'],
        ['GET', undefined],
        ['PUT', '"theirs"'],
      ]);
      expect(puts().last).to.equal(text);
      await after(() => put('Second'), delivered);
      expect(partner.requests.at(-1)?.headers['if-match']).to.equal('"next"');
    });

    for (const status of [404, 410]) {
      it(`the partner does not hold it any more (${status} to the GET): If-None-Match: * again`, async () => {
        await after(() => put('First'), delivered);
        partner.answers({ status: 412 }, { status }, { status: 201, headers: { ETag: '"new"' } });
        await after(() => put('Second'), delivered);
        expect(partner.requests.at(-1)?.headers['if-none-match']).to.equal('*');
        expect(puts().last).to.equal(groupText({ name: 'Second' }));
      });
    }

    it('three in a row: back-off, then from the start again', async () => {
      const stale: ScriptedAnswer = { status: 412 };
      const tag: ScriptedAnswer = { status: 200, headers: { ETag: '"t"' } };
      partner.answers(stale, tag, stale, tag, stale);
      const { reason } = await after(() => put('First'), failed);
      expect(reason).to.match(/412/);
      expect(partner.requests).to.have.length(5);
      await after(() => {
        clock.advance(pauses[0]);
      }, delivered);
      expect(partner.requests).to.have.length(6);
    });

    it('the GET fails: back-off; the GET is refused: parked', async () => {
      partner.answers({ status: 412 }, { status: 503 });
      await after(() => put('First'), failed);
      partner.answers({ status: 412 }, { status: 403 });
      const { reason } = await after(() => {
        clock.advance(pauses[0]);
      }, parked);
      expect(reason).to.match(/403/);
    });
  });

  describe('what may be better the next time', () => {
    for (const status of [401, 408, 429, 500, 503]) {
      it(`${status}: tried again after the pause`, async () => {
        partner.answers({ status });
        const { reason } = await after(() => put('First'), failed);
        expect(reason).to.include(String(status));
        await after(() => {
          clock.advance(pauses[0]);
        }, delivered);
        expect(puts().count).to.equal(2);
      });

      it(`${status} to a DELETE: tried again after the pause`, async () => {
        await after(() => put('First'), delivered);
        partner.answers({ status });
        await after(() => administratorDeletes(a, police, joint), failed);
        await after(() => {
          clock.advance(pauses[0]);
        }, delivered);
        expect(partner.requests.map(({ method }) => method)).to.deep.equal(['PUT', 'DELETE', 'DELETE']);
      });
    }

    for (const [title, answer] of [
      ['silence', 'silence'],
      ['a reset', 'reset'],
      ['what is not HTTP', { raw: 'nonsense\r\n\r\n' }],
      ['a head that breaks off', { raw: 'HTTP/1.1 200 OK\r\nContent-Le' }],
    ] as const) {
      it(`${title}: tried again after the pause`, async () => {
        partner.answers(answer);
        await after(() => put('First'), failed);
        await after(() => {
          clock.advance(pauses[0]);
        }, delivered);
        expect(puts().count).to.equal(2);
      });
    }

    it('Retry-After is honoured: 503 that asks for two minutes is not asked again before', async () => {
      partner.answers({ status: 503, headers: { 'Retry-After': '120' } });
      await after(() => put('First'), failed);
      clock.advance(119_999);
      expect(clock.pending).to.equal(1);
      await after(() => {
        clock.advance(1);
      }, delivered);
    });

    it('Retry-After as a date, too far away, less than the pause, or nonsense', async () => {
      for (const [value, pause] of [
        [new Date(clock.now() + 60_000).toUTCString(), 60_000],
        ['99999999', 3_600_000],
        ['1', pauses[0]],
        ['soon', pauses[0]],
        ['-5', pauses[0]],
      ] as const) {
        partner.answers({ status: 503, headers: { 'Retry-After': value } });
        const before = clock.pending;
        await after(() => put(value), failed);
        clock.advance(pause - 1);
        expect(clock.pending, `${value}: not earlier`).to.equal(before + 1);
        await after(() => {
          clock.advance(1);
        }, delivered);
        // The date of the next round is counted from here.
        await administratorDeletes(a, police, joint);
        await a.log.line(delivered, ({ outcome }) => outcome === 'withdrawn');
      }
    });
  });

  describe('what a repetition would not cure', () => {
    for (const status of [302, 307, 400, 403, 404, 405, 409, 411, 413, 415, 421, 428]) {
      it(`${status} in the partner’s own words: parked with the reason; a new revision of the group unparks it`, async () => {
        partner.answers({ status, headers: { Location: '/elsewhere' } });
        const { reason } = await after(() => put('First'), parked);
        expect(reason).to.include(String(status));
        clock.advance(7_200_000);
        await after(() => put('Second'), delivered);
        expect(puts()).to.deep.equal({ count: 2, last: groupText({ name: 'Second' }) });
      });
    }

    it('a parked delivery stays parked over a restart', async () => {
      partner.answers({ status: 409 });
      await after(() => put('First'), parked);
      await a.close();
      await a.open();
      const sentinel = 'sip:sentinel@police.example';
      await after(() => put('Sentinel', sentinel), delivered, sentinel);
      expect(puts().count).to.equal(1);
    });

    it('a refused DELETE is parked; the group that comes again is delivered', async () => {
      await after(() => put('First'), delivered);
      partner.answers({ status: 403 });
      await after(() => administratorDeletes(a, police, joint), parked);
      await after(() => put('Again'), delivered);
      expect(partner.requests.at(-1)?.headers['if-match']).to.equal('"1"');
    });

    it('parks one group only: others are delivered', async () => {
      const other = 'sip:other@police.example';
      partner.answers({ status: 409 });
      await after(() => put('First'), parked);
      await after(() => put('Other', other), delivered, other);
    });
  });

  describe('success', () => {
    it('204 is as good as 200, although it carries no Result', async () => {
      partner.answers({ status: 204, headers: { ETag: '"n"' } });
      await after(() => put('First'), delivered);
      await after(() => put('Second'), delivered);
      expect(partner.requests.at(-1)?.headers['if-match']).to.equal('"n"');
    });

    it('an answer without a tag: the next update finds out by 412', async () => {
      partner.answers({ status: 201 }, { status: 412 });
      partner.answers({ status: 200, headers: { ETag: '"found"' } });
      await after(() => put('First'), delivered);
      await after(() => put('Second'), delivered);
      expect(partner.requests.at(-1)?.headers['if-match']).to.equal('"found"');
    });

    for (const status of [200, 204, 404, 410]) {
      it(`${status} to a DELETE ends the matter`, async () => {
        await after(() => put('First'), delivered);
        partner.answers({ status });
        const { outcome } = await after(() => administratorDeletes(a, police, joint), delivered);
        expect(outcome).to.equal('withdrawn');
        await after(() => put('Again'), delivered);
        expect(partner.requests.at(-1)?.headers['if-none-match'], 'as if never known').to.equal('*');
      });
    }
  });

  describe('while a request is under way', () => {
    let gate: Gate;

    beforeEach(() => {
      gate = new Gate();
      const willing = willingPartner();
      partner.otherwise(willing).answers(async (request) => {
        await gate.passed;
        return willing(request);
      });
    });

    it('the group is edited: the newest form is sent next, nothing goes backwards', async () => {
      const first = await put('First');
      await partner.request(1);
      await put('Second');
      const newest = await put('Third');
      gate.open();
      await partner.request(2);
      await a.log.line(delivered);
      await after(
        () => put('Sentinel', 'sip:sentinel@police.example'),
        delivered,
        'sip:sentinel@police.example',
      );
      const bodies = partner.requests
        .filter(({ target }) => target.endsWith(groupPath(joint)))
        .map(({ body }) => body);
      expect(bodies).to.deep.equal([first, newest]);
      expect(partner.requests[1]?.headers['if-match'], 'under the tag of the answer').to.equal('"1"');
    });

    it('the group is edited and the next request fails: the newest form is sent after the pause', async () => {
      partner.answers({ status: 503 });
      await put('First');
      await partner.request(1);
      const newest = await put('Second');
      a.log.clear();
      gate.open();
      await a.log.line(failed);
      await after(() => {
        clock.advance(pauses[0]);
      }, delivered);
      expect(puts().last).to.equal(newest);
    });

    it('the group is edited and the older form is refused: the newer one is not parked', async () => {
      const refusing = new Gate();
      partner.answers(async () => {
        await refusing.passed;
        return { status: 409 };
      });
      await put('First');
      await partner.request(1);
      await put('Second');
      gate.open();
      await partner.request(2);
      const newest = await put('Third');
      a.log.clear();
      refusing.open();
      await a.log.line(delivered);
      expect(puts().last).to.equal(newest);
    });

    it('the group is deleted: DELETE follows', async () => {
      await put('First');
      await partner.request(1);
      await administratorDeletes(a, police, joint);
      gate.open();
      await a.log.line(delivered, ({ outcome }) => outcome === 'withdrawn');
      expect(partner.requests.map(({ method }) => method)).to.deep.equal(['PUT', 'DELETE']);
    });

    it('the group is deleted and created again: the partner ends with the new one', async () => {
      await put('First');
      await partner.request(1);
      await administratorDeletes(a, police, joint);
      const again = await put('Again');
      gate.open();
      await partner.request(2);
      const last = partner.requests.at(-1);
      expect([last?.method, last?.body]).to.deep.equal(['PUT', again]);
    });

    it('a DELETE is under way and the group comes again: PUT follows, as for an unknown group', async () => {
      gate.open();
      await after(() => put('First'), delivered);
      const deleting = new Gate();
      partner.answers(async () => {
        await deleting.passed;
        return { status: 200 };
      });
      await administratorDeletes(a, police, joint);
      await partner.request(2);
      const again = await put('Again');
      await after(() => {
        deleting.open();
      }, delivered);
      const third = await partner.request(3);
      expect([third.method, third.body, third.headers['if-none-match']]).to.deep.equal(['PUT', again, '*']);
    });

    it('the last member of the partner goes: DELETE follows', async () => {
      await put('First');
      await partner.request(1);
      await administratorPuts(a, police, joint, groupText({ members: [police.member] }));
      gate.open();
      await a.log.line(delivered, ({ outcome }) => outcome === 'withdrawn');
      expect(partner.requests.map(({ method }) => method)).to.deep.equal(['PUT', 'DELETE']);
    });

    it('there is never a second one to the same partner for the same group', async () => {
      await put('First');
      await partner.request(1);
      for (let revision = 2; revision < 10; revision += 1) await put(`Revision ${revision}`);
      expect(partner.requests).to.have.length(1);
      gate.open();
      expect((await partner.request(2)).body).to.equal(groupText({ name: 'Revision 9' }));
    });

    it('the system closes: the next start sends what was not answered', async () => {
      const text = await put('First');
      await partner.request(1);
      await a.close();
      gate.open();
      await after(() => a.open(), delivered);
      expect(puts()).to.deep.equal({ count: 2, last: text });
    });
  });

  describe('many groups', () => {
    const ids = Array.from({ length: 5 }, (_, i) => `sip:group-${i}@police.example`);

    it('one that the partner cannot take does not hold up the others', async () => {
      const [bad = '', ...good] = ids;
      const willing = willingPartner();
      partner.otherwise((request) =>
        request.target.endsWith(groupPath(bad)) ? { status: 500 } : willing(request),
      );
      await after(() => put('Bad', bad), failed, bad);
      for (const id of good) await after(() => put('Good', id), delivered, id);
      for (const pause of pauses) {
        await after(
          () => {
            clock.advance(pause);
          },
          failed,
          bad,
        );
      }
      await after(() => put('Better', good[0]), delivered, good[0]);
      partner.otherwise(willing);
      await after(
        () => {
          clock.advance(64_000);
        },
        delivered,
        bad,
      );
    });

    it('a partner that fails for every group is not asked for each of them', async () => {
      partner.otherwise({ status: 500 });
      for (const id of ids) await put('Some', id);
      await partner.request(3);
      await a.log.line(failed, ({ group }) => group === ids[2]);
      // The fourth has not failed yet, so it may end the pause; that happens once in the shortest pause.
      expect(partner.requests).to.have.length.within(3, 4);
      partner.otherwise(willingPartner());
      clock.advance(3_600_000);
      for (const id of ids) await a.log.line(delivered, ({ group }) => group === id);
    });

    it('a partner that is down is asked once per pause, however many groups wait', async () => {
      await partner.down();
      await after(() => put('Some', ids[0]), failed, ids[0]);
      for (const id of ids.slice(1)) await put('Some', id);
      a.log.clear();
      clock.advance(pauses[0]);
      await a.log.line(failed);
      expect(clock.pending).to.equal(1);
      await partner.up();
      clock.advance(3_600_000);
      for (const id of ids) await a.log.line(delivered, ({ group }) => group === id);
    });

    it('a partner that is a black hole does not hold up another', async () => {
      const other = await ScriptedServer.start(willingPartner());
      try {
        await a.close();
        partner.otherwise('silence');
        await a.open({
          peers: [
            { name: 'b', identity: fire.gms, root: partner.root, domains: [fire.domain] },
            { name: 'c', identity: 'sip:gms@port.example', root: other.root, domains: ['port.example'] },
          ],
        });
        const members = [fire.member, 'sip:crane@port.example'];
        for (const id of ids) await administratorPuts(a, police, id, groupText({ id, members }));
        for (const id of ids) {
          await a.log.line(delivered, (fields) => fields['peer'] === 'c' && fields['group'] === id);
        }
        expect(partner.requests).to.have.length.at.most(ids.length);
      } finally {
        await other.down();
      }
    });
  });
});

describe('design D16: the partner’s side of a delivery', () => {
  it('a restart of the partner between provision and update: the tag is good still', async () => {
    const pair = await startPair();
    try {
      const { a, b } = pair;
      await administratorPuts(a, police, joint, groupText());
      await a.log.line('group information delivered');
      await b.close();
      await b.open();
      a.log.clear();
      await administratorPuts(a, police, joint, groupText({ name: 'Second' }));
      await a.log.line('group information delivered');
      expect((await copyAt(b, joint)).received.text).to.equal(groupText({ name: 'Second' }));
      expect(b.log.lines.filter(({ message }) => message === 'group information refused')).to.deep.equal([]);
    } finally {
      await pair.dispose();
    }
  });

  it('the partner’s policy fails: parked; a new revision that it can take is delivered', async () => {
    const pair = await startPair();
    try {
      const { a, b } = pair;
      await putPolicy(b, fire, policyFixture('invalid-above-10'));
      await administratorPuts(a, police, joint, groupText({ priority: 12 }));
      const { fields } = await a.log.line('group information parked');
      expect(fields['reason']).to.match(/409/);
      await administratorPuts(a, police, joint, groupText({ priority: 9 }));
      await a.log.line('group information delivered');
      expect((await copyAt(b, joint)).effective.text).to.equal(groupText({ priority: 9 }));
    } finally {
      await pair.dispose();
    }
  });
});
