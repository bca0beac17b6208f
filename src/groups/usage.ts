import type { DocumentName, GroupId, Xui } from '../base/identifiers.js';
import { NotFound } from '../base/refusals.js';
import { toGroupId } from '../base/uri.js';
import type { HomeSystems } from '../mc-systems/homes.js';
import { ConstraintFailure, UniquenessFailure } from '../xcap/conflicts.js';
import { documentName, isFolder, type DocumentSelector } from '../xcap/request-uri.js';
import type { ApplicationUsage, DocumentFacts, IsTaken } from '../xcap/usage.js';
import { ns } from '../xml/names.js';
import { createGroupDocumentRules, type GroupDocumentSettings } from './document-rules.js';
import { freeGroupIds, groupIdsInstead } from './free-group-ids.js';
import {
  byGroupIdSpellings,
  faultOfGroupId,
  groupIdOfName,
  groupMediaType,
  groupsAuid,
  nameOfGroup,
} from './names.js';

/** The MC service group application usage (TS 24.481 clause 7.2). */

const groupIdPath = 'list-service/@uri';

const ofNobody = 'is of no MC system that is configured here: is its domain or its number mistyped?';

/** Where a document states its group ID: a node selector relative to the document. */
const groupIdField = 'group/list-service/@uri';

export interface GroupUsageSettings extends GroupDocumentSettings {
  /** The XUI whose users tree holds groups that were put by group ID (TS 24.481 clause 6.3.2). */
  readonly creationXui: Xui;
  /** The domain of the group IDs that are offered instead of one that cannot be used. */
  readonly domain: string;
  readonly homes: HomeSystems;
  /** How a new group is treated that no configured MC system is the home of. */
  readonly unknownHomes: 'refuse' | 'warn';
}

export function createGroupUsage(settings: GroupUsageSettings): ApplicationUsage {
  const { creationXui, homes } = settings;
  return {
    ...createGroupDocumentRules(settings),
    defaultNamespace: ns.listService,
    mediaType: groupMediaType,
    namespaces: [
      ns.listService,
      ns.resourceLists,
      ns.commonPolicy,
      ns.omaCommonPolicy,
      ns.omaExtensions,
      ns.mcpttGroupInfo,
    ],
    nameOf,

    remarks(facts) {
      const groupId = groupIdIn(facts);
      return groupId !== undefined && homes.isNobodys(groupId) ? [`${groupIdPath} ${ofNobody}`] : [];
    },

    async place(facts, name, former, isTaken = () => false) {
      const groupId = groupIdIn(facts);
      const fault = faultOfGroupId(groupId);
      // A group that is stored keeps the ID that it has.
      if (groupId === undefined || (fault !== undefined && former === undefined)) {
        throw new ConstraintFailure(`${groupIdPath} ${fault ?? ''}`);
      }
      const key = nameOfGroup(groupId);
      if (former !== undefined) {
        if (!former.includes(key)) throw new ConstraintFailure('the MC service group ID never changes');
        return { key, names: former };
      }
      const requested = groupIdOfName(name);
      if (requested === undefined) return { key, names: [key, name] };
      if (requested !== groupId) {
        throw new ConstraintFailure(`${groupIdPath} must be the group ID of the URI: ${requested}`);
      }
      return { key, names: [key, await nameInUsersTree(groupId, creationXui, isTaken)] };
    },

    async checkDefinition(facts, name, former, isTaken) {
      const groupId = groupIdIn(facts);
      const phrase = whyNotDefinedHere(groupId, former === undefined, settings);
      if (phrase === undefined) return;
      // Only a client that creates a group in the users tree lets the server choose its name in the global tree.
      if (former !== undefined || groupIdOfName(name) !== undefined) throw new ConstraintFailure(phrase);
      const alternatives = await groupIdsInstead(groupId, name, settings.domain, isTaken);
      throw new UniquenessFailure(phrase, [{ field: groupIdField, alternatives }]);
    },

    async collision(facts, taken, _claimed, isTaken) {
      const groupId = groupIdIn(facts);
      if (groupId === undefined || !taken.includes(nameOfGroup(groupId))) {
        return new ConstraintFailure('the name in the users tree belongs to another document');
      }
      return new UniquenessFailure('the MC service group ID is taken', [
        { field: groupIdField, alternatives: await freeGroupIds(groupId, isTaken) },
      ]);
    },
  };
}

/** The group ID that the facts of a group document tell. */
function groupIdIn({ identity }: DocumentFacts): GroupId | undefined {
  return identity as GroupId | undefined;
}

/** Why a group with this ID cannot be defined in our MC system, or undefined where it can. */
function whyNotDefinedHere(
  groupId: GroupId | undefined,
  isNew: boolean,
  { homes, unknownHomes }: GroupUsageSettings,
): string | undefined {
  const home = groupId === undefined ? undefined : homes.homeOf(groupId);
  if (home !== undefined && home !== homes.own) {
    return `the group ID belongs to MC system ${home}: define the group there`;
  }
  // A group that is stored keeps the ID that it has.
  if (groupId !== undefined && !isNew) return undefined;
  const fault = faultOfGroupId(groupId);
  if (fault !== undefined) return `${groupIdPath} ${fault}`;
  const isRefused = unknownHomes === 'refuse' && groupId !== undefined && homes.isNobodys(groupId);
  return isRefused ? `${groupIdPath} ${ofNobody}` : undefined;
}

/**
 * The name in the users tree of a group that was put by its group ID: the group ID, with a number where a
 * document of another group has that name.
 */
async function nameInUsersTree(groupId: GroupId, creationXui: Xui, isTaken: IsTaken): Promise<DocumentName> {
  for (let number = 1; ; number += 1) {
    const path = [number === 1 ? groupId : `${groupId}-${number}`];
    const name = documentName({ auid: groupsAuid, tree: 'users', xui: creationXui, path });
    if (!(await isTaken(name))) return name;
  }
}

/** The name that `selector` spells. @throws NotFound where the usage has no such place */
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
