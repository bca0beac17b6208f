import { millisecondsUntil, type Clock, type WallTime } from '../../base/clock.js';
import type { GroupId } from '../../base/identifiers.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Documents } from '../../documents/documents.js';
import type { Delivery, Form, PartnerAnswer, StoredDocument } from '../../documents/state.js';
import { groupMediaType } from '../../groups/names.js';
import { essence, mediaTypes } from '../../xcap/media-types.js';
import { gateText } from '../../xml/gate.js';
import { readSmall, smallAttribute, smallChildren } from '../../xml/read-small.js';
import { XmlRefused } from '../../xml/refusal.js';
import type { ScanLimits } from '../../xml/scan.js';
import type { Schemas } from '../../xml/schemas.js';
import type { Outcome } from './delivery-state.js';
import { exceptPagesOfProxies, NoAnswer, type Outbound, type OutboundAnswer } from '../../outbound/client.js';
import { type Peer, type Peers } from '../../mc-systems/peers.js';
import { groupUrl } from '../peer-client.js';
import { isToHold } from './plan.js';
import { provisionSteps, resultMediaType, type ProvisionResult, type Reason } from '../result/result.js';
import { readResult } from '../result/read-result.js';

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
  readonly client: Outbound;
  readonly schemas: Schemas;
  /** What an answer's document may hold. */
  readonly limits: ScanLimits;
  readonly clock: Clock;
}

/** How many 412 in a row are a failure. */
const staleTags = 3;

/** Statuses below 500 that may be another one the next time. */
const retriable = new Set([401, 408, 429]);

/** Statuses that count only where the partner itself says them. */
const wordsOfPartner: readonly number[] = [200, 201, 204, 404, 410];

/** Statuses that tell of the partner as a whole. */
const general = new Set([401, 408, 429, 502, 503, 504]);

/** Characters of a partner's explanation that are kept. */
const explanationLength = 300;

/** Sends group information to one partner. */
export class Attempts {
  readonly #peer: Peer;
  readonly #tools: AttemptTools;
  readonly #identity: string;
  readonly #signal: AbortSignal;

  /** @param identity what we assert; @param signal ends every attempt under way */
  constructor(peer: Peer, tools: AttemptTools, identity: string, signal: AbortSignal) {
    this.#peer = peer;
    this.#tools = tools;
    this.#identity = identity;
    this.#signal = signal;
  }

  /** Provides the group as it is, or withdraws one that is deleted or concerns the partner no more. */
  async make(stored: StoredDocument, delivery: Delivery, groupId: GroupId): Promise<Outcome> {
    const { state } = stored;
    try {
      if (state.current === null || !isToHold(this.#peer.name, state, this.#tools)) {
        return await this.#withdraw(stored, delivery, groupId);
      }
      return await this.#provide(stored, state.current, delivery, groupId);
    } catch (error) {
      if (error instanceof NoAnswer) return { kind: 'failed', reason: error.message, general: true };
      throw error;
    }
  }

  /** Step 1 of clause 10.2.7.2, and again with the partner's present tag where ours is stale. */
  async #provide(stored: StoredDocument, form: Form, known: Delivery, groupId: GroupId): Promise<Outcome> {
    const sent = await this.#sendUnderTag(
      stored,
      known.partnerETag,
      groupId,
      [200, 201, 204],
      (condition) => {
        const headers = { ...condition, 'Content-Type': groupMediaType };
        return this.#send('PUT', groupId, headers, form.body);
      },
    );
    if ('kind' in sent) return sent;
    const { answer, isDone } = sent;
    if (!isDone) return this.#refusal(answer, false);
    return { kind: 'delivered', partnerETag: answer.headers.etag ?? null, answer: this.#read(answer) };
  }

