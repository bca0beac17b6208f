import { describeError } from '../base/errors.js';
import type { Closers } from '../base/closers.js';
import { Operations } from '../http/operations/operations.js';
import type { SystemName } from '../base/identifiers.js';
import { groupsAuid } from '../groups/names.js';
import { PeerDirectory } from '../http/xcap/peer-directory.js';
import { PeerRequests } from '../http/xcap/peer-requests.js';
import { Orphans } from '../interconnection/operations/orphans.js';
import { Overview } from '../interconnection/operations/overview.js';
import { Refetcher } from '../interconnection/operations/refetcher.js';
import { Repairer } from '../interconnection/operations/repairer.js';
import { Verifier } from '../interconnection/operations/verifier.js';
import { Receiver } from '../interconnection/partner/receiver.js';
import { Rederivation } from '../interconnection/partner/rederivation.js';
import { Requester } from '../interconnection/partner/requester.js';
import { Revalidation } from '../interconnection/partner/revalidation.js';
import { PeerClient } from '../interconnection/peer-client.js';
import { Reconciliation } from '../interconnection/primary/reconciliation.js';
import { Deliveries } from '../interconnection/primary/deliveries.js';
import { createPlan } from '../interconnection/primary/plan.js';
import { Tombstones } from '../interconnection/primary/tombstones.js';
import { Shares } from '../interconnection/sharing/shares.js';
import { PoliciesInForce } from '../policy/policies-in-force.js';
import { PolicyPreviews } from '../policy/preview/preview.js';
import type { SlowPolicy } from '../policy/runner.js';
import { createPolicyUsage, policyAuid } from '../policy/usage.js';
import { publicRoot, type Foundation } from './foundation.js';
import { groupUsage } from './usages.js';

/** The interconnection of MC systems (TS 23.280 clause 10.2.7), composed: what the rest of a system needs of it. */
export interface Interconnection {
  readonly peerRequests: PeerRequests;
  /** The list that each peer reads of the groups it shares with us. */
  readonly peerDirectory: PeerDirectory;
  readonly requester: Requester;
  readonly previews: PolicyPreviews;
  readonly deliveries: Deliveries;
  readonly revalidation: Revalidation;
  readonly operations: Operations;
  /** Takes up deliveries, revalidation and policies that changed while the system was down. */
  readonly start: () => void;
}

/** Composes both sides: this system as a partner, and as the primary of its own groups. */
export function createInterconnection(foundation: Foundation, closers: Closers): Interconnection {
  const { config, documents, judge, readings, mcNames, homes, peers, client, openRunner } = foundation;
  const { clock, random, log, counters } = foundation;
  const { interconnection, xml: limits } = config;
  // Where there are peers, the configuration has an identity; where there are none, nobody is sent it.
  const identity = interconnection.identity ?? '';
  const clientOptions = {
    identity,
    incarnation: foundation.incarnation.token,
    schemas: foundation.schemas,
    limits,
    clock,
    onIncarnation: (system: SystemName, token: string): void => {
      revalidation.heard(system, token);
      if (reconciliation.heard(system, token)) askAgain(system);
    },
  };
  const peerClient = new PeerClient(client, clientOptions);
  const fetching = new PeerClient(counters.counting(client), clientOptions);

  // What was refused was refused by a store that is no more, or of a group as it no longer is.
  const askAgain = (system: SystemName): void => {
    deliveries.retry(system).catch((error: unknown) => {
      log.error({ peer: system, reason: describeError(error) }, 'what was parked is not tried again');
    });
  };

  // The partner: what is defined in other systems.
  const onSlow = ({ input, step, milliseconds, ended }: SlowPolicy): void => {
    const fields = { peer: input.system, group: input.groupId, policy: step, milliseconds };
    log.warn(fields, ended ? 'the policy takes too long: it was ended' : 'the policy is slow');
  };
  const policies = new PoliciesInForce(documents, closers.add(openRunner(onSlow)));
  const rules = { usage: groupUsage(config, homes, mcNames), judge };
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
  const requester = new Requester(
    { documents, homes, peers, peerClient: fetching, receiver, clock, log },
    interconnection,
  );

  const revalidation = closers.add(
    new Revalidation(
      { documents, peers, requester, clock, random, log },
      { interval: interconnection.revalidation, brake: interconnection.removals },
    ),
  );
  const rederivation = closers.add(new Rederivation({ documents, receiver, clock, log }));
  const previews = new PolicyPreviews({
    documents,
    peers,
    policies,
    runner: closers.add(openRunner()),
    policyUsage: createPolicyUsage(),
    rules,
    clock,
    log,
  });

  // The primary: what is defined here, and who is to hold it.
  const deliveries = closers.add(
    new Deliveries({ documents, readings, homes, peers, peerClient, clock, random, log }, interconnection),
  );
  documents.addHook(createPlan({ homes, peers, readings }));

  const reconciliation = closers.add(
    new Reconciliation(
      {
        documents,
        peers,
        peerClient,
        wake: (key) => {
          deliveries.wake({ key, auid: groupsAuid });
        },
        clock,
        random,
        log,
      },
      interconnection.reconciliation,
    ),
  );

  const tombstones = closers.add(new Tombstones({ documents, clock, log }));

  documents.addListener((change) => {
    deliveries.wake(change);
    if (change.auid === policyAuid) rederivation.start();
  });

  // The operator.
  const orphans = new Orphans(documents, homes);
  const refetcher = new Refetcher(
    { documents, requester, clock },
    { ...interconnection, brake: interconnection.removals },
  );
  const verifier = new Verifier(
    { documents, homes, peers, peerClient: fetching, peerLists: peerClient, clock },
    interconnection,
  );
  const operations = closers.add(
    new Operations(
      {
        ...foundation,
        overview: new Overview({ documents, homes, peers, deliveries, revalidation, reconciliation }),
        deliveries,
        revalidation,
        refetcher,
        verifier,
        repairer: new Repairer(
          { documents, verifier, refetcher, requester, deliveries, clock },
          interconnection,
        ),
        shares: new Shares({ documents, readings, homes, peers, deliveries, clock }),
        orphans,
        rederivation,
        auditLost: () => foundation.audit?.lost ?? 0,
      },
      { path: config.http.operations, targetLength: config.http.limits.requestTarget },
    ),
  );

  const peerRequests = new PeerRequests({
    ...foundation,
    receiver,
    incarnation: foundation.incarnation.token,
    heard: (system, incarnation) => {
      deliveries.heard(system);
      if (incarnation !== undefined) clientOptions.onIncarnation(system, incarnation);
    },
  });
  const peerDirectory = new PeerDirectory(
    { ...foundation, documents, homes, peers, clock },
    publicRoot(config),
  );
  return {
    peerRequests,
    peerDirectory,
    requester,
    previews,
    deliveries,
    revalidation,
    operations,
    start: (): void => {
      rederivation.start();
      deliveries.start();
      revalidation.start();
      reconciliation.start(foundation.incarnation.isNew);
      tombstones.start();
      if (foundation.incarnation.isNew) for (const system of peers.keys()) askAgain(system);
    },
  };
}
