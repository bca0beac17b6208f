import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Composer, isAlias, isMap, isNode, isScalar, isSeq, Parser, visit, YAMLParseError } from 'yaml';
import type { CST, Document, Node, Pair, ParsedNode, YAMLMap } from 'yaml';
import { checkConfig, type Config } from '../gms/config.js';
import type { Fault } from './table.js';
import { formatPath, type OptionPath } from './words.js';
import { ConfigurationError } from '../base/errors.js';

/**
 * Configuration files: YAML 1.2 text in, a configuration out, or every mistake with its place.
 *
 * Subtle: behind a syntax error the tree is guesswork. Mistakes in options are then reported only where
 * they end before the first syntax error, and nothing is called missing. Nesting and aliases are counted
 * on the concrete syntax, before the recursive composer sees them: at the edge of the stack it can end
 * the process instead of throwing. What aliases expand to is bounded too.
 */

/** One mistake in a configuration file. */
export interface Mistake {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  /** The option, such as `peers[0].name`; empty where the text as a whole is meant. */
  readonly option: string;
  /** What is wrong, and what would be right. */
  readonly message: string;
}

/** Judges the values of a file; what is relative in them starts at `baseFolder`. */
export type Check<C> = (
  raw: unknown,
  baseFolder: string,
) => { readonly config: C } | { readonly faults: readonly Fault[] };

/** The most bytes of a configuration file. */
export const largestFile = 256 * 1024;

const mostAliases = 100;
const deepestNesting = 32;

/** `mistake` on one line, as compilers write it: `FILE:LINE:COLUMN: option: message`. */
export function formatMistake({ file, line, column, option, message }: Mistake): string {
  return `${file}:${line}:${column}: ${option === '' ? '' : `${option}: `}${message}`;
}

interface Place {
  readonly line: number;
  readonly column: number;
}

/** Turns offsets into `text` into places; the parser's own line counter loses lines within quotes. */
function placer(text: string): (offset: number) => Place {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

interface Span {
  readonly start: number;
  readonly end: number;
  /** False where the option itself is absent and the place is that of something near. */
  readonly present: boolean;
}

interface Finding {
  readonly option: string;
  readonly message: string;
  readonly span: Span;
}

type Yaml = Document<ParsedNode>;

function spanOf(node: Node): Omit<Span, 'present'> {
  const [start, end] = node.range ?? [0, 0];
  return { start, end };
}

function isNothing(node: unknown): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

type Locate = (at: OptionPath, on: Fault['on']) => Span;

/** Finds the place of an option, or of its nearest ancestor that is in the text. */
function locator(document: Yaml): Locate {
  const indexes = new Map<YAMLMap, Map<unknown, Pair>>();
  const pairAt = (map: YAMLMap, name: string | number): Pair | undefined => {
    let index = indexes.get(map);
    if (index === undefined) {
      // Of a name that stands twice, the last value is the one that was read.
      index = new Map(map.items.map((pair) => [isScalar(pair.key) ? pair.key.value : undefined, pair]));
      indexes.set(map, index);
    }
    return index.get(name);
  };
  return (at, on) => {
    let node: Node | null = document.contents;
    let span: Span = { start: 0, end: 0, present: true };
    for (const [position, step] of at.entries()) {
      if (isAlias(node)) node = node.resolve(document) ?? null;
      if (isMap(node)) {
        const pair = pairAt(node, step);
        if (pair === undefined || !isNode(pair.key)) return { ...span, present: false };
        node = isNode(pair.value) ? pair.value : null;
        const wholePath = position === at.length - 1;
        const shown = wholePath && on === 'value' && node !== null && !isNothing(node) ? node : pair.key;
        span = { ...spanOf(shown), present: true };
      } else if (isSeq(node)) {
        const item: unknown = typeof step === 'number' ? node.items[step] : undefined;
        if (!isNode(item)) return { ...span, present: false };
        node = item;
        span = { ...spanOf(item), present: true };
      } else {
        return { ...span, present: false };
      }
    }
    return span;
  };
}

/** Names that stand twice in one mapping. */
function repeatedNames(document: Yaml, placeOf: (offset: number) => Place): Finding[] {
  const findings: Finding[] = [];
  const walk = (node: unknown, path: OptionPath): void => {
    if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item, [...path, index]);
    }
    if (!isMap(node)) return;
    const first = new Map<string, number>();
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue;
      const [name, span] = [String(key.value), spanOf(key)];
      const earlier = first.get(name);
      if (earlier === undefined) first.set(name, span.start);
      else {
        findings.push({
          option: formatPath([...path, name]),
          message: `is given twice, first in line ${placeOf(earlier).line}; keep one of them`,
          span: { ...span, present: true },
        });
      }
      walk(value, [...path, name]);
    }
  };
  walk(document.contents, []);
  return findings;
}

