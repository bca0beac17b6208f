import { ConstraintFailure } from '../xcap/conflicts.js';
import { textContent } from '../xml/content.js';
import type { GatedText } from '../xml/gate.js';
import { ns } from '../xml/names.js';
import { childNamed, childrenNamed, type LocatedElement } from '../xml/tree.js';
import { checkMembers, entryPath } from './members.js';
import { mcServicesOf, type McService } from './services.js';
import { checkTimes } from './times.js';

/**
 * The constraints on a group document that its schema cannot state (TS 24.481 clause 7.2.7), for documents
 * that are valid. Each is checked for the MC services that the document is for (clause 7.2.8).
 */

/** @throws ConstraintFailure or UniquenessFailure for the first constraint that does not hold */
export function checkGroupConstraints(document: GatedText): void {
  const listServices = childrenNamed(document.tree, ns.listService, 'list-service');
  const [listService] = listServices;
  if (listService === undefined || listServices.length > 1) {
    throw new ConstraintFailure('a group document has one list-service');
  }
  const services = mcServicesOf(listService);
  const list = childNamed(listService, ns.listService, 'list');
  const entries = list === undefined ? [] : childrenNamed(list, ns.listService, 'entry');
  checkMembers(entries);
  checkServiceIds(entries, services);
  checkPrearranged(document, listService);
  checkRequiredMembers(document, listService, entries);
  checkTimes(document);
}

/** In an MCVideo or MCData group, each entry has the member's ID in that service (clause 7.2.2). */
const serviceIdElements: readonly (readonly [McService, string])[] = [
  ['mcvideo', 'mcvideo-mcvideo-id'],
  ['mcdata', 'mcdata-mcdata-id'],
];

function checkServiceIds(entries: readonly LocatedElement[], services: ReadonlySet<McService>): void {
  for (const [service, element] of serviceIdElements) {
    if (!services.has(service)) continue;
    const index = entries.findIndex((entry) => childNamed(entry, ns.mcpttGroupInfo, element) === undefined);
    if (index < 0) continue;
    throw new ConstraintFailure(`${entryPath(index)} needs ${element}: the group is for ${service}`);
  }
}

/** Elements that make a group prearranged, each with the element that must then limit the length of its calls. */
const prearranged: readonly (readonly [string, string])[] = [
  ['on-network-invite-members', 'on-network-maximum-duration'],
  ['mcvideo-on-network-invite-members', 'mcvideo-on-network-maximum-duration'],
];

function checkPrearranged(document: GatedText, listService: LocatedElement): void {
  for (const [invite, duration] of prearranged) {
    if (!['true', '1'].includes(valueOf(document, listService, invite) ?? '')) continue;
    if (childNamed(listService, ns.mcpttGroupInfo, duration) !== undefined) continue;
    throw new ConstraintFailure(`a prearranged group (${invite}) needs ${duration}`);
  }
}

/** Required members could never all be there if fewer participants are allowed (TS 24.379 clause 6.3.5.5). */
function checkRequiredMembers(
  document: GatedText,
  listService: LocatedElement,
  entries: readonly LocatedElement[],
): void {
  const most = valueOf(document, listService, 'on-network-max-participant-count');
  if (most === undefined) return;
  const required = entries.filter(
    (entry) => childNamed(entry, ns.mcpttGroupInfo, 'on-network-required') !== undefined,
  ).length;
  // A valid number may have any count of digits; one of many is more than any list is long.
  const digits = most.replace(/^[+-]?0*/, '');
  if (digits.length > 9 || required <= Number(digits)) return;
  throw new ConstraintFailure(
    `${required} members are required, on-network-max-participant-count is ${most.slice(0, 30)}`,
  );
}

function valueOf(document: GatedText, parent: LocatedElement, local: string): string | undefined {
  const element = childNamed(parent, ns.mcpttGroupInfo, local);
  return element && textContent(document.text, element).trim();
}
