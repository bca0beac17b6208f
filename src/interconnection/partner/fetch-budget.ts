import type { Clock } from '../../base/clock.js';
import type { SystemName } from '../../base/identifiers.js';
import { TokenBucket } from '../../base/token-bucket.js';

/**
 * How many groups may be requested from one primary (design D21). Users and MC service servers of this MC system have
 * a part each, so that clients with invented group IDs take nothing from the servers on which everybody's calls
 * depend. Among themselves users share one part.
 */

/** On whose behalf a group is requested. */
export type Asker =
  { readonly kind: 'operator' } | { readonly kind: 'mc-service-server' } | { readonly kind: 'user' };

export class FetchBudget {
  readonly #fetchRate: number;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #servers = new Map<SystemName, TokenBucket>();
  readonly #users = new Map<SystemName, TokenBucket>();

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
        return this.#part(this.#servers, primary).take();
      case 'user':
        return this.#part(this.#users, primary).take();
    }
  }

  #part(parts: Map<SystemName, TokenBucket>, primary: SystemName): TokenBucket {
    const rate = { rate: this.#fetchRate, burst: 2 * this.#fetchRate };
    const bucket = parts.get(primary) ?? new TokenBucket(rate, this.#clock);
    parts.set(primary, bucket);
    return bucket;
  }
}
