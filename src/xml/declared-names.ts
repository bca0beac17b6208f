import { gateBytes } from './gate.js';
import { attribute, type LocatedElement } from './tree.js';
import { unlimited } from './scan.js';

const xsd = 'http://www.w3.org/2001/XMLSchema';

/**
 * Every element name that a schema declares, at its top or within a type, and every attribute name with `@`
 * before it. Asked once, at start.
 */
export function declaredNames(schema: Uint8Array): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (element: LocatedElement): void => {
    const name = element.namespace === xsd ? attribute(element, 'name') : undefined;
    if (name !== undefined && element.local === 'element') names.add(name);
    if (name !== undefined && element.local === 'attribute') names.add(`@${name}`);
    element.children.forEach(visit);
  };
  visit(gateBytes(schema, unlimited).tree);
  return names;
}
