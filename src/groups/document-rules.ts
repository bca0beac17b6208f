import { ConstraintFailure } from '../xcap/conflicts.js';
import { ordinaryRules, type DocumentRules } from '../xcap/usage.js';
import type { GatedText } from '../xml/gate.js';
import { ns } from '../xml/names.js';
import { checkGroupConstraints } from './constraints.js';
import { remarksOnMembers } from './members.js';
import { groupsAuid } from './names.js';
import { remarksOnTimes } from './times.js';
import { unknownMcNames } from './unknown-names.js';
import { groupView } from './view.js';

/** What makes a text an MC service group document (TS 24.481 clause 7.2), whatever else is stored. */

export interface GroupDocumentSettings {
  /** Names that the schema of the MC service group namespace declares. */
  readonly mcNames: ReadonlySet<string>;
  /** How other names in that namespace are treated. */
  readonly unknownNames: 'warn' | 'refuse';
}

export function createGroupDocumentRules({ mcNames, unknownNames }: GroupDocumentSettings): DocumentRules {
  return {
    ...ordinaryRules(),
    auid: groupsAuid,
    schema: 'group',

    check(document) {
      checkGroupConstraints(document);
      if (unknownNames === 'warn') return;
      const remark = remarkOnNames(document, mcNames);
      if (remark !== undefined) throw new ConstraintFailure(remark);
    },

    factsOf(document) {
      const remarks = [
        remarkOnNames(document, mcNames),
        ...remarksOnMembers(document),
        ...remarksOnTimes(document),
      ].filter((remark) => remark !== undefined);
      return { identity: groupView(document).groupId, claims: [], remarks };
    },
  };
}

function remarkOnNames(document: GatedText, mcNames: ReadonlySet<string>): string | undefined {
  const unknown = unknownMcNames(document, mcNames);
  return unknown.length === 0
    ? undefined
    : `not in the schema of ${ns.mcpttGroupInfo}: ${unknown.join(', ')}`;
}
