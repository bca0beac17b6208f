import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { send, type RawAnswer } from '../../support/raw-http.js';
import { onTheWire, type Asked } from '../cast.js';

/**
 * The requests of an honest client. It asks on one connection, and asks again where it is told that there is no room
 * now, or where the connection was lost: what counts is when it has its answer at last.
 */

/** What came of one request. */
export interface Sample {
  /** What was asked for, in words. */
  readonly what: string;
  /** Milliseconds from the first attempt to the answer, or to when the client gave up. */
  readonly milliseconds: number;
  readonly attempts: number;
  /** What was wrong with the answer; undefined where it was right. */
  readonly failure: string | undefined;
  readonly status: number | undefined;
}

/** After so many milliseconds a client gives up. */
const patience = 10_000;

/** Milliseconds before the next attempt: soon enough that it can still be in time. */
const pauses = { noRoom: 250, lost: 50 } as const;

export class HonestClient {
  readonly samples: Sample[] = [];
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;
  readonly #ended: AbortSignal | undefined;

  /** @param ended after this it asks for nothing more; what it has asked for it still waits for */
  constructor(port: number, ended?: AbortSignal) {
    this.#port = port;
    this.#ended = ended;
  }

  /**
   * Asks, and notes how long it took.
   *
   * @param isRight says of an answer what is wrong with it, or nothing
   * @returns the answer, whether or not it is right; undefined where there was none in time, or nothing was asked
   */
  async ask(
    what: string,
    asked: Asked,
    isRight: (answer: RawAnswer, attempts: number) => string | undefined,
  ): Promise<{ readonly answer: RawAnswer | undefined; readonly attempts: number }> {
    if (this.#ended?.aborted === true) return { answer: undefined, attempts: 0 };
    const began = performance.now();
    let last = 'no connection';
    for (let attempts = 1; ; attempts += 1) {
      const left = patience - (performance.now() - began);
      const answer = left > 0 ? await this.#attempt(asked, left) : undefined;
      const milliseconds = performance.now() - began;
      const mayComeAgain = answer?.status === 503 && answer.headers['retry-after'] !== undefined;
      if (answer !== undefined && !mayComeAgain) {
        const failure = isRight(answer, attempts);
        this.samples.push({ what, milliseconds, attempts, failure, status: answer.status });
        return { answer, attempts };
      }
      if (answer !== undefined) last = '503 with Retry-After, again and again';
      if (milliseconds >= patience) {
        this.samples.push({ what, milliseconds, attempts, failure: last, status: answer?.status });
        return { answer, attempts };
      }
      await pause(answer === undefined ? pauses.lost : pauses.noRoom);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  /** One attempt; undefined where the connection is lost or time is up. */
  async #attempt(asked: Asked, milliseconds: number): Promise<RawAnswer | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        // The connection is of no more use: the answer to this request would be taken for that of the next.
        this.#agent.destroy();
        resolve(undefined);
      }, milliseconds);
    });
    try {
      return await Promise.race([send(this.#port, onTheWire(asked), this.#agent), late]);
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Says what is wrong with an answer that has another status. */
export function hasStatus(...expected: readonly number[]): (answer: RawAnswer) => string | undefined {
  return ({ status }) => (expected.includes(status) ? undefined : `status ${status}`);
}

/** Says what is wrong with an answer that does not hold a text. */
export function holds(text: string): (answer: RawAnswer) => string | undefined {
  return ({ status, text: received }) => {
    if (status !== 200) return `status ${status}`;
    return received.includes(text) ? undefined : 'another document';
  };
}

/** Connections that are tried: where the first packet of one was dropped, the system waits ever longer with the next. */
const connections = 4;

/** Reads something apart from what is measured; undefined where nothing is answered, however often it is tried. */
export async function readPatiently(port: number, asked: Asked): Promise<RawAnswer | undefined> {
  let found: RawAnswer | undefined;
  for (let tried = 0; tried < connections && found === undefined; tried += 1) {
    const client = new HonestClient(port);
    ({ answer: found } = await client.ask('', asked, () => undefined));
    client.close();
  }
  return found;
}
