import type { Clock } from '../base/clock.js';
import type { GroupId, SystemName } from '../base/identifiers.js';
import { groupMediaType, nameOfGroup } from '../groups/names.js';
import type { Peer } from '../mc-systems/peers.js';
import type { AnswerBody, Outbound, OutboundRequest } from '../outbound/client.js';
import type { Lane } from '../outbound/lanes.js';
import { essence, mediaTypes } from '../xcap/media-types.js';
import { fieldOf, incarnationField, readIncarnation, tagField, withdrawalField } from './csc-16-fields.js';
import { readRetryAfter, wordsOf, type PeerWords, type WordTools } from './peer-words.js';
import { readPeerList } from './peer-list.js';
import { resultMediaType } from './result/result.js';

/**
 * The client side of CSC-16: every request to a peer is put together here, and whatever all of them must
 * carry or heed belongs here too. Every answer says whether the peer itself gave it (peer-words.ts).
 */

/** The condition of a request, as header fields. */
export type Condition = Readonly<
  Partial<Record<'If-Match' | 'If-None-Match' | typeof withdrawalField, string>>
>;

/**
 * What a request to a peer is for. Each purpose has connections of its own to each peer, so that none waits for
 * another (design D21).
 */
export type Purpose =
  | 'delivery'
  | 'reconciliation'
  | 'revalidation'
  /** A group is missing that a user or an MC service server wants. */
  | 'fetch of a user'
  | 'fetch of an MC service server'
  /** An operator asked for it. */
  | 'operation';

/** Which share of the connections to a peer a request takes. */
export interface Share {
  readonly purpose: Purpose;
  /** On whose behalf, where many share a purpose. */
  readonly holder?: string;
}

/** One request about one group. */
export interface PeerRequest {
  readonly peer: Peer;
  readonly share: Share;
  readonly groupId: GroupId;
  readonly condition?: Condition;
  /** Ends the request early. */
  readonly signal: AbortSignal;
}

/** What a peer answered. */
export interface PeerAnswer extends PeerWords {
  readonly status: number;
  /** The type of `body`, in lower case and without parameters; empty where the peer names none. */
  readonly mediaType: string;
  /** The entity tag, where it is a strong one: no other serves as a condition of a change. */
  readonly etag: string | undefined;
  /** The tag of the withdrawal that the peer remembers; null where it remembers none, undefined where none tells. */
  readonly withdrawalTag: string | null | undefined;
  /** Milliseconds that the peer asks us to wait. */
  readonly retryAfter: number | undefined;
  readonly body: AnswerBody;
}

/** A peer's answer about its list. */
export interface PeerListAnswer {
  readonly status: number;
  /** Undefined where it gives no list that can be read. */
  readonly groups: readonly GroupId[] | undefined;
}

export interface PeerClientOptions extends WordTools {
  /** The identity that we assert to peers. */
  readonly identity: string;
  /** The incarnation of our own store. */
  readonly incarnation: string;
  readonly clock: Pick<Clock, 'now'>;
  /** To be told of the incarnation that a peer names in an answer. */
  readonly onIncarnation: (peer: SystemName, incarnation: string) => void;
}

const acceptsGroup = [groupMediaType, resultMediaType, mediaTypes.error].join(', ');
const acceptsResult = [resultMediaType, groupMediaType, mediaTypes.error].join(', ');

/** The directory of the global tree (OMA XDM Core clause 6.7.2). */
const directory = 'org.openmobilealliance.xcap-directory/global/directory.xml';

/** The folder of an XCAP server that every one has (RFC 4825 clause 12). */
const capabilities = 'xcap-caps/global/index';

/**
 * Sends group information to peers and requests it of them. Every method throws NoAnswer where none came.
 */
export class PeerClient {
  readonly #client: Outbound;
  readonly #options: PeerClientOptions;

