import { setImmediate } from 'node:timers/promises';
import { backOffDelay, type BackOffPolicy } from '../base/back-off.js';
import type { Clock } from '../base/clock.js';
import { describeError } from '../base/errors.js';
import type { DocumentName, ETag, GroupId } from '../base/identifiers.js';
import type { Log } from '../base/log.js';
import type { Random } from '../base/random.js';
import { terms, type Decision, type Documents } from '../documents/documents.js';
import type { Delivery, DocumentState, Form, StoredDocument } from '../documents/state.js';
import { groupIdOfName, groupMediaType, groupsAuid } from '../groups/group-usage.js';
import { groupView } from '../groups/view.js';
import type { RecordKey } from '../store/store.js';
import { mediaTypes } from '../xcap/media-types.js';
import type { HomeSystems } from '../auth/home-systems.js';
import { NoAnswer, type Outbound, type OutboundAnswer } from './outbound.js';
import { groupUrl, type Peer, type Peers } from './peers.js';
import { firstDelivery, partnersProvided, planAnew } from './plan.js';
import { resultMediaType } from './result.js';

/**
 * Delivery to partner MC systems (TS 23.280 clause 10.2.7.2; design D7).
 *
 * What is to be delivered stands in the records themselves: a commit that changes a group marks one
 * delivery per partner as pending (plan.ts). One loop per partner takes pending groups one after the
 * other. It always sends the newest form, read at the moment of sending, so a partner never goes from
 * newer to older; if the group changes while the request is under way, the delivery stays pending.
 *
 *   pending --200/201/204--> delivered          (a DELETE: 404 and 410 too; the delivery then goes)
 *   pending --412--> read the partner's tag and send again; the third in a row is a failure
 *   pending --401/408/429/5xx/nonsense/no answer--> pending, to be tried again after a pause
 *   pending --other 3xx/4xx--> parked with the reason; a new revision of the group makes it pending
 *
 * Where the failure may be the group's own, such as a 500, that group pauses and the others go on; where
 * it is the partner's, or several groups fail in a row, the whole loop pauses and waits for its timer
 * alone. After a restart every pending delivery is tried at once, and groups that partners are to hold
 * by a changed configuration, or no longer, become pending.
 */

export interface DeliverySettings {
  /** The identity that we assert to peers. */
  readonly identity: string;
  readonly backOff: BackOffPolicy;
}

interface Tools {
  readonly documents: Documents;
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly client: Outbound;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What came of one attempt. */
type Outcome =
  | { readonly kind: 'delivered'; readonly partnerETag: string | null }
  | { readonly kind: 'withdrawn' }
  | Failure
  | { readonly kind: 'parked'; readonly reason: string };

interface Failure {
  readonly kind: 'failed';
  readonly reason: string;
  /** Whether it tells of the partner as a whole, not of this group. */
  readonly general: boolean;
  /** Milliseconds that the partner asks us to wait. */
  readonly retryAfter?: number | undefined;
}

/** How many 412 in a row are a failure. */
const staleTags = 3;

/** Statuses below 500 that may be another one the next time. */
const retriable = new Set([401, 408, 429]);

/** Statuses that tell of the partner as a whole. */
const general = new Set([401, 408, 429, 502, 503, 504]);

/** How many groups must fail in a row for it to be the partner's failure. */
const failingGroups = 3;

/** Delivers to every peer for as long as the system runs. */
export class Deliveries {
  readonly #tools: Tools;
  readonly #loops: readonly PartnerLoop[];
  #planning: Promise<void> | undefined;
  #closed = false;

  constructor(tools: Tools, settings: DeliverySettings) {
    this.#tools = tools;
    this.#loops = [...tools.peers.values()].map((peer) => new PartnerLoop(peer, tools, settings));
  }

  /** Looks for pending deliveries; called at start and after every commit. */
  wake(): void {
    for (const loop of this.#loops) loop.wake();
    this.#planning ??= this.#planAnew().catch((error: unknown) => {
      this.#tools.log.error({ reason: describeError(error) }, 'deliveries not planned anew');
    });
  }

