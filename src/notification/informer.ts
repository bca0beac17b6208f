import { backOffDelay, type BackOffPolicy } from '../base/back-off.js';
import type { Clock } from '../base/clock.js';
import { describeError } from '../base/errors.js';
import type { DocumentName, ETag } from '../base/identifiers.js';
import type { Log } from '../base/log.js';
import type { Random } from '../base/random.js';
import type { DocumentChange } from '../documents/commits.js';
import { groupsAuid } from '../groups/names.js';
import type { Outbound } from '../outbound/client.js';
import { writeXcapDiff } from '../xcap/diff.js';
import { mediaTypes } from '../xcap/media-types.js';

/**
 * Informs MC service servers of changed group documents (TS 23.280 clauses 10.2.7.2 step 4 and 10.2.7.3 step
 * 6): an xcap-diff document is posted to each configured address.
 *
 * Each server has a queue, and gets one request at a time. Changes of one document that pile up while a request
 * is under way merge into one, from the oldest tag to the newest, so that the chain of tags that a server sees
 * has no gap (RFC 5874 clause 3). A server that does not answer is tried again with growing pauses. What waits
 * for it is bounded by the number of documents. It is lost with the process, and the server is not told of it later;
 * the log says how many changes that were.
 */

/** An MC service server that wants to be informed. */
export interface InformedServer {
  readonly identity: string;
  /** Address for the POST. */
  readonly url: string;
}

export interface InformSettings {
  /** XCAP root URI that the xcap-diff documents name; known once the server listens. */
  readonly xcapRoot: () => string;
  readonly backOff: BackOffPolicy;
}

interface Tools {
  readonly client: Outbound;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A change that a server does not know yet. */
interface Pending {
  readonly previous: ETag | undefined;
  readonly next: ETag | undefined;
}

export class Informer {
  readonly #queues: readonly ServerQueue[];

  constructor(servers: readonly InformedServer[], tools: Tools, settings: InformSettings) {
    this.#queues = servers.map((server) => new ServerQueue(server, tools, settings));
  }

  /** Queues a committed change; returns at once. */
  inform(change: DocumentChange): void {
    if (change.auid !== groupsAuid) return;
    for (const queue of this.#queues) queue.add(change.key, change.before?.etag, change.after?.etag);
  }

  /** Stops informing and waits for the requests under way. */
  async close(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.close()));
  }
}

class ServerQueue {
  readonly #server: InformedServer;
  readonly #tools: Tools;
  readonly #settings: InformSettings;
  readonly #pending = new Map<DocumentName, Pending>();
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #cancelRetry: (() => void) | undefined;
  #failures = 0;

  constructor(server: InformedServer, tools: Tools, settings: InformSettings) {
    this.#server = server;
    this.#tools = tools;
    this.#settings = settings;
  }

  add(name: DocumentName, previous: ETag | undefined, next: ETag | undefined): void {
    const waiting = this.#pending.get(name);
    this.#pending.set(name, { previous: waiting === undefined ? previous : waiting.previous, next });
    this.#wake();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancelRetry?.();
    await this.#running;
    const lost = [...this.#pending.values()].filter(({ previous, next }) => previous !== next).length;
    this.#pending.clear();
    if (lost === 0) return;
    const fields = { server: this.#server.identity, documents: lost };
    this.#tools.log.warn(fields, 'changes that an MC service server will not be told of');
  }

  #wake(): void {
    if (this.#running !== undefined || this.#cancelRetry !== undefined) return;
    if (this.#closing.signal.aborted || this.#pending.size === 0) return;
    this.#running = this.#sendPending().finally(() => {
      this.#running = undefined;
      this.#wake();
    });
  }

  async #sendPending(): Promise<void> {
    const batch = [...this.#pending];
    this.#pending.clear();
    const failure = await this.#post(batch);
    if (failure === undefined) {
      this.#failures = 0;
      return;
    }
    for (const [name, { previous, next }] of batch) {
      const newer = this.#pending.get(name);
      this.#pending.set(name, { previous, next: newer === undefined ? next : newer.next });
    }
    if (this.#closing.signal.aborted) return;
    this.#failures += 1;
    this.#tools.log.warn(
      { server: this.#server.identity, reason: failure },
      'MC service server not informed',
    );
    const delay = backOffDelay(this.#settings.backOff, this.#failures, this.#tools.random);
    this.#cancelRetry = this.#tools.clock.schedule(delay, () => {
      this.#cancelRetry = undefined;
      this.#wake();
    });
  }

  /** Sends one xcap-diff document. @returns what went wrong, or undefined */
  async #post(batch: readonly (readonly [DocumentName, Pending])[]): Promise<string | undefined> {
    // A document that came and went while the server was busy is not mentioned.
    const changes = batch.filter(([, { previous, next }]) => previous !== next);
    if (changes.length === 0) return undefined;
    const documents = changes.map(([selector, { previous, next }]) => ({
      selector,
      previousETag: previous,
      newETag: next,
    }));
    try {
      const body = writeXcapDiff(this.#settings.xcapRoot(), documents);
      const headers = { 'Content-Type': mediaTypes.diff };
      const lane = { to: this.#server.identity, purpose: 'notification' };
      const { status } = await this.#tools.client.send(
        { lane, method: 'POST', url: this.#server.url, headers, body },
        this.#closing.signal,
      );
      return status >= 200 && status < 300 ? undefined : `it answered ${status}`;
    } catch (error) {
      // Every error counts as a failure: the pending changes must not be lost, and nothing else would catch it.
      return describeError(error);
    }
  }
}
