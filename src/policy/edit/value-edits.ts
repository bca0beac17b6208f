import { escapeAttribute, escapeText } from '../../xml/build.js';
import { textContent } from '../../xml/content.js';
import type { XPathNode } from '../../xml/xpath/xpath.js';
import { addDecimals, compareDecimals, isDecimal, isWhole, subtractDecimals } from '../language/decimal.js';
import { collectEdits, contentEdit, type Edit, type EditContext, excerpt } from './edits.js';
import { wholeRangeOf } from '../group-schema/whole-ranges.js';
import type { Action, Expression } from '../language/policy.js';
import { compile } from './revision.js';

/** The actions that change values: set, clamp, raise and lower. A value that is right already is left as it is. */
export class ValueEdits {
  readonly #context: EditContext;

  constructor(context: EditContext) {
    this.#context = context;
  }

  /** Gives each of `nodes` the text `to`, or the value that the expression `to` has there. */
  set(nodes: readonly XPathNode[], to: string | Expression): Edit[] {
    const { revision, fail } = this.#context;
    if (typeof to === 'string') return collectEdits(nodes, this.#context, (node) => this.#setTo(node, to));
    using select = compile(to, 'string');
    return collectEdits(nodes, this.#context, (node) => {
      const value = revision.document.value(select, node);
      if (select.outline.type === 'number' && !Number.isFinite(Number(value))) {
        throw fail('value', `${to.source} gives no number at ${revision.pathOf(node)}`);
      }
      return this.#setTo(node, value);
    });
  }

  /** Moves each of `nodes` to the nearer bound where it is beyond one. */
  clamp(nodes: readonly XPathNode[], bounds: Extract<Action, { kind: 'clamp' }>): Edit[] {
    return nodes.flatMap((node) => this.#clamp(node, bounds));
  }

  /** Raises or lowers each of `nodes`: never in the other direction, and never out of the range of its type. */
  shift(nodes: readonly XPathNode[], action: Extract<Action, { kind: 'raise' | 'lower' }>): Edit[] {
    return nodes.flatMap((node) => this.#shift(node, action));
  }

  #setTo(node: XPathNode, value: string): readonly Edit[] {
    const before = this.#valueOf(node);
    if (before === value) return [];
    const { contentStart, contentEnd } = node.element;
    return [this.#write(node, before ?? this.#context.revision.text.slice(contentStart, contentEnd), value)];
  }

  #clamp(node: XPathNode, { min, max }: Extract<Action, { kind: 'clamp' }>): readonly Edit[] {
    const { revision, fail } = this.#context;
    const value = this.#valueOf(node);
    if (value === undefined || !isDecimal(value)) {
      throw fail('value', `${revision.pathOf(node)} is no number and cannot be clamped`);
    }
    if (min !== undefined && (compareDecimals(value, min) ?? 0) < 0) return [this.#write(node, value, min)];
    if (max !== undefined && (compareDecimals(value, max) ?? 0) > 0) return [this.#write(node, value, max)];
    return [];
  }

  #shift(
    node: XPathNode,
    { kind, by, limit }: Extract<Action, { kind: 'raise' | 'lower' }>,
  ): readonly Edit[] {
    const { revision, fail } = this.#context;
    const value = this.#valueOf(node);
    const moved =
      value === undefined ? undefined : (kind === 'raise' ? addDecimals : subtractDecimals)(value, by);
    if (value === undefined || moved === undefined) {
      const verb = kind === 'raise' ? 'raised' : 'lowered';
      throw fail('value', `${revision.pathOf(node)} is no number and cannot be ${verb}`);
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
      throw fail('value', `${revision.pathOf(node)} is a whole number and would be ${next}`);
    }
    return [this.#write(node, value, next)];
  }

  /** The value of an attribute, or of an element without child elements. */
  #valueOf({ element, attribute }: XPathNode): string | undefined {
    if (attribute !== undefined) return attribute.value;
    return element.children.length > 0 ? undefined : textContent(this.#context.revision.text, element);
  }

  #write(node: XPathNode, before: string, value: string): Edit {
    const { revision } = this.#context;
    const { element, attribute } = node;
    const report = { path: revision.pathOf(node), before: excerpt(before), after: excerpt(value) };
    if (attribute !== undefined) {
      const { valueStart, valueEnd } = attribute;
      const escaped = escapeAttribute(value);
      const quotedBy = revision.text.charAt(valueStart - 1);
      const literal = quotedBy === "'" ? escaped.replaceAll("'", '&apos;') : escaped;
      return { start: valueStart, end: valueEnd, text: literal, report };
    }
    return { ...contentEdit(element, escapeText(value)), report };
  }
}
