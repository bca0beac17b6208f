import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import http from 'node:http';
import net, { type Socket } from 'node:net';
import { expect } from 'chai';
import type { Clock } from '../../src/base/clock.js';
import { systemRandom, type Random } from '../../src/base/random.js';
import type { ConfigInput } from '../../src/gms/config.js';
import { policyMediaType } from '../../src/policy/language/policy.js';
import { policyAuid } from '../../src/policy/usage.js';
import { incarnationField } from '../../src/interconnection/csc-16-fields.js';
import { statusOfCode, type RefusalCode } from '../../src/interconnection/result/not-provided.js';
import { resultMediaType, type Result } from '../../src/interconnection/result/result.js';
import { readResult } from '../../src/interconnection/result/read-result.js';
import { gateText } from '../../src/xml/gate.js';
import { ns } from '../../src/xml/names.js';
import { readSmall, smallAttribute, smallChildren } from '../../src/xml/read-small.js';
import { fixture } from './fixtures.js';
import { groupText, type GroupChanges } from './group-text.js';
import type { RawAnswer } from './raw-http.js';
import { groupPath, groupType, TestSystem } from './system.js';
import { schemas } from './schemas.js';
import { limits } from './limits.js';

/**
 * Interconnected MC systems for tests: `a` of the police and `b` of the fire brigade, both real or one
 * of them played by a script; MC service servers that keep what they are told; and the group documents
 * that go between them.
 */

export const police = {
  name: 'a',
  domain: 'police.example',
  administrator: 'sip:admin@police.example',
  gms: 'sip:gms@police.example',
  server: 'sip:mcptt-server@police.example',
  member: 'sip:unit-71@police.example',
} as const;

export const fire = {
  name: 'b',
  domain: 'fire.example',
  administrator: 'sip:admin@fire.example',
  gms: 'sip:gms@fire.example',
  server: 'sip:mcptt-server@fire.example',
  member: 'sip:boat-1@fire.example',
  /** A user of the fire brigade that no group lists. */
  stranger: 'sip:clerk@fire.example',
} as const;

export type Site = typeof police | typeof fire;

export type PeerInput = NonNullable<ConfigInput['peers']>[number];

export { resultMediaType };

/** The group ID of `fixtures/interconnection/joint.xml`. */
export const joint = 'sip:joint@police.example';

// ---------------------------------------------------------------------------------------------------
// Documents

export { groupText, type GroupChanges };

/** The text of a policy in `fixtures/interconnection/policies/`. */
export function policyFixture(name: string): string {
  return fixture(`interconnection/policies/${name}.xml`);
}

export function policyPath(name = 'policy'): string {
  return `/${policyAuid}/global/${name}.xml`;
}

/** The Result in `answer`, which must be a document of that type, valid against its schema. */
export function resultOf(answer: RawAnswer): Result {
  expect(answer.headers['content-type']).to.equal(resultMediaType);
  schemas().validate('result', gateText(answer.text, limits).text);
  const result = readResult(answer.text, schemas(), limits);
  if (result === undefined) throw new Error(`no Result: ${answer.text}`);
  return result;
}

/** Expects `answer` to be an xcap-error of this element, valid against its schema; gives its phrase. */
export function xcapErrorOf(answer: RawAnswer, element: string): string {
  expect(answer.status, answer.text).to.equal(409);
  expect(answer.headers['content-type']).to.equal('application/xcap-error+xml');
  schemas().validate('xcap-error', gateText(answer.text, limits).text);
  const [condition] = smallChildren(readSmall(answer.text));
  expect(condition?.local).to.equal(element);
  return (condition && smallAttribute(condition, 'phrase')) ?? '';
}

/** One document of an xcap-diff. */
export interface ToldChange {
  readonly selector: string;
  readonly previous: string | undefined;
  readonly next: string | undefined;
}

/** What an xcap-diff document tells, which must be valid against its schema. */
export function readXcapDiff(text: string): { readonly root: string; readonly changes: ToldChange[] } {
  schemas().validate('xcap-diff', gateText(text, limits).text);
  const diff = readSmall(text);
  expect(diff.namespace).to.equal(ns.xcapDiff);
  return {
    root: smallAttribute(diff, 'xcap-root') ?? '',
    changes: smallChildren(diff).map((document) => ({
      selector: smallAttribute(document, 'sel') ?? '',
      previous: smallAttribute(document, 'previous-etag'),
      next: smallAttribute(document, 'new-etag'),
    })),
  };
}

// ---------------------------------------------------------------------------------------------------
// Servers that record

