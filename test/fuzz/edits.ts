import { expect } from 'chai';
import fc from 'fast-check';
import type { XmlDocument } from 'libxml2-wasm';
import { deleteNode, putAttribute, putElement, type Edited } from '../../src/xcap/edit.js';
import {
  CannotDelete,
  CannotInsert,
  NoParent,
  NotXmlAttValue,
  NotXmlFrag,
  XcapConflict,
} from '../../src/xcap/conflicts.js';
import { NotFound, RequestRefused } from '../../src/base/refusals.js';
import { locate } from '../../src/xcap/locate.js';
import { parseNodeSelector, type NodeSelector, type SelectorStep } from '../../src/xcap/node-selector.js';
import { gateText, type GatedText } from '../../src/xml/gate.js';
import { parseGated } from '../../src/xml/parse.js';
import { XmlRefused } from '../../src/xml/refusal.js';
import type { LocatedElement } from '../../src/xml/tree.js';
import { damagedDocument, tokens, writtenDocument, type WrittenElement } from '../unit/xml/generated.js';
import type { Target } from './target.js';
import { limits } from '../support/limits.js';

/**
 * Node edits of random documents through random selectors. What a selector selects is judged by XPath in
 * libxml2, which reads the same steps by rules of its own; where an element goes, by a list of children.
 */

/** The prefixes that generated documents declare; un-prefixed names are in `urn:d`. */
const bindings = new Map([
  ['d', 'urn:d'],
  ['p', 'urn:p'],
  ['q', 'urn:q'],
]);
const prefixes = new Map([...bindings].map(([prefix, uri]) => [uri, prefix]));

interface Edit {
  readonly text: string;
  readonly at: string;
  readonly selector: NodeSelector;
}

function read(at: string): NodeSelector {
  return parseNodeSelector(at, bindings, 'urn:d', 32);
}

// ---------------------------------------------------------------------------------------------------
// Random selectors

function quoted(text: string): string {
  return text.includes('"') ? `'${text}'` : `"${text}"`;
}

/** A step that selects the `index`-th of `siblings`, or now and then something else. */
function stepTo(siblings: readonly WrittenElement[], index: number): fc.Arbitrary<string> {
  const element = siblings[index];
  if (element === undefined) return fc.constant('a');
  const { name } = element;
  const twins = siblings.filter((each) => each.name === name);
  const place = twins.indexOf(element) + 1;
  const tests = element.attributes.map((each) => `[@${each.name}=${quoted(each.literal)}]`);
  const right = [
    ...(twins.length === 1 ? [name] : []),
    `${name}[${place}]`,
    `*[${index + 1}]`,
    ...tests.flatMap((test) => [`${name}[${place}]${test}`, `*[${index + 1}]${test}`]),
    ...tests.flatMap((test) => [name + test, `*${test}`]),
  ];
  const odd = [
    name,
    '*',
    `${name}[${place + 1}]`,
    `*[${index}]`,
    `*[${index + 2}]`,
    `${name}[@a="v"]`,
    `*[@p:a=""]`,
  ];
  return fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...right) },
    { weight: 2, arbitrary: fc.constantFrom(...odd) },
  );
}

/** A selector that leads to an element below `element`, or nearly. */
function selectorBelow(element: WrittenElement, step: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return step.chain((start) => {
    if (element.children.length === 0) return fc.constant(start);
    return fc.nat(element.children.length).chain((index) => {
      const child = element.children[index];
      if (child === undefined) return fc.constant(start);
      return selectorBelow(child, stepTo(element.children, index)).map((rest) => `${start}/${rest}`);
    });
  });
}

const selected: fc.Arbitrary<Edit> = writtenDocument.chain(({ text, root }) =>
  selectorBelow(root, stepTo([root], 0)).map((at) => ({ text, at, selector: read(at) })),
);

/** Elements that need no declarations but those of `writtenDocument`. */
const body: fc.Arbitrary<string> = writtenDocument
  .filter(({ root }) => root.children.length > 0)
  .chain(({ text, root }) =>
    fc.constantFrom(...root.children).map(({ start, end }) => text.slice(start, end)),
  );

function nameOf(element: string): string {
  return /^<([^\s/>]+)/.exec(element)?.[1] ?? '';
}

