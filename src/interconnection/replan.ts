import { BackgroundPass } from '../base/background-pass.js';
import { describeError } from '../base/errors.js';
import type { DocumentName, SystemName } from '../base/identifiers.js';
import type { Log } from '../base/log.js';
import type { HomeSystems } from '../auth/home-systems.js';
import { terms, type Decision, type Documents } from '../documents/documents.js';
import type { StoredDocument } from '../documents/state.js';
import { groupsAuid } from '../groups/group-usage.js';
import { groupView } from '../groups/view.js';
import type { Peers } from './peers.js';
import { firstDelivery, partnersConcerned } from './plan.js';

interface Tools {
  readonly documents: Documents;
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly log: Log;
}

/**
 * Looks at start whether the configuration has brought new partners: a peer that was added, or a group
 * that is now shared by name. Commits plan deliveries for what changes (plan.ts); this plans them for
 * what was there before.
 */
export function createReplanning({ documents, homes, peers, log }: Tools): BackgroundPass {
  const unplanned = ({ state }: StoredDocument): readonly SystemName[] => {
    if (state.current === null || state.received !== null) return [];
    const view = groupView(documents.treeOf(state.current));
    return [...partnersConcerned(view, homes, peers)].filter(
      (name) => peers.get(name)?.provide === true && state.deliveries[name] === undefined,
    );
  };
  const plan = (current: StoredDocument | undefined): Decision<void> => {
    const added = current === undefined ? [] : unplanned(current);
    if (current === undefined || added.length === 0) return { kind: 'keep', result: undefined };
    const planned = Object.fromEntries(added.map((name) => [name, firstDelivery]));
    return {
      kind: 'put',
      placement: { key: current.key as string as DocumentName, names: current.names },
      state: { ...current.state, deliveries: { ...current.state.deliveries, ...planned } },
      result: () => undefined,
    };
  };
  return new BackgroundPass(async (isOver) => {
    if (peers.size === 0) return;
    for (const key of documents.keysOf(terms.usage(groupsAuid))) {
      if (isOver()) return;
      try {
        await documents.change(key as string as DocumentName, plan);
      } catch (error) {
        log.error({ reason: describeError(error) }, 'deliveries could not be planned');
      }
    }
  });
}
