import { BoundedCache } from '../../base/bounded-cache.js';
import { later, type Clock, type MonotonicTime } from '../../base/clock.js';
import { Ending } from '../../base/ending.js';
import { describeError } from '../../base/errors.js';
import type { GroupId, SystemName } from '../../base/identifiers.js';
import type { Log } from '../../base/log.js';
import { BadGateway, NotFound, PreconditionFailed, ServiceUnavailable } from '../../base/refusals.js';
import { SingleFlight } from '../../base/single-flight.js';
import type { Documents } from '../../documents/documents.js';
import { groupMediaType, nameOfGroup } from '../../groups/names.js';
import { whoseRecord } from '../../groups/whose-record.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Peer, Peers } from '../../mc-systems/peers.js';
import { bytesOf, NoAnswer, UnusableAnswer } from '../../outbound/client.js';
import type { Condition, PeerAnswer, PeerClient } from '../peer-client.js';
import { endings } from '../result/not-provided.js';
import { FetchBudget, type Asker } from './fetch-budget.js';
import type { Fetched, FetchWatch } from './fetch-watch.js';
import { ProvisionRefused, type Incoming } from './provision.js';
import type { Receiver } from './receiver.js';

/**
 * The partner requests group configuration from the primary (TS 23.280 clause 10.2.7.3): an entitled
 * requester of this system asked for a group that is not stored here, and a configured primary is its
 * home. Requesters of one group share one attempt, which ends at a deadline of its own. A refusal is
 * remembered for a while, so that repeated misses cost the primary nothing. Requests to one primary come
 * at a bounded rate, so that invented group IDs cost it little, and in parts, so that they cost nobody else
 * the groups that exist (fetch-budget.ts).
 *
 * Groups that are held are asked for again on a schedule (revalidation.ts), with the primary's tag, so that
 * nothing depends on the arrival of one message (design D7). A form that the primary pushes meanwhile is at
 * least as new as its answer, and stays.
 */

export interface RequestSettings {
  /** Milliseconds that a requester waits in all. */
  readonly fetchDeadline: number;
  /** Milliseconds that a refusal is remembered. */
  readonly refusalMemory: number;
  /**
   * Requests per second to one primary for groups that are missing here, for users and for MC service servers
   * each; twice as many in a burst.
   */
  readonly fetchRate: number;
}

/** The outcome of asking the primary again for a group. */
export type Refreshed =
  | 'unchanged'
  | 'updated'
  /** The primary says itself that we are to hold the group no more, and the copy is removed. */
  | 'gone'
  /** The same, and the copy is still there, because the caller did not want it removed. */
  | 'ended'
  /** The primary does not give us the group, for a reason that leaves us the copy. */
  | 'refused'
  /** An answer came that is not the primary's own word (design D20): a proxy's, for instance. */
  | 'unconfirmed'
  /** The primary does not answer, or cannot at present. */
  | 'unavailable'
  /** Its answer makes no sense, or our policy fails on it; the copy stays as it was. */
  | 'unusable'
  /** We hold no such group of its primary, or may not ask for it. */
  | 'not-held';

interface Tools {
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly peerClient: Pick<PeerClient, 'getGroup' | 'isXcapServer'>;
  readonly documents: Pick<Documents, 'find'>;
  readonly receiver: Pick<Receiver, 'store' | 'watch' | 'refresh' | 'withdraw'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The statuses with which a primary refuses to give a group. */
const refusals: readonly number[] = [403, 404, 410];

/** How many refusals are remembered at most; one of a long group ID counts for as many as it has hundreds of characters. */
const refusalsKept = 10_000;

/** Seconds after which a client may try again when the primary did not answer. */
const retryAfter = 10;

export class Requester {
  readonly #tools: Tools;
  readonly #settings: RequestSettings;
  readonly #flights = new SingleFlight<void>();
  readonly #refused = new BoundedCache<GroupId, MonotonicTime>(refusalsKept);
  readonly #budget: FetchBudget;

  constructor(tools: Tools, settings: RequestSettings) {
    this.#tools = tools;
    this.#settings = settings;
    this.#budget = new FetchBudget(settings.fetchRate, tools.clock);
  }

  /** The peer that can be asked for a group, or undefined. */
  primaryOf(groupId: GroupId): Peer | undefined {
    const home = this.#tools.homes.homeOf(groupId);
    const peer = home === undefined ? undefined : this.#tools.peers.get(home);
    return peer?.request === true ? peer : undefined;
  }

