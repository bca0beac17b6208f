import { resultMediaType } from '../../src/interconnection/result/result.js';
import { mediaTypes } from '../../src/xcap/media-types.js';
import {
  fire,
  groupText,
  joint,
  police,
  policyFixture,
  policyPath,
  ScriptedServer,
  startPartner,
  startPrimary,
  type HttpAnswer,
  type SiteOptions,
} from '../support/peers.js';
import { groupType, type TestSystem } from '../support/system.js';
import { Client, succeeded, type Base } from './client.js';
import type { Carrier, Load, Vocabulary } from './load.js';
import type { Entrance, Session } from './measure.js';
import { directoryVocabulary, failureVocabulary, groupVocabulary, resultVocabulary } from './vocabularies.js';
import { roomyConfig } from './xcap-entrances.js';

/** The entrances of peers: their requests, and their answers to ours. */

const root = '/xcap-root';
const folder = `${root}/org.openmobilealliance.groups/global/byGroupID/`;
const name = encodeURIComponent(joint);
const seed = groupText();
const tag = '"seed"';

function options(room: number): SiteOptions {
  const { http, xml } = roomyConfig(room);
  return {
    http,
    xml,
    interconnection: {
      fetchRate: 100_000,
      refusalMemory: '0',
      answerBytes: 2 * 1024 * 1024 * room,
      backOff: { first: '1ms', cap: '1ms' },
    },
  };
}

/** A system, a peer that is played by a script, and a client. */
interface Stage {
  readonly system: TestSystem;
  readonly peer: ScriptedServer;
  readonly client: Client;
  readonly close: () => Promise<void>;
}

async function stage(side: 'primary' | 'partner', room: number): Promise<Stage> {
  const peer = await ScriptedServer.start({ status: 404 });
  const start = side === 'primary' ? startPrimary : startPartner;
  const system = await start(peer.root, options(room));
  const client = new Client(system.port);
  return {
    system,
    peer,
    client,
    async close() {
      client.close();
      await system.dispose();
      await peer.down();
    },
  };
}

const byPeer = (method: string): Base => ({
  method,
  before: folder,
  path: name,
  as: police.gms,
  headers: { Accept: resultMediaType, ...(method === 'PUT' ? { 'Content-Type': groupType } : {}) },
  ...(method === 'PUT' ? { body: seed } : {}),
});

/** Provides with the tag of what is there, so that it is judged each time. */
async function provideNow(client: Client, load: Load): Promise<number> {
  const held = await client.send({ ...byPeer('HEAD'), headers: {} });
  const { etag } = held.headers;
  const base = byPeer('PUT');
  const condition = etag === undefined ? {} : { 'If-Match': etag };
  const answer = await client.send({ ...base, headers: { ...base.headers, ...condition } }, load);
  return answer.status;
}

const policies = ['guest-groups-lower', 'guest-groups'];

function provision(withPolicies: boolean): Entrance {
  return {
    name: withPolicies ? 'PUT of a peer, with policies in force' : 'PUT of a peer',
    house: 'PUT of a peer',
    covers: ['peer PUT'],
    takes: withPolicies ? ['document'] : ['document', 'fields', 'path', 'query', 'selector'],
    vocabulary: groupVocabulary(joint),
    // Policies have a deadline (docs/interconnection.md).
    statuses: [503],
    async open(room) {
      const { client, close, system } = await stage('partner', room);
      for (const [index, each] of (withPolicies ? policies : []).entries()) {
        const answer = await system.request({
          method: 'PUT',
          path: policyPath(`growth-${index}`),
          as: fire.administrator,
          body: policyFixture(each),
          headers: { 'Content-Type': 'application/vnd.mcgms.policy+xml' },
        });
        if (!succeeded(answer)) throw new Error(answer.text);
      }
      return {
        prepare: () => {
          system.log.clear();
          return Promise.resolve(true);
        },
        ask: (load) => provideNow(client, load),
        close,
      };
    },
  };
}

