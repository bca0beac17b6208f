import { assertedUri } from '../auth/asserted-identity.js';
import type { GroupId } from '../base/identifiers.js';
import type { Log } from '../base/log.js';
import { Places } from '../base/places.js';
import {
  BadRequest,
  Forbidden,
  MethodNotAllowed,
  NotFound,
  RequestRefused,
  ServiceUnavailable,
} from '../base/refusals.js';
import { trimField } from '../base/text.js';
import { groupIdOfName, groupsAuid, nameOfGroup } from '../groups/names.js';
import { framed, perRequester } from '../http/frame.js';
import {
  assertedIdentity,
  type RequestHandler,
  type XcapAnswer,
  type XcapRequest,
} from '../http/messages.js';
import { NoAnswer, type Outbound, type OutboundAnswer, type OutboundRequest } from '../outbound/client.js';
import { mediaTypes } from '../xcap/media-types.js';
import { documentName, isFolder, parseRequestUri } from '../xcap/request-uri.js';
import type { Destination, Direction } from './directions.js';
import { ownAnswer } from './own-answer.js';
import { answerThrough, capabilitiesThrough, fieldsThrough, methods, refusalOf } from './passage.js';

/**
 * The gateway between the GMSs of an MC system and other MC systems (TS 23.280 clauses 5.2.10.7 and
 * 10.2.7): it forwards requests about groups, and neither side learns more of the other than this. The two
 * directions are in directions.ts.
 *
 * Subtle: what goes through is listed in passage.ts, in both directions, and everything else stays behind. So
 * nothing has to be recognised in order to be hidden: no header field, status or body that is not listed
 * reaches the other side.
 *
 * A loop is found by the hops field: each gateway adds a random token of its own, the same for both
 * directions, and refuses with 508 what holds it already. A legitimate request never comes back.
 *
 * How many requests are on their way to one server is bounded, and shared out by who asks (design D21). A requester
 * who is gone frees its place at once: its request goes no further.
 */

/** The field that lists the gateways that a request came through. */
export const hopsField = 'X-MCGMS-Hops';

/** The capabilities document below an XCAP root. */
const capabilities = 'xcap-caps/global/index';

const readMethods: readonly string[] = ['GET', 'HEAD'];

/** Which part of the places at a server each requester keeps for itself, whatever the others hold: 1 in so many. */
const reservedPart = 8;

/** The most gateways that a request may have come through. */
const mostHops = 8;

/** The request came back, or came through too many gateways (RFC 5842 clause 7.2). */
class LoopDetected extends RequestRefused {
  readonly status = 508;
}

export interface GatewayTools {
  readonly client: Outbound;
  readonly log: Log;
  /** The token of this gateway among hops. */
  readonly instance: string;
  /** How many requests to one server are on their way at a time. */
  readonly parallel: number;
  /** The most octets of a request-target. */
  readonly targetLength: number;
}

/** Forwards requests in one direction. */
export class GatewayRequests implements RequestHandler {
  /** Answers any request; never throws. */
  readonly handle: RequestHandler['handle'];
  readonly #direction: Direction;
  readonly #tools: GatewayTools;
  /** The places at each server, by its root; held by requesters, by name. */
  readonly #places = new Map<string, Places<string>>();

