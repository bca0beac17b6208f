import { type LocatedElement, namespacesInScope } from '../../xml/tree.js';
import type { XPathNode } from '../../xml/xpath/xpath.js';
import { collectEdits, type Edit, type EditContext, emptyTagEnd, excerpt, insertion } from './edits.js';
import { type Fragment, renderFragment } from '../language/fragment.js';
import { type Positions, positionsIn } from '../group-schema/child-order.js';
import { childLayout, firstFrom, layoutBefore, leadingSpaceStart, spaceStart } from '../language/layout.js';
import type { Expression, Place } from '../language/policy.js';
import { compile } from './revision.js';

/** The actions that change which nodes there are: remove, replace, insert and keep. */
export class StructureEdits {
  readonly #context: EditContext;
  readonly #places = new Map<LocatedElement, Positions>();

  constructor(context: EditContext) {
    this.#context = context;
  }

  /** Takes `nodes` out, each with the white space before it. */
  remove(nodes: readonly XPathNode[]): Edit[] {
    return nodes.map((node) => this.#remove(node));
  }

  /** Puts `fragment` in the place of each of `nodes`. */
  replace(nodes: readonly XPathNode[], fragment: Fragment): Edit[] {
    return collectEdits(nodes, this.#context, (node) => [
      this.#replace(this.#elementOf(node, 'replaced'), fragment),
    ]);
  }

  /** Puts `fragment` at `place` of each of `nodes`, or as near to it as the schema's order lets it stand. */
  insert(nodes: readonly XPathNode[], place: Place, fragment: Fragment): Edit[] {
    return collectEdits(nodes, this.#context, (node) => [
      this.#insert(this.#elementOf(node, 'the place of an insertion'), place, fragment),
    ]);
  }

  /** Takes out what `select` finds among the children of each of `nodes`, except where `test` holds. */
  keep(nodes: readonly XPathNode[], select: Expression, test: Expression): Edit[] {
    using selecting = compile(select);
    using testing = compile(test, 'boolean');
    const { document } = this.#context.revision;
    return nodes.flatMap((node) => {
      this.#elementOf(node, 'a list');
      return document
        .selectChildren(selecting, node)
        .filter((child) => !document.test(testing, child))
        .map((child) => this.#remove(child));
    });
  }

  #elementOf(node: XPathNode, what: string): LocatedElement {
    if (node.attribute === undefined) return node.element;
    const { revision, fail } = this.#context;
    throw fail('structure', `${revision.pathOf(node)} is an attribute and cannot be ${what}`);
  }

  #remove(node: XPathNode): Edit {
    const { revision, fail } = this.#context;
    const { text } = revision;
    const { element, attribute } = node;
    const path = revision.pathOf(node);
    if (attribute !== undefined) {
      const start = spaceStart(text, attribute.start);
      const report = { path, before: excerpt(attribute.value), after: null };
      return { start, end: attribute.end, text: '', report };
    }
    if (element.parent === undefined) throw fail('structure', 'the root element cannot be removed');
    const before = excerpt(text.slice(element.start, element.end));
    const start = leadingSpaceStart(text, element.parent, element.start);
    return { start, end: element.end, text: '', report: { path, before, after: null } };
  }

  #replace(element: LocatedElement, fragment: Fragment): Edit {
    const { revision, fail } = this.#context;
    const { text, paths } = revision;
    const { start, end, parent } = element;
    if (parent === undefined) throw fail('structure', 'the root element cannot be replaced');
    const rendered = renderFragment(fragment, namespacesInScope(parent), layoutBefore(text, element));
    const before = excerpt(text.slice(start, end));
    const report = { path: paths.of(element), before, after: excerpt(rendered) };
    return { start, end, text: rendered, report };
  }

  #insert(element: LocatedElement, place: Place, fragment: Fragment): Edit {
    const beside = place === 'before' || place === 'after';
    const parent = beside ? element.parent : element;
    if (parent === undefined) {
      throw this.#context.fail('structure', 'nothing can stand beside the root element');
    }
    const { children } = parent;
    const { first, last } = this.#positions(parent, fragment);
    const wanted = !beside
      ? place === 'first'
        ? 0
        : children.length
      : firstFrom(children, element.start) + (place === 'after' ? 1 : 0);
    const [behind, ahead] = [children[first - 1], children[last]];
    if (wanted < first && behind !== undefined) return this.#insertBeside(behind, 'after', fragment);
    if (wanted > last && ahead !== undefined) return this.#insertBeside(ahead, 'before', fragment);
    return beside ? this.#insertBeside(element, place, fragment) : this.#insertInto(element, place, fragment);
  }

  /** Where the fragment may stand among the children of `parent`, worked out once for each parent. */
  #positions(parent: LocatedElement, fragment: Fragment): Positions {
    const known = this.#places.get(parent);
    if (known !== undefined) return known;
    const positions = positionsIn(parent, fragment.names);
    if (positions === undefined) {
      const { revision, fail } = this.#context;
      throw fail(
        'structure',
        `the schema's order of the children of ${revision.paths.of(parent)} leaves no one place for all of the fragment: insert its elements by a template each`,
      );
    }
    this.#places.set(parent, positions);
    return positions;
  }

  #insertBeside(element: LocatedElement, place: 'before' | 'after', fragment: Fragment): Edit {
    const layout = layoutBefore(this.#context.revision.text, element);
    const scope =
      element.parent === undefined ? new Map<string, string>() : namespacesInScope(element.parent);
    const rendered = renderFragment(fragment, scope, layout);
    const line = layout === undefined ? '' : layout.lineBreak + layout.indentation;
    const at = place === 'before' ? element.start : element.end;
    const [before, behind] = place === 'before' ? ['', line] : [line, ''];
    return { start: at, end: at, ...insertion(before, rendered, behind) };
  }

  #insertInto(element: LocatedElement, place: 'first' | 'last', fragment: Fragment): Edit {
    const { text } = this.#context.revision;
    const layout = childLayout(text, element);
    const rendered = renderFragment(fragment, namespacesInScope(element), layout);
    const line = layout === undefined ? '' : layout.lineBreak + layout.indentation;
    const closing = layout?.closing === undefined ? '' : layout.lineBreak + layout.closing;
    if (element.contentStart === element.end) {
      const { start, end } = emptyTagEnd(element);
      return { start, end, ...insertion(`>${line}`, rendered, `${closing}</${element.name}>`) };
    }
    if (closing !== '') {
      return { start: element.contentStart, end: element.contentEnd, ...insertion(line, rendered, closing) };
    }
    const last =
      layout === undefined ? element.contentEnd : leadingSpaceStart(text, element, element.contentEnd);
    const at = place === 'first' ? element.contentStart : last;
    return { start: at, end: at, ...insertion(line, rendered, '') };
  }
}
