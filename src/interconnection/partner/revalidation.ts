import type { Clock, WallTime } from '../../base/clock.js';
import { describeError } from '../../base/errors.js';
import type { GroupId, SystemName } from '../../base/identifiers.js';
import type { Log } from '../../base/log.js';
import type { Random } from '../../base/random.js';
import { rotated } from '../../base/rotated.js';
import type { Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import { groupsUnder } from '../../groups/groups-under.js';
import type { Peers } from '../../mc-systems/peers.js';
import { Incarnations } from '../incarnations.js';
import { brakes, type Brake } from './brake.js';
import type { Refreshed, Requester } from './requester.js';

/**
 * Received documents are asked for again on a schedule (design D7), so that nothing depends on one message
 * of the primary having arrived: for each peer by itself, one group after the other. Intervals have jitter, so
 * that systems that started together do not ask together.
 *
 * A group that the primary cannot give at present costs the others nothing (design D18): the pass goes on
 * past it, and breaks off only where several different groups in a row get no answer. The next pass begins
 * behind the last group that was asked for.
 *
 * What the primary says is gone is removed at the end of the pass, and only if it is not suspiciously much
 * (brake.ts). Otherwise nothing is removed, and the operator decides.
 */

export interface RevalidationSettings {
  /** Milliseconds between two passes over a peer's groups; 0 for none at all. */
  readonly interval: number;
  readonly brake: Brake;
}

interface Tools {
  readonly documents: Pick<Documents, 'keysOf' | 'turn'>;
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
  /** How many groups the primary says are gone, and are held back until the operator accepts it. */
  readonly heldBack: number;
}

/** Groups in a row without an answer after which the peer is taken to be down. */
const silences = 3;

/** Milliseconds between the news that a primary's store was replaced and the pass: several answers bring it. */
const settling = 1000;

export class Revalidation {
  readonly #tools: Tools;
  readonly #settings: RevalidationSettings;
  readonly #timers = new Map<SystemName, () => void>();
  readonly #underWay = new Map<SystemName, Promise<RevalidationPass>>();
  readonly #passes = new Map<SystemName, RevalidationPass>();
  /** The group of each peer that was asked for last. */
  readonly #reached = new Map<SystemName, GroupId>();
  /** Since when the primary has not confirmed a group that we hold of it. */
  readonly #unconfirmed = new Map<GroupId, WallTime>();
  readonly #incarnations = new Incarnations();
  #closed = false;

  constructor(tools: Tools, settings: RevalidationSettings) {
    this.#tools = tools;
    this.#settings = settings;
  }

  start(): void {
    for (const [system, { request }] of this.#tools.peers) if (request) this.#schedule(system);
  }

  /** To be told of the incarnation that a peer names: where its store was replaced, it is asked soon. */
  heard(system: SystemName, incarnation: string): void {
    if (this.#incarnations.hear(system, incarnation) !== 'new') return;
    if (this.#tools.peers.get(system)?.request === true) this.#schedule(system, settling);
  }

  /** The last pass over the groups of each peer. */
  get passes(): ReadonlyMap<SystemName, RevalidationPass> {
    return this.#passes;
  }

  /** Since when the primary has not confirmed that the group is still as we hold it; undefined where it has. */
  notConfirmedSince(groupId: GroupId): WallTime | undefined {
    return this.#unconfirmed.get(groupId);
  }

  /** Asks the peer for all its groups now, and removes what it says is gone, however much. */
  async acceptRemovals(system: SystemName): Promise<RevalidationPass> {
    await this.#underWay.get(system);
    return await this.#begin(system, true);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    await Promise.allSettled(this.#underWay.values());
  }

  #schedule(system: SystemName, within = this.#settings.interval): void {
    if (this.#closed || this.#settings.interval === 0) return;
    const { clock, log, random } = this.#tools;
    this.#timers.get(system)?.();
    const delay = Math.round(within * (0.8 + 0.4 * random.fraction()));
    const cancel = clock.schedule(delay, () => {
      this.#timers.delete(system);
      this.#begin(system, false)
        .catch((error: unknown) => {
          log.error({ peer: system, reason: describeError(error) }, 'received groups not asked for again');
        })
        .finally(() => {
          this.#schedule(system);
        });
    });
    this.#timers.set(system, cancel);
  }

  /** One pass at a time for each peer. */
  async #begin(system: SystemName, acceptsRemovals: boolean): Promise<RevalidationPass> {
    const known = this.#underWay.get(system);
    if (known !== undefined) return await known;
    const pass = this.#pass(system, acceptsRemovals).finally(() => this.#underWay.delete(system));
    this.#underWay.set(system, pass);
    return await pass;
  }

  async #pass(system: SystemName, acceptsRemovals: boolean): Promise<RevalidationPass> {
    const { clock, log } = this.#tools;
    const outcomes: Partial<Record<Refreshed, number>> = {};
    const count = (outcome: Refreshed): void => {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    };
    const groups = await this.#groupsInOrder(system);
    const ended: GroupId[] = [];
    let silent = 0;
    for (const groupId of groups) {
      if (this.#closed || silent >= silences) break;
      const outcome = await this.#ask(groupId);
      this.#reached.set(system, groupId);
      silent = outcome === 'unavailable' ? silent + 1 : 0;
      if (outcome === 'ended') ended.push(groupId);
      else count(outcome);
    }
    // Orphans are not the peer's to end.
    const held = groups.length - (outcomes['not-held'] ?? 0);
    const isBraked = !acceptsRemovals && brakes(this.#settings.brake, ended.length, held);
    for (const groupId of isBraked ? [] : ended) {
      if (this.#closed) break;
      count(await this.#tools.requester.refresh(groupId, true));
      this.#unconfirmed.delete(groupId);
    }
    const heldBack = isBraked ? ended.length : 0;
    if (isBraked) {
      const fields = { peer: system, groups: heldBack, held };
      log.error(
        fields,
        'the primary says that many groups are gone: none is removed until the operator accepts it',
      );
    }
    const pass = { at: clock.now(), outcomes, brokenOff: silent >= silences, heldBack };
    this.#passes.set(system, pass);
    log.info(
      { peer: system, ...outcomes, brokenOff: pass.brokenOff, heldBack },
      'received groups asked for again',
    );
    return pass;
  }

  async #ask(groupId: GroupId): Promise<Refreshed> {
    const outcome = await this.#tools.requester.refresh(groupId, false);
    if (outcome === 'unchanged' || outcome === 'updated' || outcome === 'not-held') {
      this.#unconfirmed.delete(groupId);
    } else if (!this.#unconfirmed.has(groupId)) this.#unconfirmed.set(groupId, this.#tools.clock.now());
    return outcome;
  }

  /** The groups that we hold of `system`, from the one behind the last that was asked for. */
  async #groupsInOrder(system: SystemName): Promise<readonly GroupId[]> {
    const groups = await groupsUnder(this.#tools.documents, terms.receivedFrom(system));
    return rotated(groups, this.#reached.get(system));
  }
}