/** What must not reach the composer: collections nested too deeply, and too many aliases. */
function excess(tokens: readonly CST.Token[]): Finding | undefined {
  const open: { readonly token: CST.Token; readonly depth: number }[] = [];
  const push = (token: CST.Token | null | undefined, depth: number): void => {
    if (token) open.push({ token, depth });
  };
  for (const token of tokens.toReversed()) push(token, 0);
  let aliases = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    const span: Span = { start: token.offset, end: token.offset, present: true };
    if (token.type === 'alias') aliases += 1;
    if (aliases > mostAliases) {
      const message = `too many aliases; at most ${mostAliases} may stand in the file`;
      return { option: '', message, span };
    }
    if (token.type === 'document') push(token.value, depth);
    if (token.type === 'block-map' || token.type === 'block-seq' || token.type === 'flow-collection') {
      if (depth === deepestNesting) {
        const message = `is nested too deeply; at most ${deepestNesting} levels may stand in the file`;
        return { option: '', message, span };
      }
      for (const { key, value } of token.items.toReversed()) {
        push(value, depth + 1);
        push(key, depth + 1);
      }
    }
  }
  return undefined;
}

function compose(tokens: readonly CST.Token[], length: number): Yaml {
  const composer = new Composer<ParsedNode>({
    logLevel: 'error',
    resolveKnownTags: false,
    schema: 'core',
    stringKeys: true,
    uniqueKeys: false,
  });
  const [first, second] = [...composer.compose(tokens, true, length)];
  if (first === undefined) throw new TypeError('the composer gave no document');
  if (second !== undefined) {
    const message = 'a second YAML document begins here; a configuration is one document';
    first.errors.push(new YAMLParseError([second.range[0], second.range[1]], 'MULTIPLE_DOCS', message));
  }
  return first;
}

/** Aliases that lead nowhere; where there are none, `toJS` is safe to call. */
function deadAliases(document: Yaml): Finding[] {
  const findings: Finding[] = [];
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return;
      const message = `the alias *${alias.source} has no anchor before it; write &${alias.source} where the value stands first`;
      findings.push({ option: '', message, span: { ...spanOf(alias), present: true } });
    },
  });
  return findings;
}

function toValue(document: Yaml): { readonly raw: unknown } | { readonly findings: Finding[] } {
  const findings = deadAliases(document);
  if (findings.length > 0) return { findings };
  try {
    return { raw: document.toJS({ maxAliasCount: mostAliases + 1 }) as unknown };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    const message = 'the aliases of this file expand to too much; write the values out';
    return { findings: [{ option: '', message, span: { start: 0, end: 0, present: true } }] };
  }
}

/** Where each quoted scalar begins, by where it ends. */
function quotedScalars(document: Yaml): ReadonlyMap<number, number> {
  const starts = new Map<number, number>();
  visit(document, {
    Scalar(_, { range, type }) {
      if (range && type?.startsWith('QUOTE') === true) starts.set(range[1], range[0]);
    },
  });
  return starts;
}

function syntaxFindings(document: Yaml): Finding[] {
  const found = new Map<number, Finding>();
  const quoted = quotedScalars(document);
  for (const { code, message: problem, pos } of [...document.errors, ...document.warnings]) {
    let [start] = pos;
    let message = `is not valid YAML: ${problem}`;
    if (code === 'MULTIPLE_DOCS') message = problem;
    if (code === 'NON_STRING_KEY') message = 'the name of an option must be plain text';
    if (code === 'MISSING_CHAR' && problem.startsWith('Missing closing')) {
      const opening = quoted.get(start);
      if (opening !== undefined) {
        start = opening;
        message = 'is not valid YAML: the quote that opens here is not closed';
      }
    }
    if (!found.has(start)) {
      found.set(start, { option: '', message, span: { start, end: start, present: true } });
    }
  }
  return [...found.values()];
}

