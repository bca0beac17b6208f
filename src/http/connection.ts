import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MonotonicTime } from '../base/clock.js';
import type { Holding } from '../base/shared-budget.js';
import { hasBody, RequestBody } from './body.js';
import { Intake, type ReadingTurns } from './reading-turns.js';
import type { RequestTurns } from './request-turns.js';

/**
 * One connection, and the order of what happens on it: one request is in work at a time, until its answer is taken
 * (design D21). So a client that reads nothing holds one answer, however many requests it sends.
 *
 * Subtle: Node.js parses all requests that one read from the kernel holds, 64 KiB at most, and cannot be stopped in
 * between. Those behind the first wait here, and while any waits, nothing more is read: the rest stays in the
 * kernel, and finally with the client. At the end of each message Node.js goes on reading by itself; hence the
 * listener that stops it again.
 */

export type Socket = IncomingMessage['socket'];

/** Octets of memory that a request costs while it waits, estimated from above for the shortest one that there is. */
export const waitingOctets = 4096;

/** What a connection needs of its server. */
export interface ConnectionTools {
  /** Works on a request. */
  readonly work: (exchange: Exchange) => void;
  /** Opens a holding of octets of requests for `owner`. */
  readonly openHolding: (owner: string, giveWay: () => void) => Holding;
  readonly readingTurns: ReadingTurns;
  readonly requestTurns: RequestTurns;
  /** A request was begun, or the last one is answered. */
  readonly changed: (connection: Connection) => void;
  readonly now: () => MonotonicTime;
}

/** A request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: Connection;
  /** Undefined where the request has none. */
  readonly body: RequestBody | undefined;
}

export class Connection {
  readonly socket: Socket;
  /** The principal of the last request where one was asserted, else the remote address. */
  owner: string;
  /** Whether it only waits for its end, so that what arrives is no request any more. */
  lingers = false;
  readonly #tools: ConnectionTools;
  readonly #waiting: Exchange[] = [];
  #inWork: Exchange | undefined;
  #begunAt: MonotonicTime | undefined;
  #writesSince: MonotonicTime | undefined;
  #holding: Holding | undefined;
  /** Whether a body has come as far as it is let in. */
  #bodyWaits = false;
  readonly #intake = new Intake(() => {
    this.#regulate();
  });
  /** Whether reading is stopped; undefined where it never was. */
  #stopped: boolean | undefined;

  constructor(socket: Socket, tools: ConnectionTools) {
    this.socket = socket;
    this.#tools = tools;
    this.owner = socket.remoteAddress ?? '';
    socket.once('close', () => {
      this.#waiting.length = 0;
      this.#holding?.release();
    });
  }

  /** Whether a request is in work, or about to be. */
  get busy(): boolean {
    return this.#inWork !== undefined || this.#waiting.length > 0;
  }

  /** Since when the client has not taken the part of an answer that is on its way. */
  get unreadSince(): MonotonicTime | undefined {
    return this.#writesSince;
  }

  /** Since when a request is in work that waits for the client: for the rest of its body, or to take the answer. */
  get waitsSince(): MonotonicTime | undefined {
    return this.#writesSince ?? (this.#inWork?.request.complete === false ? this.#begunAt : undefined);
  }

  /** A request came. */
  asked(request: IncomingMessage, response: ServerResponse): void {
    if (this.lingers) return;
    const body = hasBody(request)
      ? new RequestBody(request, {
          open: (end) => this.#tools.openHolding(this.owner, end),
          hold: (holds) => {
            this.#bodyWaits = holds;
            this.#regulate();
          },
          read: (octets) => {
            this.#tools.readingTurns.read(this.owner, this.#intake, octets);
            this.#regulate();
          },
        })
      : undefined;
    const exchange = { request, response, connection: this, body };
    if (!this.busy) {
      this.#begin(exchange);
      return;
    }
    this.#waiting.push(exchange);
    this.#countWaiting();
    this.#regulate();
  }

  /** A part of an answer is given to the kernel from now on. */
  writes(): void {
    this.#writesSince = this.#tools.now();
  }

  #begin(exchange: Exchange): void {
    this.#inWork = exchange;
    this.owner = ownerOf(exchange.request);
    this.#begunAt = this.#tools.now();
    exchange.response.once('close', () => {
      this.#answered(exchange);
    });
    this.#tools.changed(this);
    const { requestTurns, work } = this.#tools;
    requestTurns.begin(
      this.owner,
      () => {
        work(exchange);
      },
      () => exchange.response.closed,
    );
  }

  #answered({ body }: Exchange): void {
    body?.discard();
    this.#inWork = undefined;
    this.#writesSince = undefined;
    // All that other connections ask has its turn before the next one.
    if (this.busy)
      setImmediate(() => {
        this.#beginNext();
      });
    else this.#tools.changed(this);
  }

  #beginNext(): void {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#countWaiting();
    this.#begin(next);
    this.#regulate();
  }

  /** One that there is no room for takes its connection with it: an answer to it would wait as it does. */
  #countWaiting(): void {
    const octets = this.#waiting.length * waitingOctets;
    if (octets > 0) {
      this.#holding ??= this.#tools.openHolding(this.owner, () => {
        this.socket.destroy();
      });
    }
    if (this.#holding?.resize(octets) === false) this.socket.destroy();
  }

  /** Stops reading where something must wait, and goes on where nothing does. */
  #regulate(): void {
    const stops = this.#waiting.length > 0 || this.#bodyWaits || this.#intake.waits;
    if (stops === (this.#stopped ?? false)) return;
    if (this.#stopped === undefined) {
      this.socket.on('resume', () => {
        if (this.#stopped === true) this.socket.pause();
      });
    }
    this.#stopped = stops;
    if (stops) this.socket.pause();
    else this.socket.resume();
  }
}

/** Longest name of a principal that is told apart; one connection holds one. */
const longestOwner = 256;

function ownerOf({ headers, socket }: IncomingMessage): string {
  const asserted = headers['x-3gpp-asserted-identity'];
  if (typeof asserted === 'string' && asserted !== '' && asserted.length <= longestOwner) return asserted;
  return socket.remoteAddress ?? '';
}
