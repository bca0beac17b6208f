import type { Clock } from './base/clock.js';
import type { SystemName } from './base/identifiers.js';
import type { Log } from './base/log.js';
import type { Random } from './base/random.js';
import type { KnownIdentities } from './auth/asserted-identity.js';
import { HomeSystems } from './auth/home-systems.js';
import type { Config } from './config.js';
import { Documents } from './documents/documents.js';
import { declaredSchemas, offerDeclared } from './declared-usages.js';
import type { DocumentState, Form } from './documents/state.js';
import { GroupAccess } from './groups/access.js';
import { gmopMediaType, readGroupOperation } from './groups/gmop.js';
import { createGroupUsage, groupMediaType } from './groups/group-usage.js';
import { withoutMemberList } from './groups/member-list.js';
import { Directories, directoryAccess } from './http/directory.js';
import { PeerRequests } from './http/peer-requests.js';
import { Pipeline, type PipelineTools } from './http/pipeline.js';
import { ownForm, type OfferedUsage, type OwnDocuments } from './http/resource.js';
import { createApp, listen } from './http/server.js';
import { Deliveries } from './interconnection/deliver.js';
import { OutboundClient } from './interconnection/outbound.js';
import type { Peers } from './interconnection/peers.js';
import { createPlan } from './interconnection/plan.js';
import { PolicyBook } from './interconnection/policy-book.js';
import { PolicyRunner } from './interconnection/policy-runner.js';
import { checkMayUsePolicies, createPolicyUsage, policyAuid } from './interconnection/policy-usage.js';
import { Receiver } from './interconnection/receive.js';
import { createRederivation } from './interconnection/rederive.js';
import { Requester } from './interconnection/request.js';
import { Informer, type InformedServer } from './notification/inform.js';
import { openLowdbStore } from './store/lowdb-store.js';
import { capsName, createCapsUsage, writeCaps } from './xcap/caps.js';
import { createDirectoryUsage } from './xcap/directory.js';
import { Forbidden } from './xcap/errors.js';
import { documentName } from './xcap/request-uri.js';
import type { ApplicationUsage } from './xcap/usage.js';
import { namesDeclaredIn, Schemas } from './xml/schemas.js';

/**
 * The composition root: makes one group management server out of its parts and a configuration. It
 * keeps nothing in module scope, so that a process can run several, as the demo and the tests do.
 */

/** What a system takes from outside itself. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A running group management server. */
export interface Gms {
  /** Its XCAP root URL. */
  readonly root: string;
  /** Finishes requests under way and lets go of port and store. */
  close(): Promise<void>;
}

const readMethods: readonly string[] = ['GET', 'HEAD'];
const allMethods: readonly string[] = ['GET', 'HEAD', 'PUT', 'DELETE'];

/** Folder of the schemas, beside `dist` in the package. */
const schemaFolder = new URL('../../schemas/', import.meta.url);

/** Compiles our schemas and those that the configuration names. @throws ConfigurationError */
export function openSchemas(config: Config): Schemas {
  return Schemas.open(schemaFolder, declaredSchemas(config));
}

function peersOf(config: Config): Peers {
  return new Map(config.peers.map((peer) => [peer.name, { ...peer, groups: new Set(peer.groups) }]));
}

function knownIdentities(config: Config, homes: HomeSystems): KnownIdentities {
  return {
    administrators: new Set(config.identity.administrators),
    mcServiceServers: new Set(config.mcServiceServers.map(({ identity }) => identity)),
    peers: new Map<string, SystemName>(config.peers.map(({ identity, name }) => [identity, name])),
    homes,
  };
}

function groupUsage({ groups, system }: Config, homes: HomeSystems): ApplicationUsage {
  const mcNames = namesDeclaredIn(schemaFolder, 'mcptt-group-info.xsd');
  return createGroupUsage({ ...groups, domain: system.domains[0] ?? '', homes, mcNames });
}

/** How the XCAP root is written where documents name it: never with an internal host. */
function publicRoot({ http }: Config): string {
  return http.publicRoot ?? http.root;
}

function offeredUsages(
  config: Config,
  { documents, schemas, homes, clock }: Pick<Foundation, 'documents' | 'schemas' | 'homes' | 'clock'>,
): ReadonlyMap<string, OfferedUsage> {
  const offered: OfferedUsage[] = [
    {
      usage: groupUsage(config, homes),
      methods: [...allMethods, 'POST'],
      access: new GroupAccess({ ...config.groups, creators: new Set(config.groups.creators), clock }),
      operation: {
        mediaType: gmopMediaType,
        perform: (document, body) => {
          readGroupOperation(body, schemas, config.xml);
          return { type: groupMediaType, text: withoutMemberList(document) };
        },
      },
      checkList: ({ kind }) => {
        if (kind === 'administrator' || kind === 'mc-service-server') return;
        throw new Forbidden('who may read a group is said in the group');
      },
    },
    {
      usage: createPolicyUsage(),
      methods: allMethods,
      access: {
        checkRead: checkMayUsePolicies,
        checkReadDocument: () => undefined,
        checkWrite: checkMayUsePolicies,
      },
      checkList: checkMayUsePolicies,
    },
    ...offerDeclared(config, documents),
    {
      usage: createDirectoryUsage(),
      methods: readMethods,
      access: directoryAccess,
      own: new Directories({ documents, usages: () => offered, publicRoot: publicRoot(config) }),
    },
    {
      usage: createCapsUsage(),
      methods: readMethods,
      access: {
        checkRead: () => undefined,
        checkReadDocument: () => undefined,
        checkWrite: () => undefined,
      },
      own: capsDocument(() => offered),
    },
  ];
  return new Map(offered.map((entry) => [entry.usage.auid, entry]));
}

