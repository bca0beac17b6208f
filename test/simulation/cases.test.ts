import { expect } from 'chai';
import type { OutboundRequest } from '../../src/outbound/client.js';
import type { Fate } from './network.js';
import { pages } from './pages.js';
import { derived } from './proof.js';
import { conclude } from './run.js';
import type { PeerSettings, SiteSettings } from './site.js';
import { groupIdOf, unluckyPriority, versionOf } from './texts.js';
import { World } from './world.js';

/**
 * What the simulation has found, each as the shortest story that shows it, and stories that chance tells too
 * seldom. System 0 is the primary, system 1 the partner. Each story ends as a simulation does: everything
 * heals, and what must hold is proved.
 */

const peer: PeerSettings = { known: true, provide: true, request: true, shared: [] };
const group = groupIdOf(0, 0);
const [primary, partner] = [0, 1];
const shared = { members: [primary, partner], priority: 5 };
const ownOnly = { members: [primary], priority: 5 };

function towards(other: number, changes: Partial<PeerSettings> = {}): SiteSettings {
  return { peers: { [other]: { ...peer, ...changes } }, parallel: 8, revalidates: true };
}

/** What the two systems agreed upon otherwise than usual. */
interface Changes {
  readonly primary?: Partial<PeerSettings>;
  readonly partner?: Partial<PeerSettings>;
}

class Story {
  readonly world: World;

  constructor(changes: Changes = {}) {
    this.world = new World(1, [towards(partner, changes.primary), towards(primary, changes.partner)]);
    this.world.start(primary);
    this.world.start(partner);
  }

  /** A story that begins with a shared group that was put, and `milliseconds` for the partner to be told. */
  static async told(milliseconds: number, changes?: Changes): Promise<Story> {
    const story = new Story(changes);
    await story.done(story.world.put(primary, 0, shared));
    await story.pass(milliseconds);
    return story;
  }

  /** A system stops, and starts with another store. @param isNew whether the store shows that it is another */
  replaceStore(index: number, by: Parameters<World['restore']>[1], isNew: boolean): void {
    this.world.crash(index);
    this.world.restore(index, by, isNew);
    this.world.start(index);
  }

  /** Lets everything happen that is due within `milliseconds`. */
  async pass(milliseconds: number): Promise<void> {
    await this.world.time.runUntil(this.world.time.now + milliseconds);
  }

  /** How the next request fares with this method. */
  next(method: OutboundRequest['method'], fate: Fate): void {
    this.world.network.plan((_from, _to, request) => request.method === method, fate);
  }

  async done(operation: Promise<number | undefined>): Promise<number | undefined> {
    return await this.world.time.until(operation);
  }

  /** How the partner stands with the group, as the primary knows. */
  get status(): string | undefined {
    return this.world.recordAt(primary, group)?.deliveries['s1']?.status;
  }

  get received(): number | undefined {
    const received = this.world.receivedAt(partner, group);
    return received && versionOf(received.body);
  }

  /** Whether the partner's clients read what its policies make of what it has received. */
  async isDerived(): Promise<boolean> {
    const received = this.world.receivedAt(partner, group)?.body ?? '';
    const effective = this.world.effectiveAt(partner, group);
    return effective !== undefined && (await derived(this.world, partner, group, received)) === effective;
  }

  /** @param restartAll whether a restart of everything may help */
  async holds(restartAll = false): Promise<void> {
    await conclude(this.world, restartAll);
    expect(this.world.violations, this.world.trace.join('\n')).to.deep.equal([]);
  }
}

