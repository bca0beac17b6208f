import { TagCursor, TextElement, type TextAttribute } from '../xml/tags.js';
import type { NameTest, NodeSelector, SelectorStep } from './node-selector.js';

/**
 * What `locate.ts` finds in a tree, found in the text itself in one pass: for reading, where a tree would cost far
 * more than the answer, whoever put the document (design D21). The rules are the same and stand there; a test
 * compares the two over generated documents and selectors.
 */

function isNamed(element: TextElement, name: NameTest | undefined): boolean {
  return name === undefined || element.isNamed(name.namespace, name.local);
}

function hasAttribute(element: TextElement, test: SelectorStep['attribute']): boolean {
  if (test === undefined) return true;
  const found = element.attribute(test.namespace, test.local);
  return found !== undefined && element.hasValue(found, test.value);
}

class TextWalk {
  readonly #text: string;
  readonly #steps: readonly SelectorStep[];
  readonly #path: TextElement[] = [];
  /** How many siblings of the name of each step were met. */
  readonly #counts: number[];
  /** How many steps may still select an element: one that selected two, or the wrong one, selects none. */
  #reach: number;

  constructor(text: string, steps: readonly SelectorStep[]) {
    this.#text = text;
    this.#steps = steps;
    this.#counts = steps.map(() => 0);
    this.#reach = steps.length;
  }

  run(): readonly TextElement[] {
    const cursor = new TagCursor(this.#text);
    let depth = 0;
    /** How many elements of the path the cursor is in. */
    let open = 0;
    while (cursor.next()) {
      if (cursor.kind === 'end') {
        depth -= 1;
        if (depth < open) this.#path[--open]?.close(cursor);
        if (depth === 0) break;
        continue;
      }
      const isSelected = depth === open && depth < this.#reach && this.#selects(depth, cursor);
      if (cursor.kind === 'empty') continue;
      depth += 1;
      if (isSelected) open += 1;
    }
    return this.#path;
  }

  /** Whether the step at `depth` selects the element whose tag the cursor is at, and selected none before. */
  #selects(depth: number, cursor: TagCursor): boolean {
    const step = this.#steps[depth];
    const isFirst = this.#path.length === depth;
    if (step === undefined || (!isFirst && step.position !== undefined)) return false;
    const element = new TextElement(this.#text, cursor, this.#path[depth - 1]);
    if (step.position !== undefined) {
      if (!isNamed(element, step.name)) return false;
      const count = (this.#counts[depth] ?? 0) + 1;
      this.#counts[depth] = count;
      if (count !== step.position || !hasAttribute(element, step.attribute)) return false;
    } else {
      if (!hasAttribute(element, step.attribute) || !isNamed(element, step.name)) return false;
      if (!isFirst) {
        this.#reach = depth;
        this.#path.length = depth;
        return false;
      }
    }
    this.#path.push(element);
    return true;
  }
}

/** How far `steps` lead from the root: the elements selected, one per step, up to the first that fails. */
export function walkText(text: string, steps: readonly SelectorStep[]): readonly TextElement[] {
  return new TextWalk(text, steps).run();
}

/** What a selector selects in a text. */
export type SelectedText =
  | { readonly kind: 'element'; readonly element: TextElement }
  | { readonly kind: 'attribute'; readonly element: TextElement; readonly attribute: TextAttribute }
  | { readonly kind: 'namespaces'; readonly element: TextElement };

/** The node that `selector` selects in well-formed text, or undefined where it selects none or several. */
export function locateText(text: string, selector: NodeSelector): SelectedText | undefined {
  const path = walkText(text, selector.steps);
  const element = path.length === selector.steps.length ? path.at(-1) : undefined;
  if (element === undefined) return undefined;
  if (selector.terminal === undefined) return { kind: 'element', element };
  if (selector.terminal.kind === 'namespaces') return { kind: 'namespaces', element };
  const { namespace, local } = selector.terminal.name;
  const attribute = element.attribute(namespace, local);
  return attribute === undefined ? undefined : { kind: 'attribute', element, attribute };
}
