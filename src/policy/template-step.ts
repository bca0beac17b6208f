import { escapeAttribute, escapeText } from '../xml/build.js';
import { textContent } from '../xml/content.js';
import { type LocatedElement, namespacesInScope } from '../xml/tree.js';
import type { XPathNode } from '../xml/xpath/xpath.js';
import { isDecimal, compareDecimals, addDecimals, subtractDecimals, isWhole } from './decimal.js';
import { type Edit, excerpt, contentEdit, insertion, emptyTagEnd } from './edits.js';
import type { PolicyFailed } from './errors.js';
import { type Fragment, renderFragment } from './fragment.js';
import { type Positions, positionsIn } from './group-schema/child-order.js';
import { protectedRanges, touched } from './group-schema/protected-parts.js';
import { wholeRangeOf } from './group-schema/whole-ranges.js';
import { spaceStart, leadingSpaceStart, layoutBefore, firstFrom, childLayout } from './layout.js';
import type { Template, Action, Expression, Place } from './policy.js';
import { Revision, compile } from './revision.js';

/** One template at work on one revision. */
export class Step {
  readonly #revision: Revision;
  readonly #template: Template;
  readonly #room: number;
  readonly #fail: (reason: PolicyFailed['reason'], what: string) => PolicyFailed;
  readonly #places = new Map<LocatedElement, Positions>();

  /** @param room how long the text may become */
  constructor(
    revision: Revision,
    template: Template,
    room: number,
    fail: (reason: PolicyFailed['reason'], what: string) => PolicyFailed,
  ) {
    this.#revision = revision;
    this.#template = template;
    this.#room = room;
    this.#fail = fail;
  }

