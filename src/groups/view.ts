import type { GroupId, McServiceId } from '../base/identifiers.js';
import { toGroupId, toMcServiceId } from '../base/uri.js';
import { textContent } from '../xml/content.js';
import type { GatedText } from '../xml/gate.js';
import { ns } from '../xml/names.js';
import { attribute, childNamed, childrenNamed, type LocatedElement } from '../xml/tree.js';

/** A member of a group: one `entry` of its list (TS 24.481 clause 7.2.2). */
export interface GroupMember {
  /** Every MC service ID of the entry: `@uri`, and the MCVideo and MCData IDs inside it. */
  readonly identities: readonly McServiceId[];
}

/** What this server reads of a group document. A view never writes: documents are bytes (design D3). */
export interface GroupView {
  readonly groupId: GroupId | undefined;
  readonly displayName: string | undefined;
  readonly members: readonly GroupMember[];
}

const views = new WeakMap<LocatedElement, GroupView>();

function memberOf(entry: LocatedElement): GroupMember {
  const inner = [
    ...childrenNamed(entry, ns.mcpttGroupInfo, 'mcvideo-mcvideo-id'),
    ...childrenNamed(entry, ns.mcpttGroupInfo, 'mcdata-mcdata-id'),
  ];
  const uris = [entry, ...inner].map((element) => toMcServiceId(attribute(element, 'uri') ?? ''));
  return { identities: [...new Set(uris.filter((uri) => uri !== undefined))] };
}

function readView({ text, tree }: GatedText): GroupView {
  const service = childNamed(tree, ns.listService, 'list-service');
  const list = service && childNamed(service, ns.listService, 'list');
  const displayName = service && childNamed(service, ns.listService, 'display-name');
  return {
    groupId: service && toGroupId(attribute(service, 'uri') ?? ''),
    displayName: displayName && textContent(text, displayName).trim(),
    members: list === undefined ? [] : childrenNamed(list, ns.listService, 'entry').map(memberOf),
  };
}

/** The view of a valid group document; made once per tree. */
export function groupView(document: GatedText): GroupView {
  const known = views.get(document.tree);
  if (known !== undefined) return known;
  const view = readView(document);
  views.set(document.tree, view);
  return view;
}

/** Whether the document lists `identity` as a member. */
export function isMember(view: GroupView, identity: McServiceId): boolean {
  return view.members.some(({ identities }) => identities.includes(identity));
}
