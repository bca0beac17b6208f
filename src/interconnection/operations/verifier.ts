import type { Clock } from '../../base/clock.js';
import { inParallel } from '../../base/in-parallel.js';
import { Ending } from '../../base/ending.js';
import type { DocumentName, GroupId, SystemName } from '../../base/identifiers.js';
import { SingleFlight } from '../../base/single-flight.js';
import { type Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import type { Delivery, DocumentState, Form } from '../../documents/state.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import { groupIdOfName, groupMediaType, nameOfGroup } from '../../groups/names.js';
import { essence, mediaTypes } from '../../xcap/media-types.js';
import { exceptPagesOfProxies, NoAnswer, type Outbound } from '../../outbound/client.js';
import { type Peer, type Peers } from '../../mc-systems/peers.js';
import { groupUrl } from '../peer-client.js';
import { isToHold } from '../primary/plan.js';
import type { RecordKey } from '../../store/store.js';
import { resultMediaType } from '../result/result.js';

/**
 * Compares what both sides of CSC-16 hold, byte by byte. For a received group the primary is asked for its
 * document. For an own group the partner is asked; it shows the bytes that it received (design D5). So both
 * are one question: does a GET with our identity give the bytes that we hold?
 *
 * Nothing changes, on either side. A group that changes here during the comparison is compared again,
 * because the answer may show either form. One thing cannot be seen: a group of the other side that concerns
 * us and never came, because nothing lists those.
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
  /** `received`: the group is theirs; `delivered`: it is ours. */
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

export interface VerifySettings {
  /** The identity that we assert to peers. */
  readonly identity: string;
  /** How many groups are compared at a time. */
  readonly parallel: number;
  /** Milliseconds for all groups of a peer. */
  readonly operationDeadline: number;
}

interface Tools {
  readonly documents: Pick<Documents, 'find' | 'keysOf' | 'treeOf'>;
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly client: Outbound;
  readonly clock: Clock;
}

/** What we hold of a group. */
interface Ours {
  readonly side: ComparedGroup['side'];
  /** The bytes that the other side should show; undefined where it should show none. */
  readonly form: Form | undefined;
  readonly delivery: Delivery | undefined;
}

/** How often a group is compared again that changes meanwhile. */
const attempts = 3;

/** How many differences are told one by one. */
const differencesTold = 1000;

/** Groups in a row without an answer after which the peer is taken to be down. */
const silences = 5;

type Compared = Pick<ComparedGroup, 'comparison'> & Partial<Pick<ComparedGroup, 'reason' | 'theirs'>>;

export class Verifier {
  readonly #tools: Tools;
  readonly #settings: VerifySettings;
  readonly #flights = new SingleFlight<Verification>();
  readonly #closing = new AbortController();

  constructor(tools: Tools, settings: VerifySettings) {
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
    const keys = [receivedFrom, delivered, parked, pending].flatMap((term): readonly RecordKey[] =>
      documents.keysOf(term(system)),
    );
    const groups = [...new Set(keys)].map((key) => groupIdOfName(key as string as DocumentName));
    return groups.filter((groupId) => groupId !== undefined).sort();
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
    const state: DocumentState | undefined = (await this.#tools.documents.find(nameOfGroup(groupId)))?.state;
    if (state === undefined) return undefined;
    if (state.received !== null) {
      if (state.received.system !== system) return undefined;
      return { side: 'received', form: state.received, delivery: undefined };
    }
    const delivery = state.deliveries[system];
    if (delivery === undefined) return undefined;
    // The plan keeps a delivery as delivered only where the partner should hold the group.
    const toHold = delivery.status === 'delivered' || isToHold(system, state, this.#tools);
    return { side: 'delivered', form: toHold ? (state.current ?? undefined) : undefined, delivery };
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
      const headers = {
        Accept: `${groupMediaType}, ${resultMediaType}, ${mediaTypes.error}`,
        'X-3GPP-Asserted-Identity': this.#settings.identity,
      };
      const request = { method: 'GET', url: groupUrl(peer, groupId), headers } as const;
      answer = exceptPagesOfProxies(await this.#tools.client.send(request, signal), [404, 410]);
    } catch (error) {
      if (error instanceof NoAnswer)
        return { comparison: 'not-comparable', reason: `${noAnswer}: ${error.message}` };
      throw error;
    }
    const { status, headers, body } = answer;
    if (status === 404 || status === 410) return missingThere(ours);
    if (status !== 200 || essence(headers['content-type'] ?? '') !== groupMediaType) {
      const what = status === 200 ? 'something that is no group document' : String(status);
      return { comparison: 'not-comparable', reason: `the peer answered ${what}` };
    }
    const theirs = headers.etag;
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
  // Neither side has it: the withdrawal has not been recorded yet, that is all.
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