export interface RecordedRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** What a scripted server does with one request. */
export type ScriptedAnswer =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Buffer;
      /** Something on the way answers: nothing shows that the GMS itself did. */
      readonly onTheWay?: true;
    }
  /** These octets and the end of the connection. */
  | { readonly raw: string }
  /** Whatever this does to the connection. */
  | { readonly by: (socket: Socket) => void }
  /** The connection is reset. */
  | 'reset'
  /** Nothing comes, and the connection stays. */
  | 'silence';

/** An answer as HTTP has it. */
export type HttpAnswer = Extract<ScriptedAnswer, { readonly status: number }>;

export type Answering = (request: RecordedRequest) => ScriptedAnswer | Promise<ScriptedAnswer>;

/** A point that a test lets pass when it wants to. */
export class Gate {
  readonly passed: Promise<void>;
  #open: () => void = () => undefined;

  constructor() {
    this.passed = new Promise((resolve) => (this.#open = resolve));
  }

  open(): void {
    this.#open();
  }
}

/** The incarnation of the store of a scripted GMS: what shows that its answers are its own. */
export const scriptedIncarnation = 'incarnation-of-a-script';

/**
 * An HTTP server on loopback that records requests and answers them as told. Its answers show that a GMS
 * itself gave them, unless the script has something on the way answer.
 */
export class ScriptedServer {
  readonly requests: RecordedRequest[] = [];
  readonly #script: (ScriptedAnswer | Answering)[] = [];
  readonly #waiting = new Set<() => void>();
  #otherwise: ScriptedAnswer | Answering;
  #server: http.Server | undefined;
  #port = 0;
  #connections = 0;

  private constructor(otherwise: ScriptedAnswer | Answering) {
    this.#otherwise = otherwise;
  }

  /** @param otherwise how requests are answered when the script has come to its end */
  static async start(otherwise: ScriptedAnswer | Answering = { status: 500 }): Promise<ScriptedServer> {
    const self = new ScriptedServer(otherwise);
    await self.up();
    return self;
  }

  get port(): number {
    return this.#port;
  }

  /** An XCAP root URL that leads here. */
  get root(): string {
    return `http://127.0.0.1:${this.#port}/xcap-root`;
  }

  /** How many connections were made in all. */
  get connections(): number {
    return this.#connections;
  }

  /** Adds to the script: one answer for each request to come. */
  answers(...answers: (ScriptedAnswer | Answering)[]): this {
    this.#script.push(...answers);
    return this;
  }

  /** Ends the script here. */
  forget(): this {
    this.#script.length = 0;
    return this;
  }

  /** How requests are answered when the script has come to its end. */
  otherwise(answer: ScriptedAnswer | Answering): this {
    this.#otherwise = answer;
    return this;
  }

  /** The `number`-th request from the start, from 1; already there or yet to come. */
  async request(number: number): Promise<RecordedRequest> {
    for (;;) {
      const request = this.requests[number - 1];
      if (request !== undefined) return request;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Refuses connections until `up`; the port stays the same. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async up(): Promise<void> {
    if (this.#port === 0) this.#port = await freePort();
    const server = http.createServer((request, response) => {
      this.#receive(request, response).catch(() => response.destroy());
    });
    server.on('connection', () => (this.#connections += 1));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#server = server;
  }

  async #receive(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    incoming.setEncoding('utf8');
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const { method = '', url = '', headers } = incoming;
    const request = { method, target: url, headers, body };
    const planned = this.#script.shift() ?? this.#otherwise;
    this.requests.push(request);
    for (const notify of [...this.#waiting]) {
      this.#waiting.delete(notify);
      notify();
    }
    const answer = typeof planned === 'function' ? await planned(request) : planned;
    if (answer === 'silence') return;
    if (answer === 'reset') incoming.socket.resetAndDestroy();
    else if ('raw' in answer) incoming.socket.end(answer.raw);
    else if ('by' in answer) answer.by(incoming.socket);
    else {
      const own = answer.onTheWay === true ? {} : { [incarnationField]: scriptedIncarnation };
      response.writeHead(answer.status, { ...own, ...answer.headers }).end(answer.body);
    }
  }
}

/** A primary's own refusal to provide a group, with the code that says why (docs/interconnection.md). */
export function notProvided(groupId: string, code: RefusalCode): HttpAnswer {
  const reason = `<reason code="${code}" phrase="refused"/>`;
  const id = `<mc-service-group-id>${groupId}</mc-service-group-id>`;
  const body = `<result xmlns="${ns.result}">${id}<provision outcome="failure">${reason}</provision></result>`;
  return { status: statusOfCode[code], headers: { 'Content-Type': resultMediaType }, body };
}

/**
 * Answers as a partner does that takes everything: each PUT is stored under a new tag, `"1"`, `"2"` and
 * so on, whatever its conditions.
 */
export function willingPartner(): Answering {
  const held = new Map<string, { readonly etag: string; readonly body: string }>();
  let tags = 0;
  return ({ method, target, body }) => {
    const known = held.get(target);
    if (method === 'PUT') {
      tags += 1;
      held.set(target, { etag: `"${tags}"`, body });
      return { status: known === undefined ? 201 : 200, headers: { ETag: `"${tags}"` } };
    }
    if (known === undefined) return { status: 404 };
    if (method === 'DELETE') {
      held.delete(target);
      return { status: 200 };
    }
    return { status: 200, headers: { 'Content-Type': groupType, ETag: known.etag }, body: known.body };
  };
}

/** An MC service server that is informed of changes. */
export class InformedServer {
  readonly server: ScriptedServer;

  private constructor(server: ScriptedServer) {
    this.server = server;
  }

  static async start(): Promise<InformedServer> {
    return new InformedServer(await ScriptedServer.start({ status: 204 }));
  }

  get url(): string {
    return `http://127.0.0.1:${this.server.port}/changes`;
  }

  /** What the `number`-th request told, from 1; already there or yet to come. */
  async told(number: number): Promise<ToldChange[]> {
    const request = await this.server.request(number);
    expect(request.method).to.equal('POST');
    expect(request.headers['content-type']).to.equal('application/xcap-diff+xml');
    return readXcapDiff(request.body).changes;
  }

  /** Every change told so far. */
  get all(): ToldChange[] {
    return this.server.requests.flatMap(({ body }) => readXcapDiff(body).changes);
  }

  async close(): Promise<void> {
    await this.server.down();
  }
}

/**
 * Ports that systems do not give to outgoing connections: what is free here stays free until the test
 * listens on it, also while others connect.
 */
const ports = { first: 10_240, count: 20_000 } as const;
let portsTried = Math.floor(Math.random() * ports.count);

/** A port of the loopback interface that is free now, and that no other test of this process is given. */
export async function freePort(): Promise<number> {
  for (;;) {
    portsTried += 1;
    const port = ports.first + (portsTried % ports.count);
    const server = net.createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => {
        resolve(false);
      });
      server.listen(port, '127.0.0.1', () => {
        resolve(true);
      });
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** Every HTTP request that this process starts until `stop`, as `host:port path`. */
export function recordOutbound(): { readonly urls: string[]; stop(): void } {
  const urls: string[] = [];
  const channel = 'http.client.request.start';
  const record = (message: unknown): void => {
    const { request } = message as { readonly request: http.ClientRequest };
    urls.push(`${String(request.getHeader('host'))} ${request.path}`);
  };
  subscribe(channel, record);
  return { urls, stop: () => unsubscribe(channel, record) };
}

// ---------------------------------------------------------------------------------------------------
// Systems

export interface Surroundings {
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface SiteOptions {
  /** Options of the peer in this system's configuration. */
  readonly peer?: Partial<PeerInput>;
  /** Peers besides. */
  readonly others?: readonly PeerInput[];
  /** Where its MC service server is informed. */
  readonly inform?: string;
  readonly port?: number;
  readonly http?: ConfigInput['http'];
  readonly interconnection?: ConfigInput['interconnection'];
  readonly xml?: ConfigInput['xml'];
  readonly quotas?: ConfigInput['quotas'];
}

/** A configuration of `site` that knows `other` at `root`. */
export function siteConfig(site: Site, other: Site, root: string, options: SiteOptions = {}): ConfigInput {
  const { peer, others = [], inform, port = 0, interconnection, quotas, xml } = options;
  return {
    system: { name: site.name, domains: [site.domain] },
    http: { ...options.http, port },
    identity: { administrators: [site.administrator] },
    mcServiceServers: [{ identity: site.server, inform }],
    peers: [{ name: other.name, identity: other.gms, root, domains: [other.domain], ...peer }, ...others],
    // Their timers would be more that wait in tests that count them.
    interconnection: {
      identity: site.gms,
      revalidation: '0',
      reconciliation: { interval: '0' },
      ...interconnection,
    },
    xml,
    quotas,
  };
}

/** `a`, whose partner `b` is played by a script or not there at all. */
export async function startPrimary(
  root: string,
  options: SiteOptions = {},
  surroundings: Surroundings = {},
): Promise<TestSystem> {
  return await TestSystem.start(siteConfig(police, fire, root, options), surroundings);
}

/** `b`, whose primary `a` is played by a script or by the test itself. */
export async function startPartner(
  root: string,
  options: SiteOptions = {},
  surroundings: Surroundings = {},
): Promise<TestSystem> {
  return await TestSystem.start(siteConfig(fire, police, root, options), surroundings);
}

export interface Pair {
  readonly a: TestSystem;
  readonly b: TestSystem;
  dispose(): Promise<void>;
}

/** `a` and `b`, which know each other. */
export async function startPair(
  options: { readonly a?: SiteOptions; readonly b?: SiteOptions } = {},
  surroundings: Surroundings = {},
): Promise<Pair> {
  const [portOfA, portOfB] = [await freePort(), await freePort()];
  const root = (port: number): string => `http://127.0.0.1:${port}/xcap-root`;
  const a = await startPrimary(root(portOfB), { ...options.a, port: portOfA }, surroundings);
  const b = await startPartner(root(portOfA), { ...options.b, port: portOfB }, surroundings).catch(
    async (error: unknown) => {
      // Left open, it would keep the process from ending.
      await a.dispose();
      throw error;
    },
  );
  return {
    a,
    b,
    dispose: async () => {
      await a.dispose();
      await b.dispose();
    },
  };
}

/** Randomness whose fractions are all 0, so that pauses are 0.8 times the doubled first one. */
export const steadyRandom: Random = { fraction: () => 0, token: () => systemRandom.token() };

// ---------------------------------------------------------------------------------------------------
// Requests

/** PUTs a group as `site`'s administrator and expects success. */
export async function administratorPuts(
  system: TestSystem,
  site: Site,
  groupId: string,
  text: string,
): Promise<RawAnswer> {
  const answer = await system.request({
    method: 'PUT',
    path: groupPath(groupId),
    as: site.administrator,
    body: text,
    headers: { 'Content-Type': groupType },
  });
  expect(answer.status, answer.text).to.be.oneOf([200, 201]);
  return answer;
}

/** DELETEs a group as `site`'s administrator and expects success. */
export async function administratorDeletes(system: TestSystem, site: Site, groupId: string): Promise<void> {
  const answer = await system.request({
    method: 'DELETE',
    path: groupPath(groupId),
    as: site.administrator,
  });
  expect(answer.status, answer.text).to.equal(200);
}

/** PUTs a policy as `site`'s administrator and expects success. */
export async function putPolicy(
  system: TestSystem,
  site: Site,
  text: string,
  name?: string,
): Promise<RawAnswer> {
  const answer = await system.request({
    method: 'PUT',
    path: policyPath(name),
    as: site.administrator,
    body: text,
    headers: { 'Content-Type': policyMediaType },
  });
  expect(answer.status, answer.text).to.be.oneOf([200, 201]);
  return answer;
}

/** The group information provision request of TS 23.280 clause 10.2.7.2, as `from` sends it. */
export async function provide(
  system: TestSystem,
  from: Readonly<Record<'gms', string>>,
  groupId: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  return await system.request({
    method: 'PUT',
    path: groupPath(groupId),
    as: from.gms,
    body,
    headers: { 'Content-Type': groupType, ...headers },
  });
}

export async function getAs(
  system: TestSystem,
  identity: string | undefined,
  groupId: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  return await system.request({ method: 'GET', path: groupPath(groupId), as: identity, headers });
}

/** One of the two documents that a partner holds of a group. */
export interface Held {
  readonly status: number;
  readonly text: string;
  readonly etag: string | undefined;
}

/** What `b` holds of a group: as the police's GMS sees it, and as the fire brigade's administrator does. */
export interface Copy {
  readonly received: Held;
  readonly effective: Held;
}

export async function copyAt(b: TestSystem, groupId: string): Promise<Copy> {
  const held = ({ status, text, headers }: RawAnswer): Held => ({ status, text, etag: headers.etag });
  return {
    received: held(await getAs(b, police.gms, groupId)),
    effective: held(await getAs(b, fire.administrator, groupId)),
  };
}

/** Runs `attempt` and expects that what `b` holds of the group is the same before and after. */
export async function copyUnchanged<T>(
  b: TestSystem,
  groupId: string,
  attempt: () => Promise<T>,
): Promise<T> {
  const before = await copyAt(b, groupId);
  const result = await attempt();
  expect(await copyAt(b, groupId), 'the copy after a refusal').to.deep.equal(before);
  return result;
}
