import { comparedParts, isIdentityUri, longestIdentity, sipDomain, toMcServiceId } from '../base/uri.js';
import { ConstraintFailure, UniquenessFailure } from '../xcap/conflicts.js';
import type { GatedText } from '../xml/gate.js';
import { ns } from '../xml/names.js';
import { attribute, childNamed, childrenNamed, type LocatedElement } from '../xml/tree.js';

/**
 * The entries of a member list (TS 24.481 clauses 7.2.2 and 7.2.7): a member is listed once, however its URI is
 * spelt, and each URI is one that a user can have.
 *
 * Subtle: what is the same member is not an equivalence (RFC 3261 clause 19.1.4, see `base/uri.ts`): of two URIs
 * that differ in a parameter which one of them alone has, either would do for the other. So entries are sorted by
 * what always counts, and within one such address each is compared with each. That is bounded: nobody lists one
 * address in many ways, and a list that does is refused, so that the cost stays linear in the entries.
 */

/** The most entries that differ in nothing but parameters which may be ignored. */
const spellingsOfOneAddress = 16;

/** A node selector of the entry with this index, relative to the document. */
export function entryPath(index: number): string {
  return `group/list-service/list/entry[${index + 1}]`;
}

/** @throws ConstraintFailure, UniquenessFailure */
export function checkMembers(entries: readonly LocatedElement[]): void {
  const byAddress = new Map<string, ReadonlyMap<string, string>[]>();
  for (const [index, entry] of entries.entries()) {
    for (const { uri, path } of urisOf(entry, index)) {
      const fault = faultOfMemberUri(uri);
      if (fault !== undefined) throw new ConstraintFailure(`${path} ${fault}: no user can have it`);
    }
    const { always, inBoth } = comparedParts(toMcServiceId(attribute(entry, 'uri') ?? '') ?? '');
    const listed = byAddress.get(always) ?? [];
    if (listed.some((other) => agree(other, inBoth))) {
      const field = `${entryPath(index)}/@uri`;
      throw new UniquenessFailure('a member is listed twice', [{ field, alternatives: [] }]);
    }
    if (listed.length === spellingsOfOneAddress) {
      throw new ConstraintFailure(
        `${entryPath(index)}/@uri is one address more than ${spellingsOfOneAddress} times, with different parameters`,
      );
    }
    byAddress.set(always, [...listed, inBoth]);
  }
}

/** Whether two sets of parameters are equal where both have a parameter. */
function agree(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return [...one].every(([name, parameter]) => (other.get(name) ?? parameter) === parameter);
}

interface MemberUri {
  readonly uri: string;
  readonly path: string;
}

/** Every URI that names the member: `@uri`, and the MCVideo and MCData IDs inside the entry. */
function urisOf(entry: LocatedElement, index: number): readonly MemberUri[] {
  const path = entryPath(index);
  const inner = ['mcvideo-mcvideo-id', 'mcdata-mcdata-id'].flatMap((name) =>
    childrenNamed(entry, ns.mcpttGroupInfo, name).map((element) => ({
      uri: attribute(element, 'uri') ?? '',
      path: `${path}/${name}/@uri`,
    })),
  );
  return [{ uri: attribute(entry, 'uri') ?? '', path: `${path}/@uri` }, ...inner];
}

/** RFC 3261 clause 25.1: `userinfo`, with its password. */
const userInfo = /^(?:[\w.!~*'()&=+$,;?/:-]|%[0-9A-F]{2})+$/;

/** RFC 3966 clause 3: a global or a local number without visual separators. */
const number = /^(?:\+\d+|(?:[\da-f*#]|%23)+)$/;

/** Why no user has `uri` as MC service ID, in words that follow a name of the field, or undefined. */
function faultOfMemberUri(uri: string): string | undefined {
  const text = uri.trim();
  if (text.length > longestIdentity) return `has more than ${longestIdentity} characters`;
  const id = toMcServiceId(text);
  if (id === undefined) {
    if (text === '') return 'is empty';
    if (/\s/.test(text)) return 'has white space inside';
    return isIdentityUri(`sip:${text}`) ? 'is no URI with a scheme' : 'has a character that no URI has';
  }
  if (id.startsWith('tel:')) {
    const [digits = ''] = id.slice(4).split(';');
    return number.test(digits) ? undefined : 'is no telephone number (RFC 3966 clause 3)';
  }
  if (!/^sips?:/.test(id)) return undefined;
  const domain = sipDomain(id);
  if (domain === undefined || !/^(?:[a-z\d._-]+|\[[\da-f:.]+\])$/.test(domain)) return 'has no domain';
  const user = /^sips?:([^@]*)@/.exec(id)?.[1];
  return user === undefined || userInfo.test(user)
    ? undefined
    : 'has a user part with a character that none has (RFC 3261 clause 25.1)';
}

/** What is odd about members that are let pass: the first of each kind. */
export function remarksOnMembers({ tree }: GatedText): readonly string[] {
  const service = childNamed(tree, ns.listService, 'list-service');
  const list = service && childNamed(service, ns.listService, 'list');
  const entries = list === undefined ? [] : childrenNamed(list, ns.listService, 'entry');
  const first = new Map<string, string>();
  for (const { uri, path } of entries.flatMap(urisOf)) {
    const oddity = oddityOf(toMcServiceId(uri) ?? '');
    if (oddity !== undefined && !first.has(oddity)) first.set(oddity, path);
  }
  return [...first].map(([oddity, path]) => `${path} ${oddity}`);
}

function oddityOf(id: string): string | undefined {
  if (/^tel:[^+]/.test(id) && !id.includes(';phone-context=')) {
    return 'is a local number without phone-context (RFC 3966 clause 5.1.5): no user is asserted like that';
  }
  return /^(?:sips?|tel):/.test(id) ? undefined : 'is no SIP or tel URI: no user has such an MC service ID';
}
