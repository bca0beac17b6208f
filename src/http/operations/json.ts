/* eslint-disable @typescript-eslint/explicit-module-boundary-types -- each function states its view; the types below are taken from them */
import type { Amount, Part } from '../../documents/holdings.js';
import type { Quota, Quotas } from '../../documents/quotas.js';
import type { Orphan } from '../../interconnection/operations/orphans.js';
import type {
  DeliveredGroup,
  PartnerOverview,
  ReceivedGroup,
} from '../../interconnection/operations/overview.js';
import type { Refetched } from '../../interconnection/operations/refetcher.js';
import type { Repaired } from '../../interconnection/operations/repairer.js';
import type { Verification } from '../../interconnection/operations/verifier.js';
import type { RederivationProgress } from '../../interconnection/partner/rederivation.js';
import type { RevalidationPass } from '../../interconnection/partner/revalidation.js';
import type { Share } from '../../interconnection/sharing/shares.js';

/**
 * What operators read, as JSON values. Times are in ISO 8601, UTC; what is unknown or does not apply is null.
 */

export type PartnerJson = ReturnType<typeof partnerJson>;
export type DeliveredGroupJson = ReturnType<typeof deliveredGroupJson>;
export type ReceivedGroupJson = ReturnType<typeof receivedGroupJson>;
export type VerificationJson = ReturnType<typeof verificationJson>;
export type RepairedJson = ReturnType<typeof repairedJson>;
export type RevalidationJson = ReturnType<typeof revalidationJson>;
export type RefetchedJson = ReturnType<typeof refetchedJson>;

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function timeOrNull(milliseconds: number | null | undefined): string | null {
  return milliseconds === null || milliseconds === undefined ? null : time(milliseconds);
}

export function revalidationJson({ at, outcomes, brokenOff, heldBack }: RevalidationPass) {
  return {
    at: time(at),
    outcomes,
    /** Whether the peer stopped answering before the end. */
    brokenOff,
    /** How many groups the primary says are gone, and stay until the operator accepts it. */
    heldBack,
  };
}

export function partnerJson({
  name,
  configured,
  standing,
  received,
  revalidation,
  reconciliation,
}: PartnerOverview) {
  const { reachableSince, failing, underWay, pending, parked, delivered } = standing;
  return {
    name,
    /** False for a system that is no peer any more, and of which groups are held, or which is owed something. */
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
    /** How many of its groups are held here. */
    received,
    revalidation: revalidation === undefined ? null : revalidationJson(revalidation),
    /** The last comparison of what it holds of ours with what it should hold. */
    reconciliation: reconciliation === undefined ? null : { ...reconciliation, at: time(reconciliation.at) },
  };
}

export function deliveredGroupJson({ groupId, delivery, tag, withdrawal }: DeliveredGroup) {
  const { status, acknowledged, behind, failures, reason, retryAt, answer } = delivery;
  return {
    group: groupId,
    status,
    /** Of the present form; null where the group is deleted. */
    tag,
    /** Whether what is pending or parked is a withdrawal. */
    withdrawal,
    /** The last tag that the partner has acknowledged. */
    acknowledged,
    /** How many changes the partner has not acknowledged. */
    behind,
    failures,
    reason,
    nextAttempt: timeOrNull(retryAt),
    answer: answer && { status: answer.status, at: time(answer.at), result: answer.result },
    /** What the operator should know of the partner's ways. */
    remark: answer?.remark ?? null,
  };
}

export function receivedGroupJson(received: ReceivedGroup) {
  const { groupId, tag, at, upstreamTag, effectiveTag, modifications, orphaned, notConfirmedSince } =
    received;
  return {
    group: groupId,
    tag,
    receivedAt: time(at),
    upstreamTag,
    effectiveTag,
    modifications,
    orphaned,
    /** Since when its primary has not confirmed that it is still so. */
    notConfirmedSince: timeOrNull(notConfirmedSince),
  };
}

