import { expect } from 'chai';
import fc from 'fast-check';
import { derive, type Derivation } from '../../../src/policy/derive.js';
import { compareDecimals } from '../../../src/policy/language/decimal.js';
import { Paths } from '../../../src/policy/edit/node-paths.js';
import { PolicyFailed } from '../../../src/policy/language/errors.js';
import { escapeAttribute } from '../../../src/xml/build.js';
import { gateText } from '../../../src/xml/gate.js';
import { parseGated } from '../../../src/xml/parse.js';
import type { LocatedElement } from '../../../src/xml/tree.js';
import { limits } from '../../support/limits.js';
import { seed } from '../../support/seed.js';
import { accepted, fromA, names, policyText, read } from './policy-fixtures.js';

/** Properties of derivation over the group fixtures and made-up policies. */

const documents = names('groups/valid').map((name) => read(`groups/valid/${name}`));
const document = fc.constantFrom(...documents);

const elementName = fc.constantFrom(
  'ls:entry',
  'ls:list',
  'ls:list-service',
  'ls:group',
  'ls:display-name',
  'rl:display-name',
  'oxe:supported-services',
  'oxe:service',
  'mcpttgi:on-network-group-priority',
  'mcpttgi:user-priority',
  'mcpttgi:protect-media',
  'mcpttgi:*',
  '*',
);
const axis = fc.constantFrom(
  '',
  '',
  'descendant::',
  'ancestor-or-self::',
  'following-sibling::',
  'self::',
  'preceding::',
);
const test = fc.oneof(
  elementName,
  fc.constantFrom(
    '1',
    'last()',
    'position() mod 2 = 0',
    '@uri',
    "contains(., 'a')",
    'not(*)',
    '. > 5',
    '@*[. = 1]',
  ),
);
const step = fc
  .tuple(axis, elementName, fc.option(test))
  .map(([way, name, predicate]) => way + name + (predicate === null ? '' : `[${predicate}]`));
const tail = fc.constantFrom(
  '',
  '',
  '',
  '/@uri',
  '/@*',
  '/..',
  '/text()',
  '/node()',
  ' | //ls:entry/@uri',
  ' | /',
);
const path = fc
  .tuple(fc.constantFrom('', '//', '/*/', './/'), fc.array(step, { minLength: 1, maxLength: 3 }), tail)
  .map(([start, steps, end]) => start + steps.join('/') + end);
const expression = fc.oneof(
  path,
  fc.constantFrom(
    '.',
    'count(//*)',
    '. + 1',
    "concat(., '<&\"')",
    'name(..)',
    'name()',
    '1 div 0',
    'true()',
    'string-length()',
  ),
);

const fragment = fc.constantFrom(
  '<rl:display-name>x</rl:display-name>',
  '<!-- c --><mcpttgi:x a="&lt;"><mcpttgi:y/>\n  <z xmlns="urn:z">t</z></mcpttgi:x>',
  '\n    <ls:entry uri="sip:n@b.example"/>\n    <ls:entry uri="sip:m@b.example">\n      <rl:display-name>M</rl:display-name>\n    </ls:entry>\n',
);
const value = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('', '0', '300', ' x ', '\'"<&>]]>\t\n'));
const bound = fc.integer({ min: -20, max: 300 });

const attributeText = (text: string): string =>
  escapeAttribute(text.replace(/[^\t\n\r\u0020-\uD7FF]/gu, ' '));

