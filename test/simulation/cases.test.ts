import { expect } from 'chai';
import type { OutboundRequest } from '../../src/outbound/client.js';
import type { Fate } from './network.js';
import { derived } from './proof.js';
import { conclude } from './run.js';
import type { PeerSettings, SiteSettings } from './site.js';
import { groupIdOf, versionOf } from './texts.js';
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

class Story {
  readonly world: World;

  constructor(
    changes: { readonly primary?: Partial<PeerSettings>; readonly partner?: Partial<PeerSettings> } = {},
  ) {
    this.world = new World(1, [towards(partner, changes.primary), towards(primary, changes.partner)]);
    this.world.start(primary);
    this.world.start(partner);
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

  get received(): number | undefined {
    const received = this.world.receivedAt(partner, group);
    return received && versionOf(received.body);
  }

  /** Whether the partner's clients read what its policies make of what it has received. */
  get isDerived(): boolean {
    const received = this.world.receivedAt(partner, group)?.body ?? '';
    const effective = this.world.effectiveAt(partner, group);
    return effective !== undefined && derived(this.world, partner, group, received) === effective;
  }

  /** @param restartAll whether a restart of everything may help */
  async holds(restartAll = false): Promise<void> {
    await conclude(this.world, restartAll);
    expect(this.world.violations, this.world.trace.join('\n')).to.deep.equal([]);
  }
}

describe('What the simulation has found', () => {
  it('a withdrawal that arrives late leaves alone what was provided since', async () => {
    const story = new Story();
    const { world } = story;
    await story.done(world.put(primary, 0, shared));
    await story.pass(1000);
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
    const story = new Story();
    const { world } = story;
    await story.done(world.put(primary, 0, shared));
    await story.pass(1000);
    world.crash(partner);
    world.start(partner, towards(primary, { known: false }));
    await story.done(world.putPolicy(partner, 'first', 'rename', 1));
    await story.pass(1000);
    expect(world.effectiveAt(partner, group)).to.include('Guest: Version 1');
    await story.holds();
  });

  it('a disk that is full while a new policy is applied: it is applied later, without a restart', async () => {
    const story = new Story();
    const { world } = story;
    await story.done(world.put(primary, 0, shared));
    await story.pass(1000);
    await story.done(world.putPolicy(partner, 'first', 'rename', 1));
    world.site(partner).disk.full = true;
    await story.pass(1000);
    expect(story.isDerived).to.equal(false);
    world.site(partner).disk.full = false;
    await story.pass(60_000);
    expect(story.isDerived).to.equal(true);
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
    world.site(partner).disk.failing = 'kept';
    await story.done(world.put(primary, 0, shared));
    await story.pass(1000);
    expect(world.site(partner).isBroken).to.equal(true);
    expect(story.received, 'what is on the disk').to.equal(1);
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
    expect(world.recordAt(primary, group), 'the partner has been told').to.equal(undefined);
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

  it('the primary dies between the partner’s storage and the answer: told again, nothing changes', async () => {
    const story = new Story();
    const { world } = story;
    story.next('PUT', { arrives: 5, returns: 5000 });
    await story.done(world.put(primary, 0, shared));
    await story.pass(1000);
    expect(story.received).to.equal(1);
    const etag = world.receivedAt(partner, group)?.etag;
    world.crash(primary);
    world.start(primary);
    await story.pass(60_000);
    expect(world.receivedAt(partner, group)?.etag).to.equal(etag);
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

  it('a provision that arrives after the deletion: the next revalidation removes it', async () => {
    const story = new Story();
    const { world } = story;
    story.next('PUT', { arrives: 120_000 });
    await story.done(world.put(primary, 0, shared));
    await story.done(world.delete(primary, 0));
    await story.pass(100_000);
    expect(world.recordAt(primary, group), 'the partner has been told').to.equal(undefined);
    await story.pass(30_000);
    expect(story.received, 'what nobody could tell from news').to.equal(1);
    await story.pass(2 * 3_600_000);
    expect(story.received).to.equal(undefined);
    await story.holds();
  });
});
