import { backOffDelay, type BackOffPolicy } from '../../base/back-off.js';
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
import { nextDelivery, type Attempted, type Failure, type Outcome, type Retry } from './delivery-state.js';

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

/** How many groups in a row must fail before the partner counts as failing. */
const failingGroups = 3;

/** A partner's health, as seen by deliveries. Times in milliseconds since the epoch. */
export interface PartnerHealth {
  /** Since when every attempt has succeeded; null before the first success and while the partner fails. */
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

export class PartnerLoop {
  readonly peer: Peer;
  readonly #tools: LoopTools;
  readonly #settings: DeliverySettings;
  readonly #attempts: Attempts;
  readonly #closing = new AbortController();
  /** Groups that may have to be delivered, in order. */
  readonly #queue = new Set<DocumentName>();
  readonly #underWay = new Map<DocumentName, Promise<void>>();
  /** Groups that pause, each with the function that cancels its timer. */
  readonly #pausing = new Map<DocumentName, () => void>();
  /** Groups that have failed since the last success. */
  readonly #failing = new Set<DocumentName>();
  /** The pause of the whole loop. */
  #pause: { readonly until: number; readonly cancel: () => void } | undefined;
  /** General failures in a row. */
  #failures = 0;
  #failure: { readonly since: number; readonly reason: string } | undefined;
  #reachableSince: number | null = null;
  /** Earlier general failures no longer count: the partner has been heard since. */
  #forgiven = false;
  #forgivenAt = -Infinity;

  constructor(peer: Peer, tools: LoopTools, settings: DeliverySettings) {
    this.peer = peer;
    this.#tools = tools;
    this.#settings = settings;
    this.#attempts = new Attempts(peer, tools, this.#closing.signal);
  }

  /** Takes up everything that is pending, as after a start; a pause of the partner continues. */
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
    if (until > clock.now()) this.#pauseUntil(until);
    for (const key of keys) this.#queue.add(key);
    this.#pump();
  }

  /** Takes up a group that may have become pending. */
  wake(key: DocumentName): void {
    this.#pausing.get(key)?.();
    this.#pausing.delete(key);
    this.#queue.add(key);
    this.#pump();
  }

  /** The partner has sent us a request of its own, so it is up, and a pause may end early. */
  heard(): void {
    if (this.#failure === undefined || this.#closing.signal.aborted) return;
    // A partner that keeps sending requests while it answers badly does not get an attempt for each.
    const now = this.#tools.clock.now();
    if (now - this.#forgivenAt < this.#settings.backOff.first) return;
    this.#forgivenAt = now;
    this.#forgiven = true;
    this.#endPause();
    this.#pump();
  }

  /** Ends every pause, so that the operator sees at once what happens. */
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

  /** Starts as many attempts as there is room for; a failing partner gets one at a time. */
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
    const attempted = { sent: stored.form?.etag, behind: delivery.behind };
    const next = await this.#record(key, attempted, outcome, retry);
    this.#tell(groupId, outcome);
    if (next?.status === 'pending') this.#goOn(key, next);
  }

  /** The group as it is now, where its delivery is pending and due; one that is not yet due pauses. */
  async #due(key: DocumentName): Promise<Due | undefined> {
    const { clock, documents } = this.#tools;
    const stored = await documents.get(key);
    const delivery = stored?.state.deliveries[this.peer.name];
    const groupId = groupIdOfName(key);
    if (stored === undefined || delivery?.status !== 'pending' || groupId === undefined) return undefined;
    const forgiven = delivery.general && (this.#forgiven || this.#failures > 0);
    if (!forgiven && delivery.retryAt !== null && delivery.retryAt > clock.now()) {
      this.#pauseGroup(key, delivery.retryAt);
      return undefined;
    }
    return { stored, delivery, groupId };
  }

  /** Counts a failure; says when the group is tried again. */
  #failed(key: DocumentName, delivery: Delivery, failure: Failure): Retry {
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
    const until = now + this.#delay(this.#failures, retryAfter);
    this.#pauseUntil(until);
    return until;
  }

  #delay(failures: number, retryAfter = 0): number {
    const { backOff } = this.#settings;
    const delay = backOffDelay(backOff, failures, this.#tools.random);
    return Math.max(delay, Math.min(retryAfter, backOff.cap));
  }

  /** Milliseconds until `time`; a clock that was set back must not make a pause longer than the cap. */
  #until(time: number): number {
    return Math.min(Math.max(0, time - this.#tools.clock.now()), this.#settings.backOff.cap);
  }

  #pauseUntil(until: number): void {
    this.#endPause();
    if (this.#closing.signal.aborted) return;
    const cancel = this.#tools.clock.schedule(this.#until(until), () => {
      this.#pause = undefined;
      this.#pump();
    });
    this.#pause = { until, cancel };
  }

  #endPause(): void {
    this.#pause?.cancel();
    this.#pause = undefined;
  }

  #pauseGroup(key: DocumentName, until: number): void {
    if (this.#closing.signal.aborted) return;
    this.#pausing.get(key)?.();
    const cancel = this.#tools.clock.schedule(this.#until(until), () => {
      this.#pausing.delete(key);
      this.#queue.add(key);
      this.#pump();
    });
    this.#pausing.set(key, cancel);
  }

  /** Goes on with a group that is still pending: at once, with the loop, or after its own pause. */
  #goOn(key: DocumentName, { general, retryAt }: Delivery): void {
    const byItself = !general && this.#pause === undefined;
    if (retryAt !== null && byItself) this.#pauseGroup(key, retryAt);
    else this.#queue.add(key);
  }

  /** Records the outcome of an attempt. @returns the delivery as it then stands */
  async #record(
    key: DocumentName,
    attempted: Attempted,
    outcome: Outcome,
    retry: Retry | undefined,
  ): Promise<Delivery | undefined> {
    const recorded = await this.#tools.documents.amend(key, ({ state, form }) => {
      const known = state.deliveries[this.peer.name];
      if (known === undefined) return undefined;
      const deliveries: Record<string, Delivery> = { ...state.deliveries };
      const next = nextDelivery(known, outcome, attempted, form?.etag, retry);
      if (next === undefined) Reflect.deleteProperty(deliveries, this.peer.name);
      else deliveries[this.peer.name] = next;
      return { ...state, deliveries };
    });
    return recorded?.state.deliveries[this.peer.name];
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
    } else log.info(fields, 'group information delivered');
  }
}