  /**
   * Fetches and stores a group. Resolves once it is stored, or is found to list no member of this system.
   *
   * @param asker an operator is held up neither by a remembered refusal nor by the rate of requests
   * @throws NotFound where no primary can be asked or it refuses
   * @throws BadGateway where its answer makes no sense
   * @throws ServiceUnavailable where it does not answer in time
   */
  async fetch(groupId: GroupId, asker: Asker): Promise<void> {
    const peer = this.primaryOf(groupId);
    if (peer === undefined || (asker.kind !== 'operator' && this.#wasRefused(groupId)))
      throw new NotFound('there is no such group');
    // To share an attempt of others costs the primary nothing.
    if (!this.#flights.isUnderWay(groupId) && !this.#budget.take(peer.name, asker)) {
      throw new ServiceUnavailable('too many groups are being fetched', 1);
    }
    await this.#flights.run(groupId, () => this.#fetch(peer, groupId));
  }

  /** The partner's steps of clause 10.2.7.3; step 1 is the requester's, who waits for the group. */
  async #fetch(peer: Peer, groupId: GroupId): Promise<void> {
    const { log, receiver } = this.#tools;
    using watch = receiver.watch(groupId);
    // 2. This system requests the group of its primary.
    const answer = await this.#request(peer, groupId);
    // 3. The primary provides it.
    const incoming = this.#provided(peer, groupId, answer);
    // 4 and 5. It is modified by policy and stored. 6. MC service servers are notified, as of every commit.
    const outcome = await this.#store(incoming, watch);
    log.info({ peer: peer.name, group: groupId, outcome }, 'group information fetched');
    if (outcome === 'withdrawn-meanwhile') throw new NotFound('there is no such group');
  }

  /**
   * Asks the primary whether a group that is held has changed, and takes the change. Never throws because of
   * an answer, or of none.
   *
   * @param removes whether the copy is removed where the primary says that we are to hold it no more
   */
  async refresh(groupId: GroupId, removes: boolean): Promise<Refreshed> {
    const { documents, homes, log, receiver } = this.#tools;
    const received = (await documents.find(nameOfGroup(groupId)))?.received;
    const peer = this.primaryOf(groupId);
    if (received === undefined || peer === undefined) return 'not-held';
    if (whoseRecord(received.system, groupId, homes) !== 'of its primary') return 'not-held';
    const fields = { peer: peer.name, group: groupId };
    try {
      const condition = received.upstreamETag === null ? {} : { 'If-None-Match': received.upstreamETag };
      const answer = await this.#ask(peer, groupId, condition);
      const { status, mediaType, etag } = answer;
      if (status === 304 && answer.own && received.upstreamETag !== null) return 'unchanged';
      if (isEnding(answer)) {
        if (!removes) return this.#told(fields, 'ended');
        const ifMatch = [{ weak: false, opaque: received.etag as string }];
        await receiver.withdraw(peer.name, groupId, { ifMatch, ifNoneMatch: undefined });
        return this.#told(fields, 'gone');
      }
      if (status === 429 || status >= 500) return this.#told(fields, 'unavailable');
      if (!answer.own) return this.#told(fields, 'unconfirmed');
      if (refusals.includes(status)) return this.#told(fields, 'refused');
      if (status !== 200 || mediaType !== groupMediaType) return this.#told(fields, 'unusable');
      const incoming = {
        system: peer.name,
        groupId,
        bytes: bytesOf(answer),
        upstreamETag: etag ?? null,
      };
      const outcome = await receiver.refresh(incoming, received.etag);
      return outcome === 'updated' ? this.#told(fields, 'updated') : 'unchanged';
    } catch (error) {
      if (error instanceof UnusableAnswer) return this.#told(fields, 'unusable');
      if (error instanceof NoAnswer) return this.#told(fields, 'unavailable');
      // Something newer came while we asked.
      if (error instanceof PreconditionFailed) return 'unchanged';
      if (!(error instanceof ProvisionRefused)) throw error;
      log.warn({ ...fields, reason: error.message }, 'refreshed group not stored');
      return 'unusable';
    }
  }

  #told(fields: { readonly peer: SystemName; readonly group: GroupId }, outcome: Refreshed): Refreshed {
    this.#tools.log.info({ ...fields, outcome }, 'group information asked for again');
    return outcome;
  }

