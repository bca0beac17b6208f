import { escapeAttribute } from '../../xml/build.js';
import { parseQName } from '../../xml/names.js';
import { namespacesInScope, type LocatedElement } from '../../xml/tree.js';
import { carriesGroupId, isProtected, type ExpandedName } from '../group-schema/protected-parts.js';
import { spaceStart, type Layout } from './layout.js';

/**
 * A piece of XML that stands in a policy and is copied into documents.
 *
 * Its text is kept as the administrator wrote it, comments included. Two things are fitted to the place
 * where it goes: white space between elements takes that place's indentation, and a prefix (or the
 * default namespace) that means something else there is declared on the inserted element. White space
 * inside values, comments and tags is never changed. A fragment is plain data, so that it can be sent
 * to a worker.
 */

type Piece =
  | { readonly kind: 'text'; readonly text: string }
  /** White space between nodes; `relative` is its indentation beyond that of the fragment's first line. */
  | {
      readonly kind: 'space';
      readonly text: string;
      readonly lineBreaks: number;
      readonly relative: string;
    }
  /** Behind the name of an outermost element: the prefixes that its subtree takes from the policy. */
  | { readonly kind: 'scope'; readonly needs: ReadonlyMap<string, string> };

export interface Fragment {
  readonly pieces: readonly Piece[];
  /** The names of its outermost elements. */
  readonly names: readonly ExpandedName[];
  /** The first protected element in it, as written. */
  readonly protects: string | undefined;
  /** Whether it would bring a group ID of its own. */
  readonly identifies: boolean;
}

const space = /[ \t\r\n]+/y;
const misc = /<!--[^]*?-->|<\?[^]*?\?>/y;
const characters = /[^<]+/y;

function isBlank(text: string): boolean {
  return !/[^ \t\r\n]/.test(text);
}

/** The comments, processing instructions and runs of text in what stands between two elements. */
function gapParts(gap: string): readonly string[] | undefined {
  const parts: string[] = [];
  let at = 0;
  while (at < gap.length) {
    const part = [misc, characters].map((pattern) => {
      pattern.lastIndex = at;
      return pattern.exec(gap)?.[0];
    });
    const found = part[0] ?? part[1];
    if (found === undefined) return undefined;
    parts.push(found);
    at += found.length;
  }
  return parts;
}

/** Whether `element` holds elements and, besides, nothing but white space and comments. */
function holdsOnlyElements(text: string, element: LocatedElement): boolean {
  if (element.children.length === 0) return false;
  let from = element.contentStart;
  for (const child of [...element.children, undefined]) {
    const parts = gapParts(text.slice(from, child?.start ?? element.contentEnd));
    if (parts?.every((part) => isBlank(part) || part.startsWith('<')) !== true) return false;
    from = child?.end ?? from;
  }
  return true;
}

class FragmentReader {
  readonly #text: string;
  readonly #container: LocatedElement;
  readonly #scope: ReadonlyMap<string, string>;
  readonly #pieces: Piece[] = [];
  #base = '';
  #protects: string | undefined;
  #identifies = false;

  constructor(text: string, container: LocatedElement) {
    this.#text = text;
    this.#container = container;
    this.#scope = namespacesInScope(container);
  }

