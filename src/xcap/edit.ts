import { NotFound } from '../base/refusals.js';
import { escapeAttribute } from '../xml/build.js';
import { attributeValue } from '../xml/characters.js';
import { decodeUtf8, gateText, type GatedText } from '../xml/gate.js';
import { ns } from '../xml/names.js';
import { parseGated } from '../xml/parse.js';
import { XmlRefused } from '../xml/refusal.js';
import type { ScanLimits } from '../xml/scan.js';
import { namespacesInScope, type LocatedElement } from '../xml/tree.js';
import {
  CannotDelete,
  CannotInsert,
  ConstraintFailure,
  NoParent,
  NotUtf8,
  NotWellFormed,
  NotXmlAttValue,
  NotXmlFrag,
  SchemaValidationError,
  type XcapConflict,
} from './conflicts.js';
import { locate, locateElement, siblingsOfStep, walk } from './locate.js';
import type { NodeSelector, SelectorStep } from './node-selector.js';

/**
 * Node edits (RFC 4825 clauses 8.2.3 and 8.4): an edit splices the stored text and leaves every
 * character outside the node alone (design D3).
 *
 * Subtle: GET(PUT(x)) = x is not derived from rules but tried. After the splice the new text is
 * scanned again and the same selector walked over it: if it does not select exactly what was put, the
 * answer is `cannot-insert`; if after a removal it still selects something, `cannot-delete`. That
 * covers predicates on the edited attribute, positions and names alike.
 *
 * Where a new element goes: with a position, where it is the n-th; else behind the last sibling of its name. Where
 * there is none of its name, clause 8.2.3 says "the last child"; but the server has to refuse what is then not valid
 * (clause 8.2.5), so that a client could never put back what it has deleted. The sentence that the clause begins with
 * decides: the element is to be placed so that the document complies with the schema and a GET with the same URI
 * gives what was put. So the first of its name becomes the last child where the schema lets it stand there, and
 * otherwise stands as near the end as the schema lets it. No selector tells the difference: by name or attribute it
 * selects the same element, and with `*[n]` the position alone decides.
 *
 * What an edit inserts is the element or ` name="value"`, and nothing more, and a DELETE removes
 * an element's own characters, or an attribute with the white space before it. So a DELETE of what was
 * just created restores the former text exactly, with one exception: a parent that was written `<a/>`
 * has to be opened for its first child and stays `<a></a>` when that goes. How it was written before is
 * no longer in the document, and the two mean the same.
 *
 * Cost: one scan of the new text, besides copying it; libxml2 sees the fragment alone here, to tell
 * `not-xml-frag` from faults of the document, and the whole document once, when it is validated.
 */

/** The text after an edit, past the gate; not yet validated. `created` tells 201 from 200. */
export interface Edited {
  readonly gated: GatedText;
  readonly created: boolean;
}

function splice(text: string, start: number, end: number, insertion: string): string {
  return text.slice(0, start) + insertion + text.slice(end);
}

/** The refusal of a text in the words of RFC 4825. */
export function conflictOf(refused: XmlRefused): XcapConflict {
  switch (refused.condition) {
    case 'not-utf-8':
      return new NotUtf8(refused.message);
    case 'not-well-formed':
      return new NotWellFormed(refused.message);
    case 'schema-invalid':
      return new SchemaValidationError(refused.message);
    case 'forbidden':
      return new ConstraintFailure(refused.message);
  }
}

/** The text of a fragment body: a byte order mark says how it is coded and is no part of it. */
function decodeBody(body: Uint8Array, broken: (phrase: string) => XcapConflict): string {
  return reading(() => decodeUtf8(body), broken).replace(/^\uFEFF/, '');
}

/** White space as XML defines it; no-break spaces and the like are text. */
const space = /[ \t\r\n]/;

/** `text` without white space around it. */
function trimmed(text: string): string {
  const start = /[^ \t\r\n]/.exec(text)?.index ?? text.length;
  let end = text.length;
  while (end > start && space.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** Runs `read`; what the XML layer refuses as broken becomes `broken`, the rest keeps its own condition. */
function reading<T>(read: () => T, broken: (phrase: string) => XcapConflict): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof XmlRefused)) throw error;
    throw error.condition === 'not-well-formed' ? broken(error.message) : conflictOf(error);
  }
}

/**
 * Checks that `body` is one element, white space around it allowed, in the namespaces of `context`
 * (clause 8.2.2: prefixes may be bound by the document alone), and gives its text and tree.
 */
