import { byTurns } from '../base/by-turns.js';
import type { Clock } from '../base/clock.js';
import { GmsError } from '../base/errors.js';
import type { Claim, DocumentName, ETag, SystemName } from '../base/identifiers.js';
import { KeyedLock } from '../base/keyed-lock.js';
import type { Random } from '../base/random.js';
import { whenHere, type Soon } from '../base/soon.js';
import { eachOf } from '../store/pages.js';
import {
  CommitConflict,
  type KeyedLabels,
  type RecordKey,
  type RecordLabels,
  StoreFailure,
  type Store,
  type StoreRecord,
} from '../store/store.js';
import { isClaim, type Placement } from '../xcap/usage.js';
import type { GatedText } from '../xml/gate.js';
import type { Commit, CommitHook, DocumentChange } from './commits.js';
import { holdingOf, xuiOfName } from './holdings.js';
import { readSummary, terms, termsOf, type FormSummary, type SystemKind } from './index-terms.js';
import { accountOfTerm } from './tally.js';
import { checkNewNames } from './name-bounds.js';
import { noQuotas, Quotas, type Draws, type QuotaLimits } from './quotas.js';
import { dated, Removals } from './dates.js';
import { Renditions } from './renditions.js';
import {
  formsOf,
  withShares,
  type Content,
  type DocumentState,
  type Form,
  type StoredDocument,
  type Tombstone,
} from './state.js';

/**
 * Documents in the store: read, change, tell.
 *
 * A change is a decision made under the lock of its document, on the state that will be replaced, so
 * that conditions are judged and content is derived from one and the same state. The commit carries
 * that state's revision into the store: should another process have changed the record meanwhile, the
 * decision is made again on the new state. Commit hooks add what must become durable together with
 * the change, such as a delivery for each partner. Listeners hear of it after the commit, never before.
 */

/** What a decision asks for. `result` goes back to the caller once the state is durable. */
export type Decision<T> =
  | {
      readonly kind: 'put';
      readonly placement: Placement;
      readonly content: Content;
      /** Whether the document is replaced that holds the key, though the name led to none. */
      readonly replaces?: (stored: StoredDocument) => boolean;
      /** What the growth draws on; `part` where left out. */
      readonly draws?: Draws;
      /** The user who creates it, should it be new and stand in a tree that several share. */
      readonly creator?: string | undefined;
      readonly result: (stored: StoredDocument) => T;
    }
  /** Only what stands beside the document changes, such as a delivery: form, names and claims stay. */
  | {
      readonly kind: 'amend';
      readonly state: DocumentState;
      readonly result: (stored: StoredDocument) => T;
    }
  /** There is no document, and what partners are owed of one is to be remembered all the same. */
  | {
      readonly kind: 'remember';
      readonly key: DocumentName;
      readonly state: DocumentState;
      readonly result: T;
    }
  | { readonly kind: 'delete'; readonly result: T }
  | { readonly kind: 'keep'; readonly result: T };

/** The document's record key, one of its names or one of its claims belongs to another document. */
export class NameTaken extends GmsError {
  /** The names and claims that do. */
  readonly names: readonly string[];

  constructor(message: string, names: readonly string[]) {
    super(message);
    this.names = names;
  }
}

/** A record as the index knows it. Its terms say more: see index-terms.ts. */
export interface IndexEntry {
  readonly key: DocumentName;
  readonly names: readonly DocumentName[];
  readonly terms: readonly string[];
}

/** What a directory says of a document (OMA XDM Core clause 6.7.2), known without reading its body. */
export interface DocumentSummary extends FormSummary {
  readonly key: DocumentName;
  readonly names: readonly DocumentName[];
}

/** How often a decision is made anew where other processes keep changing the record. */
const attempts = 10;

/** Whether the record of a deleted document is still needed: partners may hold it, or its primary may be late. */
function isRemembered({ deliveries, concerned = [], tombstone }: DocumentState): boolean {
  return Object.keys(deliveries).length > 0 || concerned.length > 0 || (tombstone?.system ?? null) !== null;
}

