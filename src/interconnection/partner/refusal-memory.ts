import { BoundedCache } from '../../base/bounded-cache.js';
import { later, type Clock, type MonotonicTime } from '../../base/clock.js';
import type { GroupId, SystemName } from '../../base/identifiers.js';
import type { Asker } from './fetch-budget.js';

/**
 * Which groups a primary has refused lately, so that repeated misses cost it nothing. Each primary has a part of its
 * own, divided by the kind of asker: invented group IDs of users push nothing out that an MC service server has
 * learned, or that another primary has said (design D21).
 */

/** How many refusals one part remembers; a long group ID counts for several. */
const kept = 10_000;
const charactersForOne = 100;

export class RefusalMemory {
  readonly #duration: number;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #parts = new Map<SystemName, Map<Asker['kind'], BoundedCache<GroupId, MonotonicTime>>>();

  /** @param duration milliseconds for which a refusal is remembered */
  constructor(duration: number, clock: Pick<Clock, 'monotonic'>) {
    this.#duration = duration;
    this.#clock = clock;
  }

  /** Whether `primary` has refused the group lately, whoever asked. */
  has(primary: SystemName, groupId: GroupId): boolean {
    const now = this.#clock.monotonic();
    for (const part of this.#parts.get(primary)?.values() ?? []) {
      const until = part.get(groupId);
      if (until !== undefined && until > now) return true;
    }
    return false;
  }

  /** `primary` has refused the group to `asker`. */
  add(primary: SystemName, groupId: GroupId, asker: Pick<Asker, 'kind'>): void {
    const parts = this.#parts.get(primary) ?? new Map<Asker['kind'], BoundedCache<GroupId, MonotonicTime>>();
    this.#parts.set(primary, parts);
    const part = parts.get(asker.kind) ?? new BoundedCache<GroupId, MonotonicTime>(kept);
    parts.set(asker.kind, part);
    const until = later(this.#clock.monotonic(), this.#duration);
    part.set(groupId, until, Math.ceil(groupId.length / charactersForOne));
  }
}
