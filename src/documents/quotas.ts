import { GmsError } from '../base/errors.js';
import { together, whenHere, type Soon } from '../base/soon.js';
import { eachOf } from '../store/pages.js';
import type { Store, Sum } from '../store/store.js';
import type { Amount, Holding, Part } from './holdings.js';
import { accountOf, amountIn } from './tally.js';

/**
 * What may be stored (design D21): so many documents and octets of each XUI, of each user who creates documents
 * in a tree that several share, of each peer, and in all.
 *
 * Only growth is refused. What is stored already can be read, made smaller and deleted, also where a quota was
 * set below it. What a document that is gone leaves behind is counted apart, as it is no use to whom it is
 * charged: documents and what is remembered together may be twice as many as documents may be. So a deletion
 * always finds room, and still nobody fills the store with what is remembered.
 *
 * Subtle: what a commit adds is counted before the commit, in one step with the judgement, and what it takes
 * away once it is durable. So two commits that are under way at once never share the last place, and a commit
 * that fails has freed nothing.
 *
 * The store keeps the counts, and changes each together with the record (tally.ts), so that a start counts nothing.
 * Here are those of whom a commit is under way, and of some others that were asked for; they come from the store
 * when a commit needs them, before it is under way. That is right as long as this process alone writes to the store.
 */

/** How much of something may be stored; 0 for any number. */
export interface Quota {
  readonly documents: number;
  readonly octets: number;
}

export interface QuotaLimits {
  readonly xui: Quota;
  readonly creator: Quota;
  readonly peer: Quota;
  readonly total: Quota;
}

const boundless: Quota = { documents: 0, octets: 0 };

export const noQuotas: QuotaLimits = {
  xui: boundless,
  creator: boundless,
  peer: boundless,
  total: boundless,
};

/**
 * What a commit may draw on.
 *
 * - `part`: the part that it is charged to, and the total without its reserve;
 * - `withdrawal`: that part, and all of the total;
 * - `reserve`: all of the total: administrators, and what their policies make of received documents;
 * - `free`: it is never refused, because it lets documents go or leaves them as they are.
 */
export type Draws = 'part' | 'withdrawal' | 'reserve' | 'free';

/** The part of the total that only administrators and withdrawals may use. */
export const reserveShare = 0.1;

/** How full something is when the operator is warned, and how full it may be for another warning later. */
export const warnedAt = 0.8;
const forgottenAt = 0.7;

/** What is refused would exceed a quota. The message may go to the requester, and has the number. */
export class QuotaExceeded extends GmsError {}

/** A part, or everything, that is filled to `warnedAt` or more. */
export interface Filled extends Amount {
  readonly part: Part | 'total';
  /** The XUI, the user or the MC system; empty where the part has but one. */
  readonly id: string;
  readonly quota: Quota;
}

/** Room that a commit has taken, until it is known whether it succeeds. Either is called, once. */
export interface Reservation {
  /** The commit is durable. */
  keep(): void;
  /** The commit has failed: nothing of it is stored. */
  release(): void;
}

/** Counts that change. */
type Count = { -readonly [Name in keyof Amount]: Amount[Name] };

const nothing: Amount = { documents: 0, remembered: 0, octets: 0 };

function difference(after: Amount, before: Amount): Amount {
  return {
    documents: after.documents - before.documents,
    remembered: after.remembered - before.remembered,
    octets: after.octets - before.octets,
  };
}

function added(count: Count, change: Amount, factor: 1 | -1, which: (value: number) => boolean): void {
  for (const name of ['documents', 'remembered', 'octets'] as const) {
    if (which(change[name])) count[name] += factor * change[name];
  }
}

const isGrowth = (value: number): boolean => value > 0;
const isLoss = (value: number): boolean => value < 0;

/** A quota as a bound: 0 stands for none. */
function bound(most: number, share = 1): number {
  return most === 0 ? Infinity : Math.floor(most * share);
}

/** How full a part is: 1 where nothing more fits in. */
function fullness({ documents, remembered, octets }: Amount, quota: Quota): number {
  const most = bound(quota.documents);
  return Math.max(documents / most, (documents + remembered) / (2 * most), octets / bound(quota.octets));
}

const whose: Readonly<Record<Part | 'total', string>> = {
  xui: 'of one XUI',
  creator: 'that one user created in a shared tree',
  peer: 'of one MC system',
  own: '',
  total: 'in all',
};

