import { expect } from 'chai';
import fc from 'fast-check';
import { BadRequest } from '../../../src/base/refusals.js';
import {
  formatNamespaceBindings,
  parseNamespaceBindings,
  parseNodeSelector,
  type NodeSelector,
} from '../../../src/xcap/node-selector.js';
import { seed } from '../../support/seed.js';

const bindings = new Map([
  ['p', 'urn:p'],
  ['é', 'urn:e'],
]);
const maxSteps = 32;

function parse(text: string): NodeSelector {
  return parseNodeSelector(text, bindings, 'urn:default', maxSteps);
}

interface Step {
  readonly name: string;
  readonly position?: number;
  readonly attribute?: readonly [name: string, value: string];
}

/** A selector in short: `*` or `{namespace}local` for names. */
function brief({ steps, terminal }: NodeSelector): { steps: readonly Step[]; terminal?: string } {
  const expanded = (name: { namespace: string; local: string }): string => `{${name.namespace}}${name.local}`;
  return {
    steps: steps.map(({ name, position, attribute }) => ({
      name: name === undefined ? '*' : expanded(name),
      ...(position !== undefined && { position }),
      ...(attribute !== undefined && { attribute: [expanded(attribute), attribute.value] as const }),
    })),
    ...(terminal !== undefined && {
      terminal: terminal.kind === 'namespaces' ? 'namespaces' : expanded(terminal.name),
    }),
  };
}

