import type { PartnerAnswer } from '../../documents/state.js';
import type { Orphan } from '../../interconnection/operations/orphans.js';
import type {
  DeliveredGroup,
  DeliveryStatus,
  PartnerOverview,
  ReceivedGroup,
} from '../../interconnection/operations/overview.js';
import type { RederivationProgress } from '../../interconnection/partner/rederivation.js';
import type { Refetched } from '../../interconnection/operations/refetcher.js';
import type { Share } from '../../interconnection/sharing/shares.js';
import type { ComparedGroup, Comparison, Verification } from '../../interconnection/operations/verifier.js';

/** What operators read, as JSON values: times in ISO 8601, what is not known or does not apply as null. */

/** A time in ISO 8601, UTC. */
type Time = string;

export interface PartnerJson {
  readonly name: string;
  /** False for a system that is no peer any more, and of which groups are still held. */
  readonly configured: boolean;
  readonly reachableSince: Time | null;
  readonly failing: {
    readonly since: Time;
    readonly reason: string;
    readonly failures: number;
    readonly nextAttempt: Time;
  } | null;
  readonly underWay: number;
  readonly pending: number;
  readonly parked: number;
  readonly delivered: number;
  /** How many of its groups are held here. */
  readonly received: number;
  readonly revalidation: {
    readonly at: Time;
    readonly outcomes: Readonly<Record<string, number>>;
    readonly brokenOff: boolean;
  } | null;
}

export interface DeliveredGroupJson {
  readonly group: string;
  readonly status: DeliveryStatus;
  /** Of our present form; null where the group is deleted. */
  readonly tag: string | null;
  /** Whether what is pending or parked is a withdrawal. */
  readonly withdrawal: boolean;
  /** The tag that the partner has acknowledged last. */
  readonly acknowledged: string | null;
  /** How many changes it has not acknowledged. */
  readonly behind: number;
  readonly failures: number;
  readonly reason: string | null;
  readonly nextAttempt: Time | null;
  readonly answer: {
    readonly status: number;
    readonly at: Time;
    readonly result: PartnerAnswer['result'];
  } | null;
}

export interface ReceivedGroupJson {
  readonly group: string;
  readonly tag: string;
  readonly receivedAt: Time;
  /** The primary's own tag, where it is known. */
  readonly upstreamTag: string | null;
  readonly effectiveTag: string | null;
  readonly modifications: number;
  readonly orphaned: boolean;
}

export interface VerificationJson {
  readonly inSync: number;
  readonly drift: number;
  readonly missingThere: number;
  readonly missingHere: number;
  readonly notComparable: number;
  readonly notCompared: number;
  readonly differences: readonly {
    readonly group: string;
    readonly side: ComparedGroup['side'];
    readonly comparison: Comparison;
    readonly reason: string | null;
    /** Of what is held here, and since when. */
    readonly tag: string | null;
    readonly since: Time | null;
    readonly theirTag: string | null;
  }[];
  readonly leftOut: number;
}

export interface RefetchedJson {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly others: readonly { readonly group: string; readonly outcome: string }[];
  readonly leftOut: number;
  readonly notAsked: number;
}

export interface ShareJson {
  readonly group: string;
  readonly peer: string;
  readonly by: Share['by'];
}

export interface OrphanJson {
  readonly group: string;
  readonly receivedFrom: string;
}

export interface ProgressJson extends Pick<RederivationProgress, 'state' | 'total' | 'done' | 'failed'> {
  readonly startedAt: Time | null;
  readonly endedAt: Time | null;
}

function time(milliseconds: number): Time {
  return new Date(milliseconds).toISOString();
}

function timeOrNull(milliseconds: number | null | undefined): Time | null {
  return milliseconds === null || milliseconds === undefined ? null : time(milliseconds);
}

export function partnerJson({
  name,
  configured,
  standing,
  received,
  revalidation,
}: PartnerOverview): PartnerJson {
  const { reachableSince, failing, underWay, pending, parked, delivered } = standing;
  return {
    name,
    configured,
    reachableSince: timeOrNull(reachableSince),
    failing: failing && {
      since: time(failing.since),
      reason: failing.reason,
      failures: failing.failures,
      nextAttempt: time(failing.nextAttempt),
    },
    underWay,
    pending,
    parked,
    delivered,
    received,
    revalidation:
      revalidation === undefined
        ? null
        : {
            at: time(revalidation.at),
            outcomes: revalidation.outcomes,
            brokenOff: revalidation.brokenOff,
          },
  };
}

export function deliveredGroupJson({
  groupId,
  delivery,
  tag,
  withdrawal,
}: DeliveredGroup): DeliveredGroupJson {
  const { status, acknowledged, behind, failures, reason, retryAt, answer } = delivery;
  return {
    group: groupId,
    status,
    tag,
    withdrawal,
    acknowledged,
    behind,
    failures,
    reason,
    nextAttempt: timeOrNull(retryAt),
    answer: answer && { status: answer.status, at: time(answer.at), result: answer.result },
  };
}

export function receivedGroupJson(received: ReceivedGroup): ReceivedGroupJson {
  const { groupId, tag, at, upstreamTag, effectiveTag, modifications, orphaned } = received;
  return { group: groupId, tag, receivedAt: time(at), upstreamTag, effectiveTag, modifications, orphaned };
}

export function verificationJson({
  counts,
  differences,
  leftOut,
  notCompared,
}: Verification): VerificationJson {
  return {
    inSync: counts['in-sync'],
    drift: counts.drift,
    missingThere: counts['missing-there'],
    missingHere: counts['missing-here'],
    notComparable: counts['not-comparable'],
    notCompared,
    differences: differences.map((group) => ({
      group: group.groupId,
      side: group.side,
      comparison: group.comparison,
      reason: group.reason ?? null,
      tag: group.ours ?? null,
      since: timeOrNull(group.since),
      theirTag: group.theirs ?? null,
    })),
    leftOut,
  };
}

export function refetchedJson({ outcomes, others, leftOut, notAsked }: Refetched): RefetchedJson {
  return {
    outcomes,
    others: others.map(({ groupId, outcome }) => ({ group: groupId, outcome })),
    leftOut,
    notAsked,
  };
}

export function shareJson({ groupId, system, by }: Share): ShareJson {
  return { group: groupId, peer: system, by };
}

export function orphanJson({ groupId, system }: Orphan): OrphanJson {
  return { group: groupId, receivedFrom: system };
}

export function progressJson({
  state,
  total,
  done,
  failed,
  startedAt,
  endedAt,
}: RederivationProgress): ProgressJson {
  return { state, total, done, failed, startedAt: timeOrNull(startedAt), endedAt: timeOrNull(endedAt) };
}