  run(): Fragment | undefined {
    const { contentStart, contentEnd, children } = this.#container;
    if (children.length === 0) return undefined;
    space.lastIndex = contentStart;
    const from = contentStart + (space.exec(this.#text)?.[0].length ?? 0);
    const to = spaceStart(this.#text, contentEnd);
    const line = Math.max(this.#text.lastIndexOf('\n', from - 1), this.#text.lastIndexOf('\r', from - 1)) + 1;
    this.#base = /^[ \t]*/.exec(this.#text.slice(line, from))?.[0] ?? '';
    let at = from;
    for (const child of children) {
      this.#gap(at, child.start);
      this.#element(child, true);
      at = child.end;
    }
    this.#gap(at, to);
    const names = children.map(({ namespace, local }) => ({ namespace, local }));
    return { pieces: this.#pieces, names, protects: this.#protects, identifies: this.#identifies };
  }

  #raw(from: number, to: number): void {
    if (to > from) this.#pieces.push({ kind: 'text', text: this.#text.slice(from, to) });
  }

  #gap(from: number, to: number): void {
    const gap = this.#text.slice(from, to);
    for (const part of gapParts(gap) ?? [gap]) {
      const lineBreaks = isBlank(part) ? (part.match(/\r\n|\n|\r/g)?.length ?? 0) : 0;
      if (lineBreaks === 0) {
        this.#pieces.push({ kind: 'text', text: part });
        continue;
      }
      const indentation = part.slice(Math.max(part.lastIndexOf('\n'), part.lastIndexOf('\r')) + 1);
      const relative = indentation.startsWith(this.#base) ? indentation.slice(this.#base.length) : '';
      this.#pieces.push({ kind: 'space', text: part, lineBreaks, relative });
    }
  }

  #element(element: LocatedElement, outermost: boolean): void {
    if (isProtected(element)) this.#protects ??= element.name;
    if (carriesGroupId(element)) this.#identifies = true;
    const behindName = element.start + 1 + element.name.length;
    this.#raw(element.start, behindName);
    if (outermost) this.#pieces.push({ kind: 'scope', needs: this.#needs(element) });
    if (!holdsOnlyElements(this.#text, element)) {
      this.#raw(behindName, element.end);
      for (const child of element.children) this.#inspect(child);
      return;
    }
    this.#raw(behindName, element.contentStart);
    let at = element.contentStart;
    for (const child of element.children) {
      this.#gap(at, child.start);
      this.#element(child, false);
      at = child.end;
    }
    this.#gap(at, element.contentEnd);
    this.#raw(element.contentEnd, element.end);
  }

  #inspect(element: LocatedElement): void {
    if (isProtected(element)) this.#protects ??= element.name;
    if (carriesGroupId(element)) this.#identifies = true;
    for (const child of element.children) this.#inspect(child);
  }

  /** What the names in `outermost` take from declarations outside it, in the order of their use. */
  #needs(outermost: LocatedElement): ReadonlyMap<string, string> {
    const needs = new Map<string, string>();
    const visit = (element: LocatedElement, above: ReadonlySet<string>): void => {
      const declared =
        element.declarations.length === 0
          ? above
          : new Set([...above, ...element.declarations.map(({ prefix }) => prefix)]);
      const used = [element.prefix];
      for (const { name } of element.attributes) {
        const prefix = parseQName(name)?.prefix ?? '';
        if (prefix !== '') used.push(prefix);
      }
      for (const prefix of used) {
        if (prefix !== 'xml' && !declared.has(prefix)) needs.set(prefix, this.#scope.get(prefix) ?? '');
      }
      for (const child of element.children) visit(child, declared);
    };
    visit(outermost, new Set());
    return needs;
  }
}

/** The fragment that `container`, an element of the policy `text`, holds; undefined where it has no element. */
export function readFragment(text: string, container: LocatedElement): Fragment | undefined {
  return new FragmentReader(text, container).run();
}

/**
 * The text of `fragment` for a place where `scope` is declared and, where it is indented, `layout`
 * holds. The first line is not indented: the caller knows where it begins.
 */
export function renderFragment(
  fragment: Fragment,
  scope: ReadonlyMap<string, string>,
  layout: Layout | undefined,
): string {
  return fragment.pieces
    .map((piece) => {
      switch (piece.kind) {
        case 'text':
          return piece.text;
        case 'space':
          if (layout === undefined) return piece.text;
          return layout.lineBreak.repeat(piece.lineBreaks) + layout.indentation + piece.relative;
        case 'scope':
          return [...piece.needs]
            .filter(([prefix, uri]) => (scope.get(prefix) ?? '') !== uri)
            .map(([prefix, uri]) => ` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeAttribute(uri)}"`)
            .join('');
      }
    })
    .join('');
}
