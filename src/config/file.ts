import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ConfigurationError } from '../base/errors.js';
import { systemWords } from '../base/system-errors.js';
import type { Fault, Judgement } from './table.js';
import { formatPath } from './words.js';
import { type Finding, parseYaml, type YamlText } from './yaml.js';

/**
 * Configuration files: YAML 1.2 text in, a configuration out, or every mistake with its place.
 *
 * Subtle: behind a syntax error the tree is guesswork. Mistakes in options are then reported only where
 * they end before the first syntax error, and nothing is called missing.
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
export type Check<C> = (raw: unknown, baseFolder: string) => Judgement<C>;

/** Takes a warning. */
export type Warn = (warning: Mistake) => void;

/** What is made of a configuration file. */
export type Judged<C> =
  { readonly config: C; readonly warnings: readonly Mistake[] } | { readonly mistakes: readonly Mistake[] };

/** The most bytes of a configuration file. */
export const largestFile = 256 * 1024;

/** A warning on one line, as compilers write it: `FILE:LINE:COLUMN: warning: option: message`. */
export function formatWarning({ option, message, ...place }: Mistake): string {
  const text = option === '' ? message : `${option}: ${message}`;
  return formatMistake({ ...place, option: 'warning', message: text });
}

/** `mistake` on one line, as compilers write it: `FILE:LINE:COLUMN: option: message`. */
export function formatMistake({ file, line, column, option, message }: Mistake): string {
  return `${file}:${line}:${column}: ${option === '' ? '' : `${option}: `}${message}`;
}

/**
 * Judges the text of a configuration file. Pure: the file itself is not read.
 *
 * @param fileName stands before every mistake; a relative path starts at its folder
 * @param check judges the values
 * @returns the configuration with every warning, or every mistake, ordered by place
 */
export function checkText<C>(text: string, fileName: string, check: Check<C>): Judged<C> {
  const yaml = parseYaml(text);
  const findings: Finding[] = [...yaml.findings];
  if ('value' in yaml) {
    const result = check(yaml.value ?? {}, dirname(fileName));
    if ('config' in result && findings.length === 0) {
      const warnings = result.warnings.map((warning) => placed(warning, yaml));
      return { config: result.config, warnings: inOrder(warnings, fileName, yaml) };
    }
    for (const fault of 'faults' in result ? result.faults : []) {
      const finding = placed(fault, yaml);
      const { end, present } = finding.span;
      if (yaml.firstError === Infinity || (present && end < yaml.firstError)) findings.push(finding);
    }
  }
  return { mistakes: inOrder(findings, fileName, yaml) };
}

/** A mistake with its place in the text. */
function placed({ option, instead, on, message }: Fault, yaml: YamlText): Finding {
  const own = yaml.locate(option, on);
  const { start, end } = own.present || instead === undefined ? own : yaml.locate(instead, on);
  return { option: formatPath(option), message, span: { start, end, present: own.present } };
}

function inOrder(findings: readonly Finding[], file: string, { lines }: YamlText): readonly Mistake[] {
  return findings
    .toSorted((a, b) => a.span.start - b.span.start)
    .map(({ option, message, span }) => {
      const { line, col: column } = lines.linePos(span.start);
      return { file, line, column, option, message };
    });
}

/** The octets of `file`, of which no more are read than one above the most. */
async function readBounded(file: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    const handle = await open(file, 'r');
    bytes = await buffer(handle.createReadStream({ end: largestFile }));
  } catch (error) {
    throw new ConfigurationError(`${file}: cannot be read: ${systemWords(error)}`, { cause: error });
  }
  if (bytes.length <= largestFile) return bytes;
  const right = `a configuration file has at most ${largestFile} bytes`;
  throw new ConfigurationError(`${file}: is too large; ${right}`);
}

/** Judges the octets of a configuration file, as `checkText` does. */
function checkBytes<C>(bytes: Buffer, file: string, check: Check<C>): Judged<C> {
  if (isUtf8(bytes)) return checkText(new TextDecoder().decode(bytes), file, check);
  // What is not UTF-8 does not come back from text as it was.
  const back = Buffer.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
  const wrong = bytes.findIndex((octet, index) => octet !== back[index]);
  const sound = bytes.subarray(0, wrong < 0 ? bytes.length : wrong);
  const before = new TextDecoder().decode(sound, { stream: true }).split('\n');
  const [line, column] = [before.length, (before.at(-1) ?? '').length + 1];
  const message = 'is not UTF-8 from here on; save the file as UTF-8';
  return { mistakes: [{ file, line, column, option: '', message }] };
}

/**
 * Reads and judges a configuration file.
 *
 * @param warn is told each warning, in the order of their places
 * @throws ConfigurationError whose message lists every mistake, one per line, each as
 *   `FILE:LINE:COLUMN: option: message`; or that says why the file cannot be read
 */
export async function loadFile<C>(file: string, check: Check<C>, warn: Warn = () => undefined): Promise<C> {
  const result = checkBytes(await readBounded(file), file, check);
  if ('config' in result) {
    for (const each of result.warnings) warn(each);
    return result.config;
  }
  throw new ConfigurationError(result.mistakes.map(formatMistake).join('\n'));
}
