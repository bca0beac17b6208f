import type { Actor, Tell } from '../../audit/events.js';
import type { Clock } from '../../base/clock.js';
import type { GroupId, SystemName } from '../../base/identifiers.js';
import type { Log } from '../../base/log.js';
import { principalOf, type KnownIdentities } from '../../auth/asserted-identity.js';
import type { Counters } from '../../audit/counters.js';
import type { Deliveries } from '../../interconnection/primary/deliveries.js';
import type { Orphans } from '../../interconnection/operations/orphans.js';
import type { Overview } from '../../interconnection/operations/overview.js';
import type { Peer, Peers } from '../../mc-systems/peers.js';
import type { Rederivation } from '../../interconnection/partner/rederivation.js';
import type { Refetcher } from '../../interconnection/operations/refetcher.js';
import type { Shares } from '../../interconnection/sharing/shares.js';
import type { Verifier } from '../../interconnection/operations/verifier.js';
import { BadRequest, Forbidden, MethodNotAllowed, NotFound, UriTooLong } from '../../base/refusals.js';
import { originForm } from '../../xcap/request-uri.js';
import { oneValue, type RequestHandler, type XcapAnswer, type XcapRequest } from '../messages.js';
import {
  deliveredGroupJson,
  orphanJson,
  partnerJson,
  progressJson,
  receivedGroupJson,
  refetchedJson,
  shareJson,
  verificationJson,
} from './json.js';
import { Conflict, problemAnswer } from '../problem.js';
import { groupNamed, quoted, readGroup, readPage } from './queries.js';

/**
 * What operators see and do: JSON resources beside the XCAP root, for administrators alone. Who asks is
 * judged before anything else, so that nobody else learns even which resources there are; a body is read
 * last. Errors are problem details (RFC 9457). Nothing here may be kept by a cache.
 */

