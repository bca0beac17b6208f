import type { Random } from './random.js';

/** The course of a retry: all times in milliseconds. */
export interface BackOffPolicy {
  readonly first: number;
  readonly cap: number;
}

/**
 * The pause after the `failures`-th failure in a row (1 for the first): doubling from `first`, with a
 * jitter of 0.8 to 1.4 so that systems that failed together do not return together, never above `cap`.
 */
export function backOffDelay(policy: BackOffPolicy, failures: number, random: Random): number {
  const doubled = policy.first * 2 ** Math.min(failures - 1, 40);
  const jitter = 0.8 + 0.6 * random.fraction();
  return Math.min(policy.cap, Math.round(doubled * jitter));
}
