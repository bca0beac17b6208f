import type { GroupId } from '../base/identifiers.js';
import { nameOfGroup } from '../groups/names.js';
import type { Peer } from '../mc-systems/peers.js';

/** The URL of a group at `peer`: the group ID is one encoded segment and cannot leave it. */

export function groupUrl(peer: Peer, groupId: GroupId): string {
  return `${peer.root}/${nameOfGroup(groupId)}`;
}
