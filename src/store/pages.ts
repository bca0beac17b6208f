import type { Soon } from '../base/soon.js';
import type { Page, PageOf } from './store.js';

/** Lists of a store, page after page. */

/** How many items are asked for at a time: what that takes is far less than a request may be held up. */
const itemsAtATime = 256;

/**
 * All items of a list. Others have a turn between two pages, however long the caller takes.
 *
 * @param ask gives a page of the list
 * @param turn resolves once everything that waits to run has had its turn
 */
export async function* eachOf<T>(
  ask: (page: PageOf) => Soon<Page<T>>,
  turn: () => Promise<void>,
): AsyncIterable<T> {
  for (let after: PageOf['after']; ;) {
    const page = await ask({ after, limit: itemsAtATime });
    for (const item of page.items) yield item;
    if (page.next === undefined) return;
    after = page.next;
    await turn();
  }
}
