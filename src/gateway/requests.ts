import type { IncomingHttpHeaders } from 'node:http';
import type { GroupId } from '../base/identifiers.js';
import type { Log } from '../base/log.js';
import { assertedUri } from '../auth/asserted-identity.js';
import { groupIdOfName, groupMediaType, groupsAuid, nameOfGroup } from '../groups/usage.js';
import type { GatewayRoutes, RoutedGms } from './routes.js';
import {
  NoAnswer,
  NoAnswerInTime,
  type Outbound,
  type OutboundAnswer,
  type OutboundRequest,
} from '../outbound/client.js';
import { resultMediaType } from '../interconnection/result/result.js';
import {
  BadGateway,
  BadRequest,
  Forbidden,
  MethodNotAllowed,
  NotFound,
  RequestRefused,
  ServiceUnavailable,
} from '../base/refusals.js';
import { essence, mediaTypes } from '../xcap/media-types.js';
import { documentName, isFolder, parseRequestUri } from '../xcap/request-uri.js';
import { errorAnswer } from '../http/errors.js';
import { accepts } from '../http/media-type.js';
import type { RequestHandler, XcapAnswer, XcapRequest } from '../http/messages.js';
import { refusalWithResult } from '../http/xcap/peer-requests.js';

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

const methods: readonly string[] = ['GET', 'HEAD', 'PUT', 'DELETE'];

/** Request fields that go through as they came. */
const requestFields = ['accept', 'content-type', 'if-match', 'if-none-match'] as const;

/** Statuses of refusals that go through; others are the business of whoever answered. */
const refusals = new Set([400, 403, 404, 405, 409, 410, 411, 412, 413, 414, 415, 422, 428, 429, 431]);
const failures = new Set([503, 507, 508]);

/** Media types of the bodies that explain a status. */
const explanations: readonly string[] = [resultMediaType, mediaTypes.error];

/** Every answer depends on who asks (design D16). */
const answerHeaders = {
  'Cache-Control': 'private, no-cache',
  Vary: 'Authorization, X-3GPP-Asserted-Identity',
} as const;

/** The request came back, or came through too many gateways (RFC 5842 clause 7.2). */
class LoopDetected extends RequestRefused {
  readonly status = 508;
}

/** The server behind or beyond did not answer in time. */
class GatewayTimeout extends RequestRefused {
  readonly status = 504;
}

/** Whoever asks, where admitted: what its URIs begin with, and where its requests go. */
interface Admitted {
  /** Its name, for the log. */
  readonly from: string;
  /** Path of the XCAP root that it addresses. */
  readonly root: string;
  /** @throws NotFound where nobody has the group */
  destinationOf(groupId: GroupId): Destination;
}

interface Destination {
  /** Its name, for the log. */
  readonly to: string;
  /** Its XCAP root URL. */
  readonly root: string;
  /** What is asserted to it. */
  readonly identity: string;
}

/** One direction of a gateway. */
export interface Direction {
  /** @throws Forbidden where the identity is not one of those that may ask, NotFound */
  admit(identity: string | undefined, target: string): Admitted;
  /** What no body that goes this way back may spell. */
  readonly hidden: readonly string[];
}

export interface GatewayGms extends RoutedGms {
  readonly identity: string;
  readonly root: string;
}

export interface GatewayPeer {
  readonly name: string;
  readonly identity: string;
  readonly root?: string | undefined;
}

/** From peers to our GMSs. */
export function inward(
  root: string,
  peers: readonly GatewayPeer[],
  servers: readonly GatewayGms[],
  routes: GatewayRoutes<GatewayGms>,
): Direction {
  const known = new Map(peers.map((peer) => [peer.identity, peer]));
  return {
    admit(identity) {
      const peer = known.get(identity ?? '');
      if (peer === undefined) throw new Forbidden('only interconnected MC systems are answered here');
      return {
        from: peer.name,
        root,
        destinationOf(groupId) {
          const gms = routes.gmsOf(groupId);
          if (gms === undefined) throw new NotFound('there is no such group');
          return { to: gms.name, root: gms.root, identity: peer.identity };
        },
      };
    },
    hidden: servers.flatMap((gms) => addressesOf(gms.root)),
  };
}