describe('What the simulation has found', () => {
  it('a withdrawal that arrives late leaves alone what was provided since', async () => {
    const story = await Story.told(1000);
    const { world } = story;
    expect(story.received).to.equal(1);
    // The first DELETE is given up and arrives after a minute; the second one is answered.
    story.next('DELETE', { arrives: 60_000 });
    await story.done(world.put(primary, 0, ownOnly));
    await story.pass(30_000);
    expect(story.received).to.equal(undefined);
    await story.done(world.put(primary, 0, shared));
    await story.pass(60_000);
    expect(story.received).to.equal(3);
    await story.holds();
    expect(story.received).to.equal(3);
  });

  it('groups of a primary that is not configured any more are read under the policies in force', async () => {
    const story = await Story.told(1000);
    const { world } = story;
    world.crash(partner);
    world.start(partner, towards(primary, { known: false }));
    await story.done(world.putPolicy(partner, 'first', 'rename', 1));
    await story.pass(1000);
    expect(world.effectiveAt(partner, group)).to.include('Guest: Version 1');
    await story.holds();
  });

  it('a disk that is full while a new policy is applied: it is applied later, without a restart', async () => {
    const story = await Story.told(1000);
    const { world } = story;
    const put = world.putPolicy(partner, 'first', 'rename', 1);
    // From the moment at which the policy itself is on the disk.
    while (world.policiesOf(partner).length === 0) await story.pass(1);
    world.site(partner).disk.full = true;
    await story.done(put);
    await story.pass(1000);
    expect(await story.isDerived()).to.equal(false);
    world.site(partner).disk.full = false;
    await story.pass(60_000);
    expect(await story.isDerived()).to.equal(true);
    await story.holds();
  });

  it('a disk that is full at a start: a changed configuration is planned for later, without a restart', async () => {
    const story = new Story({ primary: { known: false } });
    const { world } = story;
    await story.done(world.put(primary, 0, shared));
    world.crash(primary);
    world.site(primary).disk.full = true;
    world.start(primary, towards(partner));
    await story.pass(1000);
    expect(world.recordAt(primary, group)?.deliveries).to.deep.equal({});
    world.site(primary).disk.full = false;
    await story.pass(60_000);
    expect(story.received).to.equal(1);
    await story.holds();
  });

  it('a store in doubt does not say that a group is gone: after the restart it might be there', async () => {
    const story = new Story({ primary: { request: false }, partner: { request: false } });
    const { world } = story;
    // It remembers a withdrawal, and to it the group is still gone after the next provision.
    await story.done(world.put(primary, 0, shared));
    await story.pass(1000);
    await story.done(world.put(primary, 0, ownOnly));
    await story.pass(1000);
    world.site(partner).disk.failing = 'kept';
    await story.done(world.put(primary, 0, shared));
    await story.pass(1000);
    expect(world.site(partner).isBroken).to.equal(true);
    expect(story.received, 'what is on the disk').to.equal(3);
    await story.done(world.put(primary, 0, ownOnly));
    await story.pass(60_000);
    expect(world.lastSent(primary, partner, group), 'the partner has been told').to.equal(null);
    expect(world.recordAt(primary, group)?.deliveries)
      .to.have.property('s1')
      .with.property('status', 'pending');
    await story.holds();
    expect(story.received).to.equal(undefined);
  });
});