/** A request of a peer about what it has provided. */
function ofProvided(method: 'GET' | 'DELETE'): Entrance {
  return {
    name: `${method} of a peer`,
    house: 'requests of a peer',
    covers: method === 'GET' ? ['peer GET', 'peer HEAD'] : ['peer DELETE'],
    takes: ['document', 'fields', 'path', 'query', 'selector'],
    vocabulary: groupVocabulary(joint),
    async open(room) {
      const { client, close, system } = await stage('partner', room);
      return {
        async prepare(load, carrier) {
          system.log.clear();
          const status = await provideNow(client, carrier === 'document' ? load : {});
          return succeeded({ status });
        },
        async ask(load) {
          if (method === 'GET') await client.send(byPeer('HEAD'), load, false);
          return (await client.send(byPeer(method), load, false)).status;
        },
        close,
      };
    },
  };
}

/** Provides groups until there are so many, and one more. */
async function provideMany(client: Client, from: number, to: number): Promise<number> {
  let count = from;
  do {
    count += 1;
    const id = `sip:growth-${count}@police.example`;
    const base = { ...byPeer('PUT'), path: encodeURIComponent(id), body: groupText({ id }) };
    const answer = await client.send(base);
    if (!succeeded(answer)) throw new Error(answer.text);
  } while (count < to);
  return count;
}

const directoryOfPeer: Entrance = {
  name: 'GET of a peer, of the directory',
  house: 'requests of a peer',
  covers: ['peer GET directory', 'peer HEAD directory'],
  takes: ['documents', 'fields', 'query'],
  async open(room) {
    const { client, close, system } = await stage('partner', room);
    let count = 0;
    const base: Base = {
      method: 'GET',
      before: `${root}/org.openmobilealliance.xcap-directory/global/directory.xml`,
      as: police.gms,
    };
    return {
      async prepare({ documents = 0 }) {
        system.log.clear();
        count = await provideMany(client, count, documents);
        return true;
      },
      ask: async (load) => (await client.send(base, load)).status,
      close,
    };
  },
};

/** What a peer answers to one kind of request of ours. */
interface AnswerUnderTest {
  readonly name: string;
  /** The methods of the client of CSC-16 whose answers these are. */
  readonly covers: readonly string[];
  readonly side: 'primary' | 'partner';
  readonly vocabulary?: Vocabulary;
  /** The answer without a load. */
  readonly usual: HttpAnswer;
  /**
   * The end of the target that is answered with a body, all others being answered without one; each where left out.
   * Where one answer leads to many requests, a body for each would make what is received grow with the square.
   */
  readonly bodyAt?: string;
  /** What must be there before. @returns false where that cannot be */
  readonly before?: (stage: Stage) => Promise<boolean>;
  /** Makes the request be sent and waits for what becomes of the answer. */
  readonly ask: (stage: Stage) => Promise<number>;
}

const group = (body: string): HttpAnswer => ({
  status: 200,
  headers: { 'Content-Type': groupType, ETag: tag },
  body,
});

