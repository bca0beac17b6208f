import { expect } from 'chai';
import { allOf } from '../../../../src/base/soon.js';
import type { GroupId } from '../../../../src/base/identifiers.js';
import type { DocumentChange } from '../../../../src/documents/commits.js';
import type { DocumentState } from '../../../../src/documents/state.js';
import { nameOfGroup } from '../../../../src/groups/names.js';
import { type Derive } from '../../../../src/policy/policies-in-force.js';
import { type Incoming } from '../../../../src/interconnection/partner/provision.js';
import { ProvisionRefused } from '../../../../src/interconnection/partner/provision.js';
import { StoreFailure } from '../../../../src/store/store.js';
import { ConstraintFailure } from '../../../../src/xcap/conflicts.js';
import { ServiceUnavailable } from '../../../../src/base/refusals.js';
import { parseConditions, type Conditions } from '../../../../src/xcap/preconditions.js';
import { Gate, groupText } from '../../../support/peers.js';
import { a, b, c, joint, jointName, Parts, peer, peers, receivedState, unchanged } from '../parts.js';

const none: Conditions = parseConditions({});
const other = 'sip:other@police.example' as GroupId;

function incoming(text: string | Buffer = groupText(), changes: Partial<Incoming> = {}): Incoming {
  return { system: a, groupId: joint, bytes: Buffer.from(text), upstreamETag: null, ...changes };
}

function ifMatch(state: DocumentState | undefined): Conditions {
  return parseConditions({ 'if-match': `"${state?.received?.etag ?? ''}"` });
}

async function refusal(attempt: Promise<unknown>): Promise<ProvisionRefused> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof ProvisionRefused) return error;
    throw error;
  }
  throw new Error('it was taken');
}

/** A policy that renames every group. */
const renaming: Derive = (_system, _groupId, text) =>
  Promise.resolve({
    text: text.replace('Joint operation', 'Guests'),
    modifications: [{ template: 'p/t', path: '/', before: 'Joint operation', after: 'Guests' }],
    omitted: 0,
    isCurrent: () => true,
  });

