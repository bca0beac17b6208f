/** The sum of two rows of amounts, place by place; with the factor −1, what is left of the first. */
export function addAmounts(
  one: readonly number[],
  other: readonly number[],
  factor: 1 | -1 = 1,
): readonly number[] {
  return Array.from(
    { length: Math.max(one.length, other.length) },
    (_, at) => (one[at] ?? 0) + factor * (other[at] ?? 0),
  );
}
