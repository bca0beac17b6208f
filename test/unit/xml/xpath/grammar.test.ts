import { expect } from 'chai';
import fc from 'fast-check';
import { XmlDocument } from 'libxml2-wasm';
import { readXPath, type XPathType } from '../../../../src/xml/xpath/grammar.js';
import { XPathInvalid } from '../../../../src/xml/xpath/tokens.js';
import { XPath } from '../../../../src/xml/xpath/xpath.js';
import { seed } from '../../../support/seed.js';

const namespaces = new Map([
  ['p', 'urn:p'],
  ['q', 'urn:q'],
]);

const sample =
  '<a xmlns:p="urn:p" p:x="1" y="2"><b n="1"><!-- c --><c>3</c>t</b><p:b n="2"/><b n="3"><b n="4"/></b><?z?></a>';

function typeOfResult(result: unknown): XPathType {
  if (Array.isArray(result)) return 'node-set';
  return typeof result as XPathType;
}

describe('XPath 1.0 expressions', () => {
  describe('are read (clauses 2, 3 and 4)', () => {
    const read: readonly [string, XPathType][] = [
      ['.', 'node-set'],
      ['/', 'node-set'],
      ['/ | .', 'node-set'],
      ['//b[1]/@n', 'node-set'],
      ['child::p:*/attribute::*', 'node-set'],
      ['b [ 2 ] / .. // self :: node()', 'node-set'],
      ['(b | p:b)[last()]/processing-instruction("z")', 'node-set'],
      ['id("x")/b', 'node-set'],
      ['and/or', 'node-set'],
      ['div div mod', 'number'],
      ['* * *', 'number'],
      ['b*b', 'number'],
      ['-b', 'number'],
      ['--1', 'number'],
      ['1.5 + .5 - 5.', 'number'],
      ['b-1', 'node-set'],
      ['b -1', 'number'],
      ['1 < 2 = true()', 'boolean'],
      ['b or c and 1', 'boolean'],
      ['count(//b) > 1', 'boolean'],
      ['"it\'s"', 'string'],
      ["concat('\"', string(b), 1)", 'string'],
      ['not(@y != 2)', 'boolean'],
    ];
    for (const [source, type] of read) {
      it(`${source} gives a ${type}`, () => {
        expect(readXPath(source).type).to.equal(type);
        using xpath = XPath.compile(source, namespaces);
        using document = XmlDocument.fromString(sample);
        expect(typeOfResult(xpath.evaluate(document.root))).to.equal(type);
      });
    }
  });

  describe('are refused', () => {
    const refused: readonly [string, string][] = [
      ['', 'the expression ends'],
      [' ', 'the expression ends'],
      ['b[', 'at character 3'],
      ['b]', '] is too much'],
      ['b[]', 'an expression is due, not ]'],
      ['b/', 'the expression ends'],
      ['//', 'the expression ends'],
      ['1 2', '2 is too much'],
      ['foo()', 'no function foo()'],
      ['document("x")', 'no function document()'],
      ['unparsed-entity-uri("x")', 'no function'],
      ['current()', 'no function current()'],
      ['count()', 'does not take 0 arguments'],
      ['true(1)', 'does not take 1 arguments'],
      ['count("b")', 'takes a node-set, not a string'],
      ['1/b', 'only a node-set'],
      ['"a"[1]', 'only a node-set'],
      ['b | 1', 'joins node-sets only'],
      ['namespace::*', 'axis namespace is not available'],
      ['sideways::b', 'axis sideways is not available'],
      ['..[1]', '[ is too much'],
      ['text(1)', ') is due'],
      ['b\u0000', 'at character 2: the character is not allowed'],
      ['"\ud800"', 'the character is not allowed'],
      ['r:b', 'prefix r is not declared'],
      ['b[false() and r:b]', 'prefix r is not declared'],
      ['b[last()]/@n + position()', 'position() has a meaning in a predicate only'],
      ['last()', 'last() has a meaning in a predicate only'],
    ];
    for (const [source, says] of refused) {
      it(JSON.stringify(source), () => {
        expect(() => XPath.compile(source, namespaces)).to.throw(XPathInvalid, says);
      });
    }
  });

  it('say which names their result must have passed', () => {
    const targets = (source: string): string[] =>
      readXPath(source).targets.map(({ axis, prefix, local }) => `${axis}::${prefix}:${local}`);
    expect(targets('//p:a/q:b[1]')).to.deep.equal(['child::q:b']);
    expect(targets('(//p:a | b/@p:c)[2]')).to.deep.equal(['child::p:a', 'attribute::p:c']);
    expect(targets('p:a | *')).to.deep.equal([]);
    expect(targets('p:a/..')).to.deep.equal([]);
    expect([...readXPath('a[b/@c]/p:d').unprefixed]).to.deep.equal(['a', 'b']);
  });

  it('are bounded in length, number of tokens and depth, at the bound still good for the engine', () => {
    const deep = (count: number): string => `${'('.repeat(count)}1${')'.repeat(count)}`;
    const nested = (count: number): string => `${'*[count('.repeat(count)}*${')]'.repeat(count)}`;
    const long = (count: number): string => `1${'+1'.repeat(count)}`;
    const text = (count: number): string => `"${'x'.repeat(count)}"`;
    using document = XmlDocument.fromString(sample);
    for (const source of [
      deep(31),
      nested(15),
      long(249),
      `${'-'.repeat(499)}1`,
      text(1998),
      `.${'/.'.repeat(249)}`,
    ]) {
      using xpath = XPath.compile(source, namespaces, 'string');
      expect(xpath.evaluate(document.root)).to.be.a('string');
    }
    for (const source of [
      deep(32),
      nested(16),
      long(250),
      text(1999),
      '('.repeat(100_000),
      '-'.repeat(600),
    ]) {
      expect(() => readXPath(source), source.slice(0, 20)).to.throw(
        XPathInvalid,
        /nested more|longer than|more than/,
      );
    }
  });

  const name = fc.constantFrom('a', 'b', 'p:b', '*', 'p:*', 'div', 'and');
  const { expression } = fc.letrec<{ expression: string; step: string; path: string }>((tie) => ({
    step: fc.oneof(
      { depthSize: 'small' },
      name,
      fc.constantFrom(
        '.',
        '..',
        '@n',
        '@*',
        'text()',
        'descendant::node()',
        'ancestor-or-self::*',
        'preceding::b',
      ),
      fc.tuple(name, tie('expression')).map(([test, inner]) => `${test}[${inner}]`),
    ),
    path: fc
      .tuple(
        fc.constantFrom('', '/', '//'),
        fc.array(tie('step'), { minLength: 1, maxLength: 3 }),
        fc.constantFrom('/', '//'),
      )
      .map(([start, steps, between]) => start + steps.join(between)),
    expression: fc.oneof(
      { depthSize: 'small' },
      tie('path'),
      fc.constantFrom('1', '.5', '"x"', "''", 'true()', 'name()', '*[last()]', 'b[position() > 1]'),
      fc
        .tuple(
          tie('expression'),
          fc.constantFrom(' + ', '=', ' and ', ' div ', '<', '|', ' - ', '*'),
          tie('expression'),
        )
        .map((parts) => parts.join('')),
      fc
        .tuple(
          fc.constantFrom('count', 'string', 'not', 'sum', 'floor', 'id', 'normalize-space', '-', ''),
          tie('expression'),
        )
        .map(([f, inner]) => `${f}(${inner})`),
    ),
  }));

  it(`that are accepted give what was said, seed ${seed}`, () => {
    using document = XmlDocument.fromString(sample);
    const given = new Set<string>();
    fc.assert(
      fc.property(expression, (source) => {
        let type: XPathType;
        try {
          ({ type } = readXPath(source));
        } catch (error) {
          expect(error).to.be.instanceOf(XPathInvalid);
          return;
        }
        using xpath = XPath.compile(source, namespaces);
        expect(typeOfResult(xpath.evaluate(document.root)), source).to.equal(type);
        given.add(type);
      }),
      { seed, numRuns: 1000 },
    );
    expect(given.size).to.equal(4);
  });

  it(`made of any characters are read or refused, seed ${seed}`, () => {
    const piece = fc.constantFrom(
      'a',
      'p:',
      ':',
      '::',
      '[',
      ']',
      '(',
      ')',
      '/',
      '//',
      '.',
      '..',
      '@',
      '*',
      '1',
      '"',
      "'",
      ' ',
      '|',
      'or',
      'count(',
      '-',
      '$',
      '\u00e9',
      '\ud800',
      '<',
      '&',
    );
    using document = XmlDocument.fromString(sample);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const source = pieces.join('');
        try {
          using xpath = XPath.compile(source, namespaces);
          xpath.evaluate(document.root);
        } catch (error) {
          expect(error).to.be.instanceOf(XPathInvalid);
          // What the reading lets through, the engine takes.
          expect((error as Error).message).not.to.include('does not compile');
        }
      }),
      { seed, numRuns: 1500 },
    );
  });

  it('are taken apart at | where the whole expression joins, and nowhere else', () => {
    const cases: readonly [string, readonly string[]][] = [
      ['//b', ['//b']],
      ['//b|@y', ['//b', '@y']],
      [' //b [ c | p:b ] | . |/a ', [' //b [ c | p:b ] ', ' . ', '/a ']],
      ['(//b | @y)', ['(//b | @y)']],
      ['(//b | @y)/.. | .', ['(//b | @y)/.. ', ' .']],
      ["//b[. = '|'] | .", ["//b[. = '|'] ", ' .']],
      ['//b | . = 1', ['//b | . = 1']],
      ['1 = //b | .', ['1 = //b | .']],
      ['-//b | .', ['-//b | .']],
      ['count(//b | .)', ['count(//b | .)']],
    ];
    for (const [source, branches] of cases) {
      expect(readXPath(source).branches, source).to.deep.equal(branches);
    }
  });
});
