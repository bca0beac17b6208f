import http from 'node:http';
import https from 'node:https';
import { GmsError } from '../base/errors.js';

/**
 * The only place that opens connections to other hosts. It goes where the configuration says and
 * nowhere else: redirects are not followed, proxy variables of the environment are not read, and no
 * URL out of a document ever reaches it. Answers are bounded in size and time.
 */

export interface OutboundRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface OutboundAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** There is no answer: the connection failed or the time ran out. */
export class NoAnswer extends GmsError {}

/** The time ran out, or the caller gave up. */
export class NoAnswerInTime extends NoAnswer {}

/** The answer is longer than allowed, or in a content coding that was not asked for. */
export class UnusableAnswer extends NoAnswer {}

/** The server closed an idle connection at the moment when it was used again. */
class StaleConnection extends GmsError {}

export interface OutboundLimits {
  /** Milliseconds from the call to the last octet of the answer. */
  readonly deadline: number;
  /** Octets of an answer's body. */
  readonly answerBytes: number;
}

/** The part of the client that senders need. */
export type Outbound = Pick<OutboundClient, 'send'>;

export class OutboundClient {
  readonly #limits: OutboundLimits;
  readonly #plain = new http.Agent({ keepAlive: true, maxSockets: 32 });
  readonly #secure = new https.Agent({ keepAlive: true, maxSockets: 32 });

  constructor(limits: OutboundLimits) {
    this.#limits = limits;
  }

  /**
   * Sends one request.
   *
   * @param signal ends the attempt earlier than the deadline
   * @throws NoAnswer, UnusableAnswer
   */
  async send(request: OutboundRequest, signal?: AbortSignal): Promise<OutboundAnswer> {
    // Not AbortSignal.any: in a signal that lives on, it leaves something behind for every request.
    const attempt = new AbortController();
    const end = (): void => {
      attempt.abort();
    };
    const deadline = setTimeout(end, this.#limits.deadline);
    signal?.addEventListener('abort', end);
    if (signal?.aborted === true) end();
    try {
      return await this.#exchangeAnew(request, attempt.signal);
    } catch (error) {
      if (error instanceof NoAnswer) throw error;
      if (attempt.signal.aborted) throw new NoAnswerInTime('no answer in time', { cause: error });
      throw new NoAnswer(failureOf(error), { cause: error });
    } finally {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', end);
    }
  }

  /** Closes idle connections. */
  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  /** Sends anew over a stale connection. Each of them leaves the pool, so the last attempt is on a fresh one. */
  async #exchangeAnew(request: OutboundRequest, signal: AbortSignal): Promise<OutboundAnswer> {
    for (;;) {
      try {
        return await this.#exchange(request, signal);
      } catch (error) {
        if (!(error instanceof StaleConnection)) throw error;
      }
    }
  }

  #exchange(request: OutboundRequest, signal: AbortSignal): Promise<OutboundAnswer> {
    const secure = request.url.startsWith('https:');
    const send = secure ? https.request : http.request;
    const body = typeof request.body === 'string' ? Buffer.from(request.body, 'utf8') : request.body;
    const length = body === undefined ? {} : { 'Content-Length': String(body.length) };
    return new Promise((resolve, reject) => {
      const outgoing = send(request.url, {
        method: request.method,
        headers: { ...request.headers, ...length },
        agent: secure ? this.#secure : this.#plain,
        signal,
      });
      let answered = false;
      outgoing.on('error', (error) => {
        const stale = !answered && outgoing.reusedSocket && codeOf(error) === 'ECONNRESET';
        reject(stale ? new StaleConnection(error.message) : error);
      });
      outgoing.on('response', (incoming) => {
        answered = true;
        this.#collect(incoming).then((received) => {
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: received });
        }, reject);
      });
      // Node reports no error where the answer is an upgrade that was not asked for.
      outgoing.on('close', () => {
        if (!answered) reject(new NoAnswer('the connection failed'));
      });
      outgoing.end(body);
    });
  }

  async #collect(incoming: http.IncomingMessage): Promise<Buffer> {
    const coding = incoming.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
    // Some deployed systems name the character encoding there (design D15).
    if (!['', 'identity', 'utf-8'].includes(coding)) {
      incoming.destroy();
      throw new UnusableAnswer('the answer has a content coding');
    }
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > this.#limits.answerBytes) {
        incoming.destroy();
        throw new UnusableAnswer('the answer is too long');
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** A short public name of a connection failure: no addresses, no paths. */
function failureOf(error: unknown): string {
  const code = codeOf(error);
  return code === undefined ? 'the connection failed' : `the connection failed (${code})`;
}

/**
 * Returns `answer`, unless a proxy on the way produced it and only the other system's own answer counts.
 * Group management servers send XML or plain text, and a proxy that knows no route must not have a group
 * removed.
 *
 * @param statuses those where only the other system's own answer counts
 * @throws NoAnswer
 */
export function exceptPagesOfProxies(answer: OutboundAnswer, statuses: readonly number[]): OutboundAnswer {
  const isPage = /^\s*text\/html\b/i.test(answer.headers['content-type'] ?? '');
  if (!isPage || !statuses.includes(answer.status)) return answer;
  throw new NoAnswer(`a proxy on the way answered ${answer.status}`);
}
