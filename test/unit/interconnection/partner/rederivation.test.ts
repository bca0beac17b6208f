import { expect } from 'chai';
import type { DocumentName, GroupId } from '../../../../src/base/identifiers.js';
import { nameOfGroup } from '../../../../src/groups/names.js';
import { PoliciesInForce } from '../../../../src/policy/policies-in-force.js';
import { PolicyFailed } from '../../../../src/policy/errors.js';
import { policyAuid } from '../../../../src/policy/usage.js';
import { Rederivation } from '../../../../src/interconnection/partner/rederivation.js';
import { RequestRefused } from '../../../../src/base/refusals.js';
import { Gate, groupText } from '../../../support/peers.js';
import { a, b, c, joint, ownState, Parts, peer, peers, receivedState } from '../parts.js';

const ids = Array.from({ length: 5 }, (_, i) => `sip:group-${i}@police.example` as GroupId);

describe('The policies in force', () => {
  let parts: Parts;
  let applied: (readonly string[])[];
  let policies: PoliciesInForce;

  beforeEach(() => {
    parts = new Parts(b, peers(peer(a)));
    applied = [];
    policies = new PoliciesInForce(parts.documents, {
      run: ({ text }, texts) => {
        applied.push(texts);
        return Promise.resolve({ text, modifications: [], omitted: 0 });
      },
    });
  });

  const name = (policy: string): DocumentName => `${policyAuid}/global/${policy}.xml` as DocumentName;

  const put = async (policy: string, text: string): Promise<void> => {
    await parts.documents.change(name(policy), () => ({
      kind: 'put',
      placement: { key: name(policy), names: [name(policy)] },
      state: { ...ownState(text), auid: policyAuid },
      result: () => undefined,
    }));
  };

  it('are all that are stored, by their names, whatever the order in which they came', async () => {
    await put('z', 'last');
    await put('a', 'first');
    await put('m', 'between');
    await policies.derive(a, joint, 'text');
    expect(applied).to.deep.equal([['first', 'between', 'last']]);
  });

  it('where there is none, the text is taken as it is, and no worker is troubled', async () => {
    const { text, modifications, omitted } = await policies.derive(a, joint, 'text');
    expect([text, modifications, omitted]).to.deep.equal(['text', [], 0]);
    expect(applied).to.deep.equal([]);
  });

  it('a derivation is current until a policy comes, changes or goes', async () => {
    const derive = async (): Promise<() => boolean> => (await policies.derive(a, joint, 'text')).isCurrent;
    const bare = await derive();
    expect(bare()).to.equal(true);
    await put('p', 'one');
    expect(bare()).to.equal(false);
    const one = await derive();
    await parts.put(joint, groupText());
    expect(one(), 'a group is no policy').to.equal(true);
    await put('p', 'two');
    expect(one()).to.equal(false);
    const two = await derive();
    await parts.documents.change(name('p'), () => ({ kind: 'delete', result: undefined }));
    expect(two()).to.equal(false);
    expect((await derive())()).to.equal(true);
  });

  it('a derivation under which a policy changes is not current when it is done', async () => {
    await put('p', 'one');
    const slow = new PoliciesInForce(parts.documents, {
      run: async ({ text }) => {
        await put('p', 'news');
        return { text, modifications: [], omitted: 0 };
      },
    });
    expect((await slow.derive(a, joint, 'text')).isCurrent()).to.equal(false);
  });

  for (const [reason, status] of [
    ['expression', 409],
    ['deadline', 409],
    ['busy', 503],
    ['closed', 503],
    ['crash', 503],
  ] as const) {
    it(`that fail for the reason "${reason}": ${status}, details for the log only`, async () => {
      await put('p', 'one');
      const failing = new PoliciesInForce(parts.documents, {
        run: () => Promise.reject(new PolicyFailed(reason, 'template t: secret')),
      });
      const error: unknown = await failing.derive(a, joint, 'text').then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (!(error instanceof RequestRefused)) throw new Error('it was not refused');
      expect(error.status).to.equal(status);
      expect(error.message).to.include('secret');
      expect(error.phrase).to.not.include('secret');
    });
  }
});

