import type { Closers } from '../base/closers.js';
import { Operations } from '../http/operations/operations.js';
import { PeerRequests } from '../http/xcap/peer-requests.js';
import type { PipelineTools } from '../http/xcap/pipeline.js';
import { Orphans } from '../interconnection/operations/orphans.js';
import { Overview } from '../interconnection/operations/overview.js';
import { Refetcher } from '../interconnection/operations/refetcher.js';
import { Verifier } from '../interconnection/operations/verifier.js';
import { Receiver } from '../interconnection/partner/receiver.js';
import { Rederivation } from '../interconnection/partner/rederivation.js';
import { Requester } from '../interconnection/partner/requester.js';
import { Revalidation } from '../interconnection/partner/revalidation.js';
import { PeerClient } from '../interconnection/peer-client.js';
import { Deliveries } from '../interconnection/primary/deliveries.js';
import { createPlan } from '../interconnection/primary/plan.js';
import { Shares } from '../interconnection/sharing/shares.js';
import { PoliciesInForce } from '../policy/policies-in-force.js';
import { PolicyPreviews } from '../policy/preview.js';
import { createPolicyUsage, policyAuid } from '../policy/usage.js';
import { type Foundation, knownIdentities } from './foundation.js';
import { groupUsage } from './usages.js';

/** The interconnection module, composed: what the rest of a system needs of it. */
interface Interconnection extends Pick<PipelineTools, 'requester' | 'peerRequests'> {
  readonly previews: PolicyPreviews;
  readonly deliveries: Deliveries;
  readonly operations: Operations;
  readonly requester: Requester;
  /** Takes up deliveries, revalidation and policies that changed while the system was down. */
  readonly start: () => void;
}

/** Composes both sides of TS 23.280 clause 10.2.7. */
export function createInterconnection(foundation: Foundation, closers: Closers): Interconnection {
  const { config, documents, schemas, mcNames, homes, peers, client, openRunner } = foundation;
  const { clock, random, log, counters, tell } = foundation;
  const { interconnection, xml: limits } = config;
  const runner = closers.add(openRunner());
  const policies = new PoliciesInForce(documents, runner);
  const rules = { usage: groupUsage(config, homes, mcNames), schemas, limits };
  const receiver = new Receiver({
    ...rules,
    documents,
    homes,
    derive: (system, groupId, text) => policies.derive(system, groupId, text),
    deriveLater: () => {
      rederivation.startLater();
    },
    log,
  });
  // Where there are peers, the configuration has an identity; where there are none, nobody is sent it.
  const identity = interconnection.identity ?? '';
  const peerClient = new PeerClient(client, identity);
  const fetching = new PeerClient(counters.counting(client), identity);
  const requester = new Requester(
    { documents, homes, peers, peerClient: fetching, receiver, clock, log },
    interconnection,
  );
  const deliveries = closers.add(
    new Deliveries(
      { documents, homes, peers, peerClient, schemas, limits, clock, random, log },
      interconnection,
    ),
  );
  const revalidation = closers.add(
    new Revalidation({ documents, peers, requester, clock, random, log }, interconnection.revalidation),
  );
  const rederivation = closers.add(new Rederivation({ documents, receiver, clock, log }));
  const trialRunner = closers.add(openRunner());
  const previews = new PolicyPreviews({
    documents,
    peers,
    policies,
    runner: trialRunner,
    policyUsage: createPolicyUsage(),
    rules,
    clock,
  });
  documents.addHook(createPlan(homes, peers, (form) => documents.treeOf(form)));
  documents.addListener((change) => {
    deliveries.wake(change);
    if (change.auid === policyAuid) rederivation.start();
  });
  const orphans = new Orphans(documents, peers, clock);
  const operations = closers.add(
    new Operations(
      {
        known: knownIdentities(config, homes),
        peers,
        overview: new Overview({ documents, homes, peers, orphans, deliveries, revalidation }),
        deliveries,
        refetcher: new Refetcher({ documents, requester, clock }, interconnection),
        verifier: new Verifier({ documents, homes, peers, peerClient: fetching, clock }, interconnection),
        shares: new Shares({ documents, homes, peers, deliveries, clock }),
        orphans,
        rederivation,
        counters,
        auditLost: () => foundation.audit?.lost ?? 0,
        tell,
        clock,
        log,
      },
      { path: config.http.operations, targetLength: config.http.limits.requestTarget },
    ),
  );
  return {
    previews,
    deliveries,
    operations,
    requester,
    peerRequests: new PeerRequests({
      documents,
      homes,
      peers,
      receiver,
      heard: (system) => {
        deliveries.heard(system);
      },
      tell,
    }),
    start: (): void => {
      rederivation.start();
      deliveries.start();
      revalidation.start();
    },
  };
}
