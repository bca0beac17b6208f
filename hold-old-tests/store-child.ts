import { writeSync } from 'node:fs';
import { systemFileCalls, type FileCalls } from '../../src/store/file-calls.js';
import { openLowdbStore } from '../../src/store/lowdb/lowdb-store.js';
import type { Json, RecordContent, RecordKey, Store } from '../../src/store/store.js';

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

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function open(folder: string, calls: FileCalls = systemFileCalls): Promise<Store<Json>> {
  return openLowdbStore<Json>({ folder, cacheBytes: 100_000, calls });
}

/** Owns the folder until standard input ends. */
async function hold(folder: string): Promise<void> {
  let store: Store<Json>;
  try {
    store = await open(folder);
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

/** Kills this process before or after the next `name` once it is armed. */
function deadly(name: string, when: string): { readonly calls: FileCalls; readonly arm: () => void } {
  let armed = false;
  const die = (): void => {
    if (armed) process.kill(process.pid, 'SIGKILL');
  };
  const calls = new Proxy(systemFileCalls, {
    get(target, property, receiver): unknown {
      const call: unknown = Reflect.get(target, property, receiver);
      if (property !== name || typeof call !== 'function') return call;
      return async (...args: unknown[]): Promise<unknown> => {
        if (when === 'before') die();
        const result: unknown = await Reflect.apply(call, target, args);
        die();
        return result;
      };
    },
  });
  return { calls, arm: () => (armed = true) };
}

/** Replaces or removes the record and dies at one of the calls that this makes. */
async function die(folder: string, act: string, call: string, when: string): Promise<void> {
  const { calls, arm } = deadly(call, when);
  const store = await open(folder, calls);
  const record = await store.get(childKey);
  arm();
  if (act === 'remove') await store.remove(childKey, record?.revision ?? 0);
  else await store.commit(childKey, record?.revision ?? 'absent', { names: ['new'], terms: [], data: 'new' });
  say('ACK');
}

/** Commits and removes without end on several keys, and says each as soon as it is acknowledged. */
async function work(folder: string, round: string): Promise<void> {
  const store = await open(folder);
  const worker = async (key: RecordKey): Promise<void> => {
    for (let sequence = 0; ; sequence += 1) {
      const state = workState(key, sequence);
      const revision = (await store.get(key))?.revision;
      if (state !== 'absent') await store.commit(key, revision ?? 'absent', state);
      else if (revision !== undefined) await store.remove(key, revision);
      say(`${key} ${sequence}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, n) => worker(`${round}-${n}` as RecordKey)));
}

async function main(args: readonly string[]): Promise<void> {
  const [mode, folder = '', ...rest] = args;
  const [first = '', second = '', third = ''] = rest;
  if (mode === 'hold') await hold(folder);
  else if (mode === 'once') await once(folder);
  else if (mode === 'remove') await removeOnce(folder);
  else if (mode === 'die') await die(folder, first, second, third);
  else if (mode === 'work') await work(folder, first);
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
