import { describeError } from '../../base/errors.js';
import type { DocumentName, ETag, GroupId, SystemName } from '../../base/identifiers.js';
import type { Log } from '../../base/log.js';
import {
  Forbidden,
  InsufficientStorage,
  NotFound,
  PreconditionFailed,
  PreconditionRequired,
} from '../../base/refusals.js';
import type { Decision, Documents } from '../../documents/documents.js';
import { nameFault } from '../../documents/name-bounds.js';
import { QuotaExceeded } from '../../documents/quotas.js';
import type {
  Content,
  Form,
  Modification,
  Received,
  StoredDocument,
  Tombstone,
} from '../../documents/state.js';
import { storageRefusal } from '../../documents/storage-refusal.js';
import type { Judged } from '../../documents/judgement.js';
import { groupsAuid, nameOfGroup } from '../../groups/names.js';
import { readGroup } from '../../groups/reading.js';
import { whoseRecord } from '../../groups/whose-record.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import { judgeEffective, type GroupRules } from '../../policy/judge-effective.js';
import { policyNotApplicable, type Derive, type Derived } from '../../policy/policies-in-force.js';
import { StoreFailure } from '../../store/store.js';
import { ConstraintFailure, XcapConflict } from '../../xcap/conflicts.js';
import { formatETag, judgeWrite, type Conditions } from '../../xcap/preconditions.js';
import type { Placement } from '../../xcap/usage.js';
import { FetchWatch, type Fetched } from './fetch-watch.js';
import { at, notDerived, ProvisionRefused, type Incoming, type Provisioned } from './provision.js';

/**
 * The partner's side of group configuration for interconnection (TS 23.280 clause 10.2.7): takes what
 * a primary MC system provides, modifies it by policy, and stores received and effective document in
 * one commit. A fetched document (requester.ts) goes the same way from the gate on.
 */

interface Tools extends GroupRules {
  readonly documents: Documents;
  readonly homes: HomeSystems;
  readonly derive: Derive;
  /** To be called where a document that former policies made could not be derived anew. */
  readonly deriveLater: () => void;
  readonly log: Log;
}

/** What is about to be stored. */
interface Next {
  readonly content: Content & { readonly current: Form; readonly received: Received };
  readonly isCurrent: Derived['isCurrent'];
}

/** What is decided about an incoming document. Without `next`, nothing changes. */
interface Step<T> {
  readonly next?: Next;
  readonly result: T;
}

type Decide<T> = (current: StoredDocument | undefined) => Promise<Step<T>>;

