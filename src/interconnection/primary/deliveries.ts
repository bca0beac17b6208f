import { describeError } from '../../base/errors.js';
import type { DocumentName, GroupId, SystemName } from '../../base/identifiers.js';
import type { DocumentChange } from '../../documents/commits.js';
import type { Decision } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Peers } from '../../mc-systems/peers.js';
import {
  sharedWith,
  withShares,
  type Delivery,
  type DocumentState,
  type StoredDocument,
} from '../../documents/state.js';
import type { GroupReadings } from '../../groups/reading.js';
import { groupsUnder } from '../../groups/groups-under.js';
import { groupIdOfName, groupsAuid, nameOfGroup } from '../../groups/names.js';
import { firstWithdrawal, resent, tryAgain } from './delivery-state.js';
import { PartnerLoop, type DeliverySettings, type LoopTools, type PartnerHealth } from './delivery-loop.js';
import { withPlan, type PlanTools } from './plan.js';

/**
 * Delivery to partner MC systems (TS 23.280 clause 10.2.7.2; design D7), which goes on until every partner
 * has the groups that it should have.
 *
 * **What is owed** stands in the records of the groups themselves: a commit that changes a group, or whom it
 * concerns, changes the delivery to each partner as well (plan.ts), so that no acknowledged change can be
 * forgotten. delivery-state.ts has the transitions, delivery-attempt.ts says what each answer counts as.
 *
 *   pending --acknowledged--> delivered, or withdrawn
 *   pending --failed--> pending, not before `retryAt`
 *   pending --refused for good--> parked, with the partner's reason
 *   any --something else is owed--> pending                  (news may be the cure)
 *   parked --the operator says so--> pending
 *   delivered, withdrawn --the partner turns out to hold something else--> pending    (reconciliation.ts)
 *
 * **One loop per partner** (delivery-loop.ts), so that a dead one costs the others nothing. It has a bounded
 * number of groups on their way, one request per group, and always sends the newest form, read at the moment
 * of sending: a partner never goes from newer to older. A group that changes on the way stays pending.
 *
 * **Back-off** (design D18). A failure is the group's own, whatever it is: the group pauses and the others go
 * on. It is the partner's when several different groups fail in a row, or when no connection can be
 * made: then the loop pauses, and after the pause one group alone is tried, never the same while another
 * waits, until one succeeds. Pauses double from `backOff.first` to `backOff.cap`, with jitter; a
 * `Retry-After` makes them longer, up to the cap. The time of the next attempt stands in the record, so a
 * restart does not shorten a pause. A request that the partner sends us ends its pauses, unless it asked
 * for them.
 *
 * **Catching up.** After a start the loops take up what is pending. What a changed configuration concerns is
 * planned anew: partners that should hold a group now and were never given it, and partners that hold one
 * and should no longer. A partner that left the configuration is still owed its withdrawals, should it
 * come back, until the operator forgets it by name.
 */

/** How a partner stands, for the operator. */
export interface PartnerStanding extends PartnerHealth {
  readonly system: SystemName;
  readonly delivered: number;
  readonly pending: number;
  readonly parked: number;
}

interface DeliveriesTools extends LoopTools {
  readonly readings: Pick<GroupReadings, 'of'>;
  readonly homes: HomeSystems;
  readonly peers: Peers;
}

/** Delivers to every peer for as long as the system runs. */
export class Deliveries {
  readonly #tools: DeliveriesTools;
  readonly #loops: ReadonlyMap<SystemName, PartnerLoop>;
  /** For passes over all groups. */
  readonly #passTools: PlanTools;
  readonly #settings: DeliverySettings;
  #starting: Promise<void> | undefined;
  #cancelPlanning: () => void = () => undefined;
  #closed = false;

