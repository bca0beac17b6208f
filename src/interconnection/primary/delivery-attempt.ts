import type { Clock } from '../../base/clock.js';
import type { GroupId } from '../../base/identifiers.js';
import type { Documents } from '../../documents/documents.js';
import type { Delivery, Form, PartnerAnswer, StoredDocument } from '../../documents/state.js';
import type { Peer } from '../../mc-systems/peers.js';
import { NoAnswer, NoConnection } from '../../outbound/client.js';
import { noWithdrawal, withdrawalField } from '../csc-16-fields.js';
import type { Condition, PeerAnswer, PeerClient, PeerRequest, Share } from '../peer-client.js';
import { answerToKeep } from '../peer-words.js';
import type { Failure, Outcome } from './delivery-state.js';

/**
 * One attempt to tell a partner of one group, and what its answer means (TS 23.280 clause 10.2.7.2;
 * design D16, D20):
 *
 *   PUT: 200, 201, 204                done
 *   DELETE: 200, 204, 404, 410        done
 *   either: 412                       read the partner's present tag and send again; the third in a row fails
 *           401, 408, 429, 304, 5xx, nonsense, no answer    failed: it may go well the next time
 *           other 3xx and 4xx                               parked: it would only be repeated
 *
 * "Done" and "parked" need the partner's own word (peer-words.ts). Anything else is the way's failure, whatever
 * its status. A partner that is a plain XCAP server has no words of its own for a withdrawal; then it is
 * looked at (`#confirmAbsence`, `#confirmPresence`) before anything counts.
 */

export interface AttemptTools {
  readonly documents: Pick<Documents, 'get'>;
  readonly peerClient: PeerClient;
  readonly clock: Clock;
}

const share: Share = { purpose: 'delivery' };

/** How many 412 in a row are a failure. */
const staleTags = 3;

/** Statuses below 500 that may be another one the next time. */
const retriable = new Set([401, 408, 429]);

const provided: readonly number[] = [200, 201, 204];
const withdrawn: readonly number[] = [200, 204, 404, 410];

/** What the operator is told of a partner whose tags cannot be used. */
const noStrongTag =
  'the partner gives no strong entity tag (RFC 4825 clause 8.5): a message that arrives late cannot be told from news';

/** What the partner holds, as far as we know. */
interface Standing {
  /** The tag of its copy; null where it holds none, or gives no tag. */
  readonly tag: string | null;
  /** The tag of the withdrawal that it remembers; undefined where it does not say, although we asked. */
  readonly withdrawal: string | null | undefined;
  /** It holds a copy without a strong tag: no condition can name it. */
  readonly nameless: boolean;
}

/** What came of sending under a condition: an answer, or the end of the attempt. */
type Sent = PeerAnswer | Extract<Outcome, { readonly kind: 'superseded' | 'failed' }>;

/** Sends group information to one partner. */
export class Attempts {
  readonly #peer: Peer;
  readonly #tools: AttemptTools;
  readonly #signal: AbortSignal;

  /** @param signal ends every attempt under way */
  constructor(peer: Peer, tools: AttemptTools, signal: AbortSignal) {
    this.#peer = peer;
    this.#tools = tools;
    this.#signal = signal;
  }

  /** Provides the group as it is, or withdraws one that is deleted or concerns the partner no more. */
  async make(stored: StoredDocument, delivery: Delivery, groupId: GroupId): Promise<Outcome> {
    const { form } = stored;
    try {
      if (!delivery.hold || form === undefined) return await this.#withdraw(stored, delivery, groupId);
      return await this.#provide(stored, form, delivery, groupId);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return { kind: 'failed', reason: error.message, unreachable: error instanceof NoConnection };
    }
  }

