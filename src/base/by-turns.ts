/**
 * What `queues` give, by turns: the first of each, then the second of each, and so on. So what takes long for one of
 * them holds up the others by no more than an item at a time (design D21). No more is asked for than is taken.
 */
export async function* byTurns<T>(queues: readonly AsyncIterable<T>[]): AsyncIterable<T> {
  let left = queues.map((queue) => queue[Symbol.asyncIterator]());
  try {
    while (left.length > 0) {
      const going: AsyncIterator<T>[] = [];
      for (const queue of left) {
        const next = await queue.next();
        if (next.done === true) continue;
        going.push(queue);
        yield next.value;
      }
      left = going;
    }
  } finally {
    for (const queue of left) await queue.return?.();
  }
}