export class Receiver {
  readonly #tools: Tools;
  readonly #watches = new Set<FetchWatch>();

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /**
   * Takes a pushed document: the partner's steps of clause 10.2.7.2.
   *
   * @throws ProvisionRefused with the stage; the former documents stay as they were
   */
  async provide(incoming: Incoming, conditions: Conditions): Promise<Provisioned> {
    this.#checkHome(incoming);
    return await this.#storingPushed(incoming, async (current): Promise<Step<Provisioned>> => {
      this.#checkWritable();
      // 1. The primary provides the group.
      const document = await at('reception', () => this.#receive(incoming, conditions, current));
      // 2. The policies of this system modify it; the same document again they have modified already.
      const next =
        this.#again(incoming, document, current) ?? (await this.#modified(incoming, document, current));
      // 3. It is stored, as received and as modified. 4. MC service servers are notified, as of every commit.
      // 5. The caller responds with the result.
      const { received, current: effective } = next.content;
      return { next, result: { created: this.#held(incoming, current) === undefined, received, effective } };
    });
  }

  /** To be called before a fetch sends its request, and disposed of when the fetch has ended. */
  watch(groupId: GroupId): FetchWatch {
    const watch = new FetchWatch(groupId, (ended) => this.#watches.delete(ended));
    this.#watches.add(watch);
    return watch;
  }

  /**
   * Stores a fetched document (clause 10.2.7.3 steps 4 to 6). A form that the primary pushed meanwhile is
   * at least as new, and stays.
   *
   * @throws ProvisionRefused with the stage; nothing is stored
   */
  async store(incoming: Incoming, watch: FetchWatch): Promise<Fetched> {
    this.#checkHome(incoming);
    return await this.#storing(incoming, async (current): Promise<Step<Fetched>> => {
      if (this.#held(incoming, current) !== undefined) return { result: 'held' };
      const document = await at('reception', () => this.#admit(incoming, current));
      if (watch.withdrawn) return { result: 'withdrawn-meanwhile' };
      if (!this.#listsOurs(document)) return { result: 'lists-nobody-of-ours' };
      return { next: await this.#modified(incoming, document, current), result: 'held' };
    });
  }

  /**
   * Takes the primary's answer to a question about a group that we hold, if that still has the tag
   * `former`. A form that was pushed meanwhile is at least as new, and stays.
   *
   * @throws ProvisionRefused with the stage; the former documents stay as they were
   */
  async refresh(incoming: Incoming, former: ETag): Promise<'unchanged' | 'updated'> {
    this.#checkHome(incoming);
    return await this.#storing(incoming, async (current): Promise<Step<'unchanged' | 'updated'>> => {
      const received = this.#held(incoming, current);
      const effective = current?.form;
      if (received?.etag !== former || effective === undefined) return { result: 'unchanged' };
      const document = await at('reception', () => this.#admit(incoming, current));
      if (document.text !== received.body) {
        return { next: await this.#modified(incoming, document, current), result: 'updated' };
      }
      const { upstreamETag } = incoming;
      if (received.upstreamETag === upstreamETag) return { result: 'unchanged' };
      // The same document: from now on it can be asked for by the primary's tag.
      const content = { auid: groupsAuid, current: effective, received: { ...received, upstreamETag } };
      return { next: { content, isCurrent: () => true }, result: 'unchanged' };
    });
  }

  /**
   * Removes a group that its primary has deleted or no longer shares with us. One that is not here is
   * remembered as withdrawn all the same: the message that provided it may still be on its way.
   *
   * @throws RequestRefused where it is not that system's to remove
   */
  async withdraw(system: SystemName, groupId: GroupId, conditions: Conditions): Promise<void> {
    this.#checkHome({ system, groupId });
    const key = nameOfGroup(groupId);
    const wasHere = await this.#withinQuota(key, (current): Decision<boolean> => {
      this.#checkWritable();
      const received = this.#held({ groupId }, current);
      judgeWrite(conditions, { etag: received?.etag, exists: received !== undefined, dated: received });
      for (const watch of this.#watches) if (watch.groupId === groupId) watch.withdrawn = true;
      if (received !== undefined) return { kind: 'delete', result: true };
      const tombstone = this.#tools.documents.newTombstone(system);
      if (current !== undefined) {
        const { tombstone: former } = current.state;
        if (former?.system !== system) return { kind: 'keep', result: false };
        // A provision that follows the former withdrawal may be on its way, and is from before this one.
        return { kind: 'amend', state: { ...current.state, tombstone }, result: () => false };
      }
      // No group of so long an ID can come, however late.
      if (nameFault(key) !== undefined) return { kind: 'keep', result: false };
      const state = { auid: groupsAuid, current: null, received: null, deliveries: {}, tombstone };
      return { kind: 'remember', key, state, result: false };
    });
    if (!wasHere) throw new NotFound('this group is not known here');
  }

  /**
   * Derives the effective document anew from the received one, as after a change of policy.
   *
   * @throws ProvisionRefused where the policy fails; the former effective document stays
   */
  async deriveAnew(groupId: GroupId): Promise<void> {
    await this.#tools.documents.change(nameOfGroup(groupId), async (current): Promise<Decision<void>> => {
      if (current?.received === undefined) return { kind: 'keep', result: undefined };
      const { form, received } = current;
      const { content } = await this.#derived(current, groupId, received);
      const unchanged = content.current.etag === form?.etag && sameReport(content.received, received);
      if (unchanged) return { kind: 'keep', result: undefined };
      // What our own policies make of it is not held against the peer, and an outdated form may be a danger.
      const draws = 'reserve';
      return { kind: 'put', placement: placementOf(groupId), content, draws, result: () => undefined };
    });
  }

  /** Changes a group that is to be gone. @throws InsufficientStorage where not even that can be remembered */
  async #withinQuota<T>(key: DocumentName, decide: (current?: StoredDocument) => Decision<T>): Promise<T> {
    try {
      return await this.#tools.documents.change(key, decide);
    } catch (error) {
      throw error instanceof QuotaExceeded ? new InsufficientStorage(error.message) : error;
    }
  }

