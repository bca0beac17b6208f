import { readFileSync, readdirSync } from 'node:fs';
import { expect } from 'chai';
import ts from 'typescript';
import { assertedUri } from '../../src/auth/asserted-identity.js';
import type { WallTime } from '../../src/base/clock.js';
import { RequestRefused } from '../../src/base/refusals.js';
import { trimField } from '../../src/base/text.js';
import { canonicalUri, isIdentityUri, longestIdentity, sipDomain, toGroupId } from '../../src/base/uri.js';
import { accepts } from '../../src/http/media-type.js';
import type { XcapRequest } from '../../src/http/messages.js';
import { readIncarnation } from '../../src/interconnection/csc-16-fields.js';
import { readRetryAfter } from '../../src/interconnection/peer-words.js';
import { essence } from '../../src/xcap/media-types.js';
import { parseNamespaceBindings, parseNodeSelector } from '../../src/xcap/node-selector.js';
import { parseConditions } from '../../src/xcap/preconditions.js';
import { originForm, parseRequestUri } from '../../src/xcap/request-uri.js';
import { attributeValue } from '../../src/xml/characters.js';
import { gateText } from '../../src/xml/gate.js';
import { XmlRefused } from '../../src/xml/refusal.js';
import { expectLinear } from '../support/growth.js';
import { limits } from '../support/limits.js';

/**
 * Whatever reads a text from outside reads it in linear time, however the text is made. Shapes are generated: a
 * piece that is repeated, between a beginning and an end that make a reader look for more and then not find it.
 */

/** Characters of the longest shape. Quadratic work on it takes over 50 ms, linear work far below one. */
const longest = 16_000;

/** Milliseconds of processor time above which a shape is measured at five sizes. */
const suspicious = 20;

const pieces = [' ', '\t', ',', ' ,', ';', 'a', '0', '"', '<', '%', '%41', '@', ':', '/', '(', '.', '?', '-'];
const beginnings = ['', 'a', '"', 'sip:', 'sip:a@b', 'text/xml;'];
const ends = ['', '!', '\n', 'a b', '"'];

interface Shape {
  readonly beginning: string;
  readonly piece: string;
  readonly end: string;
}

function* shapes(words: readonly string[] = []): Iterable<Shape> {
  for (const beginning of [...beginnings, ...words]) {
    for (const piece of [...pieces, ...words]) {
      for (const end of ends) yield { beginning, piece, end };
    }
  }
}

function textOf({ beginning, piece, end }: Shape, length: number): string {
  return beginning + piece.repeat(length / piece.length) + end;
}

/** Asserts that `read` takes linear time on every shape. */
function expectLinearOnShapes(read: (text: string) => unknown, words?: readonly string[]): void {
  for (const shape of shapes(words)) {
    const text = textOf(shape, longest);
    const before = process.cpuUsage();
    read(text);
    const { user, system } = process.cpuUsage(before);
    if (user + system < suspicious * 1000) continue;
    expectLinear(
      (size) => textOf(shape, size),
      (input) => {
        read(input);
      },
      longest / 8,
    );
  }
}

/** `read`, whose refusals are as good as its results. */
function refusing(read: (text: string) => unknown): (text: string) => void {
  return (text) => {
    try {
      read(text);
    } catch (error) {
      if (!(error instanceof RequestRefused) && !(error instanceof XmlRefused)) throw error;
    }
  };
}

const accept = (value: string): boolean => accepts({ headers: { accept: value } } as XcapRequest, 'a/b');

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  'an asserted identity': assertedUri,
  'a field value': trimField,
  'a URI': isIdentityUri,
  'the canonical form of a URI': canonicalUri,
  'the domain of a SIP URI': sipDomain,
  'a group ID': toGroupId,
  'a request-target': (text) => parseRequestUri(`/xcap-root/${text}`, '/xcap-root', Infinity),
  'a request-target in absolute form': (text) => originForm(`http://${text}`),
  'a node selector': (text) => parseNodeSelector(text, new Map(), 'urn:x', Infinity),
  'a query component': (text) => parseNamespaceBindings(`xmlns(${text}`),
  'a media type': essence,
  'an Accept field': accept,
  'an If-Match field': (text) => parseConditions({ 'if-match': text }),
  'an If-None-Match field': (text) => parseConditions({ 'if-none-match': text }),
  'a Retry-After field': (text) => readRetryAfter(text, 0 as WallTime),
  'a date': (text) => readRetryAfter(`Sun, ${text} GMT`, 0 as WallTime),
  'an incarnation': readIncarnation,
  'an attribute value': attributeValue,
  'an XML declaration': (text) => gateText(`<?xml ${text}?><a/>`, limits),
  'a start tag': (text) => gateText(`<a ${text}><b/>`, limits),
  'character data': (text) => gateText(`<a>${text}`, limits),
};

describe('Texts from outside are read in linear time', () => {
  for (const [what, read] of Object.entries(readers)) {
    it(what, () => {
      expectLinearOnShapes(refusing(read));
    });
  }

  it('an asserted identity of too many characters is none', () => {
    const identity = (length: number): string => `sip:${'a'.repeat(length - 6)}@b`;
    expect(assertedUri(identity(longestIdentity))).to.equal(identity(longestIdentity));
    expect(assertedUri(`\t "${identity(longestIdentity)}" `)).to.equal(identity(longestIdentity));
    expect(assertedUri(identity(longestIdentity + 1))).to.equal(undefined);
  });
});

/** The regular expressions that stand in a module. */
function expressionsIn(file: string, text: string): readonly RegExp[] {
  const found: RegExp[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/');
      found.push(new RegExp(node.text.slice(1, end), node.text.slice(end + 1)));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return found;
}

/** Words that an expression looks for, as pieces that may lead into it. */
function wordsOf(expression: RegExp): readonly string[] {
  const literal = expression.source.replace(/\\[a-zA-Z]/g, ' ').replace(/\\/g, '');
  return literal.match(/[\w:=.;,<!?-]{2,}\(?/g)?.slice(0, 4) ?? [];
}

function tryOn(expression: RegExp): (text: string) => void {
  return (text) => {
    expression.lastIndex = 0;
    if (expression.global) text.replace(expression, '');
    else expression.exec(text);
  };
}

describe('Regular expressions take linear time', () => {
  const src = new URL('../../../src/', import.meta.url);
  // What stands in the configuration and on the command line comes from the operator.
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && !/^(?:cli|config)\//.test(file));

  for (const file of files) {
    const expressions = expressionsIn(file, readFileSync(new URL(file, src), 'utf8'));
    if (expressions.length === 0) continue;
    it(`of ${file}`, () => {
      for (const expression of expressions) expectLinearOnShapes(tryOn(expression), wordsOf(expression));
    });
  }

  it('and one that does not is seen', () => {
    const planted = expressionsIn('x.ts', 'a.split(/\\s*,\\s*/); /^\\s*(?:"([^"]*)"|(\\S*))\\s*$/.exec(a)');
    expect(planted).to.have.length(2);
    for (const expression of planted) {
      expect(() => {
        expectLinearOnShapes(tryOn(expression));
      }, String(expression)).to.throw(/doubled four times/);
    }
  });
});
