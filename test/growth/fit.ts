/**
 * How a cost grows with the size of what causes it, as an exponent: 1 is linear, 2 quadratic. It is the slope of a
 * straight line through the points, both axes in logarithms, by least squares.
 *
 * Subtle: what each request costs whatever its size is taken off first, or it would hide growth at small sizes.
 * Below the noise of the measurement a cost says nothing. Where few points lie above it, the line begins at the last
 * one below, taken as if it lay at the noise: growth that starts late is seen, and seems no steeper than it is.
 */

export interface Point {
  readonly size: number;
  readonly cost: number;
}

/** Of a line through fewer points nothing can be said, and with so many it needs none below the noise. */
const fewestPoints = 2;
const enoughPoints = 3;

/**
 * @param floor the cost of a request of hardly any size
 * @param noise the cost, above the floor, below which measurements say nothing
 * @returns undefined where no cost rises above the noise
 */
export function exponentOf(points: readonly Point[], floor: number, noise: number): number | undefined {
  const above = points.map(({ size, cost }) => ({ size, cost: Math.max(cost - floor, noise) }));
  const last = above.findLastIndex(({ cost }) => cost <= noise);
  const enough = above.length - (last + 1) >= enoughPoints;
  const line = above.slice(Math.max(0, enough ? last + 1 : last));
  if (line.length < fewestPoints) return undefined;
  const logs = line.map(({ size, cost }) => ({ x: Math.log(size), y: Math.log(cost) }));
  const mean = (of: (log: (typeof logs)[number]) => number): number =>
    logs.reduce((sum, log) => sum + of(log), 0) / logs.length;
  const [x, y] = [mean((log) => log.x), mean((log) => log.y)];
  const spread = logs.reduce((sum, log) => sum + (log.x - x) ** 2, 0);
  return logs.reduce((sum, log) => sum + (log.x - x) * (log.y - y), 0) / spread;
}