function readFragment(body: Uint8Array, context: LocatedElement, limits: ScanLimits): GatedText {
  const fragment = trimmed(decodeBody(body, notXmlFrag));
  const declarations = [...namespacesInScope(context)].map(([prefix, uri]) => {
    return ` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${escapeAttribute(uri)}"`;
  });
  const head = `<fragment${declarations.join('')}>`;
  const wrapped = `${head}${fragment}</fragment>`;
  // The wrapper is not the client's: its level and its declarations do not count.
  const roomy = { ...limits, depth: limits.depth + 1, namespaces: Number.MAX_SAFE_INTEGER };
  const { tree } = reading(() => gateText(wrapped, roomy), notXmlFrag);
  const [element, ...others] = tree.children;
  const whole = element?.start === head.length && element.end === head.length + fragment.length;
  if (element === undefined || others.length > 0 || !whole) {
    throw new NotXmlFrag('the body is not one balanced element');
  }
  reading(() => {
    parseGated(wrapped).dispose();
  }, notXmlFrag);
  return { text: fragment, tree: element };
}

function notXmlFrag(phrase: string): NotXmlFrag {
  return new NotXmlFrag(phrase);
}

/**
 * The last place among the children of `parent` where the schema lets an element of this name stand: place n is
 * before the n-th child, counted from 0. Undefined where no place is lawful, or none is known to be.
 */
export type LastPlace = (
  parent: LocatedElement,
  name: Pick<LocatedElement, 'namespace' | 'local'>,
) => number | undefined;

/** Where the new element `created` goes below `parent` so that `step` may select it (clause 8.2.3). */
function insertionPoint(
  parent: LocatedElement,
  step: SelectorStep,
  created: LocatedElement,
  lastPlace: LastPlace,
): number {
  const isFirst = !parent.children.some(({ local, namespace }) => {
    return local === created.local && namespace === created.namespace;
  });
  // A position counts siblings of its name: where it says `*`, it says the place itself.
  if (isFirst && (step.position === undefined || (step.position === 1 && step.name !== undefined))) {
    const place = lastPlace(parent, created);
    const next = place === undefined ? undefined : parent.children[place];
    return next?.start ?? parent.contentEnd;
  }
  if (step.position !== undefined) {
    const siblings = siblingsOfStep(parent.children, step);
    const before = siblings[step.position - 2];
    const at = siblings[step.position - 1];
    if (before !== undefined) return before.end;
    if (step.position !== 1) throw new CannotInsert('the position is beyond the next free one');
    return at === undefined ? parent.contentEnd : at.start;
  }
  const name = { namespace: created.namespace, local: created.local };
  const twins = siblingsOfStep(parent.children, { ...step, name });
  return twins.at(-1)?.end ?? parent.contentEnd;
}

/** The text with `fragment` inserted at `at`, a place inside `parent`, which may be written `<a/>`. */
function insertInto(text: string, parent: LocatedElement, at: number, fragment: string): string {
  if (parent.contentStart < parent.end) return splice(text, at, at, fragment);
  return splice(text, parent.end - 2, parent.end, `>${fragment}</${parent.name}>`);
}

/** No parent within an existing document; `lastStep` is the last step that selects an element. */
export class MissingParent extends NoParent {
  readonly lastStep: SelectorStep | undefined;

  constructor(lastStep: SelectorStep | undefined) {
    super('the parent element does not exist');
    this.lastStep = lastStep;
  }
}

function rescan(text: string, limits: ScanLimits): GatedText {
  return reading(
    () => gateText(text, limits),
    (phrase) => new NotWellFormed(phrase),
  );
}

/**
 * Creates or replaces the element that `steps` select (clauses 8.2.1 to 8.2.3).
 *
 * @param lastPlace where the schema lets the first element of a name stand
 * @throws XcapConflict: not-utf-8, not-xml-frag, no-parent, cannot-insert, constraint-failure (limits)
 */
export function putElement(
  document: GatedText,
  steps: readonly SelectorStep[],
  body: Uint8Array,
  limits: ScanLimits,
  lastPlace: LastPlace = () => undefined,
): Edited {
  const path = walk(document.tree, steps);
  const existing = path.length === steps.length ? path.at(-1) : undefined;
  const lastStep = steps.at(-1);
  if (lastStep === undefined || (existing === undefined && path.length < steps.length - 1)) {
    throw new MissingParent(steps[path.length - 1]);
  }
  if (existing === undefined && path.length === 0) {
    throw new CannotInsert('a document has one root element');
  }
  const context = existing === undefined ? path.at(-1) : (existing.parent ?? existing);
  if (context === undefined) throw new MissingParent(undefined);
  const root = existing !== undefined && existing.parent === undefined;
  const fragment = root ? readRootFragment(body, limits) : readFragment(body, context, limits);
  let start: number;
  let text: string;
  if (existing === undefined) {
    const at = insertionPoint(context, lastStep, fragment.tree, lastPlace);
    text = insertInto(document.text, context, at, fragment.text);
    start = context.contentStart < context.end ? at : context.end - 1;
  } else {
    start = existing.start;
    text = splice(document.text, existing.start, existing.end, fragment.text);
  }
  const gated = rescan(text, limits);
  const selected = locateElement(gated.tree, steps);
  if (selected?.start !== start || selected.end !== start + fragment.text.length) {
    throw new CannotInsert('the URI would not select the element that was put');
  }
  return { gated, created: existing === undefined };
}

