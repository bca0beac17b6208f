import { BackgroundPass } from '../../base/background-pass.js';
import type { Clock } from '../../base/clock.js';
import { describeError } from '../../base/errors.js';
import type { DocumentName } from '../../base/identifiers.js';
import type { Log } from '../../base/log.js';
import type { Documents } from '../../documents/documents.js';
import { groupIdOfName } from '../../groups/names.js';
import { notDerived } from './provision.js';
import type { Receiver } from './receiver.js';

interface Tools {
  readonly documents: Documents;
  readonly receiver: Pick<Receiver, 'deriveAnew'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** How far the present pass is, or how the last one went. */
export interface RederivationProgress {
  readonly state: 'never-ran' | 'running' | 'done' | 'broken-off';
  /** Received documents that there were when the pass began, how many were derived, how many of them failed. */
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
}

/** Milliseconds between two log lines of a pass. */
const interval = 10_000;

/**
 * Milliseconds after which a pass is repeated that failed on something temporary: twice as long after each
 * pass that fails so, because a policy that is always too slow takes the worker's time from provisions.
 */
const pause = 30_000;
const longestPause = 600_000;

/**
 * Effective = policy(received), always (design D9): when a policy changes, every effective document is
 * derived anew from its received one. The same is done at start, in case the process ended in the middle of
 * a pass. A pass leaves documents alone that are already right, so its progress need not be stored. Where a
 * policy fails on a document, the former effective document stays. Where a document cannot be derived or
 * stored now, the pass is repeated later. Groups of a system that is no longer configured are still read,
 * so they are derived with the others. Systems take turns: one with many groups on which a policy is slow holds up
 * the others by one group at a time.
 */
export class Rederivation {
  readonly #tools: Tools;
  readonly #pass: BackgroundPass;
  #cancelAgain: () => void = () => undefined;
  /** Passes in a row that failed on something temporary. */
  #failures = 0;
  #progress: RederivationProgress = {
    state: 'never-ran',
    total: 0,
    done: 0,
    failed: 0,
    startedAt: undefined,
    endedAt: undefined,
  };

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#pass = new BackgroundPass((isOver) => this.#run(isOver));
  }

  /** Starts a pass, or another one instead of the one under way. */
  start(): void {
    this.#failures = 0;
    this.#pass.start();
  }

  /** Starts a pass after a while: a document could not be derived under the policies in force. */
  startLater(): void {
    this.#cancelAgain();
    const delay = Math.min(longestPause, pause * 2 ** Math.min(this.#failures, 10));
    this.#cancelAgain = this.#tools.clock.schedule(delay, () => {
      this.#pass.start();
    });
  }

  /** Ends the pass under way after its present document; no other will start. */
  async close(): Promise<void> {
    this.#cancelAgain();
    await this.#pass.close();
    this.#cancelAgain();
  }

  progress(): RederivationProgress {
    return this.#progress;
  }

  async #run(isOver: () => boolean): Promise<void> {
    const { clock, documents, log } = this.#tools;
    this.#cancelAgain();
    let total = 0;
    const startedAt = clock.now();
    const began = clock.monotonic();
    let toldAt = began;
    let done = 0;
    let failed = 0;
    let passing = false;
    const show = (state: RederivationProgress['state']): void => {
      const endedAt = state === 'running' ? undefined : clock.now();
      this.#progress = { state, total, done, failed, startedAt, endedAt };
    };
    const tell = (message: string): void => {
      if (total === 0) return;
      toldAt = clock.monotonic();
      log.info({ groups: total, done, failed, milliseconds: Math.round(toldAt - began) }, message);
    };
    show('running');
    total = await documents.receivedCount();
    show('running');
    tell('effective documents are derived anew');
    for await (const key of documents.receivedKeys()) {
      // With cached documents and no matching policy nothing here awaits; let requests run in between.
      await clock.turn();
      if (isOver()) {
        show('broken-off');
        tell('deriving anew was broken off');
        return;
      }
      const outcome = await this.#derive(key);
      if (outcome !== 'derived') failed += 1;
      if (outcome === 'not-at-present') passing = true;
      done += 1;
      show('running');
      if (clock.monotonic() - toldAt >= interval) tell('deriving anew');
    }
    show('done');
    tell('effective documents were derived anew');
    if (passing && !isOver()) this.startLater();
    this.#failures = passing ? this.#failures + 1 : 0;
  }

  /** @returns `derived` where the effective document is as the policies say, or there is none any more */
  async #derive(name: DocumentName): Promise<'derived' | 'policy-fails' | 'not-at-present'> {
    const groupId = groupIdOfName(name);
    if (groupId === undefined) return 'derived';
    try {
      await this.#tools.receiver.deriveAnew(groupId);
      return 'derived';
    } catch (error) {
      const fields = { group: groupId, reason: describeError(error) };
      const { isFinal, message } = notDerived(error);
      this.#tools.log.warn(fields, message);
      return isFinal ? 'policy-fails' : 'not-at-present';
    }
  }
}
