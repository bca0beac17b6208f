import { GmsError } from '../../base/errors.js';
import { isNcName } from '../names.js';

/**
 * The tokens of an XPath 1.0 expression (clause 3.7 of the recommendation). What a name is depends on its
 * neighbours: an operator, a function, a node type, an axis or a name test.
 */

/** An XPath expression that is refused before it is run. The message is for its author. */
export class XPathInvalid extends GmsError {}

const maximumTokens = 500;

export type TokenKind =
  'literal' | 'number' | 'operator' | 'symbol' | 'name-test' | 'function' | 'node-type' | 'axis';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Offset in the expression, from 0. */
  readonly at: number;
}

const nodeTypes = new Set(['comment', 'text', 'processing-instruction', 'node']);
const operatorNames = new Set(['and', 'or', 'mod', 'div']);
const operatorSymbols = new Set(['/', '//', '|', '+', '-', '=', '!=', '<', '<=', '>', '>=']);

const spaces = /[ \t\r\n]*/y;
const number = /(?:\d+(?:\.\d*)?|\.\d+)/y;
const literal = /"[^"]*"|'[^']*'/y;
const symbol = /\/\/|!=|<=|>=|::|\.\.|[()[\]@,/|+\-=<>*.]/y;
const word = /[^\s()[\]@,/|+=!<>*'"$:]+/y;

/** The refusal of what stands at offset `at` of the expression. */
export function invalid(at: number, what: string): XPathInvalid {
  return new XPathInvalid(`at character ${at + 1}: ${what}`);
}

function matchAt(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}

/** Whether the next `*` or name is an operator (clause 3.7, first rule). */
function operatorIsDue(before: Token | undefined): boolean {
  if (before === undefined || before.kind === 'operator') return false;
  return before.kind !== 'symbol' || !['@', '::', '(', '[', ','].includes(before.text);
}

/** The tokens of `source`. @throws XPathInvalid where it has too many, or a character begins none */
export function tokenise(source: string): readonly Token[] {
  const tokens: Token[] = [];
  const skip = (at: number): number => at + (matchAt(spaces, source, at)?.length ?? 0);
  for (let at = skip(0); at < source.length; at = skip(at)) {
    const token = nextToken(source, at, tokens.at(-1));
    tokens.push(token);
    if (tokens.length > maximumTokens) {
      throw new XPathInvalid(`the expression has more than ${maximumTokens} tokens`);
    }
    at += token.text.length;
  }
  return tokens;
}

function nextToken(source: string, at: number, before: Token | undefined): Token {
  const value = matchAt(literal, source, at);
  if (value !== undefined) return { kind: 'literal', text: value, at };
  const digits = matchAt(number, source, at);
  if (digits !== undefined) return { kind: 'number', text: digits, at };
  const sign = matchAt(symbol, source, at);
  if (sign === '*') return { kind: operatorIsDue(before) ? 'operator' : 'name-test', text: sign, at };
  if (sign !== undefined) return { kind: operatorSymbols.has(sign) ? 'operator' : 'symbol', text: sign, at };
  return nameToken(source, at, before);
}

function nameToken(source: string, at: number, before: Token | undefined): Token {
  const name = matchAt(word, source, at);
  if (name === undefined) {
    const character = source.charAt(at);
    throw invalid(
      at,
      character === '$'
        ? 'there are no variables'
        : character === '"' || character === "'"
          ? 'the literal is not closed'
          : `${character} has no meaning here`,
    );
  }
  if (!isNcName(name)) throw invalid(at, `${name} is no name`);
  if (operatorIsDue(before)) {
    if (operatorNames.has(name)) return { kind: 'operator', text: name, at };
    throw invalid(at, `an operator is due, not ${name}`);
  }
  let end = at + name.length;
  if (source.charAt(end) === ':' && source.charAt(end + 1) !== ':') {
    const local = source.charAt(end + 1) === '*' ? '*' : (matchAt(word, source, end + 1) ?? '');
    if (local !== '*' && !isNcName(local)) throw invalid(at, `${name}: is followed by no name`);
    end += 1 + local.length;
    const text = source.slice(at, end);
    if (nextVisible(source, end) === '(') throw invalid(at, `there is no function ${text}()`);
    return { kind: 'name-test', text, at };
  }
  const next = nextVisible(source, end);
  if (next === '(') return { kind: nodeTypes.has(name) ? 'node-type' : 'function', text: name, at };
  return { kind: next === ':' ? 'axis' : 'name-test', text: name, at };
}

function nextVisible(source: string, at: number): string {
  return source.charAt(at + (matchAt(spaces, source, at)?.length ?? 0));
}
