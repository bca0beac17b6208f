/** How many items are put in order before others have a turn: a few milliseconds. */
const atATime = 4096;

/**
 * `items` in the order of what `keyOf` says of each. Others have turns meanwhile, however many there are.
 *
 * @param turn resolves once everything that waits to run has had its turn
 */
export async function sortedBy<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  turn: () => Promise<void>,
): Promise<readonly T[]> {
  let runs: (readonly Keyed<T>[])[] = [];
  for (let from = 0; from < items.length; from += atATime) {
    const run = items.slice(from, from + atATime).map((item) => ({ key: keyOf(item), item }));
    runs.push(run.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0)));
    await turn();
  }
  while (runs.length > 1) {
    const longer: (readonly Keyed<T>[])[] = [];
    for (let at = 0; at < runs.length; at += 2)
      longer.push(await merged(runs[at] ?? [], runs[at + 1] ?? [], turn));
    runs = longer;
  }
  return (runs[0] ?? []).map(({ item }) => item);
}

interface Keyed<T> {
  readonly key: string;
  readonly item: T;
}

/** Both in one order; of equals, those of `one` first. */
async function merged<T>(
  one: readonly Keyed<T>[],
  other: readonly Keyed<T>[],
  turn: () => Promise<void>,
): Promise<readonly Keyed<T>[]> {
  const both: Keyed<T>[] = [];
  for (let first = 0, second = 0; first < one.length || second < other.length;) {
    const [a, b] = [one[first], other[second]];
    if (a !== undefined && (b === undefined || a.key <= b.key)) {
      both.push(a);
      first += 1;
    } else if (b !== undefined) {
      both.push(b);
      second += 1;
    }
    if (both.length % atATime === 0) await turn();
  }
  return both;
}
