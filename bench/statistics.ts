import { performance } from 'node:perf_hooks';

/** The value below which `share` of `sorted` lies; NaN where there is none. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return NaN;
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** Several measurements of one thing. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median and extremes of `values`. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
  return { median, min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN };
}

/** Milliseconds that an operation is repeated for. */
const budget = 250;

/** The median of the milliseconds that `work` takes, warmed up first. */
export function medianTimeOf(work: () => unknown): number {
  for (let warm = 0; warm < 3; warm += 1) work();
  const times: number[] = [];
  const end = performance.now() + budget;
  while (performance.now() < end || times.length < 3) {
    const started = performance.now();
    work();
    times.push(performance.now() - started);
  }
  return spreadOf(times).median;
}