describe('design D9: effective = policy(received), always', () => {
  let parts: Parts;
  let derived: GroupId[];
  let done: () => void;
  let all: Promise<void>;

  beforeEach(async () => {
    parts = new Parts(b, peers(peer(a), peer(c)));
    derived = [];
    all = new Promise((resolve) => (done = resolve));
    for (const id of ids) await parts.plant(nameOfGroup(id), receivedState(groupText({ id }), a));
  });

  /** A pass that notes each group, and does `act` with it; `all` resolves with the last one. */
  const pass = (act: (groupId: GroupId) => Promise<void> = () => Promise.resolve()): Rederivation =>
    new Rederivation({
      ...parts.tools,
      receiver: {
        deriveAnew: async (groupId) => {
          derived.push(groupId);
          await act(groupId);
          if (groupId === ids.at(-1)) done();
        },
      },
    });

  it('a pass goes over every received document, and over no other', async () => {
    const quay = 'sip:quay@port.example' as GroupId;
    const pier = 'sip:pier@fire.example' as GroupId;
    await parts.plant(nameOfGroup(quay), receivedState(groupText({ id: quay }), c));
    await parts.plant(nameOfGroup(pier), ownState(groupText({ id: pier })));
    const seen = new Promise<void>((resolve) => {
      pass((id) => {
        if (id === quay) resolve();
        return Promise.resolve();
      }).start();
    });
    await Promise.all([seen, all]);
    expect([...derived].sort()).to.deep.equal([...ids, quay].sort());
  });

  it('where a policy fails on one document, the others are derived, and the operator is told', async () => {
    pass((id) => (id === ids[1] ? Promise.reject(new Error('template t fails')) : Promise.resolve())).start();
    await all;
    expect(derived).to.deep.equal(ids);
    const line = await parts.log.line('the policy fails: former document stays');
    expect(line.level).to.equal('warn');
    expect(line.fields).to.include({ group: ids[1], reason: 'template t fails' });
  });

  it('a policy that changes in the middle of a pass: it begins again, from the first document', async () => {
    const gate = new Gate();
    const middle = new Gate();
    const rederivation = pass(async (id) => {
      if (id !== ids[2] || derived.length > 3) return;
      middle.open();
      await gate.passed;
    });
    rederivation.start();
    await middle.passed;
    rederivation.start();
    rederivation.start();
    gate.open();
    await all;
    await rederivation.close();
    expect(derived).to.deep.equal([...ids.slice(0, 3), ...ids]);
  });

  it('closing waits for the document under way and begins no other', async () => {
    const gate = new Gate();
    const begun = new Gate();
    const rederivation = pass(async () => {
      begun.open();
      await gate.passed;
    });
    rederivation.start();
    await begun.passed;
    const closing = rederivation.close();
    gate.open();
    await closing;
    rederivation.start();
    await rederivation.close();
    expect(derived).to.deep.equal(ids.slice(0, 1));
  });

  it('a pass says how far it is, in a log line at most every ten seconds, and how it went', async () => {
    const shown: unknown[] = [];
    const rederivation = pass((id) => {
      shown.push(rederivation.progress());
      parts.clock.advance(4000);
      return id === ids[1] ? Promise.reject(new Error('template t fails')) : Promise.resolve();
    });
    const none = { total: 0, done: 0, failed: 0, startedAt: undefined, endedAt: undefined };
    expect(rederivation.progress()).to.deep.equal({ state: 'never-ran', ...none });
    const startedAt = parts.clock.now();
    rederivation.start();
    await parts.log.line('effective documents were derived anew');
    const running = { state: 'running', total: 5, startedAt, endedAt: undefined };
    expect(shown).to.deep.equal([
      { ...running, done: 0, failed: 0 },
      { ...running, done: 1, failed: 0 },
      { ...running, done: 2, failed: 1 },
      { ...running, done: 3, failed: 1 },
      { ...running, done: 4, failed: 1 },
    ]);
    const endedAt = startedAt + 20_000;
    expect(rederivation.progress()).to.deep.equal({
      state: 'done',
      total: 5,
      done: 5,
      failed: 1,
      startedAt,
      endedAt,
    });
    const lines = parts.log.lines.filter(({ level }) => level === 'info');
    expect(
      lines.map(({ message, fields }) => [message, fields['done'], fields['milliseconds']]),
    ).to.deep.equal([
      ['effective documents are derived anew', 0, 0],
      ['deriving anew', 3, 12_000],
      ['effective documents were derived anew', 5, 20_000],
    ]);
  });

  it('a pass that is broken off says so', async () => {
    const rederivation = pass(async (id) => {
      if (id === ids[1]) void rederivation.close();
      await Promise.resolve();
    });
    rederivation.start();
    const { fields } = await parts.log.line('deriving anew was broken off');
    expect(fields).to.include({ groups: 5, done: 2 });
    expect(rederivation.progress()).to.include({ state: 'broken-off', total: 5, done: 2 });
  });

  it('a pass over nothing says nothing', async () => {
    parts = new Parts(b, peers(peer(a)));
    const rederivation = pass();
    rederivation.start();
    await rederivation.close();
    expect(rederivation.progress()).to.include({ state: 'done', total: 0 });
    expect(parts.log.lines).to.deep.equal([]);
  });

  it('other work goes on between the documents', async () => {
    let turns = 0;
    let stopped = false;
    const turn = (): void => {
      turns += 1;
      if (!stopped) setImmediate(turn);
    };
    setImmediate(turn);
    pass().start();
    await all;
    stopped = true;
    expect(turns).to.be.at.least(ids.length);
  });
});