/** The document of the server capabilities, written when it is first read. */
function capsDocument(usages: () => readonly OfferedUsage[]): OwnDocuments {
  let written: Form | undefined;
  return {
    has: (place) => documentName(place) === capsName,
    form: () => (written ??= ownForm(writeCaps(usages().map(({ usage }) => usage)))),
  };
}

function informedServers(config: Config): readonly InformedServer[] {
  return config.mcServiceServers.flatMap(({ identity, inform }) =>
    inform === undefined ? [] : [{ identity, url: inform }],
  );
}

/** The XCAP root as a client on this machine reaches it. */
function localRoot({ http }: Config, port: number): string {
  const host = http.host.includes(':') ? `[${http.host}]` : http.host;
  return `http://${host}:${port}${http.root}`;
}

/** What every part of a system shares. */
interface Foundation extends Surroundings {
  readonly config: Config;
  readonly documents: Documents;
  readonly schemas: Schemas;
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly client: OutboundClient;
}

/** Closes in the reverse order of opening. */
class Closers {
  readonly #closers: (() => Promise<void> | void)[] = [];

  /** Remembers how to let go of `part` and gives it back. */
  add<T extends { close(): Promise<void> | void }>(part: T): T {
    this.#closers.push(() => part.close());
    return part;
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.splice(0).reverse()) await closer();
  }
}

/** The interconnection module: both sides of TS 23.280 clause 10.2.7. */
function createInterconnection(foundation: Foundation, closers: Closers) {
  const { config, documents, schemas, homes, peers, client, clock, random, log } = foundation;
  const { interconnection, xml: limits } = config;
  const runner = closers.add(new PolicyRunner({ deadline: interconnection.policyDeadline, limits }));
  const policies = new PolicyBook(documents, runner);
  const receiver = new Receiver({
    documents,
    homes,
    schemas,
    usage: groupUsage(config, homes),
    limits,
    derive: (system, groupId, text) => policies.derive(system, groupId, text),
    log,
  });
  // Where there are peers, the configuration has an identity; where there are none, nobody is sent it.
  const settings = { ...interconnection, identity: interconnection.identity ?? '' };
  const requester = new Requester({ homes, peers, client, receiver, clock, log }, settings);
  const deliveries = closers.add(
    new Deliveries({ documents, homes, peers, client, schemas, limits, clock, random, log }, settings),
  );
  const rederivation = closers.add(createRederivation({ documents, peers, receiver, log }));
  documents.addHook(createPlan(homes, peers, (form) => documents.treeOf(form)));
  documents.addListener((change) => {
    deliveries.wake(change);
    if (change.auid === policyAuid) rederivation.start();
  });
  return {
    requester,
    peerRequests: new PeerRequests({
      documents,
      homes,
      peers,
      receiver,
      heard: (system) => {
        deliveries.heard(system);
      },
    }),
    start: (): void => {
      rederivation.start();
      deliveries.start();
    },
  };
}

function createPipeline(
  foundation: Foundation,
  interconnection: Pick<PipelineTools, 'requester' | 'peerRequests'>,
): Pipeline {
  const { config, documents, schemas, homes, peers, log } = foundation;
  const usages = offeredUsages(config, foundation);
  return new Pipeline(
    {
      documents,
      schemas,
      known: knownIdentities(config, homes),
      usages,
      peers,
      ...interconnection,
      log,
    },
    {
      root: config.http.root,
      targetLength: config.http.limits.requestTarget,
      selectorSteps: config.xml.selectorSteps,
      limits: config.xml,
      publicRoot: publicRoot(config),
    },
  );
}

/**
 * Opens the store, compiles the schemas and starts to listen.
 *
 * @throws ConfigurationError, StoreUnusable, or the error of `listen`; nothing is left open
 */
export async function createGms(config: Config, surroundings: Surroundings): Promise<Gms> {
  const { clock, random, log } = surroundings;
  const closers = new Closers();
  try {
    const schemas = openSchemas(config);
    const store = closers.add(await openLowdbStore<DocumentState>({ ...config.store, log, random }));
    const documents = new Documents(store, clock, random, config.store.cacheBytes);
    const client = closers.add(
      new OutboundClient({
        deadline: config.interconnection.peerDeadline,
        answerBytes: config.interconnection.answerBytes,
      }),
    );
    const homes = new HomeSystems(config.system, config.peers);
    const peers = peersOf(config);
    const foundation = { ...surroundings, config, documents, schemas, homes, peers, client };

    let xcapRoot = config.http.publicRoot ?? '';
    const informer = closers.add(
      new Informer(
        informedServers(config),
        { client, clock, random, log },
        { xcapRoot: () => xcapRoot, backOff: config.interconnection.backOff },
      ),
    );
    documents.addListener((change) => {
      informer.inform(change);
    });
    const interconnection = createInterconnection(foundation, closers);
    const app = createApp(createPipeline(foundation, interconnection), config.xml.bodyBytes, log);
    const server = closers.add(await listen(app, config.http, config.http.limits));
    const root = localRoot(config, server.port);
    xcapRoot = config.http.publicRoot ?? root;
    interconnection.start();
    return { root, close: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