/** An element that the last step of a selector may select: of its name, with the attribute that it asks for. */
function fitting({ at, selector }: Pick<Edit, 'at' | 'selector'>, content: string): string {
  const step = at.slice(at.search(/[^/"']+(\[[^"'\]]*("[^"]*"|'[^']*')?\])*$/));
  const name = /^[^[*]+/.exec(step)?.[0] ?? 'b';
  const test = /\[@([^=]+)=("[^"]*"|'[^']*')\]$/.exec(step);
  const attribute = test === null ? '' : ` ${test[1] ?? ''}=${test[2] ?? ''}`;
  // A root brings its declarations itself.
  const declarations = selector.steps.length > 1 ? '' : ' xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:q"';
  return `<${name}${attribute}${declarations}>${content}</${name}>`;
}

const replacement: fc.Arbitrary<Edit & { readonly element: string }> = fc
  .tuple(selected, body, fc.nat(4))
  .map(([edit, element, odd]) => ({ ...edit, element: odd === 0 ? element : fitting(edit, element) }));

/** Parents that have children, and any elements. */
const parent = fc.oneof(
  selected.filter(({ text, selector }) => (childrenAt(text, selector) ?? []).length > 0),
  selected,
);

const insertion: fc.Arbitrary<Edit & { readonly element: string }> = fc
  .tuple(parent, body, fc.nat(6))
  .chain(([{ text, at, selector }, element, odd]) => {
    const names = (childrenAt(text, selector) ?? []).map(nameOf);
    const position = (name: string): fc.Arbitrary<string> => {
      const count = name === '*' ? names.length : names.filter((each) => each === name).length;
      return fc.oneof(
        fc.constantFrom('', `[${count + 1}]`),
        fc.nat(count + 2).map((number) => `[${number}]`),
      );
    };
    const test = fc.constantFrom('', '[@a="v"]', '[@new="1"]', "[@p:new='\"']", '[@xml:lang="en"]');
    return fc.constantFrom('*', 'b', 'new', ...names, ...names).chain((name) =>
      fc.tuple(position(name), test).map(([where, which]) => {
        const child = `${at}/${name}${where}${which}`;
        const edit = { text, at: child, selector: read(child) };
        return { ...edit, element: odd === 0 ? element : fitting(edit, element) };
      }),
    );
  });

const literal = fc
  .array(fc.constantFrom('a', ' ', '"', "'", '&amp;', '&#10;', '>', 'é', '\r\n', '\u{1F692}', '<', '&'), {
    maxLength: 6,
  })
  .map((parts) => parts.join(''));

/** Bodies of all kinds, some of which break out of the place that they are put in. */
const anyBody: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 30 }),
  tokens.map((each) => Buffer.from(each)),
  damagedDocument.map((each) => Buffer.from(each)),
  fc
    .tuple(
      body,
      fc.constantFrom('', '</a>', '</a><a>', '<!--', '-->', ']]>', '<a', '"', '&', '\u0000', '<?', '/>'),
    )
    .map(([each, more]) => Buffer.from(each + more)),
);

const attributeName = fc.constantFrom('a', 'b', 'p:a', 'q:new', 'xml:lang', 'é', '__proto__');

// ---------------------------------------------------------------------------------------------------
// Judges

function treeOf(text: string): LocatedElement {
  return gateText(text, limits).tree;
}

function withDocument<T>(text: string, work: (document: XmlDocument) => T): T {
  const document = parseGated(text);
  try {
    return work(document);
  } finally {
    document.dispose();
  }
}

function xpathOfStep({ name, position, attribute }: SelectorStep): string {
  const prefixed = (each: { namespace: string; local: string }): string => {
    if (each.namespace === 'http://www.w3.org/XML/1998/namespace') return `xml:${each.local}`;
    const prefix = prefixes.get(each.namespace);
    return prefix === undefined ? each.local : `${prefix}:${each.local}`;
  };
  const test = attribute === undefined ? '' : `[@${prefixed(attribute)}=${quoted(attribute.value)}]`;
  // Beyond 2^53 numbers of XPath are not exact; no document has so many elements.
  return `${name === undefined ? '*' : prefixed(name)}${position === undefined ? '' : `[${position}]`}${test}`;
}

