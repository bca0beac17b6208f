import type { GatedText } from '../xml/gate.js';
import { ns } from '../xml/names.js';
import type { LocatedElement } from '../xml/tree.js';

/**
 * Names in the namespace of 3GPP that its schema does not declare. Wildcards are lax, so such elements are
 * valid (TS 24.481 clause 7.2.4.2): they may belong to a later release, and are kept. More often they are
 * misspelt or made up, and then whoever put them wants to know.
 */

/** How many distinct names are reported. */
const reported = 10;

/** The distinct unknown names of elements and attributes, in document order, at most ten. */
export function unknownMcNames(document: GatedText, known: ReadonlySet<string>): readonly string[] {
  const unknown = new Set<string>();
  const note = (namespace: string, name: string): void => {
    if (namespace === ns.mcpttGroupInfo && !known.has(name)) unknown.add(name);
  };
  const waiting: LocatedElement[] = [document.tree];
  for (let element = waiting.pop(); element !== undefined; element = waiting.pop()) {
    note(element.namespace, element.local);
    for (const { namespace, local } of element.attributes) note(namespace, `@${local}`);
    if (unknown.size >= reported) break;
    for (let index = element.children.length - 1; index >= 0; index -= 1) {
      const child = element.children[index];
      if (child !== undefined) waiting.push(child);
    }
  }
  return [...unknown].slice(0, reported);
}
