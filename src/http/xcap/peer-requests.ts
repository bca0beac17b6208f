import type { Tell } from '../../audit/events.js';
import type { Clock } from '../../base/clock.js';
import type { DocumentName, GroupId, SystemName } from '../../base/identifiers.js';
import { shortened } from '../../base/text.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Documents } from '../../documents/documents.js';
import { groupIdOfName, groupMediaType, nameOfGroup } from '../../groups/names.js';
import {
  fieldOf,
  incarnationField,
  readIncarnation,
  tagField,
  withdrawalField,
} from '../../interconnection/csc-16-fields.js';
import type { GroupReadings } from '../../groups/reading.js';
import { formForPeer } from '../../interconnection/primary/form-for-peer.js';
import type { Peer, Peers } from '../../mc-systems/peers.js';
import type { Receiver } from '../../interconnection/partner/receiver.js';
import { ProvisionRefused } from '../../interconnection/partner/provision.js';
import {
  provisionFailed,
  provisionSucceeded,
  reasonOf,
  resultMediaType,
  type Result,
} from '../../interconnection/result/result.js';
import { writeResult } from '../../interconnection/result/write-result.js';
import { Forbidden, MethodNotAllowed, RequestRefused } from '../../base/refusals.js';
import { ConstraintFailure } from '../../xcap/conflicts.js';
import { formatETag, parseConditions } from '../../xcap/preconditions.js';
import { refusalAnswer } from '../errors.js';
import { accepts, checkCharset, checkMediaType } from '../media-type.js';
import type { XcapAnswer, XcapRequest } from '../messages.js';
import { readAnswer } from './representation.js';
import type { Resource } from './resource.js';

/**
 * Requests of peer GMSs over CSC-16 (TS 23.280 clause 10.2.7; design D5): PUT is the group information
 * provision request, GET the group information request, and DELETE withdraws a group. Peers address groups by
 * group ID and as whole documents only. Where a peer's `Accept` names the Result document, that is the body of
 * every answer to a PUT and of every refusal; a peer that does not ask for it gets plain XCAP.
 */

interface Tools {
  readonly clock: Pick<Clock, 'now'>;
  readonly documents: Documents;
  readonly readings: GroupReadings;
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly receiver: Receiver;
  /** Called when a peer has been heard of, before its request is judged. */
  readonly heard: (system: SystemName, incarnation: string | undefined) => void;
  /** The incarnation of our own store. */
  readonly incarnation: string;
  /** Called for every provision and withdrawal that was refused. */
  readonly tell: Tell;
}

export class PeerRequests {
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /** Answers a peer's request about a group. @throws Forbidden where it names no group */
  async handle(request: XcapRequest, peer: Peer, resource: Resource): Promise<XcapAnswer> {
    this.#tools.heard(peer.name, readIncarnation(fieldOf(request.headers, incarnationField)));
    const groupId = groupIdOfName(resource.name);
    if (groupId === undefined) throw new Forbidden('peers address whole documents by group ID');
    return await this.#signed(await this.#answerTo(request, peer, resource, groupId), peer, resource.name);
  }

