import { GmsError } from '../base/errors.js';
import type { Amount, Holding, Part } from './holdings.js';

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
 * that fails has freed nothing. The counts live in this process alone, which owns the store; they are made anew
 * at each start from what the store holds.
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

/** What one XUI, user or MC system has, or all together. */
interface Counted {
  readonly count: Count;
  readonly change: Amount;
}

export class Quotas {
  readonly limits: QuotaLimits;
  readonly #total: Count = { ...nothing };
  readonly #parts: Readonly<Record<Part, Map<string, Count>>> = {
    xui: new Map(),
    creator: new Map(),
    peer: new Map(),
    own: new Map(),
  };
  /** What the operator was warned of, as `part id`. */
  readonly #filled = new Map<string, Pick<Filled, 'part' | 'id'>>();
  #warn: (filled: Filled) => void = () => undefined;

  constructor(limits: QuotaLimits) {
    this.limits = limits;
  }

  /** Counts a record that is in the store already, at start. */
  count(holding: Holding): void {
    added(this.#countOf(holding), holding, 1, isGrowth);
    added(this.#total, holding, 1, isGrowth);
  }

  /** Has `warn` called for what is nearly full now, and once for each that becomes so. It must not throw. */
  onFilled(warn: (filled: Filled) => void): void {
    this.#warn = warn;
    for (const part of ['xui', 'creator', 'peer'] as const) {
      for (const id of this.#parts[part].keys()) this.#look(part, id);
    }
    this.#look('total', '');
  }

  /**
   * Takes room for a commit that replaces what `before` holds by what `after` holds.
   *
   * @throws QuotaExceeded where there is none; nothing has changed then
   */
  reserve(before: Holding | undefined, after: Holding | undefined, draws: Draws): Reservation {
    const changes = this.#changes(before, after);
    const total: Counted = { count: this.#total, change: difference(after ?? nothing, before ?? nothing) };
    if (after !== undefined) this.#judge(after, changes, total, draws);
    const all = [...changes.map(({ holding, change }) => ({ count: this.#countOf(holding), change })), total];
    for (const { count, change } of all) added(count, change, 1, isGrowth);
    const settled = (): void => {
      for (const { holding } of changes) this.#settled(holding);
      this.#look('total', '');
    };
    return {
      keep: () => {
        for (const { count, change } of all) added(count, change, 1, isLoss);
        settled();
      },
      release: () => {
        for (const { count, change } of all) added(count, change, -1, isGrowth);
        settled();
      },
    };
  }

  /** What one XUI, user or MC system may have; the own part has no quota. */
  quotaOf(part: Filled['part']): Quota {
    return part === 'own' ? boundless : this.limits[part];
  }

  /** What everything takes. */
  get total(): Amount {
    return { ...this.#total };
  }

  /** What one XUI, user or MC system has. */
  amountOf(part: Part, id: string): Amount {
    return { ...(this.#parts[part].get(id) ?? nothing) };
  }

  /** The XUIs, users or MC systems of which anything is stored, in no particular order. */
  idsOf(part: Part): readonly string[] {
    return [...this.#parts[part].keys()];
  }

  /** What the operator was warned of and that is still nearly full. */
  filled(): readonly Filled[] {
    return [...this.#filled.values()].map(({ part, id }) => this.#view(part, id));
  }

  /** What changes for whom. A document that goes over from one part to another leaves the former. */
  #changes(
    before: Holding | undefined,
    after: Holding | undefined,
  ): readonly { readonly holding: Holding; readonly change: Amount }[] {
    const isSame = before !== undefined && after?.part === before.part && after.id === before.id;
    if (isSame) return [{ holding: after, change: difference(after, before) }];
    return [
      ...(after === undefined ? [] : [{ holding: after, change: after }]),
      ...(before === undefined ? [] : [{ holding: before, change: difference(nothing, before) }]),
    ];
  }

  #judge(
    after: Holding,
    changes: readonly { readonly holding: Holding; readonly change: Amount }[],
    total: Counted,
    draws: Draws,
  ): void {
    if (draws === 'free') return;
    const { part, id } = after;
    const change = changes.find(({ holding }) => holding === after)?.change;
    if (draws !== 'reserve' && part !== 'own' && change !== undefined) {
      judge(this.amountOf(part, id), change, part, this.limits[part]);
    }
    judge(total.count, total.change, 'total', this.limits.total, draws === 'part' ? 1 - reserveShare : 1);
  }

  #countOf({ part, id }: Pick<Holding, 'part' | 'id'>): Count {
    const counts = this.#parts[part];
    let count = counts.get(id);
    if (count === undefined) {
      count = { ...nothing };
      counts.set(id, count);
    }
    return count;
  }

  #settled({ part, id }: Holding): void {
    if (part !== 'own') this.#look(part, id);
    const count = this.#parts[part].get(id);
    // A reservation that is still under way counts as well, so an empty one has none.
    if (count?.documents === 0 && count.remembered === 0 && count.octets === 0) this.#parts[part].delete(id);
  }

  #view(part: Filled['part'], id: string): Filled {
    const amount = part === 'total' ? this.total : this.amountOf(part, id);
    return { part, id, ...amount, quota: this.quotaOf(part) };
  }

  /** Warns where something has become nearly full. A while has to pass before it does so again. */
  #look(part: Filled['part'], id: string): void {
    const filled = this.#view(part, id);
    const name = `${part} ${id}`;
    const share = fullness(filled, filled.quota);
    if (this.#filled.has(name)) {
      if (share < forgottenAt) this.#filled.delete(name);
    } else if (share >= warnedAt) {
      this.#filled.set(name, { part, id });
      this.#warn(filled);
    }
  }
}
