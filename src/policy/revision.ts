import { gateText } from '../xml/gate.js';
import type { ScanLimits } from '../xml/scan.js';
import type { LocatedElement } from '../xml/tree.js';
import { XPath, XPathDocument } from '../xml/xpath/xpath.js';
import { Paths } from './node-paths.js';
import type { Expression } from './policy.js';

/** A text under way, with what is known of it. */
export class Revision implements Disposable {
  readonly text: string;
  readonly tree: LocatedElement;
  readonly paths = new Paths();
  #document: XPathDocument | undefined;

  constructor(text: string, limits: ScanLimits) {
    this.text = text;
    this.tree = gateText(text, limits).tree;
  }

  get document(): XPathDocument {
    return (this.#document ??= XPathDocument.open(this.text, this.tree));
  }

  [Symbol.dispose](): void {
    this.#document?.dispose();
  }
}

export function compile(expression: Expression, as?: 'string' | 'boolean'): XPath {
  return XPath.compile(expression.source, expression.namespaces, as);
}