  /** The answer to a peer, with the incarnation of our store: so it shows who gave it. Its tag stands there twice. */
  named(answer: XcapAnswer): XcapAnswer {
    const { ETag: etag } = answer.headers;
    const tag = etag === undefined ? {} : { [tagField]: etag };
    return { ...answer, headers: { ...answer.headers, [incarnationField]: this.#tools.incarnation, ...tag } };
  }

  async #answerTo(
    request: XcapRequest,
    peer: Peer,
    resource: Resource,
    groupId: GroupId,
  ): Promise<XcapAnswer> {
    const misaddressed = new Forbidden('peers address whole documents by group ID');
    try {
      if (resource.node !== undefined) throw misaddressed;
      switch (request.method) {
        case 'PUT':
          return await this.#provide(request, peer, groupId);
        case 'DELETE':
          return await this.#withdraw(request, peer, groupId);
        case 'POST':
          throw new MethodNotAllowed(['GET', 'HEAD', 'PUT', 'DELETE']);
        default:
          return await this.#answer(request, peer, groupId);
      }
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error;
      this.#tellRefusal(request.method, peer, groupId, error);
      const told = peer.reportModifications ? withDetails(error) : error;
      if (!accepts(request, resultMediaType)) return refusalAnswer(told);
      return refusalWithResult(request.method, groupId, told);
    }
  }

  /** What every answer to a peer says of us: which store we have, and which withdrawal of the group we remember. */
  async #signed(answer: XcapAnswer, peer: Peer, name: DocumentName): Promise<XcapAnswer> {
    const signed = this.named(answer);
    // What has a tag is there, and nothing is remembered of its withdrawal.
    if (answer.headers['ETag'] !== undefined) return signed;
    const tombstone = (await this.#tools.documents.find(name))?.state.tombstone;
    if (tombstone?.system !== peer.name) return signed;
    return { ...signed, headers: { ...signed.headers, [withdrawalField]: formatETag(tombstone.etag) } };
  }

  #tellRefusal(method: string, peer: Peer, groupId: GroupId, error: RequestRefused): void {
    if (method !== 'PUT' && method !== 'DELETE') return;
    const stage = error instanceof ProvisionRefused ? error.stage : null;
    const { status, phrase, message } = error instanceof ProvisionRefused ? error.refusal : error;
    this.#tools.tell({
      event: 'refused',
      peer: peer.name,
      group: groupId,
      method,
      status,
      stage,
      // Peers read a neutral phrase about the modification; the operator reads what is wrong.
      reason: stage === 'modification' ? `${phrase}: ${message}` : phrase,
    });
  }

  /** Clause 10.2.7.3: the group information response. */
  async #answer(request: XcapRequest, peer: Peer, groupId: GroupId): Promise<XcapAnswer> {
    const { documents } = this.#tools;
    const conditions = parseConditions(request.headers);
    const form = formForPeer(peer.name, groupId, await documents.find(nameOfGroup(groupId)), this.#tools);
    const part = {
      type: groupMediaType,
      body: documents.bytesOf(form),
      lastModified: documents.lastModifiedOf(form),
    };
    return readAnswer(conditions, form, part, this.#tools.clock.now());
  }

  /** Clause 10.2.7.2: the group information provision response, sent after storage. */
  async #provide(request: XcapRequest, peer: Peer, groupId: GroupId): Promise<XcapAnswer> {
    if (!peer.accept) throw new Forbidden('group information of your MC system is not accepted here');
    const conditions = parseConditions(request.headers);
    checkMediaType(request, groupMediaType);
    const bytes = await request.readBody();
    checkCharset(request, bytes);
    const { created, received } = await this.#tools.receiver.provide(
      {
        system: peer.name,
        groupId,
        bytes,
        upstreamETag: null,
        gone: request.gone,
        ...followsOf(request),
      },
      conditions,
    );
    const answer = { status: created ? 201 : 200, headers: { ETag: formatETag(received.etag) } };
    if (!accepts(request, resultMediaType)) return answer;
    const told = peer.reportModifications ? received.modifications : undefined;
    return withResult(answer, provisionSucceeded(groupId, told, received.omitted));
  }

  async #withdraw(request: XcapRequest, peer: Peer, groupId: GroupId): Promise<XcapAnswer> {
    await this.#tools.receiver.withdraw(peer.name, groupId, parseConditions(request.headers));
    return { status: 200, headers: {} };
  }
}

/** How much of what a policy says goes into an answer, in UTF-16 code units. */
const detailsLength = 500;

/** `error` with what went wrong in its phrase, where a policy could not be applied: for a peer that is told. */
function withDetails(error: RequestRefused): RequestRefused {
  if (!(error instanceof ProvisionRefused) || error.stage !== 'modification') return error;
  const { phrase, message } = error.refusal;
  if (!(error.refusal instanceof ConstraintFailure) || message === phrase) return error;
  const told = `${phrase}: ${shortened(message, detailsLength)}`;
  return new ProvisionRefused(error.stage, new ConstraintFailure(told));
}

/** Which withdrawal a provision follows, where the primary says. */
function followsOf({ headers }: XcapRequest): { readonly follows?: string } {
  const follows = fieldOf(headers, withdrawalField);
  return follows === undefined ? {} : { follows };
}

function withResult(answer: XcapAnswer, result: Result): XcapAnswer {
  const headers = { ...answer.headers, 'Content-Type': resultMediaType };
  return { ...answer, headers, body: writeResult(result) };
}

/** The answer to a peer's request that was refused, where the peer wants a Result. */
export function refusalWithResult(method: string, groupId: GroupId, error: RequestRefused): XcapAnswer {
  const provision = error instanceof ProvisionRefused ? error : undefined;
  const refused = provision?.refusal ?? error;
  const reason = reasonOf(refused);
  const result: Result =
    method === 'PUT'
      ? provisionFailed(groupId, provision?.stage ?? 'reception', reason)
      : { kind: 'request', groupId, reason };
  return withResult(refusalAnswer(refused), result);
}
