/**
 * A value that is at hand, or that comes later. What is at hand is used in the same turn: a store in this process
 * answers from its index, and a request that only asks there waits for nothing. A store on another machine gives
 * promises, and its callers are the same.
 */
export type Soon<T> = T | Promise<T>;

/** What `next` makes of `value`: at once where the value is at hand and `next` gives what is. */
export function whenHere<T, R>(value: Soon<T>, next: (value: T) => Soon<R>): Soon<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** All of `values`: at once where all are at hand. */
export function together<T>(values: readonly Soon<T>[]): Soon<readonly T[]> {
  const here = values.filter((value): value is T => !(value instanceof Promise));
  return here.length === values.length ? here : Promise.all(values);
}

/** `value`, for a caller that cannot wait. @throws TypeError where it is not at hand */
export function atOnce<T>(value: Soon<T>): T {
  if (value instanceof Promise) {
    // Nobody else waits for it, and its failure would end the process.
    value.catch(() => undefined);
    throw new TypeError('the answer is not at hand');
  }
  return value;
}

/** All of `items`, in their order. */
export async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
