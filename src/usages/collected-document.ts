import { escapeAttribute } from '../xml/build.js';
import type { GatedText } from '../xml/gate.js';
import { namespacesInScope, type LocatedElement } from '../xml/tree.js';

/**
 * A document that holds the elements of one name of many documents, such as all services of a resource
 * list server (RFC 4826 clause 4.4). Each element stays as it was written. Namespaces that its former parents
 * declared are declared in its own start tag, where the element uses them.
 */

type ExpandedName = Pick<LocatedElement, 'namespace' | 'local'>;

/** How many times its own characters a document may take in the document that collects its elements. */
const mostTimes = 8;

/** The most characters that the elements of a document may take where they are collected. */
export function mostCollected({ text }: GatedText): number {
  return mostTimes * text.length;
}

/** Characters of ASCII that can stand in a name behind its first; all others are taken for such as well. */
const ofNames = /[A-Za-z0-9_.-]/;

function isInName(text: string, at: number): boolean {
  return text.charCodeAt(at) >= 0x80 || ofNames.test(text.charAt(at));
}

/**
 * The prefixes of `declared` that stand before a colon in `text`: in names of elements and attributes, and in
 * values and content, where a qualified name or an expression may be written. Each character is looked at twice
 * at most.
 */
function prefixesIn(text: string, declared: ReadonlyMap<string, string>): ReadonlySet<string> {
  const found = new Set<string>();
  let behind = 0;
  for (let colon = text.indexOf(':'); colon >= 0; colon = text.indexOf(':', behind)) {
    let start = colon;
    while (start > behind && isInName(text, start - 1)) start -= 1;
    const prefix = text.slice(start, colon);
    if (prefix !== '' && declared.has(prefix)) found.add(prefix);
    behind = colon + 1;
  }
  return found;
}

/** `element` with the declarations of `declared` that it needs, for a place where nothing is declared. */
function standalone(text: string, element: LocatedElement, declared: ReadonlyMap<string, string>): string {
  const own = new Set(element.declarations.map(({ prefix }) => prefix));
  // Names in values may mean the default namespace too, and nothing shows it.
  const used = ['', ...prefixesIn(text.slice(element.start, element.end), declared)];
  const inherited = used.flatMap((prefix) => {
    const uri = own.has(prefix) ? undefined : declared.get(prefix);
    if (uri === undefined) return [];
    return ` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${escapeAttribute(uri)}"`;
  });
  const afterName = element.start + 1 + element.name.length;
  return text.slice(element.start, afterName) + inherited.join('') + text.slice(afterName, element.end);
}

/**
 * The elements of this name below the document element, ready for `writeCollected`, one after the other: together
 * they can be far larger than the document, so the caller counts.
 */
export function* collect({ text, tree }: GatedText, { namespace, local }: ExpandedName): Iterable<string> {
  const declared = namespacesInScope(tree);
  for (const child of tree.children) {
    if (child.local === local && child.namespace === namespace) yield standalone(text, child, declared);
  }
}

/** The document with the document element `root` and these elements, piece by piece. */
export async function* writeCollected(
  root: ExpandedName,
  elements: Iterable<string> | AsyncIterable<string>,
): AsyncIterable<string> {
  // With a prefix, un-prefixed names stay unbound, so that each element has its own bindings and no others.
  const name = `c:${root.local}`;
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns:c="${escapeAttribute(root.namespace)}">\n`;
  for await (const element of elements) yield `  ${element}\n`;
  yield `</${name}>\n`;
}