describe('Stories that chance tells too seldom', () => {
  it('the group is withdrawn while the answer to a fetch is on its way: it does not come back', async () => {
    const story = new Story();
    const { world } = story;
    story.next('PUT', { proxy: { status: 500 }, returns: 5 });
    await story.done(world.put(primary, 0, shared));
    await story.pass(100);
    story.next('GET', { arrives: 5, returns: 3000 });
    const reading = world.read(partner, primary, 0, 'unit');
    await story.pass(100);
    await story.done(world.delete(primary, 0));
    await story.pass(1000);
    expect(story.status, 'the partner has been told').to.equal('withdrawn');
    expect(await story.done(reading)).to.equal(404);
    expect(story.received).to.equal(undefined);
    await story.holds();
  });

  it('a newer form is pushed while the answer to a fetch is on its way: it stands', async () => {
    const story = new Story();
    const { world } = story;
    story.next('PUT', { proxy: { status: 500 }, returns: 5 });
    await story.done(world.put(primary, 0, shared));
    await story.pass(100);
    story.next('GET', { arrives: 5, returns: 3000 });
    const reading = world.read(partner, primary, 0, 'unit');
    await story.pass(100);
    await story.done(world.edit(primary, 0));
    await story.pass(1000);
    expect(story.received).to.equal(2);
    expect(await story.done(reading)).to.equal(200);
    await story.pass(1000);
    expect(story.received).to.equal(2);
    await story.holds();
  });

  it('the primary dies between the partner’s storage and the answer: told again, clients see nothing', async () => {
    const story = new Story();
    const { world } = story;
    story.next('PUT', { arrives: 5, returns: 5000 });
    await story.done(world.put(primary, 0, shared));
    await story.pass(1000);
    expect(story.received).to.equal(1);
    const former = world.recordAt(partner, group);
    world.crash(primary);
    world.start(primary);
    await story.pass(60_000);
    const present = world.recordAt(partner, group);
    expect(present?.current).to.deep.equal(former?.current);
    expect(present?.received?.etag, 'a message that was taken gives a new tag').to.not.equal(
      former?.received?.etag,
    );
    await story.holds(true);
  });

  it('the partner dies before its storage: the answer never came, so it is told again', async () => {
    const story = new Story();
    const { world } = story;
    story.next('PUT', { arrives: 5, returns: 5 });
    await story.done(world.put(primary, 0, shared));
    await story.pass(5);
    world.crash(partner);
    world.start(partner);
    expect(story.received).to.equal(undefined);
    await story.pass(60_000);
    expect(story.received).to.equal(1);
    await story.holds();
  });

  it('the primary dies at any moment of a commit: what was kept is told', async () => {
    for (let moment = 0; moment <= 25; moment += 1) {
      const story = new Story({ partner: { request: false } });
      const { world } = story;
      await story.done(world.put(primary, 0, shared));
      await story.pass(1000);
      void world.edit(primary, 0);
      await story.pass(moment);
      world.crash(primary);
      world.start(primary);
      await story.holds();
    }
  });

  it('a provision that arrives after the deletion is not taken: the withdrawal is remembered', async () => {
    const story = new Story();
    const { world } = story;
    story.next('PUT', { arrives: 120_000 });
    await story.done(world.put(primary, 0, shared));
    await story.done(world.delete(primary, 0));
    await story.pass(100_000);
    expect(story.status, 'the partner has been told').to.equal('withdrawn');
    await story.pass(30_000);
    expect(story.received).to.equal(undefined);
    await story.holds();
  });

  it('a provision that arrives twice, once after the withdrawal, is taken once', async () => {
    const story = new Story();
    const { world } = story;
    story.next('PUT', { arrives: 5, returns: 5, arrivesAgain: 60_000 });
    await story.done(world.put(primary, 0, shared));
    await story.pass(1000);
    await story.done(world.put(primary, 0, ownOnly));
    await story.pass(100_000);
    expect(story.received).to.equal(undefined);
    await story.holds();
  });

  it('a provision that follows one withdrawal and arrives after the next one is not taken', async () => {
    const story = await Story.told(1000);
    const { world } = story;
    await story.done(world.put(primary, 0, ownOnly));
    await story.pass(1000);
    story.next('PUT', { arrives: 80_000 });
    await story.done(world.put(primary, 0, shared));
    await story.pass(11_000);
    await story.done(world.put(primary, 0, ownOnly));
    await story.pass(30_000);
    expect(story.status, 'the partner has been told').to.equal('withdrawn');
    await story.pass(60_000);
    expect(story.received).to.equal(undefined);
    await story.holds();
  });

  it('A, B, A: the late B does not come back over the second A', async () => {
    const story = await Story.told(1000);
    const { world } = story;
    story.next('PUT', { arrives: 60_000 });
    await story.done(world.edit(primary, 0));
    await story.pass(1000);
    await story.done(world.revert(primary, 0));
    await story.pass(30_000);
    expect([story.received, story.status]).to.deep.equal([1, 'delivered']);
    await story.pass(60_000);
    expect(story.received).to.equal(1);
    await story.holds();
  });

  it('a group that was deleted while its partner was away, and is put anew for others, is withdrawn', async () => {
    const story = await Story.told(1000, { partner: { request: false } });
    const { world } = story;
    world.crash(partner);
    await story.done(world.delete(primary, 0));
    await story.pass(100);
    await story.done(world.put(primary, 0, ownOnly));
    world.start(partner);
    await story.pass(3_600_000);
    expect([story.received, story.status]).to.deep.equal([undefined, 'withdrawn']);
    await story.holds();
  });
});

