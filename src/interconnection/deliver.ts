import { backOffDelay, type BackOffPolicy } from '../base/back-off.js';
import type { Clock } from '../base/clock.js';
import { describeError } from '../base/errors.js';
import type { DocumentName, ETag, GroupId } from '../base/identifiers.js';
import type { Log } from '../base/log.js';
import type { Random } from '../base/random.js';
import { terms, type Decision, type Documents } from '../documents/documents.js';
import type { Delivery, Form, StoredDocument } from '../documents/state.js';
import { groupIdOfName, groupMediaType } from '../groups/group-usage.js';
import { groupView } from '../groups/view.js';
import type { RecordKey } from '../store/store.js';
import { mediaTypes } from '../xcap/media-types.js';
import type { HomeSystems } from '../auth/home-systems.js';
import { NoAnswer, type OutboundAnswer, type OutboundClient } from './outbound.js';
import { groupUrl, type Peer, type Peers } from './peers.js';
import { firstDelivery, partnersConcerned } from './plan.js';
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
 *   pending --412--> read the partner's tag, send again, three times at most
 *   pending --401/408/429/5xx/nonsense/no answer--> pending, and the whole loop backs off
 *   pending --other 3xx/4xx--> parked with the reason; a new revision of the group makes it pending
 *
 * A loop that backs off waits for its timer alone. After a restart every pending delivery is tried at
 * once.
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
  readonly client: OutboundClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What came of one attempt. */
type Outcome =
  | { readonly kind: 'delivered'; readonly partnerETag: string | null }
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'parked'; readonly reason: string };

/** How often a 412 is answered by reading the partner's tag and sending again. */
const refreshes = 3;

const retriable = new Set([401, 408, 429]);

/** Delivers to every peer for as long as the system runs. */
export class Deliveries {
  readonly #loops: readonly PartnerLoop[];

  constructor(tools: Tools, settings: DeliverySettings) {
    this.#loops = [...tools.peers.values()].map((peer) => new PartnerLoop(peer, tools, settings));
  }

  /** Looks for pending deliveries; called at start and after every commit. */
  wake(): void {
    for (const loop of this.#loops) loop.wake();
  }

  /** Stops sending and waits for the requests under way. */
  async close(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.close()));
  }
}

class PartnerLoop {
  readonly #peer: Peer;
  readonly #tools: Tools;
  readonly #settings: DeliverySettings;
  readonly #closing = new AbortController();
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
        this.#retryLater();
      })
      .finally(() => {
        this.#running = undefined;
        this.wake();
      });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancelRetry?.();
    await this.#running;
  }

  #pending(): readonly RecordKey[] {
    return this.#tools.documents.keysOf(terms.pending(this.#peer.name));
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
      this.#retryLater();
      return false;
    }
    if (outcome.kind === 'parked')
      log.warn({ ...fields, reason: outcome.reason }, 'group information parked');
    else log.info(fields, 'group information delivered');
    this.#failures = 0;
    return true;
  }

  #retryLater(): void {
    this.#failures += 1;
    const delay = backOffDelay(this.#settings.backOff, this.#failures, this.#tools.random);
    this.#cancelRetry = this.#tools.clock.schedule(delay, () => {
      this.#cancelRetry = undefined;
      this.wake();
    });
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
      if (error instanceof NoAnswer) return { kind: 'failed', reason: error.message };
      throw error;
    }
  }

  #isConcerned(form: Form): boolean {
    const { documents, homes, peers } = this.#tools;
    const concerned = partnersConcerned(groupView(documents.treeOf(form)), homes, peers);
    return concerned.has(this.#peer.name);
  }

  /** Step 1 of clause 10.2.7.2, and again with the partner's present tag where ours is stale. */
  async #provide(form: Form, delivery: Delivery, groupId: GroupId): Promise<Outcome> {
    let partnerETag = delivery.partnerETag;
    for (let refreshed = 0; ; refreshed += 1) {
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
      if (answer.status !== 412) return refusalOf(answer);
      if (refreshed === refreshes) return { kind: 'failed', reason: 'the partner keeps answering 412' };
      const present = await this.#send('GET', groupId, {});
      if (present.status !== 200 && present.status !== 404) return refusalOf(present);
      partnerETag = present.status === 200 ? (present.headers.etag ?? null) : null;
    }
  }

  async #withdraw(groupId: GroupId): Promise<Outcome> {
    const answer = await this.#send('DELETE', groupId, {});
    const done = [200, 204, 404, 410].includes(answer.status);
    return done ? { kind: 'withdrawn' } : refusalOf(answer);
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

/** What a refusal means for the delivery (design D7, D16). */
function refusalOf({ status }: OutboundAnswer): Outcome {
  const reason = `the partner answered ${status}`;
  const final = status >= 300 && status < 500 && status !== 304 && !retriable.has(status);
  return { kind: final ? 'parked' : 'failed', reason };
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
