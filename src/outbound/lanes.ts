import http from 'node:http';
import https from 'node:https';
import { GmsError } from '../base/errors.js';
import { Places } from '../base/places.js';
import { Turns } from '../base/turns.js';

/**
 * Connections to other hosts, shared out by whom they go to and what for (design D21). Each such lane has
 * connections of its own, also where several peers are reached at one address, as behind a gateway: one that is
 * silent, or a purpose that has much to ask, takes no connection from another. All lanes together have a bound,
 * beyond which each still has its reserve (places.ts).
 *
 * What finds no connection waits, by turns within a lane too: of those for whom a lane asks, one with many requests
 * makes only itself wait.
 *
 * A lane is made when it is first used, and dropped with its idle connections once it was not used for a while.
 */

/** Which share of the connections a request takes. */
export interface Lane {
  /** To whom it goes: the name of a peer, or what else tells one server from another. */
  readonly to: string;
  /** What for. */
  readonly purpose: string;
  /** On whose behalf, where one purpose serves many. */
  readonly holder?: string;
}

export interface LaneLimits {
  /** The most connections in use of one lane. */
  readonly each: number;
  /** How many connections may be in use in all, before only the reserves are left. */
  readonly all: number;
  /** How many each lane may always use. */
  readonly reserve: number;
  /** Milliseconds after which the connections of a lane are closed that is not used. */
  readonly idle: number;
}

export const laneLimits: LaneLimits = { each: 32, all: 512, reserve: 4, idle: 30_000 };

/** How many requests may wait for a connection: of one holder in a lane, and in all. */
const mostWaiting = { each: 1000, all: 10_000 };

/** How many idle connections a lane keeps. */
const mostIdle = 8;

/** There is no connection for a request, and too many wait for one already; or none is wanted any more. */
export class NoPlace extends GmsError {}

/** The connections of a lane, without and with TLS. */
export interface Agents {
  readonly plain: http.Agent;
  readonly secure: https.Agent;
}

class Connections implements Agents {
  readonly plain: http.Agent;
  readonly secure: https.Agent;
  /** Requests that have a place. */
  requests = 0;
  /** Closes the connections, once nothing has used them for a while. */
  dropping: NodeJS.Timeout | undefined;

  constructor(most: number) {
    const options = { keepAlive: true, maxSockets: most, maxFreeSockets: mostIdle };
    this.plain = new http.Agent(options);
    this.secure = new https.Agent(options);
  }

  close(): void {
    clearTimeout(this.dropping);
    this.plain.destroy();
    this.secure.destroy();
  }
}

interface Waiting {
  readonly key: string;
  readonly admit: () => void;
  readonly refuse: (error: Error) => void;
}

export class Lanes {
  readonly #limits: LaneLimits;
  readonly #places: Places<string>;
  readonly #lanes = new Map<string, Connections>();
  /** By lane and holder. */
  readonly #waiting = new Turns<string, Waiting>(mostWaiting);
  #closed = false;

  constructor(limits: LaneLimits) {
    this.#limits = limits;
    this.#places = new Places(limits);
  }

  /** How many lanes have connections, in use or idle. */
  get size(): number {
    return this.#lanes.size;
  }

  /**
   * Does `task` with the agents of the lane, once there is a place for it.
   *
   * @throws NoPlace where too many wait, the client is closed, or `signal` is aborted while it waits
   */
  async run<T>(lane: Lane, signal: AbortSignal, task: (agents: Agents) => Promise<T>): Promise<T> {
    const key = JSON.stringify([lane.to, lane.purpose]);
    if (this.#isClosed()) throw closed();
    if (!this.#places.take(key)) await this.#turn(key, lane, signal);
    // It may have been closed between the turn and now.
    if (this.#isClosed()) throw closed();
    const connections = this.#use(key);
    try {
      return await task(connections);
    } finally {
      this.#leave(key, connections);
    }
  }

  /** Closes all connections. What waits for one is refused. */
  close(): void {
    this.#closed = true;
    for (const { refuse } of this.#waiting.takeAll()) refuse(closed());
    for (const connections of this.#lanes.values()) connections.close();
    this.#lanes.clear();
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  /** Resolves with a place. */
  async #turn(key: string, { holder = '' }: Lane, signal: AbortSignal): Promise<void> {
    const turn = JSON.stringify([key, holder]);
    let giveUp = (): void => undefined;
    try {
      await new Promise<void>((admit, refuse) => {
        const waiting: Waiting = { key, admit, refuse };
        if (!this.#waiting.add(turn, waiting)) {
          refuse(new NoPlace('too many requests wait for a connection'));
          return;
        }
        giveUp = (): void => {
          if (this.#waiting.remove(turn, waiting)) refuse(new NoPlace('no connection became free in time'));
        };
        signal.addEventListener('abort', giveUp);
        if (signal.aborted) giveUp();
      });
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  #use(key: string): Connections {
    const connections = this.#lanes.get(key) ?? new Connections(this.#limits.each);
    this.#lanes.set(key, connections);
    clearTimeout(connections.dropping);
    connections.requests += 1;
    return connections;
  }

  #leave(key: string, connections: Connections): void {
    connections.requests -= 1;
    this.#places.release(key);
    if (connections.requests === 0 && !this.#closed) {
      connections.dropping = setTimeout(() => {
        this.#lanes.delete(key);
        connections.close();
      }, this.#limits.idle).unref();
    }
    this.#admitNext();
  }

  /** Gives the place that became free to the request whose turn it is. */
  #admitNext(): void {
    const next = this.#waiting.next(({ key }) => this.#places.isFree(key));
    if (next === undefined) return;
    this.#places.take(next.key);
    next.admit();
  }
}

function closed(): NoPlace {
  return new NoPlace('the client is closed');
}
