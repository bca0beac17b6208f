import type { IncomingHttpHeaders } from 'node:http';
import { BadGateway, RequestRefused } from '../base/refusals.js';
import { groupMediaType } from '../groups/names.js';
import type { XcapAnswer } from '../http/messages.js';
import {
  fieldOf,
  incarnationField,
  noWithdrawal,
  readIncarnation,
  tagField,
  withdrawalField,
} from '../interconnection/csc-16-fields.js';
import { resultMediaType } from '../interconnection/result/result.js';
import {
  bytesOf,
  NoAnswer,
  NoAnswerInTime,
  NoConnectionInTime,
  type OutboundAnswer,
} from '../outbound/client.js';
import { parseHttpDate } from '../xcap/http-date.js';
import { essence, mediaTypes } from '../xcap/media-types.js';

/**
 * What passes through the gateway: methods, header fields, statuses and bodies. What is not listed here stays
 * behind. Documents are the peers' business; Results and xcap-errors are written by our own GMSs, and are
 * dropped where they spell an address of the inside.
 */

export const methods: readonly string[] = ['GET', 'HEAD', 'PUT', 'DELETE'];

/** Request fields that pass as they came. */
const requestFields = [
  'accept',
  'content-type',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
] as const;

/** Statuses of refusals that pass, and of failures; all others concern only the server that answered. */
const refusals = new Set([400, 403, 404, 405, 409, 410, 411, 412, 413, 414, 415, 422, 428, 429, 431]);
const failures = new Set([503, 507, 508]);

/** Media types of the bodies that explain a status. */
const explanations: readonly string[] = [resultMediaType, mediaTypes.error];

/** The server behind or beyond did not answer in time. */
class GatewayTimeout extends RequestRefused {
  readonly status = 504;
}

const unavailable = 'the MC system cannot answer at present';

/** The fields of a request that pass. */
export function fieldsThrough(headers: IncomingHttpHeaders): Record<string, string> {
  const fields = fieldsBetween(headers);
  for (const name of requestFields) {
    const value = headers[name];
    if (value !== undefined) fields[name] = value;
  }
  return fields;
}

/** The part of an answer that is passed back. @throws BadGateway, GatewayTimeout */
export function answerThrough(method: string, answer: OutboundAnswer, hidden: readonly string[]): XcapAnswer {
  const { status, headers } = answer;
  const type = headers['content-type'] ?? '';
  const tag = {
    ...(headers.etag !== undefined && { ETag: headers.etag }),
    ...lastModified(headers),
    ...fieldsBetween(headers),
  };
  if (method === 'GET' && status === 200) {
    if (essence(type) !== groupMediaType) throw new BadGateway(unavailable);
    return { status, headers: { ...tag, 'Content-Type': typeThrough(type) }, body: bytesNeeded(answer) };
  }
  if (method === 'GET' && status === 304) return { status, headers: tag };
  const explanation = explanationThrough(answer, hidden);
  if (method !== 'GET' && [200, 201, 204].includes(status)) {
    // A 204 cannot carry a Result, and we never send one (design D16).
    return through(status === 204 ? 200 : status, tag, explanation);
  }
  if (refusals.has(status) || failures.has(status)) {
    const allow = status === 405 ? { Allow: methods.join(', ') } : {};
    return through(status, { ...tag, ...allow, ...retryAfter(headers) }, explanation);
  }
  if (status === 504) throw new GatewayTimeout(unavailable);
  throw new BadGateway(unavailable);
}

/** The capabilities document of a peer. @throws BadGateway, GatewayTimeout where the answer is none */
export function capabilitiesThrough(answer: OutboundAnswer): XcapAnswer {
  const type = essence(answer.headers['content-type'] ?? '');
  if (answer.status !== 200 || type !== mediaTypes.caps) throw new BadGateway(unavailable);
  return { status: 200, headers: { 'Content-Type': type }, body: bytesNeeded(answer) };
}

/**
 * The fields of the two GMSs between themselves, in requests and in answers, where they make sense. All
 * hold random tokens. An answer that has one is the GMS's own word, and no answer of the gateway has any.
 */
function fieldsBetween(headers: IncomingHttpHeaders): Record<string, string> {
  const fields: Record<string, string> = {};
  const incarnation = readIncarnation(fieldOf(headers, incarnationField));
  if (incarnation !== undefined) fields[incarnationField] = incarnation;
  const withdrawal = fieldOf(headers, withdrawalField);
  if (withdrawal === noWithdrawal || /^"[\w-]{1,64}"$/.test(withdrawal ?? '')) {
    fields[withdrawalField] = withdrawal ?? '';
  }
  const tag = fieldOf(headers, tagField);
  if (tag !== undefined && /^"[\w-]{1,64}"$/.test(tag)) fields[tagField] = tag;
  return fields;
}

/** The date of a document, where it is one. */
function lastModified({ 'last-modified': date = '' }: IncomingHttpHeaders): Record<string, string> {
  return parseHttpDate(date) === undefined ? {} : { 'Last-Modified': date };
}

/** What a client is told where there is no answer, or none that can be used. */
export function refusalOf(error: NoAnswer): RequestRefused {
  const late = error instanceof NoAnswerInTime || error instanceof NoConnectionInTime;
  return late ? new GatewayTimeout(unavailable) : new BadGateway(unavailable);
}

/** @throws BadGateway, GatewayTimeout */
function bytesNeeded(answer: OutboundAnswer): Buffer {
  try {
    return bytesOf(answer);
  } catch (error) {
    throw error instanceof NoAnswer ? refusalOf(error) : error;
  }
}

function through(
  status: number,
  headers: Readonly<Record<string, string>>,
  explanation: Explanation | undefined,
): XcapAnswer {
  if (explanation === undefined) return { status, headers };
  return { status, headers: { ...headers, 'Content-Type': explanation.type }, body: explanation.body };
}

interface Explanation {
  readonly type: string;
  readonly body: Buffer;
}

/** The Result or xcap-error of an answer, where it can be used and spells no address of the inside. */
function explanationThrough(
  { headers, body }: OutboundAnswer,
  hidden: readonly string[],
): Explanation | undefined {
  const type = headers['content-type'] ?? '';
  if (body.kind === 'unusable' || !explanations.includes(essence(type))) return undefined;
  const text = body.bytes.toString('latin1').toLowerCase();
  return hidden.some((address) => text.includes(address.toLowerCase()))
    ? undefined
    : { type: typeThrough(type), body: body.bytes };
}

/** A media type as it came; of parameters, a charset alone. */
function typeThrough(type: string): string {
  return /^[^;]+(?:;\s*charset="?[\w.-]{1,40}"?\s*)?$/i.test(type) ? type : essence(type);
}

/** The Retry-After field (RFC 9110 clause 10.2.3), where it makes sense. */
function retryAfter(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const value = headers['retry-after'] ?? '';
  const sound = /^(?:\d{1,10}|[A-Z][a-z]{2}, [\w :]{1,40} GMT)$/.test(value);
  return sound ? { 'Retry-After': value } : {};
}