describe('RFC 4825 §6.3 node selectors', () => {
  const accepted: readonly [string, ReturnType<typeof brief>][] = [
    ['group', { steps: [{ name: '{urn:default}group' }] }],
    ['p:group', { steps: [{ name: '{urn:p}group' }] }],
    ['é:é', { steps: [{ name: '{urn:e}é' }] }],
    ['*', { steps: [{ name: '*' }] }],
    ['a/b/*', { steps: [{ name: '{urn:default}a' }, { name: '{urn:default}b' }, { name: '*' }] }],
    ['a[1]', { steps: [{ name: '{urn:default}a', position: 1 }] }],
    ['*[12]', { steps: [{ name: '*', position: 12 }] }],
    ['a[007]', { steps: [{ name: '{urn:default}a', position: 7 }] }],
    ['a[0]', { steps: [{ name: '{urn:default}a', position: 0 }] }],
    ['a[@b="c"]', { steps: [{ name: '{urn:default}a', attribute: ['{}b', 'c'] }] }],
    ["a[@b='c']", { steps: [{ name: '{urn:default}a', attribute: ['{}b', 'c'] }] }],
    ['a[@p:b="c"]', { steps: [{ name: '{urn:default}a', attribute: ['{urn:p}b', 'c'] }] }],
    ['*[@b="c"]', { steps: [{ name: '*', attribute: ['{}b', 'c'] }] }],
    ['a[2][@b="c"]', { steps: [{ name: '{urn:default}a', position: 2, attribute: ['{}b', 'c'] }] }],
    ['*[2][@b="c"]', { steps: [{ name: '*', position: 2, attribute: ['{}b', 'c'] }] }],
    ['a/@b', { steps: [{ name: '{urn:default}a' }], terminal: '{}b' }],
    ['a/@p:b', { steps: [{ name: '{urn:default}a' }], terminal: '{urn:p}b' }],
    [
      'a/@xml:lang',
      { steps: [{ name: '{urn:default}a' }], terminal: '{http://www.w3.org/XML/1998/namespace}lang' },
    ],
    ['a/namespace::*', { steps: [{ name: '{urn:default}a' }], terminal: 'namespaces' }],
    ['namespace', { steps: [{ name: '{urn:default}namespace' }] }],
    ['__proto__', { steps: [{ name: '{urn:default}__proto__' }] }],
  ];
  for (const [text, meaning] of accepted) {
    it(`${text} is read`, () => {
      expect(brief(parse(text))).to.deep.equal(meaning);
    });
  }

  describe('compare with attribute values that may hold anything', () => {
    for (const [literal, value] of [
      ['"a/b"', 'a/b'],
      ['"a]b"', 'a]b'],
      ['"~~"', '~~'],
      ['""', ''],
      ['"a\'b"', "a'b"],
      ["'a\"b'", 'a"b'],
      ['"&quot;&amp;&#65;"', '"&A'],
      ['"@[x=1]"', '@[x=1]'],
      ['"a b"', 'a b'],
      ['"%41"', '%41'],
    ] as const) {
      it(literal, () => {
        expect(parse(`a[@b=${literal}]/c`).steps[0]?.attribute?.value).to.equal(value);
        expect(parse(`a[@b=${literal}]/c`).steps).to.have.length(2);
      });
    }
  });

  describe('that are outside the grammar are refused', () => {
    for (const text of [
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      'a/..',
      'a/.',
      'a/b/@',
      '@a',
      'namespace::*',
      'a/@b/c',
      'a/@*',
      'a/@b[1]',
      'a/namespace::*/b',
      'a/namespace::p',
      'a[]',
      'a[',
      'a[1',
      'a]1[',
      'a[-1]',
      'a[+1]',
      'a[1.5]',
      'a[1e3]',
      'a[ 1]',
      'a[1 ]',
      'a[1][2]',
      'a[@b="c"][1]',
      'a[@b="c"][@d="e"]',
      'a[@b]',
      'a[@b=c]',
      'a[@b=1]',
      'a[@b="c]',
      'a[@b="c\']',
      'a[@b="c"',
      'a[@b="c"]d',
      'a[@b = "c"]',
      'a[@b!="c"]',
      'a[@b="&"]',
      'a[@b="&nbsp;"]',
      'a[b="c"]',
      'a[last()]',
      'a[position()=1]',
      'a[@b="c" or @d]',
      'a | b',
      'a|b',
      'text()',
      'a/text()',
      'node()',
      'id("a")',
      'child::a',
      'a/attribute::b',
      'descendant::a',
      'parent::*',
      'a b',
      ' a',
      'a ',
      '1a',
      'p:',
      ':a',
      'p:a:b',
      'p:*',
      '*:a',
      '$a',
      'a"b',
      'document("file:///etc/hosts")',
    ]) {
      it(JSON.stringify(text), () => {
        expect(() => parse(text)).to.throw(BadRequest);
      });
    }
  });

  it('say where they are malformed', () => {
    expect(() => parse('a/b[')).to.throw(BadRequest, 'at character 4');
  });

  it('have at most so many steps as configured', () => {
    const steps = (count: number): string => Array.from({ length: count }, () => 'a').join('/');
    expect(parse(`${steps(maxSteps)}/@b`).steps).to.have.length(maxSteps);
    expect(() => parse(steps(maxSteps + 1))).to.throw(BadRequest, '32 steps');
  });

  it('with an absurd position match nothing, and break nothing', () => {
    const position = parse(`a[${'9'.repeat(400)}]`).steps[0]?.position;
    expect(position).to.equal(Number.MAX_SAFE_INTEGER);
  });

  it('remember where each step ends, for the ancestor of a no-parent', () => {
    expect(parse('a/b[2][@c="d/e"]/f').steps.map(({ upTo }) => upTo)).to.deep.equal([
      'a',
      'a/b[2][@c="d/e"]',
      'a/b[2][@c="d/e"]/f',
    ]);
  });

  it(`are read or refused, whatever the text, seed ${seed}`, () => {
    const text = fc
      .array(
        fc.oneof(
          fc.constantFrom(
            'a',
            'p:',
            '*',
            '/',
            '[',
            ']',
            '@',
            '=',
            '"',
            "'",
            '1',
            '&',
            ';',
            'namespace::*',
            '~~',
          ),
          fc.string({ unit: 'binary', maxLength: 2 }),
        ),
        { maxLength: 20 },
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (selector) => {
        try {
          const { steps } = parse(selector);
          expect(steps.at(-1)?.upTo.length).to.be.at.most(selector.length);
        } catch (error) {
          expect(error).to.be.instanceOf(BadRequest);
        }
      }),
      { seed, numRuns: 2000 },
    );
  });
});

