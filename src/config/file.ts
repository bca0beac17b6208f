import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ConfigurationError } from '../base/errors.js';
import type { Judgement } from './table.js';
import { formatPath } from './words.js';
import { type Finding, parseYaml } from './yaml.js';

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

/** What is made of a configuration file. */
export type Judged<C> = { readonly config: C } | { readonly mistakes: readonly Mistake[] };

/** The most bytes of a configuration file. */
export const largestFile = 256 * 1024;

/** `mistake` on one line, as compilers write it: `FILE:LINE:COLUMN: option: message`. */
export function formatMistake({ file, line, column, option, message }: Mistake): string {
  return `${file}:${line}:${column}: ${option === '' ? '' : `${option}: `}${message}`;
}

/**
 * Judges the text of a configuration file. Pure: the file itself is not read.
 *
 * @param fileName stands before every mistake; a relative path starts at its folder
 * @param check judges the values
 * @returns the configuration, or every mistake, ordered by place
 */
export function checkText<C>(text: string, fileName: string, check: Check<C>): Judged<C> {
  const yaml = parseYaml(text);
  const findings: Finding[] = [...yaml.findings];
  if ('value' in yaml) {
    const result = check(yaml.value ?? {}, dirname(fileName));
    if ('config' in result && findings.length === 0) return result;
    for (const { option, instead, on, message } of 'faults' in result ? result.faults : []) {
      const own = yaml.locate(option, on);
      const { start, end } = own.present || instead === undefined ? own : yaml.locate(instead, on);
      const span = { start, end, present: own.present };
      if (yaml.firstError === Infinity || (span.present && end < yaml.firstError)) {
        findings.push({ option: formatPath(option), message, span });
      }
    }
  }
  const mistakes = findings
    .toSorted((a, b) => a.span.start - b.span.start)
    .map(({ option, message, span }) => {
      const { line, col: column } = yaml.lines.linePos(span.start);
      return { file: fileName, line, column, option, message };
    });
  return { mistakes };
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
};

/** The octets of `file`, of which no more are read than one above the most. */
async function readBounded(file: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    const handle = await open(file, 'r');
    bytes = await buffer(handle.createReadStream({ end: largestFile }));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new ConfigurationError(`${file}: cannot be read: ${reasons[code] ?? code}`, { cause: error });
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
 * @throws ConfigurationError whose message lists every mistake, one per line, each as
 *   `FILE:LINE:COLUMN: option: message`; or that says why the file cannot be read
 */
export async function loadFile<C>(file: string, check: Check<C>): Promise<C> {
  const result = checkBytes(await readBounded(file), file, check);
  if ('config' in result) return result.config;
  throw new ConfigurationError(result.mistakes.map(formatMistake).join('\n'));
}