export function verificationJson({ counts, differences, leftOut, notCompared, noList }: Verification) {
  return {
    inSync: counts['in-sync'],
    drift: counts.drift,
    missingThere: counts['missing-there'],
    missingHere: counts['missing-here'],
    notComparable: counts['not-comparable'],
    notCompared,
    differences: differences.map(({ groupId, side, comparison, reason, ours, since, theirs }) => ({
      group: groupId,
      side,
      comparison,
      reason: reason ?? null,
      /** Of what is held here, and since when. */
      tag: ours ?? null,
      since: timeOrNull(since),
      theirTag: theirs ?? null,
    })),
    leftOut,
    /** Why the peer gave no list, so that only groups known here were compared. */
    noList: noList ?? null,
  };
}

/** The most groups that one list of a repair names. */
const longestList = 1000;

export function repairedJson({ verification, resent, refetched, fetched, left }: Repaired) {
  const { counts, notCompared, noList } = verification;
  return {
    inSync: counts['in-sync'],
    differed: verification.differences.length,
    notCompared,
    noList: noList ?? null,
    /** Groups of ours that the peer is told of again. */
    resent: resent.slice(0, longestList),
    /** Its groups that are held here and were asked for again. */
    refetched: refetchedJson(refetched),
    /** Its groups that were missing here. */
    fetched: fetched.slice(0, longestList),
    /** Differences that stay. */
    left: left.slice(0, longestList).map(({ groupId, reason }) => ({ group: groupId, reason })),
    leftOut: [resent, fetched, left].reduce((sum, { length }) => sum + Math.max(0, length - longestList), 0),
  };
}

export function refetchedJson({ outcomes, others, leftOut, notAsked, heldBack }: Refetched) {
  const listed = others.map(({ groupId, outcome }) => ({ group: groupId, outcome }));
  return { outcomes, others: listed, leftOut, notAsked, heldBack };
}

export function shareJson({ groupId, system, by }: Share) {
  return { group: groupId, peer: system, by };
}

export function orphanJson({ groupId, system }: Orphan) {
  return { group: groupId, receivedFrom: system };
}

export function progressJson({ startedAt, endedAt, ...progress }: RederivationProgress) {
  return { ...progress, startedAt: timeOrNull(startedAt), endedAt: timeOrNull(endedAt) };
}

function amountJson({ documents, remembered, octets }: Amount, quota: Quota | undefined) {
  const most = { documents: quota?.documents ?? 0, octets: quota?.octets ?? 0 };
  return {
    documents,
    /** Records of documents that are gone, which are still needed. */
    remembered,
    octets,
    /** The quota; null for none. */
    most: { documents: most.documents || null, octets: most.octets || null },
  };
}

/**
 * What is stored, by whose it is: in all, of each MC system, and of the XUIs and users whose quota is nearly
 * exhausted.
 *
 * @param peers those that are listed also where nothing of them is stored
 * @param longest the most entries of a list
 */
export async function quotasJson(quotas: Quotas, peers: readonly string[], longest: number) {
  const { limits } = quotas;
  const of = async (part: Part, id: string) =>
    amountJson(await quotas.amountOf(part, id), quotas.quotaOf(part));
  const systems = new Set([...peers, ...(await quotas.idsOf('peer'))]);
  const ofSystems = new Map<string, ReturnType<typeof amountJson>>();
  for (const name of [...systems].sort()) ofSystems.set(name, await of('peer', name));
  const filled = await quotas.filled();
  return {
    total: amountJson(await quotas.total(), limits.total),
    own: await of('own', ''),
    peers: Object.fromEntries(ofSystems),
    nearlyExhausted: filled.slice(0, longest).map(({ part, id, quota, ...amount }) => ({
      part,
      of: id === '' ? null : id,
      ...amountJson(amount, quota),
    })),
    leftOut: Math.max(0, filled.length - longest),
  };
}