  constructor(direction: Direction, tools: GatewayTools) {
    this.#direction = direction;
    this.#tools = tools;
    this.handle = framed((request) => this.#answer(request), {
      write: ownAnswer,
      headers: perRequester,
      log: tools.log,
    });
  }

  /** The steps of every request: hops, identity, URI, method and route, body, forwarding, answer. */
  async #answer(request: XcapRequest): Promise<XcapAnswer> {
    const hops = this.#nextHops(request);
    const asserted = assertedUri(assertedIdentity(request) ?? '');
    const admitted = this.#direction.admit(asserted, request.target);
    const { capabilitiesOf, from, root } = admitted;
    if (capabilitiesOf !== undefined && request.target === `${root}/${capabilities}`) {
      return await this.#capabilities(request, hops, from, capabilitiesOf);
    }
    const groupId = groupIdOf(request.target, admitted.root, this.#tools.targetLength);
    let destination: Destination;
    try {
      if (!methods.includes(request.method)) throw new MethodNotAllowed(methods);
      destination = admitted.destinationOf(groupId);
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error;
      const { status, message: reason } = error;
      this.#tools.log.info({ from: admitted.from, group: groupId, status, reason }, 'request refused');
      throw error;
    }
    const body = request.method === 'PUT' ? await request.readBody() : undefined;
    const outgoing: Outgoing = {
      method: request.method === 'PUT' || request.method === 'DELETE' ? request.method : 'GET',
      url: `${destination.root}/${nameOfGroup(groupId)}`,
      headers: {
        ...fieldsThrough(request.headers),
        'X-3GPP-Asserted-Identity': destination.identity,
        [hopsField]: hops,
      },
      ...(body === undefined ? {} : { body }),
    };
    const fields = { from: admitted.from, to: destination.to, group: groupId, method: request.method };
    const answer = await this.#forward(outgoing, destination, fields, request.gone());
    this.#tools.log.info({ ...fields, status: answer.status }, 'request forwarded');
    return answerThrough(outgoing.method, answer, this.#direction.hidden);
  }

  /** The capabilities document of a peer. @throws MethodNotAllowed, BadGateway, GatewayTimeout */
  async #capabilities(
    { method, gone }: XcapRequest,
    hops: string,
    from: string,
    to: Destination,
  ): Promise<XcapAnswer> {
    if (!readMethods.includes(method)) throw new MethodNotAllowed(readMethods);
    const outgoing: Outgoing = {
      method: 'GET',
      url: `${to.root}/${capabilities}`,
      headers: { Accept: mediaTypes.caps, 'X-3GPP-Asserted-Identity': to.identity, [hopsField]: hops },
    };
    return capabilitiesThrough(await this.#forward(outgoing, to, { from, to: to.to }, gone()));
  }

  /** The hops of a request and this gateway. @throws LoopDetected, or BadRequest for a list that no gateway writes */
  #nextHops({ headers }: XcapRequest): string {
    const { instance, log } = this.#tools;
    const value = headers[hopsField.toLowerCase()];
    if (value === undefined) return instance;
    const hops = String(value).split(',').map(trimField);
    const loop = (reason: string): LoopDetected => {
      log.warn({ reason }, 'loop of gateways');
      return new LoopDetected(reason);
    };
    if (hops.includes(instance)) throw loop('the request came back');
    if (hops.length >= mostHops) throw loop('the request came through too many gateways');
    if (!hops.every((hop) => /^[A-Za-z0-9_-]{16,64}$/.test(hop))) {
      throw new BadRequest(`${hopsField} is malformed`);
    }
    return [...hops, instance].join(', ');
  }

  /** @throws ServiceUnavailable, GatewayTimeout, BadGateway */
  async #forward(
    outgoing: Outgoing,
    { root }: Destination,
    fields: { readonly from: string; readonly to: string },
    gone: AbortSignal,
  ): Promise<OutboundAnswer> {
    const { client, log } = this.#tools;
    const { from } = fields;
    const places = this.#placesAt(root);
    if (!places.take(from)) {
      log.warn(fields, 'too many requests under way');
      throw new ServiceUnavailable('too many requests are under way', 1);
    }
    try {
      return await client.send({ ...outgoing, lane: { to: root, purpose: `for ${from}` } }, gone);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const reason = gone.aborted ? 'the requester is gone' : error.message;
      log.warn({ ...fields, reason }, 'request not answered');
      throw refusalOf(error);
    } finally {
      places.release(from);
    }
  }

  #placesAt(root: string): Places<string> {
    const { parallel } = this.#tools;
    const reserve = Math.max(1, Math.floor(parallel / reservedPart));
    const places = this.#places.get(root) ?? new Places({ each: parallel, all: parallel, reserve });
    this.#places.set(root, places);
    return places;
  }
}

/** What is sent, but for whose connections it takes. */
type Outgoing = Omit<OutboundRequest, 'lane'>;

/**
 * The group ID that a request-target names as a whole document.
 *
 * @throws BadRequest, UriTooLong, NotFound, Forbidden
 */
function groupIdOf(target: string, root: string, targetLength: number): GroupId {
  const { document, node, query } = parseRequestUri(target, root, targetLength);
  const groupId =
    document.auid === groupsAuid && document.path.length === 2 && !isFolder(document)
      ? groupIdOfName(documentName(document))
      : undefined;
  if (groupId === undefined) throw new NotFound('only groups by group ID are here');
  if (node !== undefined || query !== '') throw new Forbidden('peers address whole documents by group ID');
  return groupId;
}
