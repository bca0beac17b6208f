import type { Clock } from '../../base/clock.js';
import { Ending } from '../../base/ending.js';
import type { GroupId, SystemName } from '../../base/identifiers.js';
import { inParallel } from '../../base/in-parallel.js';
import { SingleFlight } from '../../base/single-flight.js';
import type { Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import type { Delivery, Form } from '../../documents/state.js';
import { groupsUnder } from '../../groups/groups-under.js';
import { groupMediaType, nameOfGroup } from '../../groups/names.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Peer, Peers } from '../../mc-systems/peers.js';
import { NoAnswer } from '../../outbound/client.js';
import type { PeerClient } from '../peer-client.js';

/**
 * Compares what both sides of CSC-16 hold, byte by byte. For a received group the primary is asked for its
 * document. For an own group the partner is asked; it shows the bytes that it received (design D5). So both
 * are one question: does a GET with our identity give the bytes that we hold?
 *
 * Nothing changes, on either side. A group that changes here during the comparison is compared again,
 * because the answer may show either form. A group of the other side that concerns us and never came cannot
 * be found, because nothing lists such groups.
 */

/** How one group compares. */
export type Comparison =
  | 'in-sync'
  /** Both hold it, with different bytes. */
  | 'drift'
  | 'missing-there'
  /** The other side still has an own group that is deleted, or that no longer concerns it. */
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
}

interface Settings {
  /** How many groups are compared at a time. */
  readonly parallel: number;
  /** Milliseconds for all groups of a peer. */
  readonly operationDeadline: number;
}

interface Tools {
  readonly documents: Pick<Documents, 'find' | 'keysOf' | 'treeOf'>;
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly peerClient: Pick<PeerClient, 'getGroup'>;
  readonly clock: Clock;
}

/** What we hold of a group. */
interface Ours {
  readonly side: ComparedGroup['side'];
  /** The bytes that the other side should show; undefined where it should show none. */
  readonly form: Form | undefined;
  readonly delivery: Delivery | undefined;
}

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
  readonly #flights = new SingleFlight<Verification>();
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
    return await this.#flights.run(peer.name, () => this.#verify(peer));
  }

  async #verify(peer: Peer): Promise<Verification> {
    const groups = this.#groupsOf(peer.name);
    const { clock } = this.#tools;
    using ending = new Ending(clock, this.#settings.operationDeadline, this.#closing.signal);
    const { signal } = ending;
    const compared: ComparedGroup[] = [];
    let silent = 0;
    await inParallel(groups, this.#settings.parallel, signal, async (groupId) => {
      const group = await this.#compare(peer, groupId, signal);
      if (signal.aborted || group === undefined) return;
      compared.push(group);
      silent = group.reason?.startsWith(noAnswer) === true ? silent + 1 : 0;
      if (silent >= silences) ending.end();
    });
    return summary(compared, signal.aborted ? groups.length - compared.length : 0);
  }

  #groupsOf(system: SystemName): readonly GroupId[] {
    const { documents } = this.#tools;
    const { delivered, parked, pending, receivedFrom } = terms;
    const each = [receivedFrom, delivered, parked, pending].map((term) => term(system));
    return groupsUnder(documents, ...each);
  }

  /** @returns undefined where there is nothing to compare any more */
  async #compare(peer: Peer, groupId: GroupId, signal: AbortSignal): Promise<ComparedGroup | undefined> {
    let ours = await this.#ours(peer.name, groupId);
    for (let attempt = 1; ours !== undefined; attempt += 1) {
      const compared = await this.#ask(peer, groupId, ours, signal);
      const present = await this.#ours(peer.name, groupId);
      const settled = present?.form?.etag === ours.form?.etag && present?.side === ours.side;
      if (settled || attempt === attempts) {
        const { comparison, reason, theirs } = settled ? compared : changing;
        const { side, form } = ours;
        return { groupId, side, comparison, reason, theirs, ours: form?.etag, since: form?.modified };
      }
      ours = present;
    }
    return undefined;
  }

  async #ours(system: SystemName, groupId: GroupId): Promise<Ours | undefined> {
    const stored = await this.#tools.documents.find(nameOfGroup(groupId));
    if (stored === undefined) return undefined;
    const { state, form, received } = stored;
    if (received !== undefined) {
      if (received.system !== system) return undefined;
      return { side: 'received', form: received, delivery: undefined };
    }
    const delivery = state.deliveries[system];
    if (delivery === undefined) return undefined;
    return { side: 'delivered', form: delivery.hold ? form : undefined, delivery };
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
      answer = await this.#tools.peerClient.getGroup({ peer, groupId, signal });
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
    if (status !== 200 || mediaType !== groupMediaType) {
      const what = status === 200 ? 'something that is no group document' : String(status);
      return { comparison: 'not-comparable', reason: `the peer answered ${what}` };
    }
    if (ours.form === undefined) {
      return { comparison: 'missing-here', reason: inWords(ours.delivery), theirs };
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

function summary(compared: readonly ComparedGroup[], notCompared: number): Verification {
  const counts: Record<Comparison, number> = {
    'in-sync': 0,
    drift: 0,
    'missing-there': 0,
    'missing-here': 0,
    'not-comparable': 0,
  };
  for (const { comparison } of compared) counts[comparison] += 1;
  const differences = compared
    .filter(({ comparison }) => comparison !== 'in-sync')
    .sort((one, other) => (one.groupId < other.groupId ? -1 : 1));
  return {
    counts,
    differences: differences.slice(0, differencesTold),
    leftOut: Math.max(0, differences.length - differencesTold),
    notCompared,
  };
}
