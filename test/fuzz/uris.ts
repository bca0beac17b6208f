import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalUri, isIdentityUri } from '../../src/base/uri.js';
import { BadRequest, NotFound, RequestRefused, UriTooLong } from '../../src/base/refusals.js';
import {
  formatNamespaceBindings,
  parseNamespaceBindings,
  parseNodeSelector,
} from '../../src/xcap/node-selector.js';
import { documentName, parseRequestUri, type RequestUri } from '../../src/xcap/request-uri.js';
import type { Target } from './target.js';

/** Request URIs: written from what they mean and read back, damaged, and of any characters at all. */

const root = '/xcap-root';
const maxLength = 8192;
const maxSteps = 32;
const defaultNamespace = 'urn:default';

// ---------------------------------------------------------------------------------------------------
// What a URI means

interface Step {
  readonly prefix: string;
  /** Undefined for `*`. */
  readonly local: string | undefined;
  readonly position: number | undefined;
  readonly attribute: { readonly prefix: string; readonly local: string; readonly value: string } | undefined;
}

interface Meaning {
  readonly document: readonly string[];
  readonly steps: readonly Step[];
  readonly terminal: '' | '/namespace::*' | '/@b' | '/@p:b' | '/@xml:lang';
  readonly bindings: ReadonlyMap<string, string>;
}

const text = (maxSize: number): fc.Arbitrary<string> =>
  fc
    .array(
      fc.oneof(
        {
          weight: 3,
          arbitrary: fc.constantFrom('a', 'sip:', '@', '.', '~', '~~', '/', '%', '%41', '?', '#', ' '),
        },
        fc.constantFrom(
          '[',
          ']',
          '"',
          "'",
          '=',
          '&',
          '<',
          ';',
          '+',
          '*',
          '(',
          ')',
          '^',
          '\\',
          '|',
          'é',
          '\u{1F692}',
        ),
        fc.string({ unit: 'grapheme', maxLength: 3 }),
      ),
      { maxLength: maxSize },
    )
    .map((parts) => parts.join(''))
    // eslint-disable-next-line no-control-regex -- control characters are refused everywhere
    .filter((each) => !/[\u0000-\u001F\u007F]/.test(each) && Buffer.from(each).toString() === each);

const segment = text(6).filter((each) => !/^(\.\.?|~~)?$/.test(each));
const last = segment.filter((each) => !each.endsWith('~~'));
const local = fc.constantFrom('a', 'b-c', 'group', 'é', '_', '__proto__', 'x.1', 'constructor');
const prefix = fc.constantFrom('', '', 'p', 'é', 'xml');

const step: fc.Arbitrary<Step> = fc.record({
  prefix,
  local: fc.option(local, { nil: undefined }),
  position: fc.option(fc.oneof(fc.nat(12), fc.nat()), { nil: undefined }),
  attribute: fc.option(
    fc.record({
      prefix,
      local,
      value: text(8).filter((each) => !(each.includes('"') && each.includes("'"))),
    }),
    { nil: undefined },
  ),
});

const meaning: fc.Arbitrary<Meaning> = fc.record({
  document: fc
    .tuple(
      segment,
      fc.oneof(
        fc.constant(['global']),
        segment.map((xui) => ['users', xui]),
      ),
      fc.array(segment, { maxLength: 3 }),
      last,
    )
    .map(([auid, tree, folders, name]) => [auid, ...tree, ...folders, name]),
  steps: fc.array(step, { minLength: 1, maxLength: 5 }),
  terminal: fc.constantFrom('', '', '/namespace::*', '/@b', '/@p:b', '/@xml:lang'),
  bindings: fc.tuple(text(5), text(5)).map(
    ([p, e]) =>
      new Map([
        ['p', `urn:${p}`.trim()],
        ['é', `urn:${e}`.trim()],
      ]),
  ),
});

function stepText({ prefix: p, local: name, position, attribute }: Step): string {
  const qname = (by: string, rest: string): string => (by === '' ? rest : `${by}:${rest}`);
  const test = (): string => {
    if (attribute === undefined) return '';
    // References are expanded: an ampersand that is data has to be written as one.
    const value = attribute.value.replaceAll('&', '&amp;');
    const quote = value.includes('"') ? "'" : '"';
    return `[@${qname(attribute.prefix, attribute.local)}=${quote}${value}${quote}]`;
  };
  return `${name === undefined ? '*' : qname(p, name)}${position === undefined ? '' : `[${position}]`}${test()}`;
}

