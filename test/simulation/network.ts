import type { XcapAnswer, XcapRequest } from '../../src/http/messages.js';
import {
  NoAnswer,
  NoConnection,
  UnusableAnswer,
  type Outbound,
  type OutboundAnswer,
  type OutboundRequest,
} from '../../src/outbound/client.js';
import type { Dice } from './dice.js';
import { pages, type Page } from './pages.js';
import { groupIdOfUrl } from './texts.js';
import type { SimulatedTime } from './time.js';

/** How one request fares. Times in milliseconds. */
export interface Fate {
  /** When the request arrives; undefined where it is lost. */
  readonly arrives?: number | undefined;
  /** When it arrives once more; that answer goes nowhere. */
  readonly arrivesAgain?: number | undefined;
  /** How long the answer takes; undefined where it is lost. */
  readonly returns?: number | undefined;
  /** What a proxy says by itself. */
  readonly proxy?: Page;
  /** How the answer ends, where the connection breaks. */
  readonly breaks?: Break;
}

/**
 * How a connection ends before its time: none is made, it is reset before an answer, or the answer breaks off
 * within its body.
 */
export type Break = 'unmade' | 'reset' | 'truncated';

/** What a proxy does to the header fields of every answer on one way. */
export type Rewriting = 'weak tags' | 'no tags' | 'standard fields alone';

/** How every request about one group ends on one way. */
export type Poison = 'reset' | 'truncated' | 500 | 429 | 'silence';

/** A system as the network sees it. */
export interface Station {
  readonly name: string;
  /** Undefined while it is down. */
  readonly handle: ((request: XcapRequest) => Promise<XcapAnswer>) | undefined;
  /** Milliseconds for which it still stands still; nothing that happens reaches it before. */
  readonly stillFor: number;
}

/** One arrival of a request. */
export interface Arrival {
  readonly from: string;
  readonly to: string;
  readonly request: OutboundRequest;
  /** Whether its sender has given up, or it has arrived before: nobody waits for the answer. */
  readonly late: boolean;
  readonly answer: XcapAnswer;
}

export interface NetworkWatch {
  sent(from: string, to: string, request: OutboundRequest): void;
  arriving(from: string, to: string, request: OutboundRequest, late: boolean): void;
  answered(arrival: Arrival): void;
}

/** Milliseconds after which a sender gives up. */
const deadline = 10_000;

const calm: Fate = { arrives: 5, returns: 5 };

function rewrittenBy(rewriting: Rewriting | undefined, answer: XcapAnswer): XcapAnswer {
  const fields = Object.entries(answer.headers).flatMap(([name, value]): (readonly [string, unknown])[] => {
    const isTag = name.toLowerCase() === 'etag';
    if (rewriting === 'weak tags' && isTag) return [[name, `W/${value}`]];
    if (rewriting === 'no tags' && isTag) return [];
    if (rewriting === 'standard fields alone' && name.toLowerCase().startsWith('mcgms-')) return [];
    return [[name, value]];
  });
  return { ...answer, headers: Object.fromEntries(fields) as XcapAnswer['headers'] };
}

/** What happens to requests by chance. */
function faultyFate(dice: Dice): Fate {
  const soon = (): number => dice.between(1, 60);
  const delay = (): number => {
    const chance = dice.fraction();
    if (chance < 0.85) return soon();
    return chance < 0.97 ? dice.between(60, 9000) : dice.between(9000, 90_000);
  };
  const chance = dice.fraction();
  if (chance < 0.08) return {};
  if (chance < 0.15) return { arrives: delay() };
  if (chance < 0.22) return { arrives: delay(), arrivesAgain: delay() + soon(), returns: soon() };
  if (chance < 0.24) return { arrives: delay(), breaks: dice.of(['reset', 'truncated']), returns: soon() };
  if (chance < 0.26) {
    return { arrives: dice.happens(0.3) ? soon() : undefined, returns: soon(), proxy: dice.of(pages) };
  }
  if (chance < 0.32) {
    const status = dice.of([502, 504, 503, 500, 429, 408]);
    const headers = dice.happens(0.3) ? { 'retry-after': String(dice.between(1, 120)) } : {};
    return { arrives: dice.happens(0.3) ? soon() : undefined, returns: soon(), proxy: { status, headers } };
  }
  return { arrives: delay(), returns: dice.happens(0.9) ? soon() : delay() };
}

