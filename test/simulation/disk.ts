import { KeyedLock } from '../../src/base/keyed-lock.js';
import type { DocumentState } from '../../src/documents/state.js';
import { frozenCopy } from '../../src/store/frozen-json.js';
import {
  CommitConflict,
  StoreFailure,
  type Expected,
  type RecordContent,
  type RecordKey,
  type RecordLabels,
  type Store,
  type StoreRecord,
} from '../../src/store/store.js';
import type { Dice } from './dice.js';
import type { SimulatedTime } from './time.js';

type Record = StoreRecord<DocumentState>;

/** To be told of a record that became durable, or went for good (`after` undefined). */
export type OnDurable = (before: Record | undefined, after: Record | undefined) => void;

/** What a system keeps over a crash. */
export class Disk {
  readonly records = new Map<RecordKey, Record>();
  readonly onDurable: OnDurable;
  /** No room is left: commits fail and leave everything as it was. */
  full = false;
  /** The next fsync fails: whether that commit is durable, nobody knows. */
  failing = false;

  constructor(onDurable: OnDurable) {
    this.onDurable = onDurable;
  }
}

/**
 * A store on a simulated disk, by the contract of every store. A commit takes time up to the point where
 * it is durable, and again until its caller hears of it. When the system dies, what has not reached the
 * disk is lost, and what has is there after the restart, acknowledged or not.
 */
export class SimulatedStore implements Store<DocumentState> {
  readonly #disk: Disk;
  readonly #time: SimulatedTime;
  readonly #dice: Dice;
  readonly #isAlive: () => boolean;
  /** What readers see: nothing that is not durable. */
  readonly #view: Map<RecordKey, Record>;
  readonly #names = new Map<string, RecordKey>();
  readonly #reserved = new Set<string>();
  readonly #turns = new KeyedLock();
  #broken = false;
  #closed = false;

  constructor(disk: Disk, time: SimulatedTime, dice: Dice, isAlive: () => boolean) {
    this.#disk = disk;
    this.#time = time;
    this.#dice = dice;
    this.#isAlive = isAlive;
    this.#view = new Map(disk.records);
    for (const { key, names } of this.#view.values()) for (const name of names) this.#names.set(name, key);
  }

  get writable(): boolean {
    return !this.#broken && !this.#closed;
  }

  async get(key: RecordKey): Promise<Record | undefined> {
    if (this.#closed) throw new StoreFailure('the store is closed');
    // Now and then the record is not in memory.
    if (this.#dice.happens(0.1)) await this.#wait(1);
    return this.#view.get(key);
  }

  keyOfName(name: string): RecordKey | undefined {
    return this.#names.get(name);
  }

  keysOfTerm(term: string): readonly RecordKey[] {
    return [...this.#view.values()].filter(({ terms }) => terms.includes(term)).map(({ key }) => key);
  }

  labelsOf(key: RecordKey): RecordLabels | undefined {
    return this.#view.get(key);
  }

  keys(): Iterable<RecordKey> {
    return this.#view.keys();
  }

  async commit(key: RecordKey, expected: Expected, content: RecordContent<DocumentState>): Promise<Record> {
    const { names, terms } = content;
    const data = frozenCopy(content.data);
    return await this.#turns.run(key, async () => {
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
    await this.#turns.run(key, async () => {
      await this.#replace(key, this.#expect(key, expected), undefined);
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #expect(key: RecordKey, expected: Expected): Record | undefined {
    if (!this.writable) throw new StoreFailure('the store takes no writes');
    const former = this.#view.get(key);
    if ((former?.revision ?? 'absent') !== expected) {
      throw new CommitConflict('revision', 'the record has changed');
    }
    return former;
  }

  async #replace(key: RecordKey, former: Record | undefined, next: Record | undefined): Promise<void> {
    await this.#wait(this.#dice.between(1, 8));
    if (this.#disk.full) throw new StoreFailure('no room is left', { full: true });
    const failed = this.#disk.failing;
    this.#disk.failing = false;
    if (!failed || this.#dice.happens(0.5)) {
      if (next === undefined) this.#disk.records.delete(key);
      else this.#disk.records.set(key, next);
      this.#disk.onDurable(former, next);
    }
    if (failed) {
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
