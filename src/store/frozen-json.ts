import type { Json } from './store.js';

function copy(value: unknown, path: string): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${path} is ${value}, which JSON cannot hold`);
      // JSON knows no negative zero.
      return value === 0 ? 0 : value;
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) {
        return Object.freeze(Array.from(value, (item: unknown, index) => copy(item, `${path}[${index}]`)));
      }
      // fromEntries defines properties instead of setting them: a member named __proto__ stays a member.
      return Object.freeze(
        Object.fromEntries(
          Object.entries(value).map(([name, member]) => [name, copy(member, `${path}.${name}`)]),
        ),
      );
    case 'bigint':
    case 'function':
    case 'symbol':
    case 'undefined':
      throw new TypeError(`${path} is ${typeof value}, which JSON cannot hold`);
  }
}

/**
 * A deep copy of `value` that nobody can change.
 *
 * @throws TypeError where a part of it is no JSON value and would be read back as something else
 */
export function frozenCopy<T extends Json>(value: T): T {
  return copy(value, 'data') as T;
}