/** What a request about a poisoned group meets. */
function poisonedFate(poison: Poison): Fate {
  if (poison === 'silence') return { arrives: 5 };
  if (typeof poison === 'number') return { arrives: 5, returns: 5, proxy: { status: poison } };
  return { arrives: 5, returns: 5, breaks: poison };
}

interface Plan {
  readonly matches: (from: string, to: string, request: OutboundRequest) => boolean;
  readonly fate: Fate;
}

/** The network between the systems: requests take their time, get lost, come twice and overtake each other. */
export class SimulatedNetwork {
  readonly #time: SimulatedTime;
  readonly #dice: Dice;
  readonly #watch: NetworkWatch;
  readonly #stations = new Map<string, Station>();
  readonly #cut = new Set<string>();
  readonly #pages = new Map<string, Page>();
  readonly #rewritings = new Map<string, Rewriting>();
  readonly #poisons = new Map<string, Poison>();
  readonly #plans: Plan[] = [];
  /** Whether faults happen by chance. */
  faulty = false;

  constructor(time: SimulatedTime, dice: Dice, watch: NetworkWatch) {
    this.#time = time;
    this.#dice = dice;
    this.#watch = watch;
  }

  connect(root: string, station: Station): void {
    this.#stations.set(root, station);
  }

  /** Cuts one direction until `heal`. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from} ${to}`);
  }

  heal(from: string, to: string): void {
    this.#cut.delete(`${from} ${to}`);
  }

  /** From now on a proxy changes all answers of `to`; nothing ends it. */
  rewrite(from: string, to: string, rewriting: Rewriting): void {
    this.#rewritings.set(`${from} ${to}`, rewriting);
  }

  /** Whether a proxy changes the answers on this way. */
  isRewritten(from: string, to: string): boolean {
    return this.#rewritings.has(`${from} ${to}`);
  }

  /** Ends everything that was done to whole ways; poisoned groups stay poisoned. */
  healAll(): void {
    this.#cut.clear();
    this.#pages.clear();
  }

  /** From now on something else answers in the place of `to`; undefined ends it. */
  replaceAnswers(from: string, to: string, page: Page | undefined): void {
    if (page === undefined) this.#pages.delete(`${from} ${to}`);
    else this.#pages.set(`${from} ${to}`, page);
  }

  /** From now on every request about this group ends like that on this way. */
  poison(from: string, to: string, groupId: string, poison: Poison): void {
    this.#poisons.set(`${from} ${to} ${groupId}`, poison);
  }

