import type { GroupId, SystemName } from '../base/identifiers.js';
import type { DocumentState } from '../documents/state.js';
import type { HomeSystems } from '../mc-systems/homes.js';

/**
 * Whose the record of a group is now (design D6, D20). The configuration changes: domains move from one MC
 * system to another, peers come and go. Everything that depends on whose a record is asks here.
 *
 * - `own`: the group is defined here, and we hold it because it was put here.
 * - `of its primary`: it came from the MC system that is its home.
 * - `orphan`: the system that it came from is not its home, or not any more. That system may be a former
 *   peer, another peer, or this one. An orphan is read as before, it is listed for the operator, and the
 *   operator can remove it. Its home replaces it by providing the group, as if nothing were there; where we are
 *   its home, our administrator does the same with a PUT. No peer is given it but the one it came from.
 */
export type Whose = 'own' | 'of its primary' | 'orphan';

/** @param source the MC system that the record's document came from; undefined where it was put here */
export function whoseRecord(source: SystemName | undefined, groupId: GroupId, homes: HomeSystems): Whose {
  const home = homes.homeOf(groupId);
  if (source !== undefined) return source === home ? 'of its primary' : 'orphan';
  // A group that no configured system is the home of is defined where it was put.
  return home === undefined || home === homes.own ? 'own' : 'orphan';
}

/** The MC system that the document came from, also where it is gone; undefined where it was put here. */
export function sourceOf({ received, tombstone }: DocumentState): SystemName | undefined {
  return received?.system ?? tombstone?.system ?? undefined;
}
