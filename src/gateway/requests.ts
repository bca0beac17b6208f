import type { IncomingHttpHeaders } from 'node:http';
import type { GroupId } from '../base/identifiers.js';
import type { Log } from '../base/log.js';
import { assertedUri } from '../auth/asserted-identity.js';
import { groupIdOfName, groupsAuid, nameOfGroup } from '../groups/names.js';
import { NoAnswer, type Outbound, type OutboundAnswer, type OutboundRequest } from '../outbound/client.js';
import { resultMediaType } from '../interconnection/result/result.js';
import {
  BadRequest,
  Forbidden,
  MethodNotAllowed,
  NotFound,
  RequestRefused,
  ServiceUnavailable,
} from '../base/refusals.js';
import { documentName, isFolder, parseRequestUri } from '../xcap/request-uri.js';
import { errorAnswer } from '../http/errors.js';
import { accepts } from '../http/media-type.js';
import type { RequestHandler, XcapAnswer, XcapRequest } from '../http/messages.js';
import { refusalWithResult } from '../http/xcap/peer-requests.js';
import { answerThrough, fieldsThrough, methods, refusalOf } from './passage.js';
import type { Direction, Destination } from './directions.js';

/**
 * The gateway between the GMSs of an MC system and other MC systems (TS 23.280 clauses 5.2.10.7 and
 * 10.2.7): it forwards requests about groups, and neither side learns more of the other than this.
 *
 *   inward:  a peer asks at our XCAP root; its group ID says which GMS gets the request
 *   outward: one of our GMSs asks at {root}/{name of the peer}; the peer gets the request. Not the home
 *            of the group decides, because what we provide is homed here
 *
 * Steps: hops → identity → URI → method → route → body → forward → answer.
 *
 * Subtle: what goes through is listed, in both directions, and everything else stays behind. So nothing
 * has to be recognised in order to be hidden: no header field, status or body that this page does not
 * name reaches the other side. Of the bodies that are named, documents are the peers' business; Results
 * and xcap-errors are our GMSs' own words, and are dropped where they spell an address of the inside.
 *
 * A loop is found by the hops field: each gateway adds a random token of its own, the same for both
 * directions, and refuses with 508 what holds it already. A legitimate request never comes back.
 */

/** The field that lists the gateways that a request came through. */
export const hopsField = 'X-MCGMS-Hops';

/** The most gateways that a request may have come through. */
const mostHops = 8;

/** Every answer depends on who asks (design D16). */
const answerHeaders = {
  'Cache-Control': 'private, no-cache',
  Vary: 'Authorization, X-3GPP-Asserted-Identity',
} as const;

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
  readonly #direction: Direction;
  readonly #tools: GatewayTools;
  readonly #underWay = new Map<string, number>();

  constructor(direction: Direction, tools: GatewayTools) {
    this.#direction = direction;
    this.#tools = tools;
  }

  async handle(request: XcapRequest): Promise<XcapAnswer> {
    let answer: XcapAnswer;
    try {
      answer = await this.#route(request);
    } catch (error) {
      if (error instanceof LoopDetected) this.#tools.log.warn({ reason: error.message }, 'loop of gateways');
      answer = errorAnswer(error, this.#tools.log);
    }
    return { ...answer, headers: { ...answerHeaders, ...answer.headers } };
  }

  async #route(request: XcapRequest): Promise<XcapAnswer> {
    const { instance, targetLength } = this.#tools;
    const hops = nextHops(request.headers, instance);
    const admitted = this.#direction.admit(
      assertedUri(oneValue(request.headers['x-3gpp-asserted-identity'])),
      request.target,
    );
    const groupId = groupIdOf(request.target, admitted.root, targetLength);
    let destination: Destination;
    try {
      if (!methods.includes(request.method)) throw new MethodNotAllowed(methods);
      destination = admitted.destinationOf(groupId);
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error;
      const { status, message: reason } = error;
      this.#tools.log.info({ from: admitted.from, group: groupId, status, reason }, 'request refused');
      if (!accepts(request, resultMediaType)) throw error;
      return refusalWithResult(request.method, groupId, error);
    }
    const body = request.method === 'PUT' ? await request.readBody() : undefined;
    const outgoing: OutboundRequest = {
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
    const answer = await this.#forward(outgoing, destination, fields);
    this.#tools.log.info({ ...fields, status: answer.status }, 'request forwarded');
    return answerThrough(outgoing.method, answer, this.#direction.hidden);
  }

  /** @throws ServiceUnavailable, GatewayTimeout, BadGateway */
  async #forward(
    outgoing: OutboundRequest,
    { root }: Destination,
    fields: { readonly from: string; readonly to: string },
  ): Promise<OutboundAnswer> {
    const { client, log, parallel } = this.#tools;
    const underWay = this.#underWay.get(root) ?? 0;
    if (underWay >= parallel) {
      log.warn(fields, 'too many requests under way');
      throw new ServiceUnavailable('too many requests are under way', 1);
    }
    this.#underWay.set(root, underWay + 1);
    try {
      return await client.send(outgoing);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      log.warn({ ...fields, reason: error.message }, 'request not answered');
      throw refusalOf(error);
    } finally {
      this.#underWay.set(root, (this.#underWay.get(root) ?? 1) - 1);
    }
  }
}

/** The hops of a request with ours. @throws LoopDetected, or BadRequest for a list that no gateway writes */
function nextHops(headers: IncomingHttpHeaders, instance: string): string {
  const value = headers[hopsField.toLowerCase()];
  if (value === undefined) return instance;
  const hops = String(value).split(/\s*,\s*/);
  if (hops.includes(instance)) throw new LoopDetected('the request came back');
  if (hops.length >= mostHops) throw new LoopDetected('the request came through too many gateways');
  if (!hops.every((hop) => /^[A-Za-z0-9_-]{16,64}$/.test(hop)))
    throw new BadRequest(`${hopsField} is malformed`);
  return [...hops, instance].join(', ');
}

function oneValue(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value : '';
}

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
