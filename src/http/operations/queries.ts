import type { GroupId } from '../../base/identifiers.js';
import { BadRequest, UnsupportedMediaType } from '../../base/refusals.js';
import { toGroupId } from '../../base/uri.js';
import type { DeliveryStatus, PageOf } from '../../interconnection/operations/overview.js';
import { essence } from '../../xcap/media-types.js';
import type { XcapRequest } from '../messages.js';

/** What operators ask: groups in paths and bodies, and parts of lists. */

/** The most octets of a body, which names one group. */
const bodyOctets = 4096;

/** How many entries of a list one answer holds unless asked otherwise, and the most that may be asked for. */
const usualPage = 100;
const longestPage = 1000;

const deliveryStatuses: readonly DeliveryStatus[] = ['pending', 'parked', 'delivered', 'withdrawn'];

/** A name of the requester's, for the phrase of a refusal. */
export function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

/** The group ID that a segment of a path or a body spells. @throws BadRequest */
export function groupNamed(id: string): GroupId {
  const groupId = toGroupId(id);
  if (groupId === undefined) {
    throw new BadRequest(`${quoted(id)} is no MC service group ID: a URI such as sip:g@a.example`);
  }
  return groupId;
}

/** The part of the groups of a peer that is asked for. */
interface WantedPage extends Pick<PageOf, 'after' | 'limit'> {
  readonly receivedAfter: string | undefined;
  readonly status: DeliveryStatus | undefined;
}

/** The part that a query asks for. @throws BadRequest */
export function readPage(query: URLSearchParams): WantedPage {
  const known = ['limit', 'status', 'after', 'received-after'];
  for (const name of query.keys()) {
    if (!known.includes(name) || query.getAll(name).length > 1) {
      throw new BadRequest(`the query may hold, once each: ${known.join(', ')}`);
    }
  }
  const limit = query.get('limit') ?? String(usualPage);
  if (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > longestPage) {
    throw new BadRequest(`limit must be a whole number from 1 to ${longestPage}`);
  }
  const wanted = query.get('status');
  const status = deliveryStatuses.find((one) => one === wanted);
  if (wanted !== null && status === undefined) {
    throw new BadRequest(`status must be one of ${deliveryStatuses.join(', ')}`);
  }
  return {
    limit: Number(limit),
    status,
    after: query.get('after') ?? undefined,
    receivedAfter: query.get('received-after') ?? undefined,
  };
}

/** The group that a body names: `{"group": "…"}`; an empty body means all. @throws BadRequest, UnsupportedMediaType */
export async function readGroup({ headers, readBody }: XcapRequest): Promise<GroupId | undefined> {
  const body = await readBody(bodyOctets);
  if (body.length === 0) return undefined;
  if (essence(headers['content-type'] ?? '') !== 'application/json') {
    throw new UnsupportedMediaType('the media type of the body must be application/json');
  }
  const wrong = new BadRequest('the body must be empty or {"group": "sip:…"}');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw wrong;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong;
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  if (entries.length === 0) return undefined;
  const [[name, group] = []] = entries;
  if (entries.length !== 1 || name !== 'group' || typeof group !== 'string') throw wrong;
  return groupNamed(group);
}