  /** Step 1 of clause 10.2.7.2, and what the response of step 5 means. */
  async #provide(stored: StoredDocument, form: Form, known: Delivery, groupId: GroupId): Promise<Outcome> {
    const sent = await this.#sendUnderTag(stored, known, groupId, (request) =>
      this.#tools.peerClient.putGroup(request, form.body),
    );
    if ('kind' in sent) return sent;
    if (!provided.includes(sent.status)) return this.#refusal(sent);
    if (!sent.own) return await this.#confirmPresence(form, sent, groupId);
    const remark = sent.etag === undefined ? { remark: noStrongTag } : {};
    const answer = { ...this.#kept(sent), ...remark };
    return { kind: 'delivered', partnerETag: sent.etag ?? null, answer };
  }

  /**
   * Deletes the form that the partner holds now, never one that we provide later, even if this request
   * arrives late.
   */
  async #withdraw(stored: StoredDocument, known: Delivery, groupId: GroupId): Promise<Outcome> {
    const sent = await this.#sendUnderTag(stored, known, groupId, (request) =>
      this.#tools.peerClient.deleteGroup(request),
    );
    if ('kind' in sent) return sent;
    if (!withdrawn.includes(sent.status)) return this.#refusal(sent);
    if (!sent.own) return await this.#confirmAbsence(sent, groupId);
    return { kind: 'withdrawn', withdrawalTag: sent.withdrawalTag ?? null, answer: this.#kept(sent) };
  }

  /**
   * Sends under the condition that the partner holds what we know it to hold, and again under its present tag
   * where that is another.
   *
   * Subtle: the present tag may belong to a newer form than this one, which the partner fetched in the
   * meantime. So this form is sent under it only where nothing else is owed by then, as read after the tag.
   */
  async #sendUnderTag(
    stored: StoredDocument,
    known: Delivery,
    groupId: GroupId,
    send: (request: PeerRequest) => Promise<PeerAnswer>,
  ): Promise<Sent> {
    let standing: Standing = { tag: known.partnerETag, withdrawal: known.withdrawalTag, nameless: false };
    for (let stale = 1; ; stale += 1) {
      const answer = await send(this.#about(groupId, conditionOn(standing)));
      if (answer.status !== 412) return answer;
      if (stale === staleTags) return this.#failure(answer, 'the partner keeps answering 412');
      const present = await this.#tools.peerClient.getGroup(this.#about(groupId));
      // It refuses to tell: that is its answer to the whole attempt.
      if (present.own && present.status >= 300 && ![404, 410, 412].includes(present.status)) return present;
      if (!present.own || ![200, 404, 410].includes(present.status)) {
        return this.#failure(present, `the partner's present tag is not to be had: ${saidBy(present)}`);
      }
      standing = standingOf(present);
      if (!(await this.#isOwed(stored, known))) {
        return { kind: 'superseded', partnerETag: standing.tag, withdrawalTag: standing.withdrawal ?? null };
      }
    }
  }

  #about(groupId: GroupId, condition: Condition = {}): PeerRequest {
    return { peer: this.#peer, share, groupId, condition, signal: this.#signal };
  }

  /** Whether the partner is still owed the same. */
  async #isOwed(stored: StoredDocument, known: Delivery): Promise<boolean> {
    const newest = await this.#tools.documents.get(stored.key);
    return newest?.state.deliveries[this.#peer.name]?.change === known.change;
  }

  /** A success that nobody signed: the group is delivered where the partner shows it. */
  async #confirmPresence(form: Form, answer: PeerAnswer, groupId: GroupId): Promise<Outcome> {
    const shown = await this.#tools.peerClient.getGroup(this.#about(groupId));
    const isThere =
      shown.own &&
      shown.status === 200 &&
      shown.body.kind === 'whole' &&
      shown.body.bytes.equals(Buffer.from(form.body, 'utf8'));
    if (!isThere) return this.#failure(answer, notItsOwnWord(answer));
    const remark = shown.etag === undefined ? { remark: noStrongTag } : {};
    return {
      kind: 'delivered',
      partnerETag: shown.etag ?? null,
      answer: { ...this.#kept(answer), ...remark },
    };
  }

  /**
   * An absence that nobody signed: it counts where an XCAP server answers at the same root. A partner with
   * header fields of ours signs its own answer to the withdrawal. One that it did not sign never reached it,
   * so that it does not remember the withdrawal, and a provision on its way could bring the group back.
   */
  async #confirmAbsence(answer: PeerAnswer, groupId: GroupId): Promise<Outcome> {
    const { peerClient } = this.#tools;
    const shown = await peerClient.getGroup(this.#about(groupId));
    const isGone =
      [404, 410].includes(shown.status) &&
      shown.withdrawalTag === undefined &&
      (shown.own || (await peerClient.isXcapServer(this.#peer, share, this.#signal)));
    if (!isGone) return this.#failure(answer, notItsOwnWord(answer));
    return { kind: 'withdrawn', withdrawalTag: null, answer: this.#kept(answer) };
  }

  #refusal(answer: PeerAnswer): Outcome {
    const { status, own, explanation } = answer;
    const reason = `the partner answered ${status}${explanation === '' ? '' : `: ${explanation}`}`;
    const final = status >= 300 && status < 500 && status !== 304 && !retriable.has(status);
    if (!final) return this.#failure(answer, reason);
    if (!own) return this.#failure(answer, notItsOwnWord(answer));
    return { kind: 'parked', reason, answer: this.#kept(answer) };
  }

  #failure(answer: PeerAnswer, reason: string): Failure {
    const { retryAfter } = answer;
    return { kind: 'failed', reason, unreachable: false, retryAfter, answer: this.#kept(answer) };
  }

  #kept({ status, result }: PeerAnswer): PartnerAnswer {
    return answerToKeep(status, result, this.#tools.clock.now());
  }
}

/** The condition that the partner holds this, as header fields. */
function conditionOn({ tag, withdrawal, nameless }: Standing): Condition {
  if (nameless) return {};
  if (tag !== null) return { 'If-Match': tag };
  if (withdrawal === undefined) return { 'If-None-Match': '*' };
  return { 'If-None-Match': '*', [withdrawalField]: withdrawal ?? noWithdrawal };
}

/** What the partner's own answer to a GET says that it holds. */
function standingOf({ status, etag, withdrawalTag }: PeerAnswer): Standing {
  if (status !== 200) return { tag: null, withdrawal: withdrawalTag, nameless: false };
  return { tag: etag ?? null, withdrawal: null, nameless: etag === undefined };
}

function saidBy({ status, own, explanation }: PeerAnswer): string {
  return own ? `${status} ${explanation}`.trim() : `${status}, which is not the partner's own word`;
}

function notItsOwnWord({ status }: PeerAnswer): string {
  return `${status} came back, but nothing in it shows that the partner itself answered: perhaps a proxy on the way`;
}
