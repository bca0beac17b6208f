import type { Clock } from '../../base/clock.js';
import { describeError } from '../../base/errors.js';
import type { SystemName } from '../../base/identifiers.js';
import type { Log } from '../../base/log.js';
import type { Random } from '../../base/random.js';
import type { Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import { groupsUnder } from '../../groups/groups-under.js';
import type { Peers } from '../../mc-systems/peers.js';
import type { Refreshed, Requester } from './requester.js';

/**
 * Received documents are asked for again on a schedule (design D7), so that nothing depends on the arrival
 * of one message. Each peer has passes of its own, which take one group after the other. A pass ends when
 * the peer does not answer; the next pass still begins after the interval. Intervals have jitter, so that
 * systems that started together do not ask together.
 */

interface Tools {
  readonly documents: Pick<Documents, 'keysOf'>;
  readonly peers: Peers;
  readonly requester: Pick<Requester, 'refresh'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How one pass over the groups of a peer went. */
export interface RevalidationPass {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly outcomes: Readonly<Partial<Record<Refreshed, number>>>;
  /** Whether the peer stopped answering before the end. */
  readonly brokenOff: boolean;
}

export class Revalidation {
  readonly #tools: Tools;
  readonly #interval: number;
  readonly #timers = new Map<SystemName, () => void>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #passes = new Map<SystemName, RevalidationPass>();
  #closed = false;

  /** @param interval milliseconds between two passes over a peer's groups; 0 for none at all */
  constructor(tools: Tools, interval: number) {
    this.#tools = tools;
    this.#interval = interval;
  }

  start(): void {
    if (this.#interval === 0) return;
    for (const [system, { request }] of this.#tools.peers) if (request) this.#schedule(system);
  }

  /** The last pass over the groups of each peer. */
  get passes(): ReadonlyMap<SystemName, RevalidationPass> {
    return this.#passes;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    await Promise.all(this.#underWay);
  }

  #schedule(system: SystemName): void {
    if (this.#closed) return;
    const { clock, log, random } = this.#tools;
    const delay = Math.round(this.#interval * (0.8 + 0.4 * random.fraction()));
    const cancel = clock.schedule(delay, () => {
      this.#timers.delete(system);
      const pass = this.#pass(system)
        .catch((error: unknown) => {
          log.error({ peer: system, reason: describeError(error) }, 'received groups not asked for again');
        })
        .finally(() => {
          this.#underWay.delete(pass);
          this.#schedule(system);
        });
      this.#underWay.add(pass);
    });
    this.#timers.set(system, cancel);
  }

  async #pass(system: SystemName): Promise<void> {
    const { clock, documents, log, requester } = this.#tools;
    const outcomes: Partial<Record<Refreshed, number>> = {};
    let brokenOff = false;
    for (const groupId of groupsUnder(documents, terms.receivedFrom(system))) {
      if (this.#closed || brokenOff) break;
      const outcome = await requester.refresh(groupId);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      brokenOff = outcome === 'unavailable';
    }
    this.#passes.set(system, { at: clock.now(), outcomes, brokenOff });
    log.info({ peer: system, ...outcomes, brokenOff }, 'received groups asked for again');
  }
}
