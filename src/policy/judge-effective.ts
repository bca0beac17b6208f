import type { DocumentName, GroupId } from '../base/identifiers.js';
import type { Judge } from '../documents/judgement.js';
import { nameOfGroup } from '../groups/names.js';
import type { ApplicationUsage } from '../xcap/usage.js';

/** What group documents are judged with. */
export interface GroupRules {
  /** The MC service group usage. */
  readonly usage: ApplicationUsage;
  readonly judge: Judge;
}

/**
 * Checks that what the policies made of a group is still a document of that group (design D8): limits,
 * schema, constraints, group ID.
 *
 * @param names the names that the group answers to so far, undefined for a new one
 * @param by who has a turn with large documents
 * @throws XcapConflict
 */
export async function judgeEffective(
  text: string,
  groupId: GroupId,
  names: readonly DocumentName[] | undefined,
  { usage, judge }: GroupRules,
  by: string,
): Promise<void> {
  const draft = { kind: 'document', bytes: Buffer.from(text, 'utf8') } as const;
  const { facts } = await judge.judge(usage, draft, { by });
  await usage.place(facts, nameOfGroup(groupId), names);
}
