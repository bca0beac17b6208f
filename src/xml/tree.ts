/**
 * Located trees: where each element and attribute of a text stands, so that a node can be cut out or
 * replaced and every other character stays as it was (design D3).
 *
 * Offsets count UTF-16 code units of the text as it was received, line ends and byte order mark
 * included. Trees are immutable and hold no reference to libxml2's memory, so they can be cached.
 */

export interface LocatedAttribute {
  /** Qualified name as written. */
  readonly name: string;
  readonly local: string;
  /** Namespace name; empty for an attribute without a prefix. */
  readonly namespace: string;
  /** The value after normalisation and expansion. */
  readonly value: string;
  /** Range of `name="value"`. */
  readonly start: number;
  readonly end: number;
  /** Range of the literal between the quotes. */
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** A namespace declaration; the empty prefix is the default namespace, an empty URI undeclares it. */
export interface LocatedDeclaration {
  readonly prefix: string;
  readonly uri: string;
  readonly start: number;
  readonly end: number;
}

export interface LocatedElement {
  readonly name: string;
  readonly prefix: string;
  readonly local: string;
  readonly namespace: string;
  readonly attributes: readonly LocatedAttribute[];
  readonly declarations: readonly LocatedDeclaration[];
  readonly children: readonly LocatedElement[];
  readonly parent: LocatedElement | undefined;
  /** Range of the whole element. */
  readonly start: number;
  readonly end: number;
  /** Range of its content; both equal the end of the tag where the element is written `<a/>`. */
  readonly contentStart: number;
  readonly contentEnd: number;
}

/** The value of an attribute without namespace, or undefined. */
export function attribute(element: LocatedElement, local: string): string | undefined {
  return element.attributes.find((candidate) => candidate.local === local && candidate.namespace === '')
    ?.value;
}

/** The children with this expanded name, in document order. */
export function childrenNamed(
  element: LocatedElement,
  namespace: string,
  local: string,
): readonly LocatedElement[] {
  return element.children.filter((child) => child.local === local && child.namespace === namespace);
}

/** The first child with this expanded name, or undefined. */
export function childNamed(
  element: LocatedElement,
  namespace: string,
  local: string,
): LocatedElement | undefined {
  return element.children.find((child) => child.local === local && child.namespace === namespace);
}

/** What declares namespaces: an element of a tree, or of a text that is read without one. */
interface Scope {
  readonly declarations: readonly { readonly prefix: string; readonly uri: string }[];
  readonly parent: Scope | undefined;
}

/** The namespace declarations in scope of `element`, nearest first won, by prefix; `xml` is left out. */
export function namespacesInScope(element: Scope): ReadonlyMap<string, string> {
  const scope = new Map<string, string>();
  for (let at: Scope | undefined = element; at !== undefined; at = at.parent) {
    for (const { prefix, uri } of at.declarations) if (!scope.has(prefix)) scope.set(prefix, uri);
  }
  for (const [prefix, uri] of scope) if (uri === '') scope.delete(prefix);
  return scope;
}

/** `root` and all elements in it, in document order. */
export function* elementsOf(root: LocatedElement): Iterable<LocatedElement> {
  const waiting = [root];
  for (let element = waiting.pop(); element !== undefined; element = waiting.pop()) {
    yield element;
    for (let at = element.children.length - 1; at >= 0; at -= 1) {
      const child = element.children[at];
      if (child !== undefined) waiting.push(child);
    }
  }
}

/** How many elements there are in `root`, itself included. */
export function countElements(root: LocatedElement): number {
  return [...elementsOf(root)].length;
}