describe('Shares that change while a request is on its way', () => {
  it('shared again during the withdrawal: the partner has the group', async () => {
    const story = new Story({ partner: { request: false } });
    const { world } = story;
    await story.done(world.put(primary, 0, ownOnly));
    await story.done(world.share(primary, 0, partner, true));
    await story.pass(1000);
    expect(story.received).to.equal(1);
    story.next('DELETE', { arrives: 5, returns: 3000 });
    await story.done(world.share(primary, 0, partner, false));
    await story.pass(1000);
    await story.done(world.share(primary, 0, partner, true));
    await story.pass(60_000);
    expect([story.received, story.status]).to.deep.equal([1, 'delivered']);
    await story.holds();
  });

  it('shared no more during the provision: the partner does not keep the group', async () => {
    const story = new Story({ partner: { request: false } });
    const { world } = story;
    await story.done(world.put(primary, 0, ownOnly));
    story.next('PUT', { arrives: 5, returns: 3000 });
    await story.done(world.share(primary, 0, partner, true));
    await story.pass(1000);
    await story.done(world.share(primary, 0, partner, false));
    await story.pass(60_000);
    expect([story.received, story.status]).to.deep.equal([undefined, 'withdrawn']);
    await story.holds();
  });
});

describe('Something else answers in the place of a system', () => {
  it('no page to a withdrawal counts as acknowledged', async () => {
    for (const page of pages) {
      const story = new Story({ partner: { request: false } });
      const { world } = story;
      await story.done(world.put(primary, 0, shared));
      await story.pass(1000);
      world.network.replaceAnswers('s0', 's1', page);
      await story.done(world.delete(primary, 0));
      await story.pass(60_000);
      expect(story.status, JSON.stringify(page)).to.equal('pending');
      world.network.replaceAnswers('s0', 's1', undefined);
      await story.pass(3_600_000);
      expect([story.received, story.status]).to.deep.equal([undefined, 'withdrawn']);
    }
  });

  it('a page for a moment, the system itself for the next question: not acknowledged', async () => {
    const story = await Story.told(2000, { partner: { request: false } });
    const { world } = story;
    const page = { returns: 5, proxy: { status: 404 } };
    story.next('DELETE', page);
    story.next('GET', page);
    await story.done(world.delete(primary, 0));
    await story.pass(1000);
    expect(story.status, 'the capabilities that are asked for show who answers').to.equal('pending');
    await story.holds();
    expect(story.received).to.equal(undefined);
  });

  it('an absence that was there before the withdrawal does not confirm it', async () => {
    const story = new Story({ partner: { request: false } });
    const { world } = story;
    story.next('PUT', { arrives: 60_000 });
    await story.done(world.put(primary, 0, shared));
    await story.pass(11_000);
    story.next('DELETE', { returns: 5, proxy: { status: 404 } });
    await story.done(world.put(primary, 0, ownOnly));
    await story.pass(1000);
    expect(story.status).to.equal('pending');
    await story.pass(40_000);
    expect(story.status, 'the partner itself has been told').to.equal('withdrawn');
    await story.pass(60_000);
    expect(story.received).to.equal(undefined);
    await story.holds();
  });

  it('no page to a provision counts as acknowledged', async () => {
    for (const page of pages) {
      const story = new Story({ partner: { request: false } });
      const { world } = story;
      world.network.replaceAnswers('s0', 's1', page);
      await story.done(world.put(primary, 0, shared));
      await story.pass(60_000);
      expect(story.status, JSON.stringify(page)).to.equal('pending');
      world.network.replaceAnswers('s0', 's1', undefined);
      await story.pass(3_600_000);
      expect([story.received, story.status]).to.deep.equal([1, 'delivered']);
    }
  });

  it('no page to a revalidation removes a copy', async () => {
    for (const page of pages) {
      const story = new Story();
      const { world } = story;
      await story.done(world.put(primary, 0, shared));
      await story.pass(1000);
      world.network.replaceAnswers('s1', 's0', page);
      await story.pass(3 * 3_600_000);
      expect(story.received, JSON.stringify(page)).to.equal(1);
    }
  });
});

