import { eventsOf } from '../audit/commit-events.js';
import { Counters } from '../audit/counters.js';
import { type Tell, auditLine } from '../audit/events.js';
import { Closers } from '../base/closers.js';
import { Documents } from '../documents/documents.js';
import type { RequestHandler } from '../http/messages.js';
import type { Operations } from '../http/operations/operations.js';
import { ServiceAuthorisations } from '../http/service-authorisations.js';
import { Pipeline, type PipelineTools } from '../http/xcap/pipeline.js';
import type { Deliveries } from '../interconnection/primary/deliveries.js';
import { HomeSystems } from '../mc-systems/homes.js';
import { Informer, type InformedServer } from '../notification/informer.js';
import type { PolicyPreviews } from '../policy/preview.js';
import type { Config } from './config.js';
import {
  type Foundation,
  knownIdentities,
  publicRoot,
  type Surroundings,
  type Ground,
  peersOf,
} from './foundation.js';
import { createInterconnection } from './interconnection.js';
import { offeredUsages } from './usages.js';

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

function informedServers(config: Config): readonly InformedServer[] {
  return config.mcServiceServers.flatMap(({ identity, inform }) =>
    inform === undefined ? [] : [{ identity, url: inform }],
  );
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