/** Judges the text of a server's configuration file, as `checkText` does. */
export function checkConfigText(
  text: string,
  fileName: string,
): { readonly config: Config } | { readonly mistakes: readonly Mistake[] } {
  return checkText(text, fileName, checkConfig);
}

/**
 * Judges the text of a configuration file. Pure: the file itself is not read.
 *
 * @param fileName stands before every mistake; a relative path starts at its folder
 * @param check judges the values
 * @returns the configuration, or every mistake, ordered by place
 */
export function checkText<C>(
  text: string,
  fileName: string,
  check: Check<C>,
): { readonly config: C } | { readonly mistakes: readonly Mistake[] } {
  const placeOf = placer(text);
  const tokens = [...new Parser().parse(text)];
  const tooMuch = excess(tokens);
  const judged =
    tooMuch === undefined ? judge(compose(tokens, text.length), fileName, placeOf, check) : [tooMuch];
  if ('config' in judged) return judged;
  const mistakes = judged
    .toSorted((a, b) => a.span.start - b.span.start)
    .map(({ option, message, span }) => ({ file: fileName, ...placeOf(span.start), option, message }));
  return { mistakes };
}

function judge<C>(
  document: Yaml,
  fileName: string,
  placeOf: (offset: number) => Place,
  check: Check<C>,
): { readonly config: C } | readonly Finding[] {
  const firstError = document.errors.reduce((least, { pos }) => Math.min(least, pos[0]), Infinity);
  const isReliable = ({ span }: Finding): boolean =>
    firstError === Infinity || (span.present && span.end < firstError);

  const repeated = repeatedNames(document, placeOf).filter(isReliable);
  const findings = [...syntaxFindings(document), ...repeated];
  const value = toValue(document);
  if ('findings' in value) return [...findings, ...value.findings];

  const result = check(value.raw ?? {}, dirname(fileName));
  if ('faults' in result) {
    const locate = locator(document);
    const faults = result.faults.map(({ option, at, on, message }) => {
      const { present } = locate(option, on);
      return { option: formatPath(option), message, span: { ...locate(at, on), present } };
    });
    return [...findings, ...faults.filter(isReliable)];
  }
  return findings.length === 0 ? result : findings;
}

/** The text of `bytes` without byte order mark, or the place of the first octet that is not UTF-8. */
function decode(bytes: Uint8Array, file: string): { readonly text: string } | { readonly mistake: Mistake } {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  for (let index = 0; index <= bytes.length; index += 1) {
    try {
      const more = index < bytes.length;
      text += decoder.decode(bytes.subarray(index, index + 1), { stream: more });
    } catch {
      const before = text.split('\n');
      const message = 'is not UTF-8 from here on; save the file as UTF-8';
      return {
        mistake: { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1, option: '', message },
      };
    }
  }
  return { text };
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
};

async function readBounded(file: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(largestFile + 1);
  let length = 0;
  try {
    const handle = await open(file, 'r');
    try {
      while (length < bytes.length) {
        const { bytesRead } = await handle.read(bytes, length, bytes.length - length, null);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new ConfigurationError(`${file}: cannot be read: ${reasons[code] ?? code}`, { cause: error });
  }
  if (length > largestFile) {
    throw new ConfigurationError(
      `${file}: is too large; a configuration file has at most ${largestFile} bytes`,
    );
  }
  return bytes.subarray(0, length);
}

/** Reads and judges a server's configuration file, as `loadFile` does. */
export async function loadConfig(file: string): Promise<Config> {
  return await loadFile(file, checkConfig);
}

/**
 * Reads and judges a configuration file.
 *
 * @throws ConfigurationError whose message lists every mistake, one per line, each as
 *   `FILE:LINE:COLUMN: option: message`; or that says why the file cannot be read
 */
export async function loadFile<C>(file: string, check: Check<C>): Promise<C> {
  const decoded = decode(await readBounded(file), file);
  const result = 'text' in decoded ? checkText(decoded.text, file, check) : { mistakes: [decoded.mistake] };
  if ('config' in result) return result.config;
  throw new ConfigurationError(result.mistakes.map(formatMistake).join('\n'));
}
