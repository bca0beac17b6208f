import { later, type Clock, type MonotonicTime } from '../../base/clock.js';
import { describeError } from '../../base/errors.js';
import { Ending } from '../../base/ending.js';
import type { DocumentName, GroupId, SystemName } from '../../base/identifiers.js';
import type { Log } from '../../base/log.js';
import type { Random } from '../../base/random.js';
import { rotated } from '../../base/rotated.js';
import { sortedBy } from '../../base/sliced-sort.js';
import type { Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import type { Delivery } from '../../documents/state.js';
import { groupIdOfName } from '../../groups/names.js';
import type { Peer, Peers } from '../../mc-systems/peers.js';
import { NoAnswer, NoConnection } from '../../outbound/client.js';
import { Incarnations } from '../incarnations.js';
import type { PeerAnswer, PeerClient, Share } from '../peer-client.js';
import { differing } from './delivery-state.js';

/**
 * Compares what partner MC systems hold with what they should hold (design D17), and marks what differs as
 * pending. Deliveries are hints that come early; the comparison is what makes systems equal after any loss: a
 * store that was wiped or restored on either side, or an acknowledgement that was none.
 *
 * It runs for each partner by itself: on a schedule, with jitter, so that systems that started together do not
 * ask together; soon after a start with a store of another incarnation; and soon after a partner names
 * another incarnation than the one that acknowledged what it holds. Each group costs one conditional HEAD
 * without a body, at a bounded rate. What a partner should hold no longer is asked for as well, for as
 * long as its withdrawal is remembered (tombstones.ts).
 */

export interface ReconciliationSettings {
  /** Milliseconds between two comparisons with a partner; 0 for none at all, but at the operator's word. */
  readonly interval: number;
  /** How many groups of a partner are compared a second. */
  readonly rate: number;
}

/** How one comparison with a partner went. */
export interface Reconciled {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly equal: number;
  /** Groups that differed, and are told again. */
  readonly marked: number;
  /** Groups of which the partner itself said nothing. */
  readonly unknown: number;
  /** Whether the partner stopped answering before the end. */
  readonly brokenOff: boolean;
}

interface Tools {
  readonly documents: Documents;
  readonly peers: Peers;
  readonly peerClient: Pick<PeerClient, 'headGroup' | 'getGroup' | 'isXcapServer'>;
  /** To be told of a group that is pending again. */
  readonly wake: (name: DocumentName) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const share: Share = { purpose: 'reconciliation' };

/** Milliseconds between the news of another incarnation and the comparison: several answers bring the news. */
const settling = 1000;

/** Groups in a row without an answer after which the partner is taken to be down. */
const silences = 3;

type Comparison = 'equal' | 'marked' | 'unknown' | 'unreachable';

export class Reconciliation {
  readonly #tools: Tools;
  readonly #settings: ReconciliationSettings;
  readonly #timers = new Map<SystemName, { readonly at: MonotonicTime; readonly cancel: () => void }>();
  readonly #underWay = new Map<SystemName, Promise<Reconciled>>();
  readonly #incarnations = new Incarnations();
  readonly #last = new Map<SystemName, Reconciled>();
  /** The group that was compared last with each partner. */
  readonly #reached = new Map<SystemName, DocumentName>();
  readonly #closing = new AbortController();

  constructor(tools: Tools, settings: ReconciliationSettings) {
    this.#tools = tools;
    this.#settings = settings;
  }

  /** @param restored whether our own store is another than the last time: then everything is compared soon */
  start(restored: boolean): void {
    // Also partners that are not provided with groups any more: they were once, and it was withdrawn.
    for (const name of this.#tools.peers.keys()) {
      this.#schedule(name, restored ? settling : this.#interval());
    }
  }

  /**
   * To be told of the incarnation that a peer names in a request or an answer.
   *
   * @returns whether the peer's store was replaced
   */
  heard(system: SystemName, incarnation: string): boolean {
    const heard = this.#incarnations.hear(system, incarnation);
    if (heard === 'known' || !this.#tools.peers.has(system)) return false;
    if (heard === 'new') this.#tools.log.warn({ peer: system }, 'the store of the partner was replaced');
    this.#schedule(system, settling);
    return heard === 'new';
  }

  /** The last comparison with each partner. */
  get last(): ReadonlyMap<SystemName, Reconciled> {
    return this.#last;
  }

  /** Compares now; callers at the same time share one comparison. */
  async compare(peer: Peer): Promise<Reconciled> {
    const known = this.#underWay.get(peer.name);
    if (known !== undefined) return await known;
    const comparison = this.#compare(peer).finally(() => this.#underWay.delete(peer.name));
    this.#underWay.set(peer.name, comparison);
    return await comparison;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const { cancel } of this.#timers.values()) cancel();
    this.#timers.clear();
    await Promise.allSettled(this.#underWay.values());
  }

  #interval(): number {
    return Math.round(this.#settings.interval * (0.8 + 0.4 * this.#tools.random.fraction()));
  }

  /** Plans the next comparison, unless one is planned earlier. */
  #schedule(system: SystemName, delay: number): void {
    if (this.#closing.signal.aborted || this.#settings.interval === 0) return;
    const { clock, log, peers } = this.#tools;
    const at = later(clock.monotonic(), delay);
    const planned = this.#timers.get(system);
    if (planned !== undefined && planned.at <= at) return;
    planned?.cancel();
    const cancel = clock.schedule(delay, () => {
      this.#timers.delete(system);
      const peer = peers.get(system);
      if (peer === undefined) return;
      void this.compare(peer)
        .catch((error: unknown) => {
          log.error({ peer: system, reason: describeError(error) }, 'partner not compared');
        })
        .finally(() => {
          this.#schedule(system, this.#interval());
        });
    });
    this.#timers.set(system, { at, cancel });
  }

  async #compare(peer: Peer): Promise<Reconciled> {
    const { clock, log } = this.#tools;
    const counts = { equal: 0, marked: 0, unknown: 0 };
    let silent = 0;
    let brokenOff = false;
    for (const name of await this.#namesInOrder(peer.name)) {
      brokenOff = silent >= silences || this.#closing.signal.aborted;
      if (brokenOff) break;
      const groupId = groupIdOfName(name);
      if (groupId === undefined) continue;
      const comparison = await this.#compareGroup(peer, name, groupId);
      this.#reached.set(peer.name, name);
      if (comparison === 'unreachable') silent = silences;
      else {
        counts[comparison] += 1;
        silent = comparison === 'unknown' ? silent + 1 : 0;
      }
      await this.#pause(1000 / this.#settings.rate);
    }
    const reconciled = { at: clock.now(), ...counts, brokenOff };
    this.#last.set(peer.name, reconciled);
    log.info({ peer: peer.name, ...counts, brokenOff }, 'partner compared');
    return reconciled;
  }

  /** What the partner was told of, from the one behind the last that was compared. */
  async #namesInOrder(system: SystemName): Promise<readonly DocumentName[]> {
    const { documents } = this.#tools;
    const told = [terms.delivered(system), terms.withdrawn(system)];
    const names = new Set<DocumentName>();
    for (const term of told) for await (const key of documents.keysOf(term)) names.add(key);
    const sorted = await sortedBy(
      [...names],
      (name) => name,
      () => documents.turn(),
    );
    return rotated(sorted, this.#reached.get(system));
  }

  async #compareGroup(peer: Peer, name: DocumentName, groupId: GroupId): Promise<Comparison> {
    const { documents } = this.#tools;
    const known = (await documents.find(name))?.state.deliveries[peer.name];
    if (known === undefined || (known.status !== 'delivered' && known.status !== 'withdrawn')) return 'equal';
    let answer: PeerAnswer;
    try {
      answer = await this.#ask(peer, groupId, known);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return error instanceof NoConnection ? 'unreachable' : 'unknown';
    }
    const difference = differenceIn(known, answer);
    if (difference === 'none') return 'equal';
    if (difference === 'unknown') return 'unknown';
    await this.#mark(peer.name, name, known, difference);
    return 'marked';
  }

  /**
   * What the partner says that it holds. The answer to a HEAD has no body in which a GMS could show itself
   * that has no header fields of ours; then the group is asked for, and for an absence the capabilities.
   */
  async #ask(peer: Peer, groupId: GroupId, { status, partnerETag }: Delivery): Promise<PeerAnswer> {
    const { peerClient } = this.#tools;
    const condition = partnerETag === null ? {} : { 'If-None-Match': partnerETag };
    const { signal } = this.#closing;
    const short = await peerClient.headGroup({ peer, share, groupId, condition, signal });
    if (short.own || !answersAGroup(short)) return short;
    const long = await peerClient.getGroup({ peer, share, groupId, condition, signal });
    if (long.own || status === 'withdrawn' || ![404, 410].includes(long.status)) return long;
    return { ...long, own: await peerClient.isXcapServer(peer, share, signal) };
  }

  /** The group is pending again, unless something else is owed by now. */
  async #mark(
    system: SystemName,
    name: DocumentName,
    compared: Delivery,
    { etag }: { readonly etag: string | null },
  ): Promise<void> {
    await this.#tools.documents.amend(name, ({ state }) => {
      const known = state.deliveries[system];
      if (known?.change !== compared.change) return undefined;
      return { ...state, deliveries: { ...state.deliveries, [system]: differing(known, etag) } };
    });
    this.#tools.wake(name);
  }

  /** Waits, unless the system closes. */
  async #pause(milliseconds: number): Promise<void> {
    using ending = new Ending(this.#tools.clock, milliseconds, this.#closing.signal);
    const { signal } = ending;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
  }
}

/** Whether it may be about the group: it is there, or it is not; or the peer knows no HEAD. */
function answersAGroup({ status }: PeerAnswer): boolean {
  return [200, 304, 404, 405, 410, 501].includes(status);
}

/** What the partner holds instead of what it should: a copy under another tag, or none. */
function differenceIn(
  { status, partnerETag }: Delivery,
  answer: PeerAnswer,
): 'none' | 'unknown' | { readonly etag: string | null } {
  if (!answer.own) return 'unknown';
  const isThere = answer.status === 200 || answer.status === 304;
  const isGone = answer.status === 404 || answer.status === 410;
  if (!isThere && !isGone) return 'unknown';
  if (status === 'withdrawn') return isGone ? 'none' : { etag: answer.etag ?? null };
  if (isGone) return { etag: null };
  if (answer.status === 304 || answer.etag === partnerETag || answer.etag === undefined) return 'none';
  return { etag: answer.etag };
}