  constructor(tools: DeliveriesTools, settings: DeliverySettings) {
    this.#tools = tools;
    const { homes, peers, readings } = tools;
    this.#passTools = { homes, peers, readings: { of: (form) => readings.of(form, 'once') } };
    this.#settings = settings;
    this.#loops = new Map(
      [...tools.peers.values()].map((peer) => [peer.name, new PartnerLoop(peer, tools, settings)]),
    );
  }

  /** Takes up what is pending, and plans for what a changed configuration concerns. */
  start(): void {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#tools.log.error({ reason: describeError(error) }, 'deliveries not planned anew');
    });
  }

  /** To be told of every change of a document. */
  wake({ key, auid }: Pick<DocumentChange, 'key' | 'auid'>): void {
    if (auid !== groupsAuid || this.#closed) return;
    for (const loop of this.#loops.values()) loop.wake(key);
  }

  /** To be told of every request that `system` has sent us as itself. */
  heard(system: SystemName): void {
    this.#loops.get(system)?.heard();
  }

  /** Stops sending and waits for the requests under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelPlanning();
    await this.#starting;
    await Promise.all([...this.#loops.values()].map((loop) => loop.close()));
  }

  /** How every partner stands, by name. */
  async standings(): Promise<readonly PartnerStanding[]> {
    const { documents } = this.#tools;
    const standings: PartnerStanding[] = [];
    for (const [system, loop] of this.#loops) {
      const pending = await documents.countOf('pending', system);
      const parked = await documents.countOf('parked', system);
      const delivered = await documents.countOf('delivered', system);
      standings.push({ system, ...loop.health, pending, parked, delivered });
    }
    return standings;
  }

  /**
   * Tries again what is parked or pauses: one group, or all of a partner. The operator asks for it.
   *
   * @returns how many groups are tried
   */
  async retry(system: SystemName, groupId?: GroupId): Promise<number> {
    const { documents } = this.#tools;
    const loop = this.#loops.get(system);
    if (loop === undefined) return 0;
    const waiting = await groupsUnder(documents, terms.parked(system), terms.pending(system));
    const keys = waiting.filter((one) => groupId === undefined || one === groupId).map(nameOfGroup);
    for (const key of keys) {
      await this.#change(key, system, (known) =>
        known.status === 'delivered' || known.status === 'withdrawn' ? undefined : tryAgain(known),
      );
    }
    loop.hurry(new Set(keys));
    return keys.length;
  }

  /**
   * Tells the partner again of all that it should hold, and of all that it should hold no more, or of one
   * group, whatever it is believed to hold. The operator asks for it.
   *
   * A group of ours of which nothing is known here, as after the store was lost, is withdrawn where the operator
   * names it: nobody else could ever say that the partner is to hold it no more.
   *
   * @returns the groups that are pending now
   */
  async resend(system: SystemName, groupId?: GroupId): Promise<readonly GroupId[]> {
    const { documents } = this.#tools;
    const statuses = [terms.pending, terms.parked, terms.delivered, terms.withdrawn];
    const known = await groupsUnder(documents, ...statuses.map((term) => term(system)));
    if (groupId === undefined) return await this.resendThese(system, known);
    const loop = this.#loops.get(system);
    if (known.includes(groupId)) return await this.resendThese(system, [groupId]);
    if (loop === undefined || !(await this.#withdrawUnknown(system, groupId))) return [];
    loop.wake(nameOfGroup(groupId));
    return [groupId];
  }

  /** The same for these groups. @returns those that are pending now; nothing is owed of the others */
  async resendThese(system: SystemName, groups: readonly GroupId[]): Promise<readonly GroupId[]> {
    const loop = this.#loops.get(system);
    if (loop === undefined) return [];
    const marked: GroupId[] = [];
    for (const groupId of groups) {
      await this.#tools.clock.turn();
      if (await this.#change(nameOfGroup(groupId), system, resent)) marked.push(groupId);
    }
    loop.hurry(new Set(marked.map(nameOfGroup)));
    return marked;
  }

  /**
   * Drops what is owed to a system that is no peer any more, and the shares with it. The operator asks for it.
   *
   * @returns of how many groups
   */
  async forget(system: SystemName): Promise<number> {
    const { clock, documents, peers } = this.#tools;
    if (peers.has(system)) throw new TypeError('a peer is not forgotten');
    let groups = 0;
    for await (const key of documents.keysOf(terms.usage(groupsAuid))) {
      await clock.turn();
      const stored = await documents.look(key);
      if (stored === undefined || without(stored.state, system) === undefined) continue;
      await documents.amend(key, ({ state }) => without(state, system));
      groups += 1;
    }
    return groups;
  }

  /** @returns whether a withdrawal is owed now */
  async #withdrawUnknown(system: SystemName, groupId: GroupId): Promise<boolean> {
    const { documents, homes } = this.#tools;
    if (!homes.isOwn(groupId)) return false;
    const key = nameOfGroup(groupId);
    const deliveries = { [system]: firstWithdrawal };
    return await documents.change(key, (current): Decision<boolean> => {
      if (current === undefined) {
        const state = { auid: groupsAuid, current: null, received: null, deliveries };
        return { kind: 'remember', key, state, result: true };
      }
      const { state, received } = current;
      if (received !== undefined || state.deliveries[system] !== undefined) {
        return { kind: 'keep', result: false };
      }
      const amended = { ...state, deliveries: { ...state.deliveries, ...deliveries } };
      return { kind: 'amend', state: amended, result: () => true };
    });
  }

  async #start(): Promise<void> {
    await this.#planMoved();
    for (const loop of this.#loops.values()) await loop.resume();
    await this.#planAnew();
  }

  /** What cannot be read or written at present is planned later: nothing else would think of it. */
  async #planAnew(): Promise<void> {
    try {
      await this.#planAll();
    } catch (error) {
      const { clock, log } = this.#tools;
      log.error({ reason: describeError(error) }, 'deliveries not planned anew');
      if (this.#closed) return;
      this.#cancelPlanning = clock.schedule(this.#settings.backOff.first, () => {
        this.#starting = this.#planAnew();
      });
    }
  }

  async #planAll(): Promise<void> {
    const { clock, documents } = this.#tools;
    for await (const key of documents.keysOf(terms.usage(groupsAuid))) {
      await clock.turn();
      if (this.#closed) return;
      if (await this.#planOne(key)) for (const loop of this.#loops.values()) loop.wake(key);
    }
  }

  /** What is pending of groups that are not ours any more must not be provided: it is planned before it is sent. */
  async #planMoved(): Promise<void> {
    const { homes, log } = this.#tools;
    for await (const key of this.#pendingKeys()) {
      const groupId = groupIdOfName(key);
      if (groupId === undefined || homes.isOwn(groupId)) continue;
      try {
        await this.#planOne(key);
      } catch (error) {
        log.error({ group: groupId, reason: describeError(error) }, 'delivery not planned anew');
      }
    }
  }

  async *#pendingKeys(): AsyncIterable<DocumentName> {
    for (const system of this.#loops.keys()) yield* this.#tools.documents.keysOf(terms.pending(system));
  }

  /** @returns whether something else is owed than before */
  async #planOne(key: DocumentName): Promise<boolean> {
    const { documents } = this.#tools;
    const planned = ({ state }: StoredDocument): DocumentState | undefined => {
      const next = withPlan(state, false, this.#passTools);
      return next === state ? undefined : next;
    };
    const stored = await documents.look(key);
    if (stored === undefined || planned(stored) === undefined) return false;
    await documents.amend(key, planned);
    return true;
  }

  /** Commits another delivery of a group to `system`, where `next` has one. @returns whether it has */
  async #change(
    key: DocumentName,
    system: SystemName,
    next: (known: Delivery) => Delivery | undefined,
  ): Promise<boolean> {
    let isChanged = false;
    await this.#tools.documents.amend(key, ({ state }) => {
      const known = state.deliveries[system];
      const delivery = known && next(known);
      isChanged = delivery !== undefined;
      return delivery && { ...state, deliveries: { ...state.deliveries, [system]: delivery } };
    });
    return isChanged;
  }
}

/** `state` without what is owed to `system` and the share with it; undefined where there is neither. */
function without(state: DocumentState, system: SystemName): DocumentState | undefined {
  const shares = sharedWith(state);
  if (!Object.hasOwn(state.deliveries, system) && !shares.includes(system)) return undefined;
  const deliveries = Object.fromEntries(Object.entries(state.deliveries).filter(([name]) => name !== system));
  const rest = shares.filter((name) => name !== system);
  return { ...withShares(state, rest), deliveries };
}
