import { writeDeclarations } from './build.js';
import { gateText, type GatedText } from './gate.js';
import type { TextElement } from './tags.js';
import { namespacesInScope, type LocatedElement } from './tree.js';
import { unlimited } from './scan.js';

/** A part of a document, and the element that it is; offsets count in `text`, which is none of the document's. */
export interface Fragment {
  readonly text: string;
  readonly element: LocatedElement;
}

/** `element` of the well-formed `document` as a tree of its own, in the namespaces that it stands in. */
export function fragmentOf(document: string, element: TextElement): Fragment {
  const scope = element.parent === undefined ? '' : writeDeclarations(namespacesInScope(element.parent));
  const gated: GatedText = gateText(
    `<scope${scope}>${document.slice(element.start, element.end)}</scope>`,
    unlimited,
  );
  const [only] = gated.tree.children;
  if (only === undefined) throw new TypeError('a text that is not well-formed was read as one that is');
  return { text: gated.text, element: only };
}
