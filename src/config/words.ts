/** Words for messages about a configuration: how values, names and paths are shown. */

import { quote } from '../base/text.js';

export type OptionPath = readonly (string | number)[];

export function show(value: unknown): string {
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return 'this value';
  // User info and queries of URLs may be secrets.
  return value.includes('://') && /[@?#]/.test(value) ? 'the value' : quote(value);
}

/** `path` as the manual writes it, such as `peers[0].name`. */
export function formatPath(path: OptionPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${quote(step)}]`;
  }
  return text;
}
