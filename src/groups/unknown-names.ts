import type { GatedText } from '../xml/gate.js';
import { ns } from '../xml/names.js';
import type { LocatedElement } from '../xml/tree.js';

/**
 * Names in the namespace of 3GPP that its schema does not declare. Wildcards are lax, so such elements are
 * valid (TS 24.481 clause 7.2.4.2): they may belong to a later release, and are kept. More often they are
 * misspelt or made up, which the requester should learn.
 */

/** How many distinct names are reported. */
const reported = 10;

/** The distinct unknown names of elements and attributes, in document order, at most ten. */
export function unknownMcNames(document: GatedText, known: ReadonlySet<string>): readonly string[] {
  const unknown = new Set<string>();
  // Recursion is bounded: the gate has bounded the depth.
  const visit = (element: LocatedElement): void => {
    if (element.namespace === ns.mcpttGroupInfo && !known.has(element.local)) unknown.add(element.local);
    for (const { namespace, local } of element.attributes) {
      if (namespace === ns.mcpttGroupInfo && !known.has(`@${local}`)) unknown.add(`@${local}`);
    }
    for (const child of element.children) if (unknown.size < reported) visit(child);
  };
  visit(document.tree);
  return [...unknown].slice(0, reported);
}
