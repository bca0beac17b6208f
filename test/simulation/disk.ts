import { KeyedLock } from '../../src/base/keyed-lock.js';
import { frozenCopy } from '../../src/store/frozen-json.js';
import {
  CommitConflict,
  StoreFailure,
  type Account,
  type Expected,
  type Json,
  type KeyedLabels,
  type Page,
  type PageOf,
  type RecordContent,
  type RecordKey,
  type RecordLabels,
  type Store,
  type StoreRecord,
  type Sum,
  type Tally,
} from '../../src/store/store.js';
import { pageOf, SumsOver } from '../support/store-lists.js';
import type { Dice } from './dice.js';
import type { SimulatedTime } from './time.js';

/** To be told of a record that became durable, or went for good (`after` undefined). */
export type OnDurable<T> = (before: StoreRecord<T> | undefined, after: StoreRecord<T> | undefined) => void;

/** What a system keeps over a crash. */
export class Disk<T> {
  readonly records = new Map<RecordKey, StoreRecord<T>>();
  /** Which store it is (src/store/incarnation.ts). */
  incarnation = 1;
  #isNew = true;
  readonly onDurable: OnDurable<T>;
  /** No room is left: commits fail and leave everything as it was. */
  full = false;
  /** The next fsync fails; whether that commit is durable all the same, its caller does not know. */
  failing: 'kept' | 'lost' | undefined;

  constructor(onDurable: OnDurable<T>) {
    this.onDurable = onDurable;
  }

  /** What a backup takes. */
  snapshot(): ReadonlyMap<RecordKey, StoreRecord<T>> {
    return new Map(this.records);
  }

  /**
   * Brings back what a backup took, or nothing.
   *
   * @param seen whether the system can see it; a disk that is restored below the file system shows nothing
   */
  restore(records: ReadonlyMap<RecordKey, StoreRecord<T>>, seen: boolean): void {
    this.records.clear();
    for (const [key, record] of records) this.records.set(key, record);
    if (!seen) return;
    this.incarnation += 1;
    this.#isNew = true;
  }

  /** To be asked once at each start. */
  takeIncarnation(): { readonly number: number; readonly isNew: boolean } {
    const isNew = this.#isNew;
    this.#isNew = false;
    return { number: this.incarnation, isNew };
  }
}

/**
 * A store on a simulated disk, by the contract of every store. A commit takes time up to the point where
 * it is durable, and again until its caller hears of it. When the system dies, what has not reached the
 * disk is lost, and what has is there after the restart, acknowledged or not.
 */
export class SimulatedStore<T extends Json> implements Store<T> {
  readonly #disk: Disk<T>;
  readonly #time: Pick<SimulatedTime, 'after'>;
  readonly #dice: Dice;
  readonly #isAlive: () => boolean;
  /** What readers see: nothing that is not durable. */
  readonly #view: Map<RecordKey, StoreRecord<T>>;
  readonly #sums: SumsOver;
  readonly #names = new Map<string, RecordKey>();
  readonly #reserved = new Set<string>();
  readonly #turns = new KeyedLock();
  readonly #underWay = new Set<Promise<unknown>>();
  #broken = false;
  #closed = false;