  /** Stops sending and waits for the requests under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#planning;
    await Promise.all(this.#loops.map((loop) => loop.close()));
  }

  /** Once after the start: the configuration of peers may have changed since groups were put. */
  async #planAnew(): Promise<void> {
    const { documents, homes, peers } = this.#tools;
    if (peers.size === 0) return;
    const planned = (stored: StoredDocument | undefined): DocumentState['deliveries'] | undefined =>
      stored && planAnew(stored.state, homes, peers, (form) => documents.treeOf(form));
    for (const key of documents.keysOf(terms.usage(groupsAuid))) {
      await setImmediate();
      if (this.#closed) return;
      if (planned(await documents.get(key)) === undefined) continue;
      const name = key as string as DocumentName;
      await documents.change(name, (current): Decision<void> => {
        const deliveries = planned(current);
        if (current === undefined || deliveries === undefined) return { kind: 'keep', result: undefined };
        return {
          kind: 'put',
          placement: { key: name, names: current.names },
          state: { ...current.state, deliveries },
          result: () => undefined,
        };
      });
      for (const loop of this.#loops) loop.wake();
    }
  }
}

class PartnerLoop {
  readonly #peer: Peer;
  readonly #tools: Tools;
  readonly #settings: DeliverySettings;
  readonly #closing = new AbortController();
  /** Groups that pause, and what ends their timers. */
  readonly #pausing = new Map<RecordKey, () => void>();
  /** Groups that have failed since the last success. */
  readonly #failing = new Set<RecordKey>();
  #running: Promise<void> | undefined;
  #failures = 0;
  #cancelRetry: (() => void) | undefined;

  constructor(peer: Peer, tools: Tools, settings: DeliverySettings) {
    this.#peer = peer;
    this.#tools = tools;
    this.#settings = settings;
  }

  wake(): void {
    if (this.#running !== undefined || this.#cancelRetry !== undefined) return;
    if (this.#closing.signal.aborted || this.#pending().length === 0) return;
    this.#running = this.#run()
      .catch((error: unknown) => {
        this.#tools.log.error({ peer: this.#peer.name, reason: describeError(error) }, 'delivery failed');
        this.#pause();
      })
      .finally(() => {
        this.#running = undefined;
        this.wake();
      });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancelRetry?.();
    for (const cancel of this.#pausing.values()) cancel();
    await this.#running;
  }

  #pending(): readonly RecordKey[] {
    const keys = this.#tools.documents.keysOf(terms.pending(this.#peer.name));
    return keys.filter((key) => !this.#pausing.has(key));
  }

  async #run(): Promise<void> {
    for (let batch = this.#pending(); batch.length > 0; batch = this.#pending()) {
      for (const key of batch) {
        if (this.#closing.signal.aborted || !(await this.#deliver(key))) return;
      }
    }
  }

  /** One attempt; false where the loop is to stop. */
  async #deliver(key: RecordKey): Promise<boolean> {
    const { documents, log } = this.#tools;
    const stored = await documents.get(key);
    const delivery = stored?.state.deliveries[this.#peer.name];
    const groupId = groupIdOfName(key as string as DocumentName);
    if (stored === undefined || delivery?.status !== 'pending' || groupId === undefined) return true;
    const outcome = await this.#attempt(stored, delivery, groupId);
    if (this.#closing.signal.aborted && outcome.kind === 'failed') return false;
    await this.#record(key, stored.state.current?.etag, outcome);
    const fields = { peer: this.#peer.name, group: groupId, outcome: outcome.kind };
    if (outcome.kind === 'failed') {
      log.warn({ ...fields, reason: outcome.reason }, 'group information not delivered');
      return this.#goesOn(key, delivery.failures + 1, outcome);
    }
    if (outcome.kind === 'parked')
      log.warn({ ...fields, reason: outcome.reason }, 'group information parked');
    else log.info(fields, 'group information delivered');
    this.#failures = 0;
    this.#failing.clear();
    return true;
  }

  /** Pauses the group or the whole loop; whether the loop goes on with other groups. */
  #goesOn(key: RecordKey, failures: number, { general, retryAfter }: Failure): boolean {
    this.#failing.add(key);
    if (general || this.#failing.size >= failingGroups) {
      this.#pause(retryAfter);
      return false;
    }
    const cancel = this.#tools.clock.schedule(this.#delay(failures, retryAfter), () => {
      this.#pausing.delete(key);
      this.wake();
    });
    this.#pausing.set(key, cancel);
    return true;
  }

  #pause(retryAfter?: number): void {
    this.#failures += 1;
    this.#cancelRetry = this.#tools.clock.schedule(this.#delay(this.#failures, retryAfter), () => {
      this.#cancelRetry = undefined;
      this.wake();
    });
  }

  #delay(failures: number, retryAfter = 0): number {
    const { backOff } = this.#settings;
    const delay = backOffDelay(backOff, failures, this.#tools.random);
    return Math.max(delay, Math.min(retryAfter, backOff.cap));
  }