function placeInTree(element: LocatedElement): readonly number[] {
  const { parent } = element;
  return parent === undefined ? [0] : [...placeInTree(parent), parent.children.indexOf(element)];
}

/** The place of the element that XPath finds, where every step finds exactly one. */
function placeByXPath(text: string, { steps }: NodeSelector): readonly number[] | undefined {
  return withDocument(text, (document) => {
    const namespaces = Object.fromEntries(bindings);
    const place: number[] = [];
    let path = '';
    for (const step of steps) {
      path += `/${xpathOfStep(step)}`;
      if (document.eval(`count(${path})`, namespaces) !== 1) return undefined;
      place.push(Number(document.eval(`count(${path}/preceding-sibling::*)`, namespaces)));
    }
    return place;
  });
}

function placeByWalk(text: string, selector: NodeSelector): readonly number[] | undefined {
  const found = locate(treeOf(text), { steps: selector.steps, terminal: undefined });
  return found === undefined ? undefined : placeInTree(found.element);
}

/** What `work` gives, or the refusal that it throws; nothing else may be thrown. */
function outcome<T>(work: () => T, ...declared: readonly (typeof RequestRefused)[]): T | RequestRefused {
  try {
    return work();
  } catch (error) {
    const known = declared.some((condition) => error instanceof condition);
    if (known && error instanceof RequestRefused) return error;
    throw error;
  }
}

type Condition = typeof RequestRefused;
const elementRefusals = [CannotInsert, NoParent, NotXmlFrag] as readonly unknown[] as readonly Condition[];
const attributeRefusals = [
  CannotInsert,
  NoParent,
  NotXmlAttValue,
] as readonly unknown[] as readonly Condition[];
const deleteRefusals = [NotFound, CannotDelete] as readonly unknown[] as readonly Condition[];

function put({ text, selector }: Edit, element: string): Edited | RequestRefused {
  const gated = gateText(text, limits);
  const before = JSON.stringify(placesOf(gated.tree));
  const result = outcome(
    () => putElement(gated, selector.steps, Buffer.from(element), limits),
    ...elementRefusals,
  );
  // Whatever comes of it, the document that was edited is as it was.
  expect(gated.text).to.equal(text);
  expect(JSON.stringify(placesOf(gated.tree))).to.equal(before);
  return result;
}

function remove(text: string, selector: NodeSelector): GatedText | RequestRefused {
  return outcome(() => deleteNode(gateText(text, limits), selector, limits), ...deleteRefusals);
}

function placesOf({ name, start, end, attributes, children }: LocatedElement): unknown {
  return [
    name,
    start,
    end,
    attributes.map((each) => [each.name, each.start, each.end]),
    children.map(placesOf),
  ];
}

/** What the edit returned is a document, and the tree beside it is the tree of its text. */
function expectDocument({ text, tree }: GatedText): void {
  withDocument(text, () => undefined);
  expect(placesOf(tree)).to.deep.equal(placesOf(treeOf(text)));
}

function without(text: string, start: number, end: number): string {
  return text.slice(0, start) + text.slice(end);
}

function stepsBefore({ steps }: NodeSelector): NodeSelector {
  return { steps: steps.slice(0, -1), terminal: undefined };
}

/** The children of the element at `selector` as they are written, or undefined where there is none. */
function childrenAt(text: string, selector: NodeSelector): readonly string[] | undefined {
  const found = locate(treeOf(text), selector);
  return found?.kind === 'element'
    ? found.element.children.map(({ start, end }) => text.slice(start, end))
    : undefined;
}

/** RFC 4825 clause 8.2.3: the offset at which `element` goes, or undefined where no position is free for it. */
function placeFor(
  parent: LocatedElement,
  { name, position }: SelectorStep,
  element: string,
): number | undefined {
  const twins = parent.children.filter((each) => each.name === nameOf(element));
  if (position === undefined) return twins.at(-1)?.end ?? parent.contentEnd;
  const counted = name === undefined ? parent.children : twins;
  if (position < 1 || position > counted.length + 1) return undefined;
  return counted[position - 2]?.end ?? counted[0]?.start ?? parent.contentEnd;
}

