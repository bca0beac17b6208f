import type { Tell } from '../../audit/events.js';
import { holderOf, type Principal } from '../../auth/principal.js';
import { NotFound } from '../../base/refusals.js';
import type { Log } from '../../base/log.js';
import { NameTaken, type Decision, type Documents } from '../../documents/documents.js';
import { type Form, type StoredDocument } from '../../documents/state.js';
import { nameFault } from '../../documents/name-bounds.js';
import { boundRefusal } from '../../documents/storage-refusal.js';
import type { Draft, Judge, Judged, Sender } from '../../documents/judgement.js';
import { groupIdOfName } from '../../groups/names.js';
import { whoseRecord } from '../../groups/whose-record.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import { ConstraintFailure, NoParent } from '../../xcap/conflicts.js';
import { MissingParent } from '../../xcap/edit.js';
import { formatHttpDate } from '../../xcap/http-date.js';
import { locateText } from '../../xcap/locate-text.js';
import type { NodeSelector } from '../../xcap/node-selector.js';
import { formatETag, judgeWrite, type Conditions } from '../../xcap/preconditions.js';
import type { DocumentFacts, IsTaken } from '../../xcap/usage.js';
import type { GatedText } from '../../xml/gate.js';
import type { XcapAnswer, XcapRequest } from '../messages.js';
import { uriOf, type Resource } from './resource.js';

/** The work of the steps of a PUT or DELETE that are taken under the lock of the document. */

interface Tools {
  readonly documents: Documents;
  readonly homes: HomeSystems;
  readonly judge: Judge;
  readonly tell: Tell;
  readonly log: Log;
}

interface Settings {
  readonly publicRoot: string;
}

export class Writer {
  readonly #tools: Tools;
  readonly #settings: Settings;

  constructor(tools: Tools, settings: Settings) {
    this.#tools = tools;
    this.#settings = settings;
  }

