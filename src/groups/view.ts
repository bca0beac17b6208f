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

/** The parts of a group document that this server reads. A view never writes: documents are bytes (design D3). */
export interface GroupView {
  readonly groupId: GroupId | undefined;
  readonly displayName: string | undefined;
  /** Read anew each time: trees are kept, and members would weigh as much again. */
  readonly members: readonly GroupMember[];
  /** Every MC service ID of every member, read anew as well. */
  readonly identities: ReadonlySet<McServiceId>;
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

/** Reads each part on demand: most requests need only the group ID, and a list may have thousands of entries. */
class LazyGroupView implements GroupView {
  readonly groupId: GroupId | undefined;
  readonly #memberList: LocatedElement | undefined;
  readonly #text: string;
  readonly #service: LocatedElement | undefined;

  constructor({ text, tree }: GatedText) {
    this.#text = text;
    this.#service = childNamed(tree, ns.listService, 'list-service');
    this.#memberList = this.#service && childNamed(this.#service, ns.listService, 'list');
    this.groupId = this.#service && toGroupId(attribute(this.#service, 'uri') ?? '');
  }

  get displayName(): string | undefined {
    const element = this.#service && childNamed(this.#service, ns.listService, 'display-name');
    return element && textContent(this.#text, element).trim();
  }

  get members(): readonly GroupMember[] {
    const list = this.#memberList;
    return list === undefined ? [] : childrenNamed(list, ns.listService, 'entry').map(memberOf);
  }

  get identities(): ReadonlySet<McServiceId> {
    return new Set(this.members.flatMap(({ identities }) => identities));
  }
}

/** The view of a valid group document; made once per tree. */
export function groupView(document: GatedText): GroupView {
  const known = views.get(document.tree);
  if (known !== undefined) return known;
  const view = new LazyGroupView(document);
  views.set(document.tree, view);
  return view;
}
