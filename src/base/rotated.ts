/**
 * `items`, which are in ascending order, from the first that lies behind `reached`: what comes before it stands at
 * the end. So a pass that broke off is followed by one that begins where it ended.
 *
 * @param reached undefined where there was no pass yet
 */
export function rotated<T extends string>(items: readonly T[], reached: T | undefined): readonly T[] {
  const first = reached === undefined ? 0 : items.findIndex((item) => item > reached);
  return first <= 0 ? items : [...items.slice(first), ...items.slice(0, first)];
}
