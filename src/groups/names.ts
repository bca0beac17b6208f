import type { Auid, DocumentName, GroupId } from '../base/identifiers.js';
import { sipDomain, toGroupId } from '../base/uri.js';
import { documentName } from '../xcap/request-uri.js';

/**
 * The names of group documents (TS 24.481 clause 7.2). A group document is one resource with two names: where
 * it was created in the users tree, and `global/byGroupID/{group ID}` (table 7.2.10.2-1). The second identifies
 * its record, because a group ID is unique and never changes.
 */

/** AUID of the MC service group usage. */
export const groupsAuid = 'org.openmobilealliance.groups' as Auid;
export const groupMediaType = 'application/vnd.oma.poc.groups+xml';

/** The folder in the global tree, and the spelling of it that deployed clients use (design D15). */
const byGroupId = 'byGroupID';
export const byGroupIdSpellings: readonly string[] = [byGroupId, 'byGroup'];

/** The name of a group in the global tree. */
export function nameOfGroup(groupId: GroupId): DocumentName {
  return documentName({ auid: groupsAuid, tree: 'global', xui: undefined, path: [byGroupId, groupId] });
}

/** The group ID that a document name spells, or undefined for a name in the users tree. */
export function groupIdOfName(name: DocumentName): GroupId | undefined {
  const prefix = `${groupsAuid}/global/${byGroupId}/`;
  return name.startsWith(prefix) ? toGroupId(decodeURIComponent(name.slice(prefix.length))) : undefined;
}

/**
 * Why a group cannot be defined under `groupId`, in words that follow a name of the field, or undefined where it
 * can. A group ID is a SIP or tel URI (TS 23.280 clause 8.1.3). A SIP URI without a user part names a host. What a
 * `tel:` URI holds is not judged: deployed clients use group IDs such as `tel:g-001`.
 */
export function faultOfGroupId(groupId: GroupId | undefined): string | undefined {
  if (groupId === undefined) return 'must be a URI: the MC service group ID';
  if (groupId.startsWith('tel:')) return undefined;
  if (!/^sips?:/.test(groupId)) return 'must be a SIP or tel URI: the MC service group ID';
  if (sipDomain(groupId) === undefined) return 'must be a SIP URI with a domain: the MC service group ID';
  return /^sips?:[^@]+@/.test(groupId)
    ? undefined
    : 'must have a user part, in front of an @: a domain alone is no MC service group ID';
}
