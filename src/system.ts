import type { Clock } from './base/clock.js';
import type { GroupId, SystemName } from './base/identifiers.js';
import type { Log } from './base/log.js';
import type { Random } from './base/random.js';
import { toGroupId } from './base/uri.js';
import type { KnownIdentities } from './auth/asserted-identity.js';
import { HomeSystems } from './auth/home-systems.js';
import type { Config } from './config.js';
import { Documents } from './documents/documents.js';
import type { DocumentState, Form } from './documents/state.js';
import { checkMayReadGroup, checkMayReadGroups, checkMayWriteGroups } from './groups/access.js';
import { createGroupUsage } from './groups/group-usage.js';
import { PeerRequests } from './http/peer-requests.js';
import { Pipeline } from './http/pipeline.js';
import type { OfferedUsage } from './http/resource.js';
import { createApp, listen } from './http/server.js';
import { Deliveries } from './interconnection/deliver.js';
import { OutboundClient } from './interconnection/outbound.js';
import type { Peers } from './interconnection/peers.js';
import { createPlan } from './interconnection/plan.js';
import { PolicyBook } from './interconnection/policy-book.js';
import { PolicyRunner } from './interconnection/policy-runner.js';
import { checkMayUsePolicies, createPolicyUsage, policyAuid } from './interconnection/policy-usage.js';
import { Receiver } from './interconnection/receive.js';
import { Rederiver } from './interconnection/rederive.js';
import { Requester } from './interconnection/request.js';
import { Informer, type InformedServer } from './notification/inform.js';
import { openLowdbStore } from './store/lowdb-store.js';
import { capsName, createCapsUsage, writeCaps } from './xcap/caps.js';
import { Schemas } from './xml/schemas.js';

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

function homesOf(config: Config): HomeSystems {
  return new HomeSystems(config.system, config.peers);
}

function peersOf(config: Config): Peers {
  return new Map(
    config.peers.map((peer) => {
      const groups = peer.groups.map((uri) => toGroupId(uri)).filter((id): id is GroupId => id !== undefined);
      return [peer.name, { ...peer, groups: new Set(groups) }];
    }),
  );
}

function knownIdentities(config: Config, homes: HomeSystems): KnownIdentities {
  return {
    administrators: new Set(config.identity.administrators),
    mcServiceServers: new Set(config.mcServiceServers.map(({ identity }) => identity)),
    peers: new Map<string, SystemName>(config.peers.map(({ identity, name }) => [identity, name])),
    homes,
  };
}

function offeredUsages(config: Config): ReadonlyMap<string, OfferedUsage> {
  const offered: OfferedUsage[] = [
    {
      usage: createGroupUsage(config.groups.creationXui),
      methods: allMethods,
      access: {
        checkRead: checkMayReadGroups,
        checkReadDocument: checkMayReadGroup,
        checkWrite: checkMayWriteGroups,
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
    },
    {
      usage: createCapsUsage(),
      methods: readMethods,
      access: {
        checkRead: () => undefined,
        checkReadDocument: () => undefined,
        checkWrite: () => undefined,
      },
    },
  ];
  return new Map(offered.map((entry) => [entry.usage.auid, entry]));
}

/** Documents that the server writes itself; their tags change with every start, as their content may. */
function ownForms(
  usages: ReadonlyMap<string, OfferedUsage>,
  documents: Documents,
): ReadonlyMap<string, Form> {
  const caps = writeCaps([...usages.values()].map(({ usage }) => usage));
  return new Map([[capsName, documents.newForm(caps)]]);
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

/**
 * Opens the store, compiles the schemas and starts to listen.
 *
 * @throws ConfigurationError, StoreUnusable, or the error of `listen`; nothing is left open
 */
export async function createGms(config: Config, surroundings: Surroundings): Promise<Gms> {
  const { clock, random, log } = surroundings;
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const schemas = Schemas.open(schemaFolder);
    const store = await openLowdbStore<DocumentState>({
      folder: config.store.folder,
      cacheBytes: config.store.cacheBytes,
      log,
      random,
    });
    closers.push(() => store.close());
    const documents = new Documents(store, clock, random, config.store.cacheBytes);
    const homes = homesOf(config);
    const peers = peersOf(config);
    const usages = offeredUsages(config);
    const limits = config.xml;

    const runner = new PolicyRunner({ deadline: config.interconnection.policyDeadline, limits });
    closers.push(() => runner.close());
    const policies = new PolicyBook(documents, runner);
    const client = new OutboundClient({
      deadline: config.interconnection.peerDeadline,
      answerBytes: config.interconnection.answerBytes,
    });
    closers.push(() => {
      client.close();
    });

    const groupUsage = createGroupUsage(config.groups.creationXui);
    const receiver = new Receiver({
      documents,
      homes,
      schemas,
      usage: groupUsage,
      limits,
      derive: (system, groupId, text) => policies.derive(system, groupId, text),
      log,
    });
    const identity = config.interconnection.identity ?? '';
    const requester = new Requester(
      { homes, peers, client, receiver, limits, clock, log },
      {
        identity,
        fetchDeadline: config.interconnection.fetchDeadline,
        refusalMemory: config.interconnection.refusalMemory,
      },
    );
    const deliveries = new Deliveries(
      { documents, homes, peers, client, clock, random, log },
      { identity, backOff: config.interconnection.backOff },
    );
    documents.addHook(createPlan(homes, peers, (form) => documents.treeOf(form)));

    const pipeline = new Pipeline(
      {
        documents,
        schemas,
        known: knownIdentities(config, homes),
        usages,
        ownForms: ownForms(usages, documents),
        peers,
        peerRequests: new PeerRequests({ documents, homes, peers, receiver }),
        requester,
        log,
      },
      {
        root: config.http.root,
        targetLength: config.http.limits.requestTarget,
        selectorSteps: config.xml.selectorSteps,
        limits,
        publicRoot: config.http.publicRoot ?? config.http.root,
      },
    );
    let root = config.http.publicRoot ?? '';
    const informer = new Informer(
      informedServers(config),
      { client, clock, random, log },
      { xcapRoot: () => root, backOff: config.interconnection.backOff },
    );
    const rederiver = new Rederiver({ documents, peers, receiver, log });
    documents.addListener((change) => {
      informer.inform(change);
      deliveries.wake();
      if (change.auid === policyAuid) rederiver.start();
    });
    closers.push(
      () => informer.close(),
      () => deliveries.close(),
      () => rederiver.close(),
    );
    const server = await listen(createApp(pipeline, config.xml.bodyBytes), config.http, config.http.limits);
    closers.push(() => server.close());
    const local = localRoot(config, server.port);
    root = config.http.publicRoot ?? local;
    deliveries.wake();
    rederiver.start();
    return { root: local, close };
  } catch (error) {
    await close();
    throw error;
  }
}