/** Judges whether `change` still fits beside what is `used`. @throws QuotaExceeded */
function judge(used: Amount, change: Amount, part: Part | 'total', quota: Quota, share = 1): void {
  const { documents, remembered, octets } = change;
  const most = bound(quota.documents, share);
  const records = documents + remembered;
  if (documents > 0 && used.documents + documents > most) {
    throw new QuotaExceeded(`at most ${most} documents ${whose[part]} are stored here`);
  }
  if (records > 0 && used.documents + used.remembered + records > 2 * most) {
    const what = 'documents, and traces of documents that are gone,';
    throw new QuotaExceeded(`at most ${2 * most} ${what} ${whose[part]} are kept here`);
  }
  const mostOctets = bound(quota.octets, share);
  if (octets > 0 && used.octets + octets > mostOctets) {
    throw new QuotaExceeded(`at most ${mostOctets} octets of documents ${whose[part]} are stored here`);
  }
}

/** What a commit changes in one of the counts. */
interface Counted {
  readonly entry: Entry;
  readonly change: Amount;
}

/** One of the counts in memory. */
interface Entry {
  readonly part: Filled['part'];
  readonly id: string;
  readonly count: Count;
  /** How many commits are under way, or wait for the count. */
  users: number;
  /** Until the store has said what it is. */
  coming: Promise<void> | undefined;
}

/** How many counts are kept of whom no commit is under way. */
const keptIdle = 10_000;

/** Of how many is remembered that the operator was warned; there are no warnings of more. */
const mostFilled = 10_000;

/** The parts that have quotas. */
const limitedParts = ['xui', 'creator', 'peer'] as const;

export interface QuotasTools {
  readonly store: Pick<Store<never>, 'sumOf' | 'sumsOf'>;
  /** Resolves once everything that waits to run has had its turn. */
  readonly turn: () => Promise<void>;
}

export class Quotas {
  readonly limits: QuotaLimits;
  readonly #tools: QuotasTools;
  /** By part and ID; the one that was used last stands last. */
  readonly #entries = new Map<string, Entry>();
  /** What the operator was warned of, as `part id`. */
  readonly #filled = new Map<string, Pick<Filled, 'part' | 'id'>>();
  #warn: (filled: Filled) => void = () => undefined;

  constructor(limits: QuotaLimits, tools: QuotasTools) {
    this.limits = limits;
    this.#tools = tools;
  }

  /**
   * Has `warn` called for what is nearly full now, and once for each that becomes so. It must not throw.
   *
   * @param isOver is asked between pages of the store; where it says so, what is full now is told no further
   * @throws StoreFailure
   */
  async onFilled(warn: (filled: Filled) => void, isOver: () => boolean = () => false): Promise<void> {
    this.#warn = warn;
    for (const part of limitedParts) {
      if (isBoundless(this.limits[part])) continue;
      const systems = new Set<string>();
      for await (const { id, amounts } of this.#sumsOf(part)) {
        if (isOver()) return;
        // Where one has several sums, only all of them together tell.
        if (part === 'peer') systems.add(id);
        else this.#look(part, id, this.#known(part, id) ?? amountIn(amounts));
      }
      for (const id of systems) this.#look(part, id, await this.amountOf(part, id));
    }
    this.#look('total', '', await this.total());
  }

  #sumsOf(part: Part): AsyncIterable<Sum> {
    return eachOf((page) => this.#tools.store.sumsOf(part, page), this.#tools.turn);
  }

  /**
   * Takes room for a commit that replaces what `before` holds by what `after` holds: at once where the counts are at
   * hand.
   *
   * @throws QuotaExceeded where there is none; nothing has changed then
   * @throws StoreFailure where the store does not give the counts
   */
  reserve(before: Holding | undefined, after: Holding | undefined, draws: Draws): Soon<Reservation> {
    const changes = changesOf(before, after);
    const whole = { part: 'total', id: '' } as const;
    const held = this.#holdAll([...changes.map(({ holding }) => holding), whole]);
    const ready = together(held.map(({ coming }) => coming));
    if (!(ready instanceof Promise)) return this.#reserve(held, changes, before, after, draws);
    return ready.then(
      () => this.#reserve(held, changes, before, after, draws),
      (error: unknown) => {
        for (const entry of held) this.#letGo(entry);
        throw error;
      },
    );
  }

