import { mkdir, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { inParallel } from '../src/base/in-parallel.js';
import { benchGroups, identityHeader, type BenchGroup } from './groups.js';
import { startConfigured, type ServerProcess } from './processes.js';
import { quantile, spreadOf } from './statistics.js';

/**
 * What sharing groups between MC systems costs, each system a process of its own on loopback.
 *
 * - Providing: so many changed groups wait for partners that were down; from the moment when the partners
 *   are there until all are delivered. The limit is the same bytes PUT to the same kind of partner by a bare
 *   client with as many requests under way.
 * - A storm of readers at a partner that holds none of the groups: until every reader has its document.
 *
 * `node dist/bench/sharing.js` runs it by itself.
 */

/** How many requests our deliveries have under way to one partner: the default of `interconnection.parallel`. */
const parallel = 8;

/** Nothing ends the work early. */
const unending = new AbortController().signal;

const administrator = 'sip:admin@police.example';

/** One measured line. */
export interface SharingRow {
  readonly what: string;
  /** Groups or readers a second, by round. */
  readonly rate: readonly number[];
  /** The same by the bare client. */
  readonly limit?: readonly number[];
  readonly note?: string;
}

interface System {
  readonly name: string;
  readonly domain: string;
  readonly port: number;
}

/** Ports of the systems; loopback, and nothing else of the machine listens there. */
const firstPort = 18_200;

function systemsOf(partners: number): readonly [System, ...System[]] {
  const others = Array.from({ length: partners }, (_, index) => ({
    name: `partner-${index}`,
    domain: `partner-${index}.example`,
    port: firstPort + 1 + index,
  }));
  return [{ name: 'primary', domain: 'police.example', port: firstPort }, ...others];
}

function configOf(system: System, all: readonly System[], folder: string, provides: boolean): string {
  const peers = all.filter((other) => other !== system && (system === all[0] || other === all[0]));
  return JSON.stringify({
    system: { name: system.name, domains: [system.domain] },
    http: { port: system.port, limits: { connections: 5000 } },
    store: { folder: join(folder, system.name) },
    identity: { administrators: [`sip:admin@${system.domain}`] },
    interconnection: {
      identity: `sip:gms@${system.domain}`,
      backOff: { first: '20ms', cap: '100ms' },
      fetchRate: 1000,
    },
    peers: peers.map(({ name, domain, port }) => ({
      name,
      identity: `sip:gms@${domain}`,
      root: `http://127.0.0.1:${port}/xcap-root`,
      domains: [domain],
      provide: provides,
    })),
    log: { level: 'warn' },
  });
}

/** Groups with a member in each of the partners. */
function sharedGroups(label: string, count: number, partners: readonly System[]): readonly BenchGroup[] {
  const members = partners.map(({ domain }) => `<entry uri="sip:unit-1@${domain}"/>`).join('');
  return benchGroups('3k', label, count).map((group) => ({
    ...group,
    body: Buffer.from(group.body.toString('utf8').replace('</list>', `${members}</list>`)),
  }));
}

// Its idle connections do not keep the process alive.
const agent = new http.Agent({ keepAlive: true });

function request(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body?: Buffer,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': String(body.length) };
    const outgoing = http.request(url, { method, headers: { ...headers, ...length }, agent }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        resolve({ status: incoming.statusCode ?? 0, text });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function put(system: System, group: BenchGroup, identity: string, first = false): Promise<void> {
  const headers = {
    [identityHeader]: identity,
    'Content-Type': 'application/vnd.oma.poc.groups+xml',
    ...(first ? { 'If-None-Match': '*' } : {}),
  };
  const { status } = await request(
    `http://127.0.0.1:${system.port}${group.path}`,
    'PUT',
    headers,
    group.body,
  );
  if (status !== 200 && status !== 201) throw new Error(`PUT ${group.path}: ${status}`);
}

/** How many deliveries to all partners are still to be made. */
async function undelivered({ port }: System): Promise<number> {
  const answer = await request(`http://127.0.0.1:${port}/operations/peers`, 'GET', {
    [identityHeader]: administrator,
  });
  if (answer.status !== 200) throw new Error(`the operator's view answers ${answer.status}`);
  const { peers } = JSON.parse(answer.text) as { peers: readonly { pending: number; parked: number }[] };
  return peers.reduce((sum, { pending, parked }) => sum + pending + parked, 0);
}

/** Starts some of the systems, runs `work`, and ends those that still run. */
async function withSystems<T>(
  all: readonly System[],
  folder: string,
  work: (start: (system: System) => Promise<ServerProcess>) => Promise<T>,
  provides = true,
): Promise<T> {
  const running: ServerProcess[] = [];
  await mkdir(folder, { recursive: true });
  try {
    return await work(async (system) => {
      const file = join(folder, `${system.name}.yaml`);
      await writeFile(file, configOf(system, all, folder, provides));
      const started = await startConfigured(file);
      running.push(started);
      return started;
    });
  } finally {
    for (const server of running.reverse()) await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Groups a second that reach `partners` systems which come back after all groups were changed. */
async function provide(folder: string, count: number, partners: number): Promise<number> {
  const all = systemsOf(partners);
  const [primary, ...others] = all;
  return await withSystems(all, folder, async (start) => {
    await start(primary);
    const groups = sharedGroups('shared', count, others);
    await inParallel(groups, 32, unending, (group) => put(primary, group, administrator));
    await Promise.all(others.map(start));
    const started = performance.now();
    while ((await undelivered(primary)) > 0) await pause(20);
    return (count * partners) / ((performance.now() - started) / 1000);
  });
}

/** The same by a bare client: no record of what was delivered, no commit, no second server at work. */
async function providedBare(folder: string, count: number, partners: number): Promise<number> {
  const all = systemsOf(partners);
  const [primary, ...others] = all;
  return await withSystems(all, folder, async (start) => {
    await Promise.all(others.map(start));
    const groups = sharedGroups('shared', count, others);
    const started = performance.now();
    await Promise.all(
      others.map((partner) =>
        inParallel(groups, parallel, unending, (group) =>
          put(partner, group, `sip:gms@${primary.domain}`, true),
        ),
      ),
    );
    return (count * partners) / ((performance.now() - started) / 1000);
  });
}

/** Readers a second, and the latencies in milliseconds, where nobody holds what all ask for. */
async function storm(
  folder: string,
  readers: number,
  count: number,
): Promise<{ readonly rate: number; readonly latencies: readonly number[] }> {
  const all = systemsOf(1);
  const [primary, ...others] = all;
  const run = async (start: (system: System) => Promise<ServerProcess>) => {
    await start(primary);
    const groups = sharedGroups('storm', count, others);
    const [partner] = others;
    if (partner === undefined) throw new Error('there is no partner');
    await inParallel(groups, 32, unending, (group) => put(primary, group, administrator));
    await start(partner);
    const headers = { [identityHeader]: `sip:unit-1@${partner.domain}` };
    const body =
      '<document xmlns="urn:3gpp:ns:mcpttGMOP:1.0"><request><get-excluding-memberlist/></request></document>';
    const latencies: number[] = [];
    const started = performance.now();
    await Promise.all(
      Array.from({ length: readers }, async (_, reader) => {
        const { path } = groups[reader % groups.length] ?? { path: '' };
        const began = performance.now();
        const { status } = await request(
          `http://127.0.0.1:${partner.port}${path}`,
          'POST',
          { ...headers, 'Content-Type': 'application/vnd.3gpp.GMOP+xml' },
          Buffer.from(body),
        );
        if (status !== 200) throw new Error(`a reader was answered ${status}`);
        latencies.push(performance.now() - began);
      }),
    );
    return { rate: readers / ((performance.now() - started) / 1000), latencies };
  };
  // The primary pushes nothing: whatever arrives was asked for.
  return await withSystems(all, folder, run, false);
}

/** @param rounds how often each is measured; limit and system take turns */
export async function measureSharing(
  folder: string,
  rounds: number,
  quick = false,
): Promise<readonly SharingRow[]> {
  const rows: SharingRow[] = [];
  const few = quick ? 100 : 2000;
  for (const partners of quick ? [1] : [1, 5]) {
    const rate: number[] = [];
    const limit: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      limit.push(await providedBare(join(folder, `bare-${partners}-${round}`), few, partners));
      rate.push(await provide(join(folder, `provide-${partners}-${round}`), few, partners));
    }
    rows.push({ what: `${few} changed groups to ${partners} partners`, rate, limit });
  }
  if (!quick) {
    const rate = await provide(join(folder, 'outage'), 10_000, 1);
    const note = `equal again after ${(10_000 / rate).toFixed(1)} s`;
    rows.push({ what: '10,000 pending groups after an outage', rate: [rate], note });
  }
  const readers = quick ? 100 : 1000;
  const storms = await storm(join(folder, 'storm'), readers, 50);
  const sorted = Float64Array.from(storms.latencies).sort();
  const note = `p50 ${quantile(sorted, 0.5).toFixed(0)} ms, p99 ${quantile(sorted, 0.99).toFixed(0)} ms`;
  rows.push({ what: `${readers} readers of 50 groups that are not there`, rate: [storms.rate], note });
  return rows;
}

/** The rows as a Markdown table. */
export function describeSharing(rows: readonly SharingRow[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const lines = rows.map(({ what, rate, limit, note = '' }) => {
    const ratio =
      limit === undefined ? undefined : spreadOf(rate.map((value, at) => value / (limit[at] ?? NaN)));
    return line([
      what,
      spreadOf(rate).median.toFixed(0),
      limit === undefined ? '' : spreadOf(limit).median.toFixed(0),
      ratio === undefined
        ? ''
        : `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`,
      note,
    ]);
  });
  const head = ['what', 'per second', 'bare client', 'ratio', ''];
  return [line(head), line(head.map(() => '---')), ...lines].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = fileURLToPath(new URL('../../bench/results/sharing', import.meta.url));
  const quick = process.argv.includes('--quick');
  console.log(describeSharing(await measureSharing(folder, quick ? 1 : 3, quick)));
}
