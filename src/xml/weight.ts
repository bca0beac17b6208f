import type { GatedText } from './gate.js';
import { elementsOf } from './tree.js';

/**
 * The memory that a tree takes, estimated from above, whatever the shape of the document (design D21). The figures are
 * those of V8 on 64-bit machines: an object takes 24 bytes and 8 for each property; a list with something in it its own
 * object and room for half as many again and 16 more; a slice of the text 32 bytes. A test measures the heap.
 */

const elementWeight = 24 + 13 * 8 + 3 * 32 + 3 * 32;
const attributeWeight = 24 + 8 * 8 + 3 * 32;
const declarationWeight = 24 + 4 * 8 + 2 * 32;

function listWeight(length: number): number {
  return length === 0 ? 0 : 16 + 8 * (17 + 1.5 * length);
}

/** Bytes of memory that `gated` takes, with its text. */
export function weightOfTree({ text, tree }: GatedText): number {
  // A character that is no Latin letter makes each of the text take two bytes.
  let weight = 2 * text.length;
  for (const { attributes, declarations, children } of elementsOf(tree)) {
    weight += elementWeight;
    for (const { length } of [attributes, declarations, children]) weight += listWeight(length);
    weight += attributeWeight * attributes.length + declarationWeight * declarations.length;
  }
  // What is expanded is no slice of the text: at most as many characters again.
  return text.includes('&') || text.includes('\n') ? weight + 2 * text.length : weight;
}
