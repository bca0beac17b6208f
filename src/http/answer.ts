import type { IncomingMessage } from 'node:http';
import type { AnswersUnderWay } from './answers-under-way.js';
import { freeOctets, noRoom } from './body.js';
import type { Exchange } from './connection.js';
import { refusalAnswer } from './errors.js';
import { notStored } from './frame.js';
import { lingerAndClose } from './linger.js';
import type { XcapAnswer } from './messages.js';

/**
 * Answers on their way: written slice by slice, each of which the client must take in time, and counted until they
 * are taken.
 */

/** Octets that are given to the kernel at a time. A client must take as many within the time limit. */
const sliceOctets = 64 * 1024;

/** Methods that change nothing: an answer to one can be refused when it is there. */
const safe = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Answers wait no longer for what a client still sends behind them than this, in milliseconds. */
const longestLinger = 10_000;

/** What sending needs of the server. */
export interface SendingTools {
  /** Whether the connection ends with this answer. */
  readonly last: boolean;
  /** The most octets of a request body. */
  readonly bodyBytes: number;
  readonly answers: AnswersUnderWay;
  /** Milliseconds that a client has to take a slice. */
  readonly answerTimeout: number;
}

/** Writes `answer` to the request of `exchange`. Node itself leaves the body out of the answer to a HEAD. */
export function sendAnswer(exchange: Exchange, answer: XcapAnswer, tools: SendingTools): void {
  const { connection, request, response } = exchange;
  const { status, headers, body } = counted(exchange, answer, tools.answers);
  const fields: Record<string, string | number> = { ...headers };
  // A 304 has no Content-Length; every other answer has one, also where there is no body.
  if (status !== 304) fields['Content-Length'] = body === undefined ? 0 : Buffer.byteLength(body);
  const closes =
    tools.last || status === 413 || !(request.complete || isSoonComplete(request, tools.bodyBytes));
  if (closes) fields['Connection'] = 'close';
  response.writeHead(status, fields);
  connection.writes();
  if (request.complete || !closes) {
    if (typeof body !== 'object' || body.length <= sliceOctets || request.method === 'HEAD')
      response.end(body);
    else writeSlices(exchange, body);
    return;
  }
  // The response is not ended: Node would close the connection with it, under a client that is still sending.
  if (body === undefined || body.length === 0) response.flushHeaders();
  else response.write(body);
  exchange.body?.discard();
  lingerAndClose(connection, request, Math.min(tools.answerTimeout, longestLinger));
}

function writeSlices({ connection, response }: Exchange, body: Buffer): void {
  let from = 0;
  const next = (): void => {
    if (response.destroyed) return;
    connection.writes();
    const slice = body.subarray(from, from + sliceOctets);
    from += slice.length;
    if (from === body.length) response.end(slice);
    else response.write(slice, next);
  };
  next();
}

/** `answer`, counted among those under way; the refusal in its place where there is no room. */
function counted(
  { connection, request, response }: Exchange,
  answer: XcapAnswer,
  answers: AnswersUnderWay,
): XcapAnswer {
  const { body: given } = answer;
  if (given === undefined || given.length <= freeOctets || request.method === 'HEAD') return answer;
  const body = typeof given === 'string' ? Buffer.from(given) : given;
  const { owner, socket } = connection;
  // What a PUT, POST or DELETE did is done, and its requester must learn so: counted, and sent where there is no room.
  // Such answers are as many as there are connections at most.
  const mustHear = !safe.has(request.method ?? '');
  const taken = answers.hold(body, { owner, cut: () => socket.destroy(), mustHear });
  if (taken === undefined) {
    const refusal = refusalAnswer(noRoom('no room for an answer'));
    return { ...refusal, headers: { ...notStored, ...refusal.headers } };
  }
  response.once('close', taken);
  return { ...answer, body };
}

/**
 * Whether the rest of a body that nobody wanted comes and is short, so that the connection can serve the next
 * request behind it. A client that waits for `100 Continue` need not send it at all.
 */
function isSoonComplete({ headers }: IncomingMessage, bodyBytes: number): boolean {
  if (headers.expect !== undefined) return false;
  const { 'content-length': length, 'transfer-encoding': coding } = headers;
  return coding === undefined && Number(length ?? 0) <= bodyBytes;
}
