import type { Auid, SystemName } from '../base/identifiers.js';
import { together, whenHere, type Soon } from '../base/soon.js';
import { addAmounts } from '../store/amounts.js';
import type {
  Account,
  Cursor,
  Expected,
  KeyedLabels,
  Page,
  PageOf,
  RecordContent,
  RecordKey,
  RecordLabels,
  Store,
  StoreRecord,
  Sum,
} from '../store/store.js';
import { mapSystem } from './index-terms.js';
import { namesKey } from './names-record.js';
import type { DocumentState } from './state.js';
import { isOfSystems } from './tally.js';

/**
 * Names of MC systems, between memory and disk. A name is the operator's own choice and may change; what
 * identifies a system is the identity that it asserts (design D20). So records hold identities, and everything
 * above the store sees names:
 *
 * - a configured peer has its configured name;
 * - a system that is configured no more keeps its last name, unless another system has that name by now: then
 *   its identity stands for it, which no configured name can equal.
 *
 * The last name of each identity is kept in a record of its own. It stands in the labels of that record.
 *
 * Earlier versions wrote names. When this version first opens such a store, each of these names means the peer
 * that has it in the configuration then, and that is kept as well: such a record may be written much later.
 */

/** An MC system as configured. The identity is a URI in canonical form. */
export interface NamedSystem {
  readonly name: SystemName;
  readonly identity: string;
}

const recordData: DocumentState = {
  auid: 'mcgms.system-names' as Auid,
  current: null,
  received: null,
  deliveries: {},
};

/** What the record of names says. */
interface Recorded {
  /** The last name of each identity, the latest at the end. */
  readonly last: ReadonlyMap<string, SystemName>;
  /** Which identity a name means in records of earlier versions. */
  readonly plain: ReadonlyMap<string, string>;
}

function readRecorded({ terms }: RecordLabels): Recorded {
  const last = new Map<string, SystemName>();
  const plain = new Map<string, string>();
  for (const term of terms) {
    const [kind, one = '', other = ''] = term.split(' ');
    if (kind === 'last') last.set(one, other as SystemName);
    if (kind === 'plain') plain.set(one, other);
  }
  return { last, plain };
}

function termsOfRecorded({ last, plain }: Recorded): readonly string[] {
  return [
    ...[...last].map(([identity, name]) => `last ${identity} ${name}`),
    ...[...plain].map(([name, identity]) => `plain ${name} ${identity}`),
  ];
}

/** The names that the configuration and the record of names give, both ways. */
class SystemNames {
  readonly recorded: Recorded;
  readonly #nameOf = new Map<string, SystemName>();
  readonly #identityOf = new Map<string, string>();

  constructor(own: SystemName, peers: readonly NamedSystem[], found: Recorded | undefined) {
    for (const { name, identity } of peers) this.#give(name, identity);
    const former = [...(found?.last ?? [])].filter(([identity]) => !this.#nameOf.has(identity));
    // Where several had the name, the latest is shown by it.
    for (const [identity, name] of [...former].reverse()) {
      if (name !== own && !this.#identityOf.has(name)) this.#give(name, identity);
    }
    const plain = found?.plain ?? new Map(peers.map(({ name, identity }) => [name as string, identity]));
    const last = new Map([...former, ...peers.map(({ identity, name }) => [identity, name] as const)]);
    this.recorded = { last, plain };
  }

  #give(name: SystemName, identity: string): void {
    this.#nameOf.set(identity, name);
    this.#identityOf.set(name, identity);
  }

  /** What stands for `name` in records. */
  readonly toStored = (name: string): string => this.#identityOf.get(name) ?? name;

  /** The name of what stands in a record. */
  readonly toName = (stored: string): SystemName => {
    const identity = this.recorded.plain.get(stored) ?? stored;
    return this.#nameOf.get(identity) ?? (identity as SystemName);
  };

  /** Everything that may stand for `name` in records. */
  spellings(name: string): readonly string[] {
    const { plain } = this.recorded;
    const identity = this.toStored(name);
    const former = [...plain].filter(([, meant]) => meant === identity).map(([word]) => word);
    const other = plain.has(name) ? [] : [name];
    // What is written now comes last: a list that goes over all of them misses no record that is written meanwhile.
    return [...new Set([...former, ...other].filter((word) => word !== identity)), identity];
  }
}

/** `state`, with every mention of an MC system replaced. */
export function withSystems(state: DocumentState, replace: (system: string) => string): DocumentState {
  const { received, deliveries, sharedWith, concerned, tombstone } = state;
  return {
    ...state,
    received: received && { ...received, system: replace(received.system) as SystemName },
    deliveries: Object.fromEntries(
      Object.entries(deliveries).map(([system, delivery]) => [replace(system), delivery]),
    ),
    ...(sharedWith && { sharedWith: sharedWith.map(replace) }),
    ...(concerned && { concerned: concerned.map(replace) }),
    ...(tombstone && {
      tombstone: {
        ...tombstone,
        system: tombstone.system === null ? null : (replace(tombstone.system) as SystemName),
      },
    }),
  };
}

/** A store whose readers and writers see names of MC systems, over one whose records hold identities. */
export class NamedStore implements Store<DocumentState> {
  readonly #store: Store<DocumentState>;
  readonly #names: SystemNames;
  readonly #read = new WeakMap<StoreRecord<DocumentState>, StoreRecord<DocumentState>>();