/** A fragment that takes the root element's place: no namespace is in scope there. */
function readRootFragment(body: Uint8Array, limits: ScanLimits): GatedText {
  const text = trimmed(decodeBody(body, notXmlFrag));
  const gated = reading(() => gateText(text, limits), notXmlFrag);
  if (gated.tree.start !== 0 || gated.tree.end !== text.length) {
    throw new NotXmlFrag('the body is not one balanced element');
  }
  reading(() => {
    parseGated(text).dispose();
  }, notXmlFrag);
  return gated;
}

/**
 * Creates or replaces the attribute that `selector` selects. The body is the attribute's value as XML
 * writes it between quotes (AttValue).
 *
 * @throws XcapConflict: not-utf-8, not-xml-att-value, no-parent, cannot-insert
 */
export function putAttribute(
  document: GatedText,
  selector: NodeSelector,
  body: Uint8Array,
  limits: ScanLimits,
): Edited {
  if (selector.terminal?.kind !== 'attribute') throw new CannotInsert('only attributes can be put here');
  const { name } = selector.terminal;
  const path = walk(document.tree, selector.steps);
  const element = path.length === selector.steps.length ? path.at(-1) : undefined;
  if (element === undefined) throw new MissingParent(selector.steps[path.length - 1]);
  const literal = decodeBody(body, (phrase) => new NotXmlAttValue(phrase));
  const value = literal.includes('<') ? undefined : attributeValue(literal);
  if (value === undefined) throw new NotXmlAttValue('the body holds a bare < or &');
  const quoted = quote(literal);
  if (quoted === undefined)
    throw new NotXmlAttValue('the body holds quotes of both kinds: write one as a reference');
  const existing = locate(document.tree, selector);
  const text =
    existing?.kind === 'attribute'
      ? // The new literal brings its own quotes, whichever the old one had.
        splice(document.text, existing.attribute.valueStart - 1, existing.attribute.valueEnd + 1, quoted)
      : insertAttribute(document.text, element, qualifiedName(element, name), quoted);
  const gated = reading(
    () => gateText(text, limits),
    (phrase) => new NotXmlAttValue(phrase),
  );
  const selected = locate(gated.tree, selector);
  if (selected?.kind !== 'attribute' || selected.attribute.value !== value) {
    throw new CannotInsert('the URI would not select the attribute that was put');
  }
  return { gated, created: existing === undefined };
}

/** `literal` in quotes that do not occur in it, as AttValue (XML 1.0 clause 2.3) wants; else undefined. */
function quote(literal: string): string | undefined {
  if (!literal.includes('"')) return `"${literal}"`;
  return literal.includes("'") ? undefined : `'${literal}'`;
}

/** The name under which an attribute of this expanded name can be written in `element`. */
function qualifiedName(element: LocatedElement, name: { namespace: string; local: string }): string {
  if (name.namespace === '') return name.local;
  for (const [prefix, uri] of namespacesInScope(element)) {
    if (uri === name.namespace && prefix !== '') return `${prefix}:${name.local}`;
  }
  if (name.namespace === ns.xml) return `xml:${name.local}`;
  throw new CannotInsert(`the document binds no prefix to ${name.namespace}`);
}

function insertAttribute(text: string, element: LocatedElement, name: string, quoted: string): string {
  const ends = [...element.attributes, ...element.declarations].map(({ end }) => end);
  const at = Math.max(element.start + 1 + element.name.length, ...ends);
  return splice(text, at, at, ` ${name}=${quoted}`);
}

/**
 * Removes the node that `selector` selects (clause 8.4).
 *
 * @throws NotFound where it selects nothing, CannotDelete where it would then select something else
 */
export function deleteNode(document: GatedText, selector: NodeSelector, limits: ScanLimits): GatedText {
  const selected = locate(document.tree, selector);
  if (selected === undefined) throw new NotFound('the node selector selects nothing');
  if (selected.kind === 'namespaces') throw new CannotDelete('namespace bindings cannot be deleted');
  if (selected.kind === 'element' && selected.element.parent === undefined) {
    throw new CannotDelete('the root element goes with its document only');
  }
  const { start, end } = selected.kind === 'element' ? selected.element : selected.attribute;
  const gap = selected.kind === 'element' ? 0 : spaceBefore(document.text, start);
  const gated = rescan(splice(document.text, start - gap, end, ''), limits);
  if (locate(gated.tree, selector) !== undefined) {
    throw new CannotDelete('the URI would then select another node');
  }
  return gated;
}

/** How many characters of white space stand right before `at`. */
function spaceBefore(text: string, at: number): number {
  let from = at;
  while (space.test(text.charAt(from - 1))) from -= 1;
  return at - from;
}
