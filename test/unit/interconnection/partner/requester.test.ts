import { expect } from 'chai';
import type { GroupId, McServiceId } from '../../../../src/base/identifiers.js';
import {
  NoAnswer,
  NoAnswerInTime,
  Nonsense,
  UnusableAnswer,
  type OutboundAnswer,
} from '../../../../src/outbound/client.js';
import type { Peers } from '../../../../src/mc-systems/peers.js';
import type { Asker } from '../../../../src/interconnection/partner/fetch-budget.js';
import { Requester, type RequestSettings } from '../../../../src/interconnection/partner/requester.js';
import { RequestRefused } from '../../../../src/base/refusals.js';
import { Gate, groupText } from '../../../support/peers.js';
import { mediaTypes } from '../../../../src/xcap/media-types.js';
import { groupType } from '../../../support/system.js';
import {
  a,
  answer,
  bodiless,
  b,
  joint,
  jointName,
  notProvided,
  Parts,
  peer,
  peers,
  receivedState,
  requestSettings,
  signed,
  silence,
  unchanged,
} from '../parts.js';

const otherId = 'sip:other@police.example' as GroupId;
const given = answer(200, { 'content-type': groupType, etag: '"up"' }, groupText());

describe('23.280 10.2.7.3: the partner’s request', () => {
  let parts: Parts;
  let requester: Requester;

  const begin = (known: Peers = peers(peer(a)), settings: Partial<RequestSettings> = {}): void => {
    parts = new Parts(b, known);
    requester = new Requester(
      { ...parts.tools, receiver: parts.receiver(unchanged) },
      { ...requestSettings, ...settings },
    );
  };

  beforeEach(() => {
    begin();
  });

  /** The status that a client would see, 200 where the fetch resolves. */
  const fetched = async (groupId = joint, asker: Asker = { kind: 'mc-service-server' }): Promise<number> => {
    try {
      await requester.fetch(groupId, asker);
      return 200;
    } catch (error) {
      if (error instanceof RequestRefused) return error.status;
      throw error;
    }
  };

  it('what each status of the primary means to the client (design D16)', async () => {
    const refusals = new Set([403, 404, 410]);
    for (let status = 100; status < 600; status += 1) {
      begin();
      parts.client.answers(status === 200 ? given : signed(status, { 'content-type': groupType }));
      const unavailable = status === 429 || status >= 500;
      const expected = status === 200 ? 200 : refusals.has(status) ? 404 : unavailable ? 503 : 502;
      expect(await fetched(), String(status)).to.equal(expected);
      expect((await parts.state())?.received?.body, String(status)).to.equal(
        status === 200 ? groupText() : undefined,
      );
    }
  });

  for (const [title, failure, status] of [
    ['no answer', new NoAnswer('no answer in time'), 503],
    ['what is no HTTP', new Nonsense('the answer is no HTTP'), 502],
    ['a body that is too long', bodiless(new UnusableAnswer('the answer is too long')), 502],
    ['a body that breaks off', bodiless(new NoAnswer('the connection failed')), 503],
    ['a body that comes too late', bodiless(new NoAnswerInTime('no answer in time')), 503],
  ] as const) {
    it(`${title}: ${status}, and not remembered`, async () => {
      parts.client.answers(failure, given);
      expect(await fetched()).to.equal(status);
      expect(await fetched()).to.equal(200);
    });
  }

  describe('design D20: a refusal that does not show who gave it', () => {
    for (const status of [403, 404, 410]) {
      it(`${status} of a proxy on the way: 503, and not remembered`, async () => {
        const page = answer(status, { 'content-type': 'text/html' }, '<html>');
        parts.client.answers(page, page, given);
        expect(await fetched()).to.equal(503);
        expect(await fetched()).to.equal(200);
      });

      it(`${status} of a plain XCAP server (RFC 4825 clause 12): 404, and remembered`, async () => {
        parts.client.answers(answer(status), answer(200, { 'content-type': mediaTypes.caps }), given);
        expect(await fetched()).to.equal(404);
        expect(await fetched()).to.equal(404);
        expect(parts.client.requests.map(({ url }) => url.split('/').at(-2))).to.deep.equal([
          'byGroupID',
          'global',
        ]);
      });
    }
  });

  it('a fault of ours is thrown as it is', async () => {
    const fault = new TypeError('a fault');
    parts.client.answers(fault);
    const thrown = await requester.fetch(joint, { kind: 'mc-service-server' }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(thrown).to.equal(fault);
  });

  it('the media type may be in other letters and have parameters', async () => {
    const type = `${groupType.toUpperCase()}; charset="utf-8"`;
    parts.client.answers(answer(200, { 'content-type': type }, groupText()));
    expect(await fetched()).to.equal(200);
  });

  it('a hundred at once share one attempt, its success and its failure', async () => {
    for (const [outcome, status] of [
      [answer(500), 503],
      [signed(404), 404],
      [given, 200],
    ] as const) {
      begin();
      const gate = new Gate();
      parts.client.answers(gate.passed.then((): OutboundAnswer => outcome));
      const all = Promise.all(Array.from({ length: 100 }, () => fetched()));
      gate.open();
      expect(new Set(await all)).to.deep.equal(new Set([status]));
      expect(parts.client.requests).to.have.length(1);
    }
  });

  it('after an attempt has ended, the next one is new', async () => {
    parts.client.answers(answer(500), given);
    expect(await fetched()).to.equal(503);
    expect(await fetched()).to.equal(200);
  });

  it('ends at its own deadline', async () => {
    begin(undefined, { fetchDeadline: 20 });
    parts.client.answers(silence);
    const attempt = fetched();
    await parts.client.request(1);
    parts.clock.advance(20);
    expect(await attempt).to.equal(503);
    expect(parts.clock.pending, 'no timer stays').to.equal(0);
  });

  describe('a refusal', () => {
    it('is remembered for as long as configured, for this group only', async () => {
      const other = 'sip:other@police.example' as GroupId;
      parts.client.answers(signed(404), signed(403), given);
      expect(await fetched()).to.equal(404);
      expect(await fetched(other)).to.equal(404);
      parts.clock.advance(999);
      expect(await fetched()).to.equal(404);
      expect(parts.client.requests).to.have.length(2);
      parts.clock.advance(1);
      expect(await fetched()).to.equal(200);
    });

    for (const jump of [-3_600_000, 3_600_000]) {
      it(`is remembered for as long, though the clock is set by ${jump} ms`, async () => {
        parts.client.answers(signed(404), given);
        expect(await fetched()).to.equal(404);
        parts.clock.jump(jump);
        parts.clock.advance(999);
        expect(await fetched()).to.equal(404);
        expect(parts.client.requests).to.have.length(1);
        parts.clock.advance(1);
        expect(await fetched()).to.equal(200);
      });
    }

    it('is not remembered where the memory is 0', async () => {
      begin(undefined, { refusalMemory: 0 });
      parts.client.answers(signed(404), given);
      expect(await fetched()).to.equal(404);
      expect(await fetched()).to.equal(200);
    });

    it('is remembered of ten thousand groups at most, the oldest go first', async () => {
      parts.client.otherwise = () => signed(404);
      const id = (i: number): GroupId => `sip:${i}@police.example` as GroupId;
      for (let i = 0; i <= 10_000; i += 1) await fetched(id(i));
      const asked = parts.client.requests.length;
      await fetched(id(10_000));
      expect(parts.client.requests).to.have.length(asked);
      await fetched(id(0));
      expect(parts.client.requests).to.have.length(asked + 1);
    });
  });

  it('goes to the home of the group, and nowhere where there is none or it may not be asked', async () => {
    parts.client.otherwise = () => given;
    for (const id of ['sip:pier@fire.example', 'sip:x@nowhere.example', 'sip:quay@port.example']) {
      expect(requester.primaryOf(id as GroupId)).to.equal(undefined);
      expect(await fetched(id as GroupId)).to.equal(404);
    }
    begin(peers(peer(a, { request: false })));
    expect(await fetched()).to.equal(404);
    expect(parts.client.requests).to.deep.equal([]);
    begin();
    parts.client.answers(given);
    await fetched();
    expect(parts.client.requests[0]).to.deep.include({
      method: 'GET',
      url: 'http://a.invalid/xcap-root/org.openmobilealliance.groups/global/byGroupID/sip%3Ajoint%40police.example',
    });
    expect(parts.client.requests[0]).to.not.have.property('body');
  });

  it('the primary withdraws the group meanwhile: 404, and a later attempt counts again', async () => {
    const gate = new Gate();
    const receiver = parts.receiver(unchanged);
    requester = new Requester({ ...parts.tools, receiver }, requestSettings);
    parts.client.answers(
      gate.passed.then((): OutboundAnswer => given),
      given,
    );
    const attempt = fetched();
    await receiver.withdraw(a, joint, { ifMatch: undefined, ifNoneMatch: undefined }).catch(() => undefined);
    gate.open();
    expect(await attempt).to.equal(404);
    expect((await parts.state())?.current ?? null).to.equal(null);
    expect(await fetched()).to.equal(200);
  });

  it('a primary is asked at a bounded rate for what is not here, whoever asks for however much', async () => {
    begin(peers(peer(a)), { fetchRate: 10 });
    parts.client.otherwise = () => signed(404);
    const ask = async (number: number): Promise<number> =>
      await fetched(`sip:invented-${number}@police.example` as GroupId);
    for (let number = 0; number < 20; number += 1) expect(await ask(number)).to.equal(404);
    for (let number = 20; number < 40; number += 1) expect(await ask(number)).to.equal(503);
    expect(parts.client.requests).to.have.length(20);
    expect(await ask(1), 'what was refused is remembered').to.equal(404);
    parts.clock.advance(1000);
    for (let number = 40; number < 50; number += 1) expect(await ask(number)).to.equal(404);
    expect(await ask(50)).to.equal(503);
  });

  describe('design D21: what a primary is asked for has parts', () => {
    const named = (name: string): Asker => ({
      kind: 'user',
      identity: `sip:${name}@fire.example` as McServiceId,
    });
    const user = named('ann');
    let count = 0;
    /** How many of `number` invented groups are requested for `asker`. */
    const asked = async (number: number, asker: Asker): Promise<number> => {
      let granted = 0;
      for (let each = 0; each < number; each += 1) {
        count += 1;
        const status = await fetched(`sip:invented-${count}@police.example` as GroupId, asker);
        expect(status).to.be.oneOf([404, 503]);
        if (status === 404) granted += 1;
      }
      return granted;
    };

    beforeEach(() => {
      begin(peers(peer(a)), { fetchRate: 50 });
      parts.client.otherwise = () => signed(404);
    });

    it('phones with invented groups leave the MC service server all of its own', async () => {
      expect(await asked(1000, user)).to.equal(100);
      expect(await asked(101, { kind: 'mc-service-server' })).to.equal(100);
      expect(await asked(10, { kind: 'operator' }), 'who is never held up').to.equal(10);
      parts.clock.advance(1000);
      expect(await asked(1000, user)).to.equal(50);
    });

    it('a phone with invented groups leaves other users theirs, and has all of the part where it is alone', async () => {
      expect(await asked(1000, user)).to.equal(100);
      expect(await asked(1, named('bob'))).to.equal(1);
      expect(await asked(1, user)).to.equal(0);
      parts.clock.advance(1000);
      expect(await asked(20, named('cleo')), 'a phone that has just been switched on').to.equal(20);
      expect(await asked(1000, user)).to.equal(29);
    });

    it('each asker has connections of its own', async () => {
      parts.client.otherwise = () => given;
      const askers: readonly Asker[] = [user, { kind: 'mc-service-server' }, { kind: 'operator' }];
      for (const asker of askers) {
        await requester.fetch(`sip:${asker.kind}@police.example` as GroupId, asker).catch(() => undefined);
      }
      expect(parts.client.requests.map(({ lane }) => lane)).to.deep.equal([
        { to: a, purpose: 'fetch of a user', holder: 'sip:ann@fire.example' },
        { to: a, purpose: 'fetch of an MC service server' },
        { to: a, purpose: 'operation' },
      ]);
    });

    it('who has none left still shares the request of another', async () => {
      await asked(101, user);
      const gate = new Gate();
      parts.client.answers(gate.passed.then((): OutboundAnswer => given));
      const first = fetched(joint, { kind: 'mc-service-server' });
      const second = fetched(joint, user);
      expect(await fetched(otherId, user)).to.equal(503);
      gate.open();
      expect([await first, await second]).to.deep.equal([200, 200]);
    });
  });

  describe('design D7: a group that is held is asked for again', () => {
    const held = async (upstreamETag: string | null = '"up"') => {
      const state = receivedState(groupText(), a);
      const received = state.received ?? expect.fail('it was not received');
      await parts.plant(jointName, { ...state, received: { ...received, upstreamETag } });
      return await parts.state();
    };

    it('with the primary’s tag; 304: nothing changes', async () => {
      const before = await held();
      parts.client.answers(answer(304, { etag: '"up"' }));
      expect(await requester.refresh(joint, true)).to.equal('unchanged');
      const [request] = parts.client.requests;
      expect(request?.headers['If-None-Match']).to.equal('"up"');
      expect(await parts.state()).to.deep.equal(before);
    });

    it('that was pushed, without one; the same octets: nothing changes for clients, the tag is kept', async () => {
      const before = await held(null);
      parts.client.answers(given);
      expect(await requester.refresh(joint, true)).to.equal('unchanged');
      expect(parts.client.requests[0]?.headers).not.to.have.property('If-None-Match');
      const after = await parts.state();
      expect(after?.received?.upstreamETag).to.equal('"up"');
      expect([after?.received?.etag, after?.current]).to.deep.equal([
        before?.received?.etag,
        before?.current,
      ]);
    });

    it('other octets: received and effective document are replaced', async () => {
      const before = await held();
      const news = groupText({ name: 'Newer' });
      parts.client.answers(answer(200, { 'content-type': groupType, etag: '"up-2"' }, news));
      expect(await requester.refresh(joint, true)).to.equal('updated');
      const after = await parts.state();
      expect([after?.received?.body, after?.received?.upstreamETag, after?.current?.body]).to.deep.equal([
        news,
        '"up-2"',
        news,
      ]);
      expect(after?.received?.etag).not.to.equal(before?.received?.etag);
    });

    for (const code of ['deleted', 'no-longer-shared', 'not-shared'] as const) {
      it(`design D16: a Result with the code "${code}": the copy goes, unless the caller wants it kept`, async () => {
        const before = await held();
        parts.client.otherwise = () => notProvided(code);
        expect(await requester.refresh(joint, false)).to.equal('ended');
        expect(await parts.state()).to.deep.equal(before);
        expect(await requester.refresh(joint, true)).to.equal('gone');
        const after = await parts.state();
        expect([after?.current, after?.received]).to.deep.equal([null, null]);
      });
    }

    for (const [title, given, outcome] of [
      ['a Result with the code "unknown"', notProvided('unknown'), 'refused'],
      ['a Result with the code "not-answered"', notProvided('not-answered'), 'refused'],
      ['a Result with the code "another-home"', notProvided('another-home'), 'refused'],
      ['a Result about another group', notProvided('deleted', otherId), 'unconfirmed'],
      ['404 of the primary without a Result', signed(404), 'refused'],
      ['410 of the primary without a Result', signed(410), 'refused'],
      ['304 that nobody signed', answer(304), 'unconfirmed'],
      ...[302, 307, 400, 401, 403, 404, 405, 407, 410, 411, 413, 421].map(
        (status) => [`${status} that nobody signed`, answer(status), 'unconfirmed'] as const,
      ),
      ['500', answer(500), 'unavailable'],
      ['429', answer(429), 'unavailable'],
      ['503', answer(503), 'unavailable'],
      ['404 of a proxy', answer(404, { 'content-type': 'text/html' }, '<html>'), 'unconfirmed'],
      ['no answer', new NoAnswer('no answer in time'), 'unavailable'],
      ['what is no HTTP', new Nonsense('the answer is no HTTP'), 'unusable'],
      ['a body that is too long', bodiless(new UnusableAnswer('the answer is too long')), 'unusable'],
      ['a body that breaks off', bodiless(new NoAnswer('the connection failed')), 'unavailable'],
      ['a redirect of the primary', signed(302), 'unusable'],
      ['a page with 200', answer(200, { 'content-type': 'text/html' }, '<a/>'), 'unconfirmed'],
      ['another media type', signed(200, { 'content-type': 'text/html' }, '<a/>'), 'unusable'],
      ['a document that is not well-formed', answer(200, { 'content-type': groupType }, '<a>'), 'unusable'],
      [
        'a document of another group',
        answer(200, { 'content-type': groupType }, groupText({ id: otherId })),
        'unusable',
      ],
    ] as const) {
      it(`${title}: the copy stays as it was`, async () => {
        const before = await held();
        parts.client.answers(given);
        expect(await requester.refresh(joint, true)).to.equal(outcome);
        expect(await parts.state()).to.deep.equal(before);
      });
    }

    it('without a tag of the primary’s, a 304 makes no sense', async () => {
      const before = await held(null);
      parts.client.answers(signed(304));
      expect(await requester.refresh(joint, true)).to.equal('unusable');
      expect(await parts.state()).to.deep.equal(before);
    });

    for (const [title, late] of [
      ['a document', answer(200, { 'content-type': groupType }, groupText({ name: 'Older' }))],
      ['a deletion', notProvided('deleted')],
    ] as const) {
      it(`what the primary pushes meanwhile is at least as new: ${title} that comes late is not taken`, async () => {
        const before = await held();
        const gate = new Gate();
        parts.client.answers(gate.passed.then((): OutboundAnswer => late));
        const asking = requester.refresh(joint, true);
        await parts.client.request(1);
        const bytes = Buffer.from(groupText({ name: 'Newest' }));
        const etag = before?.received?.etag ?? '';
        await parts
          .receiver(unchanged)
          .provide(
            { system: a, groupId: joint, bytes, upstreamETag: null },
            { ifMatch: [{ weak: false, opaque: etag }], ifNoneMatch: undefined },
          );
        const pushed = await parts.state();
        gate.open();
        expect(await asking).to.equal('unchanged');
        expect(await parts.state()).to.deep.equal(pushed);
      });
    }

    it('not where it is not held, is our own, or its system is no peer to ask', async () => {
      expect(await requester.refresh(joint, true)).to.equal('not-held');
      begin(peers(peer(a, { request: false })));
      await held();
      expect(await requester.refresh(joint, true)).to.equal('not-held');
      expect(parts.client.requests).to.have.length(0);
    });
  });
});
