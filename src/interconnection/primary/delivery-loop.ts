import { backOffDelay, type BackOffPolicy } from '../../base/back-off.js';
import { later, millisecondsUntil, type MonotonicTime } from '../../base/clock.js';
import { describeError } from '../../base/errors.js';
import type { DocumentName } from '../../base/identifiers.js';
import type { Log } from '../../base/log.js';
import type { Random } from '../../base/random.js';
import { type Decision, type Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import type { Delivery, StoredDocument } from '../../documents/state.js';
import { groupIdOfName } from '../../groups/names.js';
import type { RecordKey } from '../../store/store.js';
import { Attempts, type AttemptTools } from './delivery-attempt.js';
import { nextDelivery, type Attempted, type Failure, type Outcome, type Retry } from './delivery-state.js';
import type { Peer } from '../../mc-systems/peers.js';

/**
 * The loop that delivers to one partner MC system. The note in deliveries.ts says what it does, and why.
 */

export interface DeliverySettings {
  /** The identity that we assert to peers. */
  readonly identity: string;
  readonly backOff: BackOffPolicy;
  /** How many groups are on their way to one partner at a time. */
  readonly parallel: number;
}

export interface LoopTools extends AttemptTools {
  readonly documents: Documents;
  readonly random: Random;
  readonly log: Log;
}

/** How many groups must fail in a row for it to be the partner's failure. */
const failingGroups = 3;

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

export class PartnerLoop {
  readonly peer: Peer;
  readonly #tools: LoopTools;
  readonly #settings: DeliverySettings;
  readonly #attempts: Attempts;
  readonly #closing = new AbortController();
  /** Groups to be looked at, in order. */
  readonly #queue = new Set<RecordKey>();
  readonly #underWay = new Map<RecordKey, Promise<void>>();
  /** Groups that pause, and what ends their timers. */
  readonly #pausing = new Map<RecordKey, () => void>();
  /** When each stored `retryAt` comes due, decided once: the clock that wrote it may have been set since. */
  readonly #due = new Map<RecordKey, { readonly retryAt: number; readonly due: MonotonicTime }>();
  /** Groups that have failed since the last success. */
  readonly #failing = new Set<RecordKey>();
  /** The pause of the whole loop. */
  #pause: { readonly until: number; readonly cancel: () => void } | undefined;
  /** General failures in a row. */
  #failures = 0;
  #failure: { readonly since: number; readonly reason: string } | undefined;
  #reachableSince: number | null = null;
  /** Earlier general failures no longer count: the partner has been heard since. */
  #forgiven = false;
  #forgivenAt: MonotonicTime | undefined;

  constructor(peer: Peer, tools: LoopTools, settings: DeliverySettings) {
    this.peer = peer;
    this.#tools = tools;
    this.#settings = settings;
    this.#attempts = new Attempts(peer, tools, settings.identity, this.#closing.signal);
  }

  /** Takes up everything that is pending, as after a start; a pause of the partner goes on where it was. */
  async resume(): Promise<void> {
    const { clock, documents } = this.#tools;
    const keys = documents.keysOf(terms.pending(this.peer.name));
    let until = 0;
    for (const key of keys) {
      const delivery = (await documents.get(key))?.state.deliveries[this.peer.name];
      if (delivery?.general !== true || delivery.retryAt === null || this.#closing.signal.aborted) continue;
      this.#failures = Math.max(this.#failures, delivery.failures);
      this.#failure ??= { since: clock.now(), reason: delivery.reason ?? '' };
      until = Math.max(until, delivery.retryAt);
    }
    const pause = this.#until(until);
    if (pause > 0) this.#pauseFor(pause);
    for (const key of keys) this.#queue.add(key);
    this.#pump();
  }

  /** Takes up a group that may have become pending. */
  wake(key: RecordKey): void {
    this.#pausing.get(key)?.();
    this.#pausing.delete(key);
    this.#queue.add(key);
    this.#pump();
  }

  /** The partner has sent us a request of its own: it is there, so a pause may end early. */
  heard(): void {
    if (this.#failure === undefined || this.#closing.signal.aborted) return;
    // A partner that asks all the time while it answers badly is not asked all the time in turn.
    const now = this.#tools.clock.monotonic();
    if (this.#forgivenAt !== undefined && now - this.#forgivenAt < this.#settings.backOff.first) return;
    this.#forgivenAt = now;
    this.#forgiven = true;
    this.#endPause();
    this.#pump();
  }

  /** Ends every pause: the operator wants to see now what happens. */
  hurry(): void {
    this.#forgiven = true;
    this.#endPause();
    for (const [key, cancel] of this.#pausing) {
      cancel();
      this.#queue.add(key);
    }
    this.#pausing.clear();
    this.#pump();
  }

  /** Stops sending and waits for what is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#endPause();
    for (const cancel of this.#pausing.values()) cancel();
    this.#pausing.clear();
    await Promise.all(this.#underWay.values());
  }

  get health(): PartnerHealth {
    const failing =
      this.#failure === undefined
        ? null
        : {
            since: this.#failure.since,
            reason: this.#failure.reason,
            failures: this.#failures,
            nextAttempt: this.#pause?.until ?? this.#tools.clock.now(),
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
          this.#queue.add(key);
          this.#fail(describeError(error));
        })
        .finally(() => {
          this.#underWay.delete(key);
          this.#pump();
        });
      this.#underWay.set(key, attempt);
    }
  }

  async #deliver(key: RecordKey): Promise<void> {
    const { documents } = this.#tools;
    const stored = await documents.get(key);
    const delivery = stored?.state.deliveries[this.peer.name];
    const groupId = groupIdOfName(key as string as DocumentName);
    if (stored === undefined || delivery?.status !== 'pending' || groupId === undefined) {
      this.#due.delete(key);
      return;
    }
    const forgiven = delivery.general && (this.#forgiven || this.#failures > 0);
    const pause = delivery.retryAt === null ? 0 : this.#remaining(key, delivery.retryAt);
    if (!forgiven && pause > 0) {
      this.#pauseGroup(key, pause);
      return;
    }
    this.#due.delete(key);
    const outcome = await this.#attempts.make(stored, delivery, groupId);
    if (this.#closing.signal.aborted && outcome.kind === 'failed') return;
    const retry = outcome.kind === 'failed' ? this.#failed(key, delivery, outcome) : undefined;
    if (retry === undefined) this.#succeeded();
    const attempted = { sent: stored.state.current?.etag, behind: delivery.behind };
    const next = await this.#record(key, attempted, outcome, retry);
    this.#tell(stored, outcome);
    if (next?.status === 'pending') this.#goOn(key, next);
  }

  /** Counts a failure; says when the group is tried again. */
  #failed(key: RecordKey, delivery: Delivery, failure: Failure): Retry {
    this.#failing.add(key);
    if (failure.general || this.#failing.size >= failingGroups) {
      const at = this.#fail(failure.reason, failure.retryAfter);
      return { failures: this.#failures, at };
    }
    const failures = delivery.failures + 1;
    return { failures, at: this.#tools.clock.now() + this.#delay(failures, failure.retryAfter) };
  }

  #succeeded(): void {
    this.#failing.clear();
    this.#failures = 0;
    this.#failure = undefined;
    this.#forgiven = false;
    this.#reachableSince ??= this.#tools.clock.now();
    this.#endPause();
  }

  /** The partner fails: the whole loop pauses. @returns until when */
  #fail(reason: string, retryAfter?: number): number {
    // Groups that were on their way together fail together; that counts as one failure.
    if (this.#pause !== undefined) return this.#pause.until;
    const now = this.#tools.clock.now();
    this.#failures += 1;
    this.#failure = { since: this.#failure?.since ?? now, reason };
    this.#reachableSince = null;
    this.#forgiven = false;
    return this.#pauseFor(this.#delay(this.#failures, retryAfter));
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
  #remaining(key: RecordKey, retryAt: number): number {
    const now = this.#tools.clock.monotonic();
    const known = this.#due.get(key);
    if (known?.retryAt === retryAt) return Math.max(0, known.due - now);
    const remaining = this.#until(retryAt);
    this.#due.set(key, { retryAt, due: later(now, remaining) });
    return remaining;
  }

  /** Pauses the whole loop. @returns until when, as is shown and stored */
  #pauseFor(milliseconds: number): number {
    this.#endPause();
    const until = this.#tools.clock.now() + milliseconds;
    if (this.#closing.signal.aborted) return until;
    const cancel = this.#tools.clock.schedule(milliseconds, () => {
      this.#pause = undefined;
      this.#pump();
    });
    this.#pause = { until, cancel };
    return until;
  }

  #endPause(): void {
    this.#pause?.cancel();
    this.#pause = undefined;
  }

  #pauseGroup(key: RecordKey, milliseconds: number): void {
    if (this.#closing.signal.aborted) return;
    this.#pausing.get(key)?.();
    const cancel = this.#tools.clock.schedule(milliseconds, () => {
      this.#pausing.delete(key);
      this.#queue.add(key);
      this.#pump();
    });
    this.#pausing.set(key, cancel);
  }

  /** Goes on with a group that is still pending: at once, with the loop, or after its own pause. */
  #goOn(key: RecordKey, { general, retryAt }: Delivery): void {
    const byItself = !general && this.#pause === undefined;
    if (retryAt !== null && byItself) this.#pauseGroup(key, this.#remaining(key, retryAt));
    else this.#queue.add(key);
  }

  /** Records the outcome of an attempt. @returns the delivery as it then stands */
  async #record(
    key: RecordKey,
    attempted: Attempted,
    outcome: Outcome,
    retry: Retry | undefined,
  ): Promise<Delivery | undefined> {
    const name = key as string as DocumentName;
    return await this.#tools.documents.change(name, (current): Decision<Delivery | undefined> => {
      const known = current?.state.deliveries[this.peer.name];
      if (current === undefined || known === undefined) return { kind: 'keep', result: undefined };
      const deliveries: Record<string, Delivery> = { ...current.state.deliveries };
      const next = nextDelivery(known, outcome, attempted, current.state.current?.etag, retry);
      if (next === undefined) Reflect.deleteProperty(deliveries, this.peer.name);
      else deliveries[this.peer.name] = next;
      return {
        kind: 'put',
        placement: { key: name, names: current.names },
        state: { ...current.state, deliveries },
        result: () => next,
      };
    });
  }

  #tell({ key }: StoredDocument, outcome: Outcome): void {
    const { log } = this.#tools;
    const group = groupIdOfName(key as string as DocumentName);
    const fields = { peer: this.peer.name, group, outcome: outcome.kind };
    if (outcome.kind === 'failed') {
      log.warn({ ...fields, reason: outcome.reason }, 'group information not delivered');
    } else if (outcome.kind === 'superseded') {
      log.debug(fields, 'the group changed before the partner could be told');
    } else if (outcome.kind === 'parked') {
      log.warn({ ...fields, reason: outcome.reason }, 'group information parked');
    } else log.info(fields, 'group information delivered');
  }
}
