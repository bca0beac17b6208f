import { BoundedCache } from '../../base/bounded-cache.js';
import { later, type Clock, type MonotonicTime } from '../../base/clock.js';
import { describeError } from '../../base/errors.js';
import { Ending } from '../../base/ending.js';
import type { GroupId, SystemName } from '../../base/identifiers.js';
import type { Log } from '../../base/log.js';
import { SingleFlight } from '../../base/single-flight.js';
import { TokenBucket } from '../../base/token-bucket.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Documents } from '../../documents/documents.js';
import { groupMediaType, nameOfGroup } from '../../groups/names.js';
import { BadGateway, NotFound, PreconditionFailed, ServiceUnavailable } from '../../base/refusals.js';
import { essence, mediaTypes } from '../../xcap/media-types.js';
import {
  bytesOf,
  exceptPagesOfProxies,
  UnusableAnswer,
  NoAnswer,
  type Outbound,
  type OutboundAnswer,
} from '../../outbound/client.js';
import { type Peer, type Peers } from '../../mc-systems/peers.js';
import { groupUrl } from '../peer-client.js';
import { type Receiver } from './receiver.js';
import { type Fetched, type FetchWatch } from './provision.js';
import { ProvisionRefused } from './provision.js';
import { resultMediaType } from '../result/result.js';

/**
 * The partner requests group configuration from the primary (TS 23.280 clause 10.2.7.3): an entitled
 * requester of this system asked for a group that is not stored here, and a configured primary is its
 * home. Requesters of one group share one attempt, which ends at a deadline of its own. A refusal is
 * remembered for a while, so that repeated misses cost the primary nothing. Requests to one primary come
 * at a bounded rate, so that invented group IDs cost it little.
 *
 * Groups that are held are asked for again on a schedule (revalidation.ts), with the primary's tag, so
 * that nothing depends on one message having arrived (design D7). What the primary pushes in the meantime
 * is at least as new as its answer, and stands.
 */

export interface RequestSettings {
  /** The identity that we assert to peers. */
  readonly identity: string;
  /** Milliseconds that a requester waits in all. */
  readonly fetchDeadline: number;
  /** Milliseconds that a refusal is remembered. */
  readonly refusalMemory: number;
  /** Requests a second to one primary because of misses; twice as many at once. */
  readonly fetchRate: number;
}

/** The outcome of asking the primary again for a group. */
export type Refreshed =
  | 'unchanged'
  | 'updated'
  /** The primary has deleted the group, and the copy is removed. */
  | 'gone'
  /** The primary does not give us the group: the copy stays until the primary withdraws it. */
  | 'refused'
  /** The primary does not answer, or cannot at present. */
  | 'unavailable'
  /** Its answer makes no sense, or our policy fails on it; the copy stays as it was. */
  | 'unusable'
  | 'not-held';

interface Tools {
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly client: Outbound;
  readonly documents: Pick<Documents, 'find'>;
  readonly receiver: Pick<Receiver, 'store' | 'watch' | 'refresh' | 'withdraw'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The statuses with which a primary refuses to give a group. */
const refusals: readonly number[] = [403, 404, 410];

/** How many refusals are remembered at most. */
const refusalsKept = 10_000;

/** Seconds after which a client may try again when the primary did not answer. */
const retryAfter = 10;

export class Requester {
  readonly #tools: Tools;
  readonly #settings: RequestSettings;
  readonly #flights = new SingleFlight<void>();
  readonly #refused = new BoundedCache<GroupId, MonotonicTime>(refusalsKept);
  readonly #rates = new Map<SystemName, TokenBucket>();

  constructor(tools: Tools, settings: RequestSettings) {
    this.#tools = tools;
    this.#settings = settings;
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
   * @throws NotFound where no primary can be asked or it refuses
   * @throws BadGateway where its answer makes no sense
   * @throws ServiceUnavailable where it does not answer in time
   */
  async fetch(groupId: GroupId): Promise<void> {
    const peer = this.primaryOf(groupId);
    if (peer === undefined || this.#wasRefused(groupId)) throw new NotFound('there is no such group');
    await this.#flights.run(groupId, async () => {
      if (!this.#rateOf(peer).take()) {
        throw new ServiceUnavailable('too many groups are being fetched', 1);
      }
      await this.#fetch(peer, groupId);
    });
  }

