/* eslint-disable @typescript-eslint/explicit-module-boundary-types -- the return types are schemas, which only zod can spell */
import { z } from 'zod';
import type { Kind } from './kinds/kind.js';
import { manual } from './manual.js';
import { warning } from './warnings.js';
import { show } from './words.js';

/**
 * The rows that a table of options is made of: each a schema with what the manual says of it.
 *
 * Subtle: the rules between options see the whole table even where something in it is wrong. In place of a
 * wrong value stands undefined, in place of a wrong list an empty one, in place of a wrong section its
 * defaults. A check with `when` runs after a failure too.
 */

export type Scalar = string | number | boolean;

type Schema = z.core.$ZodType;

/** The values that `S` reads. */
export type Output<S extends Schema> = z.output<S>;

function complaint(value: unknown, right: string, hint?: string): string {
  if (value === undefined) return `is missing; it must be ${right}`;
  return `${show(value)} is not valid; it must be ${right}${hint === undefined ? '' : `; ${hint}`}`;
}

function leaf<T>(kind: Kind<T>) {
  return z.unknown().transform((value, context): T => {
    const read = kind.read(value);
    if (read !== undefined) {
      const doubt = kind.doubt?.(value);
      if (doubt !== undefined) context.issues.push({ ...warning(doubt), input: value });
      return read;
    }
    const message = complaint(value, kind.right, kind.hint?.(value));
    context.issues.push({ code: 'custom', message, input: value });
    return undefined as never;
  });
}

/** Puts `instead` in the place of a value that is not right, so that the rules find what they expect. */
function standIn<T>(isRight: (value: T) => boolean, instead: () => T) {
  return z.superRefine<T>(
    (value, context) => {
      if (!isRight(value)) context.value = instead();
    },
    { when: () => true },
  );
}

export function option<T>(kind: Kind<T>, fallback: Scalar, help: string) {
  const standard = String(fallback);
  return leaf(kind).prefault(fallback).register(manual, { kind: kind.type, standard, help });
}

export function required<T>(kind: Kind<T>, help: string) {
  return leaf(kind).register(manual, { kind: kind.type, standard: 'required', help });
}

/** An option that may be absent; `absent` says in words what then holds. */
export function optional<T>(kind: Kind<T>, absent: string, help: string) {
  return leaf(kind).optional().register(manual, { kind: kind.type, standard: absent, help });
}

function array<S extends Schema>(element: S, entry: string, least: 0 | 1) {
  const right = `a list${least === 1 ? ' of at least one entry' : ''}, each entry ${entry}`;
  const hint = (value: unknown): string | undefined =>
    typeof value === 'string' ? 'a list is written [a, b], or "- a" on lines of their own' : undefined;
  const schema = z
    .array(element, { error: (issue) => complaint(issue.input, right, hint(issue.input)) })
    .min(least, { error: `is empty; it must be ${right}` })
    .check(standIn<z.output<S>[]>(Array.isArray, () => []));
  return z.preprocess((value) => (value === null ? [] : value), schema);
}

export function list<T extends string>(kind: Kind<T>, help: string) {
  return listOr(kind, [], help);
}

/** A list that may be absent; then it is `fallback`. A list that is written empty stays empty. */
export function listOr<T extends string>(
  kind: Kind<T>,
  fallback: readonly T[],
  help: string,
  least: 0 | 1 = 0,
) {
  const schema = array(leaf(kind), kind.right, least).prefault([...fallback]);
  const standard = fallback.length === 0 ? 'none' : fallback.join(', ');
  return schema.register(manual, { kind: `list of: ${kind.type}`, standard, help });
}

export function requiredList<T>(kind: Kind<T>, help: string) {
  const schema = array(leaf(kind), kind.right, 1);
  return schema.register(manual, { kind: `list of: ${kind.type}`, standard: 'required', help });
}

/** Options under one name. An absent or empty section is one in which every default holds. */
export function section<S extends Readonly<Record<string, z.ZodType>>>(shape: S) {
  const schema = z.strictObject(shape, {
    error: (issue) => complaint(issue.input, 'a mapping of option names to values'),
  });
  const isMapping = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const defaults = (): z.output<typeof schema> => {
    // The public ways of zod keep a value back where there are mistakes.
    const read = schema._zod.run({ value: {}, issues: [] }, { async: false });
    if (read instanceof Promise) throw new TypeError('a row of the table reads asynchronously');
    return read.value as z.output<typeof schema>;
  };
  return z.preprocess((value) => value ?? {}, schema.check(standIn(isMapping, defaults))).prefault({});
}

export function sections<S extends z.ZodType>(element: S, help: string) {
  const schema = array(element, 'a mapping', 0).prefault([]);
  return schema.register(manual, { kind: 'list of sections', standard: 'none', help });
}
