import type { ETag } from '../base/identifiers.js';
import { BadRequest, PreconditionFailed } from '../base/refusals.js';
import { parseHttpDate } from './http-date.js';

/**
 * Conditional requests (RFC 9110 clause 13, RFC 4825 clause 7.11). All nodes of a document share its
 * entity tag and its date; a node that does not exist yet is still conditioned on those of the document, so that a
 * client can insert on condition that nothing else changed.
 *
 * Conditions are judged in the order of clause 13.2.2. A condition by date counts only where the one by tag of its
 * kind is not there, and where it is an HTTP-date and the document has one; else the RFC has it ignored.
 * `If-Range` is for ranges, which are not served: it never changes an answer. Conditions of other protocols, such as
 * `If` of WebDAV, are refused with the head of the request (`http/head.ts`).
 *
 * Subtle: dates count seconds, and a document can change twice in one. The earlier of two states then has the date of
 * the later one, so that the date is a weak validator (clause 8.8.2.2). A document that knows of such a former state
 * takes a date for proof only where it is later than that state: a write is refused, and a read is sent in full.
 */

/** A field value taken apart: `*`, or a list of entity tags. */
export type TagCondition = '*' | readonly { readonly weak: boolean; readonly opaque: string }[];

export interface Conditions {
  readonly ifMatch: TagCondition | undefined;
  readonly ifNoneMatch: TagCondition | undefined;
  /** Milliseconds since the epoch; undefined also where the field is no HTTP-date. For GET and HEAD only. */
  readonly ifModifiedSince?: number | undefined;
  /** Milliseconds since the epoch; undefined also where the field is no HTTP-date. */
  readonly ifUnmodifiedSince?: number | undefined;
}

// Quoted as RFC 9110 wants, or bare as some XDM clients send it: then of the characters of tokens and base64 alone.
const entityTag = /\s*(W\/)?(?:"([\x21\x23-\x7e\x80-\xff]*)"|(?!W\/)([\w.~:+/=-]+))\s*(?:,|$)/y;

/** @throws BadRequest where the value is no list of entity tags */
function parseCondition(field: string, fieldValue: string | undefined): TagCondition | undefined {
  if (fieldValue === undefined) return undefined;
  const value = fieldValue.trim();
  if (value === '*') return '*';
  const tags: { weak: boolean; opaque: string }[] = [];
  entityTag.lastIndex = 0;
  while (entityTag.lastIndex < value.length) {
    const emptyElement = /\s*,\s*/y;
    emptyElement.lastIndex = entityTag.lastIndex;
    if (emptyElement.test(value)) {
      entityTag.lastIndex = emptyElement.lastIndex;
      continue;
    }
    const match = entityTag.exec(value);
    if (match === null) throw new BadRequest(`${field} is not a list of entity tags`);
    tags.push({ weak: match[1] !== undefined, opaque: match[2] ?? match[3] ?? '' });
  }
  if (tags.length === 0) throw new BadRequest(`${field} is empty`);
  return tags;
}

function parseDate(fieldValue: string | undefined): number | undefined {
  return fieldValue === undefined ? undefined : parseHttpDate(fieldValue);
}

/** The conditions of a request. @throws BadRequest */
export function parseConditions(headers: {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
  readonly 'if-modified-since'?: string | undefined;
  readonly 'if-unmodified-since'?: string | undefined;
}): Conditions {
  return {
    ifMatch: parseCondition('If-Match', headers['if-match']),
    ifNoneMatch: parseCondition('If-None-Match', headers['if-none-match']),
    ifModifiedSince: parseDate(headers['if-modified-since']),
    ifUnmodifiedSince: parseDate(headers['if-unmodified-since']),
  };
}

/** When a document changed, in milliseconds since the epoch. */
export interface Dated {
  /** 0 where the time is not known. */
  readonly modified: number;
  /** The time of a former state that has the same date or a later one, where there was one. */
  readonly otherUntil?: number;
}

