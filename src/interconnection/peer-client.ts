import type { GroupId } from '../base/identifiers.js';
import { groupMediaType, nameOfGroup } from '../groups/names.js';
import type { Peer } from '../mc-systems/peers.js';
import { exceptPagesOfProxies, type Outbound, type OutboundRequest } from '../outbound/client.js';
import { essence, mediaTypes } from '../xcap/media-types.js';
import { resultMediaType } from './result/result.js';

/**
 * The client side of CSC-16: every request to a peer is put together here, and whatever all of them must
 * carry or heed belongs here too.
 */

/** The condition of a request, as header fields (RFC 9110 clause 13.1). */
export type Condition = Readonly<Partial<Record<'If-Match' | 'If-None-Match', string>>>;

/** One request about one group. */
export interface PeerRequest {
  readonly peer: Peer;
  readonly groupId: GroupId;
  readonly condition?: Condition;
  /** The statuses that count only where the peer itself says them, and no proxy on the way. */
  readonly ownWords: readonly number[];
  /** Ends the request early. */
  readonly signal: AbortSignal;
}

/** What a peer answered. */
export interface PeerAnswer {
  readonly status: number;
  /** The type of `body`, in lower case and without parameters; empty where the peer names none. */
  readonly mediaType: string;
  readonly etag: string | undefined;
  /** The field value of Retry-After. */
  readonly retryAfter: string | undefined;
  readonly body: Buffer;
}

const acceptsGroup = [groupMediaType, resultMediaType, mediaTypes.error].join(', ');
const acceptsResult = [resultMediaType, groupMediaType, mediaTypes.error].join(', ');

/**
 * Sends group information to peers and requests it of them. Every method throws NoAnswer where the peer
 * itself gives no answer, and UnusableAnswer where its answer cannot be read.
 */
export class PeerClient {
  readonly #client: Outbound;
  readonly #identity: string;

  /** @param identity the identity that we assert to peers */
  constructor(client: Outbound, identity: string) {
    this.#client = client;
    this.#identity = identity;
  }

  /** Group information request (TS 23.280 table 10.2.2.z-1). */
  async getGroup(request: PeerRequest): Promise<PeerAnswer> {
    return await this.#send('GET', request, { Accept: acceptsGroup });
  }

  /** Group information provision request (TS 23.280 table 10.2.2.x-1). */
  async putGroup(request: PeerRequest, body: string): Promise<PeerAnswer> {
    return await this.#send('PUT', request, { Accept: acceptsResult, 'Content-Type': groupMediaType }, body);
  }

  /** Withdraws a group that was provided (design D7). */
  async deleteGroup(request: PeerRequest): Promise<PeerAnswer> {
    return await this.#send('DELETE', request, { Accept: acceptsResult });
  }

  async #send(
    method: OutboundRequest['method'],
    { peer, groupId, condition, ownWords, signal }: PeerRequest,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<PeerAnswer> {
    const asserted = { 'X-3GPP-Asserted-Identity': this.#identity };
    const request = {
      method,
      url: groupUrl(peer, groupId),
      headers: { ...asserted, ...headers, ...condition },
    };
    const answer = await this.#client.send(body === undefined ? request : { ...request, body }, signal);
    const { status, headers: fields, body: content } = exceptPagesOfProxies(answer, ownWords);
    const mediaType = essence(fields['content-type'] ?? '');
    return { status, mediaType, etag: fields.etag, retryAfter: fields['retry-after'], body: content };
  }
}

/** The URL of a group at `peer`: the group ID is one encoded segment and cannot leave it. */
function groupUrl({ root }: Peer, groupId: GroupId): string {
  return `${root}/${nameOfGroup(groupId)}`;
}
