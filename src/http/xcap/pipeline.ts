import type { Tell } from '../../audit/events.js';
import { KnownPrincipals, type KnownIdentities } from '../../auth/asserted-identity.js';
import type { Principal } from '../../auth/principal.js';
import type { Clock } from '../../base/clock.js';
import type { Log } from '../../base/log.js';
import type { Documents } from '../../documents/documents.js';
import type { Judge } from '../../documents/judgement.js';
import { groupsAuid } from '../../groups/names.js';
import type { Requester } from '../../interconnection/partner/requester.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Peers } from '../../mc-systems/peers.js';
import { directoryAuid } from '../../usages/directory-document.js';
import type { OfferedUsage, TrialOperation } from '../../usages/offered-usage.js';
import { judgeWrite, parseConditions, type Conditions } from '../../xcap/preconditions.js';
import { refusalAnswer } from '../errors.js';
import { framed, perRequester } from '../frame.js';
import { checkCharset, checkMediaType } from '../media-type.js';
import {
  assertedIdentity,
  awaitsContinue,
  type RequestHandler,
  type XcapAnswer,
  type XcapRequest,
} from '../messages.js';
import type { PeerDirectory } from './peer-directory.js';
import type { PeerRequests } from './peer-requests.js';
import { operationAnswer, operationOf, trialAnswer } from './post.js';
import { Reader } from './read.js';
import { mediaTypeOf, readAnswer } from './representation.js';
import { Resources, type Resource, type ResolveSettings } from './resource.js';
import { Writer } from './write.js';

/**
 * The steps of every request, in order; the page to read first. Each line of a method is a step: it lets the
 * request pass, or throws the refusal that becomes the answer. The work of the steps is in read.ts, write.ts
 * and post.ts.
 *
 * Conditions come before content (design D10): a write is refused with 412 before its body is judged. The
 * lock is taken only when the whole body has arrived, so that a slow client holds up nobody.
 */

export interface PipelineTools {
  readonly documents: Documents;
  readonly homes: HomeSystems;
  readonly judge: Judge;
  readonly known: KnownIdentities;
  readonly usages: ReadonlyMap<string, OfferedUsage>;
  readonly peers: Peers;
  readonly peerRequests: PeerRequests;
  readonly peerDirectory: PeerDirectory;
  readonly requester: Requester;
  /** Hears of every write that succeeded. */
  readonly tell: Tell;
  readonly clock: Clock;
  readonly log: Log;
}

export interface PipelineSettings extends ResolveSettings {
  /** How the XCAP root is written in error bodies: never with an internal host. */
  readonly publicRoot: string;
}

export class Pipeline implements RequestHandler {
  /** Answers any request; never throws. */
  readonly handle: RequestHandler['handle'];
  readonly #resources: Resources;
  readonly #principals: KnownPrincipals;
  readonly #peers: Peers;
  readonly #peerRequests: PeerRequests;
  readonly #peerDirectory: PeerDirectory;
  readonly #documents: Documents;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #reader: Reader;
  readonly #writer: Writer;

