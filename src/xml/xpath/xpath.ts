import { XmlAttribute, XmlDocument, XmlElement, XmlError, XmlXPath, type XmlNode } from 'libxml2-wasm';
import { GmsError } from '../../base/errors.js';
import { parseGated } from '../parse.js';
import type { LocatedAttribute, LocatedElement } from '../tree.js';
import { readXPath, type XPathOutline } from './grammar.js';
import { XPathInvalid } from './tokens.js';

/**
 * XPath 1.0 over located trees: what an expression selects comes back as places in the text. Only the
 * expressions of administrators' documents are ever compiled here, never a client's text (design D13).
 *
 * Nothing can be loaded by an expression: the functions are those of the XPath core library, which has
 * no `document()`, there are no variables, and no extension is registered.
 *
 * Subtle: the engine's nodes and the located tree are two readings of one text, and an engine node has
 * no offset. Results come in document order, so one walk over all elements pairs them up; a node that
 * the walk does not meet means that the two readings differ, which is an error and never a guess.
 */

/** An expression that could not be evaluated, or selected what this server cannot place. */
export class XPathFailed extends GmsError {}

/** An element, or one of its attributes, that an expression selected. */
export interface XPathNode {
  readonly element: LocatedElement;
  readonly attribute: LocatedAttribute | undefined;
}

/** An element in both readings. */
interface Paired {
  readonly handle: XmlNode;
  readonly located: LocatedElement;
}

/** A compiled expression. Its owner disposes of it. */
export class XPath implements Disposable {
  readonly source: string;
  readonly outline: XPathOutline;
  readonly #compiled: XmlXPath;
  /** The expressions that `|` joins, each by itself; empty where it joins none. */
  readonly #branches: readonly XmlXPath[];

  private constructor(
    source: string,
    outline: XPathOutline,
    compiled: XmlXPath,
    branches: readonly XmlXPath[],
  ) {
    this.source = source;
    this.outline = outline;
    this.#compiled = compiled;
    this.#branches = branches;
  }

  /**
   * @param namespaces what the prefixes of name tests mean; more than are used may stand there
   * @param as `string` or `boolean` where the result is wanted converted as XPath converts
   * @throws XPathInvalid
   */
  static compile(source: string, namespaces: ReadonlyMap<string, string>, as?: 'string' | 'boolean'): XPath {
    const outline = readXPath(source);
    const bound: [string, string][] = [];
    for (const prefix of outline.prefixes) {
      if (prefix === 'xml') continue;
      const uri = namespaces.get(prefix);
      if (uri === undefined) throw new XPathInvalid(`prefix ${prefix} is not declared`);
      bound.push([prefix, uri]);
    }
    try {
      const whole = as === undefined ? source : `${as}(${source})`;
      const namespacesUsed = Object.fromEntries(bound);
      const compiled = XmlXPath.compile(whole, namespacesUsed);
      const branches = as === undefined && outline.branches.length > 1 ? outline.branches : [];
      return new XPath(
        source,
        outline,
        compiled,
        branches.map((branch) => XmlXPath.compile(branch, namespacesUsed)),
      );
    } catch (error) {
      if (error instanceof XmlError) throw new XPathInvalid('the expression does not compile');
      throw error;
    }
  }

  /** The raw result with `node` as context node. @throws XPathFailed */
  evaluate(node: XmlNode): XmlNode[] | string | number | boolean {
    return this.#evaluate(this.#compiled, node);
  }

  /**
   * The nodes of the result, those of each branch by themselves: the engine compares every node of one
   * branch with every node of the other when it joins them.
   *
   * @throws XPathFailed where it gives no node-set
   */
  nodeSets(node: XmlNode): readonly XmlNode[][] {
    const branches = this.#branches.length > 0 ? this.#branches : [this.#compiled];
    return branches.map((branch) => {
      const result = this.#evaluate(branch, node);
      if (!Array.isArray(result)) throw new XPathFailed(`${this.source} gives no node-set`);
      return result;
    });
  }

