import { createServer, type Server } from 'node:http';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ETag, SystemName } from '../src/base/identifiers.js';
import { toGroupId } from '../src/base/uri.js';
import { termsOf } from '../src/documents/index-terms.js';
import type { DocumentState } from '../src/documents/state.js';
import { documentTally } from '../src/documents/tally.js';
import { groupsAuid, nameOfGroup } from '../src/groups/names.js';
import { firstDelivery } from '../src/interconnection/primary/delivery-state.js';
import { openStore } from '../src/store/lmdb/open-store.js';
import type { RecordKey } from '../src/store/store.js';
import { benchGroups, identityHeader } from './groups.js';
import { startConfigured, type ServerProcess } from './processes.js';
import type { Probed } from './probe.js';

/**
 * The start of a whole server over a large store: `node dist/bench/start.js NUMBER [own|shared] [FOLDER [fill]]`.
 *
 * So many groups are laid into a store as the server would have stored them; then `mcgms serve` starts there. Told is
 * how long it takes until it listens and until it answers, what memory it has then and once all that goes over the
 * groups at a start is done, and the longest turn of its event loop. `shared`: half of the groups are delivered to a
 * partner and half come from it; its lists, the operator's, and a comparison are asked for. A folder that is there
 * already is used as it is; `fill` only makes it.
 */

const writers = 256;
const partner = 'fire' as SystemName;
const administrator = 'sip:admin@police.example';

type Mix = 'own' | 'shared';

function stateOf(body: string, number: number, mix: Mix): DocumentState {
  const form = { etag: `e${number}` as ETag, body, modified: 1_700_000_000_000 + number };
  if (mix === 'own') return { auid: groupsAuid, current: form, received: null, deliveries: {} };
  if (number % 2 === 0) {
    const delivery = { ...firstDelivery, status: 'delivered' as const, acknowledged: form.etag };
    const deliveries = { [partner]: { ...delivery, partnerETag: '"p"' } };
    return { auid: groupsAuid, current: form, received: null, deliveries, concerned: [partner] };
  }
  const received = { ...form, system: partner, upstreamETag: '"u"', modifications: [] };
  return { auid: groupsAuid, current: form, received, deliveries: {} };
}

/** Lays `number` groups into the store in `folder`. */
async function fill(folder: string, number: number, mix: Mix): Promise<void> {
  const store = await openStore<DocumentState>({ folder, cacheBytes: 0, tally: documentTally, check: false });
  const [sample] = benchGroups('3k', 'start', 1);
  if (sample === undefined) throw new Error('there is no sample');
  const text = sample.body.toString('utf8');
  const [id = ''] = /sip:bench-[^"@]+@[^"]+/.exec(text) ?? [];
  const started = performance.now();
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < number) {
      const n = next;
      next += 1;
      const isTheirs = mix === 'shared' && n % 2 === 1;
      const groupId = toGroupId(`sip:group-${n}@${isTheirs ? 'fire' : 'police'}.example`);
      if (groupId === undefined) throw new Error('the group ID of the bench is none');
      const name = nameOfGroup(groupId);
      const state = stateOf(text.replaceAll(id, groupId), n, mix);
      const content = { names: [name], terms: termsOf(state, [name]), data: state };
      await store.commit(name as string as RecordKey, 'absent', content);
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  await store.close();
  const seconds = (performance.now() - started) / 1000;
  console.log(`${number} groups laid down in ${seconds.toFixed(0)} s`);
}

