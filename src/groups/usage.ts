import type { DocumentName, GroupId, Xui } from '../base/identifiers.js';
import { NotFound } from '../base/refusals.js';
import { toGroupId } from '../base/uri.js';
import type { HomeSystems } from '../mc-systems/homes.js';
import { ConstraintFailure, UniquenessFailure } from '../xcap/conflicts.js';
import { documentName, isFolder, type DocumentSelector } from '../xcap/request-uri.js';
import type { ApplicationUsage, IsTaken } from '../xcap/usage.js';
import type { GatedText } from '../xml/gate.js';
import { ns } from '../xml/names.js';
import { checkGroupConstraints } from './constraints.js';
import { freeGroupIds, groupIdsInstead } from './free-group-ids.js';
import { byGroupIdSpellings, groupIdOfName, groupMediaType, groupsAuid, nameOfGroup } from './names.js';
import { unknownMcNames } from './unknown-names.js';
import { groupView } from './view.js';

/** The MC service group application usage (TS 24.481 clause 7.2). */

const noGroupId = 'list-service/@uri must be a URI: the MC service group ID';

/** Where a document states its group ID: a node selector relative to the document. */
const groupIdField = 'group/list-service/@uri';

export interface GroupUsageSettings {
  /** The XUI whose users tree holds groups that were put by group ID (TS 24.481 clause 6.3.2). */
  readonly creationXui: Xui;
  /** The domain of the group IDs that are offered instead of one that cannot be used. */
  readonly domain: string;
  readonly homes: HomeSystems;
  /** Names that the schema of the MC service group namespace declares. */
  readonly mcNames: ReadonlySet<string>;
  /** How other names in that namespace are treated. */
  readonly unknownNames: 'warn' | 'refuse';
}

export function createGroupUsage(settings: GroupUsageSettings): ApplicationUsage {
  const { creationXui, homes, mcNames, unknownNames } = settings;
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
      checkGroupConstraints(document);
      if (unknownNames === 'warn') return;
      const [remark] = remarksOn(document, mcNames);
      if (remark !== undefined) throw new ConstraintFailure(remark);
    },

    remarks: (document) => remarksOn(document, mcNames),

    place(document, name, former, isTaken = () => false) {
      const { groupId } = groupView(document);
      if (groupId === undefined) throw new ConstraintFailure(noGroupId);
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
      return { key, names: [key, nameInUsersTree(groupId, creationXui, isTaken)] };
    },

    checkDefinition(document, name, former, isTaken) {
      const { groupId } = groupView(document);
      const home = groupId === undefined ? undefined : homes.homeOf(groupId);
      if (groupId !== undefined && (home === undefined || home === homes.own)) return;
      const phrase =
        home === undefined ? noGroupId : `the group ID belongs to MC system ${home}: define the group there`;
      // Only a client that creates a group in the users tree lets the server choose its name in the global tree.
      if (former !== undefined || groupIdOfName(name) !== undefined) throw new ConstraintFailure(phrase);
      const alternatives = groupIdsInstead(groupId, name, settings.domain, isTaken);
      throw new UniquenessFailure(phrase, [{ field: groupIdField, alternatives }]);
    },

    collision(document, taken, isTaken) {
      const { groupId } = groupView(document);
      if (groupId === undefined || !taken.includes(nameOfGroup(groupId))) {
        return new ConstraintFailure('the name in the users tree belongs to another document');
      }
      return new UniquenessFailure('the MC service group ID is taken', [
        { field: groupIdField, alternatives: freeGroupIds(groupId, isTaken) },
      ]);
    },
  };
}

/**
 * The name in the users tree of a group that was put by its group ID: the group ID, with a number where a
 * document of another group has that name.
 */
function nameInUsersTree(groupId: GroupId, creationXui: Xui, isTaken: IsTaken): DocumentName {
  for (let number = 1; ; number += 1) {
    const path = [number === 1 ? groupId : `${groupId}-${number}`];
    const name = documentName({ auid: groupsAuid, tree: 'users', xui: creationXui, path });
    if (!isTaken(name)) return name;
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

function remarksOn(document: GatedText, mcNames: ReadonlySet<string>): readonly string[] {
  const unknown = unknownMcNames(document, mcNames);
  return unknown.length === 0 ? [] : [`not in the schema of ${ns.mcpttGroupInfo}: ${unknown.join(', ')}`];
}
