import type { DocumentState } from '../../src/documents/state.js';
import { withSystems } from '../../src/documents/system-names.js';
import { systemOfIdentity } from './texts.js';

/** A state as it stands on a disk, with the names of systems instead of what identifies them. */
export function named(state: DocumentState | undefined): DocumentState | undefined {
  return state && withSystems(state, systemOfIdentity);
}