describe('A proxy changes the header fields of every answer', () => {
  for (const rewriting of ['weak tags', 'no tags', 'standard fields alone'] as const) {
    it(`${rewriting}: groups are provided, changed and withdrawn all the same`, async () => {
      const story = new Story({ partner: { request: false } });
      const { world } = story;
      world.network.rewrite('s0', 's1', rewriting);
      await story.done(world.put(primary, 0, shared));
      await story.pass(60_000);
      expect([story.received, story.status]).to.deep.equal([1, 'delivered']);
      await story.done(world.edit(primary, 0));
      await story.pass(60_000);
      expect([story.received, story.status]).to.deep.equal([2, 'delivered']);
      await story.done(world.put(primary, 0, ownOnly));
      await story.pass(60_000);
      expect([story.received, story.status]).to.deep.equal([undefined, 'withdrawn']);
      await story.done(world.put(primary, 0, shared));
      await story.pass(60_000);
      expect([story.received, story.status]).to.deep.equal([4, 'delivered']);
      await story.holds();
    });
  }
});

describe('A partner without header fields of ours', () => {
  it('was wiped: the comparison sees it by the Result or by the capabilities', async () => {
    const story = new Story({ partner: { request: false } });
    const { world } = story;
    world.network.rewrite('s0', 's1', 'standard fields alone');
    await story.done(world.put(primary, 0, shared));
    await story.pass(5000);
    story.replaceStore(partner, 'nothing', true);
    await story.pass(2 * 3_600_000);
    expect(story.received).to.equal(1);
    await story.holds();
  });
});

describe('Stores that are wiped or restored are equal again within a minute', () => {
  const minute = 60_000;

  it('the partner’s was wiped', async () => {
    const story = await Story.told(5000, { partner: { request: false } });
    const { world } = story;
    story.replaceStore(partner, 'nothing', true);
    // Somebody asks, or an edit of another group is delivered: so the primary hears the new incarnation.
    await story.done(world.put(primary, 1, shared));
    await story.pass(minute);
    expect(story.received).to.equal(1);
    await story.holds();
  });

  it('the partner’s was restored, from before an edit and from before a withdrawal', async () => {
    const story = new Story({ partner: { request: false } });
    const { world } = story;
    await story.done(world.put(primary, 0, shared));
    await story.done(world.put(primary, 1, shared));
    await story.pass(5000);
    world.backUp(partner);
    await story.done(world.edit(primary, 0));
    await story.done(world.put(primary, 1, ownOnly));
    await story.pass(5000);
    story.replaceStore(partner, 'backup', true);
    await story.done(world.edit(primary, 0));
    await story.pass(minute);
    expect(world.receivedAt(partner, group)?.body).to.equal(world.documentOf(primary, group));
    expect(world.receivedAt(partner, groupIdOf(0, 1))).to.equal(undefined);
    await story.holds();
  });

  it('the primary’s was restored: its revisions went back, and the partner follows', async () => {
    const story = await Story.told(5000, { partner: { request: false } });
    const { world } = story;
    world.backUp(primary);
    await story.done(world.edit(primary, 0));
    await story.pass(5000);
    expect(story.received).to.equal(2);
    story.replaceStore(primary, 'backup', true);
    await story.pass(minute);
    expect(story.received).to.equal(1);
    await story.holds();
  });

  it('the primary’s was restored to when the partner refused: it asks again', async () => {
    const story = new Story({ partner: { request: false } });
    const { world } = story;
    await story.done(world.putPolicy(partner, 'first', 'fussy', 1));
    await story.done(world.put(primary, 0, { ...shared, priority: unluckyPriority }));
    await story.pass(5000);
    expect(story.status).to.equal('parked');
    world.backUp(primary);
    await story.done(world.deletePolicy(partner, 'first'));
    await story.done(world.edit(primary, 0));
    await story.pass(5000);
    expect(story.received).to.equal(2);
    story.replaceStore(primary, 'backup', true);
    await story.pass(minute);
    expect([story.received, story.status]).to.deep.equal([1, 'delivered']);
    await story.holds();
  });

  it('a disk that was restored below the file system: the comparison on a schedule finds out', async () => {
    const story = await Story.told(5000, { partner: { request: false } });
    story.replaceStore(partner, 'nothing', false);
    await story.pass(2 * 3_600_000);
    expect(story.received).to.equal(1);
    await story.holds();
  });

  it('a primary that was wiped takes nothing from its partner, until the operator decides', async () => {
    const story = await Story.told(5000);
    story.replaceStore(primary, 'nothing', true);
    await story.pass(3 * 3_600_000);
    expect(story.received).to.equal(1);
    await story.holds();
  });

  it('a copy that was fetched of a primary that provides nothing is withdrawn once it provides', async () => {
    const story = new Story({ primary: { provide: false } });
    const { world } = story;
    await story.done(world.put(primary, 0, shared));
    expect(await story.done(world.read(partner, primary, 0, 'unit'))).to.equal(200);
    world.crash(partner);
    world.start(partner, { ...towards(primary), revalidates: false });
    await story.done(world.put(primary, 0, ownOnly));
    world.crash(primary);
    world.start(primary, towards(partner));
    await story.pass(minute);
    expect(story.received).to.equal(undefined);
    await story.holds();
  });
});

