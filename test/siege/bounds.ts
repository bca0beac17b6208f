import type { Outcome } from './siege.js';

/** What must hold in a siege, and the judgement whether it did. */

export interface Bounds {
  /** Milliseconds within which an honest client has its answer. */
  readonly latency: number;
  /** Milliseconds within which a change of a group has come to its partner. */
  readonly arrival: number;
  /** Megabytes that are resident, at the worst. */
  readonly memory: number;
  /** Megabytes that may be held after the siege beyond those before it. */
  readonly retained: number;
  /** Descriptors that may be open after the siege beyond those before it. */
  readonly descriptors: number;
  /** Log lines in a second: whoever can connect must not fill the disk. */
  readonly logLines: number;
}

export const usualBounds: Bounds = {
  latency: 1000,
  arrival: 5000,
  memory: 512,
  // I6 of the invariants: 64 MB; and the caches may be full, for which `store.cacheBytes` has 64 MiB.
  retained: 128,
  descriptors: 20,
  logLines: 20,
};

const mega = 1024 * 1024;

/** How many of `all`, and the first of them. */
function some(all: readonly string[]): string {
  return `${all.length}, such as: ${all.slice(0, 3).join('; ')}`;
}

/** The bounds that an outcome breaks, in words. A figure that could not be measured breaks none. */
export function broken(outcome: Outcome, bounds: Bounds): readonly string[] {
  const found: string[] = [];
  const { samples, arrivals } = outcome.honest;
  if (outcome.end !== undefined) found.push(`the server ended: ${outcome.end}`);
  if (samples.length === 0) found.push('no honest client was answered');
  const late = samples.filter(({ milliseconds }) => milliseconds > bounds.latency);
  if (late.length > 0) {
    const worst = late.toSorted((a, b) => b.milliseconds - a.milliseconds);
    const described = worst.map(({ what, milliseconds }) => `${what}: ${(milliseconds / 1000).toFixed(1)} s`);
    found.push(`honest requests late: ${some(described)}`);
  }
  const failed = samples.flatMap(({ what, failure }) =>
    failure === undefined ? [] : [`${what}: ${failure}`],
  );
  if (failed.length > 0) found.push(`honest requests failed: ${some([...failed])}`);
  const slow = arrivals.filter(({ milliseconds }) => milliseconds > bounds.arrival);
  if (slow.length > 0) {
    const described = slow.map(({ what, milliseconds }) => `${what}: ${(milliseconds / 1000).toFixed(1)} s`);
    found.push(`changes late between systems: ${some(described)}`);
  }
  const failures = outcome.hostile.reduce((sum, { tally }) => sum + (tally.statuses['500'] ?? 0), 0);
  if (failures > 0) found.push(`answers 500 to hostile clients: ${failures}`);
  if (outcome.peak.own > bounds.memory * mega) {
    found.push(`memory: ${(outcome.peak.own / mega).toFixed(0)} MB of ${bounds.memory}`);
  }
  const retained = (outcome.after.held - outcome.before.held) / mega;
  if (retained > bounds.retained) {
    found.push(`memory held on to: ${retained.toFixed(0)} MB more than before, of ${bounds.retained}`);
  }
  const descriptors = outcome.after.descriptors - outcome.before.descriptors;
  if (descriptors > bounds.descriptors) {
    found.push(`descriptors: ${descriptors} more than before, of ${bounds.descriptors}`);
  }
  const lines = outcome.log.lines / outcome.seconds;
  if (lines > bounds.logLines) {
    found.push(`log: ${lines.toFixed(0)} lines a second of ${bounds.logLines}`);
  }
  if (outcome.lost.length > 0) found.push(`acknowledged writes lost: ${some(outcome.lost)}`);
  if (outcome.unequal.length > 0) found.push(`systems not equal: ${some(outcome.unequal)}`);
  return found;
}
