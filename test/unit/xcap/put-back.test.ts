import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import fc from 'fast-check';
import { RequestRefused } from '../../../src/base/refusals.js';
import { deleteNode, putAttribute, putElement } from '../../../src/xcap/edit.js';
import { locate, siblingsOfStep } from '../../../src/xcap/locate.js';
import { parseNodeSelector, type NodeSelector } from '../../../src/xcap/node-selector.js';
import { gateText, type GatedText } from '../../../src/xml/gate.js';
import { XmlRefused } from '../../../src/xml/refusal.js';
import { Schemas, type SchemaName } from '../../../src/xml/schemas.js';
import { elementsOf, type LocatedAttribute, type LocatedElement } from '../../../src/xml/tree.js';
import { limits } from '../../support/limits.js';
import { seed } from '../../support/seed.js';

/**
 * RFC 4825 §8.2.3 and §8.2.5: what a node selector can delete, the same selector can put back, in the documents of
 * every usage whose schema is known, those that an operator declares included.
 */

const fixtures = new URL('../../../../fixtures/', import.meta.url);

function declared(name: string, file: string): { name: SchemaName; file: string; option: string } {
  return { name: `declared:${name}`, file: fileURLToPath(new URL(`usages/${file}`, fixtures)), option: name };
}

interface Sample {
  readonly file: string;
  readonly schema: SchemaName;
  readonly text: string;
}

function samples(): readonly Sample[] {
  const inFolder = (folder: string, schema: SchemaName): readonly Sample[] =>
    readdirSync(new URL(folder, fixtures)).map((name) => sample(`${folder}/${name}`, schema));
  const sample = (file: string, schema: SchemaName): Sample => {
    return { file, schema, text: readFileSync(new URL(file, fixtures), 'utf8') };
  };
  return [
    ...inFolder('groups/valid', 'group'),
    ...inFolder('groups/accepted', 'group'),
    ...inFolder('resource-lists/valid', 'resource-lists'),
    sample('usages/services.xml', 'rls-services'),
    sample('usages/pres-rules.xml', 'declared:pres-rules'),
    sample('usages/pidf.xml', 'declared:pidf'),
    sample('xcap/every-order.xml', 'declared:orders'),
  ];
}

/** A node that can be deleted, and the selector that stays its own when it is gone. */
interface Removable {
  readonly at: string;
  readonly selector: NodeSelector;
  readonly body: string;
}

/** How the selectors of a document spell namespaces. */
class Prefixes {
  readonly #prefixes = new Map<string, string>();

  qname(namespace: string, local: string): string {
    if (namespace === '') return local;
    const prefix = this.#prefixes.get(namespace) ?? `n${this.#prefixes.size}`;
    this.#prefixes.set(namespace, prefix);
    return `${prefix}:${local}`;
  }

