import type { Auid, DocumentName } from '../base/identifiers.js';
import type { DocumentState, Form } from './state.js';

/** What goes with a commit: hooks that add to it, and what is told of it afterwards. */

/** Adds to the next state what belongs into the same commit. Pure. */
export type CommitHook = (
  key: DocumentName,
  before: DocumentState | undefined,
  after: DocumentState,
) => DocumentState;

/** A document came (no `before`), changed, or went (no `after`) for the clients of this system. */
export interface DocumentChange {
  readonly key: DocumentName;
  readonly auid: Auid;
  readonly names: readonly DocumentName[];
  readonly before: Form | undefined;
  readonly after: Form | undefined;
}

/** What a commit has replaced, and by what. */
export interface Commit {
  readonly key: DocumentName;
  readonly before: DocumentState | undefined;
  readonly after: DocumentState;
}
