import { shortened } from '../../base/text.js';
import type { LocatedElement } from '../../xml/tree.js';
import type { XPathNode } from '../../xml/xpath/xpath.js';
import type { Fail } from '../language/errors.js';
import { firstFrom } from '../language/layout.js';
import type { Revision } from './revision.js';

/** The longest value that is reported of an edit, in UTF-16 code units. */
const excerptLength = 300;

/** A change to be made: the text from `start` to `end` becomes `text`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly report:
    | { readonly path: string; readonly before: string; readonly after: string | null }
    /** Where in `text` the inserted elements are; they are reported where they stand afterwards. */
    | { readonly from: number; readonly to: number };
}

/** What the edits of one template are made on. */
export interface EditContext {
  readonly revision: Revision;
  /** How long the text may become, in UTF-16 code units. */
  readonly room: number;
  readonly fail: Fail;
}

/**
 * The edits that `edit` makes of each of `nodes`. Fails as soon as their texts alone exceed the room, so that
 * a text that cannot fit is never built.
 */
export function collectEdits(
  nodes: readonly XPathNode[],
  { room, fail }: EditContext,
  edit: (node: XPathNode) => readonly Edit[],
): Edit[] {
  const edits: Edit[] = [];
  let length = 0;
  for (const node of nodes) {
    for (const made of edit(node)) {
      length += made.text.length;
      if (length > room) throw fail('limit', 'the document would become too long');
      edits.push(made);
    }
  }
  return edits;
}

/** `text` as it is reported. */
export function excerpt(text: string): string {
  return shortened(text, excerptLength);
}

/** Range of the `/>` of an element that is written `<a/>`. */
export function emptyTagEnd({ end }: LocatedElement): { start: number; end: number } {
  return { start: end - 2, end };
}

/** The edit that gives `element` the content `content`; one that is written `<a/>` gets an end tag. */
export function contentEdit(
  element: LocatedElement,
  content: string,
): { start: number; end: number; text: string } {
  const { contentStart, contentEnd, end, name } = element;
  if (contentStart < end) return { start: contentStart, end: contentEnd, text: content };
  return { ...emptyTagEnd(element), text: `>${content}</${name}>` };
}

/** Text and report of an edit that inserts `rendered` between `before` and `behind`. */
export function insertion(before: string, rendered: string, behind: string): Pick<Edit, 'text' | 'report'> {
  const report = { from: before.length, to: before.length + rendered.length };
  return { text: before + rendered + behind, report };
}

/** The elements of `tree` that begin in `start` to `end` while their parents do not. */
export function elementsIn(tree: LocatedElement, start: number, end: number): readonly LocatedElement[] {
  let parent = tree;
  for (;;) {
    const around = childAround(parent, start, end);
    if (around === undefined) break;
    parent = around;
  }
  return parent.children.slice(firstFrom(parent.children, start), firstFrom(parent.children, end));
}

function childAround(parent: LocatedElement, start: number, end: number): LocatedElement | undefined {
  const before = parent.children[firstFrom(parent.children, start) - 1];
  return before !== undefined && before.contentStart <= start && end <= before.contentEnd
    ? before
    : undefined;
}