describe('RFC 4825 §6.4 namespace bindings', () => {
  it('come from the query component alone', () => {
    expect(() => parseNodeSelector('q:a', new Map(), 'urn:default', maxSteps)).to.throw(BadRequest, 'q');
    expect(() => parse('a/@q:b')).to.throw(BadRequest, 'q');
    expect(() => parse('a[@q:b="c"]')).to.throw(BadRequest, 'q');
  });

  it('do not apply to names without a prefix', () => {
    const { steps, terminal } = parse('a[@b="c"]/@d');
    expect(steps[0]?.name?.namespace).to.equal('urn:default');
    expect(steps[0]?.attribute?.namespace).to.equal('');
    expect(terminal).to.deep.equal({ kind: 'attribute', name: { namespace: '', local: 'd' } });
  });

  const accepted: readonly [string, readonly (readonly [string, string])[]][] = [
    ['', []],
    ['xmlns(a=urn:a)', [['a', 'urn:a']]],
    [
      'xmlns(a=urn:a)xmlns(b=http://b.example/x?y=z&w)',
      [
        ['a', 'urn:a'],
        ['b', 'http://b.example/x?y=z&w'],
      ],
    ],
    [
      ' xmlns( a = urn:a )  xmlns(b=urn:b) ',
      [
        ['a', 'urn:a'],
        ['b', 'urn:b'],
      ],
    ],
    ['xmlns(a=urn:^(x^)^^)', [['a', 'urn:(x)^']]],
    ['xmlns(é=urn:é)', [['é', 'urn:é']]],
    ['xmlns(a=)', [['a', '']]],
    ['xmlns(__proto__=urn:a)', [['__proto__', 'urn:a']]],
  ];
  for (const [query, meaning] of accepted) {
    it(`${JSON.stringify(query)} is read`, () => {
      expect([...parseNamespaceBindings(query)]).to.deep.equal(meaning);
    });
  }

  for (const query of [
    'a=b',
    'xmlns',
    'xmlns()',
    'xmlns(a)',
    'xmlns(=urn:a)',
    'xmlns(a=urn:a',
    'xmlns(a=urn:(a))',
    'xmlns(a=urn:^a)',
    'xmlns(a=urn:a)x',
    'xmlns(a=urn:a)&xmlns(b=urn:b)',
    'xmlns(a=urn:1)xmlns(a=urn:2)',
    'xmlns(a=urn:1)xmlns(b=urn:1)xmlns(a=)',
    'xmlns(a:b=urn:a)',
    'xmlns(1=urn:a)',
    'xmlns(xmlns=urn:a)',
    'element(/1)',
    'XMLNS(a=urn:a)',
  ]) {
    it(`${JSON.stringify(query)} is refused`, () => {
      expect(() => parseNamespaceBindings(query)).to.throw(BadRequest);
    });
  }

  it(`that the server writes are read back as they were, seed ${seed}`, () => {
    const prefix = fc.constantFrom('a', 'b', 'é', '_1', '__proto__');
    const uri = fc
      .array(fc.constantFrom('urn:', '(', ')', '^', '%', '&', '=', '"', '/', 'é', ' x', '?'), {
        maxLength: 6,
      })
      .map((parts) => `u${parts.join('')}`);
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(prefix, uri), { selector: ([name]) => name }), (pairs) => {
        const query = formatNamespaceBindings(new Map(pairs));
        expect(query).to.match(/^[\x21-\x7e]*$/);
        expect([...parseNamespaceBindings(decodeURIComponent(query))]).to.deep.equal(pairs);
      }),
      { seed, numRuns: 300 },
    );
  });
});
