import { walkText } from '../xcap/locate-text.js';
import type { NodeSelector } from '../xcap/node-selector.js';
import type { GroupReading } from './reading.js';

/**
 * The member list of a group document is not for everybody who may know the group (TS 24.481 clause
 * 7.2.12.1): where no rule grants `on-network-allow-getting-member-list`, it must not be disclosed. A
 * request for a node that holds the list, or for anything within it, is then refused as a whole, because a
 * document with the same entity tag and other octets would be another document. The rest of the document can
 * be read node by node, or without its list by POST (clause 6.3.16).
 */

type Reading = Pick<GroupReading, 'memberList'>;

/**
 * Whether a GET of `node` of the document `text`, or of all of it, tells who is a member. A selector that leads into
 * the list counts whether or not it finds something there: a 404 would tell who is not a member.
 */
export function disclosesMembers(
  text: string,
  { memberList: list }: Reading,
  node: NodeSelector | undefined,
): boolean {
  if (list === undefined) return false;
  if (node === undefined) return true;
  const path = walkText(text, node.steps);
  if (path.some(({ start }) => start === list.start)) return true;
  const selected = path.length === node.steps.length ? path.at(-1) : undefined;
  const wholeElement = selected !== undefined && node.terminal === undefined;
  return wholeElement && selected.start < list.start && list.end < selected.end;
}

/** The document `text` without its member list; everything else is kept (clause 6.3.16). */
export function withoutMemberList(text: string, { memberList: list }: Reading): string {
  if (list === undefined) return text;
  let from = list.start;
  while (/[ \t\r\n]/.test(text.charAt(from - 1))) from -= 1;
  return text.slice(0, from) + text.slice(list.end);
}
