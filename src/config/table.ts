import { type About, about, parse, type Output, type Schema } from './rows.js';
import { type OptionPath, formatPath, show } from './words.js';
import { nearestName } from '../base/text.js';

/**
 * A table of options read: its manual, and the judgement of what somebody wrote. Where the values come
 * from (a YAML file with places, or an object) is not known here: see file.ts.
 *
 * Subtle: every mistake is wanted at once, so the rules between options must also run when some option
 * is wrong. They therefore read single options from the raw value, each through its own row of the
 * table, and pass over those that are wrong by themselves.
 */

/** One mistake in a configuration, before it has a place in a file. */
export interface Fault {
  /** The option that is wrong. */
  readonly option: OptionPath;
  /** Where to show the mistake: another option where `option` itself is absent. */
  readonly at: OptionPath;
  /** Whether the name at `at` is wrong, or its value. */
  readonly on: 'name' | 'value';
  /** What is wrong, and what would be right. */
  readonly message: string;
}

/** An option as a reader of the manual sees it. */
export interface OptionDescription {
  /** The path in the file; `[]` stands for each entry of a list. */
  readonly path: string;
  readonly type: string;
  /** The default as it would be written, `required`, or in words where it is computed. */
  readonly default: string;
  readonly help: string;
}

/** A value with the place where it stands. */
export interface Found {
  readonly path: OptionPath;
  readonly value: unknown;
}

interface Row {
  readonly schema: Schema;
  readonly description?: OptionDescription;
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

function child(value: unknown, step: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
  return (value as Readonly<Record<string | number, unknown>>)[step];
}

/** The raw values at `pattern`, such as `peers[].domains[]`, with their paths; absent ones are undefined. */
export function valuesAt(raw: unknown, pattern: string): Found[] {
  let found: Found[] = [{ path: [], value: raw }];
  for (const step of pattern.replaceAll('[]', '.[]').split('.')) {
    found = found.flatMap(({ path, value }) => {
      if (step !== '[]') return { path: [...path, step], value: child(value, step) };
      const entries: readonly unknown[] = Array.isArray(value) ? value : [];
      return entries.map((entry, index) => ({ path: [...path, index], value: entry }));
    });
  }
  return found;
}

/** What the rules between options are written with. */
export class Relations {
  readonly faults: Fault[] = [];
  readonly #raw: unknown;
  readonly #rows: ReadonlyMap<string, Row>;

  constructor(raw: unknown, rows: ReadonlyMap<string, Row>) {
    this.#raw = raw;
    this.#rows = rows;
  }

  /** The values at `pattern` as they are read, those that are wrong by themselves left out. */
  sound(pattern: string): Found[] {
    const schema = this.#rows.get(pattern)?.schema;
    if (schema === undefined) throw new TypeError(`no option ${pattern} in the table`);
    return valuesAt(this.#raw, pattern).flatMap(({ path, value }) => {
      const result = parse(schema, value);
      return result.success && result.data !== undefined ? { path, value: result.data } : [];
    });
  }

  /** The values at `pattern` as they were written, those left out that are absent. */
  given(pattern: string): Found[] {
    return valuesAt(this.#raw, pattern).filter(({ value }) => value !== undefined);
  }

  /** Adds a mistake; `at` is where it is shown. */
  fault(option: OptionPath, message: string, at = option): void {
    this.faults.push({ option, at, on: 'value', message });
  }

  /** No value stands twice, in one of the `patterns` or across them. */
  distinct(what: string, right: string, patterns: readonly string[]): void {
    const first = new Map<unknown, OptionPath>();
    for (const { path, value } of patterns.flatMap((pattern) => this.sound(pattern))) {
      const earlier = first.get(value);
      if (earlier === undefined) first.set(value, path);
      else this.fault(path, `${what} ${show(value)} stands at ${formatPath(earlier)} too; ${right}`);
    }
  }

  /** The number at `lower` is less than that at `upper`, or where `equal` at most that. */
  ordered(lower: string, upper: string, equal: boolean, reason: string): void {
    const [low, high] = [this.sound(lower)[0], this.sound(upper)[0]];
    if (low === undefined || high === undefined) return;
    const [a, b] = [Number(low.value), Number(high.value)];
    if (a < b || (equal && a === b)) return;
    const written = valuesAt(this.#raw, lower)[0]?.value !== undefined;
    const right = equal ? 'at most' : 'less than';
    this.fault(low.path, `must be ${right} ${upper}: ${reason}`, written ? low.path : high.path);
  }
}

/** A table of options. */
export class OptionTable<S extends Schema> {
  readonly schema: S;

  constructor(schema: S) {
    this.schema = schema;
  }

  /** Every option, in the order of the table. */
  describe(): OptionDescription[] {
    return [...this.#rows().values()].flatMap(({ description }) => description ?? []);
  }

  /**
   * Judges a whole configuration. Pure: nothing is read, nothing is resolved against the machine.
   *
   * @param raw mappings, lists and scalars, as a YAML parser gives them
   * @param relate states the rules between options
   * @returns the values, or every mistake, in no particular order
   */
  check(
    raw: unknown,
    relate: (relations: Relations) => void,
  ): { readonly values: Output<S> } | { readonly faults: readonly Fault[] } {
    const result = parse(this.schema, raw);
    const relations = new Relations(raw, this.#rows());
    relate(relations);
    if (result.success && relations.faults.length === 0) return { values: result.data };
    const faults: Fault[] = [];
    for (const issue of result.error?.issues ?? []) {
      const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
      if (issue.code === 'unrecognized_keys') {
        for (const name of issue.keys) {
          const option = [...path, name];
          faults.push({ option, at: option, on: 'name', message: this.#unknown(path, name) });
        }
      } else {
        faults.push({ option: path, at: path, on: 'value', message: issue.message });
      }
    }
    return { faults: [...faults, ...relations.faults] };
  }

  /** Every row by its path, with `[]` for the entries of a list. */
  #rows(): Map<string, Row> {
    const found = new Map<string, Row>();
    const visit = (schema: Schema, path: string): void => {
      const row = about.get(schema);
      if (row === undefined) {
        found.set(path, { schema });
      } else if ('shape' in row) {
        for (const [name, inner] of Object.entries(row.shape)) {
          visit(inner, path === '' ? name : `${path}.${name}`);
        }
      } else {
        const { type, default: fallback, help } = row;
        found.set(path, { schema, description: { path, type, default: fallback, help } });
        if ('element' in row) visit(row.element, `${path}[]`);
      }
    };
    visit(this.schema, '');
    return found;
  }

  /** The names that may stand below `path`. */
  #namesBelow(path: OptionPath): string[] {
    let row: About | undefined = about.get(this.schema);
    for (const step of path) {
      if (row === undefined) return [];
      const inner =
        'shape' in row && typeof step === 'string'
          ? row.shape[step]
          : 'element' in row && typeof step === 'number'
            ? row.element
            : undefined;
      row = inner && about.get(inner);
    }
    return row !== undefined && 'shape' in row ? Object.keys(row.shape) : [];
  }

  #unknown(path: OptionPath, name: string): string {
    const names = this.#namesBelow(path);
    const nearest = nearestName(name, names);
    if (nearest !== undefined) return `unknown option; did you mean ${formatPath([...path, nearest])}?`;
    const elsewhere = [...this.#rows().keys()].find((row) => row.split('.').at(-1) === name);
    if (elsewhere !== undefined) return `unknown option; did you mean ${elsewhere}?`;
    return `unknown option; known here: ${names.join(', ')}`;
  }
}