/** The document with `element` in the place that the standard gives it. */
function withElement(text: string, parent: LocatedElement, at: number, element: string): string {
  if (parent.contentStart < parent.end) return text.slice(0, at) + element + text.slice(at);
  return `${text.slice(0, parent.end - 2)}>${element}</${parent.name}>${text.slice(parent.end)}`;
}

/** Whether the selector selects what stands at `start`, by XPath in libxml2; false where it is no document. */
function selects(text: string, selector: NodeSelector, start: number): boolean {
  let place: readonly number[] | undefined;
  try {
    place = placeByXPath(text, selector);
  } catch (error) {
    if (error instanceof XmlRefused) return false;
    throw error;
  }
  let element: LocatedElement | undefined = treeOf(text);
  for (const index of place?.slice(1) ?? []) element = element?.children[index];
  return place !== undefined && element?.start === start;
}

// ---------------------------------------------------------------------------------------------------
// Targets

export const editTargets: readonly Target[] = [
  {
    title: 'RFC 4825 §6.3 a selector selects what XPath finds, where every step finds exactly one',
    property: fc.property(selected, ({ text, selector }) => {
      expect(placeByWalk(text, selector)).to.deep.equal(placeByXPath(text, selector));
    }),
  },
  {
    title: 'RFC 4825 §8.2.4 PUT of an element that exists: GET gives it, and no other character changed',
    property: fc.property(replacement, ({ element, ...edit }) => {
      const { text, selector } = edit;
      const former = locate(treeOf(text), selector)?.element;
      fc.pre(former !== undefined);
      const { start, end, parent } = former;
      const result = put(edit, element);
      if (result instanceof RequestRefused) {
        // The body is not what the URI names, or as a root it lacks the declarations of the former one.
        const unbound = parent === undefined && result instanceof NotXmlFrag;
        if (!unbound) expect(result).to.be.instanceOf(CannotInsert);
        expect(selects(text.slice(0, start) + element + text.slice(end), selector, start)).to.equal(false);
        return;
      }
      expect(result.created).to.equal(false);
      expectDocument(result.gated);
      expect(result.gated.text).to.equal(text.slice(0, start) + element + text.slice(end));
      const found = locate(result.gated.tree, selector)?.element;
      expect(found && result.gated.text.slice(found.start, found.end)).to.equal(element);
      expect(placeByXPath(result.gated.text, selector)).to.deep.equal(found && placeInTree(found));
      // The former element in the place of the new one makes the former document, to the character.
      const back = put({ ...edit, text: result.gated.text }, text.slice(start, end));
      expect(back).not.to.be.instanceOf(RequestRefused);
      if (!(back instanceof RequestRefused)) expect(back.gated.text).to.equal(text);
    }),
  },
  {
    title: 'RFC 4825 §8.2.3 PUT of a new element: it stands in its place, and a DELETE restores the document',
    property: fc.property(insertion, ({ element, ...edit }) => {
      const { text, selector } = edit;
      fc.pre(locate(treeOf(text), selector) === undefined);
      const step = selector.steps.at(-1) ?? expect.fail('no step');
      const opened = locate(treeOf(text), stepsBefore(selector))?.element;
      const at = opened && placeFor(opened, step, element);
      const result = put(edit, element);
      if (result instanceof RequestRefused) {
        expect(result).to.be.instanceOf(opened === undefined ? NoParent : CannotInsert);
        if (opened === undefined || at === undefined) return;
        const start = opened.contentStart < opened.end ? at : opened.end - 1;
        expect(selects(withElement(text, opened, at, element), selector, start)).to.equal(false);
        return;
      }
      const { gated, created } = result;
      expect(created).to.equal(true);
      expectDocument(gated);
      const found = locate(gated.tree, selector)?.element ?? expect.fail('nothing is selected');
      expect(gated.text.slice(found.start, found.end)).to.equal(element);
      expect(placeByXPath(gated.text, selector)).to.deep.equal(placeInTree(found));
      if (opened === undefined || at === undefined) return expect.fail('there is no place for it');
      expect(gated.text).to.equal(withElement(text, opened, at, element));

      // All that was added is the element; a parent written as one tag was opened for it.
      const single = opened.contentStart === opened.end;
      const restored = single
        ? `${text.slice(0, opened.end - 2)}></${opened.name}>${text.slice(opened.end)}`
        : text;
      expect(without(gated.text, found.start, found.end)).to.equal(restored);
      const after = remove(gated.text, selector);
      if (after instanceof RequestRefused) {
        expect(after).to.be.instanceOf(CannotDelete);
        expect(placeByXPath(restored, selector), 'the URI would select another').not.to.equal(undefined);
      } else {
        expectDocument(after);
        expect(after.text).to.equal(restored);
      }
    }),
  },
  {
    title: 'RFC 4825 §8.4 DELETE of an element: it is gone, and no other character changed',
    property: fc.property(selected, ({ text, selector }) => {
      const former = locate(treeOf(text), selector)?.element;
      const result = remove(text, selector);
      if (former === undefined) {
        expect(result).to.be.instanceOf(NotFound);
        return;
      }
      const rest = without(text, former.start, former.end);
      if (result instanceof RequestRefused) {
        expect(result).to.be.instanceOf(CannotDelete);
        if (former.parent !== undefined) expect(placeByXPath(rest, selector)).not.to.equal(undefined);
        return;
      }
      expectDocument(result);
      expect(result.text).to.equal(rest);
      expect(placeByXPath(rest, selector)).to.equal(undefined);
    }),
  },
  {
    title: 'RFC 4825 §8.2 PUT of an attribute: GET gives it, and DELETE takes away what was put, no more',
    property: fc.property(selected, attributeName, literal, ({ text, at }, name, value) => {
      const selector = read(`${at}/@${name}`);
      const gated = gateText(text, limits);
      const element = locate(gated.tree, { steps: selector.steps, terminal: undefined })?.element;
      const former = locate(gated.tree, selector);
      const result = outcome(
        () => putAttribute(gated, selector, Buffer.from(value), limits),
        ...attributeRefusals,
      );
      expect(gated.text).to.equal(text);
      if (result instanceof RequestRefused) {
        const bare = /<|&(?!amp;|#10;)/.test(value) || (value.includes('"') && value.includes("'"));
        if (element === undefined) expect(result).to.be.instanceOf(NoParent);
        else expect(result).to.be.instanceOf(bare ? NotXmlAttValue : CannotInsert);
        // Nothing but the test of the last step can make the URI miss the attribute.
        if (result instanceof CannotInsert)
          expect(at.endsWith(']') && at.includes(`[@${name}=`)).to.equal(true);
        return;
      }
      expectDocument(result.gated);
      expect(result.created).to.equal(former === undefined);
      const found = locate(result.gated.tree, selector);
      if (found?.kind !== 'attribute') return expect.fail('nothing is selected');
      const { valueStart, valueEnd, start, end } = found.attribute;
      expect(result.gated.text.slice(valueStart, valueEnd)).to.equal(value);
      if (former?.kind === 'attribute') {
        const around = [
          text.slice(0, former.attribute.valueStart - 1),
          text.slice(former.attribute.valueEnd + 1),
        ];
        expect([
          result.gated.text.slice(0, valueStart - 1),
          result.gated.text.slice(valueEnd + 1),
        ]).to.deep.equal(around);
        return;
      }
      expect(without(result.gated.text, start - 1, end)).to.equal(text);
      const after = remove(result.gated.text, selector);
      expect(after).not.to.be.instanceOf(RequestRefused);
      if (!(after instanceof RequestRefused)) expect(after.text).to.equal(text);
    }),
  },
  {
    title: 'RFC 4825 §8.2.2 any body is put or refused with an xcap-error, and what is put is well-formed',
    property: fc.property(selected, anyBody, fc.constantFrom('', '', '/@a'), ({ text, at }, bytes, rest) => {
      const selector = read(at + rest);
      const gated = gateText(text, limits);
      try {
        const { gated: after } =
          rest === ''
            ? putElement(gated, selector.steps, bytes, limits)
            : putAttribute(gated, selector, bytes, limits);
        expectDocument(after);
        expect(locate(after.tree, selector)).not.to.equal(undefined);
      } catch (error) {
        expect(error).to.be.instanceOf(XcapConflict);
      }
      expect(gated.text).to.equal(text);
    }),
  },
];
