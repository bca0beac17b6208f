import { escapeAttribute } from '../xml/build.js';
import type { GatedText } from '../xml/gate.js';
import { namespacesInScope, type LocatedElement } from '../xml/tree.js';
import type { ElementName } from './declared-usage.js';

/**
 * A document that holds the elements of one name of many documents, such as all services of a resource
 * list server (RFC 4826 clause 4.4). Each element stays as it was written; namespaces that its former parents
 * declared are declared in its own start tag.
 */

/** `element` with the namespace declarations that it inherits, for a place where nothing is declared. */
function standalone(text: string, element: LocatedElement): string {
  const own = new Set(element.declarations.map(({ prefix }) => prefix));
  const inherited = [...namespacesInScope(element)]
    .filter(([prefix]) => !own.has(prefix))
    .map(([prefix, uri]) => ` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${escapeAttribute(uri)}"`);
  const afterName = element.start + 1 + element.name.length;
  return text.slice(element.start, afterName) + inherited.join('') + text.slice(afterName, element.end);
}

/** The elements of this name below the document element, ready for `writeCollected`. */
export function collect({ text, tree }: GatedText, { namespace, local }: ElementName): readonly string[] {
  return tree.children
    .filter((child) => child.local === local && child.namespace === namespace)
    .map((child) => standalone(text, child));
}

/** The document with the document element `root` and these elements. */
export function writeCollected(root: ElementName, elements: readonly string[]): string {
  // With a prefix, un-prefixed names stay unbound, so that each element has its own bindings and no others.
  const name = `c:${root.local}`;
  const content = elements.map((element) => `  ${element}\n`).join('');
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
  return `${head}<${name} xmlns:c="${escapeAttribute(root.namespace)}">\n${content}</${name}>\n`;
}
