import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { defaultConfig } from '../src/gms/config.js';
import { mediaTypes } from '../src/xcap/media-types.js';
import { gateBytes } from '../src/xml/gate.js';
import { Schemas } from '../src/xml/schemas.js';
import { BareEngine } from './bare-engine.js';
import type { BareResource } from './bare-server.js';
import { compareRuns, describeComparison, readFormerRun } from './compare.js';
import { describeDisk, inspectDisk } from './disk.js';
import { describeEdits, measureEdits } from './edits.js';
import { benchGroups, identityHeader, putHeaders, type BenchGroup, type BenchSize } from './groups.js';
import type { LoadRequest } from './load.js';
import { LoadGenerator, startBareServer, startServer, type ServerProcess } from './processes.js';
import { describePolicies, measurePolicies } from './policies.js';
import { formatTable, type Goal, type Row } from './report.js';
import { describeSharing, measureSharing } from './sharing.js';
import { spreadOf } from './statistics.js';

/**
 * Measures the server against what the machine can do at all.
 *
 * For a GET the limit is a bare `node:http` server that sends the same bytes and headers; for a PUT it is
 * a bare one that validates with the same schemas and writes durably. All variants take turns in every
 * round, so that whatever else the machine does hits all of them, and a ratio compares two runs that
 * followed each other. Servers and load generator are processes of their own. Where a server is busy
 * for less than its whole core, something else is the limit, such as the load generator or the disk;
 * the ratio of the servers' processor times for one request does not depend on that.
 *
 * Elements are compared with whole documents on the same server instead: a member's entry in the middle of
 * a group of 300, which is read, and replaced by one of the same length.
 *
 * An answer of any other status than expected makes the bench fail.
 */

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    /** One short round, to see that all works. */
    quick: { type: 'boolean', default: false },
    /** Measures only what has this in its name, such as `PUT` or `7k, 64`. */
    only: { type: 'string', default: '' },
    /** Has the store here instead of beside the results. */
    folder: { type: 'string' },
    /** Writes a CPU profile of the server into this folder. */
    profile: { type: 'string' },
    /** Shows the change against a former run: a file that the bench wrote. */
    compare: { type: 'string' },
    /** Writes the run here as well, as JSON. */
    json: { type: 'string' },
  },
});

const rounds = options.quick ? 1 : positive('rounds', options.rounds);
const seconds = options.quick ? 0.3 : positive('seconds', options.seconds);
const warmUp = options.quick ? 0.1 : 0.4;

/** Documents that a connection works on in turn; no two connections share one. */
const groupsPerConnection = 4;
const connectionCounts = [16, 64] as const;
const sizes = ['3k', '7k'] as const;
/** Tables besides the main one: without network and disk, and between several systems. */
const titles = {
  edits: 'Node edits by the size of the group',
  policies: 'Policy application by the size of the group',
  sharing: 'Sharing between systems',
} as const;

function isWanted(title: string): boolean {
  return title.includes(options.only);
}