  parse(text: string): NodeSelector {
    const bindings = new Map([...this.#prefixes].map(([uri, prefix]) => [prefix, uri]));
    return parseNodeSelector(text, bindings, '', 64);
  }
}

/** @param gone an attribute that will not be there to tell the element from its twins */
function stepOf(element: LocatedElement, prefixes: Prefixes, gone?: LocatedAttribute): string {
  const { local, namespace, parent } = element;
  const name = prefixes.qname(namespace, local);
  const twins = (parent?.children ?? [element]).filter(
    (each) => each.local === local && each.namespace === namespace,
  );
  if (twins.length === 1) return name;
  const test = element.attributes.find(
    ({ name: qname, value }) =>
      qname !== gone?.name &&
      !qname.includes(':') &&
      !/["&<]/.test(value) &&
      twins.filter(({ attributes }) => attributes.some((one) => one.name === qname && one.value === value))
        .length === 1,
  );
  return test === undefined
    ? `${name}[${twins.indexOf(element) + 1}]`
    : `${name}[@${test.name}="${test.value}"]`;
}

function removables({ text, tree }: GatedText): readonly Removable[] {
  const prefixes = new Prefixes();
  const found: Removable[] = [];
  const add = (at: string, body: string): void => {
    found.push({ at, selector: prefixes.parse(at), body });
  };
  const paths = new Map<LocatedElement, string>();
  for (const element of elementsOf(tree)) {
    const above = element.parent === undefined ? '' : `${paths.get(element.parent) ?? ''}/`;
    const path = `${above}${stepOf(element, prefixes)}`;
    paths.set(element, path);
    if (element.parent !== undefined) add(path, text.slice(element.start, element.end));
    for (const each of element.attributes) {
      add(
        `${above}${stepOf(element, prefixes, each)}/@${prefixes.qname(each.namespace, each.local)}`,
        literal(text, each),
      );
    }
  }
  return found;
}

function literal(text: string, { valueStart, valueEnd }: LocatedAttribute): string {
  return text.slice(valueStart, valueEnd);
}

describe('RFC 4825 §8.2.3 what a selector deletes it puts back', () => {
  let schemas: Schemas;

  before(() => {
    schemas = Schemas.open(new URL('../../../../schemas/', import.meta.url), [
      declared('pres-rules', 'pres-rules.xsd'),
      declared('pidf', 'pidf.xsd'),
      declared('orders', '../xcap/every-order.xsd'),
    ]);
  });

  function isValid(schema: SchemaName, text: string): boolean {
    try {
      schemas.validate(schema, text);
      return true;
    } catch (error) {
      if (!(error instanceof XmlRefused)) throw error;
      return false;
    }
  }

  function without(document: GatedText, { selector }: Removable): GatedText | undefined {
    try {
      return deleteNode(document, selector, limits);
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error;
      return undefined;
    }
  }

  function put(schema: SchemaName, document: GatedText, { selector, body }: Removable): [GatedText, boolean] {
    const bytes = Buffer.from(body);
    const { gated, created } =
      selector.terminal === undefined
        ? putElement(document, selector.steps, bytes, limits, schemas.lastPlaceIn(schema))
        : putAttribute(document, selector, bytes, limits);
    return [gated, created];
  }

  function get({ text, tree }: GatedText, { selector }: Removable): string | undefined {
    const found = locate(tree, selector);
    if (found?.kind === 'element') return text.slice(found.element.start, found.element.end);
    return found?.kind === 'attribute' ? literal(text, found.attribute) : undefined;
  }

  function putsBack(schema: SchemaName, document: GatedText, node: Removable): GatedText {
    const [back, created] = put(schema, document, node);
    expect(created, node.at).to.equal(true);
    expect(isValid(schema, back.text), `${node.at}\n${back.text}`).to.equal(true);
    expect(get(back, node)).to.equal(node.body);
    const [again, createdAgain] = put(schema, back, node);
    expect([createdAgain, again.text]).to.deep.equal([false, back.text]);
    return back;
  }

  for (const { file, schema, text } of samples()) {
    it(`${file}: each node that may be missing`, () => {
      const document = gateText(text, limits);
      expect(isValid(schema, text), 'the fixture itself').to.equal(true);
      const all = removables(document);
      const chosen = all.length <= 150 ? all : fc.sample(fc.constantFrom(...all), { seed, numRuns: 40 });
      let tried = 0;
      for (const node of chosen) {
        const rest = without(document, node);
        if (rest === undefined || !isValid(schema, rest.text)) continue;
        tried += 1;
        putsBack(schema, rest, node);
      }
      expect(tried > 0 || all.length < 3, 'nodes that may be missing').to.equal(true);
    });
  }

  it('several nodes, in any order', () => {
    const few = samples().filter(({ text }) => text.length < 8000);
    const several = fc.tuple(fc.constantFrom(...few), fc.infiniteStream(fc.nat()));
    fc.assert(
      fc.property(several, ([{ schema, text }, numbers]) => {
        let document = gateText(text, limits);
        const removed: Removable[] = [];
        for (let count = 0; count < 4; count += 1) {
          const all = removables(document);
          const node = all[Number(numbers.next().value) % all.length];
          const rest = node && without(document, node);
          if (node === undefined || rest === undefined || !isValid(schema, rest.text)) continue;
          removed.push(node);
          document = rest;
        }
        while (removed.length > 0) {
          const [node] = removed.splice(Number(numbers.next().value) % removed.length, 1);
          if (node === undefined) break;
          // Its parent may be among those that are still gone, and twins may have changed what its selector says.
          const { steps, terminal } = node.selector;
          const above = terminal === undefined ? steps.slice(0, -1) : steps;
          const parent = locate(document.tree, { steps: above, terminal: undefined })?.element;
          const last = terminal === undefined ? steps.at(-1) : undefined;
          const twins =
            parent === undefined || last === undefined ? [] : siblingsOfStep(parent.children, last);
          if (parent === undefined || (twins.length > 0 && last?.attribute === undefined)) continue;
          if (locate(document.tree, node.selector) !== undefined) continue;
          document = putsBack(schema, document, node);
        }
      }),
      { seed, numRuns: 150 },
    );
  });
});
