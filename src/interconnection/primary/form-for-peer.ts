import type { GroupId, SystemName } from '../../base/identifiers.js';
import { sharedWith, type DocumentState, type Form, type StoredDocument } from '../../documents/state.js';
import type { GroupReadings } from '../../groups/reading.js';
import { whoseRecord } from '../../groups/whose-record.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Peers } from '../../mc-systems/peers.js';
import { NotProvided } from '../result/not-provided.js';
import { partnersConcerned } from './plan.js';

/**
 * The form that a peer may read (TS 23.280 clause 10.2.7.3 step 3). What came from the peer: the received
 * document, its own bytes (design D5), also where the peer is the home of the group no more. Our group: the
 * document, where the group concerns the peer. Anything else: nothing, because a received group is never
 * provided onward and an effective document never leaves its system.
 *
 * @throws NotProvided with the reason
 */
export function formForPeer(
  system: SystemName,
  groupId: GroupId,
  stored: StoredDocument | undefined,
  tools: {
    readonly readings: Pick<GroupReadings, 'of'>;
    readonly homes: HomeSystems;
    readonly peers: Peers;
  },
): Form {
  const { readings, homes, peers } = tools;
  if (stored?.received?.system === system) return stored.received;
  const home = homes.homeOf(groupId);
  if (home === system) throw new NotProvided('unknown', 'this group is not known here');
  if (home !== homes.own) throw new NotProvided('another-home');
  if (peers.get(system)?.answer !== true) throw new NotProvided('not-answered');
  // A peer that the group never concerned learns nothing of its past.
  if (stored === undefined) throw new NotProvided('unknown');
  const { form, received, state } = stored;
  const formerly = hasConcerned(system, state);
  if (form === undefined) throw new NotProvided(formerly ? 'deleted' : 'unknown');
  if (whoseRecord(received?.system, groupId, homes) !== 'own') throw new NotProvided('unknown');
  if (partnersConcerned(readings.of(form), homes, peers, sharedWith(state)).has(system)) return form;
  throw new NotProvided(formerly ? 'no-longer-shared' : 'not-shared');
}

/** Whether `system` may hold a copy of the group, from now or from before. */
function hasConcerned(system: SystemName, { concerned = [], deliveries }: DocumentState): boolean {
  return concerned.includes(system) || Object.hasOwn(deliveries, system);
}
