import type { Actor, Tell } from '../../audit/events.js';
import type { Clock } from '../../base/clock.js';
import type { GroupId, SystemName } from '../../base/identifiers.js';
import type { Log } from '../../base/log.js';
import { principalOf, type KnownIdentities } from '../../auth/asserted-identity.js';
import type { Counters } from '../../audit/counters.js';
import type { Documents } from '../../documents/documents.js';
import type { Deliveries } from '../../interconnection/primary/deliveries.js';
import type { Orphans } from '../../interconnection/operations/orphans.js';
import type { Overview } from '../../interconnection/operations/overview.js';
import type { Peer, Peers } from '../../mc-systems/peers.js';
import type { Rederivation } from '../../interconnection/partner/rederivation.js';
import type { Revalidation } from '../../interconnection/partner/revalidation.js';
import type { Refetcher } from '../../interconnection/operations/refetcher.js';
import type { Repairer } from '../../interconnection/operations/repairer.js';
import type { Shares } from '../../interconnection/sharing/shares.js';
import type { Verifier } from '../../interconnection/operations/verifier.js';
import { Forbidden, NotFound } from '../../base/refusals.js';
import { framed, notStored } from '../frame.js';
import { assertedIdentity, type RequestHandler, type XcapAnswer, type XcapRequest } from '../messages.js';
import { Conflict, problemAnswer } from '../problem.js';
import { Router, type Call as CallOf, type RouterSettings } from '../router.js';
import {
  deliveredGroupJson,
  orphanJson,
  partnerJson,
  progressJson,
  quotasJson,
  receivedGroupJson,
  refetchedJson,
  repairedJson,
  revalidationJson,
  shareJson,
  verificationJson,
} from './json.js';
import { groupNamed, quoted, readGroup, readPage } from './queries.js';

/**
 * What operators see and do: JSON resources beside the XCAP root, for administrators alone. The requester is
 * judged before anything else, so that others do not even learn which resources there are; a body is read
 * last. Refusals are problem details (RFC 9457). No cache may keep an answer.
 */

export interface OperationsTools {
  readonly known: KnownIdentities;
  readonly peers: Peers;
  readonly overview: Overview;
  readonly deliveries: Pick<Deliveries, 'retry' | 'resend' | 'forget'>;
  readonly revalidation: Pick<Revalidation, 'acceptRemovals'>;
  readonly refetcher: Refetcher;
  readonly verifier: Verifier;
  readonly repairer: Repairer;
  readonly shares: Shares;
  readonly orphans: Orphans;
  readonly rederivation: Pick<Rederivation, 'progress'>;
  readonly counters: Counters;
  readonly documents: Pick<Documents, 'quotas'>;
  /** How many lines of the audit log were lost and are not yet reported there. */
  readonly auditLost: () => number;
  readonly tell: Tell;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/** A request of an administrator. */
type Call = CallOf<Actor>;

export class Operations implements RequestHandler {
  readonly handle: RequestHandler['handle'];
  readonly #tools: OperationsTools;
  readonly #startedAt: number;
  readonly #router: Router<Actor>;

