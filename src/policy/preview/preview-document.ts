import type { GroupId, SystemName } from '../../base/identifiers.js';
import type { Modification } from '../../documents/state.js';
import { buildXml, type XmlNode } from '../../xml/build.js';
import { ns } from '../../xml/names.js';

/** Media type of a policy preview document. */
export const previewMediaType = 'application/vnd.mcgms.policy-preview+xml';

/** What a policy on trial would do to one received group. */
export type GroupPreview = {
  readonly groupId: GroupId;
  readonly system: SystemName;
} & (
  | { readonly outcome: 'unchanged' }
  | {
      readonly outcome: 'changed';
      /** What the policies would do that they do not do today. */
      readonly modified: readonly Modification[];
      /** What they do today and would no longer do. */
      readonly noLonger: readonly Modification[];
      /** How many of both are not listed. */
      readonly omitted: number;
    }
  | { readonly outcome: 'failing'; readonly reason: string }
);

/** What a policy on trial would do to all received groups. */
export interface Preview {
  /** The id of the policy on trial. */
  readonly policy: string;
  /** How many groups there are, and how many of each outcome. */
  readonly groups: number;
  readonly unchanged: number;
  readonly changed: number;
  readonly failing: number;
  readonly notExamined: number;
  /** The groups that there is room for. */
  readonly listed: readonly GroupPreview[];
}

function writeModification(name: string, { template, path, before, after }: Modification): XmlNode {
  const values = [
    ...(before === null ? [] : [{ name: 'before', children: [before] }]),
    ...(after === null ? [] : [{ name: 'after', children: [after] }]),
  ];
  return { name, attributes: { template, path }, children: values };
}

function count(number: number): string | undefined {
  return number === 0 ? undefined : String(number);
}

function writeGroup(group: GroupPreview): XmlNode {
  const { groupId, system, outcome } = group;
  const attributes = { 'mc-service-group-id': groupId, system, outcome };
  switch (outcome) {
    case 'unchanged':
      return { name: 'group', attributes };
    case 'failing':
      return { name: 'group', attributes, children: [{ name: 'reason', children: [group.reason] }] };
    case 'changed':
      return {
        name: 'group',
        attributes: { ...attributes, omitted: count(group.omitted) },
        children: [
          ...group.modified.map((each) => writeModification('modified', each)),
          ...group.noLonger.map((each) => writeModification('no-longer-modified', each)),
        ],
      };
  }
}

/** The text of a policy preview document. */
export function writePreview(preview: Preview): string {
  const { policy, groups, unchanged, changed, failing, notExamined, listed } = preview;
  return buildXml({
    name: 'policy-preview',
    namespace: ns.policyPreview,
    attributes: {
      policy,
      groups: String(groups),
      unchanged: String(unchanged),
      changed: String(changed),
      failing: String(failing),
      'not-examined': count(notExamined),
      'left-out': count(groups - notExamined - listed.length),
    },
    children: listed.map(writeGroup),
  });
}