const mostGroups = Math.max(...connectionCounts) * groupsPerConnection;
const goals = {
  get: 0.8,
  notModified: 0.85,
  put: 0.7,
  elementGet: 0.9,
  elementPut: 0.8,
} as const;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a positive number`);
  return value;
}

/** What one round of one variant came to. */
interface Round {
  readonly rate: number;
  readonly p50?: number;
  readonly p99?: number;
  /** Seconds for one request. */
  readonly serverCpu?: number;
  /** Share of one core; a write uses more than one. */
  readonly serverBusy?: number;
}

interface Variant {
  readonly name: string;
  /** The limit has none of its own. */
  readonly goal?: (rate: number, ratio: number | undefined) => Goal;
  readonly run: (seconds: number) => Promise<Round>;
}

/** Variants of the same work; the last one is the limit of those before it, where `limited`. */
interface Contest {
  readonly what: string;
  readonly limited: boolean;
  readonly variants: readonly Variant[];
}

interface Machinery {
  readonly ours: ServerProcess;
  readonly bare: ServerProcess;
  readonly load: LoadGenerator;
}

/** Deals `items` out to `connections`. */
function deal<T>(items: readonly T[], connections: number): readonly (readonly T[])[] {
  const used = items.slice(0, connections * groupsPerConnection);
  return Array.from({ length: connections }, (_, connection) =>
    used.filter((_item, at) => at % connections === connection),
  );
}

async function underLoad(
  { load }: Machinery,
  server: ServerProcess,
  requests: readonly (readonly LoadRequest[])[],
  expected: number,
  time: number,
): Promise<Round> {
  const maySleep = requests[0]?.[0]?.method === 'PUT';
  const job = { url: server.url, connections: requests, warmUp, seconds: time, maySleep };
  const result = await load.run(job, server);
  const wrong = Object.keys(result.statuses).filter((status) => Number(status) !== expected);
  if (wrong.length > 0 || result.errors > 0 || result.responses === 0) {
    throw new Error(
      `expected ${expected} only: ${JSON.stringify(result.statuses)}, ${result.errors} errors, ${result.responses} in time`,
    );
  }
  return {
    rate: result.responses / result.seconds,
    p50: result.p50,
    p99: result.p99,
    serverCpu: result.serverCpu / result.responses,
    serverBusy: result.serverCpu / result.seconds,
  };
}

/** The goal of a ratio to the limit. */
function atLeast(goal: number): NonNullable<Variant['goal']> {
  return (_rate, ratio) => ({ text: `ratio ≥ ${goal}`, met: (ratio ?? 0) >= goal });
}

/** The same requests to our server and to the bare one. */
function contest(
  machinery: Machinery,
  what: string,
  requests: readonly (readonly LoadRequest[])[],
  expected: number,
  goal: NonNullable<Variant['goal']>,
): Contest {
  const { ours, bare } = machinery;
  return {
    what,
    limited: true,
    variants: [
      { name: 'mcgms', goal, run: (time) => underLoad(machinery, ours, requests, expected, time) },
      { name: 'bare node:http', run: (time) => underLoad(machinery, bare, requests, expected, time) },
    ],
  };
}

/** A GET that is sent again and again, and the answers that it should have. */
interface Reading {
  readonly request: LoadRequest;
  readonly conditional: LoadRequest;
  readonly resource: BareResource;
}

/** Headers that Node adds to every answer by itself. */
const connectionHeaders: readonly string[] = ['date', 'connection', 'keep-alive', 'transfer-encoding'];

function answerHeaders(response: Response): Record<string, string> {
  return Object.fromEntries([...response.headers].filter(([name]) => !connectionHeaders.includes(name)));
}

async function putGroup(server: ServerProcess, { path, body }: BenchGroup): Promise<Response> {
  const response = await fetch(server.url + path, { method: 'PUT', headers: putHeaders, body });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`PUT ${path}: ${response.status}`);
  return response;
}

/** Puts a group and looks at how a member reads it. */
async function prepareReading(server: ServerProcess, group: BenchGroup): Promise<Reading> {
  const etag = (await putGroup(server, group)).headers.get('etag') ?? '';
  const { path } = group;
  const headers = { [identityHeader]: group.member };
  const conditional = { ...headers, 'If-None-Match': etag };
  const full = await fetch(server.url + path, { headers });
  const body = Buffer.from(await full.arrayBuffer());
  const notModified = await fetch(server.url + path, { headers: conditional });
  if (!body.equals(group.body) || notModified.status !== 304) throw new Error(`GET ${path} goes wrong`);
  return {
    request: { method: 'GET', path, headers },
    conditional: { method: 'GET', path, headers: conditional },
    resource: {
      path,
      headers: answerHeaders(full),
      notModifiedHeaders: answerHeaders(notModified),
      body,
    },
  };
}

function putRequest({ path, body }: BenchGroup): LoadRequest {
  return { method: 'PUT', path, headers: putHeaders, body };
}

/** Element requests beside whole-document requests to the same groups of our server. */
function elementContest(
  machinery: Machinery,
  what: string,
  elements: readonly (readonly LoadRequest[])[],
  documents: readonly (readonly LoadRequest[])[],
  goal: NonNullable<Variant['goal']>,
): Contest {
  const against = (requests: readonly (readonly LoadRequest[])[]) => (time: number) =>
    underLoad(machinery, machinery.ours, requests, 200, time);
  return {
    what,
    limited: true,
    variants: [
      { name: 'element', goal, run: against(elements) },
      { name: 'whole document', run: against(documents) },
    ],
  };
}

/** Reads and replaces the entry in the middle of each group's list. */
function elementContests(machinery: Machinery, groups: readonly BenchGroup[]): readonly Contest[] {
  const requests = groups.map((group) => {
    const entries = [...group.body.toString('utf8').matchAll(/<entry uri="([^"]+)"[^]*?<\/entry>/g)];
    const [entry, uri] = entries[Math.floor(entries.length / 2)] ?? [];
    if (entry === undefined || uri === undefined) throw new Error('the group of 300 has no entries');
    const path = `${group.path}/~~/group/list-service/list/entry%5B@uri=%22${encodeURIComponent(uri)}%22%5D`;
    const headers = { [identityHeader]: putHeaders[identityHeader] };
    return {
      get: { method: 'GET', path, headers },
      put: {
        method: 'PUT',
        path,
        headers: { ...putHeaders, 'Content-Type': mediaTypes.element },
        body: Buffer.from(entry),
      },
      getDocument: { method: 'GET', path: group.path, headers },
      putDocument: putRequest(group),
    };
  });
  return connectionCounts.flatMap((count) => {
    const dealt = deal(requests, count);
    const pick = (name: keyof (typeof requests)[number]) =>
      dealt.map((mine) => mine.map((request) => request[name]));
    const about = `300 members, ${count} connections`;
    return [
      elementContest(
        machinery,
        `GET element, ${about}`,
        pick('get'),
        pick('getDocument'),
        atLeast(goals.elementGet),
      ),
      elementContest(
        machinery,
        `PUT element, ${about}`,
        pick('put'),
        pick('putDocument'),
        atLeast(goals.elementPut),
      ),
    ];
  });
}

/** What a PUT costs without a server around it. */
function alone(files: BareEngine, schemas: Schemas, size: BenchSize): readonly Contest[] {
  const groups = benchGroups(size, 'alone', mostGroups);
  const { xml: limits } = defaultConfig();
  const validating: Contest = {
    what: `validation alone, ${size}`,
    limited: false,
    variants: [
      {
        name: 'gate, parse, validate',
        run: (time) => {
          const until = performance.now() + time * 1000;
          let done = 0;
          for (; performance.now() < until; done += 1) {
            const { body } = groups[done % groups.length] ?? { body: Buffer.alloc(0) };
            schemas.validate('group', gateBytes(body, limits).text);
          }
          return Promise.resolve({ rate: done / time });
        },
      },
    ],
  };
  const writing = connectionCounts.map((writers): Contest => {
    const run = async (time: number): Promise<Round> => {
      const until = performance.now() + time * 1000;
      let done = 0;
      const write = async (mine: readonly BenchGroup[], writer: number): Promise<void> => {
        for (let turn = 0; performance.now() < until; turn += 1) {
          const at = turn % mine.length;
          await files.replace(`${writer}-${at}`, mine[at]?.body ?? Buffer.alloc(0));
          done += 1;
        }
      };
      await Promise.all(deal(groups, writers).map(write));
      return { rate: done / time };
    };
    return {
      what: `durable writes alone, ${size}, ${writers} writers`,
      limited: false,
      variants: [{ name: 'bare engine', run }],
    };
  });
  return [validating, ...writing];
}

async function measure(contests: readonly Contest[]): Promise<readonly Row[]> {
  const all = contests.map((entry) => ({
    ...entry,
    variants: entry.variants.map((variant) => ({ ...variant, rounds: [] as Round[] })),
  }));
  for (let round = 0; round <= rounds; round += 1) {
    process.stderr.write(round === 0 ? 'warming up\n' : `round ${round} of ${rounds}\n`);
    for (const { what, variants } of all) {
      for (const variant of variants) {
        const result = await variant.run(round === 0 ? Math.min(seconds, 0.5) : seconds);
        if (round === 0) continue;
        variant.rounds.push(result);
        process.stderr.write(`  ${what}, ${variant.name}: ${result.rate.toFixed(0)}/s\n`);
      }
    }
  }
  return all.flatMap(({ what, limited, variants }) =>
    variants.map((variant, at) => {
      const limit = limited ? variants.at(-1) : undefined;
      return rowOf(what, variant, at === variants.length - 1 ? undefined : limit?.rounds);
    }),
  );
}

function medianOf(results: readonly Round[], pick: (round: Round) => number | undefined): number | undefined {
  const values = results.map(pick).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : spreadOf(values).median;
}

function rowOf(
  what: string,
  variant: Variant & { readonly rounds: readonly Round[] },
  limit: readonly Round[] | undefined,
): Row {
  const { name, goal, rounds: results } = variant;
  const rate = spreadOf(results.map((round) => round.rate));
  const ratio =
    limit === undefined
      ? undefined
      : spreadOf(results.map((round, at) => round.rate / (limit[at]?.rate ?? NaN)));
  const serverCpu = medianOf(results, (round) => round.serverCpu);
  const limitCpu = limit === undefined ? undefined : medianOf(limit, (round) => round.serverCpu);
  return {
    what,
    variant: name,
    rate,
    p50: medianOf(results, ({ p50 }) => p50),
    p99: medianOf(results, ({ p99 }) => p99),
    serverCpu: serverCpu === undefined ? undefined : serverCpu * 1e6,
    serverBusy: medianOf(results, ({ serverBusy }) => serverBusy),
    ratio,
    cpuRatio: serverCpu === undefined || limitCpu === undefined ? undefined : limitCpu / serverCpu,
    goal: goal?.(rate.median, ratio?.median),
  };
}

async function main(): Promise<void> {
  // Read first: the run may overwrite it, and a wrong file must not cost a run.
  const former =
    options.compare === undefined ? undefined : readFormerRun(await readFile(options.compare, 'utf8'));
  const results = fileURLToPath(new URL('../../bench/results/', import.meta.url));
  await mkdir(results, { recursive: true });
  const folder = await mkdtemp(join(options.folder ?? results, 'store-'));
  const stops: (() => Promise<void> | void)[] = [];
  try {
    const disk = inspectDisk(folder);
    const about = [
      `Node ${process.version}, ${os.availableParallelism()} cores (${os.cpus()[0]?.model ?? 'unknown'}), ${os.type()} ${os.release()}`,
      `load average at the start: ${os
        .loadavg()
        .map((load) => load.toFixed(2))
        .join(' ')}`,
      `store on ${describeDisk(disk)}`,
      `${rounds} rounds of ${seconds} s, ${groupsPerConnection} documents per connection`,
    ];
    console.log(about.join('\n'));

    const profiling =
      options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`];
    const ours = await startServer(join(folder, 'mcgms'), profiling);
    stops.push(() => ours.stop());

    const readings = new Map<string, readonly Reading[]>();
    const puts = new Map<string, readonly BenchGroup[]>();
    let putAnswer: Record<string, string> = {};
    for (const size of sizes) {
      const prepared: Reading[] = [];
      for (const group of benchGroups(size, 'get', mostGroups)) {
        prepared.push(await prepareReading(ours, group));
      }
      readings.set(size, prepared);
      const groups = benchGroups(size, 'put', mostGroups);
      for (const group of groups) await putGroup(ours, group);
      for (const group of groups) putAnswer = answerHeaders(await putGroup(ours, group));
      puts.set(size, groups);
    }
    delete putAnswer['etag'];
    const bare = await startBareServer({
      folder: join(folder, 'bare'),
      resources: [...readings.values()].flat().map(({ resource }) => resource),
      putHeaders: putAnswer,
    });
    stops.push(() => bare.stop());
    const load = new LoadGenerator();
    stops.push(() => load.stop());
    const files = new BareEngine(join(folder, 'alone'));
    stops.push(() => {
      files.close();
    });
    const schemas = Schemas.open(new URL('../../schemas/', import.meta.url));

    const machinery = { ours, bare, load };
    const contests: Contest[] = [];
    for (const size of sizes) {
      for (const count of connectionCounts) {
        const about = `${size}, ${count} connections`;
        const gets = deal(readings.get(size) ?? [], count);
        const get = gets.map((mine) => mine.map(({ request }) => request));
        contests.push(contest(machinery, `GET 200, ${about}`, get, 200, atLeast(goals.get)));
        const conditional = gets.map((mine) => mine.map((reading) => reading.conditional));
        contests.push(contest(machinery, `GET 304, ${about}`, conditional, 304, atLeast(goals.notModified)));
        const put = deal((puts.get(size) ?? []).map(putRequest), count);
        contests.push(contest(machinery, `PUT, ${about}`, put, 200, atLeast(goals.put)));
      }
      contests.push(...alone(files, schemas, size));
    }

    const large = benchGroups('300 members', 'element', mostGroups);
    for (const group of large) await putGroup(ours, group);
    contests.push(...elementContests(machinery, large));

    const wanted = contests.filter(({ what }) => what.includes(options.only));
    if (wanted.length === 0 && !Object.values(titles).some(isWanted))
      throw new Error(`nothing is called ${options.only}`);
    const rows = await measure(wanted);
    about.push(
      `load average at the end: ${os
        .loadavg()
        .map((load) => load.toFixed(2))
        .join(' ')}`,
    );
    const tables: string[] = [formatTable(rows)];
    const table = (title: string, text: string): void => {
      tables.push(`${title}\n\n${text}`);
    };
    const edits = isWanted(titles.edits) ? measureEdits() : [];
    if (edits.length > 0) table(titles.edits, describeEdits(edits));
    const policies = isWanted(titles.policies) ? measurePolicies() : [];
    if (policies.length > 0) table(titles.policies, describePolicies(policies));
    const sharing = isWanted(titles.sharing)
      ? await measureSharing(join(folder, 'sharing'), rounds, options.quick)
      : [];
    if (sharing.length > 0) table(titles.sharing, describeSharing(sharing));
    const text = `${about.join('\n')}\n\n${tables.join('\n\n')}\n`;
    console.log(`\n${tables.join('\n\n')}`);
    if (former !== undefined) {
      console.log(
        `\nAgainst ${options.compare ?? ''}\n\n${describeComparison(compareRuns(former, { rows }))}`,
      );
    }
    const machine = { node: process.version, cores: os.availableParallelism(), disk };
    const run = { machine, rounds, seconds, rows, edits, policies, sharing };
    const json = `${JSON.stringify(run, null, 2)}\n`;
    await writeFile(join(results, 'latest.json'), json);
    if (options.json !== undefined) await writeFile(options.json, json);
    await writeFile(join(results, 'latest.md'), text);
  } finally {
    for (const stop of stops.reverse()) await stop();
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
