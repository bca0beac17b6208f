import { describeError } from '../../base/errors.js';
import type { DocumentName, GroupId, SystemName } from '../../base/identifiers.js';
import type { DocumentChange } from '../../documents/commits.js';
import { terms } from '../../documents/index-terms.js';
import type { DocumentState, StoredDocument } from '../../documents/state.js';
import { groupsUnder } from '../../groups/groups-under.js';
import { groupsAuid, nameOfGroup } from '../../groups/names.js';
import { PartnerLoop, type DeliverySettings, type LoopTools, type PartnerHealth } from './delivery-loop.js';
import { tryAgain } from './delivery-state.js';
import { planAnew } from './plan.js';

/**
 * Delivery to partner MC systems (TS 23.280 clause 10.2.7.2; design D7), which goes on until every partner
 * has the groups that it should have.
 *
 * **Pending deliveries** stand in the records of the groups themselves: a commit that changes a group marks
 * one delivery per partner as pending (plan.ts), so that no acknowledged change can be forgotten.
 *
 *   pending --done--> delivered                 (a withdrawal: the delivery goes)
 *   pending --failed--> pending, not before `retryAt`
 *   pending --refused for good--> parked, with the partner's reason
 *   delivered, parked --the group changes--> pending         (news may be the cure)
 *   parked --the operator says so--> pending
 *
 * delivery-attempt.ts says what each answer counts as; the transitions are in delivery-state.ts.
 *
 * **One loop per partner** (delivery-loop.ts), so that a dead one costs the others nothing. It has a bounded
 * number of groups on their way, one request per group, and always sends the newest form, read at the moment
 * of sending: a partner never goes from newer to older. A group that changes on the way stays pending.
 *
 * **Back-off.** A failure that may be the group's own, such as a 500, pauses that group and the others go on.
 * One that is the partner's, or that of several groups in a row, pauses the loop; after the pause one group
 * alone is tried, until one succeeds. Pauses double from `backOff.first` to `backOff.cap`, with jitter; a
 * `Retry-After` makes them longer, up to the cap. The time of the next attempt stands in the record, so a
 * restart does not shorten a pause. A request that the partner sends us ends its pause.
 *
 * **Catching up.** After a start the loops take up what is pending. What a changed configuration concerns
 * is planned anew: partners that should hold a group now and were never given it, and partners that hold
 * one and should no longer. A partner that left the configuration is forgotten, because it can no longer be
 * reached.
 */

/** How a partner stands, for the operator. */
export interface PartnerStanding extends PartnerHealth {
  readonly system: SystemName;
  readonly delivered: number;
  readonly pending: number;
  readonly parked: number;
}

/** Delivers to every peer for as long as the system runs. */
export class Deliveries {
  readonly #tools: LoopTools;
  readonly #loops: ReadonlyMap<SystemName, PartnerLoop>;
  readonly #settings: DeliverySettings;
  #starting: Promise<void> | undefined;
  #cancelPlanning: () => void = () => undefined;
  #closed = false;

  constructor(tools: LoopTools, settings: DeliverySettings) {
    this.#tools = tools;
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
  standings(): readonly PartnerStanding[] {
    const { documents } = this.#tools;
    const count = (term: string): number => documents.keysOf(term).length;
    return [...this.#loops].map(([system, { health }]) => ({
      system,
      ...health,
      pending: count(terms.pending(system)),
      parked: count(terms.parked(system)),
      delivered: count(terms.delivered(system)),
    }));
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
    const waiting = groupsUnder(documents, terms.parked(system), terms.pending(system));
    const keys = waiting.filter((one) => groupId === undefined || one === groupId).map(nameOfGroup);
    for (const key of keys) {
      await this.#change(key, ({ state: { deliveries } }) => {
        const known = deliveries[system];
        if (known === undefined || known.status === 'delivered') return undefined;
        return { ...deliveries, [system]: tryAgain(known) };
      });
    }
    loop.hurry();
    for (const key of keys) loop.wake(key);
    return keys.length;
  }

  async #start(): Promise<void> {
    for (const loop of this.#loops.values()) await loop.resume();
    await this.#planAnew();
  }

  /** Where reading or writing fails, it is planned later: nothing else would start it again. */
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
    const { clock, documents, homes, peers } = this.#tools;
    const planned = (stored: StoredDocument): DocumentState['deliveries'] | undefined =>
      planAnew(stored.state, homes, peers, (form) => documents.treeOf(form));
    for (const key of documents.keysOf(terms.usage(groupsAuid))) {
      await clock.turn();
      if (this.#closed) return;
      const stored = await documents.get(key);
      if (stored === undefined || planned(stored) === undefined) continue;
      await this.#change(key, planned);
      for (const loop of this.#loops.values()) loop.wake(key);
    }
  }

  /** Replaces the deliveries of a group, unless `next` returns undefined. */
  async #change(
    key: DocumentName,
    next: (stored: StoredDocument) => DocumentState['deliveries'] | undefined,
  ): Promise<void> {
    await this.#tools.documents.amend(key, (current) => {
      const deliveries = next(current);
      return deliveries && { ...current.state, deliveries };
    });
  }
}
