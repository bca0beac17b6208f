import type { GroupId, SystemName } from '../../base/identifiers.js';
import { Forbidden, Gone, NotFound } from '../../base/refusals.js';
import type { Documents } from '../../documents/documents.js';
import { sharedWith, type Form, type StoredDocument } from '../../documents/state.js';
import { groupView } from '../../groups/view.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Peers } from '../../mc-systems/peers.js';
import { partnersConcerned } from './plan.js';

/**
 * The form that a peer may read (TS 23.280 clause 10.2.7.3 step 3). It depends on the home of the group.
 * The peer's group: the received document, its own bytes (design D5). Our group: the document, where the
 * group concerns the peer. A third system's group: nothing, because a received group is never provided
 * onward and an effective document never leaves its system.
 *
 * @throws Forbidden, NotFound or Gone
 */
export function formForPeer(
  system: SystemName,
  groupId: GroupId,
  stored: StoredDocument | undefined,
  tools: {
    readonly documents: Pick<Documents, 'treeOf'>;
    readonly homes: HomeSystems;
    readonly peers: Peers;
  },
): Form {
  const { documents, homes, peers } = tools;
  const home = homes.homeOf(groupId);
  if (home === system) {
    if (stored?.received === undefined) throw new NotFound('this group is not known here');
    return stored.received;
  }
  if (home !== homes.own) throw new Forbidden('the MC service group is defined in another MC system');
  if (peers.get(system)?.answer !== true)
    throw new Forbidden('group information is not provided to your MC system');
  if (stored === undefined) throw new NotFound('there is no such group');
  if (stored.form === undefined) {
    // A peer that was never given the group learns nothing of its past.
    if (!Object.hasOwn(stored.state.deliveries, system)) throw new NotFound('there is no such group');
    throw new Gone('the MC service group was deleted');
  }
  const view = groupView(documents.treeOf(stored.form));
  if (!partnersConcerned(view, homes, peers, sharedWith(stored.state)).has(system)) {
    throw new Forbidden('the MC service group is not shared with your MC system');
  }
  return stored.form;
}
