import type { Principal } from '../auth/principal.js';
import { Forbidden } from '../xcap/errors.js';
import type { GatedText } from '../xml/gate.js';
import { groupView, isMember } from './view.js';

/**
 * Who may do what with group documents (TS 24.481 clause 7.2.12). Administrators of our own system
 * read and write all of them; MC service servers read all; a user reads the groups that list the
 * user as a member. What peers may do is the interconnection's matter.
 */

/** @throws Forbidden before anything is looked up, where the principal can read no group at all */
export function checkMayReadGroups(principal: Principal): void {
  if (principal.kind === 'nobody')
    throw new Forbidden('group documents are not for everybody: say who you are');
}

/** @throws Forbidden where the principal may not read this group */
export function checkMayReadGroup(principal: Principal, document: () => GatedText): void {
  if (principal.kind !== 'user') return;
  if (!isMember(groupView(document()), principal.identity)) {
    throw new Forbidden('you are not a member of this MC service group');
  }
}

/** @throws Forbidden where the principal may not create, change or delete groups */
export function checkMayWriteGroups(principal: Principal): void {
  if (principal.kind !== 'administrator') {
    throw new Forbidden('only an administrator may write group documents');
  }
}
