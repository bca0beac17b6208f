import { systemClock } from '../../src/base/clock.js';
import type { Store } from '../../src/store/store.js';

/** A store whose answers all come later, as those of one on another machine: nothing is ever at hand. */
export class LaterStore<T> implements Store<T> {
  readonly #store: Store<T>;

  constructor(store: Store<T>) {
    this.#store = store;
  }

  get: Store<T>['get'] = (key) => later(() => this.#store.get(key));
  keyOfName: Store<T>['keyOfName'] = (name) => later(() => this.#store.keyOfName(name));
  keysOfTerm: Store<T>['keysOfTerm'] = (...given) => later(() => this.#store.keysOfTerm(...given));
  labelsOf: Store<T>['labelsOf'] = (key) => later(() => this.#store.labelsOf(key));
  keys: Store<T>['keys'] = (page) => later(() => this.#store.keys(page));
  sumOf: Store<T>['sumOf'] = (account) => later(() => this.#store.sumOf(account));
  sumsOf: Store<T>['sumsOf'] = (...given) => later(() => this.#store.sumsOf(...given));
  // What is given is copied before the first await: a caller may change it afterwards.
  commit: Store<T>['commit'] = async (...given) => back(await this.#store.commit(...given));
  remove: Store<T>['remove'] = async (...given) => {
    await this.#store.remove(...given);
    await systemClock.turn();
  };
  close: Store<T>['close'] = () => this.#store.close();

  get writable(): boolean {
    return this.#store.writable;
  }
}

/** The question takes a turn, and the answer another one. */
async function later<R>(ask: () => R | Promise<R>): Promise<R> {
  await systemClock.turn();
  return back(await ask());
}

async function back<R>(answer: R): Promise<R> {
  await systemClock.turn();
  return answer;
}