  #reserve(
    held: readonly Entry[],
    changes: readonly Change[],
    before: Holding | undefined,
    after: Holding | undefined,
    draws: Draws,
  ): Reservation {
    const inAll = difference(after ?? nothing, before ?? nothing);
    const all = held.map((entry, at): Counted => ({ entry, change: changes[at]?.change ?? inAll }));
    try {
      if (after !== undefined) this.#judge(after, all, draws);
    } catch (error) {
      for (const entry of held) this.#letGo(entry);
      throw error;
    }
    for (const { entry, change } of all) added(entry.count, change, 1, isGrowth);
    const settle = (factor: 1 | -1, which: (value: number) => boolean): void => {
      for (const { entry, change } of all) added(entry.count, change, factor, which);
      for (const { entry } of all) {
        if (entry.part !== 'own') this.#look(entry.part, entry.id, entry.count);
        this.#letGo(entry);
      }
    };
    return {
      keep: () => {
        settle(1, isLoss);
      },
      release: () => {
        settle(-1, isGrowth);
      },
    };
  }

  /** What one XUI, user or MC system may have; the own part has no quota. */
  quotaOf(part: Filled['part']): Quota {
    return part === 'own' ? boundless : this.limits[part];
  }

  /** What everything takes. @throws StoreFailure */
  total(): Soon<Amount> {
    return this.amountOf('total', '');
  }

  /** What one XUI, user or MC system has. @throws StoreFailure */
  amountOf(part: Filled['part'], id: string): Soon<Amount> {
    return this.#known(part, id) ?? whenHere(this.#tools.store.sumOf(accountOf(part, id)), amountIn);
  }

  /** The XUIs, users or MC systems of which anything is stored, in no particular order. @throws StoreFailure */
  async idsOf(part: Part): Promise<readonly string[]> {
    const ids = new Set<string>();
    for await (const { id } of this.#sumsOf(part)) ids.add(id);
    return [...ids];
  }

  /** What the operator was warned of and that is still nearly full. @throws StoreFailure */
  async filled(): Promise<readonly Filled[]> {
    const all: Filled[] = [];
    for (const { part, id } of [...this.#filled.values()]) {
      all.push({ part, id, ...(await this.amountOf(part, id)), quota: this.quotaOf(part) });
    }
    return all;
  }

  /** The count in memory, if it is there. */
  #known(part: Filled['part'], id: string): Amount | undefined {
    const entry = this.#entries.get(`${part} ${id}`);
    return entry === undefined || entry.coming !== undefined ? undefined : { ...entry.count };
  }

  #holdAll(all: readonly Pick<Filled, 'part' | 'id'>[]): readonly Entry[] {
    const held: Entry[] = [];
    try {
      for (const whose of all) held.push(this.#hold(whose));
      return held;
    } catch (error) {
      for (const entry of held) this.#letGo(entry);
      throw error;
    }
  }

  /** The count of whom a commit concerns, which stays until it is let go of. */
  #hold({ part, id }: Pick<Filled, 'part' | 'id'>): Entry {
    const name = `${part} ${id}`;
    const entry = this.#entries.get(name) ?? this.#newEntry(part, id);
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    entry.users += 1;
    return entry;
  }

  #newEntry(part: Filled['part'], id: string): Entry {
    const entry: Entry = { part, id, count: { ...nothing }, users: 0, coming: undefined };
    const sum = whenHere(this.#tools.store.sumOf(accountOf(part, id)), (amounts) => {
      Object.assign(entry.count, amountIn(amounts));
      entry.coming = undefined;
    });
    if (sum instanceof Promise) entry.coming = sum;
    return entry;
  }

  #letGo(entry: Entry): void {
    entry.users -= 1;
    // Its count never came.
    if (entry.users === 0 && entry.coming !== undefined) this.#entries.delete(`${entry.part} ${entry.id}`);
    if (this.#entries.size <= keptIdle) return;
    for (const [name, { part, users }] of this.#entries) {
      if (users > 0 || part === 'total') continue;
      this.#entries.delete(name);
      if (this.#entries.size <= keptIdle) return;
    }
  }

  #judge(after: Holding, all: readonly Counted[], draws: Draws): void {
    if (draws === 'free') return;
    for (const { entry, change } of all) {
      const { part, id, count } = entry;
      if (part === 'total') {
        judge(count, change, part, this.limits.total, draws === 'part' ? 1 - reserveShare : 1);
      } else if (part !== 'own' && draws !== 'reserve' && part === after.part && id === after.id) {
        judge(count, change, part, this.limits[part]);
      }
    }
  }

  /** Warns where something has become nearly full. A while has to pass before it does so again. */
  #look(part: Filled['part'], id: string, amount: Amount): void {
    const filled = { part, id, ...amount, quota: this.quotaOf(part) };
    const name = `${part} ${id}`;
    const share = fullness(filled, filled.quota);
    if (this.#filled.has(name)) {
      if (share < forgottenAt) this.#filled.delete(name);
    } else if (share >= warnedAt && this.#filled.size < mostFilled) {
      this.#filled.set(name, { part, id });
      this.#warn(filled);
    }
  }
}

interface Change {
  readonly holding: Holding;
  readonly change: Amount;
}

/** What changes for whom. A document that goes over from one part to another leaves the former. */
function changesOf(before: Holding | undefined, after: Holding | undefined): readonly Change[] {
  const isSame = before !== undefined && after?.part === before.part && after.id === before.id;
  if (isSame) return [{ holding: after, change: difference(after, before) }];
  return [
    ...(after === undefined ? [] : [{ holding: after, change: after }]),
    ...(before === undefined ? [] : [{ holding: before, change: difference(nothing, before) }]),
  ];
}

function isBoundless({ documents, octets }: Quota): boolean {
  return documents === 0 && octets === 0;
}