/** Encodes what must be, and as much of the rest as `choices` say, in either case of the digits. */
function spelled(part: string, mandatory: RegExp, choices: readonly number[]): string {
  let at = 0;
  return Array.from(part)
    .map((character) => {
      const choice = choices[at++ % choices.length] ?? 0;
      if (!mandatory.test(character) && choice % 3 !== 0) return character;
      const encoded = [...Buffer.from(character)].map((octet) => `%${octet.toString(16).padStart(2, '0')}`);
      return choice % 2 === 0 ? encoded.join('') : encoded.join('').toUpperCase();
    })
    .join('');
}

/** Quotes and brackets may stand raw, as deployed clients send them (design D15). */
const inSegment = /[^A-Za-z0-9\-._~!$&'()*+,;=:@"[\]|\\^]/u;
const inSelector = /[^A-Za-z0-9\-._~!$&'()*+,;=:@"[\]|\\^/]/u;
const inQuery = /[^A-Za-z0-9\-._~!$&'()*+,;=:@"[\]|\\^/?]/u;

function written({ document, steps, terminal, bindings }: Meaning, choices: readonly number[]): string {
  const path = document.map((each) => spelled(each, inSegment, choices)).join('/');
  const node = spelled(steps.map(stepText).join('/') + terminal, inSelector, choices);
  const query = [...bindings].map(([name, uri]) => `xmlns(${name}=${uri.replace(/[()^]/g, '^$&')})`).join('');
  return `${root}/${path}/~~/${node}?${spelled(query, inQuery, choices)}`;
}

const choices = fc.array(fc.nat(5), { minLength: 1, maxLength: 16 });

// ---------------------------------------------------------------------------------------------------
// Judges

function read(target: string, length = maxLength): RequestUri {
  return parseRequestUri(target, root, length);
}

function readNode({ node, query }: RequestUri): ReturnType<typeof parseNodeSelector> {
  return parseNodeSelector(node ?? '', parseNamespaceBindings(query), defaultNamespace, maxSteps);
}

/** Reads all of a target; gives its parts or the refusal, which must be one of those that are declared. */
function readAll(target: string, length = maxLength): RequestUri | RequestRefused {
  try {
    const uri = read(target, length);
    documentName(uri.document);
    if (uri.node === undefined) parseNamespaceBindings(uri.query);
    else readNode(uri);
    return uri;
  } catch (error) {
    if (error instanceof BadRequest || error instanceof NotFound || error instanceof UriTooLong) return error;
    throw error;
  }
}

const canonical = (each: string): string => (isIdentityUri(each) ? canonicalUri(each) : each);

function namespaceOf(by: string, bindings: ReadonlyMap<string, string>, unprefixed: string): string {
  if (by === '') return unprefixed;
  return by === 'xml' ? 'http://www.w3.org/XML/1998/namespace' : (bindings.get(by) ?? '');
}

/** Targets of any characters, of those that URIs are made of, and damaged ones. */
export const anyTarget: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        ...['/', '//', '~~', '/~~/', '%7E', '%7e~', '?', '#', '..', '.', '%2e', '%2F', '%00', '%C0%AF', '%'],
        ...[
          'http://h',
          'users',
          'global',
          'a',
          'sip:u@x',
          '*',
          '[',
          ']',
          '@',
          '=',
          '"',
          "'",
          '1',
          '9'.repeat(30),
        ],
        ...[
          'xmlns(',
          ')',
          '^',
          'p:',
          'p=',
          'namespace::*',
          '&amp;',
          '&',
          '%5B',
          '%22',
          '\u0000',
          '\r\n',
          'é',
        ],
      ),
      { maxLength: 30 },
    )
    .map((parts) => `${root}/a/global/b${parts.join('')}`),
  fc
    .tuple(
      meaning,
      choices,
      fc.nat(),
      fc.nat(4),
      fc.constantFrom('', '%', '/', '[', ']', '"', '~~', '?', '&'),
    )
    .map(([uri, how, place, length, damage]) => {
      const whole = written(uri, how);
      const from = place % whole.length;
      return whole.slice(0, from) + damage + whole.slice(from + length);
    }),
);

