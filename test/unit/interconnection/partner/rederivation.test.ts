import { expect } from 'chai';
import type { GroupId } from '../../../../src/base/identifiers.js';
import { ServiceUnavailable } from '../../../../src/base/refusals.js';
import { nameOfGroup } from '../../../../src/groups/names.js';
import { ProvisionRefused } from '../../../../src/interconnection/partner/provision.js';
import { Rederivation } from '../../../../src/interconnection/partner/rederivation.js';
import { ConstraintFailure } from '../../../../src/xcap/conflicts.js';
import { Gate, groupText } from '../../../support/peers.js';
import { a, b, c, ownState, Parts, peer, peers, receivedState } from '../parts.js';

const ids = Array.from({ length: 5 }, (_, i) => `sip:group-${i}@police.example` as GroupId);

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

  it('systems take turns: one with many groups holds up the others by one at a time (design D21)', async () => {
    const quay = 'sip:quay@port.example' as GroupId;
    await parts.plant(nameOfGroup(quay), receivedState(groupText({ id: quay }), c));
    pass().start();
    await all;
    expect(derived).to.deep.equal([ids[0], quay, ...ids.slice(1)]);
  });

  it('where a policy fails on one document, the others are derived, and the operator is told', async () => {
    const refused = new ProvisionRefused('modification', new ConstraintFailure('no', 'template t fails'));
    pass((id) => (id === ids[1] ? Promise.reject(refused) : Promise.resolve())).start();
    await all;
    expect(derived).to.deep.equal(ids);
    const line = await parts.log.line('the policy fails: former document stays');
    expect(line.level).to.equal('warn');
    expect(line.fields).to.include({ group: ids[1], reason: 'modification: template t fails' });
  });

  it('what could not be derived at present is tried again, each time after twice the pause; a failure is not', async () => {
    const busy = new ProvisionRefused('modification', new ServiceUnavailable('no', 10, 'too slow'));
    const final = new ProvisionRefused('modification', new ConstraintFailure('no', 'template t fails'));
    let failure: ProvisionRefused | undefined = busy;
    const rederivation = pass((id) =>
      id === ids[1] && failure !== undefined ? Promise.reject(failure) : Promise.resolve(),
    );
    const ended = async (): Promise<void> => {
      await parts.log.line('effective documents were derived anew');
      await parts.clock.turn();
      parts.log.clear();
    };
    rederivation.start();
    const line = await parts.log.line('the policy could not be applied at present: former document stays');
    expect(line.fields).to.include({ group: ids[1] });
    await ended();
    for (const pause of [30_000, 60_000, 120_000]) {
      parts.clock.advance(pause - 1);
      expect(rederivation.progress().state).to.equal('done');
      parts.clock.advance(1);
      expect(rederivation.progress().state).to.equal('running');
      await ended();
    }
    failure = final;
    rederivation.start();
    await ended();
    expect(rederivation.progress().failed).to.equal(1);
    expect(parts.clock.pending).to.equal(0);
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

  for (const jump of [-3_600_000, 3_600_000]) {
    it(`a pass tells how long it took, though the clock is set by ${jump} ms`, async () => {
      const rederivation = pass(() => {
        parts.clock.advance(4000);
        parts.clock.jump(jump);
        return Promise.resolve();
      });
      rederivation.start();
      await parts.log.line('effective documents were derived anew');
      expect(
        parts.log.lines.map(({ message, fields }) => [message, fields['done'], fields['milliseconds']]),
      ).to.deep.equal([
        ['effective documents are derived anew', 0, 0],
        ['deriving anew', 3, 12_000],
        ['effective documents were derived anew', 5, 20_000],
      ]);
    });
  }

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
