import type { GroupId } from '../base/identifiers.js';
import type { Documents } from '../documents/documents.js';
import { groupIdOfName } from './names.js';

/** The groups whose records carry one of `terms`, each once, in the order of their IDs. Answers from memory. */
export function groupsUnder(
  documents: Pick<Documents, 'keysOf'>,
  ...terms: readonly string[]
): readonly GroupId[] {
  const groups = terms.flatMap((term) => documents.keysOf(term).map(groupIdOfName));
  return [...new Set(groups)].filter((groupId) => groupId !== undefined).sort();
}