const action = fc.oneof(
  value.map((text) => `<set value="${attributeText(text)}"/>`),
  expression.map((select) => `<set select="${attributeText(select)}"/>`),
  fc.tuple(bound, bound).map(([a, b]) => `<clamp min="${Math.min(a, b)}" max="${Math.max(a, b)}"/>`),
  fc
    .tuple(
      fc.constantFrom('raise', 'lower'),
      fc.constantFrom('1', '7.0', '300', '0.5', '1000000000000'),
      fc.option(bound),
    )
    .map(([way, by, limit]) => {
      const limited = limit === null ? '' : ` ${way === 'raise' ? 'max' : 'min'}="${limit}"`;
      return `<${way} by="${by}"${limited}/>`;
    }),
  fc.constant('<remove/>'),
  fragment.map((xml) => `<replace>${xml}</replace>`),
  fc
    .tuple(fc.constantFrom('first', 'last', 'before', 'after'), fragment)
    .map(([place, xml]) => `<insert place="${place}">${xml}</insert>`),
  fc
    .tuple(path, expression)
    .map(([select, keep]) => `<keep select="${attributeText(select)}" test="${attributeText(keep)}"/>`),
);

/** Matches that select something in most groups. */
const likelyMatch = fc.constantFrom(
  '//ls:entry',
  '//ls:entry[last()]',
  '//ls:entry/@uri',
  '//ls:list',
  '//ls:list/*',
  '//rl:display-name',
  '//ls:entry/*',
  '//ls:list-service/mcpttgi:*[number(.) = .]',
  '//ls:list-service/*[not(self::oxe:*)][last()]',
  '//ls:display-name | //ls:entry/@uri',
);

const override = fc.constantFrom('', ' protected="override"');
const templates = (count: number): fc.Arbitrary<string> =>
  fc
    .array(fc.tuple(path, override, action), { minLength: 1, maxLength: count })
    .map((list) =>
      list
        .map(
          ([match, word, what], i) =>
            `<template id="t${i}" match="${attributeText(match)}"${word}>${what}</template>`,
        )
        .join(''),
    );

/** What becomes of `text`, or undefined where a policy is refused or fails as policies may. */
function outcome(text: string, ...policies: readonly string[]): Derivation | undefined {
  try {
    return derive(
      fromA(text),
      policies.map((each) => accepted(each.startsWith('<policy') ? each : policyText(each))),
      limits,
    );
  } catch (error) {
    if (error instanceof PolicyFailed || (error as Error).name === 'PolicyInvalid') return undefined;
    throw error;
  }
}

function elementsOf(root: LocatedElement): LocatedElement[] {
  return [root, ...root.children.flatMap(elementsOf)];
}

/** `text` without white space, and without the difference between an empty element and its two spellings. */
function said(text: string): string {
  return text
    .replace(/\s+/g, '')
    .replace(/<\/[^>]*>/g, '')
    .replace(/\/>/g, '>');
}

/** What is left of `text` between `ranges`. */
function cutOut(text: string, ranges: readonly (readonly [number, number])[]): readonly string[] {
  const pieces: string[] = [];
  let from = 0;
  for (const [start, end] of [...ranges].sort(([a], [b]) => a - b)) {
    pieces.push(text.slice(from, Math.max(from, start)));
    from = Math.max(from, end);
  }
  return [...pieces, text.slice(from)];
}

/** Expects `text` to begin and end with the outer `pieces` and to hold the others in between, in order. */
function expectInOrder(text: string, pieces: readonly string[]): void {
  const [first = '', last = ''] = [pieces[0], pieces.at(-1)];
  expect(text.startsWith(first), first).to.equal(true);
  expect(text.endsWith(last), last).to.equal(true);
  let at = 0;
  for (const piece of pieces) {
    const found = text.indexOf(piece, at);
    expect(found, piece).to.be.at.least(0);
    at = found + piece.length;
  }
}

/** The places of what `modifications` tell of, found by walking their paths. */
function rangesOf(
  root: LocatedElement,
  modifications: readonly {
    readonly path: string;
    readonly after: string | null;
    readonly before: string | null;
  }[],
): readonly (readonly [number, number])[] {
  const paths = new Paths();
  const places = new Map<string, readonly [number, number]>();
  for (const element of elementsOf(root)) {
    places.set(paths.of(element), [element.start, element.end]);
    for (const attribute of element.attributes) {
      places.set(paths.of(element, attribute), [attribute.start, attribute.end]);
    }
  }
  return modifications.map(({ path }) => {
    const place = places.get(path);
    if (place === undefined) throw new Error(`nothing is at ${path}`);
    return place;
  });
}