  constructor(tools: PipelineTools, settings: PipelineSettings) {
    this.handle = framed((request) => this.#answer(request), {
      write: refusalAnswer,
      headers: perRequester,
      log: tools.log,
    });
    this.#resources = new Resources(tools.usages, settings);
    this.#principals = new KnownPrincipals(tools.known);
    this.#peers = tools.peers;
    this.#peerRequests = tools.peerRequests;
    this.#peerDirectory = tools.peerDirectory;
    this.#documents = tools.documents;
    this.#clock = tools.clock;
    this.#reader = new Reader(tools);
    this.#writer = new Writer(tools, settings);
  }

  /** URI, usage and method; identity; then the steps of the method. Peers have steps of their own for groups and their list. */
  async #answer(request: XcapRequest): Promise<XcapAnswer> {
    const resource = this.#resources.namedBy(request);
    const principal = this.#principals.principalOf(assertedIdentity(request));
    const peer = principal.kind === 'peer' ? this.#peers.get(principal.system) : undefined;
    if (peer !== undefined && resource.usage.auid === groupsAuid) {
      return await this.#peerRequests.handle(request, peer, resource);
    }
    if (peer !== undefined && resource.usage.auid === directoryAuid) {
      return this.#peerRequests.named(await this.#peerDirectory.answer(request, peer, resource));
    }
    switch (request.method) {
      case 'PUT':
        return await this.#put(request, principal, resource);
      case 'DELETE':
        return await this.#delete(request, principal, resource);
      case 'POST':
        return await this.#post(request, principal, resource);
      default:
        return await this.#get(request, principal, resource);
    }
  }

  /** RFC 4825 clause 8.3; a group that is not here is fetched first (TS 23.280 clause 10.2.7.3). */
  async #get(request: XcapRequest, principal: Principal, resource: Resource): Promise<XcapAnswer> {
    resource.offered.access.checkRead(principal, resource.place);
    const conditions = parseConditions(request.headers);
    const answer = await this.#reader.read(principal, resource, (form) => {
      this.#reader.checkNode(principal, resource, form);
      const part = this.#reader.partOf(form, resource, request.target);
      return readAnswer(conditions, form, part, this.#clock.now());
    });
    return principal.kind === 'peer' ? this.#peerRequests.named(answer) : answer;
  }

  /** RFC 4825 clause 8.2. */
  async #put(request: XcapRequest, principal: Principal, resource: Resource): Promise<XcapAnswer> {
    resource.offered.access.checkWrite(principal, resource.place);
    const conditions = parseConditions(request.headers);
    checkMediaType(request, mediaTypeOf(resource));
    if (awaitsContinue(request)) await this.#foresee(principal, resource, conditions);
    const body = await request.readBody();
    return await this.#writer.underLock(request, principal, resource, async (write) => {
      write.checkAccess();
      write.checkConditions(conditions);
      write.checkDefinedHere('replace');
      write.checkName();
      checkCharset(request, body);
      const judged = await write.put(body);
      write.checkMayMake(judged);
      return await write.store(judged);
    });
  }

  /** The steps before the content, on the present state: a client that asks first is not made to send in vain. */
  async #foresee(principal: Principal, resource: Resource, conditions: Conditions): Promise<void> {
    const write = await this.#writer.foreseen(principal, resource);
    write.checkAccess();
    write.checkConditions(conditions);
    write.checkDefinedHere('replace');
    write.checkName();
  }

  /** RFC 4825 clause 8.4. */
  async #delete(request: XcapRequest, principal: Principal, resource: Resource): Promise<XcapAnswer> {
    resource.offered.access.checkWrite(principal, resource.place);
    const conditions = parseConditions(request.headers);
    return await this.#writer.underLock(request, principal, resource, async (write) => {
      write.checkAccess();
      write.checkConditions(conditions);
      write.checkExists();
      write.checkDefinedHere('delete');
      if (resource.node === undefined) return write.remove();
      const judged = await write.without(resource.node);
      write.checkMayMake(judged);
      return await write.store(judged);
    });
  }

  /** An operation on a document that is not XCAP (TS 24.481 clause 6.3.16); it changes nothing. */
  async #post(request: XcapRequest, principal: Principal, resource: Resource): Promise<XcapAnswer> {
    const operation = operationOf(resource);
    if ('tryAt' in operation) return await this.#try(request, principal, resource, operation);
    resource.offered.access.checkRead(principal, resource.place);
    const conditions = parseConditions(request.headers);
    const form = await this.#reader.read(principal, resource, (found) => found);
    checkMediaType(request, operation.mediaType);
    const body = await request.readBody();
    judgeWrite(conditions, { etag: form.etag, exists: true, dated: form });
    checkCharset(request, body);
    return await this.#reader.inTurn(principal, form, () => operationAnswer(operation, form, body));
  }

  /** What a PUT with this body would do; its conditions and refusals are those of the PUT. */
  async #try(
    request: XcapRequest,
    principal: Principal,
    { name, offered, place }: Resource,
    operation: TrialOperation,
  ): Promise<XcapAnswer> {
    offered.access.checkWrite(principal, place);
    const conditions = parseConditions(request.headers);
    checkMediaType(request, operation.mediaType);
    const body = await request.readBody();
    const form = (await this.#documents.find(name))?.form;
    judgeWrite(conditions, { etag: form?.etag, exists: form !== undefined, dated: form });
    checkCharset(request, body);
    return await trialAnswer(operation, name, body);
  }
}