describe('Failures', () => {
  it('what the partner’s policy refuses is parked, and told with the next news', async () => {
    const story = new Story({ partner: { request: false } });
    const { world } = story;
    await story.done(world.putPolicy(partner, 'first', 'fussy', 1));
    await story.done(world.put(primary, 0, { ...shared, priority: unluckyPriority }));
    await story.pass(1000);
    expect([story.received, story.status]).to.deep.equal([undefined, 'parked']);
    await story.done(world.put(primary, 0, shared));
    await story.pass(1000);
    expect([story.received, story.status]).to.deep.equal([2, 'delivered']);
    await story.holds();
  });

  it('a poisoned group costs the others nothing, however its requests end', async () => {
    for (const poison of ['reset', 'truncated', 500, 429, 'silence'] as const) {
      const story = new Story({ partner: { request: false } });
      const { world } = story;
      world.network.poison('s0', 's1', group, poison);
      await story.done(world.put(primary, 0, shared));
      await story.pass(11_000);
      for (let edits = 0; edits < 5; edits += 1) {
        await story.done(world.put(primary, 1, shared));
        await story.pass(1000);
        const other = groupIdOf(0, 1);
        expect(world.receivedAt(partner, other)?.body, String(poison)).to.equal(
          world.documentOf(primary, other),
        );
      }
      await story.holds();
    }
  });

  it('a clock that was set back by a day while the primary was down makes no pause longer', async () => {
    const story = new Story({ partner: { request: false } });
    const { world } = story;
    world.network.poison('s0', 's1', group, 500);
    await story.done(world.put(primary, 0, shared));
    await story.pass(600_000);
    world.crash(primary);
    world.network.endPoisons();
    world.site(primary).clockError = -86_400_000;
    world.start(primary);
    await story.pass(3_700_000);
    expect(story.status).to.equal('delivered');
    await story.holds();
  });

  it('a partner that stands still for seconds in the middle of a provision takes it in the end', async () => {
    for (const moment of [2, 6, 9, 14]) {
      const story = new Story({ partner: { request: false } });
      const { world } = story;
      await story.done(world.putPolicy(partner, 'first', 'rename', 1));
      await story.done(world.put(primary, 0, shared));
      await story.pass(moment);
      world.site(partner).standStill(4000);
      await story.pass(60_000);
      expect([story.received, story.status]).to.deep.equal([1, 'delivered']);
      await story.holds();
    }
  });
});