  private constructor(store: Store<DocumentState>, names: SystemNames) {
    this.#store = store;
    this.#names = names;
  }

  /**
   * Reads the names that are written down.
   *
   * @param own our own name, which no other system is shown by
   * @throws StoreFailure
   */
  static open(store: Store<DocumentState>, own: SystemName, peers: readonly NamedSystem[]): Soon<NamedStore> {
    return whenHere(
      store.labelsOf(namesKey),
      (labels) => new NamedStore(store, new SystemNames(own, peers, labels && readRecorded(labels))),
    );
  }

  /** Writes down the names of the peers as configured now. @throws StoreFailure */
  async keepNames(): Promise<void> {
    const terms = termsOfRecorded(this.#names.recorded);
    const former = await this.#store.get(namesKey);
    if (former === undefined ? terms.length === 0 : isSame(former.terms, terms)) return;
    await this.#store.commit(namesKey, former?.revision ?? 'absent', { names: [], terms, data: recordData });
  }

  async get(key: RecordKey, use?: 'once'): Promise<StoreRecord<DocumentState> | undefined> {
    const record = await this.#store.get(key, use);
    return record && this.#named(record);
  }

  keyOfName(name: string): Soon<RecordKey | undefined> {
    return this.#store.keyOfName(name);
  }

  /** A system may stand in records under several words: the list goes over one after the other. */
  keysOfTerm(term: string, { after, limit }: PageOf): Soon<Page<KeyedLabels>> {
    let words: readonly string[] = [];
    mapSystem(term, (name) => {
      words = this.#names.spellings(name);
      return name;
    });
    if (words.length === 0) {
      return whenHere(this.#store.keysOfTerm(term, { after, limit }), (page) => this.#namedPage(page));
    }
    const { index, within } = readCursor(after);
    const word = words[index];
    if (word === undefined) return { items: [], next: undefined };
    const found = this.#store.keysOfTerm(
      mapSystem(term, () => word),
      { after: within, limit },
    );
    return whenHere(found, (page) => {
      const { items, next } = this.#namedPage(page);
      if (next !== undefined) return { items, next: cursorOf(index, next) };
      return { items, next: index + 1 < words.length ? cursorOf(index + 1, undefined) : undefined };
    });
  }

  labelsOf(key: RecordKey): Soon<RecordLabels | undefined> {
    return whenHere(this.#store.labelsOf(key), (labels) => labels && this.#namedLabels(labels));
  }

  keys(page: PageOf): Soon<Page<KeyedLabels>> {
    return whenHere(this.#store.keys(page), ({ items, next }) =>
      this.#namedPage({ items: items.filter(({ key }) => key !== namesKey), next }),
    );
  }

  sumOf(account: Account): Soon<readonly number[]> {
    if (!isOfSystems(account.kind)) return this.#store.sumOf(account);
    const words = this.#names.spellings(account.id);
    return whenHere(together(words.map((id) => this.#store.sumOf({ ...account, id }))), (sums) =>
      sums.reduce((one, other) => addAmounts(one, other)),
    );
  }

  /** A system that stands in records under several words comes once for each. */
  sumsOf(kind: string, page: PageOf): Soon<Page<Sum>> {
    const found = this.#store.sumsOf(kind, page);
    if (!isOfSystems(kind)) return found;
    return whenHere(found, ({ items, next }) => ({
      items: items.map((sum) => ({ ...sum, id: this.#names.toName(sum.id) })),
      next,
    }));
  }

  #namedLabels<T extends RecordLabels>(labels: T): T {
    return { ...labels, terms: labels.terms.map((term) => mapSystem(term, this.#names.toName)) };
  }

  #namedPage({ items, next }: Page<KeyedLabels>): Page<KeyedLabels> {
    return { items: items.map((item) => this.#namedLabels(item)), next };
  }

  async commit(
    key: RecordKey,
    expected: Expected,
    { names, terms, data }: RecordContent<DocumentState>,
  ): Promise<StoreRecord<DocumentState>> {
    const { toStored } = this.#names;
    const stored = await this.#store.commit(key, expected, {
      names,
      terms: terms.map((term) => mapSystem(term, toStored)),
      data: withSystems(data, toStored),
    });
    return this.#named(stored);
  }

  async remove(key: RecordKey, expected: number): Promise<void> {
    await this.#store.remove(key, expected);
  }

  get writable(): boolean {
    return this.#store.writable;
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  /** The same record for the same reading, as callers may compare. */
  #named(record: StoreRecord<DocumentState>): StoreRecord<DocumentState> {
    const known = this.#read.get(record);
    if (known !== undefined) return known;
    const { toName } = this.#names;
    const named = Object.freeze({
      ...record,
      terms: record.terms.map((term) => mapSystem(term, toName)),
      data: Object.freeze(withSystems(record.data, toName)),
    });
    this.#read.set(record, named);
    return named;
  }
}

/** Where a list over several words is: in which of them, and where within. */
function cursorOf(index: number, within: Cursor | undefined): Cursor {
  return `${index} ${within ?? ''}` as Cursor;
}

function readCursor(cursor: Cursor | undefined): {
  readonly index: number;
  readonly within: Cursor | undefined;
} {
  if (cursor === undefined) return { index: 0, within: undefined };
  const space = cursor.indexOf(' ');
  const within = cursor.slice(space + 1);
  return {
    index: Number(cursor.slice(0, space)),
    within: within === '' ? undefined : (within as Cursor),
  };
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((term, index) => term === other[index]);
}
