import { systemClock } from './clock.js';

/** How many items are done before others have a turn: some milliseconds, where each is hashed or looked up. */
const atATime = 512;

/** What `map` makes of each item. Others have their turns meanwhile, however many items there are (design D21). */
export async function mapInSlices<T, R>(items: readonly T[], map: (item: T) => R): Promise<readonly R[]> {
  const made: R[] = [];
  for (const item of items) {
    if (made.length > 0 && made.length % atATime === 0) await systemClock.turn();
    made.push(map(item));
  }
  return made;
}
