import type { GroupId, SystemName } from '../../src/base/identifiers.js';
import { HomeSystems } from '../../src/mc-systems/homes.js';
import { derive } from '../../src/policy/derive.js';
import { JudgeHere } from '../../src/documents/judgement.js';
import { judgeEffective } from '../../src/policy/judge-effective.js';
import { PolicyFailed } from '../../src/policy/language/errors.js';
import { parsePolicy } from '../../src/policy/language/read-policy.js';
import { groupUsage } from '../../src/gms/usages.js';
import { RequestRefused } from '../../src/base/refusals.js';
import { sharedSchemas, type PeerSettings } from './site.js';
import { listsMemberOf, systemName } from './texts.js';
import { homeOf, type World } from './world.js';

/**
 * What must hold once everything is up and quiet (the point 7): for every group and every partner,
 * what it has received is the primary's document, byte for byte, and what its clients read is what its
 * policy makes of that; what is deleted, or for others, is there no more; what an administrator was told
 * is done, is done.
 *
 * What the design leaves to an operator, or leaves open, is kept apart here, and nothing else:
 *   - systems of which one does not know the other: a partner keeps what it has of a primary that it does
 *     not know any more (an orphan), and a primary tells a partner only what it is configured to know;
 *   - a copy that the partner fetched of a primary that is not to provide (`provide: false`): where the
 *     partner never asks again, nobody tells it of a change or of the end;
 *   - a copy of which a primary that was wiped or restored knows nothing: the group that it does not know is
 *     not confirmed (404), and stays until the operator decides; one that it knows, but not as the
 *     partner's, goes where the partner asks for it again;
 *   - removals that the brake holds back, until the operator accepts them, as at the end of every run;
 *   - what a partner refuses for good, until the operator tries again, as at the end of every run; and a document
 *     on which the partner's policy fails, for as long as it does;
 *   - where a proxy lets none of our header fields through, a provision that arrives after the withdrawal
 *     stays until the next comparison (elsewhere it is not taken at all, which the world watches);
 *   - groups about which every request still fails, until that is over: the others owe them nothing.
 */

const none: PeerSettings = { known: false, provide: false, request: false, shared: [] };

/** @param strict whether parked deliveries have been tried again and everything has had its time */
export async function prove(world: World, strict: boolean): Promise<void> {
  for (const site of world.sites) {
    proveAcknowledged(world, site.index);
    for (const other of world.sites) {
      if (other === site) continue;
      for (const groupId of world.groupsAt(site.index)) {
        if (world.isPoisoned(site.index, other.index, groupId)) continue;
        await new Pair(world, site.index, other.index, groupId, strict).prove();
      }
    }
  }
}

/** No acknowledged write of an administrator is lost, and none that was refused has happened. */
function proveAcknowledged(world: World, index: number): void {
  const name = systemName(index);
  for (const groupId of world.groupsAt(index)) {
    if (world.candidatesAt(index, groupId).has(world.documentOf(index, groupId))) continue;
    world.violated(`${name} has not kept ${groupId} as its administrator was told`);
  }
  const policies = new Map(world.policiesOf(index));
  for (const [path, candidates] of world.policyCandidates(index)) {
    if (candidates.has(policies.get(path) ?? null)) continue;
    world.violated(`${name} has not kept policy ${path} as its administrator was told`);
  }
}

/** What the policies of `index` make of `text`; undefined where one fails, or the result is no such group. */
export async function derived(
  world: World,
  index: number,
  groupId: string,
  text: string,
): Promise<string | undefined> {
  const { config } = world.site(index);
  const { schemas, mcNames } = sharedSchemas();
  const homes = new HomeSystems(config.system, config.peers);
  const system = systemName(homeOf(groupId)) as SystemName;
  const policies = world.policiesOf(index).map(([, policy]) => parsePolicy(policy));
  try {
    const effective = derive({ system, groupId: groupId as GroupId, text }, policies, config.xml).text;
    const judge = new JudgeHere({ schemas, limits: config.xml });
    const rules = { usage: groupUsage(config, homes, mcNames), judge };
    await judgeEffective(effective, groupId as GroupId, undefined, rules, system);
    return effective;
  } catch (error) {
    if (error instanceof PolicyFailed || error instanceof RequestRefused) return undefined;
    throw error;
  }
}

/** A group of `home`, and what `partner` has of it. */
class Pair {
  readonly #world: World;
  readonly #home: number;
  readonly #partner: number;
  readonly #groupId: string;
  readonly #strict: boolean;

  constructor(world: World, home: number, partner: number, groupId: string, strict: boolean) {
    this.#world = world;
    this.#home = home;
    this.#partner = partner;
    this.#groupId = groupId;
    this.#strict = strict;
  }

  async prove(): Promise<void> {
    const world = this.#world;
    const [home, partner, groupId] = [this.#home, this.#partner, this.#groupId];
    await this.#proveEffective();
    const document = world.documentOf(home, groupId);
    const towards = world.site(home).settings.peers[partner] ?? none;
    const back = world.site(partner).settings.peers[home] ?? none;
    if (!towards.known || !back.known) return;
    const asks = back.request && world.site(partner).settings.revalidates;
    const shares = world.recordAt(home, groupId)?.sharedWith ?? [];
    const isShared = towards.shared.includes(groupId) || shares.includes(systemName(partner));
    const isFor = document !== null && (listsMemberOf(document, partner) || isShared);
    const received = world.receivedAt(partner, groupId)?.body;
    if (!isFor) this.#proveAbsent(document, received, asks);
    else if (towards.provide) await this.#proveEqual(document, received);
    else if (received !== undefined && asks) await this.#proveEqual(document, received);
  }

  /** Effective = policy(received), always; where a policy fails, the former effective document stays. */
  async #proveEffective(): Promise<void> {
    const world = this.#world;
    const [partner, groupId] = [this.#partner, this.#groupId];
    const received = world.receivedAt(partner, groupId);
    if (received === undefined) return;
    const wanted = await derived(world, partner, groupId, received.body);
    if (wanted === undefined || wanted === world.effectiveAt(partner, groupId)) return;
    this.#violated('does not read what its policy makes of what it has received');
  }

  #proveAbsent(document: string | null, received: string | undefined, asks: boolean): void {
    if (received === undefined || this.#isParked(null)) return;
    const exempt = this.#world.exemptions(this.#home, this.#partner, this.#groupId);
    if (!asks && exempt.size > 0) return;
    // The primary says that it does not know the group, which ends nothing.
    if (document === null && exempt.has('forgotten')) return;
    if (!this.#strict && this.#world.heldBackAt(this.#partner, this.#home)) return;
    this.#violated(
      document === null ? 'still has what was deleted' : 'still has what is not for it any more',
    );
  }

  async #proveEqual(document: string, received: string | undefined): Promise<void> {
    if (received === document || this.#isParked(document)) return;
    // Its policy fails on this document: it was told so, and is told again with the next news.
    if ((await derived(this.#world, this.#partner, this.#groupId, document)) === undefined) return;
    this.#violated(received === undefined ? 'does not have it' : 'does not have it as it is');
  }

  /** The partner refused for good what is to be told; the operator has not tried again. */
  #isParked(told: string | null): boolean {
    if (this.#strict) return false;
    const row = this.#world.recordAt(this.#home, this.#groupId)?.deliveries[systemName(this.#partner)];
    const sent = this.#world.lastSent(this.#home, this.#partner, this.#groupId);
    return row?.status === 'parked' && sent === told;
  }

  #violated(what: string): void {
    this.#world.violated(`${this.#groupId}: ${systemName(this.#partner)} ${what}`);
  }
}
