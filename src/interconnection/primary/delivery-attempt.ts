import type { Clock } from '../../base/clock.js';
import type { GroupId } from '../../base/identifiers.js';
import type { Documents } from '../../documents/documents.js';
import type { Delivery, Form, PartnerAnswer, StoredDocument } from '../../documents/state.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Peer, Peers } from '../../mc-systems/peers.js';
import { NoAnswer } from '../../outbound/client.js';
import type { ScanLimits } from '../../xml/scan.js';
import type { Schemas } from '../../xml/schemas.js';
import type { Condition, PeerAnswer, PeerClient, PeerRequest } from '../peer-client.js';
import type { Outcome } from './delivery-state.js';
import { answerToKeep, explanationOf, readRetryAfter } from './partner-words.js';
import { isToHold } from './plan.js';

/**
 * One attempt to tell a partner of one group, and what its answer means (TS 23.280 clause 10.2.7.2;
 * design D16):
 *
 *   PUT: 200, 201, 204                done
 *   DELETE: 200, 204, 404, 410        done
 *   either: 412                       read the partner's present tag and send again; the third in a row fails
 *           401, 408, 429, 304, 5xx, nonsense, no answer    failed: it may go well the next time
 *           other 3xx and 4xx                               parked: it would only be repeated
 */

export interface AttemptTools {
  readonly documents: Pick<Documents, 'get' | 'treeOf'>;
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly peerClient: PeerClient;
  readonly schemas: Schemas;
  /** What an answer's document may hold. */
  readonly limits: ScanLimits;
  readonly clock: Clock;
}

/** How many answers 412 in a row count as a failure. */
const staleTags = 3;

/** Statuses below 500 after which another attempt may succeed. */
const retriable = new Set([401, 408, 429]);

/** Statuses that count only where the partner itself says them. */
const wordsOfPartner: readonly number[] = [200, 201, 204, 404, 410];

/** Statuses that concern the partner as a whole. */
const general = new Set([401, 408, 429, 502, 503, 504]);

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

  /** Provides the group as it is, or withdraws one that is deleted or no longer concerns the partner. */
  async make(stored: StoredDocument, delivery: Delivery, groupId: GroupId): Promise<Outcome> {
    const { state, form } = stored;
    try {
      if (form === undefined || !isToHold(this.#peer.name, state, this.#tools)) {
        return await this.#withdraw(stored, delivery, groupId);
      }
      return await this.#provide(stored, form, delivery, groupId);
    } catch (error) {
      if (error instanceof NoAnswer) return { kind: 'failed', reason: error.message, general: true };
      throw error;
    }
  }

  /** Step 1 of clause 10.2.7.2, and what the response of step 5 means. */
  async #provide(stored: StoredDocument, form: Form, known: Delivery, groupId: GroupId): Promise<Outcome> {
    const done = [200, 201, 204];
    const sent = await this.#sendUnderTag(stored, known.partnerETag, groupId, done, (request) =>
      this.#tools.peerClient.putGroup(request, form.body),
    );
    if ('kind' in sent) return sent;
    const { answer, isDone } = sent;
    if (!isDone) return this.#refusal(answer, false);
    return { kind: 'delivered', partnerETag: answer.etag ?? null, answer: this.#kept(answer) };
  }

  /**
   * Deletes the form that the partner holds now, never one that we provide later, even if this request
   * arrives late.
   */
  async #withdraw(stored: StoredDocument, known: Delivery, groupId: GroupId): Promise<Outcome> {
    const done = [200, 204, 404, 410];
    const sent = await this.#sendUnderTag(stored, known.partnerETag, groupId, done, (request) =>
      this.#tools.peerClient.deleteGroup(request),
    );
    if ('kind' in sent) return sent;
    const { answer, isDone } = sent;
    return isDone ? { kind: 'withdrawn', answer: this.#kept(answer) } : this.#refusal(answer, true);
  }

  /**
   * Sends under the condition that the partner holds the form with the tag `known`, or nothing where there is
   * none, and again under its present tag where that is another.
   *
   * Subtle: the present tag may belong to a newer form than this one, which the partner fetched in the
   * meantime. So this form is sent under it only where it is still the newest, as read after the tag.
   *
   * @param done the statuses of success
   * @returns the last answer; where the question for the tag was refused, the answer to that
   */
  async #sendUnderTag(
    stored: StoredDocument,
    known: string | null,
    groupId: GroupId,
    done: readonly number[],
    send: (request: PeerRequest) => Promise<PeerAnswer>,
  ): Promise<
    | { readonly answer: PeerAnswer; readonly isDone: boolean }
    | Extract<Outcome, { readonly kind: 'superseded' }>
  > {
    let tag = known;
    for (let stale = 1; ; stale += 1) {
      const condition: Condition = tag === null ? { 'If-None-Match': '*' } : { 'If-Match': tag };
      const answer = await send(this.#about(groupId, condition));
      if (answer.status !== 412 || stale === staleTags)
        return { answer, isDone: done.includes(answer.status) };
      const present = await this.#tools.peerClient.getGroup(this.#about(groupId));
      if (![200, 404, 410].includes(present.status)) return { answer: present, isDone: false };
      tag = present.status === 200 ? (present.etag ?? null) : null;
      if (!(await this.#isNewest(stored))) return { kind: 'superseded', partnerETag: tag };
    }
  }

  #about(groupId: GroupId, condition: Condition = {}): PeerRequest {
    return { peer: this.#peer, groupId, condition, ownWords: wordsOfPartner, signal: this.#signal };
  }

  /** Whether the partner should still be told the same. */
  async #isNewest(stored: StoredDocument): Promise<boolean> {
    const newest = await this.#tools.documents.get(stored.key);
    if (newest === undefined) return stored.form === undefined;
    const isToHoldIt = ({ state }: StoredDocument): boolean => isToHold(this.#peer.name, state, this.#tools);
    return newest.form?.etag === stored.form?.etag && isToHoldIt(newest) === isToHoldIt(stored);
  }

  #refusal(answer: PeerAnswer, withdrawal: boolean): Outcome {
    const { status } = answer;
    const kept = this.#kept(answer);
    if (status === 412) {
      return { kind: 'failed', reason: 'the partner keeps answering 412', general: false, answer: kept };
    }
    const explanation = explanationOf(answer, this.#tools);
    const reason = `the partner answered ${status}${explanation === '' ? '' : `: ${explanation}`}`;
    const final = status >= 300 && status < 500 && status !== 304 && !retriable.has(status);
    if (final) return { kind: 'parked', reason, withdrawal, answer: kept };
    const retryAfter = readRetryAfter(answer.retryAfter, this.#tools.clock.now());
    return { kind: 'failed', reason, general: general.has(status), retryAfter, answer: kept };
  }

  #kept(answer: PeerAnswer): PartnerAnswer {
    return answerToKeep(answer, this.#tools.clock.now(), this.#tools);
  }
}
