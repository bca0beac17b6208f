import { describeError } from '../base/errors.js';
import type { DocumentName } from '../base/identifiers.js';
import type { Log } from '../base/log.js';
import { terms, type Documents } from '../documents/documents.js';
import { groupIdOfName } from '../groups/group-usage.js';
import type { Peers } from './peers.js';
import type { Receiver } from './receive.js';

/**
 * Effective = policy(received), always (design D9): when a policy changes, every effective document is
 * derived anew from its received one. The same is done at start, in case the process ended in the
 * middle of it. Where a policy fails on a document, the former effective document stays.
 */

interface Tools {
  readonly documents: Documents;
  readonly peers: Peers;
  readonly receiver: Receiver;
  readonly log: Log;
}

export class Rederiver {
  readonly #tools: Tools;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /** Starts a pass over all received documents, or another one after the one under way. */
  start(): void {
    if (this.#closed) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#running = this.#pass().finally(() => {
      this.#running = undefined;
      if (this.#again) {
        this.#again = false;
        this.start();
      }
    });
  }

  /** Resolves when no pass is under way. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Ends the pass under way after its present document. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #pass(): Promise<void> {
    const { documents, peers, receiver, log } = this.#tools;
    for (const system of peers.keys()) {
      for (const key of documents.keysOf(terms.receivedFrom(system))) {
        if (this.#closed || this.#again) return;
        const groupId = groupIdOfName(key as string as DocumentName);
        if (groupId === undefined) continue;
        try {
          await receiver.deriveAnew(groupId);
        } catch (error) {
          log.warn(
            { group: groupId, reason: describeError(error) },
            'the policy fails: former document stays',
          );
        }
      }
    }
  }
}
