import type { SystemName } from '../../base/identifiers.js';
import type { CommitHook } from '../../documents/commits.js';
import { sharedWith, type Delivery, type DocumentState } from '../../documents/state.js';
import { groupsAuid } from '../../groups/names.js';
import { sourceOf } from '../../groups/whose-record.js';
import type { GroupReading, GroupReadings } from '../../groups/reading.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Peers } from '../../mc-systems/peers.js';
import { firstWithdrawal, owed, tryAgain } from './delivery-state.js';

/**
 * Which partner MC systems a group concerns (design D6, D7): those where one of its members is
 * defined, and those the administrator shares it with by name. The commit hook records what each is owed in
 * the same commit as the change itself, so that no acknowledged change can be forgotten.
 *
 * The plan starts from the deliveries of the record that is replaced, whatever brought the change about: a
 * group that was deleted and is put anew finds what its partners still hold of the former one.
 */

/** What a plan needs to know. */
export interface PlanTools {
  readonly homes: HomeSystems;
  readonly peers: Peers;
  /** Reads what a form says that is about to be committed. */
  readonly readings: Pick<GroupReadings, 'of'>;
}

/**
 * The peers that should hold this own group.
 *
 * @param shares the systems that the operator shares it with; the configuration may name others
 */
export function partnersConcerned(
  view: Pick<GroupReading, 'groupId' | 'identities'>,
  homes: HomeSystems,
  peers: Peers,
  shares: readonly string[],
): ReadonlySet<SystemName> {
  const concerned = new Set<SystemName>();
  const { groupId } = view;
  if (peers.size === 0 || groupId === undefined || !homes.isOwn(groupId)) return concerned;
  for (const identity of view.identities) {
    const home = homes.homeOf(identity);
    if (home !== undefined && peers.has(home)) concerned.add(home);
  }
  for (const [name, peer] of peers) {
    if (peer.groups.has(groupId) || shares.includes(name)) concerned.add(name);
  }
  return concerned;
}

/**
 * The state with what every partner is owed of it. A partner that is configured no more is owed a
 * withdrawal: should it come back, it is told. The same goes for a group that was ours and has another home
 * now, whether or not that home has provided it to us yet.
 *
 * @param changed whether the group is another than before
 * @returns `state` itself where nothing is owed that was not owed before
 */
export function withPlan(
  state: DocumentState,
  changed: boolean,
  { homes, peers, readings }: PlanTools,
): DocumentState {
  if (state.auid !== groupsAuid) return state;
  const isOurs = sourceOf(state) === undefined;
  const shares = sharedWith(state);
  const view = state.current === null || !isOurs || peers.size === 0 ? undefined : readings.of(state.current);
  const now: ReadonlySet<string> =
    view === undefined ? new Set() : partnersConcerned(view, homes, peers, shares);
  // TS 23.280 clause 10.2.7.2, precondition 4: the primary is authorised to provide.
  const provided = (name: string): boolean =>
    now.has(name) && peers.get(name as SystemName)?.provide === true;

  const deliveries: Record<string, Delivery> = {};
  let isNews = false;
  for (const name of new Set([...Object.keys(state.deliveries), ...(state.concerned ?? []), ...now])) {
    const known = state.deliveries[name];
    // A partner that was not to be provided may have fetched the group while it concerned it.
    const isOwedTheEnd =
      known === undefined && !now.has(name) && peers.get(name as SystemName)?.provide === true;
    const next = isOwedTheEnd ? firstWithdrawal : owed(known, provided(name), changed && isOurs);
    if (next !== undefined) deliveries[name] = next;
    isNews ||= next !== known;
  }
  const concerned = [...new Set([...(state.concerned ?? []), ...now])].sort();
  if (!isNews && concerned.length === (state.concerned ?? []).length) return state;
  return { ...state, deliveries, ...(concerned.length === 0 ? {} : { concerned }) };
}

/** `state`, without pauses for the systems that the operator has just shared with, or not any more. */
function atOnce(state: DocumentState, former: readonly string[]): DocumentState {
  const present = sharedWith(state);
  const entries = Object.entries(state.deliveries).map(([name, known]) => {
    const concerned = former.includes(name) !== present.includes(name) && known.status === 'pending';
    return [name, concerned ? tryAgain(known) : known] as const;
  });
  return { ...state, deliveries: Object.fromEntries(entries) };
}

function sameShares(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name) => other.includes(name));
}

/** The commit hook that plans deliveries. */
export function createPlan(tools: PlanTools): CommitHook {
  return (_key, before, after) => {
    const changed = before?.current?.etag !== after.current?.etag;
    const [former, present] = [before === undefined ? [] : sharedWith(before), sharedWith(after)];
    const cameFrom = before === undefined ? undefined : sourceOf(before);
    if (!changed && sameShares(former, present) && cameFrom === sourceOf(after)) return after;
    const planned = withPlan(after, changed, tools);
    return changed ? planned : atOnce(planned, former);
  };
}