  /** The ways and groups that are poisoned: `from to group`. */
  get poisoned(): ReadonlySet<string> {
    return new Set(this.#poisons.keys());
  }

  endPoisons(): void {
    this.#poisons.clear();
  }

  /** Decides how the next request fares that `matches`. */
  plan(matches: Plan['matches'], fate: Fate): void {
    this.#plans.push({ matches, fate });
  }

  /** The network as one living system uses it. */
  outbound(sender: Station, isAlive: () => boolean): Outbound {
    return {
      send: (request, signal) =>
        new Promise((resolve, reject) => {
          if (isAlive()) this.#send(sender, request, signal, isAlive, resolve, reject);
        }),
    };
  }

  /** Lets a request arrive that nobody waits for. */
  inject(from: string, request: OutboundRequest, delay: number): void {
    const station = this.#stationOf(request);
    this.#time.after(delay, () => {
      this.#arrive(
        from,
        station,
        request,
        () => true,
        () => undefined,
      );
    });
  }

  #send(
    sender: Station,
    request: OutboundRequest,
    signal: AbortSignal | undefined,
    isAlive: () => boolean,
    resolve: (answer: OutboundAnswer) => void,
    reject: (error: Error) => void,
  ): void {
    const station = this.#stationOf(request);
    const from = sender.name;
    this.#watch.sent(from, station.name, request);
    let waiting = true;
    const end = (settle: () => void): void => {
      if (!waiting) return;
      if (sender.stillFor > 0) {
        this.#time.after(sender.stillFor, () => {
          end(settle);
        });
        return;
      }
      waiting = false;
      cancel();
      signal?.removeEventListener('abort', giveUp);
      if (isAlive()) settle();
    };
    const fail = (error: Error = new NoAnswer('no answer in time')): void => {
      end(() => {
        reject(error);
      });
    };
    const giveUp = (): void => {
      fail();
    };
    const cancel = this.#time.after(deadline, giveUp);
    signal?.addEventListener('abort', giveUp);
    if (signal?.aborted === true) {
      fail();
      return;
    }
    const answer = (given: XcapAnswer, delay: number | undefined): void => {
      if (delay === undefined) return;
      this.#time.after(delay, () => {
        if (this.#cut.has(`${station.name} ${from}`)) return;
        if (breaks === 'reset') fail(new NoAnswer('the connection was reset'));
        else {
          end(() => {
            const rewritten = rewrittenBy(this.#rewritings.get(`${from} ${station.name}`), given);
            resolve(toOutboundAnswer(request, rewritten, breaks === 'truncated'));
          });
        }
      });
    };
    const { arrives, arrivesAgain, returns, proxy, breaks } = this.#fate(from, station.name, request);
    if (proxy !== undefined) {
      const { status, headers = {}, body } = proxy;
      const given = { status, headers, ...(body === undefined ? {} : { body }) };
      answer(given, (arrives ?? 0) + (returns ?? 0));
    }
    if (breaks === 'unmade') {
      this.#time.after(returns ?? 0, () => {
        fail(new NoConnection('no connection'));
      });
    }
    if (arrives !== undefined) {
      this.#time.after(arrives, () => {
        if (station.handle === undefined && this.#dice.happens(0.5)) fail(new NoConnection('no connection'));
        const isLate = (): boolean => !waiting || !isAlive();
        this.#arrive(from, station, request, isLate, (given) => {
          if (proxy === undefined) answer(given, returns);
        });
      });
    }
    if (arrivesAgain !== undefined) this.inject(from, request, arrivesAgain);
  }

  #fate(from: string, to: string, request: OutboundRequest): Fate {
    const index = this.#plans.findIndex(({ matches }) => matches(from, to, request));
    const [plan] = index < 0 ? [] : this.#plans.splice(index, 1);
    if (plan !== undefined) return plan.fate;
    const page = this.#pages.get(`${from} ${to}`);
    if (page !== undefined) return { returns: 5, proxy: page };
    const poison = this.#poisons.get(`${from} ${to} ${groupIdOfUrl(request.url) ?? ''}`);
    if (poison !== undefined) return poisonedFate(poison);
    return this.faulty ? faultyFate(this.#dice) : calm;
  }

  #arrive(
    from: string,
    station: Station,
    request: OutboundRequest,
    isLate: () => boolean,
    answer: (given: XcapAnswer) => void,
  ): void {
    const { name: to, handle, stillFor } = station;
    if (handle === undefined || this.#cut.has(`${from} ${to}`)) return;
    if (stillFor > 0) {
      this.#time.after(stillFor, () => {
        this.#arrive(from, station, request, isLate, answer);
      });
      return;
    }
    const late = isLate();
    this.#watch.arriving(from, to, request, late);
    void handle(toXcapRequest(request)).then((given) => {
      this.#watch.answered({ from, to, request, late, answer: given });
      answer(given);
    });
  }

  #stationOf({ url }: OutboundRequest): Station {
    const station = this.#stations.get(new URL(url).origin);
    if (station === undefined) throw new Error(`no system of the simulation is at ${url}`);
    return station;
  }
}

export function toXcapRequest({
  method,
  url,
  headers,
  body = '',
}: Omit<OutboundRequest, 'lane'>): XcapRequest {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    method,
    target: url.slice(new URL(url).origin.length),
    headers: Object.fromEntries(lower) as XcapRequest['headers'],
    readBody: () => Promise.resolve(Buffer.from(body)),
    gone: () => new AbortController().signal,
  };
}

function toOutboundAnswer(
  { method }: OutboundRequest,
  { status, headers, body = '' }: XcapAnswer,
  isTruncated: boolean,
): OutboundAnswer {
  const bytes = Buffer.from(method === 'HEAD' ? '' : body);
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    status,
    headers: Object.fromEntries(lower) as OutboundAnswer['headers'],
    body:
      isTruncated && bytes.length > 0
        ? { kind: 'unusable', fault: new UnusableAnswer('the answer breaks off') }
        : { kind: 'whole', bytes },
  };
}
