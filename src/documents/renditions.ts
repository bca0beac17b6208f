import type { GatedText } from '../xml/gate.js';
import type { LocatedElement } from '../xml/tree.js';

/** What is kept of a form beside its text. */
export interface Rendition {
  readonly bytes: Buffer;
  /** Undefined until somebody wants it: a tree takes several times the memory of its text. */
  readonly gated: GatedText | undefined;
}

/** Bytes of memory that one element of a tree takes, with its attributes; measured on group documents. */
const elementWeight = 400;
function elementsBelow(root: LocatedElement): number {
  const waiting = [root];
  let count = 0;
  for (let element = waiting.pop(); element !== undefined; element = waiting.pop()) {
    count += 1;
    for (const child of element.children) waiting.push(child);
  }
  return count;
}

export function weightOf({ bytes, gated }: Rendition): number {
  return bytes.length + (gated === undefined ? 0 : elementWeight * elementsBelow(gated.tree));
}
