import type { LocatedAttribute, LocatedElement } from '../xml/tree.js';
import type { NameTest, NodeSelector, SelectorStep } from './node-selector.js';

/**
 * Finding the node that a selector names (RFC 4825 clause 6.3): each step must select exactly one
 * element; none or several is no match. A step with position and attribute takes the element at that
 * position among those of its name and then asks for the attribute, not the other way round.
 */

function isNamed(element: LocatedElement, name: NameTest | undefined): boolean {
  return name === undefined || (element.local === name.local && element.namespace === name.namespace);
}

function attributeOf(element: LocatedElement, name: NameTest): LocatedAttribute | undefined {
  for (const candidate of element.attributes) {
    if (candidate.local === name.local && candidate.namespace === name.namespace) return candidate;
  }
  return undefined;
}

function hasAttribute(element: LocatedElement, test: SelectorStep['attribute']): boolean {
  return test === undefined || attributeOf(element, test)?.value === test.value;
}

/** Those of `siblings` that the name of `step` covers, whatever its position and attribute say. */
export function siblingsOfStep(
  siblings: readonly LocatedElement[],
  step: SelectorStep,
): readonly LocatedElement[] {
  return siblings.filter((element) => isNamed(element, step.name));
}

function select(siblings: readonly LocatedElement[], step: SelectorStep): LocatedElement | undefined {
  return step.position === undefined ? theOnly(siblings, step) : theNth(siblings, step, step.position);
}

function theOnly(siblings: readonly LocatedElement[], step: SelectorStep): LocatedElement | undefined {
  let found: LocatedElement | undefined;
  for (const element of siblings) {
    // The attribute tells the entries of a list apart, the name does not: it is asked for first.
    if (!hasAttribute(element, step.attribute) || !isNamed(element, step.name)) continue;
    if (found !== undefined) return undefined;
    found = element;
  }
  return found;
}

function theNth(
  siblings: readonly LocatedElement[],
  step: SelectorStep,
  position: number,
): LocatedElement | undefined {
  let count = 0;
  for (const element of siblings) {
    if (!isNamed(element, step.name)) continue;
    count += 1;
    if (count === position) return hasAttribute(element, step.attribute) ? element : undefined;
  }
  return undefined;
}

/** How far `steps` lead from the root: the elements selected, one per step, up to the first that fails. */
export function walk(root: LocatedElement, steps: readonly SelectorStep[]): readonly LocatedElement[] {
  const path: LocatedElement[] = [];
  let siblings: readonly LocatedElement[] = [root];
  for (const step of steps) {
    const element = select(siblings, step);
    if (element === undefined) break;
    path.push(element);
    siblings = element.children;
  }
  return path;
}

/** The element that all of `steps` select, or undefined. */
export function locateElement(
  root: LocatedElement,
  steps: readonly SelectorStep[],
): LocatedElement | undefined {
  const path = walk(root, steps);
  return path.length === steps.length ? path.at(-1) : undefined;
}

/** What a selector selects. */
export type Selected =
  | { readonly kind: 'element'; readonly element: LocatedElement }
  | { readonly kind: 'attribute'; readonly element: LocatedElement; readonly attribute: LocatedAttribute }
  | { readonly kind: 'namespaces'; readonly element: LocatedElement };

/** The node that `selector` selects, or undefined where it selects none or several. */
export function locate(root: LocatedElement, selector: NodeSelector): Selected | undefined {
  const element = locateElement(root, selector.steps);
  if (element === undefined) return undefined;
  if (selector.terminal === undefined) return { kind: 'element', element };
  if (selector.terminal.kind === 'namespaces') return { kind: 'namespaces', element };
  const attribute = attributeOf(element, selector.terminal.name);
  return attribute === undefined ? undefined : { kind: 'attribute', element, attribute };
}
