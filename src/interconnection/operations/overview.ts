import type { ETag, GroupId, SystemName } from '../../base/identifiers.js';
import type { Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import type { Delivery } from '../../documents/state.js';
import { groupsUnder } from '../../groups/groups-under.js';
import { nameOfGroup } from '../../groups/names.js';
import { whoseRecord } from '../../groups/whose-record.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Peers } from '../../mc-systems/peers.js';
import type { Revalidation, RevalidationPass } from '../partner/revalidation.js';
import type { Deliveries, PartnerStanding } from '../primary/deliveries.js';
import type { Reconciled, Reconciliation } from '../primary/reconciliation.js';

/** What the operator sees of the partner MC systems: read only, from what is stored and what the loops know. */

/** How a partner stands. Times in milliseconds since the epoch. */
export interface PartnerOverview {
  readonly name: SystemName;
  /** False for a system that is no longer a peer, but of which we hold groups, or which is owed something. */
  readonly configured: boolean;
  readonly standing: Omit<PartnerStanding, 'system'>;
  /** How many groups of it we hold. */
  readonly received: number;
  readonly revalidation: RevalidationPass | undefined;
  /** The last comparison of what it holds of ours with what it should hold. */
  readonly reconciliation: Reconciled | undefined;
}

/** How an own group stands with a partner. */
export interface DeliveredGroup {
  readonly groupId: GroupId;
  readonly delivery: Delivery;
  /** The tag of our present form; null where the group is deleted. */
  readonly tag: ETag | null;
  /** Whether the partner should no longer hold the group: then a withdrawal is what is pending or parked. */
  readonly withdrawal: boolean;
}

/** A group that we hold of a partner. */
export interface ReceivedGroup {
  readonly groupId: GroupId;
  readonly tag: ETag;
  readonly at: number;
  /** The primary's own tag, where it is known. */
  readonly upstreamTag: string | null;
  readonly effectiveTag: ETag | null;
  /** How many parts the policies have modified. */
  readonly modifications: number;
  readonly orphaned: boolean;
  /** Since when the primary has not confirmed it, in milliseconds since the epoch; undefined where it has. */
  readonly notConfirmedSince: number | undefined;
}

/** Part of a list in the order of group IDs. */
interface Page<T> {
  readonly items: readonly T[];
  /** How many follow after `items`. */
  readonly left: number;
}

/** Which part of a list is wanted. */
export interface PageOf {
  /** The group ID after which it begins. */
  readonly after: string | undefined;
  readonly limit: number;
}

export type DeliveryStatus = Delivery['status'];

interface Tools {
  readonly documents: Documents;
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly deliveries: Pick<Deliveries, 'standings'>;
  readonly revalidation: Pick<Revalidation, 'passes' | 'notConfirmedSince'>;
  readonly reconciliation: Pick<Reconciliation, 'last'>;
}

/** How a system stands to which nothing is sent. */
const notDelivering = {
  reachableSince: null,
  failing: null,
  underWay: 0,
} as const;

export class Overview {
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /** Every peer, and every other system of which we hold groups or which is owed something, by name. */
  async partners(): Promise<readonly PartnerOverview[]> {
    const { documents, deliveries, homes, peers, reconciliation, revalidation } = this.#tools;
    const partners: PartnerOverview[] = [];
    for (const { system, ...standing } of await deliveries.standings()) {
      partners.push({
        name: system,
        configured: true,
        standing,
        received: await documents.countOf('received-from', system),
        revalidation: revalidation.passes.get(system),
        reconciliation: reconciliation.last.get(system),
      });
    }
    for (const name of await this.#formerPartners()) {
      if (peers.has(name) || name === homes.own) continue;
      partners.push({
        name,
        configured: false,
        standing: {
          ...notDelivering,
          pending: await documents.countOf('pending', name),
          parked: await documents.countOf('parked', name),
          delivered: await documents.countOf('delivered', name),
        },
        received: await documents.countOf('received-from', name),
        revalidation: undefined,
        reconciliation: undefined,
      });
    }
    return partners.sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** The systems that records name, of which we hold groups or which are owed something. */
  async #formerPartners(): Promise<ReadonlySet<SystemName>> {
    const systems = new Set<SystemName>();
    for (const kind of ['received-from', 'pending', 'parked', 'delivered'] as const) {
      for (const system of await this.#tools.documents.systemsIn(kind)) systems.add(system);
    }
    return systems;
  }

  /** Own groups that were delivered to `system` or are pending, by group ID; of one status only. */
  async deliveredTo(
    system: SystemName,
    page: PageOf,
    status?: DeliveryStatus,
  ): Promise<Page<DeliveredGroup>> {
    const { documents } = this.#tools;
    const statuses = status === undefined ? (['pending', 'parked', 'delivered'] as const) : [status];
    const groups = await groupsUnder(documents, ...statuses.map((one) => terms[one](system)));
    return await pageOf(groups, page, async (groupId) => {
      const state = (await documents.get(nameOfGroup(groupId)))?.state;
      const delivery = state?.deliveries[system];
      if (state === undefined || delivery === undefined) return undefined;
      return { groupId, delivery, tag: state.current?.etag ?? null, withdrawal: !delivery.hold };
    });
  }

  /** The groups that we hold of `system`, by group ID. */
  async receivedFrom(system: SystemName, page: PageOf): Promise<Page<ReceivedGroup>> {
    const { documents, homes, revalidation } = this.#tools;
    return await pageOf(await groupsUnder(documents, terms.receivedFrom(system)), page, async (groupId) => {
      const stored = await documents.get(nameOfGroup(groupId));
      if (stored?.received === undefined) return undefined;
      const { received, form } = stored;
      return {
        groupId,
        tag: received.etag,
        at: received.modified,
        upstreamTag: received.upstreamETag,
        effectiveTag: form?.etag ?? null,
        modifications: received.modifications.length + (received.omitted ?? 0),
        orphaned: whoseRecord(received.system, groupId, homes) === 'orphan',
        notConfirmedSince: revalidation.notConfirmedSince(groupId),
      };
    });
  }
}

/** The wanted part of `groups`, which are in order. Reads no more records than it has room for. */
async function pageOf<T>(
  groups: readonly GroupId[],
  { after, limit }: PageOf,
  read: (groupId: GroupId) => Promise<T | undefined>,
): Promise<Page<T>> {
  const following = groups.filter((groupId) => after === undefined || groupId > after);
  const items: T[] = [];
  for (const groupId of following.slice(0, limit)) {
    const item = await read(groupId);
    if (item !== undefined) items.push(item);
  }
  return { items, left: Math.max(0, following.length - limit) };
}
