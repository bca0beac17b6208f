import { Closers } from '../base/closers.js';
import { describeError } from '../base/errors.js';
import type { RequestHandler } from '../http/messages.js';
import type { Operations } from '../http/operations/operations.js';
import { ServiceAuthorisations } from '../http/service-authorisations.js';
import { Pipeline } from '../http/xcap/pipeline.js';
import type { Revalidation } from '../interconnection/partner/revalidation.js';
import type { Deliveries } from '../interconnection/primary/deliveries.js';
import { Informer } from '../notification/informer.js';
import type { Config } from './config.js';
import {
  createFoundation,
  publicRoot,
  type Foundation,
  type Ground,
  type Surroundings,
} from './foundation.js';
import { createInterconnection, type Interconnection } from './interconnection.js';
import { offeredUsages } from './usages.js';

/** The parts of a system put together, without a socket. */

export interface System {
  readonly pipeline: Pipeline;
  readonly deliveries: Deliveries;
  readonly revalidation: Revalidation;
  /** The resources for operators, beside the XCAP root. */
  readonly operations: Operations;
  /** Answers every request, also those to paths outside the XCAP root. */
  readonly handler: RequestHandler;
  /** Takes up what is left from before. @param root the XCAP root URL that the system is reached by */
  start(root: string): void;
  /** Ends what is under way; the ground stays open. */
  close(): Promise<void>;
}

/** Puts a system together; nothing of it runs before `start`. */
export function composeSystem(config: Config, surroundings: Surroundings, ground: Ground): System {
  const closers = new Closers();
  const foundation = createFoundation(config, surroundings, ground, closers);
  let xcapRoot = '';
  const keepNames = namesKeeper(foundation, closers);
  informServers(foundation, () => xcapRoot, closers);
  const interconnection = createInterconnection(foundation, closers);
  const { deliveries, operations, requester, revalidation } = interconnection;
  const pipeline = createPipeline(foundation, interconnection);
  const outsideRoot = [operations, new ServiceAuthorisations({ ...foundation, requester })];
  return {
    pipeline,
    deliveries,
    revalidation,
    operations,
    handler: {
      handle: (request) =>
        (outsideRoot.find((each) => each.owns(request.target)) ?? pipeline).handle(request),
    },
    start: (root) => {
      xcapRoot = config.http.publicRoot ?? root;
      keepNames();
      interconnection.start();
    },
    close: () => closers.close(),
  };
}

/** Writes down what the peers are called. They may be called otherwise, or be gone, at the next start. */
function namesKeeper({ store, log }: Foundation, closers: Closers): () => void {
  let keeping: Promise<void> | undefined;
  closers.add({ close: async () => await keeping });
  return () => {
    keeping = store.keepNames().catch((error: unknown) => {
      log.error({ reason: describeError(error) }, 'names of MC systems not written down');
    });
  };
}

/** Tells MC service servers of every change of a group. */
function informServers(foundation: Foundation, xcapRoot: () => string, closers: Closers): void {
  const { config, documents } = foundation;
  const servers = config.mcServiceServers.flatMap(({ identity, inform }) =>
    inform === undefined ? [] : [{ identity, url: inform }],
  );
  const settings = { xcapRoot, backOff: config.interconnection.backOff };
  const informer = closers.add(new Informer(servers, foundation, settings));
  documents.addListener((change) => {
    informer.inform(change);
  });
}

function createPipeline(foundation: Foundation, interconnection: Interconnection): Pipeline {
  const { config } = foundation;
  const { peerDirectory, peerRequests, previews, requester } = interconnection;
  const usages = offeredUsages(config, foundation, previews);
  return new Pipeline(
    { ...foundation, usages, peerRequests, peerDirectory, requester },
    {
      root: config.http.root,
      targetLength: config.http.limits.requestTarget,
      selectorSteps: config.xml.selectorSteps,
      publicRoot: publicRoot(config),
    },
  );
}