  /** Keeps what came of an attempt to deliver `sent`. */
  async #record(key: RecordKey, sent: ETag | undefined, outcome: Outcome): Promise<void> {
    await this.#tools.documents.change(key as string as DocumentName, (current): Decision<void> => {
      const known = current?.state.deliveries[this.#peer.name];
      if (current === undefined || known === undefined) return { kind: 'keep', result: undefined };
      const deliveries: Record<string, Delivery> = { ...current.state.deliveries };
      const next = nextDelivery(known, outcome, sent, current.state.current?.etag);
      if (next === undefined) Reflect.deleteProperty(deliveries, this.#peer.name);
      else deliveries[this.#peer.name] = next;
      return {
        kind: 'put',
        placement: { key: key as string as DocumentName, names: current.names },
        state: { ...current.state, deliveries },
        result: () => undefined,
      };
    });
  }

  async #attempt(stored: StoredDocument, delivery: Delivery, groupId: GroupId): Promise<Outcome> {
    const form = stored.state.current;
    try {
      if (form === null || !this.#isConcerned(form)) return await this.#withdraw(groupId);
      return await this.#provide(form, delivery, groupId);
    } catch (error) {
      if (error instanceof NoAnswer) return { kind: 'failed', reason: error.message, general: true };
      throw error;
    }
  }

  #isConcerned(form: Form): boolean {
    const { documents, homes, peers } = this.#tools;
    return partnersProvided(groupView(documents.treeOf(form)), homes, peers).has(this.#peer.name);
  }

  /** Step 1 of clause 10.2.7.2, and again with the partner's present tag where ours is stale. */
  async #provide(form: Form, delivery: Delivery, groupId: GroupId): Promise<Outcome> {
    let partnerETag = delivery.partnerETag;
    for (let stale = 1; ; stale += 1) {
      const condition = partnerETag === null ? { 'If-None-Match': '*' } : { 'If-Match': partnerETag };
      const answer = await this.#send(
        'PUT',
        groupId,
        { ...condition, 'Content-Type': groupMediaType },
        form.body,
      );
      if (answer.status === 200 || answer.status === 201 || answer.status === 204) {
        return { kind: 'delivered', partnerETag: answer.headers.etag ?? null };
      }
      if (answer.status !== 412) return this.#refusal(answer);
      if (stale === staleTags) {
        return { kind: 'failed', reason: 'the partner keeps answering 412', general: false };
      }
      const present = await this.#send('GET', groupId, {});
      if (![200, 404, 410].includes(present.status)) return this.#refusal(present);
      partnerETag = present.status === 200 ? (present.headers.etag ?? null) : null;
    }
  }

  async #withdraw(groupId: GroupId): Promise<Outcome> {
    const answer = await this.#send('DELETE', groupId, {});
    const done = [200, 204, 404, 410].includes(answer.status);
    return done ? { kind: 'withdrawn' } : this.#refusal(answer);
  }

  /** What a refusal means for the delivery (design D7, D16). */
  #refusal({ status, headers }: OutboundAnswer): Outcome {
    const reason = `the partner answered ${status}`;
    const final = status >= 300 && status < 500 && status !== 304 && !retriable.has(status);
    if (final) return { kind: 'parked', reason };
    const retryAfter = readRetryAfter(headers['retry-after'], this.#tools.clock.now());
    return { kind: 'failed', reason, general: general.has(status), retryAfter };
  }

  async #send(
    method: 'GET' | 'PUT' | 'DELETE',
    groupId: GroupId,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<OutboundAnswer> {
    return await this.#tools.client.send(
      {
        method,
        url: groupUrl(this.#peer, groupId),
        headers: {
          Accept: `${resultMediaType}, ${groupMediaType}, ${mediaTypes.error}`,
          'X-3GPP-Asserted-Identity': this.#settings.identity,
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
      },
      this.#closing.signal,
    );
  }
}

/** The milliseconds that a Retry-After field value asks for (RFC 9110 clause 10.2.3), undefined for nonsense. */
function readRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1000;
  const date = /^[A-Z][a-z]{2}, .* GMT$/.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/**
 * The delivery after an attempt to deliver `sent`, or undefined where nothing is left to be told. A
 * group that has changed meanwhile (`present`) stays pending whatever came of the attempt.
 */
function nextDelivery(
  known: Delivery,
  outcome: Outcome,
  sent: ETag | undefined,
  present: ETag | undefined,
): Delivery | undefined {
  const settled = sent === present;
  switch (outcome.kind) {
    case 'withdrawn':
      return settled ? undefined : firstDelivery;
    case 'delivered':
      return {
        status: settled ? 'delivered' : 'pending',
        acknowledged: sent ?? null,
        partnerETag: outcome.partnerETag,
        failures: 0,
        reason: null,
      };
    case 'parked':
    case 'failed': {
      const parked = settled && outcome.kind === 'parked';
      const status = parked ? 'parked' : 'pending';
      return { ...known, status, failures: known.failures + 1, reason: outcome.reason };
    }
  }
}
