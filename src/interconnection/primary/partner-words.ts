import type { PartnerAnswer } from '../../documents/state.js';
import { mediaTypes } from '../../xcap/media-types.js';
import { gateText } from '../../xml/gate.js';
import { readSmall, smallAttribute, smallChildren } from '../../xml/read-small.js';
import { XmlRefused } from '../../xml/refusal.js';
import type { ScanLimits } from '../../xml/scan.js';
import type { Schemas } from '../../xml/schemas.js';
import type { PeerAnswer } from '../peer-client.js';
import { readResult } from '../result/read-result.js';
import { provisionSteps, resultMediaType, type ProvisionResult, type Reason } from '../result/result.js';

/**
 * What a partner says in its answer: the Result of a group information provision response (TS 23.280
 * table 10.2.2.y-1), its explanation of a refusal, and when to come again. Nothing of it is trusted: words
 * that make no sense count as none.
 */

interface Tools {
  readonly schemas: Schemas;
  /** What an answer's document may hold. */
  readonly limits: ScanLimits;
}

/** Characters of a partner's explanation that are kept. */
const explanationLength = 300;

/** What is kept of an answer, for the operator. @param at when it came, in milliseconds since the epoch */
export function answerToKeep(answer: PeerAnswer, at: number, tools: Tools): PartnerAnswer {
  const { status } = answer;
  const result = provisionResult(answer, tools);
  if (result === undefined) return { status, at, result: null };
  const { reception, modification, storage, modifications, omitted = 0 } = result;
  const outcomes = {
    reception: reception.outcome,
    modification: modification.outcome,
    storage: storage.outcome,
    modifications: modifications === undefined ? null : modifications.length + omitted,
  };
  return { status, at, result: outcomes };
}

/** The partner's own words for a refusal, cut to what a line of a log or a table holds; or nothing. */
export function explanationOf(answer: PeerAnswer, tools: Tools): string {
  const text = explainedByResult(answer, tools) ?? explainedByXcapError(answer, tools) ?? '';
  // eslint-disable-next-line no-control-regex -- a partner's words must stay one line
  return text.replace(/[\u0000-\u001F\u007F]+/g, ' ').slice(0, explanationLength);
}

/** The milliseconds that a Retry-After field value asks for (RFC 9110 clause 10.2.3), undefined for nonsense. */
export function readRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1000;
  const date = /^[A-Z][a-z]{2}, .* GMT$/.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function provisionResult({ mediaType, body }: PeerAnswer, tools: Tools): ProvisionResult | undefined {
  if (mediaType !== resultMediaType) return undefined;
  const result = readResult(body.toString('utf8'), tools.schemas, tools.limits);
  return result?.kind === 'provision' ? result : undefined;
}

function explainedByResult(answer: PeerAnswer, tools: Tools): string | undefined {
  const result = provisionResult(answer, tools);
  if (result === undefined) return undefined;
  for (const step of provisionSteps) {
    const outcome = result[step];
    if (outcome.outcome === 'failure') return `${step} failed, ${inWords(outcome.reason)}`;
  }
  return undefined;
}

function explainedByXcapError({ mediaType, body }: PeerAnswer, tools: Tools): string | undefined {
  if (mediaType !== mediaTypes.error) return undefined;
  try {
    const { text } = gateText(body.toString('utf8'), tools.limits);
    tools.schemas.validate('xcap-error', text);
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
