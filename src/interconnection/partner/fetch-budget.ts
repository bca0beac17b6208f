import type { Clock } from '../../base/clock.js';
import type { McServiceId, SystemName } from '../../base/identifiers.js';
import { SharedBucket } from '../../base/shared-bucket.js';
import { TokenBucket } from '../../base/token-bucket.js';

/**
 * How many groups may be requested from one primary (design D21). Users and MC service servers of this MC system have
 * a part each, so that clients with invented group IDs take nothing from the servers on which everybody's calls
 * depend. Among themselves users share one part, of which one alone may have all: who has asked for little is served
 * before who has asked for much (shared-bucket.ts).
 */

/** On whose behalf a group is requested. */
export type Asker =
  | { readonly kind: 'operator' }
  | { readonly kind: 'mc-service-server' }
  | { readonly kind: 'user'; readonly identity: McServiceId };

interface Parts {
  readonly servers: TokenBucket;
  readonly users: SharedBucket<McServiceId>;
}

export class FetchBudget {
  readonly #fetchRate: number;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #parts = new Map<SystemName, Parts>();

  /** @param fetchRate requests a second to one primary for each part; a burst may have twice as many */
  constructor(fetchRate: number, clock: Pick<Clock, 'monotonic'>) {
    this.#fetchRate = fetchRate;
    this.#clock = clock;
  }

  /** Whether a group may be requested now; if so, it counts. An operator always may. */
  take(primary: SystemName, asker: Asker): boolean {
    switch (asker.kind) {
      case 'operator':
        return true;
      case 'mc-service-server':
        return this.#partsOf(primary).servers.take();
      case 'user':
        return this.#partsOf(primary).users.take(asker.identity);
    }
  }

  #partsOf(primary: SystemName): Parts {
    const rate = { rate: this.#fetchRate, burst: 2 * this.#fetchRate };
    const credit = Math.ceil(this.#fetchRate / 2);
    const parts = this.#parts.get(primary) ?? {
      servers: new TokenBucket(rate, this.#clock),
      users: new SharedBucket(rate, credit, this.#clock),
    };
    this.#parts.set(primary, parts);
    return parts;
  }
}
