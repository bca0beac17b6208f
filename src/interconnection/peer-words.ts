import { millisecondsUntil, type WallTime } from '../base/clock.js';
import type { GroupId } from '../base/identifiers.js';
import type { PartnerAnswer } from '../documents/state.js';
import { groupMediaType } from '../groups/names.js';
import { mediaTypes } from '../xcap/media-types.js';
import { gateText } from '../xml/gate.js';
import { readSmall, smallAttribute, smallChildren } from '../xml/read-small.js';
import { XmlRefused } from '../xml/refusal.js';
import type { ScanLimits } from '../xml/scan.js';
import type { Schemas } from '../xml/schemas.js';
import { readResult } from './result/read-result.js';
import {
  provisionSteps,
  resultMediaType,
  type ProvisionResult,
  type Reason,
  type Result,
} from './result/result.js';

/**
 * What a peer says in its answer, and whether the peer says it (design D20). Proxies, ingresses and login
 * pages answer in the place of a GMS, with every status. So an answer has consequences only where something in
 * it comes from the other GMS itself:
 *
 *   - a Result that names the group, or an xcap-error document (RFC 4825 clause 11);
 *   - the incarnation token of its store (design D17);
 *   - the strong tag that RFC 4825 clause 8.5 wants with a document that was put, or the document itself.
 *
 * Nothing of it is trusted beyond that: words that make no sense count as none.
 */

/** The words of one answer. */
export interface PeerWords {
  /** Whether the peer's GMS itself gave the answer, as far as it shows. */
  readonly own: boolean;
  /** The Result about this group. */
  readonly result: Result | undefined;
  /** The peer's explanation of a refusal, on one line; empty for none. */
  readonly explanation: string;
}

/** What of an answer tells who gave it. */
export interface Spoken {
  readonly method: string;
  readonly status: number;
  readonly mediaType: string;
  /** The entity tag, where it is a strong one. */
  readonly etag: string | undefined;
  readonly incarnation: string | undefined;
  /** Empty where it cannot be read. */
  readonly body: Buffer;
}

export interface WordTools {
  readonly schemas: Schemas;
  /** What an answer's document may hold. */
  readonly limits: ScanLimits;
}

/** Characters of a peer's explanation that are kept. */
const explanationLength = 300;

/** Reads the words of an answer about `groupId`. */
export function wordsOf(answer: Spoken, groupId: GroupId, tools: WordTools): PeerWords {
  const result = resultAbout(answer, groupId, tools);
  const condition = xcapErrorOf(answer, tools);
  const own =
    result !== undefined ||
    condition !== undefined ||
    answer.incarnation !== undefined ||
    showsDocument(answer);
  const text = (result === undefined ? undefined : explainedBy(result)) ?? condition ?? '';
  // eslint-disable-next-line no-control-regex -- a peer's words must stay one line
  const explanation = text.replace(/[\u0000-\u001F\u007F]+/g, ' ').slice(0, explanationLength);
  return { own, result, explanation };
}

/** What is kept of an answer, for the operator. @param at when it came, in milliseconds since the epoch */
export function answerToKeep(status: number, result: Result | undefined, at: number): PartnerAnswer {
  if (result?.kind !== 'provision') return { status, at, result: null };
  return { status, at, result: outcomesOf(result) };
}

/**
 * The milliseconds that a Retry-After field value asks for (RFC 9110 clause 10.2.3), undefined for nonsense.
 * However many: whoever waits bounds them.
 */
export function readRetryAfter(value: string | undefined, now: WallTime): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1000;
  const date = /^[A-Z][a-z]{2}, .* GMT$/.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? undefined : millisecondsUntil(date, now, Infinity);
}

function outcomesOf(result: ProvisionResult): PartnerAnswer['result'] {
  const { reception, modification, storage, modifications, omitted = 0 } = result;
  return {
    reception: reception.outcome,
    modification: modification.outcome,
    storage: storage.outcome,
    modifications: modifications === undefined ? null : modifications.length + omitted,
  };
}

/**
 * A document that was put has a strong tag (RFC 4825 clause 8.5), and one that was asked for is a group document.
 * Sites that answer everything with a page of theirs give such a tag as well, but with that page. The
 * answer to a DELETE shows nothing.
 */
function showsDocument({ method, status, mediaType, etag }: Spoken): boolean {
  switch (method) {
    case 'PUT':
      return (
        [200, 201, 204].includes(status) && etag !== undefined && ['', groupMediaType].includes(mediaType)
      );
    case 'GET':
    case 'HEAD':
      return (status === 304 && etag !== undefined) || (status === 200 && mediaType === groupMediaType);
    default:
      return false;
  }
}

function resultAbout(
  { mediaType, body }: Spoken,
  groupId: GroupId,
  { schemas, limits }: WordTools,
): Result | undefined {
  if (mediaType !== resultMediaType) return undefined;
  const result = readResult(body.toString('utf8'), schemas, limits);
  return result?.groupId === groupId ? result : undefined;
}

function explainedBy(result: Result): string | undefined {
  if (result.kind === 'request') return inWords(result.reason);
  for (const step of provisionSteps) {
    const outcome = result[step];
    if (outcome.outcome === 'failure') return `${step} failed, ${inWords(outcome.reason)}`;
  }
  return undefined;
}

/** The condition that an xcap-error document names, in words; undefined where the body is none. */
function xcapErrorOf({ mediaType, body }: Spoken, { schemas, limits }: WordTools): string | undefined {
  if (mediaType !== mediaTypes.error) return undefined;
  try {
    const { text } = gateText(body.toString('utf8'), limits);
    schemas.validate('xcap-error', text);
    const [condition] = smallChildren(readSmall(text));
    if (condition === undefined) return undefined;
    return inWords({
      phrase: smallAttribute(condition, 'phrase') ?? '',
      element: { name: condition.local },
    });
  } catch (error) {
    if (error instanceof XmlRefused) return undefined;
    throw error;
  }
}

function inWords({
  phrase,
  element,
}: {
  phrase: string;
  element?: Pick<NonNullable<Reason['element']>, 'name'>;
}): string {
  return [element?.name, phrase].filter((part) => part !== undefined && part !== '').join(': ');
}