describe('The partner’s side of 23.280 10.2.7', () => {
  let parts: Parts;
  let changes: DocumentChange[];

  beforeEach(() => {
    parts = new Parts(b, peers(peer(a), peer(c)));
    changes = [];
    parts.documents.addListener((change) => changes.push(change));
  });

  describe('taking a provision', () => {
    it('keeps received and effective in one record, each under its own tag', async () => {
      const { created, received, effective } = await parts.receiver(renaming).provide(incoming(), none);
      expect(created).to.equal(true);
      const state = await parts.state();
      expect(state).to.deep.equal({
        auid: 'org.openmobilealliance.groups',
        current: effective,
        received,
        deliveries: {},
      });
      expect(received).to.deep.include({ body: groupText(), system: a, upstreamETag: null });
      expect(received.modifications).to.have.length(1);
      expect(effective.body).to.equal(groupText({ name: 'Guests' }));
      expect(received.etag).to.not.equal(effective.etag);
      expect(await allOf(parts.documents.keysOf('received-from:a'))).to.deep.equal([jointName]);
    });

    it('tells listeners of effective forms, after the commit and once', async () => {
      const receiver = parts.receiver(renaming);
      const { effective } = await receiver.provide(incoming(), none);
      await receiver.provide(incoming(), ifMatch(await parts.state()));
      expect(changes.map(({ before, after }) => [before, after])).to.deep.equal([[undefined, effective]]);
    });

    it('design D20: the same content again gives the received form a new tag, and nobody hears of it', async () => {
      const receiver = parts.receiver(renaming);
      await receiver.provide(incoming(), none);
      const before = await parts.documents.find(jointName);
      const again = await receiver.provide(incoming(), ifMatch(before?.state));
      const { etag } = again.received;
      expect(etag).not.to.equal(before?.state.received?.etag);
      expect(again).to.deep.equal({
        created: false,
        received: { ...before?.state.received, etag },
        effective: before?.state.current,
      });
      const after = await parts.documents.find(jointName);
      // The clock stands still, so the two received forms have one date.
      const otherUntil = before?.state.received?.modified;
      expect(after?.state).to.deep.equal({ ...before?.state, received: { ...again.received, otherUntil } });
      expect(changes).to.have.length(1);
      const late = await refusal(receiver.provide(incoming(), ifMatch(before?.state)));
      expect(late.status, 'the former message comes once more').to.equal(412);
    });

    it('design D20: a message from before, whose octets are there again, is not taken', async () => {
      const receiver = parts.receiver(unchanged);
      await receiver.provide(incoming(), none);
      const first = await parts.state();
      await receiver.provide(incoming(groupText({ name: 'B' })), ifMatch(first));
      await receiver.provide(incoming(), ifMatch(await parts.state()));
      const late = await refusal(receiver.provide(incoming(groupText({ name: 'B' })), ifMatch(first)));
      expect(late.status).to.equal(412);
      expect((await parts.state())?.received?.body).to.equal(groupText());
    });

    describe('after a withdrawal (design D20)', () => {
      const withdrawn = async (): Promise<string> => {
        const receiver = parts.receiver(unchanged);
        await receiver.provide(incoming(), none);
        await receiver.withdraw(a, joint, ifMatch(await parts.state()));
        return `"${(await parts.state())?.tombstone?.etag ?? expect.fail('no tombstone')}"`;
      };

      for (const [title, follows] of [
        ['from before the group was ever withdrawn', 'none'],
        ['from before the last withdrawal', '"an earlier one"'],
      ] as const) {
        it(`a provision ${title} is not taken`, async () => {
          await withdrawn();
          const late = incoming(groupText(), { follows });
          expect((await refusal(parts.receiver(unchanged).provide(late, none))).status).to.equal(412);
          expect((await parts.state())?.current).to.equal(null);
        });
      }

      it('a provision that follows it is taken, and so is one that says nothing', async () => {
        const follows = await withdrawn();
        await parts.receiver(unchanged).provide(incoming(groupText(), { follows }), none);
        expect((await parts.state())?.received?.body).to.equal(groupText());
        expect(await parts.state()).not.to.have.property('tombstone');
        const second = await (async () => {
          await parts.receiver(unchanged).withdraw(a, joint, none);
          return `"${(await parts.state())?.tombstone?.etag ?? ''}"`;
        })();
        expect(second, 'each withdrawal has its own tag').not.to.equal(follows);
        const { created } = await parts.receiver(unchanged).provide(incoming(), none);
        expect(created).to.equal(true);
      });
    });

    it('news that policy levels gives a new received form and leaves the effective one', async () => {
      const receiver = parts.receiver(() =>
        Promise.resolve({
          text: groupText({ name: 'Always' }),
          modifications: [],
          omitted: 0,
          isCurrent: () => true,
        }),
      );
      const first = await receiver.provide(incoming(), none);
      const next = await receiver.provide(
        incoming(groupText({ name: 'News' })),
        ifMatch(await parts.state()),
      );
      expect(next.received.etag).to.not.equal(first.received.etag);
      expect(next.effective).to.deep.equal(first.effective);
      expect(changes).to.have.length(1);
    });

    it('two at the same time: one creates, the other is refused', async () => {
      const receiver = parts.receiver(unchanged);
      const create = parseConditions({ 'if-none-match': '*' });
      const outcomes = await Promise.allSettled([
        receiver.provide(incoming(groupText({ name: 'One' })), create),
        receiver.provide(incoming(groupText({ name: 'Two' })), create),
      ]);
      expect(outcomes.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
      expect((await parts.state())?.received?.body).to.equal(groupText({ name: 'One' }));
    });

    const stages: readonly (readonly [string, string, number, Derive, (() => Error) | undefined])[] = [
      [
        'a policy that refuses',
        'modification',
        409,
        () => Promise.reject(new ConstraintFailure('no', 'template t fails')),
        undefined,
      ],
      [
        'a policy that has no time',
        'modification',
        503,
        () => Promise.reject(new ServiceUnavailable('later', 10)),
        undefined,
      ],
      [
        'a policy that changes the group ID',
        'modification',
        409,
        (_s, _g, text) =>
          Promise.resolve({
            text: text.replace('sip:joint@', 'sip:another@'),
            modifications: [],
            omitted: 0,
            isCurrent: () => true,
          }),
        undefined,
      ],
      [
        'a policy that gives no XML',
        'modification',
        409,
        () => Promise.resolve({ text: 'none', modifications: [], omitted: 0, isCurrent: () => true }),
        undefined,
      ],
      ['a store that refuses', 'storage', 503, unchanged, () => new StoreFailure('the medium refuses')],
      ['a store that is full', 'storage', 507, unchanged, () => new StoreFailure('no', { full: true })],
    ];

    for (const [title, stage, status, derive, failure] of stages) {
      it(`${title}: ${status} at ${stage}, logged; the former documents stay`, async () => {
        await parts.receiver(unchanged).provide(incoming(), none);
        const before = await parts.documents.find(jointName);
        parts.store.failure = failure?.();
        const news = incoming(groupText({ name: 'News' }));
        const refused = await refusal(parts.receiver(derive).provide(news, ifMatch(before?.state)));
        expect([refused.stage, refused.status]).to.deep.equal([stage, status]);
        parts.store.failure = undefined;
        expect(await parts.documents.find(jointName)).to.deep.equal(before);
        expect(changes).to.have.length(1);
        const line = await parts.log.line('group information refused');
        expect(line.level).to.equal('warn');
        expect(line.fields).to.include({ peer: a, group: joint, stage, status });
      });
    }

    it('a fault of ours is not dressed up as the primary’s: it is thrown as it is', async () => {
      const fault = new TypeError('a fault');
      const attempt = parts.receiver(() => Promise.reject(fault)).provide(incoming(), none);
      const thrown = await attempt.then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(thrown).to.equal(fault);
    });

    it('a stale tag is no cause for alarm: it is logged at info', async () => {
      const receiver = parts.receiver(unchanged);
      await receiver.provide(incoming(), none);
      const stale = parseConditions({ 'if-match': '"stale"' });
      const refused = await refusal(receiver.provide(incoming('no XML'), stale));
      expect([refused.stage, refused.status]).to.deep.equal(['reception', 412]);
      expect((await parts.log.line('group information refused')).level).to.equal('info');
    });

    it('a group of our own is replaced, should its home change to that of the peer (design D6)', async () => {
      await parts.put(joint, groupText({ name: 'Ours' }));
      const { created } = await parts
        .receiver(unchanged)
        .provide(incoming(), parseConditions({ 'if-none-match': '*' }));
      expect(created).to.equal(true);
      expect((await parts.state())?.current?.body).to.equal(groupText());
      expect((await parts.state())?.received?.system).to.equal(a);
    });

    it('a policy that was put while the document was on its way applies to it too', async () => {
      const gate = new Gate();
      const begun = new Gate();
      let edition = 1;
      const derive: Derive = async (_system, _groupId, text) => {
        const mine = edition;
        begun.open();
        if (mine === 1) await gate.passed;
        return {
          text: text.replace('Joint operation', `Edition ${mine}`),
          modifications: [],
          omitted: 0,
          isCurrent: () => mine === edition,
        };
      };
      const receiver = parts.receiver(derive);
      const provision = receiver.provide(incoming(), none);
      await begun.passed;
      edition = 2;
      gate.open();
      const { received } = await provision;
      const state = await parts.state();
      expect(state?.current?.body).to.equal(groupText({ name: 'Edition 2' }));
      expect(state?.received?.etag, 'the tag that the primary was told').to.equal(received.etag);
    });

    it('and what it makes is no group document, the refusal has no word of it; its message, for the log, has', async () => {
      const receiver = parts.receiver((_system, _groupId, text) =>
        Promise.resolve({
          text: text.replace('>12<', '>secret<'),
          modifications: [],
          omitted: 0,
          isCurrent: () => true,
        }),
      );
      const refused = await receiver.provide(incoming(), none).catch((error: unknown) => error);
      if (!(refused instanceof ProvisionRefused)) throw new Error('it was not refused');
      expect([refused.stage, refused.status]).to.deep.equal(['modification', 409]);
      expect(refused.phrase).to.equal('the policy of this MC system cannot be applied to the group');
      expect(refused.refusal).to.be.instanceOf(ConstraintFailure);
      expect(refused.message).to.include('secret');
    });

    it('and where that new policy fails, the provision stands all the same', async () => {
      let calls = 0;
      const receiver = parts.receiver((_system, _groupId, text) => {
        calls += 1;
        if (calls > 1) return Promise.reject(new ConstraintFailure('no', 'template t fails'));
        return Promise.resolve({ text, modifications: [], omitted: 0, isCurrent: () => false });
      });
      expect((await receiver.provide(incoming(), none)).created).to.equal(true);
      expect((await parts.state())?.current?.body).to.equal(groupText());
      await parts.log.line('the policy fails: former document stays');
    });
  });

  describe('whose group it is', () => {
    for (const [title, groupId] of [
      ['our own', 'sip:pier@fire.example'],
      ['a third system’s', 'sip:quay@port.example'],
      ['nobody’s', 'sip:x@nowhere.example'],
    ] as const) {
      it(`${title}: neither provided nor withdrawn nor fetched by this peer, and logged`, async () => {
        const id = groupId as GroupId;
        const receiver = parts.receiver(unchanged);
        using watch = receiver.watch(id);
        const document = incoming(groupText({ id }), { groupId: id });
        for (const attempt of [
          () => receiver.provide(document, none),
          () => receiver.withdraw(a, id, none),
          () => receiver.store(document, watch),
        ]) {
          parts.log.clear();
          const refused = await refusal(attempt());
          expect([refused.stage, refused.status]).to.deep.equal(['reception', 403]);
          const { fields } = await parts.log.line('group information refused');
          expect(fields).to.include({ peer: a, group: groupId });
        }
        expect(await parts.documents.find(nameOfGroup(id))).to.equal(undefined);
      });
    }
  });

  describe('storing what was fetched', () => {
    it('keeps the primary’s tag', async () => {
      const receiver = parts.receiver(unchanged);
      using watch = receiver.watch(joint);
      const outcome = await receiver.store(incoming(groupText(), { upstreamETag: '"up"' }), watch);
      expect(outcome).to.equal('held');
      expect((await parts.state())?.received).to.deep.include({ body: groupText(), upstreamETag: '"up"' });
    });

    it('what was pushed meanwhile stands', async () => {
      const receiver = parts.receiver(unchanged);
      using watch = receiver.watch(joint);
      await receiver.provide(incoming(groupText({ name: 'Pushed' })), none);
      const before = await parts.documents.find(jointName);
      expect(await receiver.store(incoming(), watch)).to.equal('held');
      expect(await parts.documents.find(jointName)).to.deep.equal(before);
    });

    it('what was withdrawn meanwhile does not come back, whether it was held or not', async () => {
      for (const held of [true, false]) {
        const receiver = parts.receiver(unchanged);
        using watch = receiver.watch(joint);
        if (held) await receiver.provide(incoming(), none);
        await receiver.withdraw(a, joint, none).catch(() => undefined);
        expect(await receiver.store(incoming(), watch)).to.equal('withdrawn-meanwhile');
        expect((await parts.state())?.current ?? null).to.equal(null);
      }
    });

    it('a withdrawal of another group, before the watch or after it, does not count', async () => {
      const receiver = parts.receiver(unchanged);
      const early = receiver.watch(joint);
      early[Symbol.dispose]();
      await receiver.withdraw(a, joint, none).catch(() => undefined);
      expect(early.withdrawn).to.equal(false);
      using watch = receiver.watch(joint);
      await receiver.withdraw(a, other, none).catch(() => undefined);
      expect(await receiver.store(incoming(), watch)).to.equal('held');
    });

    it('a withdrawal refused for its condition does not count', async () => {
      const receiver = parts.receiver(unchanged);
      using watch = receiver.watch(joint);
      const stale = parseConditions({ 'if-match': '"stale"' });
      await receiver.withdraw(a, joint, stale).catch(() => undefined);
      expect(await receiver.store(incoming(), watch)).to.equal('held');
    });

    it('a document that lists no member of this system is judged, and not stored', async () => {
      const receiver = parts.receiver(unchanged);
      using watch = receiver.watch(joint);
      const members = ['sip:unit-71@police.example'];
      const outcome = await receiver.store(incoming(groupText({ members })), watch);
      expect(outcome).to.equal('lists-nobody-of-ours');
      const wrong = groupText({ id: other, members });
      expect((await refusal(receiver.store(incoming(wrong), watch))).stage).to.equal('reception');
      expect(await parts.state()).to.equal(undefined);
    });
  });

  describe('withdrawing', () => {
    it('removes received and effective form; listeners hear that the document went', async () => {
      const receiver = parts.receiver(renaming);
      const { effective } = await receiver.provide(incoming(), none);
      const former = await parts.state();
      await receiver.withdraw(a, joint, ifMatch(former));
      const { tombstone, ...left } = (await parts.state()) ?? expect.fail('no tombstone is left');
      expect(left).to.deep.equal({ auid: former?.auid, current: null, received: null, deliveries: {} });
      expect(tombstone).to.deep.include({ at: parts.clock.now(), system: a });
      expect(tombstone?.etag).not.to.be.oneOf([former?.received?.etag, former?.current?.etag]);
      expect(changes.at(-1)).to.deep.include({ before: effective, after: undefined });
    });

    it('is refused under a stale tag, and 404 where nothing is', async () => {
      const receiver = parts.receiver(unchanged);
      await receiver.provide(incoming(), none);
      const stale = parseConditions({ 'if-match': '"stale"' });
      const status = async (attempt: Promise<unknown>): Promise<unknown> =>
        await attempt.then(
          () => 200,
          (error: unknown) => (error as { status?: unknown }).status,
        );
      expect(await status(receiver.withdraw(a, joint, stale))).to.equal(412);
      expect((await parts.state())?.received?.body).to.equal(groupText());
      expect(await status(receiver.withdraw(a, joint, none))).to.equal(200);
      expect(await status(receiver.withdraw(a, joint, none))).to.equal(404);
    });
  });

  describe('deriving anew', () => {
    it('gives a new effective form from the same received one', async () => {
      await parts.plant(jointName, receivedState(groupText(), a));
      const before = await parts.state();
      await parts.receiver(renaming).deriveAnew(joint);
      const after = await parts.state();
      expect(after?.received).to.deep.equal({
        ...before?.received,
        modifications: after?.received?.modifications,
      });
      expect(after?.current?.body).to.equal(groupText({ name: 'Guests' }));
      expect(changes).to.have.length(1);
    });

    it('changes nothing where the result is the same, and nothing of other documents', async () => {
      await parts.plant(jointName, receivedState(groupText(), a, groupText({ name: 'Guests' })));
      await parts.receiver(renaming).deriveAnew(joint);
      const before = await parts.documents.find(jointName);
      await parts.receiver(renaming).deriveAnew(joint);
      expect(await parts.documents.find(jointName)).to.deep.equal(before);
      const own = 'sip:pier@fire.example' as GroupId;
      await parts.put(own, groupText({ id: own }));
      const ours = await parts.documents.find(nameOfGroup(own));
      await parts.receiver(renaming).deriveAnew(own);
      await parts.receiver(renaming).deriveAnew(other);
      expect(await parts.documents.find(nameOfGroup(own))).to.deep.equal(ours);
    });

    it('tells what the policies do now, also where the document stays as it was: same tag, nobody told', async () => {
      await parts.receiver(renaming).provide(incoming(), none);
      const before = await parts.state();
      changes.length = 0;
      const renamed: Derive = async (system, groupId, text) => {
        const derived = await renaming(system, groupId, text);
        return {
          ...derived,
          modifications: derived.modifications.map((each) => ({ ...each, template: 'p/other' })),
        };
      };
      await parts.receiver(renamed).deriveAnew(joint);
      const after = await parts.state();
      expect(after?.current).to.deep.equal(before?.current);
      expect(after?.received?.modifications.map(({ template }) => template)).to.deep.equal(['p/other']);
      expect(after?.received?.etag).to.equal(before?.received?.etag);
      expect(changes).to.deep.equal([]);
    });

    it('keeps how many modifications are not listed, as long as there are any', async () => {
      let omitted = 200;
      const many: Derive = async (system, groupId, text) => ({
        ...(await renaming(system, groupId, text)),
        omitted,
      });
      const receiver = parts.receiver(many);
      const { received } = await receiver.provide(incoming(), none);
      expect(received.omitted).to.equal(200);
      expect((await parts.state())?.received?.omitted).to.equal(200);
      omitted = 0;
      await receiver.deriveAnew(joint);
      expect((await parts.state())?.received).to.not.have.property('omitted');
    });

    it('fails where the policy fails; the former effective form stays', async () => {
      await parts.plant(jointName, receivedState(groupText(), a, groupText({ name: 'Former' })));
      const before = await parts.documents.find(jointName);
      const failing: Derive = () => Promise.reject(new ConstraintFailure('no'));
      expect((await refusal(parts.receiver(failing).deriveAnew(joint))).stage).to.equal('modification');
      expect(await parts.documents.find(jointName)).to.deep.equal(before);
    });
  });
});