  constructor(
    disk: Disk<T>,
    time: Pick<SimulatedTime, 'after'>,
    dice: Dice,
    isAlive: () => boolean,
    tally?: Tally,
  ) {
    this.#disk = disk;
    this.#time = time;
    this.#dice = dice;
    this.#isAlive = isAlive;
    this.#view = new Map(disk.records);
    this.#sums = new SumsOver(() => this.#view.values(), tally);
    for (const { key, names } of this.#view.values()) for (const name of names) this.#names.set(name, key);
  }

  get writable(): boolean {
    return !this.#broken && !this.#closed;
  }

  async get(key: RecordKey): Promise<StoreRecord<T> | undefined> {
    if (this.#closed) throw new StoreFailure('the store is closed');
    // Now and then the record is not in memory.
    if (this.#dice.happens(0.1)) await this.#wait(1);
    return this.#view.get(key);
  }

  keyOfName(name: string): RecordKey | undefined {
    return this.#names.get(name);
  }

  keysOfTerm(term: string, page: PageOf): Page<KeyedLabels> {
    const found = [...this.#view.values()].filter(({ terms }) => terms.includes(term));
    return pageOf(found, page, ({ key }) => key);
  }

  labelsOf(key: RecordKey): RecordLabels | undefined {
    return this.#view.get(key);
  }

  keys(page: PageOf): Page<KeyedLabels> {
    return pageOf([...this.#view.values()], page, ({ key }) => key);
  }

  sumOf(account: Account): readonly number[] {
    return this.#sums.sumOf(account);
  }

  sumsOf(kind: string, page: PageOf): Page<Sum> {
    return this.#sums.sumsOf(kind, page);
  }

  async commit(key: RecordKey, expected: Expected, content: RecordContent<T>): Promise<StoreRecord<T>> {
    const names = Object.freeze([...content.names]);
    const terms = Object.freeze([...content.terms]);
    const data = frozenCopy(content.data);
    return await this.#turn(key, async () => {
      const former = this.#expect(key, expected);
      const added = [...new Set(names)].filter((name) => this.#names.get(name) !== key);
      const taken = added.filter((name) => this.#names.has(name) || this.#reserved.has(name));
      if (taken.length > 0) throw new CommitConflict('name', 'another record holds the name', taken);
      for (const name of added) this.#reserved.add(name);
      try {
        const next = Object.freeze({ key, revision: (former?.revision ?? 0) + 1, names, terms, data });
        await this.#replace(key, former, next);
        return next;
      } finally {
        for (const name of added) this.#reserved.delete(name);
      }
    });
  }

  async remove(key: RecordKey, expected: number): Promise<void> {
    await this.#turn(key, async () => {
      await this.#replace(key, this.#expect(key, expected), undefined);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
  }

  /** Those that wait when the store closes still get their turn. */
  async #turn<R>(key: RecordKey, task: () => Promise<R>): Promise<R> {
    if (this.#closed) throw new StoreFailure('the store is closed');
    const turn = this.#turns.run(key, task);
    this.#underWay.add(turn);
    try {
      return await turn;
    } finally {
      this.#underWay.delete(turn);
    }
  }

  #expect(key: RecordKey, expected: Expected): StoreRecord<T> | undefined {
    if (this.#broken) throw new StoreFailure('the store takes no writes');
    const former = this.#view.get(key);
    if ((former?.revision ?? 'absent') !== expected) {
      throw new CommitConflict('revision', 'the record has changed');
    }
    return former;
  }

  async #replace(
    key: RecordKey,
    former: StoreRecord<T> | undefined,
    next: StoreRecord<T> | undefined,
  ): Promise<void> {
    await this.#wait(this.#dice.between(1, 8));
    if (this.#disk.full) throw new StoreFailure('no room is left', { full: true });
    const { failing } = this.#disk;
    this.#disk.failing = undefined;
    if (failing !== 'lost') {
      if (next === undefined) this.#disk.records.delete(key);
      else this.#disk.records.set(key, next);
      this.#disk.onDurable(former, next);
    }
    if (failing !== undefined) {
      this.#broken = true;
      throw new StoreFailure('fsync failed');
    }
    await this.#wait(this.#dice.between(0, 5));
    for (const name of former?.names ?? []) this.#names.delete(name);
    this.#view.delete(key);
    if (next === undefined) return;
    this.#view.set(key, next);
    for (const name of next.names) this.#names.set(name, key);
  }

  /** Never ends where the system dies meanwhile. */
  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#time.after(milliseconds, () => {
        if (this.#isAlive()) resolve();
      });
    });
  }
}
