import { z } from 'zod';
import type { OptionPath } from './words.js';

/** The manual of a table of options: what stands in it of each, and how it is shown. */

/** What the manual says of an option. */
export interface ManualEntry {
  /** The kind of its value. */
  readonly kind: string;
  /** The default as it would be written, `required`, or in words where it is computed. */
  readonly standard: string;
  readonly help: string;
}

/** What the manual says of each row of the tables. */
export const manual = z.registry<ManualEntry>();

/** An option as a reader of the manual sees it. */
export interface OptionDescription {
  /** The path in the file; `[]` stands for each entry of a list. */
  readonly path: string;
  readonly type: string;
  /** The default as it would be written, `required`, or in words where it is computed. */
  readonly default: string;
  readonly help: string;
}

/** The shape of what a table holds, with the manual's words on each option. */
export interface Outline extends Partial<ManualEntry> {
  readonly properties?: Readonly<Record<string, Outline>>;
  readonly items?: Outline;
}

export function outlineOf(table: z.core.$ZodType): Outline {
  // Only the output has a shape: what is read is taken as it comes.
  return z.toJSONSchema(table, { io: 'output', unrepresentable: 'any', metadata: manual }) as Outline;
}

/** Every option below `path`, in the order of the table. */
export function describeOutline(outline: Outline, path = ''): OptionDescription[] {
  const { kind, standard, help, properties = {}, items } = outline;
  return [
    ...(kind === undefined || standard === undefined || help === undefined
      ? []
      : [{ path, type: kind, default: standard, help }]),
    ...Object.entries(properties).flatMap(([name, inner]) =>
      describeOutline(inner, path === '' ? name : `${path}.${name}`),
    ),
    ...(items === undefined ? [] : describeOutline(items, `${path}[]`)),
  ];
}

/** The names that may stand below `path`. */
export function namesBelow(outline: Outline, path: OptionPath): string[] {
  let at: Outline | undefined = outline;
  for (const step of path) at = typeof step === 'number' ? at?.items : at?.properties?.[step];
  return Object.keys(at?.properties ?? {});
}

/** The options as text for a terminal: path, type and default on one line, the help below it. */
export function formatOptions(options: readonly OptionDescription[]): string {
  return options
    .map(({ path, type, default: fallback, help }) => {
      const lines = help.match(/.{1,90}(?:\s|$)/g) ?? [];
      const indented = lines.map((line) => `    ${line.trimEnd()}\n`).join('');
      return `${path}  (${type}; ${fallback === 'required' ? 'required' : `default: ${fallback}`})\n${indented}`;
    })
    .join('\n');
}

/** Text in which nothing has a meaning to Markdown. */
function plain(text: string): string {
  return text.replace(/[|<*_\\]/g, '\\$&');
}

/**
 * The options as Markdown: a heading and a table for each section of the file.
 *
 * @param whose stands behind each section's name, so that the headings of one document differ
 */
export function formatTables(options: readonly OptionDescription[], whose = ''): string {
  const tables = new Map<string, string>();
  for (const { path, type, default: fallback, help } of options) {
    const [name = ''] = path.split(/[.[]/);
    const cells = [`\`${path}\``, plain(fallback), plain(type), plain(help)];
    const head = '| Option | Default | Value | Meaning |\n| --- | --- | --- | --- |\n';
    tables.set(name, `${tables.get(name) ?? head}| ${cells.join(' | ')} |\n`);
  }
  return [...tables].map(([name, table]) => `### ${`\`${name}\` ${whose}`.trimEnd()}\n\n${table}`).join('\n');
}