/** A partner that has nothing. */
async function startPartner(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function configOf(folder: string, port: number): string {
  // YAML is a superset of JSON.
  return JSON.stringify({
    system: { name: 'police', domains: ['police.example'] },
    http: { port: 0, limits: { answerTimeout: '300s' } },
    identity: { administrators: [administrator] },
    interconnection: { identity: 'sip:gms@police.example', operationDeadline: '20s' },
    peers: [
      {
        name: partner,
        identity: 'sip:gms@fire.example',
        root: `http://127.0.0.1:${port}/xcap-root`,
        domains: ['fire.example'],
      },
    ],
    store: { folder },
    quotas: { total: { documents: 0, octets: 0 }, peer: { documents: 0, octets: 0 } },
  });
}

/** Asks the probe in the server. */
class Probe {
  readonly file: string;
  #lines = 0;

  constructor(folder: string) {
    this.file = join(folder, 'probe');
  }

  async ask({ pid }: ServerProcess): Promise<Probed> {
    process.kill(pid, 'SIGUSR2');
    for (;;) {
      const lines = (await readFile(this.file, 'utf8').catch(() => '')).split('\n').slice(0, -1);
      const line = lines.at(-1);
      if (lines.length > this.#lines && line !== undefined) {
        this.#lines = lines.length;
        return JSON.parse(line) as Probed;
      }
      await setTimeout(20);
    }
  }
}

function told({ longestTurn, longestCollection, anonymous, heap }: Probed): string {
  const megabytes = (octets: number): string => `${(octets / 1e6).toFixed(0)} MB`;
  const turn = `longest turn ${longestTurn.toFixed(0)} ms (collector ${longestCollection.toFixed(0)} ms)`;
  return `${turn}, RssAnon ${megabytes(anonymous)}, heap ${megabytes(heap)}`;
}

async function asked(server: ServerProcess, path: string, as: string): Promise<string> {
  const started = performance.now();
  const answer = await fetch(`${server.url}${path}`, { headers: { [identityHeader]: as } });
  const body = await answer.arrayBuffer();
  const milliseconds = (performance.now() - started).toFixed(0);
  return `${answer.status}, ${body.byteLength} octets in ${milliseconds} ms`;
}

/** What is asked for, and by whom. */
const questions: readonly (readonly [string, string])[] = [
  ['/xcap-root/org.openmobilealliance.xcap-directory/global/directory.xml', administrator],
  ['/xcap-root/org.openmobilealliance.xcap-directory/global/directory.xml', 'sip:gms@fire.example'],
  ['/operations/peers', administrator],
  ['/operations/peers/fire', administrator],
  ['/operations/orphans', administrator],
  ['/operations/shares', administrator],
  ['/operations/quotas', administrator],
  ['/operations/policies/progress', administrator],
  ['/operations/peers/fire/verify', administrator],
];

/** Waits until the server has little to do. */
async function quiet(probe: Probe, server: ServerProcess): Promise<Probed> {
  let longest = 0;
  for (let idle = 0; ;) {
    const before = await ticksOf(server.pid);
    await setTimeout(1000);
    const now = await probe.ask(server);
    longest = Math.max(longest, now.longestTurn);
    idle = (await ticksOf(server.pid)) - before < 5 ? idle + 1 : 0;
    if (idle >= 2) return { ...now, longestTurn: longest };
  }
}

/** The processor time of a process, in ticks. */
async function ticksOf(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').at(-1)?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

async function main(number: number, mix: Mix, given: string | undefined): Promise<void> {
  const temporary = await mkdtemp(join(tmpdir(), 'mcgms-start-'));
  const folder = given ?? join(temporary, 'data');
  const partnerServer = await startPartner();
  try {
    const isThere = await stat(join(folder, 'format')).catch(() => undefined);
    if (isThere === undefined) await fill(folder, number, mix);
    const { size } = await stat(join(folder, 'store.mdb'));
    console.log(`the file has ${(size / 1e6).toFixed(0)} MB`);
    const config = join(temporary, 'config.yaml');
    await writeFile(config, configOf(folder, (partnerServer.address() as AddressInfo).port));
    const probe = new Probe(temporary);
    process.env['MCGMS_BENCH_PROBE'] = probe.file;
    const started = performance.now();
    const server = await startConfigured(config, [
      '--import',
      fileURLToPath(new URL('probe.js', import.meta.url)),
    ]);
    console.log(
      `listens after ${(performance.now() - started).toFixed(0)} ms: ${told(await probe.ask(server))}`,
    );
    console.log(`first answer: ${await asked(server, '/xcap-root/xcap-caps/global/index', administrator)}`);
    console.log(`once it rests: ${told(await quiet(probe, server))}`);
    console.log(`  after ${((performance.now() - started) / 1000).toFixed(0)} s`);
    for (const [path, as] of mix === 'own' ? questions.slice(0, 1) : questions) {
      await probe.ask(server);
      const answer = await asked(server, path, as);
      console.log(`${path} as ${as}: ${answer}: ${told(await probe.ask(server))}`);
    }
    await server.stop();
  } finally {
    partnerServer.close();
    partnerServer.closeAllConnections();
    await rm(temporary, { recursive: true });
  }
}

const [, , number = '100000', mix = 'own', folder, only] = process.argv;
if (mix !== 'own' && mix !== 'shared') throw new Error('own or shared');
if (only === 'fill' && folder !== undefined) await fill(folder, Number(number), mix);
else await main(Number(number), mix, folder);
