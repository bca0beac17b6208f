import { writeSync } from 'node:fs';
import { logConsole, silentLog } from '../../src/base/log.js';
import { openStore } from '../../src/store/lmdb/open-store.js';
import {
  StoreFailure,
  StoreUnusable,
  type Json,
  type RecordContent,
  type RecordKey,
  type Store,
} from '../../src/store/store.js';
import { keysOfTerm } from '../support/store-lists.js';

/**
 * A process for tests that kill it or look over its shoulder. It says on standard output what it has
 * done, with one synchronous write per line, so that a line is out before anything else happens.
 */

/** The key of everything that is not told otherwise. */
export const childKey = 'k' as RecordKey;

/** The states through which `work` takes a record: the sequence number decides all of it. */
export function workState(key: string, sequence: number): RecordContent<Json> | 'absent' {
  if (sequence < 0 || sequence % 6 === 5) return 'absent';
  return {
    names: [`${key} name ${sequence % 3}`],
    terms: [`term ${sequence % 2}`],
    data: { sequence, text: `${sequence};`.repeat(200 * (1 + (sequence % 5))) },
  };
}

/** What `steps` puts as its `number`th record. */
export function stepContent(number: number): RecordContent<Json> {
  return { names: [`name ${number}`], terms: ['step'], data: `${number} `.repeat(1500) };
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function open(folder: string): Promise<Store<Json>> {
  return openStore<Json>({ folder, cacheBytes: 0, check: false });
}

/** Owns the folder until standard input ends. */
async function hold(folder: string): Promise<void> {
  let store: Store<Json>;
  try {
    store = await openStore<Json>({ folder, cacheBytes: 0 });
  } catch (error) {
    say(error instanceof Error ? error.name : 'unknown');
    return;
  }
  say('OPEN');
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once('end', resolve));
  await store.close();
}

/** Commits once and says so. */
async function once(folder: string): Promise<void> {
  const store = await open(folder);
  await store.commit(childKey, 'absent', { names: ['n'], terms: [], data: 'x'.repeat(7000) });
  say('ACK');
  await store.close();
}

/** Removes once and says so. */
async function removeOnce(folder: string): Promise<void> {
  const store = await open(folder);
  const record = await store.get(childKey);
  if (record === undefined) throw new Error('nothing to remove');
  await store.remove(childKey, record.revision);
  say('ACK');
  await store.close();
}

/** So many writers commit at once, several times each. */
async function many(folder: string, writers: string): Promise<void> {
  const store = await open(folder);
  const writer = async (n: number): Promise<void> => {
    for (let sequence = 0; sequence < 5; sequence += 1) {
      const key = `${n}-${sequence}` as RecordKey;
      await store.commit(key, 'absent', { names: [], terms: [], data: `<${key}> `.repeat(700) });
      say(`ACK ${key}`);
    }
  };
  await Promise.all(Array.from({ length: Number(writers) }, (_, n) => writer(n)));
  await store.close();
}

/** Commits one record after the other, whatever happens, then reads all of them. */
async function steps(folder: string, count: string): Promise<void> {
  let store: Store<Json>;
  try {
    store = await open(folder);
  } catch (error) {
    if (!(error instanceof StoreUnusable)) throw error;
    say('UNUSABLE');
    return;
  }
  for (let number = 0; number < Number(count); number += 1) {
    const key = `step ${number}` as RecordKey;
    try {
      await store.commit(key, 'absent', stepContent(number));
      say(`ACK ${number}`);
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      say(`${error.full ? 'FULL' : 'FAILED'} ${number} ${store.writable ? 'writable' : 'not writable'}`);
    }
  }
  for (let number = 0; number < Number(count); number += 1) {
    const record = await store.get(`step ${number}` as RecordKey);
    if (record !== undefined) say(`READ ${number} ${record.data === stepContent(number).data}`);
  }
  await store.close();
  say('CLOSED');
}

/** Reads what `steps` left, and says of each record whether it is right. */
async function read(folder: string, count: string): Promise<void> {
  let store: Store<Json>;
  try {
    store = await openStore<Json>({ folder, cacheBytes: 0, wait: () => Promise.resolve() });
  } catch (error) {
    if (!(error instanceof StoreUnusable)) throw error;
    say(`UNUSABLE ${error.message}`);
    return;
  }
  for (let number = 0; number < Number(count); number += 1) {
    try {
      const { names, data } = stepContent(number);
      const key = await store.keyOfName(names[0] ?? '');
      const record = key === undefined ? undefined : await store.get(key);
      say(`${record?.data === data ? 'RIGHT' : 'WRONG'} ${number}`);
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      say(`FAILED ${number}`);
    }
  }
  const stepping = (await keysOfTerm(store, 'step')).length;
  say(`TERM ${stepping}`);
  await store.close();
  say('CLOSED');
}

/** Commits and removes without end on several keys, and says each as soon as it is acknowledged. */
async function work(folder: string, round: string, workers: string, most: string): Promise<void> {
  const store = await open(folder);
  const worker = async (key: RecordKey): Promise<void> => {
    for (let sequence = 0; sequence < Number(most); sequence += 1) {
      const state = workState(key, sequence);
      const revision = (await store.get(key))?.revision;
      if (state !== 'absent') await store.commit(key, revision ?? 'absent', state);
      else if (revision !== undefined) await store.remove(key, revision);
      say(`${key} ${sequence}`);
    }
  };
  await Promise.all(Array.from({ length: Number(workers) }, (_, n) => worker(`${round}-${n}` as RecordKey)));
}

async function main(args: readonly string[]): Promise<void> {
  const [mode, folder = '', first = '', second = '', third = 'Infinity'] = args;
  logConsole(silentLog);
  if (mode === 'hold') await hold(folder);
  else if (mode === 'once') await once(folder);
  else if (mode === 'remove') await removeOnce(folder);
  else if (mode === 'many') await many(folder, first);
  else if (mode === 'steps') await steps(folder, first);
  else if (mode === 'read') await read(folder, first);
  else if (mode === 'work') await work(folder, first, second, third);
  else throw new Error(`no such mode: ${mode ?? ''}`);
}

// The tests import from here too; only a process of its own acts.
if (
  process.argv[1] !== undefined &&
  import.meta.url.endsWith('/store-child.js') &&
  process.argv[1].endsWith('/store-child.js')
) {
  await main(process.argv.slice(2));
}
