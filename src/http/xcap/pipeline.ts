import type { Tell } from '../../audit/events.js';
import { BoundedCache } from '../../base/bounded-cache.js';
import type { Log } from '../../base/log.js';
import { principalOf, type KnownIdentities } from '../../auth/asserted-identity.js';
import { nobody, type Principal } from '../../auth/principal.js';
import { NameTaken, type Decision, type Documents } from '../../documents/documents.js';
import { sharedWith, withShares, type Form, type StoredDocument } from '../../documents/state.js';
import { admit, judge } from '../../documents/validate.js';
import { groupIdOfName, groupsAuid } from '../../groups/names.js';
import type { Peers } from '../../mc-systems/peers.js';
import type { Requester } from '../../interconnection/partner/requester.js';
import { deleteNode, MissingParent, putAttribute, putElement, type Edited } from '../../xcap/edit.js';
import { ConstraintFailure, NoParent } from '../../xcap/conflicts.js';
import { Forbidden, MethodNotAllowed, NotFound } from '../../base/refusals.js';
import { locate } from '../../xcap/locate.js';
import { formatETag, judgeRead, judgeWrite, parseConditions } from '../../xcap/preconditions.js';
import type { IsTaken } from '../../xcap/usage.js';
import type { GatedText } from '../../xml/gate.js';
import type { ScanLimits } from '../../xml/scan.js';
import type { Schemas } from '../../xml/schemas.js';
import { errorAnswer } from '../errors.js';
import { checkMediaType } from '../media-type.js';
import { oneValue, type XcapAnswer, type XcapRequest } from '../messages.js';
import type { PeerRequests } from './peer-requests.js';
import { resolveResource, uriOf, type Resource, type ResolveSettings } from './resource.js';
import { type OfferedUsage, type TrialOperation } from '../../usages/offered-usage.js';
import { cutOut, mediaTypeOf, type Part } from './representation.js';

/**
 * The steps of every request, in order; the page to read first.
 *
 *   read:  URI → usage → method → identity → access → document (fetched on a miss, where a primary
 *          can be asked) → access to this document → node → conditions → answer
 *   write: URI → usage → method → identity → access → media type and size → lock → conditions →
 *          well-formed → node edit → schema → constraints → commit → publish → answer
 *   POST:  as read up to the access to the document, then media type and size → conditions →
 *          operation → answer; a trial: as write up to the conditions, without the lock → operation → answer
 *
 * Conditions come before content (design D10): a write is refused with 412 before its body is judged,
 * and the lock is taken only when the whole body has arrived, so that a slow client holds up nobody.
 * Requests of peer GMSs about groups branch off after the access step, to peer-requests.ts.
 */

export interface PipelineTools {
  readonly documents: Documents;
  readonly schemas: Schemas;
  readonly known: KnownIdentities;
  readonly usages: ReadonlyMap<string, OfferedUsage>;
  readonly peers: Peers;
  readonly peerRequests: PeerRequests;
  readonly requester: Requester;
  /** To be told of every write that succeeded. */
  readonly tell: Tell;
  readonly log: Log;
}

export interface PipelineSettings extends ResolveSettings {
  readonly limits: ScanLimits;
  /** How the XCAP root is written in error bodies: never with an internal host. */
  readonly publicRoot: string;
}

/** Every answer about a document depends on who asks (design D16). */
const documentHeaders = {
  'Cache-Control': 'private, no-cache',
  Vary: 'Authorization, X-3GPP-Asserted-Identity',
} as const;

/** How many characters of request lines, and of asserted identities, are kept with what they mean. */
const keptCharacters = 200_000;

/** How many octets of nodes are kept that were cut out of documents, and the most of one of them. */
const keptPartOctets = 8 * 1024 * 1024;
const largestKeptPart = 64 * 1024;

export class Pipeline {
  readonly #tools: PipelineTools;
  readonly #settings: PipelineSettings;
  readonly #resources = new BoundedCache<string, Resource>(keptCharacters);
  readonly #parts = new BoundedCache<string, Part>(keptPartOctets);
  readonly #principals = new BoundedCache<string, Principal>(keptCharacters);

