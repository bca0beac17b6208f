import { auditLine, type Tell } from '../audit/events.js';
import { HomeSystems } from '../mc-systems/homes.js';
import type { Config } from './config.js';
import { Documents } from '../documents/documents.js';
import type { DocumentState } from '../documents/state.js';
import type { RequestHandler } from '../http/messages.js';
import { Operations } from '../http/operations/operations.js';
import { ServiceAuthorisations } from '../http/service-authorisations.js';
import { Pipeline, type PipelineTools } from '../http/xcap/pipeline.js';
import { createApp, listen } from '../http/server.js';
import { eventsOf } from '../audit/commit-events.js';
import { Counters } from '../audit/counters.js';
import { Deliveries } from '../interconnection/primary/deliveries.js';
import { OutboundClient } from '../outbound/client.js';
import { PolicyRunner } from '../policy/runner.js';
import { PolicyPreviews } from '../policy/preview.js';
import { Informer, type InformedServer } from '../notification/informer.js';
import { LineLog } from '../audit/line-log.js';
import { openLowdbStore } from '../store/lowdb/lowdb-store.js';
import { Closers } from '../base/closers.js';
import {
  type Surroundings,
  type Ground,
  knownIdentities,
  peersOf,
  publicRoot,
  type Foundation,
} from './foundation.js';
import { offeredUsages, openSchemas, openMcNames } from './usages.js';
import { createInterconnection } from './interconnection.js';

/** A system without a socket. */
export interface System {
  readonly pipeline: Pipeline;
  readonly deliveries: Deliveries;
  /** The resources for operators, beside the XCAP root. */
  readonly operations: Operations;
  /** Answers every request: of operators, and all others. */
  readonly handler: RequestHandler;
  /** Takes up what is left from before. @param root the XCAP root URL that it is reached by */
  start(root: string): void;
  /** Ends what is under way; what it stands on stays open. */
  close(): Promise<void>;
}

/** A running group management server. */
export interface Gms {
  /** Its XCAP root URL. */
  readonly root: string;
  /** Finishes requests under way and lets go of port and store. */
  close(): Promise<void>;
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

function createPipeline(
  foundation: Foundation,
  {
    previews,
    ...interconnection
  }: Pick<PipelineTools, 'requester' | 'peerRequests'> & { readonly previews: PolicyPreviews },
): Pipeline {
  const { config, documents, schemas, homes, peers, tell, log } = foundation;
  const usages = offeredUsages(config, foundation, previews);
  return new Pipeline(
    {
      documents,
      schemas,
      known: knownIdentities(config, homes),
      usages,
      peers,
      ...interconnection,
      tell,
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

/** Puts a system together; nothing of it runs before `start`. */
export function composeSystem(config: Config, surroundings: Surroundings, ground: Ground): System {
  const { clock, random, log } = surroundings;
  const closers = new Closers();
  const documents = new Documents(ground.store, clock, random, config.store.cacheBytes);
  const homes = new HomeSystems(config.system, config.peers);
  const peers = peersOf(config);
  const counters = new Counters(peers);
  const tell: Tell = (event) => {
    counters.count(event);
    ground.audit?.append(auditLine(clock.now(), event));
  };
  const foundation = { ...surroundings, ...ground, config, documents, homes, peers, counters, tell };
  documents.addObserver((commit) => {
    for (const event of eventsOf(commit, peers)) tell(event);
  });

  let xcapRoot = '';
  const informer = closers.add(
    new Informer(
      informedServers(config),
      { client: ground.client, clock, random, log },
      { xcapRoot: () => xcapRoot, backOff: config.interconnection.backOff },
    ),
  );
  documents.addListener((change) => {
    informer.inform(change);
  });
  const interconnection = createInterconnection(foundation, closers);
  const { operations } = interconnection;
  const pipeline = createPipeline(foundation, interconnection);
  const besides = [
    operations,
    new ServiceAuthorisations({
      documents,
      requester: interconnection.requester,
      known: knownIdentities(config, homes),
      log,
    }),
  ];
  return {
    pipeline,
    deliveries: interconnection.deliveries,
    operations,
    handler: {
      handle: (request) => (besides.find((each) => each.owns(request.target)) ?? pipeline).handle(request),
    },
    start: (root) => {
      xcapRoot = config.http.publicRoot ?? root;
      interconnection.start();
    },
    close: () => closers.close(),
  };
}

/** Opens the audit log, and writes down that the system starts and, when it is closed, that it has stopped. */
async function openAudit(
  { audit, store, system }: Config,
  { clock, log }: Surroundings,
  closers: Closers,
): Promise<LineLog | undefined> {
  if (audit.file === 'none') return undefined;
  const lostLine = (events: number): string => auditLine(clock.now(), { event: 'lost', events });
  const lines = closers.add(await LineLog.open({ folder: store.folder, file: audit.file, lostLine, log }));
  const tell = (event: 'start' | 'stop'): void => {
    lines.append(auditLine(clock.now(), { event, system: system.name }));
  };
  tell('start');
  closers.add({
    close: () => {
      tell('stop');
    },
  });
  return lines;
}

/**
 * Opens the store, compiles the schemas and starts to listen.
 *
 * @throws ConfigurationError, StoreUnusable, or the error of `listen`; nothing is left open
 */
export async function createGms(config: Config, surroundings: Surroundings): Promise<Gms> {
  const { random, log } = surroundings;
  const { interconnection, store: kept, xml: limits } = config;
  const closers = new Closers();
  try {
    const schemas = openSchemas(config);
    const mcNames = openMcNames();
    const store = closers.add(await openLowdbStore<DocumentState>({ ...kept, log, random }));
    const audit = await openAudit(config, surroundings, closers);
    const client = closers.add(
      new OutboundClient({
        deadline: interconnection.peerDeadline,
        answerBytes: interconnection.answerBytes,
      }),
    );
    const openRunner = (): PolicyRunner => {
      return new PolicyRunner({ deadline: interconnection.policyDeadline, limits });
    };
    const system = closers.add(
      composeSystem(config, surroundings, { store, schemas, mcNames, client, openRunner, audit }),
    );
    const app = createApp(system.handler, config.xml.bodyBytes, log);
    const server = closers.add(await listen(app, config.http, config.http.limits));
    // A verification under way would hold up the closing of the server.
    closers.add(system.operations);
    const root = localRoot(config, server.port);
    system.start(root);
    return { root, close: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
