import type { Clock } from '../../base/clock.js';
import { Ending } from '../../base/ending.js';
import type { GroupId } from '../../base/identifiers.js';
import { RequestRefused } from '../../base/refusals.js';
import type { Documents } from '../../documents/documents.js';
import { nameOfGroup } from '../../groups/names.js';
import type { Peer } from '../../mc-systems/peers.js';
import type { Requester } from '../partner/requester.js';
import type { Deliveries } from '../primary/deliveries.js';
import type { Refetched, Refetcher } from './refetcher.js';
import type { Verifier, WholeVerification } from './verifier.js';

/**
 * Makes both systems equal at the operator's request (design D17). They are compared as for a verification. Then
 * the partner is told again of every group of ours that differs, and its own groups are asked for again, or for the
 * first time.
 *
 * What this system knows nothing of is left: a partner's copy may be the last one of a group that was lost here.
 */

/** What was done about the differences. */
export interface Repaired {
  /** The groups before the repair. */
  readonly verification: WholeVerification;
  /** Groups of ours that the partner is told of again. */
  readonly resent: readonly GroupId[];
  /** What came of asking for its groups that are held here. */
  readonly refetched: Refetched;
  /** Its groups that were not held here, and are now. */
  readonly fetched: readonly GroupId[];
  /** Differences that stay, each with the reason. */
  readonly left: readonly { readonly groupId: GroupId; readonly reason: string }[];
}

interface Tools {
  readonly documents: Pick<Documents, 'find'>;
  readonly verifier: Pick<Verifier, 'verifyAll'>;
  readonly refetcher: Pick<Refetcher, 'refetchThese'>;
  readonly requester: Pick<Requester, 'fetch'>;
  readonly deliveries: Pick<Deliveries, 'resendThese'>;
  readonly clock: Clock;
}

interface Settings {
  /** Milliseconds for fetching all groups of a peer that are missing here. */
  readonly operationDeadline: number;
}

export class Repairer {
  readonly #tools: Tools;
  readonly #settings: Settings;
  readonly #closing = new AbortController();

  constructor(tools: Tools, settings: Settings) {
    this.#tools = tools;
    this.#settings = settings;
  }

  /** Ends repairs under way after their present groups. */
  close(): void {
    this.#closing.abort();
  }

  /** Compares every group that is shared with `peer`, and repairs what differs. */
  async repair(peer: Peer): Promise<Repaired> {
    const { deliveries, refetcher, verifier } = this.#tools;
    const verification = await verifier.verifyAll(peer);
    const left: { readonly groupId: GroupId; readonly reason: string }[] = [];
    const toSend: GroupId[] = [];
    const toAsk = new Set<GroupId>();
    const toFetch: GroupId[] = [];
    for (const { groupId, comparison, side, ours, reason = '' } of verification.differences) {
      if (comparison === 'not-comparable') left.push({ groupId, reason });
      else if (side === 'delivered') toSend.push(groupId);
      else if (ours === undefined) toFetch.push(groupId);
      else toAsk.add(groupId);
    }
    const resent = await deliveries.resendThese(peer.name, toSend);
    const sent = new Set(resent);
    for (const groupId of toSend) if (!sent.has(groupId)) left.push({ groupId, reason: unknownHere });
    const refetched = await refetcher.refetchThese(peer.name, toAsk);
    const fetched: GroupId[] = [];
    using ending = new Ending(this.#tools.clock, this.#settings.operationDeadline, this.#closing.signal);
    for (const groupId of toFetch) {
      const reason = ending.signal.aborted ? 'there was no time left' : await this.#fetch(groupId);
      if (reason === undefined) fetched.push(groupId);
      else left.push({ groupId, reason });
    }
    return { verification, resent, refetched, fetched, left };
  }

  /** @returns why it was not fetched; undefined where it was */
  async #fetch(groupId: GroupId): Promise<string | undefined> {
    try {
      const { documents, requester } = this.#tools;
      await requester.fetch(groupId, { kind: 'operator' });
      const isHeld = (await documents.find(nameOfGroup(groupId)))?.received !== undefined;
      return isHeld ? undefined : 'it has no member of this system: its primary must provide it again';
    } catch (error) {
      if (error instanceof RequestRefused) return error.message;
      throw error;
    }
  }
}

const unknownHere =
  'nothing is known here of this group of ours: put it again, or withdraw it there (mcgms resend PEER GROUP)';
