import type { Clock } from '../base/clock.js';
import { Repeats, type Line } from '../base/repeats.js';
import type { AuditEvent, Tell } from './events.js';

/**
 * What the audit log is told of refusals (design D21). A refusal changes nothing, so that a peer can cause any
 * number of them at no cost: they are written at a bounded rate for each peer, and counted beyond it.
 *
 * Every other event stands for something that an administrator did, or for a change that is durable. None of
 * these is ever left out.
 */
export class BoundedRefusals {
  readonly #repeats: Repeats<Line & { readonly peer: string }>;

  /** @param write writes an event down */
  constructor(clock: Pick<Clock, 'monotonic' | 'schedule'>, write: Tell) {
    this.#repeats = new Repeats(clock, ({ peer }, _reason, events) => {
      write({ event: 'refused-more', peer, events });
    });
  }

  /** Whether `event` is to be written down now; otherwise it is counted. */
  admits(event: AuditEvent): boolean {
    if (event.event !== 'refused') return true;
    const { peer } = event;
    return this.#repeats.admits({ kind: peer, text: JSON.stringify(event), peer });
  }

  /** Writes down what was counted. */
  close(): void {
    this.#repeats.flush();
  }
}
