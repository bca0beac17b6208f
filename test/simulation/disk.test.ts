import { expect } from 'chai';
import type { Json, RecordKey, Store } from '../../src/store/store.js';
import { contractTally, contentOf, describeStoreContract, keyOf } from '../contract/store-contract.js';
import { Dice } from './dice.js';
import { Disk, SimulatedStore } from './disk.js';
import { SimulatedTime } from './time.js';

/** A store whose time passes while somebody waits for it. */
class Driven implements Store<Json> {
  readonly #store: Store<Json>;
  readonly #time: SimulatedTime;

  constructor(store: Store<Json>, time: SimulatedTime) {
    this.#store = store;
    this.#time = time;
  }

  get writable(): boolean {
    return this.#store.writable;
  }

  /** Settles when `promise` does, not a turn later. */
  #driven<T>(promise: Promise<T>): Promise<T> {
    const waiting = { settled: false };
    const settle = (): void => {
      waiting.settled = true;
    };
    promise.then(settle, settle);
    void this.#drive(waiting);
    return promise;
  }

  async #drive(waiting: { readonly settled: boolean }): Promise<void> {
    while (!waiting.settled) await this.#time.runUntil(this.#time.next ?? this.#time.now);
  }

  get: Store<Json>['get'] = (key) => this.#driven(this.#store.get(key));
  commit: Store<Json>['commit'] = (...given) => this.#driven(this.#store.commit(...given));
  remove: Store<Json>['remove'] = (...given) => this.#driven(this.#store.remove(...given));
  close: Store<Json>['close'] = () => this.#driven(this.#store.close());
  keyOfName: Store<Json>['keyOfName'] = (name) => this.#store.keyOfName(name);
  keysOfTerm: Store<Json>['keysOfTerm'] = (...given) => this.#store.keysOfTerm(...given);
  labelsOf: Store<Json>['labelsOf'] = (key) => this.#store.labelsOf(key);
  keys: Store<Json>['keys'] = (page) => this.#store.keys(page);
  sumOf: Store<Json>['sumOf'] = (account) => this.#store.sumOf(account);
  sumsOf: Store<Json>['sumsOf'] = (...given) => this.#store.sumsOf(...given);
}

describeStoreContract('the simulated store', () => {
  const time = new SimulatedTime();
  const disk = new Disk<Json>(() => undefined);
  const open = (): Store<Json> =>
    new Driven(new SimulatedStore(disk, time, new Dice(1), () => true, contractTally), time);
  let store = open();
  return Promise.resolve({
    store,
    reopen: async () => {
      await store.close();
      store = open();
      return store;
    },
    dispose: () => store.close(),
  });
});

describe('The simulated store: a system that dies', () => {
  const key: RecordKey = keyOf('k');

  /** What is on the disk where the system dies `after` milliseconds into a commit. */
  async function diesAfter(
    after: number,
    seed: number,
  ): Promise<{ readonly durable: boolean; readonly told: boolean }> {
    const time = new SimulatedTime();
    const disk = new Disk<Json>(() => undefined);
    let alive = true;
    let told = false;
    const store = new SimulatedStore(disk, time, new Dice(seed), () => alive);
    void store.commit(key, 'absent', contentOf('data')).then(() => (told = true));
    await time.runUntil(time.now + after);
    alive = false;
    await time.runUntil(time.now + 1000);
    return { durable: disk.records.has(key), told };
  }

  it('loses what was not durable and keeps what was, acknowledged or not', async () => {
    const ends: Awaited<ReturnType<typeof diesAfter>>[] = [];
    for (let seed = 1; seed <= 10; seed += 1) {
      for (let after = 0; after <= 20; after += 1) ends.push(await diesAfter(after, seed));
    }
    expect(ends[0]).to.deep.equal({ durable: false, told: false });
    expect(ends.at(-1)).to.deep.equal({ durable: true, told: true });
    expect(
      ends.filter(({ durable, told }) => durable && !told),
      'durable, but not told',
    ).to.not.be.empty;
    expect(ends.filter(({ durable, told }) => told && !durable)).to.be.empty;
  });
});
