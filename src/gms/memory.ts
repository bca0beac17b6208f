/**
 * How `store.cacheBytes` is divided among the caches of documents, so that they keep no more than that together
 * (design D21). A part that a server does not use stays free.
 */

const shares = {
  /** Records as the store reads them. */
  records: 1 / 4,
  /** Bytes and trees of documents. */
  renditions: 3 / 8,
  /** What is read out of groups; a reading is short. */
  readings: 1 / 4,
  /** What is collected into indexes, of all usages that have one. */
  collections: 1 / 8,
} as const;

/** The bytes of each part of `cacheBytes`. */
export function memoryParts(cacheBytes: number): Readonly<Record<keyof typeof shares, number>> {
  return {
    records: cacheBytes * shares.records,
    renditions: cacheBytes * shares.renditions,
    readings: cacheBytes * shares.readings,
    collections: cacheBytes * shares.collections,
  };
}