function isDeleted({ form }: StoredDocument): boolean {
  return form === undefined;
}

/** A document's key in the store is the name that identifies it. */
function keyOf(name: DocumentName): RecordKey {
  return name as string as RecordKey;
}

function nameOf(key: RecordKey): DocumentName {
  return key as string as DocumentName;
}

/** The names of a record's document, without its claims. */
function namesOf({ names }: Pick<RecordLabels, 'names'>): readonly DocumentName[] {
  return names.filter((name): name is DocumentName => !isClaim(name));
}

function toStored(record: StoreRecord<DocumentState>): StoredDocument {
  return {
    key: record.key as string as DocumentName,
    revision: record.revision,
    // A read has no need of them.
    get names() {
      return namesOf(record);
    },
    state: record.data,
    ...formsOf(record.data),
  };
}

/** Who created the document, where that is kept: as long as it exists, and where nobody else owns its place. */
function creatorOf(
  key: DocumentName,
  { received }: Content,
  replaced: StoredDocument | undefined,
  creator: string | undefined,
): string | undefined {
  if (received !== null || xuiOfName(key) !== undefined) return undefined;
  const isSame = replaced?.form !== undefined && replaced.received === undefined;
  return isSame ? replaced.state.creator : creator;
}

export class Documents {
  readonly #store: Store<DocumentState>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #locks = new KeyedLock();
  readonly #hooks: CommitHook[] = [];
  readonly #listeners: ((change: DocumentChange) => void)[] = [];
  readonly #observers: ((commit: Commit) => void)[] = [];
  readonly #renditions: Renditions;
  readonly #turn: () => Promise<void>;
  /** What is stored, counted by whose it is; every commit passes here. */
  readonly quotas: Quotas;
  readonly #removed = new Removals();
  #generation = 0;

