import { jsonFixture } from './fixtures.js';

/** The cases of `fixtures/groups/members` and `fixtures/groups/times`; URIs and rules as they stand in XML. */

/** Clause, what differs, and two spellings. */
type Pair = readonly [string, string, string, string];

export const memberCases = jsonFixture('groups/members/cases.json') as {
  readonly same: readonly Pair[];
  readonly different: readonly Pair[];
  /** What is wrong, the URI, and words of the refusal. */
  readonly refused: readonly (readonly [string, string, string])[];
  /** What is odd, the URI, and words of the remark. */
  readonly remarked: readonly (readonly [string, string, string])[];
};

export const timeCases = jsonFixture('groups/times/cases.json') as {
  /** What is wrong, the content of `validity`, and words of the refusal. */
  readonly refused: readonly (readonly [string, string, string])[];
  readonly accepted: readonly (readonly [string, string])[];
};

export function listOf(...uris: readonly string[]): string {
  return `<list>${uris.map((uri) => `<entry uri="${uri}"/>`).join('')}</list>`;
}

/** A ruleset whose one rule holds at these times. */
export function rulesetOf(validity: string): string {
  return `<cp:ruleset xmlns:cp="urn:ietf:params:xml:ns:common-policy"><cp:rule id="shift"><cp:conditions><cp:validity>${validity}</cp:validity></cp:conditions></cp:rule></cp:ruleset>`;
}
