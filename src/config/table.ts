import { z } from 'zod';
import { nearestName } from '../base/text.js';
import { describeOutline, namesBelow, outlineOf, type OptionDescription, type Outline } from './manual.js';
import type { Scalar } from './rows.js';
import { Rules, type Unsure } from './rules.js';
import { isWarning } from './warnings.js';
import { formatPath, type OptionPath } from './words.js';

/**
 * A table of options read: its manual, and the judgement of what somebody wrote. Where the values come
 * from (a YAML file with places, or an object) is not known here: see file.ts.
 */

/** One mistake in a configuration, before it has a place in a file. */
export interface Fault {
  /** The option that is wrong. */
  readonly option: OptionPath;
  /** Where to show the mistake when `option` is not written. */
  readonly instead?: OptionPath | undefined;
  /** Whether the name of the option is wrong, or its value. */
  readonly on: 'name' | 'value';
  /** What is wrong, and what would be right. */
  readonly message: string;
}

/** The judgement of a configuration: warnings tell of what is lawful, but hardly meant so. */
export type Judgement<C> =
  { readonly config: C; readonly warnings: readonly Fault[] } | { readonly faults: readonly Fault[] };

/** What a table gives. */
export type DeepReadonly<T> = T extends Scalar | undefined
  ? T
  : { readonly [Name in keyof T]: DeepReadonly<T[Name]> };

/** A configuration as it is written: every option may be absent, quantities may carry a unit. */
export type InputOf<T> = T extends string
  ? string
  : T extends number
    ? number | string
    : T extends boolean | undefined
      ? T
      : T extends readonly (infer Entry)[]
        ? readonly InputOf<Entry>[]
        : { readonly [Name in keyof T]?: InputOf<T[Name]> | undefined };

/** A table of options with the values `T`, and the rules between them. */
export class OptionTable<T> {
  readonly #schema: z.ZodType<T>;
  readonly #outline: Outline;

  /**
   * @param relate states the rules between options; it runs although some of them are wrong
   * @param advise warns of what is hardly meant; it runs where nothing is wrong
   */
  constructor(
    table: z.ZodType<T>,
    relate: (rules: Rules<T>) => void,
    advise: (values: T, rules: Rules<T>) => void,
  ) {
    this.#outline = outlineOf(table);
    this.#schema = table.superRefine(
      (values, context) => {
        const rules = new Rules(values as Unsure<T>, context);
        relate(rules);
        if (rules.isSound) advise(values, rules);
      },
      { when: () => true },
    );
  }

  /** Every option, in the order of the table. */
  describe(): OptionDescription[] {
    return describeOutline(this.#outline);
  }

  /**
   * Judges a whole configuration. Pure: nothing is read, nothing is resolved against the machine.
   *
   * @param raw mappings, lists and scalars, as a YAML parser gives them
   * @returns the values with every warning, or every mistake, in no particular order
   */
  check(raw: unknown): Judgement<DeepReadonly<T>> {
    const result = this.#schema.safeParse(raw);
    if (result.success) return { config: result.data as DeepReadonly<T>, warnings: [] };
    const { issues } = result.error;
    const faults = issues.filter((issue) => !isWarning(issue));
    if (faults.length > 0) return { faults: this.#faultsOf(faults) };
    // What was read stands beside the warnings, which the public ways of zod take for failures.
    const read = this.#schema._zod.run({ value: raw, issues: [] }, { async: false });
    if (read instanceof Promise) throw new TypeError('a row of the table reads asynchronously');
    return { config: read.value as DeepReadonly<T>, warnings: this.#faultsOf(issues) };
  }

  #faultsOf(issues: readonly z.core.$ZodIssue[]): readonly Fault[] {
    return issues.flatMap((issue): Fault | Fault[] => {
      const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((name) => ({
          option: [...path, name],
          on: 'name',
          message: this.#unknown(path, name),
        }));
      }
      const instead =
        issue.code === 'custom' ? (issue.params?.['instead'] as OptionPath | undefined) : undefined;
      return { option: path, instead, on: 'value', message: issue.message };
    });
  }

  #unknown(path: OptionPath, name: string): string {
    const names = namesBelow(this.#outline, path);
    const nearest = nearestName(name, names);
    if (nearest !== undefined) return `unknown option; did you mean ${formatPath([...path, nearest])}?`;
    const elsewhere = this.describe().find((option) => option.path.split('.').at(-1) === name);
    if (elsewhere !== undefined) return `unknown option; did you mean ${elsewhere.path}?`;
    return `unknown option; known here: ${names.join(', ')}`;
  }
}
