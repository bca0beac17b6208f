import type { SystemName } from '../base/identifiers.js';
import type { Peers } from '../mc-systems/peers.js';
import { NoAnswer, type Outbound } from '../outbound/client.js';
import type { AuditEvent } from './events.js';

/** How often each outcome has occurred. */
export type Tally = Readonly<Record<string, number>>;

/** What was counted of one peer since the start. */
export interface PeerCounts {
  /** Attempts to deliver an own group to it, by outcome. */
  readonly deliveries: Tally;
  /** Documents of its own that were stored. */
  readonly received: number;
  /** Its provisions and withdrawals that were refused, by status, stage and reason. */
  readonly refused: Tally;
  /** Requests for its groups, by the status of the answer, or `no answer`. */
  readonly fetches: Tally;
}

/** How many reasons of refusal are counted apart for one peer: a peer chooses part of their words. */
const reasonsKept = 50;
const otherReasons = 'other reasons';

class Counts {
  readonly deliveries = new Map<string, number>();
  readonly refused = new Map<string, number>();
  readonly fetches = new Map<string, number>();
  received = 0;

  get view(): PeerCounts {
    return {
      deliveries: Object.fromEntries(this.deliveries),
      received: this.received,
      refused: Object.fromEntries(this.refused),
      fetches: Object.fromEntries(this.fetches),
    };
  }
}

function add(tally: Map<string, number>, what: string, most = Infinity): void {
  const name = tally.has(what) || tally.size < most ? what : otherReasons;
  tally.set(name, (tally.get(name) ?? 0) + 1);
}

/** Counts what happens between this system and each peer, in memory, since the start. */
export class Counters {
  readonly #peers: Peers;
  readonly #counts: ReadonlyMap<string, Counts>;

  constructor(peers: Peers) {
    this.#peers = peers;
    this.#counts = new Map([...peers.keys()].map((name) => [name, new Counts()]));
  }

  count(event: AuditEvent): void {
    const counts = 'peer' in event && event.peer !== null ? this.#counts.get(event.peer) : undefined;
    if (counts === undefined) return;
    switch (event.event) {
      case 'delivered':
      case 'withdrawn':
      case 'parked':
      case 'not-delivered':
        add(counts.deliveries, event.event);
        break;
      case 'received':
        counts.received += 1;
        break;
      case 'refused': {
        const stage = event.stage === null ? '' : ` ${event.stage}:`;
        add(counts.refused, `${event.status}${stage} ${event.reason}`, reasonsKept);
        break;
      }
      case 'write':
      case 'removed':
      case 'policy':
      case 'forgotten':
      case 'operation':
      case 'quota':
      case 'refused-more':
      case 'start':
      case 'stop':
      case 'lost':
        break;
    }
  }

  /** `client`, with the outcomes of its requests counted as fetches. */
  counting(client: Outbound): Outbound {
    return {
      send: async (request, signal) => {
        const counts = this.#countsOf(request.url);
        try {
          const answer = await client.send(request, signal);
          if (counts !== undefined) add(counts.fetches, String(answer.status));
          return answer;
        } catch (error) {
          if (counts !== undefined && error instanceof NoAnswer) add(counts.fetches, 'no answer');
          throw error;
        }
      },
    };
  }

  /** By peer. */
  get view(): ReadonlyMap<SystemName, PeerCounts> {
    return new Map([...this.#counts].map(([name, counts]) => [name as SystemName, counts.view]));
  }

  #countsOf(url: string): Counts | undefined {
    for (const { name, root } of this.#peers.values()) {
      if (url.startsWith(`${root}/`)) return this.#counts.get(name);
    }
    return undefined;
  }
}
