import type { Clock } from '../../base/clock.js';
import type { GroupId, SystemName } from '../../base/identifiers.js';
import { sortedBy } from '../../base/sliced-sort.js';
import type { Decision, Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import { sharedWith, withShares } from '../../documents/state.js';
import { groupsUnder } from '../../groups/groups-under.js';
import { groupsAuid, nameOfGroup } from '../../groups/names.js';
import type { GroupReadings } from '../../groups/reading.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Peers } from '../../mc-systems/peers.js';
import type { Deliveries } from '../primary/deliveries.js';
import { partnersConcerned } from '../primary/plan.js';

/**
 * Groups that the operator shares with a partner by name (design D6), regardless of their members. A share
 * stands in the group's record, and the deliveries that it causes are planned in the same commit (plan.ts).
 * A share ends with its group: a group that is put later under the same ID is another one.
 */

/** An own group that is shared with a system by name. */
export interface Share {
  readonly groupId: GroupId;
  readonly system: string;
  /** `operator`: it can be taken back; `configuration`: it stands in `peers[].groups`. */
  readonly by: 'operator' | 'configuration';
}

/** The outcome of sharing. */
export type Shared = 'shared' | 'was-shared' | 'no-such-peer' | 'no-such-group' | 'not-ours';

/**
 * The outcome of taking a share back; `still-concerned` where a member or the configuration keeps it there.
 */
export type Unshared = 'withdrawn' | 'still-concerned' | 'by-configuration' | 'not-shared';

interface Tools {
  readonly documents: Documents;
  readonly readings: Pick<GroupReadings, 'of'>;
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly deliveries: Pick<Deliveries, 'wake'>;
  readonly clock: Pick<Clock, 'turn'>;
}

/** How many records are read before other work gets a turn. */
const atATime = 100;

export class Shares {
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /** Shares an own group with a peer; it is provided at once. */
  async share(groupId: GroupId, system: SystemName): Promise<Shared> {
    const { documents, homes, peers } = this.#tools;
    if (!peers.has(system)) return 'no-such-peer';
    if (!homes.isOwn(groupId)) return 'not-ours';
    const outcome = await documents.change(nameOfGroup(groupId), (current): Decision<Shared> => {
      if (current?.form === undefined) return { kind: 'keep', result: 'no-such-group' };
      if (current.received !== undefined) return { kind: 'keep', result: 'not-ours' };
      const systems = sharedWith(current.state);
      if (systems.includes(system)) return { kind: 'keep', result: 'was-shared' };
      const state = withShares(current.state, [...systems, system].sort());
      return { kind: 'amend', state, result: () => 'shared' };
    });
    if (outcome === 'shared') this.#wake(groupId);
    return outcome;
  }

  /** Takes a share back; the peer is told at once, unless the group concerns it all the same. */
  async unshare(groupId: GroupId, system: string): Promise<Unshared> {
    const { documents, homes, peers, readings } = this.#tools;
    const outcome = await documents.change(nameOfGroup(groupId), (current): Decision<Unshared> => {
      const configured = peers.get(system as SystemName)?.groups.has(groupId) === true;
      const systems = current === undefined ? [] : sharedWith(current.state);
      if (current?.form === undefined || !systems.includes(system)) {
        return { kind: 'keep', result: configured ? 'by-configuration' : 'not-shared' };
      }
      const state = withShares(
        current.state,
        systems.filter((one) => one !== system),
      );
      const view = readings.of(current.form);
      const concerned = partnersConcerned(view, homes, peers, sharedWith(state)).has(system as SystemName);
      return { kind: 'amend', state, result: () => (concerned ? 'still-concerned' : 'withdrawn') };
    });
    if (outcome === 'withdrawn') this.#wake(groupId);
    return outcome;
  }

  /** Every share by name, by group ID and system. */
  async list(): Promise<readonly Share[]> {
    const { clock, documents, peers } = this.#tools;
    const shares: Share[] = [];
    for (const { name, groups } of peers.values()) {
      for (const groupId of groups) shares.push({ groupId, system: name, by: 'configuration' });
    }
    for (const [index, groupId] of (await groupsUnder(documents, terms.shared)).entries()) {
      if (index % atATime === atATime - 1) await clock.turn();
      const state = (await documents.get(nameOfGroup(groupId)))?.state;
      if (state === undefined) continue;
      for (const system of sharedWith(state)) shares.push({ groupId, system, by: 'operator' });
    }
    const order = (share: Share): string => `${share.groupId} ${share.system} ${share.by}`;
    return await sortedBy(shares, order, () => clock.turn());
  }

  #wake(groupId: GroupId): void {
    this.#tools.deliveries.wake({ key: nameOfGroup(groupId), auid: groupsAuid });
  }
}