export interface OperationsTools {
  readonly known: KnownIdentities;
  readonly peers: Peers;
  readonly overview: Overview;
  readonly deliveries: Pick<Deliveries, 'retry'>;
  readonly refetcher: Refetcher;
  readonly verifier: Verifier;
  readonly shares: Shares;
  readonly orphans: Orphans;
  readonly rederivation: Pick<Rederivation, 'progress'>;
  readonly counters: Counters;
  /** How many lines of the audit log were lost and not yet told of. */
  readonly auditLost: () => number;
  readonly tell: Tell;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

export interface OperationsSettings {
  /** Path below which the resources stand, without a slash at its end. */
  readonly path: string;
  readonly targetLength: number;
}

/** A request of an administrator, and what its path names. */
interface Call {
  readonly request: XcapRequest;
  readonly actor: Actor;
  /** The variable segments of the path, decoded. */
  readonly names: readonly string[];
  readonly query: URLSearchParams;
}

type Handler = (call: Call) => Promise<XcapAnswer> | XcapAnswer;

interface Route {
  /** Segments of the path; `{…}` stands for any one segment. */
  readonly path: string;
  readonly handlers: Readonly<Record<string, Handler>>;
}

export class Operations implements RequestHandler {
  readonly #tools: OperationsTools;
  readonly #settings: OperationsSettings;
  readonly #startedAt: number;
  readonly #routes: readonly Route[] = [
    { path: '', handlers: { GET: () => this.#index() } },
    { path: 'peers', handlers: { GET: () => this.#peers() } },
    { path: 'peers/{name}', handlers: { GET: (call) => this.#peer(call) } },
    { path: 'peers/{name}/retry', handlers: { POST: (call) => this.#retry(call) } },
    { path: 'peers/{name}/refetch', handlers: { POST: (call) => this.#refetch(call) } },
    { path: 'peers/{name}/verify', handlers: { GET: (call) => this.#verify(call) } },
    { path: 'shares', handlers: { GET: () => this.#sharesList() } },
    {
      path: 'shares/{group}/{name}',
      handlers: { PUT: (call) => this.#share(call), DELETE: (call) => this.#unshare(call) },
    },
    { path: 'orphans', handlers: { GET: () => this.#orphansList() } },
    { path: 'orphans/{group}', handlers: { DELETE: (call) => this.#removeOrphan(call) } },
    { path: 'policies/progress', handlers: { GET: () => this.#progress() } },
    { path: 'counters', handlers: { GET: () => this.#counters() } },
  ];

  constructor(tools: OperationsTools, settings: OperationsSettings) {
    this.#tools = tools;
    this.#settings = settings;
    this.#startedAt = tools.clock.now();
  }

  /** Ends what is under way. */
  close(): void {
    this.#tools.verifier.close();
    this.#tools.refetcher.close();
  }

  /** Whether a request-target is one of ours. */
  owns(target: string): boolean {
    const { path } = this.#settings;
    const rest = originForm(target);
    return rest.startsWith(path) && ['', '/', '?'].includes(rest.slice(path.length, path.length + 1));
  }

  async handle(request: XcapRequest): Promise<XcapAnswer> {
    let answer: XcapAnswer;
    try {
      answer = await this.#route(request);
    } catch (error) {
      answer = problemAnswer(error, this.#tools.log);
    }
    return { ...answer, headers: { 'Cache-Control': 'no-store', ...answer.headers } };
  }

  async #route(request: XcapRequest): Promise<XcapAnswer> {
    const principal = principalOf(oneValue(request.headers['x-3gpp-asserted-identity']), this.#tools.known);
    if (principal.kind !== 'administrator') throw new Forbidden('this is for administrators');
    const { targetLength } = this.#settings;
    if (request.target.length > targetLength) {
      throw new UriTooLong(`the request-target has more than ${targetLength} octets`);
    }
    const { segments, query } = this.#parse(request.target);
    for (const { path, handlers } of this.#routes) {
      const names = match(path, segments);
      if (names === undefined) continue;
      const allowed = Object.keys(handlers).flatMap((method) =>
        method === 'GET' ? ['GET', 'HEAD'] : [method],
      );
      const handler = handlers[request.method === 'HEAD' ? 'GET' : request.method];
      if (handler === undefined || !allowed.includes(request.method)) throw new MethodNotAllowed(allowed);
      const actor = { by: principal.kind, identity: principal.identity };
      return await handler({ request, actor, names, query });
    }
    throw new NotFound(
      'there is no such resource; GET ' + this.#settings.path + ' lists those that there are',
    );
  }

  /** The decoded segments below our path, and the query. @throws BadRequest */
  #parse(target: string): { readonly segments: readonly string[]; readonly query: URLSearchParams } {
    const rest = originForm(target).slice(this.#settings.path.length);
    const question = rest.indexOf('?');
    const path = question < 0 ? rest : rest.slice(0, question);
    const query = new URLSearchParams(question < 0 ? '' : rest.slice(question + 1));
    try {
      const segments = path.replace(/^\//, '').split('/').map(decodeURIComponent);
      return { segments, query };
    } catch {
      throw new BadRequest('the URI has a bad percent-encoding');
    }
  }

  #index(): XcapAnswer {
    const resources = this.#routes.flatMap(({ path, handlers }) =>
      path === '' ? [] : [{ path: `${this.#settings.path}/${path}`, methods: Object.keys(handlers) }],
    );
    return json(200, { resources });
  }

  async #peers(): Promise<XcapAnswer> {
    return json(200, { peers: (await this.#tools.overview.partners()).map(partnerJson) });
  }

  async #peer({ names: [name = ''], query }: Call): Promise<XcapAnswer> {
    const { overview } = this.#tools;
    const { limit, status, after, receivedAfter } = readPage(query);
    const partner = (await overview.partners()).find((one) => (one.name as string) === name);
    if (partner === undefined) throw noSuchPeer(name);
    const groups = await overview.deliveredTo(partner.name, { after, limit }, status);
    const received = await overview.receivedFrom(partner.name, { after: receivedAfter, limit });
    return json(200, {
      ...partnerJson(partner),
      groups: { leftOut: groups.left, items: groups.items.map(deliveredGroupJson) },
      receivedGroups: { leftOut: received.left, items: received.items.map(receivedGroupJson) },
    });
  }

  async #retry({ request, actor, names: [name = ''] }: Call): Promise<XcapAnswer> {
    const peer = this.#peerNamed(name);
    const group = await readGroup(request);
    const groups = await this.#tools.deliveries.retry(peer.name, group);
    this.#told(actor, 'retry', peer.name, group, `${groups} tried`);
    return json(200, { peer: peer.name, group: group ?? null, tried: groups });
  }

  async #refetch({ request, actor, names: [name = ''] }: Call): Promise<XcapAnswer> {
    const peer = this.#peerNamed(name);
    const group = await readGroup(request);
    const refetched = await this.#tools.refetcher.refetch(peer.name, group);
    const counts = Object.entries(refetched.outcomes).map(([outcome, count]) => `${count} ${outcome}`);
    this.#told(actor, 'refetch', peer.name, group, counts.join(', ') || 'nothing is held');
    return json(200, { peer: peer.name, group: group ?? null, ...refetchedJson(refetched) });
  }

  async #verify({ actor, names: [name = ''] }: Call): Promise<XcapAnswer> {
    const peer = this.#peerNamed(name);
    const verification = await this.#tools.verifier.verify(peer);
    const { counts, notCompared } = verification;
    const told = Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []));
    if (notCompared > 0) told.push(`${notCompared} not compared`);
    this.#told(actor, 'verify', peer.name, undefined, told.join(', ') || 'nothing is shared');
    return json(200, { peer: peer.name, ...verificationJson(verification) });
  }

  async #sharesList(): Promise<XcapAnswer> {
    const shares = await this.#tools.shares.list();
    return json(200, { shares: shares.slice(0, longestList).map(shareJson), ...leftOut(shares) });
  }

  async #share({ actor, names: [id = '', name = ''] }: Call): Promise<XcapAnswer> {
    const group = groupNamed(id);
    const outcome = await this.#tools.shares.share(group, name as SystemName);
    switch (outcome) {
      case 'no-such-peer':
        throw noSuchPeer(name);
      case 'no-such-group':
        throw new NotFound(`there is no group ${group}`);
      case 'not-ours':
        throw new Conflict(`the group ${group} is not defined in this MC system: only its own can be shared`);
      case 'shared':
        this.#told(actor, 'share', name, group, outcome);
        return json(201, { group, peer: name, outcome });
      case 'was-shared':
        return json(200, { group, peer: name, outcome });
    }
  }

  async #unshare({ actor, names: [id = '', name = ''] }: Call): Promise<XcapAnswer> {
    const group = groupNamed(id);
    const outcome = await this.#tools.shares.unshare(group, name);
    switch (outcome) {
      case 'by-configuration':
        throw new Conflict(`the configuration shares the group ${group} with ${name}: see peers[].groups`);
      case 'not-shared':
        throw new NotFound(`the group ${group} is not shared with ${quoted(name)} by name`);
      case 'withdrawn':
      case 'still-concerned':
        this.#told(actor, 'unshare', name, group, outcome);
        return json(200, { group, peer: name, outcome });
    }
  }

  async #orphansList(): Promise<XcapAnswer> {
    const orphans = await this.#tools.orphans.list();
    return json(200, { orphans: orphans.slice(0, longestList).map(orphanJson), ...leftOut(orphans) });
  }

  async #removeOrphan({ actor, names: [id = ''] }: Call): Promise<XcapAnswer> {
    const group = groupNamed(id);
    const system = await this.#tools.orphans.remove(group);
    if (system === undefined) throw new NotFound(`there is no orphaned group ${group}`);
    this.#told(actor, 'remove-orphan', system, group, 'removed');
    return json(200, { group, peer: system, outcome: 'removed' });
  }

  #progress(): XcapAnswer {
    return json(200, progressJson(this.#tools.rederivation.progress()));
  }

  #counters(): XcapAnswer {
    const { auditLost, counters } = this.#tools;
    return json(200, {
      since: new Date(this.#startedAt).toISOString(),
      peers: Object.fromEntries(counters.view),
      audit: { lost: auditLost() },
    });
  }

  #peerNamed(name: string): Peer {
    const peer = this.#tools.peers.get(name as SystemName);
    if (peer === undefined) throw noSuchPeer(name);
    return peer;
  }

  #told(actor: Actor, operation: string, peer: string, group: GroupId | undefined, outcome: string): void {
    this.#tools.tell({ event: 'operation', ...actor, operation, peer, group: group ?? null, outcome });
    this.#tools.log.info({ operation, peer, group, outcome }, 'the operator has asked');
  }
}

/** The variable segments where `segments` are of the form `path`. */
function match(path: string, segments: readonly string[]): readonly string[] | undefined {
  const wanted = path.split('/');
  if (wanted.length !== segments.length) return undefined;
  const names: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const pattern = wanted[index] ?? '';
    if (pattern.startsWith('{') && segment !== '') names.push(segment);
    else if (pattern !== segment) return undefined;
  }
  return names;
}

function json(status: number, value: unknown): XcapAnswer {
  return {
    status,
    headers: { 'Content-Type': 'application/json' },
    body: `${JSON.stringify(value, null, 2)}\n`,
  };
}

/** How many entries a list holds that has no pages. */
const longestList = 10_000;

function leftOut(list: readonly unknown[]): { readonly leftOut: number } {
  return { leftOut: Math.max(0, list.length - longestList) };
}

function noSuchPeer(name: string): NotFound {
  return new NotFound(`no peer is called ${quoted(name)}`);
}
