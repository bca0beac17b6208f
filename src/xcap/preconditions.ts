import type { ETag } from '../base/identifiers.js';
import { BadRequest, PreconditionFailed } from '../base/refusals.js';

/**
 * Conditional requests (RFC 9110 clause 13, RFC 4825 clause 7.11). All nodes of a document share its
 * entity tag; a node that does not exist yet is still conditioned on the document's tag, so that a
 * client can insert on condition that nothing else changed.
 */

/** A field value taken apart: `*`, or a list of entity tags. */
export type TagCondition = '*' | readonly { readonly weak: boolean; readonly opaque: string }[];

export interface Conditions {
  readonly ifMatch: TagCondition | undefined;
  readonly ifNoneMatch: TagCondition | undefined;
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

/** The conditions of a request. @throws BadRequest */
export function parseConditions(headers: {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
}): Conditions {
  return {
    ifMatch: parseCondition('If-Match', headers['if-match']),
    ifNoneMatch: parseCondition('If-None-Match', headers['if-none-match']),
  };
}

/** The state that conditions are judged by. */
export interface Target {
  /** The document's entity tag, or undefined where there is no document. */
  readonly etag: ETag | undefined;
  /** Whether the requested resource exists: the document, or the node in it. */
  readonly exists: boolean;
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

/** How a conditional GET or HEAD is answered. @throws PreconditionFailed */
export function judgeRead(conditions: Conditions, target: Target): 'send' | 'not-modified' {
  if (conditions.ifMatch !== undefined && !matchesStrongly(conditions.ifMatch, target)) {
    throw new PreconditionFailed(whyNot(conditions.ifMatch, target));
  }
  const known = conditions.ifNoneMatch !== undefined && matchesWeakly(conditions.ifNoneMatch, target);
  return known ? 'not-modified' : 'send';
}

/** Lets a PUT or DELETE pass or refuses it. @throws PreconditionFailed */
export function judgeWrite(conditions: Conditions, target: Target): void {
  if (conditions.ifMatch !== undefined && !matchesStrongly(conditions.ifMatch, target)) {
    throw new PreconditionFailed(whyNot(conditions.ifMatch, target));
  }
  if (conditions.ifNoneMatch !== undefined && matchesWeakly(conditions.ifNoneMatch, target)) {
    throw new PreconditionFailed('If-None-Match names the present state of the document');
  }
}

/** `etag` as a header field value. */
export function formatETag(etag: ETag): string {
  return `"${etag}"`;
}