/** From our GMSs to peers, to which all of them are `identity`. */
export function outward(
  root: string,
  identity: string,
  peers: readonly GatewayPeer[],
  servers: readonly GatewayGms[],
): Direction {
  const ours = new Map(servers.map((gms) => [gms.identity, gms]));
  return {
    admit(asserted, target) {
      const gms = ours.get(asserted ?? '');
      if (gms === undefined) throw new Forbidden('only our own GMSs are answered here');
      const peer = peers.find(({ name }) => target.startsWith(`${root}/${name}/`));
      if (peer?.root === undefined) throw new NotFound('there is no such peer');
      const destination = { to: peer.name, root: peer.root, identity };
      return { from: gms.name, root: `${root}/${peer.name}`, destinationOf: () => destination };
    },
    hidden: [],
  };
}

/** How text spells an XCAP root: its authority as in a URL, host and port, and its path. */
function addressesOf(root: string): readonly string[] {
  const { host, hostname, port, pathname } = new URL(root);
  const path = pathname.replace(/\/$/, '');
  return [`//${hostname}`, ...(port === '' ? [] : [host]), ...(path === '' ? [] : [`${path}/`])];
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
      throw error instanceof NoAnswerInTime ? new GatewayTimeout(unavailable) : new BadGateway(unavailable);
    } finally {
      this.#underWay.set(root, (this.#underWay.get(root) ?? 1) - 1);
    }
  }
}

const unavailable = 'the MC system cannot answer at present';

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

function fieldsThrough(headers: IncomingHttpHeaders): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const name of requestFields) {
    const value = headers[name];
    if (value !== undefined) fields[name] = value;
  }
  return fields;
}

/** What whoever asked gets of an answer. @throws BadGateway, GatewayTimeout */
function answerThrough(method: string, answer: OutboundAnswer, hidden: readonly string[]): XcapAnswer {
  const { status, headers } = answer;
  const type = headers['content-type'] ?? '';
  const tag = headers.etag === undefined ? {} : { ETag: headers.etag };
  if (method === 'GET' && status === 200) {
    if (essence(type) !== groupMediaType) throw new BadGateway(unavailable);
    return { status, headers: { ...tag, 'Content-Type': typeThrough(type) }, body: answer.body };
  }
  if (method === 'GET' && status === 304) return { status, headers: tag };
  const explanation = explanationThrough(answer, hidden);
  if (method !== 'GET' && [200, 201, 204].includes(status)) {
    // A 204 cannot carry a Result, and we never send one (design D16).
    return through(status === 204 ? 200 : status, { ...tag }, explanation);
  }
  if (refusals.has(status) || failures.has(status)) {
    const allow = status === 405 ? { Allow: methods.join(', ') } : {};
    return through(status, { ...tag, ...allow, ...retryAfter(headers) }, explanation);
  }
  if (status === 504) throw new GatewayTimeout(unavailable);
  throw new BadGateway(unavailable);
}

function through(
  status: number,
  headers: Readonly<Record<string, string>>,
  explanation: Explanation | undefined,
): XcapAnswer {
  if (explanation === undefined) return { status, headers };
  return { status, headers: { ...headers, 'Content-Type': explanation.type }, body: explanation.body };
}

interface Explanation {
  readonly type: string;
  readonly body: Buffer;
}

/** The Result or xcap-error of an answer, where it spells no address of the inside. */
function explanationThrough(
  { headers, body }: OutboundAnswer,
  hidden: readonly string[],
): Explanation | undefined {
  const type = headers['content-type'] ?? '';
  if (!explanations.includes(essence(type))) return undefined;
  const text = body.toString('latin1').toLowerCase();
  return hidden.some((address) => text.includes(address.toLowerCase()))
    ? undefined
    : { type: typeThrough(type), body };
}

/** A media type as it came; of parameters, a charset alone. */
function typeThrough(type: string): string {
  return /^[^;]+(?:;\s*charset="?[\w.-]{1,40}"?\s*)?$/i.test(type) ? type : essence(type);
}

/** The Retry-After field (RFC 9110 clause 10.2.3), where it makes sense. */
function retryAfter(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const value = headers['retry-after'] ?? '';
  const sound = /^(?:\d{1,10}|[A-Z][a-z]{2}, [\w :]{1,40} GMT)$/.test(value);
  return sound ? { 'Retry-After': value } : {};
}
