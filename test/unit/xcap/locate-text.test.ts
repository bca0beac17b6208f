import { expect } from 'chai';
import fc from 'fast-check';
import { locate, walk } from '../../../src/xcap/locate.js';
import { locateText, walkText } from '../../../src/xcap/locate-text.js';
import type { NameTest, NodeSelector, SelectorStep } from '../../../src/xcap/node-selector.js';
import { gateText } from '../../../src/xml/gate.js';
import { namespacesInScope } from '../../../src/xml/tree.js';
import { bytesOf, listedDocuments } from '../../contract/documents.js';
import { expectLinear } from '../../support/growth.js';
import { limits } from '../../support/limits.js';
import { seed } from '../../support/seed.js';
import { writtenDocument } from '../xml/generated.js';

/** What `locate` finds in the tree of `text`, and `locateText` in the text, in terms that can be compared. */
function found(text: string, selector: NodeSelector): readonly [tree: unknown, text: unknown] {
  const { tree } = gateText(text, limits);
  const path = walk(tree, selector.steps).map(placeOf);
  const textPath = walkText(text, selector.steps).map(placeOf);
  return [
    { path, selected: describeSelected(locate(tree, selector)) },
    { path: textPath, selected: describeSelected(locateText(text, selector)) },
  ];
}

interface Place {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly contentStart: number;
  readonly contentEnd: number;
}

function placeOf({ name, start, end, contentStart, contentEnd }: Place): Place {
  return { name, start, end, contentStart, contentEnd };
}

function describeSelected(selected: ReturnType<typeof locate> | ReturnType<typeof locateText>): unknown {
  if (selected === undefined) return undefined;
  const place = placeOf(selected.element);
  if (selected.kind === 'element') return place;
  if (selected.kind === 'namespaces') return [place, ...namespacesInScope(selected.element)];
  const { valueStart, valueEnd } = selected.attribute;
  return [place, valueStart, valueEnd];
}

const locals = ['a', 'b', 'xa', 'é', '__proto__', 'xmlns'];
const namespaces = ['', 'urn:d', 'urn:p', 'urn:q', 'http://www.w3.org/XML/1998/namespace'];
const values = ['', 'v', 'a b', '<', '\n', '>', 'é', 'x>y/', 'v<'];

const nameTest: fc.Arbitrary<NameTest> = fc.record({
  namespace: fc.constantFrom(...namespaces),
  local: fc.constantFrom(...locals),
});
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const step: fc.Arbitrary<SelectorStep> = fc.record({
  name: optional(nameTest),
  position: optional(fc.nat(3)),
  attribute: fc.option(
    fc.tuple(nameTest, fc.constantFrom(...values)).map(([name, value]) => ({ ...name, value })),
    { nil: undefined, freq: 1 },
  ),
  upTo: fc.constant(''),
});
const anyElement: fc.Arbitrary<SelectorStep> = fc
  .nat(2)
  .map((position) => ({ name: undefined, position: position + 1, attribute: undefined, upTo: '' }));
const selector: fc.Arbitrary<NodeSelector> = fc.record({
  steps: fc.array(fc.oneof(step, anyElement), { minLength: 1, maxLength: 4 }),
  terminal: optional(
    fc.oneof(
      nameTest.map((name) => ({ kind: 'attribute' as const, name })),
      fc.constant({ kind: 'namespaces' as const }),
    ),
  ),
});

/** Documents whose elements bind prefixes anew, undeclare the default and hide tags where there are none. */
const scopedDocument: fc.Arbitrary<string> = fc
  .letrec<{ element: string }>((tie) => ({
    element: fc
      .record({
        name: fc.constantFrom('a', 'p:a', 'q:b', 'xa', 'p:é'),
        tag: fc.uniqueArray(
          fc.constantFrom(
            ...[
              ' xmlns="urn:p"',
              ' xmlns=""',
              '\nxmlns:p = "urn:q"',
              " xmlns:q='urn&#58;d'",
              ' a="v"',
              ' q:b="v&lt;"',
            ],
            ...[" p:a='x>y/'", ' xml:xmlns="v"', '\t__proto__="a\nb"', ' é="é"', ' xa="/"', ' xmlnsa="v"'],
          ),
          { selector: (written) => written.trim().split(/[ =]/)[0], maxLength: 4 },
        ),
        content: fc.array(
          fc.oneof(
            { maxDepth: 3 },
            fc.constantFrom(
              't',
              '<!--<a>-->',
              '<![CDATA[</a>]]>',
              '<?a </a>?>',
              '<!--->-->',
              '&amp;',
              '>',
              '"',
            ),
            tie('element'),
          ),
          { maxLength: 5 },
        ),
      })
      .map(({ name, tag, content }) =>
        content.length === 0
          ? `<${name}${tag.join('')}/>`
          : `<${name}${tag.join('')} >${content.join('')}</${name} >`,
      ),
  }))
  .element.map(
    (root) =>
      `\uFEFF<?xml version="1.0"?><!--<r>-->${root.replace(/[ />]/, ' xmlns:p="urn:p" xmlns:q="urn:q"$&')}`,
  );