/** The state that conditions are judged by. */
export interface Target {
  /** The document's entity tag, or undefined where there is no document. */
  readonly etag: ETag | undefined;
  /** Whether the requested resource exists: the document, or the node in it. */
  readonly exists: boolean;
  /** When the document changed; undefined where there is no document. */
  readonly dated?: Dated | undefined;
}

function secondOf(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

/** What is kept of `former`, the time of another state of a document, where dates do not tell it from `modified`. */
export function otherUntil(modified: number, former: number | undefined): number | undefined {
  return former !== undefined && secondOf(former) >= secondOf(modified) ? former : undefined;
}

type DateProof = 'unchanged' | 'changed' | 'unclear';

/** What a client that has the state of `date` knows of the present one; undefined where nothing is known of its time. */
function proofOf(date: number, dated: Dated | undefined): DateProof | undefined {
  if (dated === undefined || dated.modified === 0) return undefined;
  if (secondOf(date) < secondOf(dated.modified)) return 'changed';
  return otherUntil(date, dated.otherUntil) === undefined ? 'unchanged' : 'unclear';
}

/** Strong comparison (RFC 9110 clause 8.8.3.2): a weak tag equals nothing. */
function matchesStrongly(condition: TagCondition, { etag, exists }: Target): boolean {
  if (condition === '*') return exists;
  return etag !== undefined && condition.some(({ weak, opaque }) => !weak && opaque === etag);
}

function matchesWeakly(condition: TagCondition, { etag, exists }: Target): boolean {
  if (condition === '*') return exists;
  return etag !== undefined && condition.some(({ opaque }) => opaque === etag);
}

/** Why `condition`, of an If-Match, does not hold. */
function whyNot(condition: TagCondition, target: Target): string {
  return condition !== '*' && matchesWeakly(condition, target)
    ? 'If-Match has the present entity tag as a weak one (W/), which never matches; a proxy that codes answers (gzip) makes tags weak'
    : 'If-Match names another state of the document';
}

/** Clause 13.2.2 steps 1 and 2. @throws PreconditionFailed */
function judgePresent({ ifMatch, ifUnmodifiedSince }: Conditions, target: Target): void {
  if (ifMatch !== undefined) {
    if (!matchesStrongly(ifMatch, target)) throw new PreconditionFailed(whyNot(ifMatch, target));
    return;
  }
  if (ifUnmodifiedSince === undefined) return;
  const proof = proofOf(ifUnmodifiedSince, target.dated);
  if (proof === 'changed') {
    throw new PreconditionFailed('the document was changed after the date in If-Unmodified-Since');
  }
  if (proof === 'unclear') {
    throw new PreconditionFailed(
      'the document was changed more than once in the second that If-Unmodified-Since names: use If-Match',
    );
  }
}

/** How a conditional GET or HEAD is answered. @throws PreconditionFailed */
export function judgeRead(conditions: Conditions, target: Target): 'send' | 'not-modified' {
  judgePresent(conditions, target);
  const { ifNoneMatch, ifModifiedSince } = conditions;
  const isKnown =
    ifNoneMatch === undefined
      ? ifModifiedSince !== undefined && proofOf(ifModifiedSince, target.dated) === 'unchanged'
      : matchesWeakly(ifNoneMatch, target);
  return isKnown ? 'not-modified' : 'send';
}

/** Lets a PUT or DELETE pass or refuses it. @throws PreconditionFailed */
export function judgeWrite(conditions: Conditions, target: Target): void {
  judgePresent(conditions, target);
  if (conditions.ifNoneMatch !== undefined && matchesWeakly(conditions.ifNoneMatch, target)) {
    throw new PreconditionFailed('If-None-Match names the present state of the document');
  }
}

/** `etag` as a header field value. */
export function formatETag(etag: ETag): string {
  return `"${etag}"`;
}
