import { expect } from 'chai';
import { gateText } from '../../src/xml/gate.js';
import type { DocumentKind } from '../../src/xml/schemas.js';
import type { LocatedElement } from '../../src/xml/tree.js';
import { fixture } from '../support/fixtures.js';
import type { RawAnswer } from '../support/raw-http.js';
import { errorType, groupPath, groupType, type TestRequest, type TestSystem } from '../support/system.js';
import { schemas } from '../support/schemas.js';
import { limits } from '../support/limits.js';

/** What the tests of the standards expect of answers, in one place. */

/** The root of `text`, which must be valid against the schema of its kind. */
export function validTree(kind: DocumentKind, text: string): LocatedElement {
  schemas().validate(kind, text);
  return gateText(text, limits).tree;
}

/** The condition that an `xcap-error` body names; it must be valid against its schema. */
export function conditionOf(answer: RawAnswer): LocatedElement {
  expect(answer.headers['content-type'], answer.text).to.equal(errorType);
  const [condition] = validTree('xcap-error', answer.text).children;
  return condition ?? expect.fail('the error names no condition');
}

/** Topology is hidden (TS 23.280 5.2.10.7): no answer tells of paths, stacks or hosts. */
export function expectNothingInternal(answer: RawAnswer): void {
  const said = `${JSON.stringify(answer.headers)}\n${answer.text}`;
  expect(said).not.to.match(/\bat [\w.<>#]+ \(|\bat (file|node):|node:internal|node_modules/);
  expect(said).not.to.match(/\bdist\/|\/tmp\/|\/home\/|\/etc\/|\/var\/|\.(js|ts|xsd)\b/);
  expect(said).not.to.match(/127\.0\.0\.1|localhost|x-powered-by|"server":/i);
  expect(said).not.to.match(/\b(TypeError|RangeError|ReferenceError|XmlRefused|GmsError)\b/);
}

/** What a refusal looks like on the wire. */
export interface Refusal {
  readonly status: number;
  /** The element of the `xcap-error`, for 409. */
  readonly condition?: string;
}

/** Checks that `answer` is this refusal: status, body element, nothing internal. */
export function expectRefusal(answer: RawAnswer, { status, condition }: Refusal): void {
  expect(answer.status, answer.text).to.equal(status);
  expect(status === 409, 'a conflict names its condition').to.equal(condition !== undefined);
  if (condition !== undefined) expect(conditionOf(answer).local, answer.text).to.equal(condition);
  else expect(answer.headers['content-type'] ?? '').to.match(/^(text\/plain; charset=utf-8)?$/);
  expect(answer.headers.etag, 'a refusal has no tag').to.equal(undefined);
  expectNothingInternal(answer);
}

/** Sends a request that must be refused, and checks that the document at `path` stays as it is. */
export async function refused(
  system: TestSystem,
  path: string,
  request: TestRequest,
  refusal: Refusal,
): Promise<RawAnswer> {
  const answer = await system.unchanged(path, () => system.request(request));
  if (request.method === 'HEAD') expect(answer.status).to.equal(refusal.status);
  else expectRefusal(answer, refusal);
  return answer;
}

/** The tag of an answer, which must be strong and quoted (RFC 9110 §8.8.3). */
export function tagOf(answer: RawAnswer): string {
  const { etag } = answer.headers;
  expect(etag).to.match(/^"[\x21\x23-\x7e]+"$/);
  return etag ?? '';
}

/** `fixtures/conformance/group.xml` as the document of another group. */
export function groupDocument(groupId: string): string {
  return fixture('conformance/group.xml').replaceAll('sip:group@police.example', groupId);
}

/** The text of a group with a rule by which its members get the member list (TS 24.481 clause 7.2.8). */
export function withMemberListGranted(text: string): string {
  const action = 'on-network-allow-getting-member-list';
  return text.replace('<join-handling>true</join-handling>', `$&<mcpttgi:${action}>true</mcpttgi:${action}>`);
}

let made = 0;

/** A group ID that no test has used before. */
export function freshGroupId(): string {
  made += 1;
  return `sip:group-${made}@police.example`;
}

/** A new group with the document of `groupDocument`, put by its group ID. */
export async function putGroup(system: TestSystem): Promise<{
  readonly groupId: string;
  readonly path: string;
  readonly text: string;
  readonly etag: string;
}> {
  const groupId = freshGroupId();
  const path = groupPath(groupId);
  const text = groupDocument(groupId);
  const answer = await system.put(path, text, groupType);
  return { groupId, path, text, etag: tagOf(answer) };
}
