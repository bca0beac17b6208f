import { nearestName } from '../../base/text.js';

/** A kind of value that an option takes: its name in the manual, the words for what is right, how it is read. */
export interface Kind<T> {
  readonly type: string;
  readonly right: string;
  /** The typed value, or undefined where `value` is not of this kind. */
  read(value: unknown): T | undefined;
  /** What the writer probably meant, where that can be told. */
  hint?(value: unknown): string | undefined;
  /** What is strange about a value that is of this kind, and how it would be written if it is meant so. */
  doubt?(value: unknown): string | undefined;
}

const longestText = 2048;

export function textKind<T>(
  type: string,
  right: string,
  read: (text: string) => T | undefined,
  hint?: (text: string) => string | undefined,
  doubt?: (text: string) => string | undefined,
): Kind<T> {
  return {
    type,
    right,
    read: (value) => (typeof value === 'string' && value.length <= longestText ? read(value) : undefined),
    ...(doubt && { doubt: (value) => (typeof value === 'string' ? doubt(value) : undefined) }),
    ...(hint && { hint: (value) => (typeof value === 'string' ? hint(value) : undefined) }),
  };
}

export const flag: Kind<boolean> = {
  type: 'true or false',
  right: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
  hint: (value) => {
    if (typeof value !== 'string') return undefined;
    if (/^(yes|on|true)$/i.test(value)) return 'write true';
    return /^(no|off|false)$/i.test(value) ? 'write false' : undefined;
  },
};

export function oneOf<const T extends string>(...values: readonly T[]): Kind<T> {
  const words = values.length === 1 ? values.join() : `one of ${values.join(', ')}`;
  return textKind(
    values.join(' | '),
    words,
    (text) => values.find((value) => value === text),
    (text) => {
      const nearest = nearestName(text, values);
      return nearest === undefined ? undefined : `did you mean ${nearest}?`;
    },
  );
}
