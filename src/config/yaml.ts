import {
  CST,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  Parser,
  visit,
} from 'yaml';
import type { Document, Node, Pair, YAMLMap } from 'yaml';
import { formatPath, type OptionPath } from './words.js';

/**
 * YAML 1.2 text as a value, with the place of everything in it.
 *
 * Subtle: nesting and aliases are counted on the concrete syntax, before the recursive composer sees them:
 * at the edge of the stack it can end the process instead of throwing. What aliases expand to is bounded too.
 */

const mostAliases = 100;
const deepestNesting = 32;

/** A stretch of the text, in UTF-16 code units from its start. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /** False where the option itself is absent and the place is that of something near. */
  readonly present: boolean;
}

/** A mistake in the text. */
export interface Finding {
  /** The option; empty where the text as a whole is meant. */
  readonly option: string;
  readonly message: string;
  readonly span: Span;
}

/** A text that was parsed. */
export interface YamlText {
  /** What is wrong with it as YAML, and the names that stand twice. */
  readonly findings: readonly Finding[];
  /** Where its first syntax error is; behind it the tree is guesswork. Infinity where there is none. */
  readonly firstError: number;
  /** Its value; absent where its nesting or its aliases forbid to take it. */
  readonly value?: unknown;
  /** Finds the place of an option's name or value, or of its nearest ancestor that is in the text. */
  locate(option: OptionPath, on: 'name' | 'value'): Span;
  /** Finds lines and columns. */
  readonly lines: LineCounter;
}

function at(start: number, end = start): Span {
  return { start, end, present: true };
}

function spanOf(node: Node): Span {
  const [start, end] = node.range ?? [0, 0];
  return at(start, end);
}

function locator(document: Document): YamlText['locate'] {
  const indexes = new Map<YAMLMap, ReadonlyMap<unknown, Pair>>();
  const pairAt = (map: YAMLMap, name: string | number): Pair | undefined => {
    // Of a name that stands twice, the last value is the one that was read.
    const index =
      indexes.get(map) ??
      new Map(map.items.map((pair) => [isScalar(pair.key) ? pair.key.value : undefined, pair]));
    indexes.set(map, index);
    return index.get(name);
  };
  return (option, on) => {
    let node: Node | null = document.contents;
    let span = at(0);
    for (const [position, step] of option.entries()) {
      if (isAlias(node)) node = node.resolve(document) ?? null;
      const pair = isMap(node) ? pairAt(node, step) : undefined;
      const item: unknown = isSeq(node) && typeof step === 'number' ? node.items[step] : pair?.value;
      const name = pair?.key;
      node = isNode(item) ? item : null;
      if (isNode(name)) {
        const isMeant = on === 'value' && position === option.length - 1;
        span = spanOf(isMeant && node !== null && !(isScalar(node) && node.value === null) ? node : name);
      } else if (pair === undefined && node !== null) {
        span = spanOf(node);
      } else {
        return { ...span, present: false };
      }
    }
    return span;
  };
}

/** Names that stand twice in one mapping. */
function repeatedNames(document: Document, lines: LineCounter): Finding[] {
  const findings: Finding[] = [];
  const walk = (node: unknown, path: OptionPath): void => {
    if (isSeq(node)) for (const [index, item] of node.items.entries()) walk(item, [...path, index]);
    if (!isMap(node)) return;
    const first = new Map<string, number>();
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue;
      const [name, span] = [String(key.value), spanOf(key)];
      const earlier = first.get(name);
      if (earlier === undefined) first.set(name, span.start);
      else {
        const message = `is given twice, first in line ${lines.linePos(earlier).line}; keep one of them`;
        findings.push({ option: formatPath([...path, name]), message, span });
      }
      walk(value, [...path, name]);
    }
  };
  walk(document.contents, []);
  return findings;
}

/** What must not reach the composer: collections nested too deeply, and too many aliases. */
function excess(text: string): Finding | undefined {
  let found: Finding | undefined;
  let aliases = 0;
  for (const document of new Parser().parse(text)) {
    if (document.type !== 'document') continue;
    CST.visit(document, ({ key, value }, path) => {
      for (const token of [key, value]) {
        if (token?.type === 'alias') aliases += 1;
        const isDeep = CST.isCollection(token) && path.length === deepestNesting;
        if (!token || (aliases <= mostAliases && !isDeep)) continue;
        const message = isDeep
          ? `is nested too deeply; at most ${deepestNesting} levels may stand in the file`
          : `too many aliases; at most ${mostAliases} may stand in the file`;
        found ??= { option: '', message, span: at(token.offset) };
        return CST.visit.BREAK;
      }
      return undefined;
    });
  }
  return found;
}

/** What is wrong with the text as YAML, one finding for a place. */
function syntaxFindings(document: Document): Finding[] {
  const quotes = new Map<number, number>();
  visit(document, {
    Scalar(_, { range, type }) {
      if (range && type?.startsWith('QUOTE') === true) quotes.set(range[1], range[0]);
    },
  });
  const found = new Map<number, Finding>();
  for (const { code, message: problem, pos } of [...document.errors, ...document.warnings]) {
    let [start] = pos;
    let message = `is not valid YAML: ${problem}`;
    const opening = quotes.get(start);
    if (code === 'MULTIPLE_DOCS') {
      message = 'a second YAML document begins here; a configuration is one document';
    } else if (code === 'NON_STRING_KEY') {
      message = 'the name of an option must be plain text';
    } else if (code === 'MISSING_CHAR' && problem.startsWith('Missing closing') && opening !== undefined) {
      start = opening;
      message = 'is not valid YAML: the quote that opens here is not closed';
    }
    if (!found.has(start)) found.set(start, { option: '', message, span: at(start) });
  }
  return [...found.values()];
}

/** The value of a text, or what is wrong with the aliases that keep it from having one. */
function valueOf(document: Document): { readonly value?: unknown; readonly unusable: readonly Finding[] } {
  const unusable: Finding[] = [];
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return;
      const message = `the alias *${alias.source} has no anchor before it; write &${alias.source} where the value stands first`;
      unusable.push({ option: '', message, span: spanOf(alias) });
    },
  });
  if (unusable.length > 0) return { unusable };
  try {
    return { value: document.toJS({ maxAliasCount: mostAliases + 1 }) as unknown, unusable };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    const message = 'the aliases of this file expand to too much; write the values out';
    return { unusable: [{ option: '', message, span: at(0) }] };
  }
}

/** Parses `text`, which is at most some hundred KiB long. */
export function parseYaml(text: string): YamlText {
  const lines = new LineCounter();
  // The lines come from the text: the parser does not tell the counter every line behind a stray quote.
  lines.addNewLine(0);
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1);
  const tooMuch = excess(text);
  if (tooMuch !== undefined) {
    return { findings: [tooMuch], firstError: tooMuch.span.start, locate: () => tooMuch.span, lines };
  }
  const document = parseDocument(text, {
    logLevel: 'error',
    prettyErrors: false,
    resolveKnownTags: false,
    schema: 'core',
    stringKeys: true,
    // Of names that stand twice, repeatedNames tells more.
    uniqueKeys: false,
  });
  const firstError = document.errors.reduce((least, { pos }) => Math.min(least, pos[0]), Infinity);
  const repeated = repeatedNames(document, lines).filter(({ span }) => span.end < firstError);
  const { unusable, ...value } = valueOf(document);
  const findings = [...syntaxFindings(document), ...repeated, ...unusable];
  return { ...value, findings, firstError, locate: locator(document), lines };
}
