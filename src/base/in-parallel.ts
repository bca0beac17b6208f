/**
 * Does `work` with every item, at most `parallel` at a time, in their order.
 *
 * @param signal once it is aborted, no further item is begun; those under way are waited for
 * @returns how many items were begun
 */
export async function inParallel<T>(
  items: readonly T[],
  parallel: number,
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<number> {
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (!signal.aborted && begun < items.length) {
      const item = items[begun] as T;
      begun += 1;
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
  return begun;
}
