import type { LocatedElement } from '../../xml/tree.js';

/**
 * White space around edits, so that a person can still read the document.
 *
 * An element counts as indented when only white space with a line end stands between it and the markup
 * before it. What is inserted beside or into indented elements gets a line and the same indentation;
 * elsewhere it is inserted without any white space. What is removed takes the white space before it
 * along. White space is never added or taken where it touches other text.
 */

export interface Layout {
  readonly lineBreak: string;
  readonly indentation: string;
}

/** The layout of an element's children; `closing` where it has none yet: the indentation of its end tag. */
export interface ChildLayout extends Layout {
  readonly closing: string | undefined;
}

function isSpace(character: string): boolean {
  return character === ' ' || character === '\n' || character === '\t' || character === '\r';
}

/** Where the white space that directly precedes `at` begins. */
export function spaceStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && isSpace(text.charAt(start - 1))) start -= 1;
  return start;
}

/** Index of the first of `children` that begins at `offset` or behind it. */
export function firstFrom(children: readonly LocatedElement[], offset: number): number {
  let low = 0;
  let high = children.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((children[middle]?.start ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where the white space before `at`, an offset in `parent`, begins; `at` where it touches other text. */
export function leadingSpaceStart(text: string, parent: LocatedElement | undefined, at: number): number {
  const start = spaceStart(text, at);
  const behindNode =
    parent === undefined
      ? start === 0 || text.charCodeAt(start - 1) === 0xfeff
      : start === (parent.children[firstFrom(parent.children, at) - 1]?.end ?? parent.contentStart);
  return behindNode || text.startsWith('-->', start - 3) || text.startsWith('?>', start - 2) ? start : at;
}

function layoutOf(space: string): Layout | undefined {
  const lineBreak = /\r\n|\n|\r/.exec(space)?.[0];
  if (lineBreak === undefined) return undefined;
  const last = Math.max(space.lastIndexOf('\n'), space.lastIndexOf('\r'));
  return { lineBreak, indentation: space.slice(last + 1) };
}

/** How `element` is indented; undefined where it is not. */
export function layoutBefore(text: string, element: LocatedElement): Layout | undefined {
  return layoutOf(text.slice(leadingSpaceStart(text, element.parent, element.start), element.start));
}

/** How the children of `parent` are indented, or would be; undefined where they are not. */
export function childLayout(text: string, parent: LocatedElement): ChildLayout | undefined {
  let at = parent.contentStart;
  while (at < parent.contentEnd && isSpace(text.charAt(at))) at += 1;
  if (at < parent.contentEnd) {
    const layout = layoutOf(text.slice(parent.contentStart, at));
    return layout === undefined || text.charAt(at) !== '<' ? undefined : { ...layout, closing: undefined };
  }
  const own = layoutBefore(text, parent);
  if (own === undefined) return undefined;
  const above = parent.parent === undefined ? undefined : layoutBefore(text, parent.parent);
  const outer = above?.indentation ?? '';
  const nested = parent.parent !== undefined && own.indentation.startsWith(outer);
  const unit = (nested ? own.indentation.slice(outer.length) : '') || '  ';
  return { ...own, indentation: own.indentation + unit, closing: own.indentation };
}
