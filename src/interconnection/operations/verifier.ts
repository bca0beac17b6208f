import type { Clock } from '../../base/clock.js';
import { Ending } from '../../base/ending.js';
import type { GroupId, SystemName } from '../../base/identifiers.js';
import { inParallel } from '../../base/in-parallel.js';
import { SingleFlight } from '../../base/single-flight.js';
import { sortedBy } from '../../base/sliced-sort.js';
import type { Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import type { Delivery, Form } from '../../documents/state.js';
import { groupsUnder } from '../../groups/groups-under.js';
import { groupMediaType, nameOfGroup } from '../../groups/names.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Peer, Peers } from '../../mc-systems/peers.js';
import { NoAnswer } from '../../outbound/client.js';
import type { PeerClient, Share } from '../peer-client.js';

/**
 * Compares what both sides of CSC-16 hold, byte by byte. For a received group the primary is asked for its
 * document. For an own group the partner is asked; it shows the bytes that it received (design D5). So both
 * are one question: does a GET with our identity give the bytes that we hold?
 *
 * Which groups are compared is not what this side believes alone: the peer gives a list as well (peer-list.ts), of
 * the groups of ours that it holds and of its own that we should hold. So a copy that one side knows nothing of is
 * found. Where the peer gives no list, what this side knows must do, and the outcome says so.
 *
 * Nothing changes, on either side. A group that changes here during the comparison is compared again,
 * because the answer may show either form.
 */

/** How one group compares. */
export type Comparison =
  | 'in-sync'
  /** Both hold it, with different bytes. */
  | 'drift'
  | 'missing-there'
  /**
   * The other side still has a group of ours that is deleted, that no longer concerns it, or of which nothing is
   * known here; or a group of its own for us that is not held here.
   */
  | 'missing-here'
  | 'not-comparable';

export interface ComparedGroup {
  readonly groupId: GroupId;
  /** `received`: a group of the other side; `delivered`: an own group. */
  readonly side: 'received' | 'delivered';
  readonly comparison: Comparison;
  /** Why it is not comparable, or what is known of a difference. */
  readonly reason: string | undefined;
  /** The tag of what we hold. */
  readonly ours: string | undefined;
  /** Since when we hold it, in milliseconds since the epoch. */
  readonly since: number | undefined;
  /** The other side's own tag for what it holds. */
  readonly theirs: string | undefined;
}

export interface Verification {
  readonly counts: Readonly<Record<Comparison, number>>;
  /** Those that are not in sync, in the order of group IDs. */
  readonly differences: readonly ComparedGroup[];
  /** How many differences are left out of `differences`. */
  readonly leftOut: number;
  /** How many groups were not compared before the deadline. */
  readonly notCompared: number;
  /** Why the peer gave no list, so that only groups known here were compared; undefined where it gave one. */
  readonly noList: string | undefined;
}

/** A verification with every group that is not in sync. */
export type WholeVerification = Omit<Verification, 'leftOut'>;

interface Settings {
  /** How many groups are compared at a time. */
  readonly parallel: number;
  /** Milliseconds for all groups of a peer. */
  readonly operationDeadline: number;
}

interface Tools {
  readonly documents: Pick<Documents, 'find' | 'keysOf' | 'turn'>;
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly peerClient: Pick<PeerClient, 'getGroup'>;
  readonly peerLists: Pick<PeerClient, 'getList'>;
  readonly clock: Clock;
}

/** The groups to be compared. */
interface Candidates {
  readonly groups: readonly GroupId[];
  /** Those that the peer lists. */
  readonly listed: ReadonlySet<GroupId>;
  readonly noList: string | undefined;
}

/** What we hold of a group. */
interface Ours {
  readonly side: ComparedGroup['side'];
  /** The bytes that the other side should show; undefined where it should show none. */
  readonly form: Form | undefined;
  readonly delivery: Delivery | undefined;
}

const share: Share = { purpose: 'operation' };

/** How often a group is compared that changes meanwhile. */
const attempts = 3;

/** How many differences are listed. */
const differencesTold = 1000;

/** Groups in a row without an answer after which the peer is taken to be down. */
const silences = 5;

type Compared = Pick<ComparedGroup, 'comparison'> & Partial<Pick<ComparedGroup, 'reason' | 'theirs'>>;

export class Verifier {
  readonly #tools: Tools;
  readonly #settings: Settings;
  readonly #flights = new SingleFlight<WholeVerification>();
  readonly #closing = new AbortController();

  constructor(tools: Tools, settings: Settings) {
    this.#tools = tools;
    this.#settings = settings;
  }

  /** Ends verifications under way. */
  close(): void {
    this.#closing.abort();
  }

  /** Compares every group that is shared with `peer`, either way. Later callers share the result. */
  async verify(peer: Peer): Promise<Verification> {
    const { differences, ...rest } = await this.verifyAll(peer);
    return {
      ...rest,
      differences: differences.slice(0, differencesTold),
      leftOut: Math.max(0, differences.length - differencesTold),
    };
  }

  /** The same, with every difference. */
  async verifyAll(peer: Peer): Promise<WholeVerification> {
    return await this.#flights.run(peer.name, () => this.#verify(peer));
  }

  async #verify(peer: Peer): Promise<WholeVerification> {
    const { clock } = this.#tools;
    using ending = new Ending(clock, this.#settings.operationDeadline, this.#closing.signal);
    const { signal } = ending;
    const { groups, listed, noList } = await this.#candidates(peer, signal);
    const compared: ComparedGroup[] = [];
    let nothing = 0;
    let silent = 0;
    await inParallel(groups, this.#settings.parallel, signal, async (groupId) => {
      const group = await this.#compare(peer, groupId, listed.has(groupId), signal);
      if (signal.aborted) return;
      if (group === undefined) {
        nothing += 1;
        return;
      }
      compared.push(group);
      silent = group.reason?.startsWith(noAnswer) === true ? silent + 1 : 0;
      if (silent >= silences) ending.end();
    });
    const notCompared = signal.aborted ? groups.length - compared.length - nothing : 0;
    return { ...(await summary(compared, () => clock.turn())), notCompared, noList };
  }

  /** The groups that either side knows of. */
  async #candidates(peer: Peer, signal: AbortSignal): Promise<Candidates> {
    const { documents, homes } = this.#tools;
    const { name: system } = peer;
    const { delivered, parked, pending, receivedFrom, withdrawn } = terms;
    const known = [receivedFrom, delivered, parked, pending].map((term) => term(system));
    const list = await this.#listOf(peer, signal);
    if (typeof list === 'string') {
      // Without a list, a withdrawal that was none shows only where the group is asked for.
      return {
        groups: await groupsUnder(documents, ...known, withdrawn(system)),
        listed: new Set(),
        noList: list,
      };
    }
    const listed = new Set(
      list.filter((groupId) => [system, homes.own].some((home) => homes.homeOf(groupId) === home)),
    );
    const all = new Set([...(await groupsUnder(documents, ...known)), ...listed]);
    const groups = await sortedBy(
      [...all],
      (groupId) => groupId,
      () => documents.turn(),
    );
    return { groups, listed, noList: undefined };
  }

  /** The peer's list, or why there is none. */
  async #listOf(peer: Peer, signal: AbortSignal): Promise<readonly GroupId[] | string> {
    try {
      const { status, groups } = await this.#tools.peerLists.getList(peer, share, signal);
      if (groups !== undefined) return groups;
      return status === 200 ? 'the peer answered something that is no list' : `the peer answered ${status}`;
    } catch (error) {
      if (error instanceof NoAnswer) return `${noAnswer}: ${error.message}`;
      throw error;
    }
  }

  /** @returns undefined where there is nothing to compare any more */
  async #compare(
    peer: Peer,
    groupId: GroupId,
    listed: boolean,
    signal: AbortSignal,
  ): Promise<ComparedGroup | undefined> {
    let ours = await this.#ours(peer.name, groupId, listed);
    for (let attempt = 1; ours !== undefined; attempt += 1) {
      const compared = await this.#ask(peer, groupId, ours, signal);
      const present = await this.#ours(peer.name, groupId, listed);
      const settled = present?.form?.etag === ours.form?.etag && present?.side === ours.side;
      if (settled || attempt === attempts) {
        const { comparison, reason, theirs } = settled ? compared : changing;
        const { side, form, delivery } = ours;
        // It is nowhere, as it should be.
        if (comparison === 'in-sync' && delivery?.status === 'withdrawn') return undefined;
        if (comparison === 'in-sync' && form === undefined && delivery === undefined) return undefined;
        return { groupId, side, comparison, reason, theirs, ours: form?.etag, since: form?.modified };
      }
      ours = present;
    }
    return undefined;
  }

  async #ours(system: SystemName, groupId: GroupId, listed: boolean): Promise<Ours | undefined> {
    const { documents, homes } = this.#tools;
    const stored = await documents.find(nameOfGroup(groupId));
    if (stored?.received !== undefined) {
      if (stored.received.system !== system) return undefined;
      return { side: 'received', form: stored.received, delivery: undefined };
    }
    const delivery = stored?.state.deliveries[system];
    if (delivery !== undefined) {
      return { side: 'delivered', form: delivery.hold ? stored?.form : undefined, delivery };
    }
    // The peer alone knows of it.
    if (!listed) return undefined;
    const side = homes.isOwn(groupId) ? 'delivered' : 'received';
    return { side, form: undefined, delivery };
  }

  async #ask(peer: Peer, groupId: GroupId, ours: Ours, signal: AbortSignal): Promise<Compared> {
    if (ours.side === 'received' && !peer.request) {
      return {
        comparison: 'not-comparable',
        reason: 'we may not request groups of this peer (peers[].request)',
      };
    }
    let answer;
    try {
      answer = await this.#tools.peerClient.getGroup({ peer, share, groupId, signal });
    } catch (error) {
      if (error instanceof NoAnswer)
        return { comparison: 'not-comparable', reason: `${noAnswer}: ${error.message}` };
      throw error;
    }
    const { status, mediaType, etag: theirs, body, own } = answer;
    if (!own) {
      const reason = `the peer did not answer itself: ${status} came back`;
      return { comparison: 'not-comparable', reason };
    }
    if (status === 404 || status === 410) return missingThere(ours);
    // A list may name more than is meant for us.
    if (status === 403 && isTheirWord(ours)) return { comparison: 'in-sync' };
    if (status !== 200 || mediaType !== groupMediaType) {
      const what = status === 200 ? 'something that is no group document' : String(status);
      return { comparison: 'not-comparable', reason: `the peer answered ${what}` };
    }
    if (ours.form === undefined) {
      return { comparison: 'missing-here', reason: inWords(ours.delivery) ?? unknownHere[ours.side], theirs };
    }
    if (body.kind === 'unusable') {
      return {
        comparison: 'not-comparable',
        reason: `the peer's document cannot be used: ${body.fault.message}`,
      };
    }
    if (body.bytes.equals(Buffer.from(ours.form.body, 'utf8'))) return { comparison: 'in-sync', theirs };
    return { comparison: 'drift', reason: inWords(ours.delivery), theirs };
  }
}

