import { sortedBy } from '../base/sliced-sort.js';
import type { GroupId } from '../base/identifiers.js';
import type { Documents } from '../documents/documents.js';
import { groupIdOfName } from './names.js';

/** The groups whose records carry one of `terms`, each once, in the order of their IDs. Reads no record. */
export async function groupsUnder(
  documents: Pick<Documents, 'keysOf' | 'turn'>,
  ...terms: readonly string[]
): Promise<readonly GroupId[]> {
  const groups = new Set<GroupId>();
  for (const term of terms) {
    for await (const key of documents.keysOf(term)) {
      const groupId = groupIdOfName(key);
      if (groupId !== undefined) groups.add(groupId);
    }
  }
  return await sortedBy(
    [...groups],
    (groupId) => groupId,
    () => documents.turn(),
  );
}
