import { BoundedCache } from '../../base/bounded-cache.js';
import type { Clock } from '../../base/clock.js';
import type { McServiceId, SystemName } from '../../base/identifiers.js';
import { TokenBucket, type Rate } from '../../base/token-bucket.js';

/**
 * How many groups may be requested from one primary (design D21). Users and MC service servers of this MC system have
 * a part each, so that clients with invented group IDs take nothing from the servers on which everybody's calls
 * depend. Of the users' part, one user has a fifth at most.
 */

/** On whose behalf a group is requested. */
export type Asker =
  | { readonly kind: 'operator' }
  | { readonly kind: 'mc-service-server' }
  | { readonly kind: 'user'; readonly identity: McServiceId };

/** Of the users' part, what one user may have. */
const shareOfOne = 1 / 5;

/** How many users are remembered who asked; one who is forgotten begins anew. */
const usersKept = 10_000;

export class FetchBudget {
  readonly #fetchRate: number;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #servers = new Map<SystemName, TokenBucket>();
  readonly #users = new Map<SystemName, TokenBucket>();
  readonly #each = new BoundedCache<string, TokenBucket>(usersKept);

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
        // The user's own first: who has none left takes nothing from other users.
        return this.#own(primary, asker.identity).take() && this.#part(this.#users, primary).take();
    }
  }

  #part(parts: Map<SystemName, TokenBucket>, primary: SystemName): TokenBucket {
    const bucket = parts.get(primary) ?? new TokenBucket(this.#rate(1), this.#clock);
    parts.set(primary, bucket);
    return bucket;
  }

  #own(primary: SystemName, user: McServiceId): TokenBucket {
    const key = `${primary} ${user}`;
    const known = this.#each.get(key);
    if (known !== undefined) return known;
    const bucket = new TokenBucket(this.#rate(shareOfOne), this.#clock);
    this.#each.set(key, bucket, 1);
    return bucket;
  }

  #rate(share: number): Rate {
    const rate = share * this.#fetchRate;
    return { rate, burst: Math.max(1, 2 * rate) };
  }
}
