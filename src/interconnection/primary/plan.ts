import type { SystemName } from '../../base/identifiers.js';
import type { CommitHook } from '../../documents/commits.js';
import type { Documents } from '../../documents/documents.js';
import { sharedWith, type Delivery, type DocumentState, type Form } from '../../documents/state.js';
import { groupsAuid } from '../../groups/names.js';
import { groupView, type GroupView } from '../../groups/view.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Peers } from '../../mc-systems/peers.js';
import type { GatedText } from '../../xml/gate.js';
import { firstDelivery, tryAgain, withNews } from './delivery-state.js';

/**
 * Which partner MC systems a group concerns (design D6, D7): those where one of its members is
 * defined, and those the administrator shares it with by name. The commit hook records one delivery
 * for each in the same commit as the change itself, so that no acknowledged change can be forgotten.
 */

/**
 * The peers that should hold this own group.
 *
 * @param shares the systems that the operator shares it with; the configuration may name others
 */
export function partnersConcerned(
  view: GroupView,
  homes: HomeSystems,
  peers: Peers,
  shares: readonly string[],
): ReadonlySet<SystemName> {
  const concerned = new Set<SystemName>();
  const { groupId } = view;
  if (peers.size === 0 || groupId === undefined || !homes.isOwn(groupId)) return concerned;
  for (const { identities } of view.members) {
    for (const identity of identities) {
      const home = homes.homeOf(identity);
      if (home !== undefined && peers.has(home)) concerned.add(home);
    }
  }
  for (const [name, peer] of peers) {
    if (peer.groups.has(groupId) || shares.includes(name)) concerned.add(name);
  }
  return concerned;
}

/** Those of them that we provide with group information (TS 23.280 clause 10.2.7.2, precondition 4). */
export function partnersProvided(
  view: GroupView,
  homes: HomeSystems,
  peers: Peers,
  shares: readonly string[],
): ReadonlySet<SystemName> {
  const concerned = [...partnersConcerned(view, homes, peers, shares)];
  return new Set(concerned.filter((name) => peers.get(name)?.provide === true));
}

/** Whether `system` should hold the group now: where it should not, what it holds must be withdrawn. */
export function isToHold(
  system: SystemName,
  state: DocumentState,
  {
    documents,
    homes,
    peers,
  }: { readonly documents: Pick<Documents, 'treeOf'>; readonly homes: HomeSystems; readonly peers: Peers },
): boolean {
  if (state.current === null) return false;
  const view = groupView(documents.treeOf(state.current));
  return partnersProvided(view, homes, peers, sharedWith(state)).has(system);
}

function isGroupOfOurs(state: DocumentState): boolean {
  return state.auid === groupsAuid && state.received === null;
}

/**
 * The deliveries of a group after a change of configuration, or of shares: to partners that should hold it
 * now and were never given it, and to partners that hold it and should no longer. Partners that are no
 * longer configured are left out.
 *
 * @returns the deliveries, or undefined where they stand as they should
 */
export function planAnew(
  state: DocumentState,
  homes: HomeSystems,
  peers: Peers,
  treeOf: (form: Form) => GatedText,
): DocumentState['deliveries'] | undefined {
  if (!isGroupOfOurs(state)) return undefined;
  const view = state.current === null ? undefined : groupView(treeOf(state.current));
  const provided: ReadonlySet<string> =
    view === undefined ? new Set() : partnersProvided(view, homes, peers, sharedWith(state));
  const planned: Record<string, Delivery> = {};
  let changed = false;
  for (const [name, known] of Object.entries(state.deliveries)) {
    const configured = peers.has(name as SystemName);
    const isVoid = known.status === 'parked' && known.withdrawal;
    const told = known.status === 'pending' || (provided.has(name) && !isVoid);
    if (configured) planned[name] = told ? known : tryAgain(known);
    changed ||= !configured || !told;
  }
  for (const name of provided) {
    if (Object.hasOwn(planned, name)) continue;
    planned[name] = firstDelivery;
    changed = true;
  }
  return changed ? planned : undefined;
}

/** `planned`, without pauses for systems with which the operator has just begun or ceased to share. */
function atOnce(
  planned: DocumentState['deliveries'],
  before: DocumentState,
  after: DocumentState,
): DocumentState['deliveries'] {
  const [former, present] = [sharedWith(before), sharedWith(after)];
  const entries = Object.entries(planned).map(([name, known]) => {
    const concerned = former.includes(name) !== present.includes(name) && known.status === 'pending';
    return [name, concerned ? tryAgain(known) : known] as const;
  });
  return Object.fromEntries(entries);
}

function sameShares(one: DocumentState, other: DocumentState): boolean {
  return JSON.stringify(sharedWith(one)) === JSON.stringify(sharedWith(other));
}

/** @param treeOf gives the tree of a form that is about to be committed */
export function createPlan(homes: HomeSystems, peers: Peers, treeOf: (form: Form) => GatedText): CommitHook {
  return (_key, before, after) => {
    if (!isGroupOfOurs(after) || (before !== undefined && !isGroupOfOurs(before))) return after;
    if (before !== undefined && before.current?.etag === after.current?.etag) {
      if (sameShares(before, after)) return after;
      const planned = planAnew(after, homes, peers, treeOf) ?? after.deliveries;
      return { ...after, deliveries: atOnce(planned, before, after) };
    }
    const deliveries: Record<string, Delivery> = {};
    if (after.current !== null) {
      const provided = partnersProvided(groupView(treeOf(after.current)), homes, peers, sharedWith(after));
      for (const name of provided) deliveries[name] = firstDelivery;
    }
    // A change unparks: it may be the cure (design D16). Partners that the group no longer concerns are told.
    for (const [name, known] of Object.entries(after.deliveries)) {
      deliveries[name] = withNews(known);
    }
    return { ...after, deliveries };
  };
}
