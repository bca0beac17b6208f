import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { XmlDocument } from 'libxml2-wasm';
import { gateText } from '../../../../src/xml/gate.js';
import type { LocatedElement } from '../../../../src/xml/tree.js';
import { XPathInvalid } from '../../../../src/xml/xpath/tokens.js';
import { XPath, XPathDocument, XPathFailed } from '../../../../src/xml/xpath/xpath.js';
import { limits } from '../../../support/limits.js';
import { seed } from '../../../support/seed.js';

const namespaces = new Map([
  ['p', 'urn:p'],
  ['q', 'urn:q'],
]);

const sample =
  '<a xmlns:p="urn:p" p:x="1" y="2"><b n="1"><!-- c --><c>3</c>t</b><p:b n="2"/><b n="3"><b n="4"/></b><?z?></a>';

function treeOf(text: string): LocatedElement {
  return gateText(text, limits).tree;
}

/** The text of everything that `source` selects in `text`. */
function selected(text: string, source: string): string[] {
  using document = XPathDocument.open(text, treeOf(text));
  using xpath = XPath.compile(source, namespaces);
  return document
    .select(xpath)
    .map(({ element, attribute }) => text.slice((attribute ?? element).start, (attribute ?? element).end));
}

/** Runs `work` while nothing reaches standard error, where the engine prints what it refuses. */
function quietly<T>(work: () => T): T {
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = () => true;
  try {
    return work();
  } finally {
    process.stderr.write = write;
  }
}

describe('What an expression selects', () => {
  describe('with |, joined here and not by the engine', () => {
    it(`is what the engine joins: in document order, each node once, seed ${seed}`, () => {
      const branch = fc.constantFrom(
        '//b',
        '//@n',
        '//*[@n > 1]',
        '/a/*',
        '.',
        '//c/..',
        '//b[last()]/@n',
        '//p:b',
        '@y | @p:x',
        '//@*',
        '//none',
      );
      fc.assert(
        fc.property(fc.array(branch, { minLength: 1, maxLength: 5 }), (branches) => {
          const joined = branches.join(' | ');
          expect(selected(sample, joined)).to.deep.equal(selected(sample, `(${joined})`));
        }),
        { seed, numRuns: 300 },
      );
    });

    it('refuses what no branch may select, and selects children alike', () => {
      expect(() => selected(sample, '//b | //c/text()')).to.throw(XPathFailed);
      using document = XPathDocument.open(sample, treeOf(sample));
      using root = XPath.compile('/a', namespaces);
      using children = XPath.compile('p:b | b[2] | b', namespaces);
      using strangers = XPath.compile('b | b/c', namespaces);
      const [a] = document.select(root);
      if (a === undefined) throw new Error('there is a root');
      expect(document.selectChildren(children, a).map(({ element }) => element.name)).to.deep.equal([
        'b',
        'p:b',
        'b',
      ]);
      expect(() => document.selectChildren(strangers, a)).to.throw(XPathFailed);
    });

    it('takes no longer than its branches where there are many nodes', () => {
      const text = `<a>${'<b n="1"><c/></b>'.repeat(12_000)}</a>`;
      using document = XPathDocument.open(text, treeOf(text));
      const timed = (source: string): number => {
        using xpath = XPath.compile(source, namespaces);
        const started = performance.now();
        document.select(xpath);
        return performance.now() - started;
      };
      timed('//b');
      const apart = timed('//b/@n') + timed('//c');
      expect(timed('//b/@n | //c')).to.be.below(5 * apart + 50);
    });
  });

  it('comes back as places in the text, in document order', () => {
    expect(selected(sample, '//b[@n="4"] | //@n | p:b')).to.deep.equal([
      'n="1"',
      '<p:b n="2"/>',
      'n="2"',
      'n="3"',
      '<b n="4"/>',
      'n="4"',
    ]);
    expect(selected(sample, 'b[2]/preceding::*')).to.have.length(3);
    expect(selected(sample, '/a/@p:x | @y')).to.deep.equal(['p:x="1"', 'y="2"']);
    expect(selected(sample, 'z')).to.deep.equal([]);
  });

  it('is right on every document that passes the gate', () => {
    const folder = new URL('../../../../../fixtures/groups/valid/', import.meta.url);
    for (const file of readdirSync(folder)) {
      const text = readFileSync(new URL(file, folder), 'utf8');
      const tree = treeOf(text);
      using document = XPathDocument.open(text, tree);
      using all = XPath.compile('//* | //@*', namespaces);
      const located: unknown[] = [];
      const walk = (element: LocatedElement): void => {
        located.push(element, ...element.attributes);
        element.children.forEach(walk);
      };
      walk(tree);
      const found = document.select(all).map(({ element, attribute }) => attribute ?? element);
      expect(found.length, file).to.equal(located.length);
      expect(
        found.every((node, index) => node === located[index]),
        file,
      ).to.equal(true);
    }
  });

  it('is one by one the context of further expressions', () => {
    using document = XPathDocument.open(sample, treeOf(sample));
    using lists = XPath.compile('b', namespaces);
    using children = XPath.compile('*', namespaces);
    using value = XPath.compile('concat(@n, ":", count(*))', namespaces, 'string');
    using test = XPath.compile('@n > 1', namespaces, 'boolean');
    const nodes = document.select(lists);
    expect(nodes.map((node) => document.value(value, node))).to.deep.equal(['1:1', '3:1']);
    expect(nodes.map((node) => document.test(test, node))).to.deep.equal([false, true]);
    expect(
      nodes.map((node) => document.selectChildren(children, node).map(({ element }) => element.name)),
    ).to.deep.equal([['c'], ['b']]);
  });

  it('cannot be placed where it is no element and no attribute', () => {
    for (const source of ['/', '//text()', '//comment()', '//processing-instruction()']) {
      expect(() => selected(sample, source), source).to.throw(XPathFailed);
    }
    expect(() => selected(sample, '1')).to.throw(XPathFailed, 'no node-set');
  });

  it('loads nothing: there is no function of the engine that could', () => {
    using document = XmlDocument.fromString(sample);
    for (const source of [
      'document("schemas/manifest.json")',
      'document("")',
      'doc("x")',
      'unparsed-text("x")',
      'collection("x")',
    ]) {
      expect(() => XPath.compile(source, namespaces), source).to.throw(XPathInvalid);
      expect(() => quietly(() => document.root.eval(source)), source).to.throw(/Unregistered function/);
    }
  });
});