  constructor(tools: PipelineTools, settings: PipelineSettings) {
    this.#tools = tools;
    this.#settings = settings;
  }

  /** Answers any request; never throws. */
  async handle(request: XcapRequest): Promise<XcapAnswer> {
    let answer: XcapAnswer;
    try {
      answer = await this.#route(request);
    } catch (error) {
      answer = errorAnswer(error, this.#tools.log);
    }
    return { ...answer, headers: { ...documentHeaders, ...answer.headers } };
  }

  async #route(request: XcapRequest): Promise<XcapAnswer> {
    const resource = this.#resource(request);
    const principal = this.#principal(oneValue(request.headers['x-3gpp-asserted-identity']));
    const peer = principal.kind === 'peer' ? this.#tools.peers.get(principal.system) : undefined;
    if (peer !== undefined && resource.usage.auid === groupsAuid) {
      return await this.#tools.peerRequests.handle(request, peer, resource);
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

  /** The resource that a request names: always the same one for the same target. */
  #resource({ method, target }: XcapRequest): Resource {
    const line = `${method} ${target}`;
    const known = this.#resources.get(line);
    if (known !== undefined) return known;
    const resource = resolveResource(method, target, this.#tools.usages, this.#settings);
    this.#resources.set(line, resource, line.length);
    return resource;
  }

  /** Who asks: always the same principal for the same field value, as the configured lists stay. */
  #principal(asserted: string | undefined): Principal {
    if (asserted === undefined) return nobody;
    const known = this.#principals.get(asserted);
    if (known !== undefined) return known;
    const principal = principalOf(asserted, this.#tools.known);
    this.#principals.set(asserted, principal, asserted.length);
    return principal;
  }

  async #get(request: XcapRequest, principal: Principal, resource: Resource): Promise<XcapAnswer> {
    resource.offered.access.checkRead(principal, resource.place);
    const conditions = parseConditions(request.headers);
    const form = await this.#formToRead(principal, resource);
    resource.offered.access.checkReadNode?.(
      principal,
      () => this.#tools.documents.treeOf(form),
      resource.node,
    );
    const part = this.#part(request.target, resource, form);
    const headers = { ETag: formatETag(form.etag) };
    if (judgeRead(conditions, { etag: form.etag, exists: true }) === 'not-modified') {
      return { status: 304, headers };
    }
    return { status: 200, headers: { ...headers, 'Content-Type': part.type }, body: part.body };
  }

  /** An operation on the document that is no XCAP (TS 24.481 clause 6.3.16); it changes nothing. */
  async #post(request: XcapRequest, principal: Principal, resource: Resource): Promise<XcapAnswer> {
    const { access, operation, methods } = resource.offered;
    // The URI was resolved: a POST is allowed here only where there is an operation.
    if (operation === undefined) throw new MethodNotAllowed(methods);
    if ('tryAt' in operation) return await this.#try(request, principal, resource, operation);
    access.checkRead(principal, resource.place);
    const conditions = parseConditions(request.headers);
    const form = await this.#formToRead(principal, resource);
    checkMediaType(request, operation.mediaType);
    const body = await request.readBody();
    judgeWrite(conditions, { etag: form.etag, exists: true });
    const { type, text } = operation.perform(this.#tools.documents.treeOf(form), body);
    return { status: 200, headers: { ETag: formatETag(form.etag), 'Content-Type': type }, body: text };
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
    const form = (await this.#tools.documents.find(name))?.state.current ?? undefined;
    judgeWrite(conditions, { etag: form?.etag, exists: form !== undefined });
    const { type, text } = await operation.tryAt(name, body);
    return { status: 200, headers: { 'Content-Type': type }, body: text };
  }

  async #put(request: XcapRequest, principal: Principal, resource: Resource): Promise<XcapAnswer> {
    resource.offered.access.checkWrite(principal, resource.place);
    const conditions = parseConditions(request.headers);
    checkMediaType(request, mediaTypeOf(resource));
    const body = await request.readBody();
    return await this.#change(request, principal, resource, (current, isTaken) => {
      const form = current?.state.current ?? undefined;
      this.#checkWriteForm(principal, resource, form);
      judgeWrite(conditions, { etag: form?.etag, exists: this.#exists(resource, form) });
      checkOwn(current);
      const edited = this.#edited(resource, form, body);
      judge(resource.usage, edited.gated, this.#tools.schemas);
      resource.offered.access.checkWriteDocument?.(principal, () => edited.gated);
      return this.#putDecision(resource, current, edited, isTaken);
    });
  }

  async #delete(request: XcapRequest, principal: Principal, resource: Resource): Promise<XcapAnswer> {
    resource.offered.access.checkWrite(principal, resource.place);
    const conditions = parseConditions(request.headers);
    return await this.#change(request, principal, resource, (current, isTaken) => {
      const form = current?.state.current ?? undefined;
      this.#checkWriteForm(principal, resource, form);
      judgeWrite(conditions, { etag: form?.etag, exists: this.#exists(resource, form) });
      if (form === undefined) throw new NotFound('there is no such document');
      checkOwn(current);
      if (resource.node === undefined) return { kind: 'delete', result: { status: 200, headers: {} } };
      const document = this.#tools.documents.treeOf(form);
      const gated = deleteNode(document, resource.node, this.#settings.limits);
      judge(resource.usage, gated, this.#tools.schemas);
      resource.offered.access.checkWriteDocument?.(principal, () => gated);
      return this.#putDecision(resource, current, { gated, created: false }, isTaken);
    });
  }

  /**
   * Runs a decision under the document's lock. Where it collides with another document, it is made once
   * more by a usage that can choose another name; else the usage says what is taken.
   */
  async #change(
    request: XcapRequest,
    principal: Principal,
    resource: Resource,
    decide: (current: StoredDocument | undefined, isTaken: IsTaken) => Decision<XcapAnswer>,
  ): Promise<XcapAnswer> {
    const { documents } = this.#tools;
    const collided = new Set<string>();
    const isTaken: IsTaken = (name) => collided.has(name) || documents.isTaken(name);
    for (;;) {
      let former: Form | undefined;
      let wanted: Form | undefined;
      try {
        const answer = await documents.change(resource.name, (current) => {
          const decision = decide(current, isTaken);
          former = current?.state.current ?? undefined;
          if (decision.kind === 'put') wanted = decision.state.current ?? undefined;
          return decision;
        });
        this.#tools.tell({
          event: 'write',
          by: principal.kind,
          identity: principal.kind === 'nobody' ? null : principal.identity,
          method: request.method,
          document: resource.name,
          node: resource.node === undefined ? null : nodeOf(request.target),
          before: former?.etag ?? null,
          after: wanted?.etag ?? null,
          status: answer.status,
        });
        return answer;
      } catch (error) {
        if (!(error instanceof NameTaken) || wanted === undefined) throw error;
        if (error.names.every((name) => collided.has(name))) {
          throw resource.usage.collision(documents.treeOf(wanted), error.names, isTaken);
        }
        for (const name of error.names) collided.add(name);
      }
    }
  }

