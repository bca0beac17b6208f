import { gateText } from '../../xml/gate.js';
import type { ScanLimits } from '../../xml/scan.js';
import type { LocatedElement } from '../../xml/tree.js';
import { XPath, XPathDocument, type XPathNode } from '../../xml/xpath/xpath.js';
import { Paths } from './node-paths.js';
import type { Expression } from '../language/policy.js';

/** A text between two templates, with what is known of it. The tree and the engine's document are its own. */
export class Revision implements Disposable {
  readonly text: string;
  readonly tree: LocatedElement;
  readonly paths = new Paths();
  #document: XPathDocument | undefined;

  /** @throws XmlRefused where `text` does not pass the gate */
  constructor(text: string, limits: ScanLimits) {
    this.text = text;
    this.tree = gateText(text, limits).tree;
  }

  /** The document of the XPath engine, opened at its first use. */
  get document(): XPathDocument {
    return (this.#document ??= XPathDocument.open(this.text, this.tree));
  }

  /** The path of `node`, as people write it. */
  pathOf({ element, attribute }: XPathNode): string {
    return this.paths.of(element, attribute);
  }

  [Symbol.dispose](): void {
    this.#document?.dispose();
  }
}

/** `expression` for the engine. The caller disposes of it. @throws XPathInvalid */
export function compile(expression: Expression, as?: 'string' | 'boolean'): XPath {
  return XPath.compile(expression.source, expression.namespaces, as);
}
