import type { Clock } from '../../base/clock.js';
import { Ending } from '../../base/ending.js';
import type { GroupId, SystemName } from '../../base/identifiers.js';
import { inParallel } from '../../base/in-parallel.js';
import type { Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import { groupsUnder } from '../../groups/groups-under.js';
import { brakes, type Brake } from '../partner/brake.js';
import type { Refreshed, Requester } from '../partner/requester.js';

/** Asks a primary again, at the operator's request, for the groups that we hold of it. */

interface Settings {
  /** How many groups are asked for at a time. */
  readonly parallel: number;
  /** Milliseconds for all groups of a peer. */
  readonly operationDeadline: number;
  readonly brake: Brake;
}

export interface Refetched {
  readonly outcomes: Readonly<Partial<Record<Refreshed, number>>>;
  /** Those that are neither unchanged nor updated, by group ID. */
  readonly others: readonly { readonly groupId: GroupId; readonly outcome: Refreshed }[];
  /** How many of them are left out of `others`. */
  readonly leftOut: number;
  /** How many groups were not asked for before the deadline. */
  readonly notAsked: number;
  /** How many groups the primary says are gone, and stay until the operator accepts it (brake.ts). */
  readonly heldBack: number;
}

interface Tools {
  readonly documents: Pick<Documents, 'keysOf' | 'turn'>;
  readonly requester: Pick<Requester, 'refresh'>;
  readonly clock: Clock;
}

/** How many outcomes are listed. */
const outcomesTold = 1000;

/** Groups in a row without an answer after which the peer is taken to be down. */
const silences = 5;

export class Refetcher {
  readonly #tools: Tools;
  readonly #settings: Settings;
  /** Groups of which nothing was to be had the last time. */
  readonly #silent = new Set<GroupId>();
  readonly #closing = new AbortController();

  constructor(tools: Tools, settings: Settings) {
    this.#tools = tools;
    this.#settings = settings;
  }

  /** Ends refetches under way after their present groups. */
  close(): void {
    this.#closing.abort();
  }

  /** Asks for every group that we hold of `system`, or for one of them. */
  async refetch(system: SystemName, groupId?: GroupId): Promise<Refetched> {
    const groups = (await this.#groupsOf(system)).filter((held) => groupId === undefined || held === groupId);
    if (groupId !== undefined && groups.length === 0) {
      return summary(new Map([[groupId, 'not-held']]), 0, 0);
    }
    // One group is removed at the word of the operator who named it.
    return await this.#refetch(groups, groups.length, groupId !== undefined);
  }

  /** Asks for these groups that we hold of `system`. */
  async refetchThese(system: SystemName, wanted: ReadonlySet<GroupId>): Promise<Refetched> {
    const held = await this.#groupsOf(system);
    return await this.#refetch(
      held.filter((groupId) => wanted.has(groupId)),
      held.length,
      false,
    );
  }

  /** @param held how many groups of the system there are, of which `groups` are some */
  async #refetch(groups: readonly GroupId[], held: number, removes: boolean): Promise<Refetched> {
    const { clock, requester } = this.#tools;
    using ending = new Ending(clock, this.#settings.operationDeadline, this.#closing.signal);
    const outcomes = new Map<GroupId, Refreshed>();
    let silent = 0;
    const begun = await inParallel(groups, this.#settings.parallel, ending.signal, async (each) => {
      const outcome = await requester.refresh(each, removes, 'operation');
      outcomes.set(each, outcome);
      if (outcome === 'unavailable') this.#silent.add(each);
      else this.#silent.delete(each);
      silent = outcome === 'unavailable' ? silent + 1 : 0;
      if (silent >= silences) ending.end();
    });
    const ended = [...outcomes].filter(([, outcome]) => outcome === 'ended').map(([each]) => each);
    const isBraked = brakes(this.#settings.brake, ended.length, held);
    for (const each of isBraked ? [] : ended)
      outcomes.set(each, await requester.refresh(each, true, 'operation'));
    return summary(outcomes, groups.length - begun, isBraked ? ended.length : 0);
  }

  /** The groups that we hold of `system`; those that got no answer the last time come last. */
  async #groupsOf(system: SystemName): Promise<readonly GroupId[]> {
    const groups = await groupsUnder(this.#tools.documents, terms.receivedFrom(system));
    const isSilent = (groupId: GroupId): boolean => this.#silent.has(groupId);
    return [...groups.filter((groupId) => !isSilent(groupId)), ...groups.filter(isSilent)];
  }
}

function summary(asked: ReadonlyMap<GroupId, Refreshed>, notAsked: number, heldBack: number): Refetched {
  const outcomes: Partial<Record<Refreshed, number>> = {};
  for (const outcome of asked.values()) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  const others = [...asked]
    .map(([groupId, outcome]) => ({ groupId, outcome }))
    .filter(({ outcome }) => outcome !== 'unchanged' && outcome !== 'updated')
    .sort((one, other) => (one.groupId < other.groupId ? -1 : 1));
  return {
    outcomes,
    others: others.slice(0, outcomesTold),
    leftOut: Math.max(0, others.length - outcomesTold),
    notAsked,
    heldBack,
  };
}
