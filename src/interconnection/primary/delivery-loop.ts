import { backOffDelay, type BackOffPolicy } from '../../base/back-off.js';
import { later, millisecondsUntil, type MonotonicTime } from '../../base/clock.js';
import { describeError } from '../../base/errors.js';
import type { DocumentName, GroupId } from '../../base/identifiers.js';
import type { Log } from '../../base/log.js';
import type { Random } from '../../base/random.js';
import type { Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import type { Delivery, StoredDocument } from '../../documents/state.js';
import { groupIdOfName } from '../../groups/names.js';
import type { Peer } from '../../mc-systems/peers.js';
import { Attempts, type AttemptTools } from './delivery-attempt.js';
import { afterAttempt, type Attempted, type Failure, type Outcome, type Retry } from './delivery-state.js';

/**
 * The loop that delivers to one partner MC system. The note in deliveries.ts says what it does, and why.
 */

export interface DeliverySettings {
  readonly backOff: BackOffPolicy;
  /** How many groups are on their way to one partner at a time. */
  readonly parallel: number;
}

export interface LoopTools extends AttemptTools {
  readonly documents: Documents;
  readonly random: Random;
  readonly log: Log;
}

/** How many different groups must fail in a row for it to be the partner's failure (design D18). */
const failingGroups = 3;

/** How many groups wait in memory for one partner. */
const mostQueued = 1000;

/** A partner's health, as seen by deliveries. Times in milliseconds since the epoch. */
export interface PartnerHealth {
  /** Since when every attempt has been answered well; null before the first one and while it fails. */
  readonly reachableSince: number | null;
  readonly failing: {
    readonly since: number;
    readonly reason: string;
    readonly failures: number;
    readonly nextAttempt: number;
  } | null;
  readonly underWay: number;
}

/** A delivery to be made now. */
interface Due {
  readonly stored: StoredDocument;
  readonly delivery: Delivery;
  readonly groupId: GroupId;
}

/** A pause under way. */
interface Pause {
  /** When it ends, in milliseconds since the epoch, to be shown and stored. */
  readonly until: number;
  /** The partner itself asked for it (Retry-After): nothing but the operator ends it early. */
  readonly asked: boolean;
  readonly cancel: () => void;
}

export class PartnerLoop {
  readonly peer: Peer;
  readonly #tools: LoopTools;
  readonly #settings: DeliverySettings;
  readonly #attempts: Attempts;
  readonly #closing = new AbortController();
  /** Groups to be looked at, in order; no more than `mostQueued`. */
  readonly #queue = new Set<DocumentName>();
  /** Whether groups may be pending that found no place in the queue: the store knows them. */
  #isMore = false;
  #refilling: Promise<void> | undefined;
  readonly #underWay = new Map<DocumentName, Promise<void>>();
  /** Groups that pause by themselves. */
  readonly #pausing = new Map<DocumentName, Pause>();
  /** When each stored `retryAt` comes due, decided once: the clock that wrote it may have been set since. */
  readonly #dueAt = new Map<DocumentName, { readonly retryAt: number; readonly due: MonotonicTime }>();
  /** Groups that have failed since the last success. */
  readonly #failing = new Set<DocumentName>();
  /** The pause of the whole loop; `unreachable` where no connection could be made. */
  #pause: (Pause & { readonly unreachable: boolean }) | undefined;
  /** Pauses of the loop in a row. */
  #failures = 0;
  #failure: { readonly since: number; readonly reason: string; readonly retry: Retry } | undefined;
  #reachableSince: number | null = null;
  /** When the partner was last believed to be back before its pause was over. */
  #hopedAt: MonotonicTime | undefined;

  constructor(peer: Peer, tools: LoopTools, settings: DeliverySettings) {
    this.peer = peer;
    this.#tools = tools;
    this.#settings = settings;
    this.#attempts = new Attempts(peer, tools, this.#closing.signal);
  }

  /** Takes up everything that is pending, as after a start; a pause of the partner goes on where it was. */
  async resume(): Promise<void> {
    const { clock, documents } = this.#tools;
    let pause = 0;
    for await (const key of documents.keysOf(terms.pending(this.peer.name))) {
      const delivery = (await documents.look(key))?.state.deliveries[this.peer.name];
      if (delivery?.general !== true || delivery.retryAt === null || this.#closing.signal.aborted) continue;
      const { failures, reason, retryAt } = delivery;
      this.#failures = Math.max(this.#failures, failures);
      const retry = { failures: this.#failures, general: true, at: retryAt };
      this.#failure ??= { since: clock.now(), reason: reason ?? '', retry };
      pause = Math.max(pause, this.#until(retryAt));
    }
    if (pause > 0) this.#pauseLoop(pause, { asked: false, unreachable: true });
    // They come out of the store, so many at a time.
    this.#isMore = true;
    this.#pump();
  }

  /**
   * Takes up a group that may have become pending.
   *
   * Several groups that always fail look like a partner that does. So while the loop pauses because of such,
   * a group that has not failed is tried at once, now and then. A pause that the partner asked for goes on.
   */
  wake(key: DocumentName): void {
    // The newest form is sent when the pause that the partner asked for is over.
    if (this.#pausing.get(key)?.asked === true) return;
    this.#endPauseOf(key);
    this.#enqueue(key);
    const pause = this.#pause;
    if (
      pause !== undefined &&
      !pause.asked &&
      !pause.unreachable &&
      !this.#failing.has(key) &&
      this.#mayHope()
    ) {
      this.#moveToFront(key);
      this.#endPause();
    }
    this.#pump();
  }

  /** The partner has sent us a request of its own: it is there, so pauses that it did not ask for end. */
  heard(): void {
    if (this.#failure === undefined || this.#closing.signal.aborted || !this.#mayHope()) return;
    if (this.#pause?.asked !== true) this.#endPause();
    this.#endPausesOfGroups(({ asked }) => !asked);
    this.#pump();
  }

  /** Takes up these groups without any pause, also of the loop: the operator wants to see now what happens. */
  hurry(keys: ReadonlySet<DocumentName>): void {
    this.#endPause();
    this.#endPausesOfGroups((_pause, key) => keys.has(key));
    for (const key of keys) this.#enqueue(key);
    this.#pump();
  }

  /** Stops sending and waits for what is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#endPause();
    for (const { cancel } of this.#pausing.values()) cancel();
    this.#pausing.clear();
    await this.#refilling;
    await Promise.all(this.#underWay.values());
  }

  get health(): PartnerHealth {
    const failing =
      this.#failure === undefined
        ? null
        : {
            since: this.#failure.since,
            reason: this.#failure.reason,
            failures: this.#failure.retry.failures,
            nextAttempt: this.#pause?.until ?? this.#failure.retry.at,
          };
    return { reachableSince: this.#reachableSince, failing, underWay: this.#underWay.size };
  }

  /** Starts as many attempts as there is room for; a partner that fails is tried with one alone. */
  #pump(): void {
    for (const key of this.#queue) {
      const room = this.#failures > 0 ? 1 : this.#settings.parallel;
      if (this.#closing.signal.aborted || this.#pause !== undefined || this.#underWay.size >= room) return;
      if (this.#underWay.has(key)) continue;
      this.#queue.delete(key);
      const attempt = this.#deliver(key)
        .catch((error: unknown) => {
          this.#tools.log.error({ peer: this.peer.name, reason: describeError(error) }, 'delivery failed');
          this.#enqueue(key);
          this.#fail({ kind: 'failed', reason: describeError(error), unreachable: true });
        })
        .finally(() => {
          this.#underWay.delete(key);
          this.#pump();
        });
      this.#underWay.set(key, attempt);
    }
    if (this.#isMore && this.#queue.size === 0 && this.#mayStart) this.#refill();
  }

  get #mayStart(): boolean {
    return !this.#closing.signal.aborted && this.#pause === undefined;
  }

  /** @returns whether there was a place */
  #enqueue(key: DocumentName): boolean {
    if (this.#queue.size >= mostQueued && !this.#queue.has(key)) {
      this.#isMore = true;
      return false;
    }
    this.#queue.add(key);
    return true;
  }

  /** Fills the queue with what is pending in the store, but for what is under way or pauses. */
  #refill(): void {
    this.#refilling ??= this.#takePending()
      .catch((error: unknown) => {
        this.#tools.log.error(
          { peer: this.peer.name, reason: describeError(error) },
          'what is pending cannot be read',
        );
        this.#isMore = true;
        this.#fail({ kind: 'failed', reason: describeError(error), unreachable: true });
      })
      .finally(() => {
        this.#refilling = undefined;
        this.#pump();
      });
  }

  async #takePending(): Promise<void> {
    this.#isMore = false;
    for await (const key of this.#tools.documents.keysOf(terms.pending(this.peer.name))) {
      if (this.#closing.signal.aborted) return;
      if (this.#underWay.has(key) || this.#pausing.has(key)) continue;
      if (!this.#enqueue(key)) return;
    }
  }

  /** The primary's steps of clause 10.2.7.2, for one group; steps 2 to 4 are the partner's. */
  async #deliver(key: DocumentName): Promise<void> {
    const due = await this.#due(key);
    if (due === undefined) return;
    const { stored, delivery, groupId } = due;
    // 1. The newest form is provided, or withdrawn.
    const outcome = await this.#attempts.make(stored, delivery, groupId);
    if (this.#closing.signal.aborted && outcome.kind === 'failed') return;
    // 5. The partner's response counts for the partner and for the group, and is recorded with the group.
    const retry = outcome.kind === 'failed' ? this.#failed(key, delivery, outcome) : undefined;
    if (retry === undefined) this.#succeeded();
    const sent = delivery.hold ? (stored.form?.etag ?? null) : null;
    const attempted = { sent, change: delivery.change, behind: delivery.behind };
    const next = await this.#record(key, attempted, outcome, retry);
    this.#tell(groupId, outcome);
    const asked = outcome.kind === 'failed' && outcome.retryAfter !== undefined;
    if (next?.status === 'pending') this.#goOn(key, next, asked);
  }

  /** The group as it is now, where its delivery is pending and due; one that is not yet due pauses. */
  async #due(key: DocumentName): Promise<Due | undefined> {
    const stored = await this.#tools.documents.get(key);
    const delivery = stored?.state.deliveries[this.peer.name];
    const groupId = groupIdOfName(key);
    if (stored !== undefined && delivery?.status === 'pending' && groupId !== undefined) {
      // What failed together with others waits for the loop alone.
      const { general, retryAt } = delivery;
      const pause = general || retryAt === null ? 0 : this.#remaining(key, retryAt);
      if (pause > 0) {
        this.#pauseGroup(key, pause, false);
        return undefined;
      }
      this.#dueAt.delete(key);
      return { stored, delivery, groupId };
    }
    this.#dueAt.delete(key);
    return undefined;
  }

  /** Counts a failure, of the partner or of the group alone; says when the group is tried again. */
  #failed(key: DocumentName, delivery: Delivery, failure: Failure): Retry {
    this.#failing.add(key);
    if (failure.unreachable || this.#failing.size >= failingGroups) return this.#fail(failure);
    const failures = delivery.failures + 1;
    const at = this.#tools.clock.now() + this.#delay(failures, failure.retryAfter);
    return this.#note(failure, { failures, general: false, at });
  }

  #succeeded(): void {
    this.#failing.clear();
    this.#failures = 0;
    this.#failure = undefined;
    this.#reachableSince ??= this.#tools.clock.now();
    this.#endPause();
  }

  /** The partner fails: the whole loop pauses. */
  #fail(failure: Failure): Retry {
    // Groups that were on their way together fail together; that counts as one failure.
    if (this.#pause === undefined) {
      this.#failures += 1;
      const { retryAfter, unreachable } = failure;
      const asked = retryAfter !== undefined;
      this.#pauseLoop(this.#delay(this.#failures, retryAfter), { asked, unreachable });
    }
    const at = this.#pause?.until ?? this.#tools.clock.now();
    return this.#note(failure, { failures: this.#failures, general: true, at });
  }

  #note({ reason }: Failure, retry: Retry): Retry {
    this.#failure = { since: this.#failure?.since ?? this.#tools.clock.now(), reason, retry };
    this.#reachableSince = null;
    return retry;
  }

  /** Whether it is time again to believe that the partner is back: it may ask all the time and answer badly. */
  #mayHope(): boolean {
    const now = this.#tools.clock.monotonic();
    if (this.#hopedAt !== undefined && now - this.#hopedAt < this.#settings.backOff.first) return false;
    this.#hopedAt = now;
    return true;
  }

  #delay(failures: number, retryAfter = 0): number {
    const { backOff } = this.#settings;
    const delay = backOffDelay(backOff, failures, this.#tools.random);
    return Math.max(delay, Math.min(retryAfter, backOff.cap));
  }

  /** Milliseconds until a stored `time`; a clock that was set back must not make a pause longer than any is. */
  #until(time: number): number {
    return millisecondsUntil(time, this.#tools.clock.now(), this.#settings.backOff.cap);
  }

  /** Milliseconds that are left of a group's pause. */
  #remaining(key: DocumentName, retryAt: number): number {
    const now = this.#tools.clock.monotonic();
    const known = this.#dueAt.get(key);
    if (known?.retryAt === retryAt) return Math.max(0, known.due - now);
    const remaining = this.#until(retryAt);
    this.#dueAt.set(key, { retryAt, due: later(now, remaining) });
    return remaining;
  }

  #pauseLoop(milliseconds: number, why: { readonly asked: boolean; readonly unreachable: boolean }): void {
    this.#endPause();
    const until = this.#tools.clock.now() + milliseconds;
    const cancel = this.#closing.signal.aborted
      ? () => undefined
      : this.#tools.clock.schedule(milliseconds, () => {
          this.#pause = undefined;
          this.#pump();
        });
    this.#pause = { until, cancel, ...why };
  }

  #endPause(): void {
    this.#pause?.cancel();
    this.#pause = undefined;
  }

  #pauseGroup(key: DocumentName, milliseconds: number, asked: boolean): void {
    if (this.#closing.signal.aborted) return;
    this.#endPauseOf(key);
    const until = this.#tools.clock.now() + milliseconds;
    const cancel = this.#tools.clock.schedule(milliseconds, () => {
      this.#pausing.delete(key);
      this.#enqueue(key);
      this.#pump();
    });
    this.#pausing.set(key, { until, asked, cancel });
  }

  #endPauseOf(key: DocumentName): void {
    this.#pausing.get(key)?.cancel();
    this.#pausing.delete(key);
  }

  /** The groups whose pauses `ends` picks are due now. */
  #endPausesOfGroups(ends: (pause: Pause, key: DocumentName) => boolean): void {
    for (const [key, pause] of this.#pausing) {
      if (!ends(pause, key)) continue;
      this.#endPauseOf(key);
      const known = this.#dueAt.get(key);
      if (known !== undefined) this.#dueAt.set(key, { ...known, due: this.#tools.clock.monotonic() });
      this.#enqueue(key);
    }
  }

  #moveToFront(key: DocumentName): void {
    const others = [...this.#queue].filter((other) => other !== key);
    this.#queue.clear();
    for (const each of [key, ...others]) this.#queue.add(each);
  }

  /** Goes on with a group that is still pending: at once, with the loop, or after its own pause. */
  #goOn(key: DocumentName, { general, retryAt }: Delivery, asked: boolean): void {
    if (retryAt === null || general) this.#enqueue(key);
    else {
      // News that came meanwhile waits as well where the partner asked for it.
      if (asked) this.#queue.delete(key);
      this.#pauseGroup(key, this.#remaining(key, retryAt), asked);
    }
  }

  /** Records the outcome of an attempt. @returns the delivery as it then stands */
  async #record(
    key: DocumentName,
    attempted: Attempted,
    outcome: Outcome,
    retry: Retry | undefined,
  ): Promise<Delivery | undefined> {
    const { name } = this.peer;
    const recorded = await this.#tools.documents.amend(key, ({ state }) => {
      const known = state.deliveries[name];
      if (known === undefined) return undefined;
      const next = afterAttempt(known, outcome, attempted, retry);
      return { ...state, deliveries: { ...state.deliveries, [name]: next } };
    });
    return recorded?.state.deliveries[name];
  }

  #tell(group: GroupId, outcome: Outcome): void {
    const { log } = this.#tools;
    const fields = { peer: this.peer.name, group, outcome: outcome.kind };
    if (outcome.kind === 'failed') {
      log.warn({ ...fields, reason: outcome.reason }, 'group information not delivered');
    } else if (outcome.kind === 'superseded') {
      log.debug(fields, 'the group changed before the partner could be told');
    } else if (outcome.kind === 'parked') {
      log.warn({ ...fields, reason: outcome.reason }, 'group information parked');
    } else {
      const { remark } = outcome.answer;
      if (remark === undefined) log.info(fields, 'group information delivered');
      else log.warn({ ...fields, remark }, 'group information delivered');
    }
  }
}
