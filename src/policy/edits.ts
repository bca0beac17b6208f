import type { LocatedElement } from '../xml/tree.js';
import { firstFrom } from './layout.js';

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

export function excerpt(text: string): string {
  if (text.length <= excerptLength) return text;
  return `${text.slice(0, excerptLength - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
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
