import type { DocumentName, GroupId } from '../base/identifiers.js';
import { admit, judge } from '../documents/validate.js';
import { nameOfGroup } from '../groups/names.js';
import type { ApplicationUsage } from '../xcap/usage.js';
import type { GatedText } from '../xml/gate.js';
import type { ScanLimits } from '../xml/scan.js';
import type { Schemas } from '../xml/schemas.js';

/** What group documents are judged with. */
export interface GroupRules {
  /** The MC service group usage. */
  readonly usage: ApplicationUsage;
  readonly schemas: Schemas;
  readonly limits: ScanLimits;
}

/**
 * Checks that what the policies made of a group is still a document of that group (design D8): limits,
 * schema, constraints, group ID.
 *
 * @param names the names that the group answers to so far, undefined for a new one
 * @throws XcapConflict
 */
export function judgeEffective(
  text: string,
  groupId: GroupId,
  names: readonly DocumentName[] | undefined,
  { usage, schemas, limits }: GroupRules,
): GatedText {
  const document = admit(Buffer.from(text, 'utf8'), limits);
  judge(usage, document, schemas);
  usage.place(document, nameOfGroup(groupId), names);
  return document;
}
