/* eslint-disable @typescript-eslint/explicit-module-boundary-types -- the return types are schemas, which only zod can spell */
import { z } from 'zod';
import type { Kind } from './kinds/kind.js';
import { show } from './words.js';

/** The rows that the table of options is made of: each a schema with what the manual says of it. */

export type Scalar = string | number | boolean;

/** A row, or a table of rows. */
export type Schema = z.core.$ZodType;

/** The values that `S` reads. */
export type Output<S extends Schema> = z.output<S>;

export type About =
  | { readonly shape: Readonly<Record<string, z.core.$ZodType>> }
  | {
      readonly element: z.core.$ZodType;
      readonly type: string;
      readonly default: string;
      readonly help: string;
    }
  | { readonly type: string; readonly default: string; readonly help: string };

/** What stands in the table beside each schema. */
export const about = new WeakMap<z.core.$ZodType, About>();

export function describe<S extends z.core.$ZodType>(schema: S, row: About): S {
  about.set(schema, row);
  return schema;
}

/** Reads `value` by its row. */
export function parse<S extends Schema>(schema: S, value: unknown) {
  return z.safeParse(schema, value);
}

export function complaint(value: unknown, right: string, hint?: string): string {
  if (value === undefined) return `is missing; it must be ${right}`;
  return `${show(value)} is not valid; it must be ${right}${hint === undefined ? '' : `; ${hint}`}`;
}

export function leaf<T>(kind: Kind<T>) {
  return z.unknown().transform((value, context): T => {
    const read = kind.read(value);
    if (read !== undefined) return read;
    const message = complaint(value, kind.right, kind.hint?.(value));
    context.issues.push({ code: 'custom', message, input: value });
    return z.NEVER;
  });
}

export function option<T>(kind: Kind<T>, fallback: Scalar, help: string) {
  return describe(leaf(kind).prefault(fallback), { type: kind.type, default: String(fallback), help });
}

export function required<T>(kind: Kind<T>, help: string) {
  return describe(leaf(kind), { type: kind.type, default: 'required', help });
}

/** An option that may be absent; `absent` says in words what then holds. */
export function optional<T>(kind: Kind<T>, absent: string, help: string) {
  return describe(leaf(kind).optional(), { type: kind.type, default: absent, help });
}

export function array<S extends z.ZodType>(element: S, entry: string, least: 0 | 1) {
  const right = `a list${least === 1 ? ' of at least one entry' : ''}, each entry ${entry}`;
  const hint = (value: unknown): string | undefined =>
    typeof value === 'string' ? 'a list is written [a, b], or "- a" on lines of their own' : undefined;
  const schema = z
    .array(element, { error: (issue) => complaint(issue.input, right, hint(issue.input)) })
    .min(least, { error: `is empty; it must be ${right}` });
  return z.preprocess((value) => (value === null ? [] : value), schema);
}

export function list<T>(kind: Kind<T>, help: string) {
  const element = leaf(kind);
  const schema = array(element, kind.right, 0).prefault([]);
  return describe(schema, { element, type: `list of: ${kind.type}`, default: 'none', help });
}

/** A list that, where it is absent, is the one that `fallback` gives. An empty list is none of them. */
export function listOr<T extends string>(
  kind: Kind<T>,
  fallback: readonly T[],
  help: string,
  least: 0 | 1 = 0,
) {
  const element = leaf(kind);
  const schema = array(element, kind.right, least).prefault([...fallback]);
  return describe(schema, { element, type: `list of: ${kind.type}`, default: fallback.join(', '), help });
}

export function requiredList<T>(kind: Kind<T>, help: string) {
  const element = leaf(kind);
  const schema = array(element, kind.right, 1);
  return describe(schema, { element, type: `list of: ${kind.type}`, default: 'required', help });
}

/** Options under one name. An absent or empty section is one in which every default holds. */
export function section<S extends Readonly<Record<string, z.ZodType>>>(shape: S) {
  const schema = z.strictObject(shape, {
    error: (issue) => complaint(issue.input, 'a mapping of option names to values'),
  });
  return describe(z.preprocess((value) => value ?? {}, schema).prefault({}), { shape });
}

export function sections<S extends z.ZodType>(element: S, help: string) {
  const schema = array(element, 'a mapping', 0).prefault([]);
  return describe(schema, { element, type: 'list of sections', default: 'none', help });
}