  /** @param cacheBytes bound on the memory that is spent on keeping the bytes and trees of texts */
  constructor(
    store: Store<DocumentState>,
    clock: Clock,
    random: Random,
    cacheBytes: number,
    limits: QuotaLimits = noQuotas,
  ) {
    this.#store = store;
    this.#turn = () => clock.turn();
    this.quotas = new Quotas(limits, { store, turn: this.#turn });
    this.#clock = clock;
    this.#random = random;
    this.#renditions = new Renditions(cacheBytes);
  }

  /** Registers a hook; hooks run in the order of registration. */
  addHook(hook: CommitHook): void {
    this.#hooks.push(hook);
  }

  /** Registers a listener for changes that clients can see. It must not throw. */
  addListener(listener: (change: DocumentChange) => void): void {
    this.#listeners.push(listener);
  }

  /** Registers an observer of every commit, also of those that clients cannot see. It must not throw. */
  addObserver(observer: (commit: Commit) => void): void {
    this.#observers.push(observer);
  }

  /** Resolves once everything that waits to run has had its turn: for who goes over many documents. */
  turn(): Promise<void> {
    return this.#turn();
  }

  /** The record that answers to `name`, also one whose document is deleted (`form` undefined). */
  async find(name: DocumentName): Promise<StoredDocument | undefined> {
    const found = this.#store.keyOfName(name);
    // A read waits for nothing that is at hand.
    const key = found instanceof Promise ? await found : found;
    return key === undefined ? undefined : await this.#read(key);
  }

  /** The record that `key` identifies. */
  async get(key: DocumentName): Promise<StoredDocument | undefined> {
    return await this.#read(keyOf(key));
  }

  /** As `get`, for a pass over many: the record takes no place of others in memory. */
  async look(key: DocumentName): Promise<StoredDocument | undefined> {
    return await this.#read(keyOf(key), 'once');
  }

  async #read(key: RecordKey, use?: 'once'): Promise<StoredDocument | undefined> {
    const record = await this.#store.get(key, use);
    return record === undefined ? undefined : toStored(record);
  }

  /**
   * The records that carry an index term, in no particular order. Others have a turn now and then. What carries it all
   * the while is among them; what changes meanwhile may come twice.
   */
  async *entriesOf(term: string): AsyncIterable<IndexEntry> {
    for await (const { key, names, terms: carried } of this.#labelsOf(term)) {
      yield { key: nameOf(key), names: namesOf({ names }), terms: carried };
    }
  }

  /** Their keys. */
  async *keysOf(term: string): AsyncIterable<DocumentName> {
    for await (const { key } of this.#labelsOf(term)) yield nameOf(key);
  }

  #labelsOf(term: string): AsyncIterable<KeyedLabels> {
    return eachOf((page) => this.#store.keysOfTerm(term, page), this.#turn);
  }

  /** How many records name `system` in a term of this kind. */
  countOf(kind: SystemKind, system: SystemName): Soon<number> {
    return whenHere(this.#store.sumOf(accountOfTerm(kind, system)), ([count = 0]) => count);
  }

  /** The MC systems that records name in terms of this kind. */
  async systemsIn(kind: SystemKind): Promise<ReadonlySet<SystemName>> {
    const systems = new Set<SystemName>();
    const sums = eachOf((page) => this.#store.sumsOf(accountOfTerm(kind, '').kind, page), this.#turn);
    for await (const { id } of sums) systems.add(id as SystemName);
    return systems;
  }

  /**
   * The keys of the documents that came from another MC system, configured or not. Systems take turns: the first of
   * each, then the second of each, and so on.
   */
  async *receivedKeys(): AsyncIterable<DocumentName> {
    const systems = [...(await this.systemsIn('received-from'))].sort();
    yield* byTurns(systems.map((system) => this.keysOf(terms.receivedFrom(system))));
  }

  /** How many documents came from other MC systems. */
  async receivedCount(): Promise<number> {
    let count = 0;
    for (const system of await this.systemsIn('received-from')) {
      count += await this.countOf('received-from', system);
    }
    return count;
  }

  /** The documents that carry an index term, as `entriesOf` gives them. */
  async *summariesOf(term: string): AsyncIterable<DocumentSummary> {
    for await (const { key, names, terms: carried } of this.#labelsOf(term)) {
      const summary = readSummary(carried);
      if (summary !== undefined) {
        yield { key: nameOf(key), names: namesOf({ names }), ...summary };
      }
    }
  }

  /** Counts the commits since start. As long as it stays the same, so does every document. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether a document answers to `name`, or holds the claim. */
  isTaken(name: DocumentName | Claim): Soon<boolean> {
    return whenHere(this.#store.keyOfName(name), (key) => key !== undefined);
  }

  /** Whether writes can succeed. */
  get writable(): boolean {
    return this.#store.writable;
  }

  /** A form of `body` with a new entity tag. */
  newForm(body: string): Form {
    return { etag: this.#newTag(), body, modified: this.#clock.now() };
  }

  /** What remembers that `system` withdrew a document of which nothing is here. */
  newTombstone(system: SystemName): Tombstone {
    return { etag: this.#newTag(), at: this.#clock.now(), system };
  }

  /** A form of the text with a new entity tag; where its tree is known, it need not be made again. */
  newFormOf({ text, gated }: { readonly text: string; readonly gated?: GatedText }): Form {
    const form = this.newForm(text);
    if (gated !== undefined) this.#renditions.keep(form, gated);
    return form;
  }

  /** The bytes of `form`, as it was put. */
  bytesOf(form: Form): Buffer {
    return this.#renditions.bytesOf(form);
  }

  /** When `form` changed, as `Last-Modified` says it. */
  lastModifiedOf(form: Form): string {
    return this.#renditions.lastModifiedOf(form);
  }

  /** The text and tree of `form`. */
  treeOf(form: Form): GatedText {
    return this.#renditions.treeOf(form);
  }

  /**
   * Changes the document that `name` names, or a new one.
   *
   * @param decide is given the present state; whatever it throws reaches the caller, and nothing changes
   * @throws NameTaken where the placement belongs to another document
   * @throws NameTooLong where it has a new name that is too long
   * @throws QuotaExceeded where there is no room for it
   * @throws StoreFailure where the store refuses
   */
  async change<T>(
    name: DocumentName,
    decide: (current: StoredDocument | undefined) => Decision<T> | Promise<Decision<T>>,
  ): Promise<T> {
    const found = this.#store.keyOfName(name);
    const lock = (found instanceof Promise ? await found : found) ?? name;
    return await this.#locks.run(lock, async () => {
      for (let attempt = 1; ; attempt += 1) {
        const current = await this.find(name);
        const decision = await decide(current);
        try {
          return await this.#carryOut(current, decision);
        } catch (error) {
          if (!(error instanceof CommitConflict)) throw error;
          const placed = decision.kind === 'put' ? decision.placement : undefined;
          if (error.reason === 'name') throw new NameTaken(error.message, error.names);
          const isNew = placed !== undefined && current === undefined;
          if (isNew && !(await this.#leadsTo(name, placed))) throw new NameTaken(error.message, [placed.key]);
          // Somebody else was faster each time, which says nothing about the document.
          if (attempt >= attempts) throw new StoreFailure('the document changes too fast at present');
        }
      }
    });
  }

  /**
   * Amends the document that `name` names, under the same lock and condition as `change`.
   *
   * @param next is given the present document; where it returns undefined, nothing changes
   * @returns the document as it then stands, or undefined where there is none
   * @throws StoreFailure where the store refuses
   */
  async amend(
    name: DocumentName,
    next: (current: StoredDocument) => DocumentState | undefined,
  ): Promise<StoredDocument | undefined> {
    return await this.change(name, (current): Decision<StoredDocument | undefined> => {
      const state = current && next(current);
      if (state === undefined) return { kind: 'keep', result: current };
      return { kind: 'amend', state, result: (amended) => amended };
    });
  }

  /** Whether the record of `placement`, which exists, is the one that `name` names. */
  async #leadsTo(name: DocumentName, placement: Placement): Promise<boolean> {
    return (await this.#store.keyOfName(name)) === (await this.#store.keyOfName(placement.key));
  }

  async #carryOut<T>(current: StoredDocument | undefined, decision: Decision<T>): Promise<T> {
    switch (decision.kind) {
      case 'keep':
        return decision.result;
      case 'delete':
        if (current?.form !== undefined) {
          await this.#commit(current, current.key, { names: current.names }, this.#gone(current), 'free');
        }
        return decision.result;
      case 'amend': {
        if (current === undefined) throw new TypeError('there is no document to amend');
        const { key, names } = current;
        const claims = (await this.#store.labelsOf(keyOf(key)))?.names.filter(isClaim) ?? [];
        return decision.result(await this.#commit(current, key, { names, claims }, decision.state, 'free'));
      }
      case 'remember': {
        if (current !== undefined) throw new TypeError('there is a record already');
        const { key, state } = decision;
        checkNewNames([key]);
        await this.#commit(undefined, key, { names: [key] }, state, 'withdrawal');
        return decision.result;
      }
      case 'put': {
        const { placement, content, replaces = isDeleted, draws = 'part' } = decision;
        const replaced = current ?? (await this.#replaceable(placement.key, replaces));
        checkNewNames(placement.names, replaced?.names);
        // What partners are owed of a former document goes on, whatever name this one is put under.
        const { deliveries, sharedWith, concerned } = replaced?.state ?? { deliveries: {} };
        // Groups of other systems are not ours to share.
        const shared = content.received === null && sharedWith ? { sharedWith } : {};
        const creator = creatorOf(placement.key, content, replaced, decision.creator);
        const beside = { deliveries, ...shared, ...(concerned && { concerned }) };
        const forms = this.#dated(placement.key, content, replaced?.state);
        const state = { ...content, ...forms, ...beside, ...(creator !== undefined && { creator }) };
        return decision.result(await this.#commit(replaced, placement.key, placement, state, draws));
      }
    }
  }

  /** The forms of `content`, each with what dates do not tell from it. */
  #dated(
    key: DocumentName,
    { current, received }: Content,
    before: DocumentState | undefined,
  ): Pick<Content, 'current' | 'received'> {
    const gone = before === undefined ? this.#removed.timeOf(key) : before.tombstone?.at;
    return {
      current: current && dated(current, before?.current ?? undefined, gone),
      received: received && dated(received, before?.received ?? undefined, gone),
    };
  }

  /** What is left of a document. A share ends with its group: a later one of that ID is another. */
  #gone({ state, received, form }: StoredDocument): DocumentState {
    const etag = received === undefined ? (form?.etag ?? this.#newTag()) : this.#newTag();
    const tombstone = { etag, at: this.#clock.now(), system: received?.system ?? null };
    return { ...withShares(state, []), current: null, received: null, tombstone };
  }

  #newTag(): ETag {
    return this.#random.token() as ETag;
  }

  /** The record that holds the key of a new document, where it may: that of a deleted one always. */
  async #replaceable(
    key: DocumentName,
    replaces: (stored: StoredDocument) => boolean,
  ): Promise<StoredDocument | undefined> {
    const record = await this.get(key);
    return record !== undefined && (isDeleted(record) || replaces(record)) ? record : undefined;
  }

  async #commit(
    current: StoredDocument | undefined,
    key: DocumentName,
    { names, claims = [] }: Pick<Placement, 'names' | 'claims'>,
    state: DocumentState,
    draws: Draws,
  ): Promise<StoredDocument> {
    const before = current?.state;
    const after = this.#hooks.reduce((next, hook) => hook(key, before, next), state);
    const expected = current?.revision ?? 'absent';
    const stored = { key, revision: (current?.revision ?? 0) + 1, names, state: after, ...formsOf(after) };
    const found = this.#store.labelsOf(keyOf(key));
    const former = found instanceof Promise ? await found : found;
    const isGone = after.current === null && !isRemembered(after);
    const kept = after.current === null ? names.filter((name) => name === key) : [...names, ...claims];
    const labels = { names: kept, terms: termsOf(after, names) };
    const next = isGone ? undefined : holdingOf(key, labels);
    const reserved = this.quotas.reserve(former && holdingOf(key, former), next, draws);
    const room = reserved instanceof Promise ? await reserved : reserved;
    try {
      if (isGone) {
        if (current !== undefined) {
          await this.#store.remove(keyOf(key), current.revision);
          this.#removed.add(key, this.#clock.now());
        }
      } else {
        await this.#store.commit(keyOf(key), expected, { ...labels, data: after });
      }
    } catch (error) {
      room.release();
      throw error;
    }
    room.keep();
    this.#generation += 1;
    this.#forget(before, after);
    for (const observer of this.#observers) observer({ key, before, after });
    this.#tell(key, names, current?.form, stored);
    return stored;
  }

  /** A form that was replaced is not asked for again, and would only fill the cache. */
  #forget(before: DocumentState | undefined, after: DocumentState): void {
    const kept = [after.current?.etag, after.received?.etag];
    for (const form of [before?.current, before?.received]) {
      if (form && !kept.includes(form.etag)) this.#renditions.forget(form);
    }
  }

  #tell(
    key: DocumentName,
    names: readonly DocumentName[],
    before: Form | undefined,
    { state: { auid }, form: after }: StoredDocument,
  ): void {
    if (before?.etag === after?.etag) return;
    for (const listener of this.#listeners) listener({ key, auid, names, before, after });
  }
}
