import type { SystemName } from '../base/identifiers.js';
import type { Commit } from '../documents/commits.js';
import { formsOf, type Delivery, type DocumentState, type Received } from '../documents/state.js';
import { groupIdOfName, groupsAuid } from '../groups/names.js';
import type { Peers } from '../mc-systems/peers.js';
import type { AuditEvent } from './events.js';

/**
 * What has happened between MC systems, as a commit shows it: the state before is compared with the state
 * after. So nothing is reported that is not durable, and nothing durable goes unreported. Pure.
 */
export function eventsOf({ key, before, after }: Commit, peers: Peers): readonly AuditEvent[] {
  if (after.auid !== groupsAuid) return [];
  const group = groupIdOfName(key);
  if (group === undefined) return [];
  return [...receivedEvents(group, before, after), ...deliveryEvents(group, before, after, peers)];
}

function receivedEvents(
  group: string,
  before: DocumentState | undefined,
  after: DocumentState,
): readonly AuditEvent[] {
  const former = before && formsOf(before).received;
  const { received: present } = formsOf(after);
  if (present === undefined || after.current === null) {
    if (former === undefined) return [];
    return [{ event: 'removed', peer: former.system, group, tag: former.etag }];
  }
  const events: AuditEvent[] = [];
  const { system: peer, etag } = present;
  if (former?.etag !== etag) {
    events.push({ event: 'received', peer, group, before: former?.etag ?? null, tag: etag });
  }
  const derived = former?.etag !== etag || before?.current?.etag !== after.current.etag;
  const modifications = countOf(present);
  const formerly = former === undefined ? 0 : countOf(former);
  if (derived && modifications + formerly > 0) {
    const templates = [...new Set(present.modifications.map(({ template }) => template))];
    events.push({ event: 'policy', peer, group, tag: after.current.etag, templates, modifications });
  }
  return events;
}

function countOf({ modifications, omitted = 0 }: Received): number {
  return modifications.length + omitted;
}

function deliveryEvents(
  group: string,
  before: DocumentState | undefined,
  after: DocumentState,
  peers: Peers,
): readonly AuditEvent[] {
  const events: AuditEvent[] = [];
  for (const [peer, former] of Object.entries(before?.deliveries ?? {})) {
    const present = after.deliveries[peer];
    if (present === former) continue;
    if (present === undefined) {
      const known = peers.has(peer as SystemName);
      events.push(
        known ? { event: 'withdrawn', peer, group, status: null } : { event: 'forgotten', peer, group },
      );
      continue;
    }
    const event = deliveryEvent(peer, group, former, present, after.current?.etag ?? null);
    if (event !== undefined) events.push(event);
  }
  return events;
}

/** The outcome of an attempt, where there was one between these two states. */
function deliveryEvent(
  peer: string,
  group: string,
  former: Delivery,
  present: Delivery,
  tag: string | null,
): AuditEvent | undefined {
  const answered =
    present.answer?.at !== former.answer?.at || present.answer?.status !== former.answer?.status;
  const status = answered ? (present.answer?.status ?? null) : null;
  if (present.acknowledged !== null) {
    const again = present.status === 'delivered' && (answered || former.status !== 'delivered');
    if (present.acknowledged !== former.acknowledged || again) {
      return { event: 'delivered', peer, group, tag: present.acknowledged, status };
    }
  } else if (former.acknowledged !== null) {
    return { event: 'withdrawn', peer, group, status };
  }
  const { reason } = present;
  if (reason === null) return undefined;
  if (present.status === 'parked') return { event: 'parked', peer, group, tag, status, reason };
  const failed =
    answered ||
    reason !== former.reason ||
    present.failures !== former.failures ||
    present.retryAt !== former.retryAt;
  return failed ? { event: 'not-delivered', peer, group, tag, status, reason } : undefined;
}