  /**
   * Deletes the form that the partner holds now, never one that we provide later, even if this request
   * arrives late.
   */
  async #withdraw(stored: StoredDocument, known: Delivery, groupId: GroupId): Promise<Outcome> {
    const done = [200, 204, 404, 410];
    const sent = await this.#sendUnderTag(stored, known.partnerETag, groupId, done, (condition) =>
      this.#send('DELETE', groupId, condition),
    );
    if ('kind' in sent) return sent;
    const { answer, isDone } = sent;
    return isDone ? { kind: 'withdrawn', answer: this.#read(answer) } : this.#refusal(answer, true);
  }

  /**
   * Sends under the condition that the partner holds the form with the tag `known`, or nothing where there is
   * none, and again under its present tag where that is another.
   *
   * Subtle: the present tag may belong to a newer form than this one, which the partner fetched in the
   * meantime. So this form is sent under it only where it is still the newest, as read after the tag.
   *
   * @param done the statuses of success
   * @returns the last answer, which is that to the question for the tag where this was refused
   */
  async #sendUnderTag(
    stored: StoredDocument,
    known: string | null,
    groupId: GroupId,
    done: readonly number[],
    send: (condition: Readonly<Record<string, string>>) => Promise<OutboundAnswer>,
  ): Promise<
    | { readonly answer: OutboundAnswer; readonly isDone: boolean }
    | Extract<Outcome, { readonly kind: 'superseded' }>
  > {
    let tag = known;
    for (let stale = 1; ; stale += 1) {
      const answer = await send(tag === null ? { 'If-None-Match': '*' } : { 'If-Match': tag });
      if (answer.status !== 412 || stale === staleTags)
        return { answer, isDone: done.includes(answer.status) };
      const present = await this.#send('GET', groupId, {});
      if (![200, 404, 410].includes(present.status)) return { answer: present, isDone: false };
      tag = present.status === 200 ? (present.headers.etag ?? null) : null;
      if (!(await this.#isNewest(stored))) return { kind: 'superseded', partnerETag: tag };
    }
  }

  /** Whether the partner is still to be told the same. */
  async #isNewest(stored: StoredDocument): Promise<boolean> {
    const newest = await this.#tools.documents.get(stored.key);
    if (newest === undefined) return stored.state.current === null;
    const isToHoldIt = ({ state }: StoredDocument): boolean => isToHold(this.#peer.name, state, this.#tools);
    return (
      newest.state.current?.etag === stored.state.current?.etag && isToHoldIt(newest) === isToHoldIt(stored)
    );
  }

  #refusal(answer: OutboundAnswer, withdrawal: boolean): Outcome {
    const { status, headers } = answer;
    if (status === 412) {
      const reason = 'the partner keeps answering 412';
      return { kind: 'failed', reason, general: false, answer: this.#read(answer) };
    }
    const explanation = this.#explanation(answer);
    const reason = `the partner answered ${status}${explanation === '' ? '' : `: ${explanation}`}`;
    const final = status >= 300 && status < 500 && status !== 304 && !retriable.has(status);
    if (final) return { kind: 'parked', reason, withdrawal, answer: this.#read(answer) };
    const retryAfter = readRetryAfter(headers['retry-after'], this.#tools.clock.now());
    return { kind: 'failed', reason, general: general.has(status), retryAfter, answer: this.#read(answer) };
  }

  /** What is kept of an answer, for the operator. */
  #read(answer: OutboundAnswer): PartnerAnswer {
    const result = this.#provisionResult(answer);
    return {
      status: answer.status,
      at: this.#tools.clock.now(),
      result:
        result === undefined
          ? null
          : {
              reception: result.reception.outcome,
              modification: result.modification.outcome,
              storage: result.storage.outcome,
              modifications:
                result.modifications === undefined
                  ? null
                  : result.modifications.length + (result.omitted ?? 0),
            },
    };
  }

  #provisionResult({ headers, body }: OutboundAnswer): ProvisionResult | undefined {
    if (body.kind === 'unusable' || essence(headers['content-type'] ?? '') !== resultMediaType)
      return undefined;
    const result = readResult(body.bytes.toString('utf8'), this.#tools.schemas, this.#tools.limits);
    return result?.kind === 'provision' ? result : undefined;
  }

  /** The partner's own words for a refusal, cut to what a line of a log or a table holds; or nothing. */
  #explanation(answer: OutboundAnswer): string {
    const text = this.#explainedByResult(answer) ?? this.#explainedByXcapError(answer) ?? '';
    // eslint-disable-next-line no-control-regex -- a partner's words must stay one line
    return text.replace(/[\u0000-\u001F\u007F]+/g, ' ').slice(0, explanationLength);
  }

  #explainedByResult(answer: OutboundAnswer): string | undefined {
    const result = this.#provisionResult(answer);
    if (result === undefined) return undefined;
    for (const step of provisionSteps) {
      const outcome = result[step];
      if (outcome.outcome === 'failure') return `${step} failed, ${inWords(outcome.reason)}`;
    }
    return undefined;
  }

  #explainedByXcapError({ headers, body }: OutboundAnswer): string | undefined {
    if (body.kind === 'unusable' || essence(headers['content-type'] ?? '') !== mediaTypes.error)
      return undefined;
    const { schemas, limits } = this.#tools;
    try {
      const { text } = gateText(body.bytes.toString('utf8'), limits);
      schemas.validate('xcap-error', text);
      const [condition] = smallChildren(readSmall(text));
      if (condition === undefined) return undefined;
      return inWords({
        phrase: smallAttribute(condition, 'phrase') ?? '',
        element: { name: condition.local },
      });
    } catch (error) {
      if (error instanceof XmlRefused) return undefined;
      throw error;
    }
  }

  async #send(
    method: 'GET' | 'PUT' | 'DELETE',
    groupId: GroupId,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<OutboundAnswer> {
    const answer = await this.#tools.client.send(
      {
        method,
        url: groupUrl(this.#peer, groupId),
        headers: {
          Accept: `${resultMediaType}, ${groupMediaType}, ${mediaTypes.error}`,
          'X-3GPP-Asserted-Identity': this.#identity,
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
      },
      this.#signal,
    );
    return exceptPagesOfProxies(answer, wordsOfPartner);
  }
}

function inWords({
  phrase,
  element,
}: {
  phrase: string;
  element?: Pick<NonNullable<Reason['element']>, 'name'>;
}): string {
  return [element?.name, phrase].filter((part) => part !== undefined && part !== '').join(': ');
}

/**
 * The milliseconds that a Retry-After field value asks for (RFC 9110 clause 10.2.3), undefined for nonsense.
 * However many: whoever waits bounds them.
 */
export function readRetryAfter(value: string | undefined, now: WallTime): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1000;
  const date = /^[A-Z][a-z]{2}, .* GMT$/.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? undefined : millisecondsUntil(date, now, Infinity);
}
