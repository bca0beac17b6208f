import { platform, setPriority } from 'node:os';

/** What the threads have in common that do large work beside the one that answers requests. */

/**
 * Megabytes of their young objects. Left to itself the engine takes several times as much for each thread, in
 * exchange for speed that work of this kind does not show.
 */
export const youngHeap = 48;

/** How far a thread stands back (`nice`): of a core that both want, the thread of requests has three quarters. */
const niceness = 5;

/**
 * Has the thread that calls this stand back behind the thread that answers requests, where they share a core: work on
 * what is large holds nobody up (design D21). Only Linux knows priorities of threads; elsewhere nothing changes.
 */
export function standBack(): void {
  if (platform() !== 'linux') return;
  try {
    // There, 0 means the thread that calls.
    setPriority(0, niceness);
  } catch {
    // Some containers forbid it. The work is done as well, only not as considerately.
  }
}
