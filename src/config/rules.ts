import type { z } from 'zod';
import type { Scalar } from './rows.js';
import { isWarning, warning } from './warnings.js';
import { formatPath, type OptionPath, show } from './words.js';

/** What the rules between options are written with. */

/** The values `T` of a table where any of them may be wrong: then undefined stands in its place. */
export type Unsure<T> = T extends Scalar | undefined
  ? T | undefined
  : { readonly [Name in keyof T]: Unsure<T[Name]> };

/** Every option in `T` with its path, such as `peers[].domains[]`, where `[]` stands for each entry of a list. */
type Rows<T, Path extends string = ''> =
  | readonly [Path, T]
  | (T extends Scalar
      ? never
      : T extends readonly (infer Entry)[]
        ? Rows<Entry, `${Path}[]`>
        : {
            [Name in keyof T & string]: Rows<
              NonNullable<T[Name]>,
              Path extends '' ? Name : `${Path}.${Name}`
            >;
          }[keyof T & string]);

type Paths<T> = Rows<T>[0];
type ValueAt<T, Path> = Extract<Rows<T>, readonly [Path, unknown]>[1];

/** A value with the place where it stands. */
export interface Found<T = unknown> {
  readonly path: OptionPath;
  readonly value: T;
}

function valuesAt(values: unknown, pattern: string): Found[] {
  let found: Found[] = [{ path: [], value: values }];
  for (const step of pattern.replaceAll('[]', '.[]').split('.')) {
    found = found.flatMap(({ path, value }) =>
      step === '[]'
        ? (value as readonly unknown[]).map((entry, index) => ({ path: [...path, index], value: entry }))
        : [{ path: [...path, step], value: (value as Readonly<Record<string, unknown>>)[step] }],
    );
  }
  return found.filter(({ value }) => value !== undefined);
}

/** The rules between the options of a table with the values `T`. Rules pass over what is wrong by itself. */
export class Rules<T> {
  readonly values: Unsure<T>;
  readonly #context: z.core.$RefinementCtx;
  readonly #wrong: readonly OptionPath[];

  constructor(values: Unsure<T>, context: z.core.$RefinementCtx) {
    this.values = values;
    this.#context = context;
    this.#wrong = context.issues
      .filter((issue) => !isWarning(issue))
      .map(({ path }) => (path ?? []) as OptionPath);
  }

  /** The values at `pattern`, those left out that are absent or wrong. */
  all<P extends Paths<T>>(pattern: P): Found<ValueAt<T, P>>[] {
    return valuesAt(this.values, pattern) as Found<ValueAt<T, P>>[];
  }

  /** Whether the option at `path`, or something in it, is wrong by itself. */
  isWrong(path: Paths<T>): boolean {
    const steps = path.split('.');
    return this.#wrong.some((wrong) => steps.every((step, index) => wrong[index] === step));
  }

  /** Adds a mistake; it is shown at `instead` where the option is not written. */
  fault(option: OptionPath, message: string, instead?: OptionPath): void {
    this.#context.addIssue({ code: 'custom', path: [...option], message, params: { instead } });
  }

  /** Whether nothing is wrong, so far. */
  get isSound(): boolean {
    return this.#context.issues.every(isWarning);
  }

  /** Adds a warning, as `fault` adds a mistake. */
  warn(option: OptionPath, message: string, instead?: OptionPath): void {
    const { params, ...issue } = warning(message);
    this.#context.addIssue({ ...issue, path: [...option], params: { ...params, instead } });
  }

  /** Warns where the number at `pattern` is less than `least`, unless it is 0 and that means none or no bound. */
  least(pattern: Paths<T>, least: number, written: string, reason: string): void {
    for (const { path, value } of valuesAt(this.values, pattern)) {
      if (Number(value) >= least || Number(value) === 0) continue;
      this.warn(path, `is less than ${written}; ${reason}`);
    }
  }

  /** No value stands twice, in one of the `patterns` or across them. */
  distinct(what: string, right: string, ...patterns: readonly Paths<T>[]): void {
    const first = new Map<unknown, OptionPath>();
    for (const { path, value } of patterns.flatMap((pattern) => valuesAt(this.values, pattern))) {
      const earlier = first.get(value);
      if (earlier === undefined) first.set(value, path);
      else this.fault(path, `${what} ${show(value)} stands at ${formatPath(earlier)} too; ${right}`);
    }
  }

  /** The number at `lower` is less than that at `upper`, or where `equal` at most that. */
  ordered(lower: Paths<T>, upper: Paths<T>, equal: boolean, reason: string): void {
    const [low, high] = [...valuesAt(this.values, lower), ...valuesAt(this.values, upper)];
    if (low === undefined || high === undefined) return;
    const [a, b] = [Number(low.value), Number(high.value)];
    if (a < b || (equal && a === b)) return;
    const right = equal ? 'at most' : 'less than';
    this.fault(low.path, `must be ${right} ${upper}: ${reason}`, high.path);
  }
}
