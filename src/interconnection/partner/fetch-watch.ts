import type { GroupId } from '../../base/identifiers.js';

/** What became of a fetched document. */
export type Fetched = 'held' | 'lists-nobody-of-ours' | 'withdrawn-meanwhile';

/**
 * Stands for a fetch under way, from before the request is sent. Should the primary withdraw the group
 * meanwhile, the answer may be older than that.
 */
export class FetchWatch implements Disposable {
  readonly groupId: GroupId;
  readonly #end: (watch: FetchWatch) => void;
  withdrawn = false;

  constructor(groupId: GroupId, end: (watch: FetchWatch) => void) {
    this.groupId = groupId;
    this.#end = end;
  }

  [Symbol.dispose](): void {
    this.#end(this);
  }
}