  /**
   * After a write with an unknown outcome, a restart may show a state other than the present one. Until
   * that restart, no provision or withdrawal may be acknowledged. @throws StoreFailure
   */
  #checkWritable(): void {
    if (!this.#tools.documents.writable) throw new StoreFailure('the store takes no writes until restart');
  }

  /** A peer may provide only groups that are defined in its MC system (design D6). */
  #checkHome({ system, groupId }: Pick<Incoming, 'system' | 'groupId'>): void {
    if (this.#tools.homes.homeOf(groupId) === system) return;
    const refusal = new Forbidden('the MC service group is not defined in your MC system');
    const refused = new ProvisionRefused('reception', refusal);
    this.#logRefusal({ system, groupId }, refused);
    throw refused;
  }

  #logRefusal({ system, groupId }: Pick<Incoming, 'system' | 'groupId'>, refused: ProvisionRefused): void {
    const { stage, status } = refused;
    const fields = { peer: system, group: groupId, stage, status, reason: refused.refusal.message };
    // A stale tag is an ordinary event: the primary reads the present one and sends again.
    if (status === 412) this.#tools.log.info(fields, 'group information refused');
    else this.#tools.log.warn(fields, 'group information refused');
  }

  /**
   * What we hold of the group from its primary. An orphan is nothing to its home, which never provided it and
   * replaces it as if it were not there.
   */
  #held({ groupId }: Pick<Incoming, 'groupId'>, current: StoredDocument | undefined): Received | undefined {
    const received = current?.received;
    const whose = whoseRecord(received?.system, groupId, this.#tools.homes);
    return whose === 'of its primary' ? received : undefined;
  }

  /** A pushed document, under the conditions of its request. @throws RequestRefused */
  async #receive(
    incoming: Incoming,
    conditions: Conditions,
    current: StoredDocument | undefined,
  ): Promise<Judged> {
    const former = this.#held(incoming, current);
    judgeWrite(conditions, { etag: former?.etag, exists: former !== undefined, dated: former });
    if (former !== undefined && conditions.ifMatch === undefined) {
      throw new PreconditionRequired('a group that is known here is provided again with If-Match only');
    }
    if (former === undefined) checkFollows(incoming, current?.state.tombstone);
    return await this.#admit(incoming, current);
  }

  /**
   * What a provision of the same document once more leaves behind: the effective document as it is, and a new
   * tag for the received one, so that the former message cannot be taken for this one (design D20).
   */
  #again(incoming: Incoming, document: Judged, current: StoredDocument | undefined): Next | undefined {
    const received = this.#held(incoming, current);
    const effective = current?.form;
    if (received?.body !== document.text || effective === undefined) return undefined;
    const { etag, body, modified } = this.#tools.documents.newForm(received.body);
    const content = {
      auid: groupsAuid,
      current: effective,
      received: { ...received, etag, body, modified, upstreamETag: null },
    };
    return { content, isCurrent: () => true };
  }

  /** The document of `incoming`, once it is known to be one of this group. @throws XcapConflict */
  async #admit(incoming: Incoming, current: StoredDocument | undefined): Promise<Judged> {
    const { judge, usage } = this.#tools;
    const fault = current === undefined ? nameFault(nameOfGroup(incoming.groupId)) : undefined;
    if (fault !== undefined) throw new ConstraintFailure(fault);
    const { bytes, gone, groupId, system } = incoming;
    const document = await judge.judge(usage, { kind: 'document', bytes }, { by: system, gone });
    await usage.place(document.facts, nameOfGroup(groupId), current?.names);
    return document;
  }

  #listsOurs({ text }: Judged): boolean {
    const { homes } = this.#tools;
    return [...readGroup(text).identities].some((uri) => homes.isOwn(uri));
  }

  /** What `document` becomes by policy, under a new tag. @throws ProvisionRefused */
  async #modified(
    { system, groupId, upstreamETag }: Incoming,
    document: Judged,
    current: StoredDocument | undefined,
  ): Promise<Next> {
    const form = this.#tools.documents.newForm(document.text);
    return await this.#derived(current, groupId, { ...form, system, upstreamETag, modifications: [] });
  }

  /** As `#storing`; a refusal is logged. */
  async #storingPushed<T>(incoming: Incoming, decide: Decide<T>): Promise<T> {
    try {
      return await this.#storing(incoming, decide);
    } catch (error) {
      if (error instanceof ProvisionRefused) this.#logRefusal(incoming, error);
      throw error;
    }
  }

  /** Stores what `decide` makes of the present state. @throws ProvisionRefused where the store refuses */
  async #storing<T>({ system, groupId }: Incoming, decide: Decide<T>): Promise<T> {
    const { documents, log } = this.#tools;
    let committed: Next | undefined;
    try {
      const result = await documents.change(nameOfGroup(groupId), async (current): Promise<Decision<T>> => {
        const { next, result: outcome } = await decide(current);
        committed = next;
        if (next === undefined) return { kind: 'keep', result: outcome };
        return { kind: 'put', placement: placementOf(groupId), content: next.content, result: () => outcome };
      });
      if (committed === undefined) return result;
      log.info({ peer: system, group: groupId }, 'group information stored');
      if (!committed.isCurrent()) await this.#catchUp(groupId);
      return result;
    } catch (error) {
      if (error instanceof StoreFailure) throw new ProvisionRefused('storage', storageRefusal(error));
      if (error instanceof QuotaExceeded) {
        throw new ProvisionRefused('storage', new InsufficientStorage(error.message));
      }
      throw error;
    }
  }

  /**
   * A policy was put while this document was being received. The pass that derives all documents anew may
   * have missed this one.
   */
  async #catchUp(groupId: GroupId): Promise<void> {
    try {
      await this.deriveAnew(groupId);
    } catch (error) {
      const fields = { group: groupId, reason: describeError(error) };
      this.#tools.log.warn(fields, notDerived(error).message);
      this.#tools.deriveLater();
    }
  }

  /** @throws ConstraintFailure, with no word of what is wrong, where what the policies made is no group document */
  async #judge(
    text: string,
    groupId: GroupId,
    names: readonly DocumentName[] | undefined,
    system: SystemName,
  ): Promise<void> {
    try {
      await judgeEffective(text, groupId, names, this.#tools, system);
    } catch (error) {
      if (!(error instanceof XcapConflict)) throw error;
      throw policyNotApplicable(`the result is no valid group document: ${error.message}`);
    }
  }

  /**
   * Step 2 of clause 10.2.7.2 and step 4 of 10.2.7.3: the policies modify the document, which must still be
   * a group document.
   */
  async #derived(current: StoredDocument | undefined, groupId: GroupId, received: Received): Promise<Next> {
    const { documents, derive, log } = this.#tools;
    return await at('modification', async () => {
      const { text, modifications, omitted, isCurrent } = await derive(
        received.system,
        groupId,
        received.body,
      );
      // A document that no policy touched has already been judged.
      if (text !== received.body) await this.#judge(text, groupId, current?.names, received.system);
      const fields = { peer: received.system, group: groupId, modifications: modifications.length + omitted };
      log.info(fields, 'group information modified by policy');
      const former = current?.form;
      return {
        content: {
          auid: groupsAuid,
          current: former?.body === text ? former : documents.newForm(text),
          received: reported(received, modifications, omitted),
        },
        isCurrent,
      };
    });
  }
}

