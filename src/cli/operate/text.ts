import type {
  PartnerJson,
  RefetchedJson,
  RepairedJson,
  RevalidationJson,
  VerificationJson,
  DeliveredGroupJson,
  ReceivedGroupJson,
} from '../../http/operations/json.js';
import type { OperatorCall } from '../commands.js';
import { exitCode } from '../exit.js';
import { visible, table } from '../table.js';

interface Shown {
  readonly lines: string;
  readonly code: number;
}

/** What people read of an answer, and what scripts are told by the exit code. */
export function shown(call: OperatorCall, answer: unknown): Shown {
  switch (call.action) {
    case 'peers':
      if (call.peer !== undefined) return done(partnerText(answer as PartnerDetail));
      return done(partnersText((answer as { readonly peers: readonly PartnerJson[] }).peers));
    case 'share':
    case 'unshare':
      return done(shareText(answer as ShareAnswer));
    case 'retry': {
      const { peer, tried } = answer as { readonly peer: string; readonly tried: number };
      const what = tried === 0 ? 'nothing is pending or parked' : `${groups(tried)} tried again`;
      return done(`${visible(peer)}: ${what}\n`);
    }
    case 'refetch':
      return refetchedShown(answer as RefetchedJson & { readonly peer: string });
    case 'verify':
      if (call.repair) return repairShown(answer as RepairedJson & { readonly peer: string });
      return verificationShown(answer as VerificationJson & { readonly peer: string });
    case 'resend':
      return resentShown(answer as ResendAnswer);
    case 'accept-removals':
      return removalsShown(answer as RevalidationJson & { readonly peer: string; readonly removed: number });
    case 'forget': {
      const { peer, forgotten } = answer as { readonly peer: string; readonly forgotten: number };
      return done(`${visible(peer)}: nothing is owed any more of ${groups(forgotten)}\n`);
    }
  }
}

function done(lines: string): Shown {
  return { lines, code: exitCode.done };
}

function groups(number: number): string {
  return number === 1 ? '1 group' : `${number} groups`;
}

/** A time without its fraction of a second. */
function moment(time: string | null): string {
  return time === null ? '' : time.replace(/\.\d+Z$/, 'Z');
}

function stateOf({ configured, failing, reachableSince }: PartnerJson): string {
  if (!configured) return 'no peer any more';
  if (failing !== null) return 'failing';
  return reachableSince === null ? 'not tried yet' : 'reachable';
}

function partnersText(peers: readonly PartnerJson[]): string {
  if (peers.length === 0) return 'no peers are configured\n';
  const headings = ['PEER', 'STATE', 'SINCE', 'NEXT ATTEMPT', 'UNDER WAY', 'PENDING', 'PARKED', 'DELIVERED'];
  const rows = peers.map((peer) => [
    peer.name,
    stateOf(peer),
    moment(peer.failing?.since ?? peer.reachableSince),
    moment(peer.failing?.nextAttempt ?? null),
    ...[peer.underWay, peer.pending, peer.parked, peer.delivered, peer.received].map(String),
    peer.failing === null ? '' : reasonOf(peer.failing),
  ]);
  return table([...headings, 'RECEIVED', 'REASON'], rows);
}

function reasonOf({ reason, failures }: NonNullable<PartnerJson['failing']>): string {
  return `${reason} (${failures === 1 ? '1 failure' : `${failures} failures`} in a row)`;
}

interface PartnerDetail extends PartnerJson {
  readonly groups: { readonly leftOut: number; readonly items: readonly DeliveredGroupJson[] };
  readonly receivedGroups: { readonly leftOut: number; readonly items: readonly ReceivedGroupJson[] };
}

function partnerText(partner: PartnerDetail): string {
  const { reconciliation, revalidation } = partner;
  const compared = reconciliation === null ? 'not yet' : comparedText(reconciliation);
  const asked = revalidation === null ? 'not yet' : revalidationText(revalidation);
  const heldBack = revalidation?.heldBack ?? 0;
  return [
    partnersText([partner]),
    `our groups there compared: ${compared}\n`,
    `received groups asked for again: ${asked}\n`,
    heldBack === 0 ? '' : heldBackText(partner.name, heldBack),
    section('Our groups there', partner.groups.leftOut, deliveredText(partner.groups.items)),
    section('Its groups here', partner.receivedGroups.leftOut, receivedText(partner.receivedGroups.items)),
  ].join('');
}