function isRead(text: string): boolean {
  try {
    gateText(text, limits);
    return true;
  } catch {
    return false;
  }
}

describe(`What is located in a text is what is located in its tree, seed ${seed}`, () => {
  it('in documents of every way to write tags', () => {
    fc.assert(
      fc.property(writtenDocument, selector, ({ text }, selected) => {
        fc.pre(isRead(text));
        const [inTree, inText] = found(text, selected);
        expect(inText).to.deep.equal(inTree);
      }),
      { seed, numRuns: 1000 },
    );
  });

  it('in documents that bind prefixes anew', () => {
    let selections = 0;
    fc.assert(
      fc.property(scopedDocument, selector, (text, selected) => {
        fc.pre(isRead(text));
        const [inTree, inText] = found(text, selected);
        expect(inText).to.deep.equal(inTree);
        if (locateText(text, selected) !== undefined) selections += 1;
      }),
      { seed, numRuns: 3000 },
    );
    expect(selections, 'selectors that selected something').to.be.greaterThan(100);
  });

  for (const document of listedDocuments('groups')) {
    const text = bytesOf(document).toString('utf8');
    if (!isRead(text)) continue;
    it(`${document.path}: every element by its positions`, () => {
      const visit = (steps: readonly SelectorStep[]): void => {
        const terminals = [undefined, { kind: 'namespaces' }, attributeTerminal('uri')] as const;
        for (const terminal of terminals) {
          const [inTree, inText] = found(text, { steps, terminal });
          expect(inText).to.deep.equal(inTree);
        }
        const element = walk(gateText(text, limits).tree, steps).at(-1);
        for (const at of element?.children.slice(0, 5).keys() ?? []) visit([...steps, nth(at + 1)]);
      };
      visit([nth(1)]);
    });
  }
});

function nth(position: number): SelectorStep {
  return { name: undefined, position, attribute: undefined, upTo: '' };
}

function attributeTerminal(local: string): NodeSelector['terminal'] {
  return { kind: 'attribute', name: { namespace: '', local } };
}

describe('Locating in a text takes time in proportion to its length (design D21)', () => {
  const byValue = (local: string, namespace = ''): NodeSelector => ({
    steps: [
      nth(1),
      {
        name: { namespace, local },
        position: undefined,
        attribute: { namespace: '', local: 'n', value: 'x' },
        upTo: '',
      },
    ],
    terminal: undefined,
  });
  const cases: readonly (readonly [string, NodeSelector, (size: number) => string])[] = [
    ['siblings', byValue('a'), (size) => `<r>${'<a n="y"/>'.repeat(size)}</r>`],
    ['values with references', byValue('a'), (size) => `<r>${'<a n="&amp;"/>'.repeat(size)}</r>`],
    [
      'attributes',
      byValue('a'),
      (size) => `<r><a${Array.from({ length: size }, (_, at) => ` n${at}=""`).join('')}/></r>`,
    ],
    ['one long value', byValue('a'), (size) => `<r><a n="${'&#x9;'.repeat(2 * size)}"/></r>`],
    ['comments', byValue('a'), (size) => `<r>${'<!--<a n="x">-->'.repeat(size)}</r>`],
    ['depth', byValue('a'), (size) => `<r>${'<a>'.repeat(size)}${'</a>'.repeat(size)}</r>`],
    [
      'prefixes',
      byValue('a', 'urn:x'),
      (size) =>
        `<r>${Array.from({ length: size }, (_, at) => `<p${at}:a xmlns:p${at}="urn:x" n="y"/>`).join('')}</r>`,
    ],
    [
      'a long namespace name',
      byValue('a', 'urn:x'),
      (size) => `<p:r xmlns:p="${'x'.repeat(4 * size)}">${'<p:a n="x"/>'.repeat(size)}</p:r>`,
    ],
  ];
  for (const [name, selector, make] of cases) {
    it(name, function () {
      this.timeout(60_000);
      expectLinear(make, (text) => locateText(text, selector), 4000);
    });
  }
});
