import { setImmediate } from 'node:timers/promises';
import { BackgroundPass } from '../base/background-pass.js';
import { describeError } from '../base/errors.js';
import type { DocumentName } from '../base/identifiers.js';
import type { Log } from '../base/log.js';
import { terms, type Documents } from '../documents/documents.js';
import { groupIdOfName } from '../groups/group-usage.js';
import type { Peers } from './peers.js';
import type { Receiver } from './receive.js';

interface Tools {
  readonly documents: Documents;
  readonly peers: Peers;
  readonly receiver: Pick<Receiver, 'deriveAnew'>;
  readonly log: Log;
}

/**
 * Effective = policy(received), always (design D9): when a policy changes, every effective document is
 * derived anew from its received one. The same is done at start, in case the process ended in the
 * middle of it. Where a policy fails on a document, the former effective document stays.
 */
export function createRederivation({ documents, peers, receiver, log }: Tools): BackgroundPass {
  return new BackgroundPass(async (isOver) => {
    for (const system of peers.keys()) {
      for (const key of documents.keysOf(terms.receivedFrom(system))) {
        // Documents in memory and no policy for them: nothing else would let requests in between.
        await setImmediate();
        if (isOver()) return;
        const groupId = groupIdOfName(key as string as DocumentName);
        if (groupId === undefined) continue;
        try {
          await receiver.deriveAnew(groupId);
        } catch (error) {
          log.warn(
            { group: groupId, reason: describeError(error) },
            'the policy fails: former document stays',
          );
        }
      }
    }
  });
}