const operations = (method: string, path: string, as: string, body?: unknown): Base => ({
  method,
  before: `/operations${path}`,
  as,
  ...(body === undefined
    ? {}
    : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
});

async function stateOf({ client }: Stage): Promise<string> {
  return (await client.send(operations('GET', '/peers/b', police.administrator))).text;
}

/** How often it is looked whether an answer was dealt with, ever more seldom: looking takes time that is measured. */
const mostLooks = 12;

/** Waits until the delivery that was made pending has an outcome. */
async function outcome(on: Stage): Promise<number> {
  for (let look = 0; look < mostLooks; look += 1) {
    const { groups } = JSON.parse(await stateOf(on)) as {
      readonly groups: { readonly items: readonly { status: string; failures: number }[] };
    };
    if (groups.items.every(({ failures, status }) => status !== 'pending' || failures > 0)) return 200;
    await new Promise((resolve) => setTimeout(resolve, 4 * 2 ** look));
  }
  return 599;
}

async function putGroup({ client }: Stage): Promise<boolean> {
  return succeeded(
    await client.send({
      method: 'PUT',
      before: folder,
      path: name,
      as: police.administrator,
      headers: { 'Content-Type': groupType },
      body: seed,
    }),
  );
}

async function withdrawn({ client, peer }: Stage): Promise<boolean> {
  peer.otherwise({ status: 404 });
  const answer = await client.send(byPeer('DELETE'));
  return succeeded(answer) || answer.status === 404;
}

const deliver = async (on: Stage): Promise<number> => {
  await on.client.send(operations('POST', '/peers/b/resend', police.administrator));
  return await outcome(on);
};

const answersUnderTest: readonly AnswerUnderTest[] = [
  {
    name: 'answer to a GET on miss',
    covers: ['getGroup'],
    side: 'partner',
    vocabulary: groupVocabulary(joint),
    usual: group(seed),
    before: withdrawn,
    ask: async ({ client }) =>
      (await client.send({ method: 'GET', before: folder, path: name, as: fire.member })).status,
  },
  {
    name: 'refusal of a GET on miss',
    covers: ['getGroup', 'isXcapServer'],
    side: 'partner',
    vocabulary: failureVocabulary(joint),
    usual: { status: 403, headers: { 'Content-Type': resultMediaType }, onTheWay: true },
    before: withdrawn,
    ask: async ({ client }) =>
      (await client.send({ method: 'GET', before: folder, path: name, as: fire.member })).status,
  },
  {
    name: 'answer to a GET that refreshes',
    covers: ['getGroup'],
    side: 'partner',
    vocabulary: groupVocabulary(joint),
    usual: group(seed),
    before: async ({ client }) => succeeded({ status: await provideNow(client, {}) }),
    ask: async ({ client }) =>
      (await client.send(operations('POST', '/peers/a/refetch', fire.administrator, { group: joint })))
        .status,
  },
  {
    name: 'answer to a HEAD and to a GET of the directory',
    covers: ['getList', 'headGroup'],
    side: 'partner',
    vocabulary: directoryVocabulary('http://127.0.0.1/xcap-root'),
    usual: { status: 200, headers: { 'Content-Type': mediaTypes.directory, ETag: tag } },
    bodyAt: '/directory.xml',
    before: async ({ client }) => succeeded({ status: await provideNow(client, {}) }),
    ask: async ({ client }) =>
      (await client.send(operations('GET', '/peers/a/verify', fire.administrator))).status,
  },
  {
    name: 'Result to our PUT',
    covers: ['putGroup'],
    side: 'primary',
    vocabulary: resultVocabulary(joint),
    usual: { status: 200, headers: { 'Content-Type': resultMediaType, ETag: tag } },
    before: putGroup,
    ask: deliver,
  },
  {
    name: 'refusal of our PUT',
    covers: ['putGroup'],
    side: 'primary',
    vocabulary: failureVocabulary(joint),
    usual: { status: 409, headers: { 'Content-Type': resultMediaType } },
    before: putGroup,
    ask: deliver,
  },
  {
    name: 'answer to our DELETE',
    covers: ['deleteGroup'],
    side: 'primary',
    vocabulary: failureVocabulary(joint),
    usual: { status: 409, headers: { 'Content-Type': resultMediaType } },
    before: async (on) => {
      on.peer.otherwise({ status: 200, headers: { ETag: tag } });
      const put = await putGroup(on);
      await deliver(on);
      return put;
    },
    ask: async (on) => {
      await on.client.send({ method: 'DELETE', before: folder, path: name, as: police.administrator });
      return await outcome(on);
    },
  },
];

function answerEntrance({
  bodyAt = '',
  covers,
  side,
  usual,
  vocabulary,
  ...each
}: AnswerUnderTest): Entrance {
  const carriers: readonly Carrier[] = vocabulary === undefined ? ['answer'] : ['document', 'answer'];
  return {
    name: each.name,
    house: `answers of a peer: ${each.name}`,
    covers: covers.map((method) => `answer ${method}`),
    takes: carriers,
    ...(vocabulary === undefined ? {} : { vocabulary }),
    // A primary that answers badly, or not (design D16).
    statuses: [502, 503],
    async open(room): Promise<Session> {
      const on = await stage(side, room);
      return {
        async prepare() {
          on.system.log.clear();
          on.peer.requests.length = 0;
          return (await each.before?.(on)) ?? true;
        },
        async ask({ body, fields }) {
          const headers = { ...usual.headers, ...(fields as Record<string, string> | undefined) };
          on.peer.otherwise(({ target }) => ({
            ...usual,
            headers,
            ...(body === undefined || !target.endsWith(bodyAt) ? {} : { body }),
          }));
          return await each.ask(on);
        },
        close: on.close,
      };
    },
  };
}

export const peerEntrances: readonly Entrance[] = [
  provision(false),
  provision(true),
  ofProvided('GET'),
  ofProvided('DELETE'),
  directoryOfPeer,
  ...answersUnderTest.map(answerEntrance),
];

/** A resource for operators, and whether its body or its list grows. */
const operatorRoutes: readonly (readonly [string, string, (readonly Carrier[])?])[] = [
  ['GET', 'peers', ['documents']],
  ['GET', 'peers/{name}', ['documents']],
  ['DELETE', 'peers/{name}'],
  ['POST', 'peers/{name}/retry', ['json']],
  ['POST', 'peers/{name}/resend', ['json']],
  ['POST', 'peers/{name}/repair'],
  ['POST', 'peers/{name}/accept-removals'],
  ['POST', 'peers/{name}/refetch', ['json']],
  ['GET', 'peers/{name}/verify', ['documents']],
  ['GET', 'shares'],
  ['PUT', 'shares/{group}/{name}'],
  ['DELETE', 'shares/{group}/{name}'],
  ['GET', 'orphans'],
  ['DELETE', 'orphans/{group}'],
  ['GET', 'policies/progress'],
  ['GET', 'counters'],
  ['GET', 'quotas'],
];

function operatorEntrance([method, route, more = []]: (typeof operatorRoutes)[number]): Entrance {
  return {
    name: `${method} /operations/${route}`,
    house: 'operations',
    covers: [`${method} /operations/${route}`],
    takes: ['fields', 'query', ...(route.includes('{') ? (['path'] as const) : []), ...more],
    async open(room) {
      const { client, close, system } = await stage('partner', room);
      let count = await provideMany(client, 0, 1);
      const segments = route.split('/');
      const at = segments.findIndex((segment) => segment.startsWith('{'));
      const plain = (segment: string): string =>
        segment === '{name}'
          ? 'a'
          : segment === '{group}'
            ? encodeURIComponent('sip:g@fire.example')
            : segment;
      const [before, behind] =
        at < 0
          ? [segments, []]
          : [segments.slice(0, at), segments.slice(at + 1).map((each) => `/${plain(each)}`)];
      const base: Base = {
        method,
        before: ['/operations', ...before, ''].join('/').replace(/\/$/, at < 0 ? '' : '/'),
        ...(at < 0 ? {} : { path: plain(segments[at] ?? '') }),
        behind: behind.join(''),
        as: fire.administrator,
        ...(more.includes('json') ? { headers: { 'Content-Type': 'application/json' } } : {}),
      };
      return {
        async prepare({ documents = 0 }, carrier) {
          system.log.clear();
          if (carrier === 'documents') count = await provideMany(client, count, documents);
          return true;
        },
        ask: async (load) => (await client.send(base, load)).status,
        close,
      };
    },
  };
}

export const operatorEntrances = operatorRoutes.map(operatorEntrance);