  /** A group information request, within the deadline. @throws NoAnswer, UnusableAnswer */
  async #ask(peer: Peer, groupId: GroupId, condition: Condition = {}): Promise<PeerAnswer> {
    const { clock, peerClient } = this.#tools;
    using ending = new Ending(clock, this.#settings.fetchDeadline);
    const request = { peer, groupId, condition, signal: ending.signal };
    return await peerClient.getGroup(request);
  }

  /** Whether an XCAP server stands at the primary's root, so that it may refuse without words of its own. */
  async #isXcapServer(peer: Peer): Promise<boolean> {
    const { clock, peerClient } = this.#tools;
    using ending = new Ending(clock, this.#settings.fetchDeadline);
    return await peerClient.isXcapServer(peer, ending.signal);
  }

  #wasRefused(groupId: GroupId): boolean {
    const until = this.#refused.get(groupId);
    return until !== undefined && until > this.#tools.clock.monotonic();
  }

  /** Step 2. @throws ServiceUnavailable, BadGateway */
  async #request(peer: Peer, groupId: GroupId): Promise<PeerAnswer> {
    try {
      const answer = await this.#ask(peer, groupId);
      if (answer.own || !refusals.includes(answer.status)) return answer;
      return { ...answer, own: await this.#isXcapServer(peer) };
    } catch (error) {
      throw error instanceof NoAnswer ? this.#unanswered(peer, groupId, error) : error;
    }
  }

  /** Step 3: the document that `answer` provides. @throws NotFound, ServiceUnavailable, BadGateway */
  #provided(peer: Peer, groupId: GroupId, answer: PeerAnswer): Incoming {
    const { status, mediaType, etag, body, own } = answer;
    const { clock, log } = this.#tools;
    const fields = { peer: peer.name, group: groupId, status };
    if (own && refusals.includes(status)) {
      this.#refused.set(
        groupId,
        later(clock.monotonic(), this.#settings.refusalMemory),
        Math.max(1, groupId.length / 100),
      );
      log.info(fields, 'the primary MC system refuses the group');
      throw new NotFound('there is no such group');
    }
    // A refusal that is not the primary's own word comes from something on the way, and may pass.
    if (refusals.includes(status) || status === 429 || status >= 500) {
      log.warn(fields, 'the primary MC system cannot answer');
      throw new ServiceUnavailable('the group cannot be fetched at present', retryAfter);
    }
    if (status !== 200 || mediaType !== groupMediaType) {
      throw this.#nonsense(peer, groupId, `status ${status}, ${mediaType}`);
    }
    if (body.kind === 'unusable') throw this.#unanswered(peer, groupId, body.fault);
    return { system: peer.name, groupId, bytes: body.bytes, upstreamETag: etag ?? null };
  }

  /** Steps 4 and 5. @throws ServiceUnavailable, BadGateway */
  async #store(incoming: Incoming, watch: FetchWatch): Promise<Fetched> {
    const { system, groupId } = incoming;
    try {
      return await this.#tools.receiver.store(incoming, watch);
    } catch (error) {
      if (!(error instanceof ProvisionRefused)) throw error;
      if (error.stage === 'reception') throw this.#nonsense({ name: system }, groupId, error.message);
      const fields = { peer: system, group: groupId, reason: error.message };
      this.#tools.log.warn(fields, 'fetched group not stored');
      throw new ServiceUnavailable('the group cannot be served at present', retryAfter, error.message);
    }
  }

  /** What a client is told where there is no answer, or none that can be used. */
  #unanswered(peer: Peer, groupId: GroupId, error: NoAnswer): BadGateway | ServiceUnavailable {
    if (error instanceof UnusableAnswer) return this.#nonsense(peer, groupId, error.message);
    const fields = { peer: peer.name, group: groupId, reason: error.message };
    this.#tools.log.warn(fields, 'the primary MC system does not answer');
    return new ServiceUnavailable('the group cannot be fetched at present', retryAfter, error.message);
  }

  #nonsense(peer: Pick<Peer, 'name'>, groupId: GroupId, reason: string): BadGateway {
    this.#tools.log.warn(
      { peer: peer.name, group: groupId, reason: describeError(reason) },
      'the answer of the primary MC system is unusable',
    );
    return new BadGateway('the group cannot be fetched', reason);
  }
}

/** Whether the primary itself says that its peer is to hold the group no more (design D16). */
function isEnding({ result }: PeerAnswer): boolean {
  const code = result?.kind === 'request' ? result.reason.code : undefined;
  return code !== undefined && endings.has(code);
}