  constructor(client: Outbound, options: PeerClientOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Group information request (TS 23.280 table 10.2.2.z-1). */
  async getGroup(request: PeerRequest): Promise<PeerAnswer> {
    return await this.#send('GET', request, { Accept: acceptsGroup });
  }

  /** Asks which tag the peer's copy has, without the copy. */
  async headGroup(request: PeerRequest): Promise<PeerAnswer> {
    return await this.#send('HEAD', request, { Accept: acceptsGroup });
  }

  /** Group information provision request (TS 23.280 table 10.2.2.x-1). */
  async putGroup(request: PeerRequest, body: string): Promise<PeerAnswer> {
    return await this.#send('PUT', request, { Accept: acceptsResult, 'Content-Type': groupMediaType }, body);
  }

  /** Withdraws a group that was provided (design D7). */
  async deleteGroup(request: PeerRequest): Promise<PeerAnswer> {
    return await this.#send('DELETE', request, { Accept: acceptsResult });
  }

  /**
   * Whether an XCAP server stands at the peer's root that has no words of its own: it has a capabilities
   * document (RFC 4825 clause 12), which no proxy makes up. A GMS that names its incarnation does so in this
   * answer as well: what came without it about a group was not its own.
   */
  async isXcapServer(peer: Peer, share: Share, signal: AbortSignal): Promise<boolean> {
    const headers = { ...this.#ownFields, Accept: mediaTypes.caps };
    const lane = laneOf(peer, share);
    const request = { lane, method: 'GET', url: `${peer.root}/${capabilities}`, headers } as const;
    const { status, headers: fields } = await this.#client.send(request, signal);
    const isCaps = status === 200 && essence(fields['content-type'] ?? '') === mediaTypes.caps;
    return isCaps && fieldOf(fields, incarnationField) === undefined;
  }

  /** Asks for the peer's list of the groups that it shares with us (peer-list.ts). */
  async getList(peer: Peer, share: Share, signal: AbortSignal): Promise<PeerListAnswer> {
    const headers = { ...this.#ownFields, Accept: mediaTypes.directory };
    const lane = laneOf(peer, share);
    const request = { lane, method: 'GET', url: `${peer.root}/${directory}`, headers } as const;
    const { status, headers: fields, body } = await this.#client.send(request, signal);
    const isList = status === 200 && essence(fields['content-type'] ?? '') === mediaTypes.directory;
    const bytes = isList && body.kind === 'whole' ? body.bytes : undefined;
    return { status, groups: bytes && readPeerList(bytes, this.#options) };
  }

  get #ownFields(): Readonly<Record<string, string>> {
    const { identity, incarnation } = this.#options;
    return { 'X-3GPP-Asserted-Identity': identity, [incarnationField]: incarnation };
  }

  async #send(
    method: OutboundRequest['method'],
    { peer, share, groupId, condition, signal }: PeerRequest,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<PeerAnswer> {
    const { clock, onIncarnation } = this.#options;
    const request = {
      lane: laneOf(peer, share),
      method,
      url: groupUrl(peer, groupId),
      headers: { ...this.#ownFields, ...headers, ...condition },
    };
    const answer = await this.#client.send(body === undefined ? request : { ...request, body }, signal);
    const { status, headers: fields } = answer;
    const incarnation = readIncarnation(fieldOf(fields, incarnationField));
    const spoken = {
      method,
      status,
      mediaType: essence(fields['content-type'] ?? ''),
      etag: strongTag(fields.etag) ?? strongTag(fieldOf(fields, tagField)),
      incarnation,
      body: answer.body.kind === 'whole' ? answer.body.bytes : Buffer.alloc(0),
    };
    if (incarnation !== undefined) onIncarnation(peer.name, incarnation);
    const { mediaType, etag } = spoken;
    return {
      status,
      mediaType,
      etag,
      ...wordsOf(spoken, groupId, this.#options),
      // Where our other field comes through, so would this one.
      withdrawalTag:
        strongTag(fieldOf(fields, withdrawalField)) ?? (incarnation === undefined ? undefined : null),
      retryAfter: readRetryAfter(fields['retry-after'], clock.now()),
      body: answer.body,
    };
  }
}

/** The tag where it is a strong entity tag (RFC 9110 clause 8.8.3). */
function strongTag(value: string | undefined): string | undefined {
  return value !== undefined && /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(value) ? value : undefined;
}

function laneOf({ name }: Peer, share: Share): Lane {
  return { to: name, ...share };
}

/** The URL of a group at `peer`: the group ID is one encoded segment and cannot leave it. */
function groupUrl({ root }: Peer, groupId: GroupId): string {
  return `${root}/${nameOfGroup(groupId)}`;
}