  constructor(tools: OperationsTools, settings: RouterSettings) {
    this.#tools = tools;
    this.#startedAt = tools.clock.now();
    this.#router = new Router<Actor>(
      [
        { path: '', handlers: { GET: () => this.#index() } },
        { path: 'peers', handlers: { GET: () => this.#peers() } },
        {
          path: 'peers/{name}',
          handlers: { GET: (call) => this.#peer(call), DELETE: (call) => this.#forget(call) },
        },
        { path: 'peers/{name}/retry', handlers: { POST: (call) => this.#retry(call) } },
        { path: 'peers/{name}/resend', handlers: { POST: (call) => this.#resend(call) } },
        { path: 'peers/{name}/repair', handlers: { POST: (call) => this.#repair(call) } },
        { path: 'peers/{name}/accept-removals', handlers: { POST: (call) => this.#acceptRemovals(call) } },
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
        { path: 'quotas', handlers: { GET: () => this.#quotas() } },
        { path: 'counters', handlers: { GET: () => this.#counters() } },
      ],
      settings,
    );
    this.handle = framed((request) => this.#answer(request), {
      write: problemAnswer,
      headers: notStored,
      log: tools.log,
    });
  }

  /** Ends what is under way. */
  close(): void {
    this.#tools.verifier.close();
    this.#tools.refetcher.close();
    this.#tools.repairer.close();
  }

  /** Whether a request-target is one of these resources. */
  owns(target: string): boolean {
    return this.#router.owns(target);
  }

  async #answer(request: XcapRequest): Promise<XcapAnswer> {
    const principal = principalOf(assertedIdentity(request), this.#tools.known);
    if (principal.kind !== 'administrator') throw new Forbidden('this is for administrators');
    return await this.#router.route(request, { by: principal.kind, identity: principal.identity });
  }

  #index(): XcapAnswer {
    return json(200, { resources: this.#router.resources });
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

  async #retry({ request, requester, names: [name = ''] }: Call): Promise<XcapAnswer> {
    const peer = this.#peerNamed(name);
    const group = await readGroup(request);
    const groups = await this.#tools.deliveries.retry(peer.name, group);
    this.#told(requester, 'retry', peer.name, group, `${groups} tried`);
    return json(200, { peer: peer.name, group: group ?? null, tried: groups });
  }

  async #resend({ request, requester, names: [name = ''] }: Call): Promise<XcapAnswer> {
    const peer = this.#peerNamed(name);
    const group = await readGroup(request);
    const { length } = await this.#tools.deliveries.resend(peer.name, group);
    this.#told(requester, 'resend', peer.name, group, `${length} pending`);
    return json(200, { peer: peer.name, group: group ?? null, pending: length });
  }

  async #forget({ requester, names: [name = ''] }: Call): Promise<XcapAnswer> {
    const { deliveries, peers } = this.#tools;
    if (peers.has(name as SystemName)) {
      throw new Conflict(
        `${quoted(name)} is a peer: only a system that is configured no more can be forgotten`,
      );
    }
    const groups = await deliveries.forget(name as SystemName);
    if (groups === 0) throw new NotFound(`nothing is owed to a system called ${quoted(name)}`);
    this.#told(requester, 'forget', name, undefined, `${groups} forgotten`);
    return json(200, { peer: name, forgotten: groups });
  }

  async #acceptRemovals({ requester, names: [name = ''] }: Call): Promise<XcapAnswer> {
    const peer = this.#peerNamed(name);
    if (!peer.request) {
      throw new Conflict(`groups of ${quoted(name)} are not asked for: see peers[].request`);
    }
    const pass = await this.#tools.revalidation.acceptRemovals(peer.name);
    const removed = pass.outcomes.gone ?? 0;
    this.#told(requester, 'accept-removals', peer.name, undefined, `${removed} removed`);
    return json(200, { peer: peer.name, removed, ...revalidationJson(pass) });
  }

  async #repair({ requester, names: [name = ''] }: Call): Promise<XcapAnswer> {
    const peer = this.#peerNamed(name);
    const repaired = await this.#tools.repairer.repair(peer);
    const { resent, fetched, left, refetched } = repaired;
    const counts = Object.entries(refetched.outcomes).map(([outcome, count]) => `${count} ${outcome}`);
    const told = [`${resent.length} pending`, `${fetched.length} fetched`, ...counts, `${left.length} left`];
    this.#told(requester, 'repair', peer.name, undefined, told.join(', '));
    return json(200, { peer: peer.name, ...repairedJson(repaired) });
  }

  async #refetch({ request, requester, names: [name = ''] }: Call): Promise<XcapAnswer> {
    const peer = this.#peerNamed(name);
    const group = await readGroup(request);
    const refetched = await this.#tools.refetcher.refetch(peer.name, group);
    const counts = Object.entries(refetched.outcomes).map(([outcome, count]) => `${count} ${outcome}`);
    this.#told(requester, 'refetch', peer.name, group, counts.join(', ') || 'nothing is held');
    return json(200, { peer: peer.name, group: group ?? null, ...refetchedJson(refetched) });
  }

  async #verify({ requester, names: [name = ''] }: Call): Promise<XcapAnswer> {
    const peer = this.#peerNamed(name);
    const verification = await this.#tools.verifier.verify(peer);
    const { counts, notCompared } = verification;
    const told = Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []));
    if (notCompared > 0) told.push(`${notCompared} not compared`);
    this.#told(requester, 'verify', peer.name, undefined, told.join(', ') || 'nothing is shared');
    return json(200, { peer: peer.name, ...verificationJson(verification) });
  }

  async #sharesList(): Promise<XcapAnswer> {
    const shares = await this.#tools.shares.list();
    return json(200, { shares: shares.slice(0, longestList).map(shareJson), ...leftOut(shares) });
  }

  async #share({ requester, names: [id = '', name = ''] }: Call): Promise<XcapAnswer> {
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
        this.#told(requester, 'share', name, group, outcome);
        return json(201, { group, peer: name, outcome });
      case 'was-shared':
        return json(200, { group, peer: name, outcome });
    }
  }

  async #unshare({ requester, names: [id = '', name = ''] }: Call): Promise<XcapAnswer> {
    const group = groupNamed(id);
    const outcome = await this.#tools.shares.unshare(group, name);
    switch (outcome) {
      case 'by-configuration':
        throw new Conflict(`the configuration shares the group ${group} with ${name}: see peers[].groups`);
      case 'not-shared':
        throw new NotFound(`the group ${group} is not shared with ${quoted(name)} by name`);
      case 'withdrawn':
      case 'still-concerned':
        this.#told(requester, 'unshare', name, group, outcome);
        return json(200, { group, peer: name, outcome });
    }
  }

  async #orphansList(): Promise<XcapAnswer> {
    const orphans = await this.#tools.orphans.list();
    return json(200, { orphans: orphans.slice(0, longestList).map(orphanJson), ...leftOut(orphans) });
  }

  async #removeOrphan({ requester, names: [id = ''] }: Call): Promise<XcapAnswer> {
    const group = groupNamed(id);
    const system = await this.#tools.orphans.remove(group);
    if (system === undefined) throw new NotFound(`there is no orphaned group ${group}`);
    this.#told(requester, 'remove-orphan', system, group, 'removed');
    return json(200, { group, peer: system, outcome: 'removed' });
  }

  #progress(): XcapAnswer {
    return json(200, progressJson(this.#tools.rederivation.progress()));
  }

  async #quotas(): Promise<XcapAnswer> {
    const { documents, peers } = this.#tools;
    return json(200, await quotasJson(documents.quotas, [...peers.keys()], longestList));
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

function json(status: number, value: unknown): XcapAnswer {
  return {
    status,
    headers: { 'Content-Type': 'application/json' },
    body: `${JSON.stringify(value, null, 2)}\n`,
  };
}

/** The most entries of a list that has no pages. */
const longestList = 10_000;

function leftOut(list: readonly unknown[]): { readonly leftOut: number } {
  return { leftOut: Math.max(0, list.length - longestList) };
}

function noSuchPeer(name: string): NotFound {
  return new NotFound(`no peer is called ${quoted(name)}`);
}