  #evaluate(compiled: XmlXPath, node: XmlNode): XmlNode[] | string | number | boolean {
    try {
      return node.eval(compiled);
    } catch (error) {
      if (error instanceof XmlError) throw new XPathFailed(`${this.source} cannot be evaluated`);
      throw error;
    }
  }

  dispose(): void {
    this.#compiled.dispose();
    for (const branch of this.#branches) branch.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A text that expressions can be asked about. Its owner disposes of it. */
export class XPathDocument implements Disposable {
  readonly #root: LocatedElement;
  readonly #document: XmlDocument;
  readonly #handles = new WeakMap<XPathNode, XmlNode>();
  #elements: readonly Paired[] | undefined;

  private constructor(root: LocatedElement, document: XmlDocument) {
    this.#root = root;
    this.#document = document;
  }

  /** @param root the located tree of `text`, which has passed the gate. @throws XmlRefused */
  static open(text: string, root: LocatedElement): XPathDocument {
    return new XPathDocument(root, parseGated(text));
  }

  /**
   * The elements and attributes that `xpath` selects, in document order. The context node is `from`,
   * or else the root element.
   *
   * @throws XPathFailed where it gives no node-set or selects other nodes
   */
  select(xpath: XPath, from?: XPathNode): XPathNode[] {
    const sets = xpath.nodeSets(this.#handle(from)).filter(({ length }) => length > 0);
    if (sets.length === 0) return [];
    const elements = (this.#elements ??= pair(this.#document.root, this.#root));
    return join(sets.map((nodes) => this.#place(xpath, nodes, elements)));
  }

  /**
   * As `select`, where all that is selected must be child elements of the element `from`.
   *
   * @throws XPathFailed
   */
  selectChildren(xpath: XPath, from: XPathNode): XPathNode[] {
    const parent = this.#handle(from);
    const sets = xpath.nodeSets(parent).filter(({ length }) => length > 0);
    if (sets.length === 0) return [];
    if (!(parent instanceof XmlElement) || sets.flat().some((node) => !(node instanceof XmlElement))) {
      throw new XPathFailed(`${xpath.source} selects other nodes than child elements`);
    }
    const children = pairChildren(parent, from.element);
    return join(sets.map((nodes) => this.#place(xpath, nodes, children)));
  }

  /** What `xpath`, compiled as boolean, says of `from`, or else of the root element. @throws XPathFailed */
  test(xpath: XPath, from?: XPathNode): boolean {
    const result = xpath.evaluate(this.#handle(from));
    if (typeof result !== 'boolean') throw new XPathFailed(`${xpath.source} gives no truth value`);
    return result;
  }

  /** The value of `xpath`, compiled as string, at `from`, or else at the root element. @throws XPathFailed */
  value(xpath: XPath, from?: XPathNode): string {
    const result = xpath.evaluate(this.#handle(from));
    if (typeof result !== 'string') throw new XPathFailed(`${xpath.source} gives no string`);
    return result;
  }

  dispose(): void {
    this.#document.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #handle(node: XPathNode | undefined): XmlNode {
    if (node === undefined) return this.#document.root;
    const handle = this.#handles.get(node);
    if (handle === undefined) throw new XPathFailed('the node is of another document');
    return handle;
  }

  #place(xpath: XPath, nodes: readonly XmlNode[], elements: readonly Paired[]): XPathNode[] {
    let at = 0;
    return nodes.map((node) => {
      const owner = node instanceof XmlAttribute ? node.parent : node instanceof XmlElement ? node : null;
      if (owner === null) {
        throw new XPathFailed(`${xpath.source} selects nodes that are neither elements nor attributes`);
      }
      while (at < elements.length && elements[at]?.handle.isSameNode(owner) === false) at += 1;
      const element = elements[at]?.located;
      if (element === undefined) {
        throw new XPathFailed(`${xpath.source} selects nodes in places where they are not looked for`);
      }
      const attribute = node instanceof XmlAttribute ? locatedAttribute(element, node) : undefined;
      const placed = { element, attribute };
      this.#handles.set(placed, node);
      return placed;
    });
  }
}

/** One set of all, in document order; a node that several of them hold is in it once. */
function join(sets: readonly XPathNode[][]): XPathNode[] {
  const [first = [], ...others] = sets;
  if (others.length === 0) return first;
  const place = ({ attribute, element }: XPathNode): number => (attribute ?? element).start;
  const inOrder = sets.flat().sort((one, other) => place(one) - place(other));
  return inOrder.filter((node, index) => {
    const before = inOrder[index - 1];
    return before === undefined || place(before) !== place(node);
  });
}

function locatedAttribute(element: LocatedElement, node: XmlAttribute): LocatedAttribute {
  const { name, namespaceUri } = node;
  const found = element.attributes.find(
    ({ local, namespace }) => local === name && namespace === namespaceUri,
  );
  if (found === undefined) throw new XPathFailed(`the attribute ${name} stands nowhere in the text`);
  return found;
}

/** Every element of the document in both readings, in document order. */
function pair(root: XmlElement, located: LocatedElement): readonly Paired[] {
  const handles = root.find('descendant-or-self::*');
  const inOrder: LocatedElement[] = [];
  const open = [located];
  for (let element = open.pop(); element !== undefined; element = open.pop()) {
    inOrder.push(element);
    for (let index = element.children.length - 1; index >= 0; index -= 1) {
      const child = element.children[index];
      if (child !== undefined) open.push(child);
    }
  }
  return zip(handles, inOrder);
}

function pairChildren(parent: XmlElement, located: LocatedElement): readonly Paired[] {
  return zip(parent.find('*'), located.children);
}

function zip(handles: readonly XmlNode[], located: readonly LocatedElement[]): readonly Paired[] {
  if (handles.length !== located.length) throw new XPathFailed('two readings of the document differ');
  return handles.flatMap((handle, index) => {
    const element = located[index];
    return element === undefined ? [] : [{ handle, located: element }];
  });
}
