import http from 'node:http';
import https from 'node:https';
import { GmsError } from '../base/errors.js';
import { laneLimits, Lanes, NoPlace, type Agents, type Lane, type LaneLimits } from './lanes.js';

/**
 * The only place that opens connections to other hosts. It goes where the configuration says and
 * nowhere else: redirects are not followed, proxy variables of the environment are not read, and no
 * URL out of a document ever reaches it. Answers are bounded in size and time. Connections are shared out by whom
 * they go to and what for (lanes.ts).
 *
 * The status decides. Once it has come there is an answer, whatever becomes of the body: a partner that has
 * stored a group and says so in too many words has stored it. Only those who need the body are told that it
 * cannot be used.
 */

export interface OutboundRequest {
  readonly lane: Lane;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface OutboundAnswer {
  /** 200 to 599: what comes before a final answer is not told. */
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: AnswerBody;
}

/** The body of an answer: all of it, or why it cannot be used. */
export type AnswerBody =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | { readonly kind: 'unusable'; readonly fault: NoAnswer };

/** There is no answer that can be used: no status came, or the body is needed and did not come. */
export class NoAnswer extends GmsError {}

/** The connection could not be made: nobody is there, or not under that name, or TLS fails. */
export class NoConnection extends NoAnswer {}

/** The time ran out while the connection was being made. */
export class NoConnectionInTime extends NoConnection {}

/** The time ran out, or the caller gave up. */
export class NoAnswerInTime extends NoAnswer {}

/** The body is needed, and is longer than allowed or in a content coding that nobody asked for. */
export class UnusableAnswer extends NoAnswer {}

/** What came is no HTTP: it cannot be parsed, or its status is none. */
export class Nonsense extends UnusableAnswer {}

/** The server closed an idle connection at the moment when we used it again. */
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
  readonly #lanes: Lanes;
  /** Connections that stood. */
  readonly #stood = new WeakSet<object>();

  constructor(limits: OutboundLimits, lanes: LaneLimits = laneLimits) {
    this.#limits = limits;
    this.#lanes = new Lanes(lanes);
  }

  /**
   * Sends one request.
   *
   * @param signal ends the attempt earlier than the deadline
   * @throws NoAnswer where no status came, as NoConnection, NoAnswerInTime or Nonsense where it is known why
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
      return await this.#lanes.run(request.lane, attempt.signal, (agents) =>
        this.#exchangeAnew(request, agents, attempt.signal),
      );
    } catch (error) {
      if (error instanceof NoAnswer) throw error;
      if (error instanceof NoPlace && !attempt.signal.aborted) throw new NoAnswer(error.message);
      throw failureOf(error, 'unknown', attempt.signal);
    } finally {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', end);
    }
  }

  /** Closes all connections; what is under way fails, and nothing is sent any more. */
  close(): void {
    this.#lanes.close();
  }

  /** Sends anew over a stale connection. Each of them leaves the pool, so the last attempt is on a fresh one. */
  async #exchangeAnew(
    request: OutboundRequest,
    agents: Agents,
    signal: AbortSignal,
  ): Promise<OutboundAnswer> {
    for (;;) {
      try {
        return await this.#exchange(request, agents, signal);
      } catch (error) {
        if (!(error instanceof StaleConnection)) throw error;
      }
    }
  }

  #exchange(request: OutboundRequest, agents: Agents, signal: AbortSignal): Promise<OutboundAnswer> {
    const secure = request.url.startsWith('https:');
    const send = secure ? https.request : http.request;
    const body = typeof request.body === 'string' ? Buffer.from(request.body, 'utf8') : request.body;
    const length = body === undefined ? {} : { 'Content-Length': String(body.length) };
    return new Promise((resolve, reject) => {
      const outgoing = send(request.url, {
        method: request.method,
        headers: { 'Accept-Encoding': 'identity', ...request.headers, ...length },
        agent: secure ? agents.secure : agents.plain,
        signal,
      });
      let connection: Connection = 'unknown';
      let answered = false;
      let broken: Error | undefined;
      outgoing.on('socket', (socket) => {
        connection = this.#stood.has(socket) ? 'used again' : 'being made';
        if (connection === 'used again') return;
        socket.once(secure ? 'secureConnect' : 'connect', () => {
          this.#stood.add(socket);
          connection = 'new';
        });
      });
      outgoing.on('error', (error) => {
        // The status has come and counts. This concerns the body, which ends now.
        broken = error;
        if (answered) return;
        const stale = connection === 'used again' && codeOf(error) === 'ECONNRESET';
        reject(stale ? new StaleConnection(error.message) : failureOf(error, connection, signal));
      });
      outgoing.on('response', (incoming) => {
        answered = true;
        const { statusCode: status = 0, headers } = incoming;
        if (status < 100 || status > 599) {
          incoming.destroy();
          reject(new Nonsense(`the answer is no HTTP (status ${status})`));
          return;
        }
        this.#collect(incoming).then(
          (bytes) => {
            resolve({ status, headers, body: { kind: 'whole', bytes } });
          },
          (error: unknown) => {
            const fault = error instanceof NoAnswer ? error : failureOf(broken ?? error, connection, signal);
            resolve({ status, headers, body: { kind: 'unusable', fault } });
          },
        );
      });
      outgoing.on('upgrade', (_incoming, socket) => {
        socket.destroy();
        reject(new Nonsense('the answer is an upgrade that nobody asked for'));
      });
      // Some ends are not reported as errors; whatever came of the request, it has come by now.
      outgoing.on('close', () => {
        if (!answered) reject(new NoAnswer('the connection failed'));
      });
      outgoing.end(body);
    });
  }

  /** @throws UnusableAnswer; or what the stream throws where the answer breaks off */
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

/**
 * The octets of an answer's body, for those who need them.
 *
 * @throws NoAnswer where they are not all there or cannot be used
 */
export function bytesOf({ body }: Pick<OutboundAnswer, 'body'>): Buffer {
  if (body.kind === 'unusable') throw body.fault;
  return body.bytes;
}

/** The connection of a request; unknown while the request waits for one. */
type Connection = 'unknown' | 'being made' | 'new' | 'used again';

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** What an error of Node.js means, with a short public name: no addresses, no paths. */
function failureOf(error: unknown, connection: Connection, signal: AbortSignal): NoAnswer {
  const cause = { cause: error };
  if (signal.aborted) {
    return connection === 'being made'
      ? new NoConnectionInTime('no connection in time', cause)
      : new NoAnswerInTime('no answer in time', cause);
  }
  const code = codeOf(error);
  if (code?.startsWith('HPE_') === true) return new Nonsense(`the answer is no HTTP (${code})`, cause);
  const message = code === undefined ? 'the connection failed' : `the connection failed (${code})`;
  // With TLS 1.3 the server judges our certificate when the connection stands already.
  const unmade = connection === 'being made' || /^(?:ERR_SSL_|EPROTO$)/.test(code ?? '');
  return unmade ? new NoConnection(message, cause) : new NoAnswer(message, cause);
}