export const uriTargets: readonly Target[] = [
  {
    title: 'RFC 4825 §6 a URI that is written from its meaning is read as that, however it is encoded',
    property: fc.property(meaning, choices, choices, (uri, one, other) => {
      const parsed = read(written(uri, one));
      const { steps, terminal } = readNode(parsed);
      expect(steps.map(({ name, position, attribute }) => ({ name, position, attribute }))).to.deep.equal(
        uri.steps.map(({ prefix: p, local: name, position, attribute }) => ({
          name:
            name === undefined
              ? undefined
              : { namespace: namespaceOf(p, uri.bindings, defaultNamespace), local: name },
          position,
          attribute: attribute && {
            namespace: namespaceOf(attribute.prefix, uri.bindings, ''),
            local: attribute.local,
            value: attribute.value,
          },
        })),
      );
      expect(steps.map(({ upTo }) => upTo)).to.deep.equal(
        uri.steps.map((_, index) =>
          uri.steps
            .slice(0, index + 1)
            .map(stepText)
            .join('/'),
        ),
      );
      expect(terminal === undefined ? '' : terminal.kind).to.equal(
        uri.terminal === '' ? '' : uri.terminal.startsWith('/@') ? 'attribute' : 'namespaces',
      );
      expect([...parseNamespaceBindings(parsed.query)]).to.deep.equal([...uri.bindings]);

      const { auid, tree, xui, path } = parsed.document;
      const segments = [auid, tree, ...(xui === undefined ? [] : [xui]), ...path];
      expect(segments).to.deep.equal(uri.document.map(canonical));

      // Every spelling is one resource, and the name that the server gives it is one more spelling.
      const name = documentName(parsed.document);
      expect(documentName(read(written(uri, other)).document)).to.equal(name);
      expect(documentName(read(`${root}/${name}`).document)).to.equal(name);
      const query = formatNamespaceBindings(uri.bindings);
      expect(query).to.match(/^[\x21-\x7e]*$/);
      expect(read(`${root}/${name}?${query}`).query).to.equal(decodeURIComponent(query));
    }),
  },
  {
    title: 'RFC 4825 §6 any request-target is read or refused with 400, 404 or 414',
    property: fc.property(anyTarget, (target) => {
      const uri = readAll(target);
      if (uri instanceof RequestRefused) return;
      // What the server calls the resource names nothing else.
      const name = documentName(uri.document);
      expect(name)
        .to.match(/^[\x21-\x7e]*$/)
        .and.not.to.match(/(^|\/)\.\.?(\/|$)/);
      expect(documentName(read(`${root}/${name}`).document)).to.equal(name);
    }),
  },
  {
    title: 'RFC 9112 §3.2.2 a target in absolute form means what its path means',
    property: fc.property(
      anyTarget,
      fc.constantFrom('http://h', 'https://h:1', 'HTTP://[::1]'),
      (target, origin) => {
        fc.pre(target.startsWith('/'));
        const [plain, absolute] = [readAll(target, Infinity), readAll(origin + target, Infinity)];
        if (plain instanceof RequestRefused) expect(absolute).to.be.instanceOf(plain.constructor);
        else expect(absolute).to.deep.equal(plain);
      },
    ),
  },
];

/** What would take a parser long that is not linear. */
export const longTargets: readonly (readonly [string, (size: number) => string])[] = (
  [
    ['slashes', '/'],
    ['segments', '/a'],
    ['tildes', '~'],
    ['separators', '/~~'],
    ['steps', '/~~/a', '/a'],
    ['brackets', '/~~/a', '['],
    ['positions', '/~~/a[', '1'],
    ['positions in rows', '/~~/a', '[1]'],
    ['predicates', '/~~/a', '[@b="c"]'],
    ['a predicate without end', '/~~/a[@b="', 'c'],
    ['quotes', '/~~/a[@b=', '"'],
    ['ampersands', '/~~/a[@b="', '&'],
    ['references', '/~~/a[@b="', '&amp;'],
    ['zeros of a reference', '/~~/a[@b="&#x', '0'],
    ['names', '/~~/', 'a'],
    ['prefixes', '/~~/', 'a:'],
    ['stars', '/~~/', '*'],
    ['percent signs', '/', '%'],
    ['octets', '/', '%41'],
    ['question marks', '/', '?'],
    ['bindings', '/~~/a?', 'xmlns(a=b)'],
    ['spaces before a binding', '/~~/a?', '%20'],
    ['spaces in a binding', '/~~/a?xmlns(', '%20'],
    ['spaces before the equals sign', '/~~/a?xmlns(a', '%20'],
    ['spaces behind the equals sign', '/~~/a?xmlns(a=', '%20'],
    ['spaces behind a binding', '/~~/a?xmlns(a=b)', '%20'],
    ['escapes', '/~~/a?xmlns(a=', '^^'],
    ['open parentheses', '/~~/a?xmlns(a=', '('],
    ['a SIP user', '/sip:', 'a'],
    ['SIP hosts', '/sip:', '@a'],
    ['SIP parameters', '/sip:a@b', ';c'],
    ['a telephone number', '/tel:+', '1-'],
    ['schemes', '/', 'a+'],
  ] as const
).map(([title, head, unit = head]) => [
  title,
  (size) => `${root}/a/global/b${head}${unit.repeat(Math.ceil(size / unit.length))}`,
]);

export { readAll };