function comparedText({
  at,
  equal,
  marked,
  unknown,
  brokenOff,
}: NonNullable<PartnerJson['reconciliation']>): string {
  const counts = `${equal} equal, ${marked} told again, ${unknown} not known`;
  return `${moment(at)}${brokenOff ? ', broken off' : ''} (${counts})`;
}

function revalidationText({ at, brokenOff, outcomes }: RevalidationJson): string {
  return `${moment(at)}${brokenOff ? ', broken off' : ''} (${tally(outcomes)})`;
}

/** What the operator must decide (design D16). */
function heldBackText(peer: string, heldBack: number): string {
  const what = `${groups(heldBack)} of ${visible(peer)} ${heldBack === 1 ? 'is' : 'are'} gone there, as it says, and held back here`;
  return `${what}: mcgms accept-removals ${visible(peer)}\n`;
}

function section(title: string, leftOut: number, text: string | undefined): string {
  if (text === undefined) return `\n${title}: none\n`;
  return `\n${title}\n${text}${leftOut === 0 ? '' : `and ${leftOut} more\n`}`;
}

function deliveredText(items: readonly DeliveredGroupJson[]): string | undefined {
  if (items.length === 0) return undefined;
  return table(
    ['GROUP', 'STATUS', 'BEHIND', 'ANSWERED', 'LAST RESULT', 'NEXT ATTEMPT', 'REASON', 'REMARK'],
    items.map(({ group, status, withdrawal, behind, answer, nextAttempt, reason, remark }) => [
      group,
      withdrawal ? `${status} withdrawal` : status,
      String(behind),
      moment(answer?.at ?? null),
      answer === null ? '' : resultText(answer),
      moment(nextAttempt),
      reason ?? '',
      remark ?? '',
    ]),
  );
}

function resultText({ status, result }: NonNullable<DeliveredGroupJson['answer']>): string {
  if (result === null) return `${status}, no Result`;
  const { reception, modification, storage, modifications } = result;
  const modified = modifications === null ? modification : `${modification} (${modifications} modified)`;
  return `${status}: reception ${reception}, modification ${modified}, storage ${storage}`;
}

function receivedText(items: readonly ReceivedGroupJson[]): string | undefined {
  if (items.length === 0) return undefined;
  return table(
    ['GROUP', 'RECEIVED', 'TAG', 'EFFECTIVE TAG', 'MODIFICATIONS', 'NOT CONFIRMED SINCE', 'NOTE'],
    items.map(({ group, receivedAt, tag, effectiveTag, modifications, orphaned, notConfirmedSince }) => [
      group,
      moment(receivedAt),
      tag,
      effectiveTag ?? '',
      String(modifications),
      moment(notConfirmedSince),
      orphaned ? 'orphaned' : '',
    ]),
  );
}

interface ShareAnswer {
  readonly group: string;
  readonly peer: string;
  readonly outcome: string;
}

function shareText({ group, peer, outcome }: ShareAnswer): string {
  const [what, whom] = [visible(group), visible(peer)];
  switch (outcome) {
    case 'shared':
      return `${what} is shared with ${whom} from now on\n`;
    case 'was-shared':
      return `${what} was shared with ${whom} before\n`;
    case 'withdrawn':
      return `${what} is not shared with ${whom} any more: it is being withdrawn there\n`;
    default:
      return `${what} is not shared with ${whom} by name any more; it stays there because of its members or the configuration\n`;
  }
}

function tally(outcomes: Readonly<Record<string, number>>): string {
  const parts = Object.entries(outcomes).map(([what, count]) => `${count} ${what}`);
  return parts.length === 0 ? 'nothing is held' : visible(parts.join(', '));
}

/** Outcomes of asking for a group again that leave nothing to do. */
const goodOutcomes: readonly string[] = ['unchanged', 'updated', 'gone'];

function isGood(outcomes: Readonly<Record<string, number>>): boolean {
  return Object.keys(outcomes).every((outcome) => goodOutcomes.includes(outcome));
}

function refetchedShown(answer: RefetchedJson & { readonly peer: string }): Shown {
  const { peer, outcomes, others, leftOut, notAsked, heldBack } = answer;
  const rest = notAsked === 0 ? '' : `, ${notAsked} not asked for`;
  const lines = [`${visible(peer)}: ${tally(outcomes)}${rest}\n`];
  if (heldBack > 0) lines.push(heldBackText(peer, heldBack));
  if (others.length > 0) {
    lines.push(
      '\n',
      table(
        ['GROUP', 'OUTCOME'],
        others.map(({ group, outcome }) => [group, outcome]),
      ),
    );
    if (leftOut > 0) lines.push(`and ${leftOut} more\n`);
  }
  const failed = notAsked > 0 || !isGood(outcomes);
  return { lines: lines.join(''), code: failed ? exitCode.failed : exitCode.done };
}