  /** The edits, in the order of the text, none inside another. */
  run(): readonly Edit[] {
    using match = compile(this.#template.match);
    const nodes = this.#revision.document.select(match);
    if (nodes.length === 0) return [];
    const edits = this.#act(nodes, this.#template.action);
    edits.sort((a, b) => a.start - b.start || b.end - a.end);
    const outer: Edit[] = [];
    let covered = 0;
    for (const edit of edits) {
      if (edit.start < covered) continue;
      covered = Math.max(covered, edit.end);
      outer.push(edit);
    }
    this.#check(outer);
    return outer;
  }

  #act(nodes: readonly XPathNode[], action: Action): Edit[] {
    switch (action.kind) {
      case 'set':
        return this.#set(nodes, action.to);
      case 'clamp':
        return nodes.flatMap((node) => this.#clamp(node, action.min, action.max));
      case 'raise':
      case 'lower':
        return nodes.flatMap((node) => this.#shift(node, action));
      case 'remove':
        return nodes.map((node) => this.#remove(node));
      case 'replace':
        return this.#collect(nodes, (node) => [
          this.#replace(this.#elementOf(node, 'replaced'), action.fragment),
        ]);
      case 'insert':
        return this.#collect(nodes, (node) => [
          this.#insert(this.#elementOf(node, 'the place of an insertion'), action.place, action.fragment),
        ]);
      case 'keep':
        return this.#keep(nodes, action.select, action.test);
    }
  }

  /** Collects edits, and fails as soon as their texts alone exceed the room. */
  #collect(nodes: readonly XPathNode[], edit: (node: XPathNode) => readonly Edit[]): Edit[] {
    const edits: Edit[] = [];
    let length = 0;
    for (const node of nodes) {
      for (const made of edit(node)) {
        length += made.text.length;
        if (length > this.#room) throw this.#fail('limit', 'the document would become too long');
        edits.push(made);
      }
    }
    return edits;
  }

  #elementOf(node: XPathNode, what: string): LocatedElement {
    if (node.attribute === undefined) return node.element;
    const path = this.#revision.paths.of(node.element, node.attribute);
    throw this.#fail('structure', `${path} is an attribute and cannot be ${what}`);
  }

  /** The value of an attribute, or of an element without child elements. */
  #valueOf({ element, attribute }: XPathNode): string | undefined {
    if (attribute !== undefined) return attribute.value;
    return element.children.length > 0 ? undefined : textContent(this.#revision.text, element);
  }

  #write({ element, attribute }: XPathNode, before: string, value: string): Edit {
    const { text, paths } = this.#revision;
    const report = { path: paths.of(element, attribute), before: excerpt(before), after: excerpt(value) };
    if (attribute !== undefined) {
      const { valueStart, valueEnd } = attribute;
      const escaped = escapeAttribute(value);
      const literal = text.charAt(valueStart - 1) === "'" ? escaped.replaceAll("'", '&apos;') : escaped;
      return { start: valueStart, end: valueEnd, text: literal, report };
    }
    return { ...contentEdit(element, escapeText(value)), report };
  }

  #set(nodes: readonly XPathNode[], to: string | Expression): Edit[] {
    if (typeof to === 'string') return this.#collect(nodes, (node) => this.#setTo(node, to));
    using select = compile(to, 'string');
    return this.#collect(nodes, (node) => {
      const value = this.#revision.document.value(select, node);
      if (select.outline.type === 'number' && !Number.isFinite(Number(value))) {
        throw this.#fail('value', `${to.source} gives no number at ${this.#pathOf(node)}`);
      }
      return this.#setTo(node, value);
    });
  }

  #setTo(node: XPathNode, value: string): readonly Edit[] {
    const before = this.#valueOf(node);
    if (before === value) return [];
    const { contentStart, contentEnd } = node.element;
    return [this.#write(node, before ?? this.#revision.text.slice(contentStart, contentEnd), value)];
  }

  #clamp(node: XPathNode, min: string | undefined, max: string | undefined): readonly Edit[] {
    const value = this.#valueOf(node);
    if (value === undefined || !isDecimal(value)) {
      throw this.#fail('value', `${this.#pathOf(node)} is no number and cannot be clamped`);
    }
    if (min !== undefined && (compareDecimals(value, min) ?? 0) < 0) return [this.#write(node, value, min)];
    if (max !== undefined && (compareDecimals(value, max) ?? 0) > 0) return [this.#write(node, value, max)];
    return [];
  }

  /** Never in the other direction, and never out of the range of the type. */
  #shift(
    node: XPathNode,
    { kind, by, limit }: Extract<Action, { kind: 'raise' | 'lower' }>,
  ): readonly Edit[] {
    const value = this.#valueOf(node);
    const moved =
      value === undefined ? undefined : (kind === 'raise' ? addDecimals : subtractDecimals)(value, by);
    if (value === undefined || moved === undefined) {
      throw this.#fail(
        'value',
        `${this.#pathOf(node)} is no number and cannot be ${kind}${kind === 'raise' ? 'd' : 'ed'}`,
      );
    }
    const beyond = (a: string, b: string): boolean => {
      const order = compareDecimals(a, b) ?? 0;
      return kind === 'raise' ? order > 0 : order < 0;
    };
    const range = node.attribute === undefined ? wholeRangeOf(node.element) : undefined;
    let next = moved;
    for (const bound of [limit, kind === 'raise' ? range?.max : range?.min]) {
      if (bound !== undefined && beyond(next, bound)) next = bound;
    }
    if (!beyond(next, value)) return [];
    if (range !== undefined && !isWhole(next)) {
      throw this.#fail('value', `${this.#pathOf(node)} is a whole number and would be ${next}`);
    }
    return [this.#write(node, value, next)];
  }

  #remove({ element, attribute }: XPathNode): Edit {
    const { text, paths } = this.#revision;
    const path = paths.of(element, attribute);
    if (attribute !== undefined) {
      const start = spaceStart(text, attribute.start);
      return {
        start,
        end: attribute.end,
        text: '',
        report: { path, before: excerpt(attribute.value), after: null },
      };
    }
    if (element.parent === undefined) throw this.#fail('structure', 'the root element cannot be removed');
    const before = excerpt(text.slice(element.start, element.end));
    const start = leadingSpaceStart(text, element.parent, element.start);
    return { start, end: element.end, text: '', report: { path, before, after: null } };
  }

  #replace(element: LocatedElement, fragment: Fragment): Edit {
    const { text, paths } = this.#revision;
    if (element.parent === undefined) throw this.#fail('structure', 'the root element cannot be replaced');
    const layout = layoutBefore(text, element);
    const rendered = renderFragment(fragment, namespacesInScope(element.parent), layout);
    const { start, end } = element;
    const before = excerpt(text.slice(start, end));
    return {
      start,
      end,
      text: rendered,
      report: { path: paths.of(element), before, after: excerpt(rendered) },
    };
  }

  /** The insertion at `place`, or as near to it as the schema's order lets the fragment stand. */
  #insert(element: LocatedElement, place: Place, fragment: Fragment): Edit {
    const beside = place === 'before' || place === 'after';
    const parent = beside ? element.parent : element;
    if (parent === undefined) throw this.#fail('structure', 'nothing can stand beside the root element');
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
      throw this.#fail(
        'structure',
        `the schema's order of the children of ${this.#revision.paths.of(parent)} leaves no one place for all of the fragment: insert its elements by a template each`,
      );
    }
    this.#places.set(parent, positions);
    return positions;
  }

  #insertBeside(element: LocatedElement, place: 'before' | 'after', fragment: Fragment): Edit {
    const layout = layoutBefore(this.#revision.text, element);
    const scope =
      element.parent === undefined ? new Map<string, string>() : namespacesInScope(element.parent);
    const rendered = renderFragment(fragment, scope, layout);
    const line = layout === undefined ? '' : layout.lineBreak + layout.indentation;
    const at = place === 'before' ? element.start : element.end;
    if (place === 'before') {
      return { start: at, end: at, text: rendered + line, report: { from: 0, to: rendered.length } };
    }
    return { start: at, end: at, ...insertion(line, rendered, '') };
  }

  #insertInto(element: LocatedElement, place: 'first' | 'last', fragment: Fragment): Edit {
    const { text } = this.#revision;
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

  #keep(nodes: readonly XPathNode[], select: Expression, test: Expression): Edit[] {
    using selecting = compile(select);
    using testing = compile(test, 'boolean');
    const { document } = this.#revision;
    return nodes.flatMap((node) => {
      this.#elementOf(node, 'a list');
      return document
        .selectChildren(selecting, node)
        .filter((child) => !document.test(testing, child))
        .map((child) => this.#remove(child));
    });
  }

  #pathOf(node: XPathNode): string {
    return this.#revision.paths.of(node.element, node.attribute);
  }

  #check(edits: readonly Edit[]): void {
    const { action, override } = this.#template;
    if ('fragment' in action && edits.length > 0) {
      const { identifies, protects } = action.fragment;
      if (identifies)
        throw this.#fail('protected', 'a fragment would bring an MC service group ID of its own');
      if (protects !== undefined && !override) throw this.#refused(protects);
    }
    const ranges = protectedRanges(this.#revision.tree);
    for (const { start, end } of edits) {
      const range = touched(ranges, start, end, override);
      if (range?.always === true) throw this.#fail('protected', `${range.what} is never changed`);
      if (range !== undefined) throw this.#refused(range.what);
    }
  }

  #refused(what: string): PolicyFailed {
    return this.#fail('protected', `${what} is protected; protected="override" is needed to touch it`);
  }
}