  #putDecision(
    resource: Resource,
    current: StoredDocument | undefined,
    edited: Edited,
    isTaken: IsTaken,
  ): Decision<XcapAnswer> {
    const { documents } = this.#tools;
    // A deleted document's names bind the next one to nothing.
    const former = current?.state.current === null ? undefined : current?.names;
    resource.usage.checkDefinition?.(edited.gated, resource.name, former, isTaken);
    const placement = resource.usage.place(edited.gated, resource.name, former, isTaken);
    const form = documents.newFormOf(edited.gated);
    return {
      kind: 'put',
      placement,
      state: withShares(
        {
          auid: resource.usage.auid,
          current: form,
          received: null,
          deliveries: current?.state.deliveries ?? {},
        },
        current === undefined ? [] : sharedWith(current.state),
      ),
      result: () => ({
        status: edited.created ? 201 : 200,
        headers: { ETag: formatETag(form.etag), ...this.#warnings(resource, edited.gated) },
      }),
    };
  }

  #checkWriteForm(principal: Principal, { offered }: Resource, form: Form | undefined): void {
    if (form === undefined) return;
    offered.access.checkWriteDocument?.(principal, () => this.#tools.documents.treeOf(form));
  }

  /** What is odd about a document that was accepted, for whoever put it and for the operator. */
  #warnings({ usage, name }: Resource, document: GatedText): Readonly<Record<string, string>> {
    const remarks = usage.remarks?.(document) ?? [];
    if (remarks.length === 0) return {};
    this.#tools.log.info(
      { document: name, remarks: remarks.join('; ') },
      'a document with oddities was stored',
    );
    return { Warning: remarks.map(warningValue).join(', ') };
  }

  /** The form that this principal reads under the name of `resource`. */
  async #formToRead(principal: Principal, resource: Resource): Promise<Form> {
    const { documents } = this.#tools;
    const { own } = resource.offered;
    if (own?.has(resource.place) === true) return await own.form(principal, resource.place);
    let form = (await documents.find(resource.name))?.state.current ?? undefined;
    if (form === undefined) {
      await this.#fetchOnMiss(principal, resource);
      form = (await documents.find(resource.name))?.state.current ?? undefined;
      // A document that lists nobody of ours is not stored, and was not meant for whoever asked.
      if (form === undefined) throw new Forbidden('you are not a member of this MC service group');
    }
    const found = form;
    resource.offered.access.checkReadDocument(principal, () => documents.treeOf(found));
    return found;
  }

  /** Clause 10.2.7.3 of TS 23.280: asks the primary. @throws NotFound, BadGateway, ServiceUnavailable */
  async #fetchOnMiss(principal: Principal, resource: Resource): Promise<void> {
    const groupId = resource.usage.auid === groupsAuid ? groupIdOfName(resource.name) : undefined;
    // Who may cause a fetch (design D16): a user of our own system or one of our MC service servers.
    const entitled = principal.kind === 'user' || principal.kind === 'mc-service-server';
    if (groupId === undefined || !entitled) throw new NotFound('there is no such document');
    await this.#tools.requester.fetch(groupId);
  }

  #exists({ node }: Resource, form: Form | undefined): boolean {
    if (form === undefined || node === undefined) return form !== undefined;
    return locate(this.#tools.documents.treeOf(form).tree, node) !== undefined;
  }

  #edited(resource: Resource, form: Form | undefined, body: Buffer): Edited {
    const { limits, publicRoot } = this.#settings;
    const { node } = resource;
    if (node === undefined) return { gated: admit(body, limits), created: form === undefined };
    if (form === undefined) throw new NoParent('the document does not exist');
    const document = this.#tools.documents.treeOf(form);
    try {
      return node.terminal === undefined
        ? putElement(document, node.steps, body, limits)
        : putAttribute(document, node, body, limits);
    } catch (error) {
      if (!(error instanceof MissingParent)) throw error;
      throw new NoParent(error.phrase, uriOf(publicRoot, resource, error.lastStep));
    }
  }

  /** What a GET of `resource` sends (RFC 4825 clause 8.3). @throws NotFound */
  #part(target: string, resource: Resource, form: Form): Part {
    const { documents } = this.#tools;
    if (resource.node === undefined) {
      return { type: resource.usage.mediaType, body: documents.bytesOf(form) };
    }
    // An entity tag is never used twice: what was cut out of a form under a target stays right for good.
    const key = `${form.etag} ${target}`;
    const known = this.#parts.get(key);
    if (known !== undefined) return known;
    const part = cutOut(documents.treeOf(form), resource.node);
    if (part.body.length <= largestKeptPart) this.#parts.set(key, part, key.length + part.body.length);
    return part;
  }
}

/** Design D9: effective = policy(received), always; nothing else writes it. */
function checkOwn(current: StoredDocument | undefined): void {
  const received = current?.state.received ?? undefined;
  if (received !== undefined) {
    throw new ConstraintFailure(
      `the group is defined in MC system ${received.system}: what differs here is a matter of policy`,
    );
  }
}

/** The node selector of a request-target, as it stands there. */
function nodeOf(target: string): string {
  return /\/(?:~|%7e){2}\/([^?]*)/i.exec(target)?.[1] ?? '';
}

/** A remark as a Warning value: miscellaneous, persistent (RFC 7234 clause 5.5.7), printable ASCII. */
function warningValue(remark: string): string {
  const text = remark
    .slice(0, 500)
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/["\\]/g, "'");
  return `299 - "${text}"`;
}
