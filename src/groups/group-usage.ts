import type { Auid, DocumentName, GroupId, Xui } from '../base/identifiers.js';
import { sipDomain, toGroupId } from '../base/uri.js';
import { ConstraintFailure, NotFound } from '../xcap/errors.js';
import { documentName, isFolder, type DocumentSelector } from '../xcap/request-uri.js';
import type { ApplicationUsage } from '../xcap/usage.js';
import { ns } from '../xml/names.js';
import { childrenNamed } from '../xml/tree.js';
import { groupView } from './view.js';

/**
 * The MC service group application usage (TS 24.481 clause 7.2). A group document is one resource with
 * two names: where it was created in the users tree, and `global/byGroupID/{group ID}` (table
 * 7.2.10.2-1). The second identifies its record, because a group ID is unique and never changes.
 */

export const groupsAuid = 'org.openmobilealliance.groups' as Auid;
export const groupMediaType = 'application/vnd.oma.poc.groups+xml';

/** The folder of the global tree, and the spelling of it that deployed clients use (design D15). */
const byGroupId = 'byGroupID';
const byGroupIdSpellings: readonly string[] = [byGroupId, 'byGroup'];

/** The name of a group in the global tree. */
export function nameOfGroup(groupId: GroupId): DocumentName {
  return documentName({ auid: groupsAuid, tree: 'global', xui: undefined, path: [byGroupId, groupId] });
}

/** The group ID that a document name spells, or undefined for a name in the users tree. */
export function groupIdOfName(name: DocumentName): GroupId | undefined {
  const prefix = `${groupsAuid}/global/${byGroupId}/`;
  return name.startsWith(prefix) ? toGroupId(decodeURIComponent(name.slice(prefix.length))) : undefined;
}

/** The name in the users tree of a group that was put by its group ID. */
function nameInUsersTree(groupId: GroupId, creationXui: Xui): DocumentName {
  return documentName({ auid: groupsAuid, tree: 'users', xui: creationXui, path: [groupId] });
}

function nameOf(selector: DocumentSelector): DocumentName {
  if (isFolder(selector)) throw new NotFound('the URI names a folder');
  if (selector.tree === 'users') return documentName(selector);
  const [folder = '', id = '', ...more] = selector.path;
  const groupId = toGroupId(id);
  if (!byGroupIdSpellings.includes(folder) || more.length > 0 || groupId === undefined) {
    throw new NotFound('the global tree holds byGroupID/{group ID} only');
  }
  return nameOfGroup(groupId);
}

/** @param creationXui the XUI whose users tree holds groups that were put by group ID (clause 6.3.2) */
export function createGroupUsage(creationXui: Xui): ApplicationUsage {
  return {
    auid: groupsAuid,
    defaultNamespace: ns.listService,
    mediaType: groupMediaType,
    schema: 'group',
    namespaces: [
      ns.listService,
      ns.resourceLists,
      ns.commonPolicy,
      ns.omaCommonPolicy,
      ns.omaExtensions,
      ns.mcpttGroupInfo,
    ],
    nameOf,

    check(document) {
      if (childrenNamed(document.tree, ns.listService, 'list-service').length !== 1) {
        throw new ConstraintFailure('a group document has one list-service');
      }
      if (groupView(document).groupId === undefined) {
        throw new ConstraintFailure('list-service/@uri must be a URI: the MC service group ID');
      }
    },

    place(document, name, former) {
      const { groupId } = groupView(document);
      if (groupId === undefined) throw new ConstraintFailure('the document names no group');
      const key = nameOfGroup(groupId);
      if (former !== undefined) {
        if (!former.includes(key)) throw new ConstraintFailure('the MC service group ID never changes');
        return { key, names: former };
      }
      const requested = groupIdOfName(name);
      if (requested === undefined) return { key, names: [key, name] };
      if (requested !== groupId) {
        throw new ConstraintFailure(`list-service/@uri must be the group ID of the URI: ${requested}`);
      }
      return { key, names: [key, nameInUsersTree(groupId, creationXui)] };
    },
  };
}

/** How many free group IDs a refusal offers. */
const alternativesOffered = 3;

/** Group IDs near a taken one that are free (TS 24.481 clause 6.3.2: `alt-value`). */
export function freeGroupIds(taken: GroupId, isTaken: (name: DocumentName) => boolean): readonly GroupId[] {
  const at = taken.indexOf('@');
  // A SIP URI without a user part is a domain: the next one would be somebody else's.
  if (at < 0 && sipDomain(taken) !== undefined) return [];
  const head = at < 0 ? taken : taken.slice(0, at);
  const tail = at < 0 ? '' : taken.slice(at);
  const free: GroupId[] = [];
  for (let number = 2; free.length < alternativesOffered; number += 1) {
    const candidate = toGroupId(`${head}-${number}${tail}`);
    if (candidate === undefined) break;
    if (!isTaken(nameOfGroup(candidate))) free.push(candidate);
  }
  return free;
}