/** The length of the longest common prefix, and of the longest common suffix of what remains. */
function common(a: string, b: string): [number, number] {
  const shorter = Math.min(a.length, b.length);
  let head = 0;
  while (head < shorter && a[head] === b[head]) head += 1;
  let tailLength = 0;
  while (tailLength < shorter - head && a[a.length - 1 - tailLength] === b[b.length - 1 - tailLength])
    tailLength += 1;
  return [head, tailLength];
}

describe(`Derivation, seed ${seed}`, function () {
  this.timeout(60_000);

  it('fails in no way but as a policy, and makes well-formed texts', () => {
    let changed = 0;
    fc.assert(
      fc.property(document, templates(4), (text, content) => {
        const result = outcome(text, content);
        if (result === undefined) return;
        parseGated(gateText(result.text, limits).text).dispose();
        if (result.text !== text) changed += 1;
        expect(result.modifications.length > 0).to.equal(
          result.text !== text || result.modifications.length > 0,
        );
        if (result.modifications.length === 0) expect(result.text).to.equal(text);
      }),
      { seed, numRuns: 400 },
    );
    expect(changed).to.be.above(0);
  });

  it('gives the same bytes every time', () => {
    fc.assert(
      fc.property(document, templates(3), (text, content) => {
        expect(outcome(text, content)).to.deep.equal(outcome(text, content));
      }),
      { seed, numRuns: 100 },
    );
  });

  it('changes every valid group with every action, and leaves it as it is without a template', () => {
    const actions: readonly (readonly [string, string])[] = [
      ['//ls:entry/@uri', '<set value="sip:set@b.example"/>'],
      ['//ls:entry/@uri', `<set select="concat(., ';x=1')"/>`],
      ['(//ls:entry)[1]/@*', '<remove/>'],
      ['(//ls:list)[1]', '<replace><ls:list><!-- new --></ls:list></replace>'],
      ['(//ls:list)[1]', '<keep select="*" test="false()"/>'],
      ...['first', 'last', 'before', 'after'].map(
        (place) => ['(//ls:list)[1]', `<insert place="${place}"><mcpttgi:here/></insert>`] as const,
      ),
    ];
    const numeric: readonly (readonly [string, string])[] = [
      ['//ls:list-service/mcpttgi:on-network-group-priority', '<clamp max="0"/>'],
      ['//ls:list-service/mcpttgi:on-network-group-priority', '<lower by="1"/>'],
      ['//ls:list-service/mcpttgi:on-network-group-priority', '<raise by="1"/>'],
    ];
    const changed = new Map<string, number>();
    for (const text of documents) {
      expect(outcome(text, '')).to.deep.equal({ text, modifications: [], omitted: 0 });
      for (const [match, what] of [...actions, ...numeric]) {
        const result = outcome(text, `<template id="t" match="${match}">${what}</template>`);
        if (result !== undefined && result.text !== text) changed.set(what, (changed.get(what) ?? 0) + 1);
      }
    }
    for (const [, what] of actions) expect(changed.get(what), what).to.be.at.least(documents.length / 2);
    for (const [, what] of numeric) expect(changed.get(what), what).to.be.at.least(1);
  });

  it('touches nothing but what it tells, whatever the template', () => {
    let checked = 0;
    fc.assert(
      fc.property(document, likelyMatch, action, (text, match, what) => {
        const result = outcome(text, `<template id="t" match="${match}">${what}</template>`);
        if (result === undefined || result.omitted > 0 || result.modifications.length === 0) return;
        checked += 1;
        const before = gateText(text, limits);
        const after = gateText(result.text, limits);
        const inserts = result.modifications.every((modification) => modification.before === null);
        // What was there before is told by its path there; what was inserted, by its path afterwards.
        const ranges = rangesOf(inserts ? after.tree : before.tree, result.modifications);
        const [whole, part] = inserts ? [result.text, text] : [text, result.text];
        // The comment that a fragment brings along is no element and is not told.
        const rest = cutOut(whole, ranges).join('').replaceAll('<!-- c -->', '');
        if (inserts) expect(said(rest)).to.equal(said(part));
        else expectInOrder(said(part), cutOut(whole, ranges).map(said));
      }),
      { seed, numRuns: 400 },
    );
    expect(checked).to.be.above(60);
  });

  it('of several policies is that of one after the other, in the order of their precedence', () => {
    const precedence = fc.integer({ min: -3, max: 3 });
    fc.assert(
      fc.property(
        document,
        fc.array(fc.tuple(precedence, templates(2)), { minLength: 2, maxLength: 3 }),
        (text, list) => {
          const texts = list.map(([order, content], index) =>
            policyText(content, ` precedence="${order}"`).replace(' id="p"', ` id="p${index}"`),
          );
          const together = outcome(text, ...texts);
          expect(outcome(text, ...texts.toReversed())).to.deep.equal(together);
          const inOrder = texts
            .map((each, index) => ({ each, order: list[index]?.[0] ?? 0 }))
            .sort((one, other) => one.order - other.order);
          let step: string | undefined = text;
          for (const { each } of inOrder) step = step === undefined ? undefined : outcome(step, each)?.text;
          // One step alone may grow by as much as all of them together.
          if (together !== undefined) expect(together.text).to.equal(step);
        },
      ),
      { seed, numRuns: 100 },
    );
  });

  it('raises and lowers within the range of the type, never the other way', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 1, max: 400 }),
        fc.option(fc.integer({ min: -20, max: 300 })),
        fc.boolean(),
        (present, by, limit, up) => {
          const name = 'mcpttgi:user-priority';
          const text =
            '<group xmlns="urn:oma:xml:poc:list-service" xmlns:mcpttgi="urn:3gpp:ns:mcpttGroupInfo:1.0">' +
            `<${name}>${present}</${name}></group>`;
          const limited = limit === null ? '' : ` ${up ? 'max' : 'min'}="${limit}"`;
          const action = `<${up ? 'raise' : 'lower'} by="${by}"${limited}/>`;
          const result = outcome(text, `<template id="t" match="//${name}">${action}</template>`);
          const written = Number(/(\d+)<\/mcpttgi/.exec(result?.text ?? '')?.[1]);
          const bounded = up
            ? Math.max(present, Math.min(present + by, 255, limit ?? 255))
            : Math.min(present, Math.max(present - by, 0, limit ?? 0));
          expect(written).to.equal(bounded);
          expect(result?.text === text).to.equal(bounded === present);
        },
      ),
      { seed, numRuns: 500 },
    );
  });

  it('never changes the group ID, and nothing protected without the word', () => {
    const protectedTexts = (text: string): string[] => {
      const { tree } = gateText(text, limits);
      const found = elementsOf(tree).filter(({ local }) =>
        /^(supported-services|(mcvideo-|mcdata-)?protect-.*|on-network-(temporary|regrouped))$/.test(local),
      );
      return found.map(({ start, end }) => text.slice(start, end));
    };
    const groupIds = (text: string): (string | undefined)[] =>
      gateText(text, limits)
        .tree.children.filter(({ local }) => local === 'list-service')
        .map(({ attributes }) => attributes.find(({ name }) => name === 'uri')?.value);
    fc.assert(
      fc.property(document, templates(3), (text, content) => {
        const result = outcome(text, content);
        if (result === undefined) return;
        expect(groupIds(result.text)).to.deep.equal(groupIds(text));
        if (!content.includes('protected=')) {
          expect(protectedTexts(result.text)).to.deep.equal(protectedTexts(text));
        }
      }),
      { seed, numRuns: 300 },
    );
  });

  it('leaves every character outside one changed value alone', () => {
    fc.assert(
      fc.property(document, fc.nat(), value, (text, pick, to) => {
        const entries = elementsOf(gateText(text, limits).tree).filter(({ local }) => local === 'entry');
        fc.pre(entries.length > 0);
        const index = pick % entries.length;
        const entry = entries[index];
        const uri = entry?.attributes.find(({ name }) => name === 'uri');
        if (uri === undefined) return;
        const path = `(//*[local-name() = 'entry'])[${index + 1}]/@uri`;
        const result = outcome(
          text,
          `<template id="t" match="${path}"><set value="${attributeText(to)}"/></template>`,
        );
        if (result === undefined) throw new Error('a member can be changed');
        const [head, tailLength] = common(text, result.text);
        if (result.text === text) expect(result.modifications).to.be.empty;
        else {
          expect(head).to.be.at.least(uri.valueStart);
          expect(text.length - tailLength).to.be.at.most(uri.valueEnd);
        }
        const after = elementsOf(gateText(result.text, limits).tree).filter(({ local }) => local === 'entry');
        const written = after[index]?.attributes.find(({ name }) => name === 'uri')?.value;
        expect(written).to.equal(to.replace(/[^\t\n\r\u0020-\uD7FF]/gu, ' '));
      }),
      { seed, numRuns: 150 },
    );
  });

  it('takes an inserted element back by removing it', () => {
    const places = fc.constantFrom('first', 'last', 'before', 'after');
    fc.assert(
      fc.property(
        document,
        fc.constantFrom('//ls:list', '//ls:list[1]', '//ls:list/*'),
        places,
        (text, match, place) => {
          const insert = `<template id="i" match="${match}"><insert place="${place}"><mcpttgi:here/></insert></template>`;
          const remove = '<template id="r" match="//mcpttgi:here"><remove/></template>';
          const inserted = outcome(text, insert);
          const both = outcome(text, insert + remove);
          if (inserted === undefined || both === undefined) throw new Error('nothing protected was touched');
          const count = inserted.modifications.length;
          expect(
            inserted.text.split('here xmlns:mcpttgi').length +
              inserted.text.split('mcpttgi:here/').length -
              2,
          ).to.equal(count);
          // White space and the form of an empty element may differ; what is said must not.
          const bare = (xml: string): string =>
            xml.replace(/\s+/g, '').replace(/<([^<>/\s]+)><\/\1>/g, '<$1/>');
          expect(bare(both.text)).to.equal(bare(text));
        },
      ),
      { seed, numRuns: 100 },
    );
  });

  it('clamps into the range and touches what is within it already not at all', () => {
    const number = fc
      .tuple(fc.constantFrom('', '-', '+'), fc.bigInt({ min: 0n, max: 10n ** 20n }), fc.option(fc.nat(999)))
      .map(([sign, whole, part]) => `${sign}${whole}${part === null ? '' : `.${part}`}`);
    fc.assert(
      fc.property(number, number, number, fc.boolean(), (v, a, b, spaced) => {
        const [min, max] = (compareDecimals(a, b) ?? 0) <= 0 ? [a, b] : [b, a];
        const literal = spaced ? ` ${v}\n` : v;
        const text = `<group xmlns="urn:oma:xml:poc:list-service"><x>${literal}</x><y z="${v}"/></group>`;
        const content = `<template id="t" match="//ls:x | //@z"><clamp min="${min}" max="${max}"/></template>`;
        const result = outcome(text, content);
        if (result === undefined) throw new Error('a number can be clamped');
        const { tree } = gateText(result.text, limits);
        const written = [
          result.text.slice(tree.children[0]?.contentStart, tree.children[0]?.contentEnd),
          tree.children[1]?.attributes[0]?.value ?? '',
        ];
        for (const text of written) {
          expect(compareDecimals(text, min)).to.be.at.least(0);
          expect(compareDecimals(text, max)).to.be.at.most(0);
        }
        const within = (compareDecimals(v, min) ?? 0) >= 0 && (compareDecimals(v, max) ?? 0) <= 0;
        expect(result.text === text).to.equal(within);
      }),
      { seed, numRuns: 500 },
    );
  });
});
