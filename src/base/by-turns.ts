/**
 * `items` by turns: the first of each key, then the second of each, and so on. So what takes long for those of one
 * key holds up the others by no more than an item at a time (design D21).
 */
export function byTurns<T>(items: Iterable<T>, keyOf: (item: T) => unknown): readonly T[] {
  const queues = new Map<unknown, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const queue = queues.get(key);
    if (queue === undefined) queues.set(key, [item]);
    else queue.push(item);
  }
  const ordered: T[] = [];
  let left = [...queues.values()];
  for (let turn = 0; left.length > 0; turn += 1) {
    left = left.filter(({ length }) => length > turn);
    for (const queue of left) ordered.push(...queue.slice(turn, turn + 1));
  }
  return ordered;
}