  /**
   * Commits what `decide` decides on the document, then calls `tell`. Where the document collides with another
   * one, the decision is made once more, because the usage may be able to choose another name. Where it cannot,
   * the usage says what is taken.
   *
   * @throws XcapConflict, or what `decide` throws
   */
  async underLock(
    request: XcapRequest,
    principal: Principal,
    resource: Resource,
    decide: (write: Write) => Decision<XcapAnswer> | Promise<Decision<XcapAnswer>>,
  ): Promise<XcapAnswer> {
    const { documents } = this.#tools;
    const collided = new Set<string>();
    const isTaken: IsTaken = (name) => collided.has(name) || documents.isTaken(name);
    for (;;) {
      let former: Form | undefined;
      let wanted: Form | undefined;
      let write: Write | undefined;
      try {
        const answer = await documents.change(resource.name, async (current) => {
          write = new Write(this.#tools, this.#settings, principal, resource, current, isTaken, request.gone);
          const decision = await decide(write);
          former = current?.form;
          if (decision.kind === 'put') wanted = decision.content.current ?? undefined;
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
        return await this.#remarked(answer, resource, wanted);
      } catch (error) {
        if (!(error instanceof NameTaken) || write === undefined) throw boundRefusal(error) ?? error;
        if (error.names.every((name) => collided.has(name))) {
          throw await write.collision(error.names);
        }
        for (const name of error.names) collided.add(name);
      }
    }
  }

  /** A write on the present state, without the lock: what it refuses now will hardly pass later. It decides nothing. */
  async foreseen(principal: Principal, resource: Resource): Promise<Write> {
    const { documents } = this.#tools;
    const current = await documents.find(resource.name);
    const isTaken: IsTaken = (name) => documents.isTaken(name);
    return new Write(this.#tools, this.#settings, principal, resource, current, isTaken, undefined);
  }

  /** `answer` with what the usage says of the form that is stored now. Nothing is locked meanwhile. */
  async #remarked(answer: XcapAnswer, { offered, name }: Resource, stored?: Form): Promise<XcapAnswer> {
    if (stored === undefined || offered.remarksAfterPut === undefined) return answer;
    const remarks = await offered.remarksAfterPut(name, stored.body);
    return { ...answer, headers: { ...answer.headers, ...warningsOf(remarks, answer.headers['Warning']) } };
  }
}

/** The Warning field of `remarks`, behind what is there already. */
function warningsOf(remarks: readonly string[], present?: string): Readonly<Record<string, string>> {
  const values = [...(present === undefined ? [] : [present]), ...remarks.map(warningValue)];
  return values.length === 0 ? {} : { Warning: values.join(', ') };
}

/** One write, on the state of the document that it replaces. */
export class Write {
  readonly #tools: Tools;
  readonly #settings: Settings;
  readonly #principal: Principal;
  readonly #resource: Resource;
  readonly #current: StoredDocument | undefined;
  readonly #form: Form | undefined;
  readonly #isTaken: IsTaken;
  readonly #sender: Sender;
  /** What was to be stored. */
  #judged: Judged | undefined;

  constructor(
    tools: Tools,
    settings: Settings,
    principal: Principal,
    resource: Resource,
    current: StoredDocument | undefined,
    isTaken: IsTaken,
    gone: Sender['gone'],
  ) {
    this.#tools = tools;
    this.#settings = settings;
    this.#principal = principal;
    this.#resource = resource;
    this.#current = current;
    this.#form = current?.form;
    this.#isTaken = isTaken;
    this.#sender = { by: holderOf(principal), gone };
  }

  /** @throws Forbidden where the principal may not change the document that is there */
  checkAccess(): void {
    const form = this.#form;
    if (form === undefined) return;
    this.#checkMayWrite(form.body);
  }

  #checkMayWrite(text: string): void {
    this.#resource.offered.access.checkWriteDocument?.(this.#principal, text);
  }

  /** @throws PreconditionFailed */
  checkConditions(conditions: Conditions): void {
    judgeWrite(conditions, { etag: this.#form?.etag, exists: this.#exists(), dated: this.#form });
  }

  /** Whether the document or node is there. */
  #exists(): boolean {
    const { node } = this.#resource;
    if (this.#form === undefined || node === undefined) return this.#form !== undefined;
    return locateText(this.#form.body, node) !== undefined;
  }

  /** @throws NotFound where there is no document */
  checkExists(): void {
    this.#present();
  }

  #present(): Form {
    if (this.#form === undefined) throw new NotFound('there is no such document');
    return this.#form;
  }

  /**
   * Effective = policy(received), always (design D9): nothing else writes a group of another MC system. What
   * that system left behind is replaced as a whole, where we may define the group.
   *
   * @throws ConstraintFailure
   */
  checkDefinedHere(purpose: 'replace' | 'delete'): void {
    const { received } = this.#current ?? {};
    if (this.#current === undefined || received === undefined) return;
    if (!this.#mayReplace(this.#current)) {
      throw new ConstraintFailure(
        `the group is defined in MC system ${received.system}: what differs here is a matter of policy`,
      );
    }
    if (purpose === 'replace' && this.#resource.node === undefined) return;
    throw new ConstraintFailure(
      `the group came from MC system ${received.system}, which is not its home any more: put it anew as a whole, or remove the orphan`,
    );
  }

  /** Whether `stored` came from a system that is not its home, and the principal may put it anew. */
  #mayReplace({ key, received }: StoredDocument): boolean {
    const groupId = groupIdOfName(key);
    if (received === undefined || groupId === undefined) return false;
    const isOrphan = whoseRecord(received.system, groupId, this.#tools.homes) === 'orphan';
    return isOrphan && this.#principal.kind === 'administrator';
  }

  /** A new document has a name of bounded length (design D21). @throws ConstraintFailure */
  checkName(): void {
    const { name, node } = this.#resource;
    if (this.#form !== undefined || node !== undefined) return;
    const fault = nameFault(name);
    if (fault !== undefined) throw new ConstraintFailure(fault);
  }

  /**
   * The document with `body` as its whole content, or as the content of the node; schema and constraints hold.
   *
   * @throws XcapConflict
   */
  async put(body: Buffer): Promise<Judged> {
    const { node } = this.#resource;
    if (node === undefined) {
      const judged = await this.#judge({ kind: 'document', bytes: body });
      return { ...judged, created: this.#form === undefined };
    }
    if (this.#form === undefined) throw new NoParent('the document does not exist');
    try {
      return await this.#judge({ kind: 'put', text: this.#form.body, node, body });
    } catch (error) {
      if (!(error instanceof MissingParent)) throw error;
      throw new NoParent(error.phrase, uriOf(this.#settings.publicRoot, this.#resource, error.lastStep));
    }
  }

  /** The document without `node`; schema and constraints hold. @throws NotFound, XcapConflict */
  async without(node: NodeSelector): Promise<Judged> {
    return await this.#judge({ kind: 'delete', text: this.#present().body, node });
  }

  async #judge(draft: Draft): Promise<Judged> {
    const form = this.#form;
    const treeOf = form && ((): GatedText => this.#tools.documents.treeOf(form));
    return await this.#tools.judge.judge(this.#resource.usage, draft, this.#sender, treeOf);
  }

  /** Whether the principal may make this of the document. @throws Forbidden */
  checkMayMake({ text }: Judged): void {
    this.#checkMayWrite(text);
  }

  /** The refusal of what `store` was given, where other documents hold some of its names and claims. */
  async collision(taken: readonly string[]): Promise<Error> {
    const { usage } = this.#resource;
    const judged = this.#judged;
    if (judged === undefined) throw new TypeError('nothing was to be stored');
    const { facts } = judged;
    const isClaiming = facts.claims.length > 0;
    const claimed = isClaiming ? await this.#tools.judge.claimed(usage, judged, taken, this.#sender) : [];
    return await usage.collision(facts, taken, claimed, this.#isTaken);
  }

  /** The decision to delete the document. */
  remove(): Decision<XcapAnswer> {
    return { kind: 'delete', result: { status: 200, headers: {} } };
  }

  /** The decision to store `judged` where the usage places it. @throws XcapConflict */
  async store(judged: Judged): Promise<Decision<XcapAnswer>> {
    const { name, usage } = this.#resource;
    const { created, facts } = judged;
    this.#judged = judged;
    // The names of a document that is deleted, or that another system left behind, bind the next one to nothing.
    const isAnew =
      this.#form === undefined || (this.#current !== undefined && this.#mayReplace(this.#current));
    const former = isAnew ? undefined : this.#current?.names;
    await usage.checkDefinition?.(facts, name, former, this.#isTaken);
    const placement = await usage.place(facts, name, former, this.#isTaken);
    const current = this.#tools.documents.newFormOf(judged);
    return {
      kind: 'put',
      placement,
      content: { auid: usage.auid, current, received: null },
      replaces: (stored) => this.#mayReplace(stored),
      // Administrators are held to nobody's part: they repair, and our own groups are theirs.
      ...(this.#principal.kind === 'administrator'
        ? { draws: 'reserve' }
        : { creator: this.#principal.kind === 'nobody' ? 'anyone' : this.#principal.identity }),
      result: () => ({
        status: created ? 201 : 200,
        headers: {
          ETag: formatETag(current.etag),
          'Last-Modified': formatHttpDate(current.modified),
          ...this.#warnings(facts),
        },
      }),
    };
  }

  /** What is odd about a document that was accepted, for the requester and for the operator. */
  #warnings(facts: DocumentFacts): Readonly<Record<string, string>> {
    const { name, usage } = this.#resource;
    const remarks = [...(usage.remarks?.(facts) ?? []), ...facts.remarks];
    if (remarks.length === 0) return {};
    this.#tools.log.info(
      { document: name, remarks: remarks.join('; ') },
      'a document with oddities was stored',
    );
    return warningsOf(remarks);
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
