import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openStore } from '../src/store/lmdb/open-store.js';
import type { Json, RecordContent, RecordKey, Store } from '../src/store/store.js';
import { BareEngine } from './bare-engine.js';

/**
 * The store by itself, without a server: `node dist/bench/store.js commits|groups NUMBER [FOLDER]`.
 *
 * `commits`: records are replaced by 64 writers, beside the bare engine with the same octets. `groups`: so many
 * records are loaded, and the store is opened again by a process of its own (`open`), which tells how long that took
 * and how much memory it needs.
 */

const octets = 7000;
const writers = 64;
const text = 'x'.repeat(octets - 200);

function contentOf(n: number): RecordContent<Json> {
  return {
    names: [`org.openmobilealliance.groups/global/byGroupID/sip:group-${n}@police.example`],
    terms: [`system:${n % 20}`, `member:sip:unit-${n}@police.example`],
    data: { form: { etag: `"${n}"`, text } },
  };
}

interface Cost {
  readonly perSecond: number;
  /** Microseconds of processor time each. */
  readonly processor: number;
}

async function timed(number: number, work: (n: number) => Promise<unknown>): Promise<Cost> {
  const before = process.cpuUsage();
  const started = performance.now();
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < number) {
      next += 1;
      await work(next);
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { perSecond: number / seconds, processor: (user + system) / number };
}

function say(what: string, { perSecond, processor }: Cost): void {
  console.log(
    `${what.padEnd(24)} ${perSecond.toFixed(0).padStart(8)} /s ${processor.toFixed(1).padStart(8)} µs each`,
  );
}

function openAt(folder: string): Promise<Store<Json>> {
  return openStore<Json>({ folder, cacheBytes: 64 * 1024 * 1024 });
}

const keyOf = (n: number): RecordKey => `record-${n}` as RecordKey;

async function put(store: Store<Json>, n: number): Promise<void> {
  const key = keyOf(n);
  const former = await store.get(key);
  await store.commit(key, former?.revision ?? 'absent', contentOf(n));
}

async function commits(folder: string, number: number): Promise<void> {
  const engine = new BareEngine(join(folder, 'bare'));
  const body = Buffer.alloc(octets, 'x');
  const store = await openAt(join(folder, 'store'));
  const kept = 2000;
  for (let round = 0; round < 3; round += 1) {
    say('bare engine', await timed(number, (n) => engine.replace(`record-${n % kept}`, body)));
    say('store, commits', await timed(number, (n) => put(store, n % kept)));
  }
  await store.close();
  engine.close();
  const cold = await openStore<Json>({ folder: join(folder, 'store'), cacheBytes: 0 });
  say('store, reads uncached', await timed(number, (n) => cold.get(keyOf(n % kept))));
  const read = (n: number): Promise<unknown> => Promise.resolve(cold.labelsOf(keyOf(n % kept)));
  say('store, labels', await timed(number, read));
  await cold.close();
}

async function groups(folder: string, number: number): Promise<void> {
  const store = await openAt(folder);
  say('store, loading', await timed(number, (n) => store.commit(keyOf(n), 'absent', contentOf(n))));
  await store.close();
}

async function opening(folder: string, number: number): Promise<void> {
  const megabytes = (): string => `${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`;
  const before = megabytes();
  const started = performance.now();
  const store = await openAt(folder);
  console.log(
    `opened in ${(performance.now() - started).toFixed(0)} ms; resident ${before} before, ${megabytes()} after`,
  );
  say('first reads', await timed(20_000, (n) => store.get(keyOf(1 + ((n * 7919) % number)))));
  console.log(`resident with a full cache: ${megabytes()}, of it mapped pages of the file count as well`);
  await store.close();
}

const [, , mode, number = '20000', given] = process.argv;
const folder = given ?? (await mkdtemp(join(tmpdir(), 'mcgms-bench-')));
if (mode === 'commits') await commits(folder, Number(number));
else if (mode === 'groups') await groups(folder, Number(number));
else if (mode === 'open') await opening(folder, Number(number));
else throw new Error('commits, groups or open');
if (given === undefined) await rm(folder, { recursive: true });
