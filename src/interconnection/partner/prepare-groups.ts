import type { GroupId } from '../../base/identifiers.js';
import { inParallel } from '../../base/in-parallel.js';
import { BadGateway, NotFound, RequestRefused, ServiceUnavailable } from '../../base/refusals.js';
import type { Documents } from '../../documents/documents.js';
import { nameOfGroup } from '../../groups/names.js';
import type { Requester } from './requester.js';

/**
 * The precondition of TS 23.280 clause 10.2.7.3: a user of this MC system has become service authorised with
 * one of its MC service servers, and the user profile names groups. Groups that are defined in other MC
 * systems and are not held here are fetched now, before anybody needs them.
 */

/** What became of one group of the user. */
export type GroupReadiness =
  /** It is stored here: an own group, or one received earlier. */
  | 'held'
  | 'fetched'
  /** There is no primary to ask, or it refuses. */
  | 'refused'
  /** The primary does not answer now; a later request for the group tries again. */
  | 'unavailable'
  /** The primary's answer makes no sense. */
  | 'unusable';

interface Tools {
  readonly documents: Pick<Documents, 'find'>;
  readonly requester: Pick<Requester, 'fetch'>;
}

/** How many groups of a user are fetched at a time. */
const parallel = 8;

/** Fetches those of `groups` that are missing here. @returns what became of each group, in the same order */
export async function prepareGroups(
  groups: readonly GroupId[],
  tools: Tools,
): Promise<readonly { readonly groupId: GroupId; readonly readiness: GroupReadiness }[]> {
  const readiness = new Map<GroupId, GroupReadiness>();
  const distinct = [...new Set(groups)];
  await inParallel(distinct, parallel, new AbortController().signal, async (groupId) => {
    readiness.set(groupId, await prepare(groupId, tools));
  });
  return distinct.map((groupId) => ({ groupId, readiness: readiness.get(groupId) ?? 'unavailable' }));
}

async function prepare(groupId: GroupId, { documents, requester }: Tools): Promise<GroupReadiness> {
  const held = async (): Promise<boolean> => (await documents.find(nameOfGroup(groupId)))?.form !== undefined;
  if (await held()) return 'held';
  try {
    await requester.fetch(groupId, { kind: 'mc-service-server' });
    return (await held()) ? 'fetched' : 'refused';
  } catch (error) {
    if (error instanceof NotFound) return 'refused';
    if (error instanceof ServiceUnavailable) return 'unavailable';
    if (error instanceof BadGateway || error instanceof RequestRefused) return 'unusable';
    throw error;
  }
}