  /**
   * Asks the primary whether a group that is held has changed, and takes the change. Never throws because of
   * an answer, or of none.
   */
  async refresh(groupId: GroupId): Promise<Refreshed> {
    const { documents, log, receiver } = this.#tools;
    const received = (await documents.find(nameOfGroup(groupId)))?.state.received ?? undefined;
    const peer = this.primaryOf(groupId);
    if (received === undefined || peer?.name !== received.system) return 'not-held';
    const fields = { peer: peer.name, group: groupId };
    try {
      const condition = received.upstreamETag === null ? {} : { 'If-None-Match': received.upstreamETag };
      const answer = await this.#ask(peer, groupId, condition);
      const { status, headers } = answer;
      if (status === 304 && received.upstreamETag !== null) return 'unchanged';
      if (status === 403) return this.#told(fields, 'refused');
      if (status === 404 || status === 410) {
        const ifMatch = [{ weak: false, opaque: received.etag as string }];
        await receiver.withdraw(peer.name, groupId, { ifMatch, ifNoneMatch: undefined });
        return this.#told(fields, 'gone');
      }
      if (status === 429 || status >= 500) return this.#told(fields, 'unavailable');
      if (status !== 200 || essence(headers['content-type'] ?? '') !== groupMediaType) {
        return this.#told(fields, 'unusable');
      }
      const upstreamETag = headers.etag ?? null;
      const incoming = { system: peer.name, groupId, bytes: bytesOf(answer), upstreamETag };
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

  #rateOf(peer: Peer): TokenBucket {
    const { fetchRate } = this.#settings;
    const known = this.#rates.get(peer.name);
    const bucket = known ?? new TokenBucket({ rate: fetchRate, burst: 2 * fetchRate }, this.#tools.clock);
    this.#rates.set(peer.name, bucket);
    return bucket;
  }

  /** Step 2 of clause 10.2.7.3, within the deadline. @throws NoAnswer, UnusableAnswer */
  async #ask(
    peer: Peer,
    groupId: GroupId,
    condition: Readonly<Record<string, string>> = {},
  ): Promise<OutboundAnswer> {
    const { client, clock } = this.#tools;
    using ending = new Ending(clock, this.#settings.fetchDeadline);
    const headers = {
      Accept: `${groupMediaType}, ${resultMediaType}, ${mediaTypes.error}`,
      'X-3GPP-Asserted-Identity': this.#settings.identity,
      ...condition,
    };
    const request = { method: 'GET', url: groupUrl(peer, groupId), headers } as const;
    return exceptPagesOfProxies(await client.send(request, ending.signal), refusals);
  }

  #wasRefused(groupId: GroupId): boolean {
    const until = this.#refused.get(groupId);
    return until !== undefined && until > this.#tools.clock.monotonic();
  }

  async #fetch(peer: Peer, groupId: GroupId): Promise<void> {
    const { log, receiver } = this.#tools;
    const fields = { peer: peer.name, group: groupId };
    using watch = receiver.watch(groupId);
    let answer: OutboundAnswer;
    try {
      answer = await this.#ask(peer, groupId);
    } catch (error) {
      throw error instanceof NoAnswer ? this.#unanswered(peer, groupId, error) : error;
    }
    const { status } = answer;
    if (refusals.includes(status)) {
      this.#refused.set(groupId, later(this.#tools.clock.monotonic(), this.#settings.refusalMemory), 1);
      log.info({ ...fields, status }, 'the primary MC system refuses the group');
      throw new NotFound('there is no such group');
    }
    if (status === 429 || status >= 500) {
      log.warn({ ...fields, status }, 'the primary MC system cannot answer');
      throw new ServiceUnavailable('the group cannot be fetched at present', retryAfter);
    }
    const outcome = await this.#take(peer, groupId, answer, watch);
    log.info({ ...fields, outcome }, 'group information fetched');
    if (outcome === 'withdrawn-meanwhile') throw new NotFound('there is no such group');
  }

  /** Steps 3 to 5: checks the answer and stores what policy makes of it. */
  async #take(peer: Peer, groupId: GroupId, answer: OutboundAnswer, watch: FetchWatch): Promise<Fetched> {
    const contentType = essence(answer.headers['content-type'] ?? '');
    if (answer.status !== 200 || contentType !== groupMediaType) {
      throw this.#nonsense(peer, groupId, `status ${answer.status}, ${contentType}`);
    }
    if (answer.body.kind === 'unusable') throw this.#unanswered(peer, groupId, answer.body.fault);
    const upstreamETag = answer.headers.etag ?? null;
    const incoming = { system: peer.name, groupId, bytes: answer.body.bytes, upstreamETag };
    try {
      return await this.#tools.receiver.store(incoming, watch);
    } catch (error) {
      if (!(error instanceof ProvisionRefused)) throw error;
      if (error.stage === 'reception') throw this.#nonsense(peer, groupId, error.message);
      this.#tools.log.warn(
        { peer: peer.name, group: groupId, reason: error.message },
        'fetched group not stored',
      );
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

  #nonsense(peer: Peer, groupId: GroupId, reason: string): BadGateway {
    this.#tools.log.warn(
      { peer: peer.name, group: groupId, reason: describeError(reason) },
      'the answer of the primary MC system is unusable',
    );
    return new BadGateway('the group cannot be fetched', reason);
  }
}