/**
 * A provision of a group that its primary withdrew says which withdrawal it follows, so that one from before
 * it, that was on its way for long, does not bring the group back. A peer that says nothing is believed.
 *
 * @throws PreconditionFailed
 */
function checkFollows({ follows, system }: Incoming, tombstone: Tombstone | undefined): void {
  // What another system withdrew, when it was the home, this one never knew.
  if (follows === undefined || tombstone?.system !== system) return;
  if (follows === formatETag(tombstone.etag)) return;
  throw new PreconditionFailed('the group was withdrawn since');
}

/** A received group has one name: its place in the users tree, if any, is the primary's affair. */
function placementOf(groupId: GroupId): Placement {
  const name = nameOfGroup(groupId);
  return { key: name, names: [name] };
}

/** `received`, with what the policies modify now. */
function reported(received: Received, modifications: readonly Modification[], omitted: number): Received {
  const { etag, body, modified, otherUntil, system, upstreamETag } = received;
  const rest = { ...(otherUntil !== undefined && { otherUntil }), ...(omitted > 0 && { omitted }) };
  return { etag, body, modified, system, upstreamETag, modifications, ...rest };
}

/** Whether both list the same modifications. A renamed template changes the list, but no document. */
function sameReport(one: Received, other: Received): boolean {
  const report = ({ modifications, omitted = 0 }: Received): string =>
    JSON.stringify([modifications, omitted]);
  return report(one) === report(other);
}