const noAnswer = 'the peer does not answer';

const changing: Compared = { comparison: 'not-comparable', reason: 'the group keeps changing' };

/** Why a group is missing here of which only the peer knows. */
const unknownHere = {
  received: 'the peer has it for us, and it is not held here',
  delivered: 'nothing is known here of this group of ours',
} as const;

/** Whether only the peer's list says that there is something of a group of its own. */
function isTheirWord({ side, form }: Ours): boolean {
  return side === 'received' && form === undefined;
}

function missingThere({ form, delivery }: Ours): Compared {
  // Neither side has it; only the withdrawal has not been recorded yet.
  if (form === undefined) return { comparison: 'in-sync' };
  return { comparison: 'missing-there', reason: inWords(delivery) };
}

/** What is known about why an own group differs there. */
function inWords(delivery: Delivery | undefined): string | undefined {
  switch (delivery?.status) {
    case 'pending':
      return `a delivery is pending${delivery.reason === null ? '' : `: ${delivery.reason}`}`;
    case 'parked':
      return `the delivery is parked: ${delivery.reason ?? ''}`;
    case 'delivered':
      return 'it was delivered';
    case 'withdrawn':
      return 'it was withdrawn';
    case undefined:
      return undefined;
  }
}

async function summary(
  compared: readonly ComparedGroup[],
  turn: () => Promise<void>,
): Promise<Pick<Verification, 'counts' | 'differences'>> {
  const counts: Record<Comparison, number> = {
    'in-sync': 0,
    drift: 0,
    'missing-there': 0,
    'missing-here': 0,
    'not-comparable': 0,
  };
  for (const { comparison } of compared) counts[comparison] += 1;
  const different = compared.filter(({ comparison }) => comparison !== 'in-sync');
  return { counts, differences: await sortedBy(different, ({ groupId }) => groupId, turn) };
}
