import type { RecordKey } from '../store/store.js';

/** The key of the record that keeps the names of MC systems. No document can have it: a name has no spaces. */
export const namesKey = 'names of MC systems' as RecordKey;