interface ResendAnswer {
  readonly peer: string;
  readonly group: string | null;
  readonly pending: number;
}

function resentShown({ peer, group, pending }: ResendAnswer): Shown {
  if (pending > 0) return done(`${visible(peer)}: ${groups(pending)} pending again\n`);
  const lines = `${visible(peer)}: nothing was ever owed${group === null ? '' : ` of ${visible(group)}`}\n`;
  return { lines, code: group === null ? exitCode.done : exitCode.failed };
}

function removalsShown({
  peer,
  removed,
  outcomes,
  brokenOff,
}: RevalidationJson & { readonly peer: string; readonly removed: number }): Shown {
  const rest = brokenOff ? ', broken off: the peer stopped answering' : '';
  const lines = `${visible(peer)}: ${groups(removed)} removed (${tally(outcomes)})${rest}\n`;
  return { lines, code: brokenOff || !isGood(outcomes) ? exitCode.failed : exitCode.done };
}

function repairShown(answer: RepairedJson & { readonly peer: string }): Shown {
  const { peer, inSync, differed, notCompared, noList, resent, refetched, fetched, left, leftOut } = answer;
  const rest = notCompared === 0 ? '' : `, ${notCompared} not compared`;
  const lines = [`${visible(peer)}: ${inSync} in sync, ${differed} differed${rest}\n`, noListText(noList)];
  const rows = [
    ...resent.map((group) => [group, 'ours', 'pending again', '']),
    ...fetched.map((group) => [group, 'theirs', 'fetched', '']),
    ...refetched.others.map(({ group, outcome }) => [group, 'theirs', outcome, '']),
    ...left.map(({ group, reason }) => [group, '', 'left', reason]),
  ];
  const { updated = 0, unchanged = 0 } = refetched.outcomes;
  if (updated + unchanged > 0) lines.push(`received groups asked for again: ${tally(refetched.outcomes)}\n`);
  if (refetched.heldBack > 0) lines.push(heldBackText(peer, refetched.heldBack));
  if (rows.length > 0) lines.push('\n', table(['GROUP', 'WHOSE', 'DONE', 'REASON'], rows));
  if (leftOut > 0) lines.push(`and ${leftOut} more\n`);
  const failed = left.length > 0 || notCompared > 0 || refetched.notAsked > 0 || !isGood(refetched.outcomes);
  return { lines: lines.join(''), code: failed ? exitCode.failed : exitCode.done };
}

/** What was compared where the peer gives no list. */
function noListText(noList: string | null): string {
  return noList === null
    ? ''
    : `only groups known here were compared, as there is no list: ${visible(noList)}\n`;
}

function verificationShown(verification: VerificationJson & { readonly peer: string }): Shown {
  const { peer, inSync, drift, missingThere, missingHere, notComparable, notCompared, noList } = verification;
  const counts = [
    `${inSync} in sync`,
    `${drift} drift`,
    `${missingThere} missing there`,
    `${missingHere} missing here`,
    `${notComparable} not comparable`,
    ...(notCompared === 0 ? [] : [`${notCompared} not compared`]),
  ];
  const lines = [`${visible(peer)}: ${counts.join(', ')}\n`, noListText(noList)];
  const { differences, leftOut } = verification;
  if (differences.length > 0) {
    const rows = differences.map(({ group, side, comparison, since, tag, theirTag, reason }) => [
      group,
      side === 'received' ? 'theirs' : 'ours',
      comparison,
      moment(since),
      tag ?? '',
      theirTag ?? '',
      reason ?? '',
    ]);
    lines.push(
      '\n',
      table(['GROUP', 'WHOSE', 'STATE', 'HERE SINCE', 'TAG HERE', 'TAG THERE', 'REASON'], rows),
    );
    if (leftOut > 0) lines.push(`and ${leftOut} more\n`);
  }
  const differs = drift + missingThere + missingHere + notComparable + notCompared > 0;
  return { lines: lines.join(''), code: differs ? exitCode.failed : exitCode.done };
}
