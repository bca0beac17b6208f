import { isLoopback } from './kinds/addresses.js';
import type { Found } from './rules.js';
import { formatPath, type OptionPath, show } from './words.js';

/** Warns of values that are not the same, but that people take for the same. */

interface Advice {
  warn(option: OptionPath, message: string): void;
}

type Values = readonly Found<string | undefined>[];

function warnOfAlike(rules: Advice, lists: readonly Values[], key: (text: string) => string, what: string) {
  const first = new Map<string, Found<string | undefined>>();
  for (const found of lists.flat()) {
    const { path, value } = found;
    if (value === undefined) continue;
    const earlier = first.get(key(value));
    if (earlier === undefined) first.set(key(value), found);
    else if (earlier.value !== value) {
      rules.warn(path, `is ${show(earlier.value)} at ${formatPath(earlier.path)} but for ${what}`);
    }
  }
}

/** Identities that differ in what RFC 3261 lets differ, but people do not: scheme, port, parameters. */
export function warnOfAlikeIdentities(rules: Advice, ...lists: readonly Values[]): void {
  const key = (text: string): string => text.replace(/^sips:/, 'sip:').replace(/(@[^;?:]*)[;?:].*$/, '$1');
  warnOfAlike(rules, lists, key, 'its scheme, port or parameters; most often one of the two is meant');
}

/** Roots that differ in the scheme, in the port that belongs to it, in the case, or in how this machine is called. */
export function warnOfAlikeRoots(rules: Advice, ...lists: readonly Values[]): void {
  const key = (text: string): string => {
    const { hostname, port, pathname } = new URL(text);
    const name = hostname.replace(/^\[(.*)\]$/, '$1');
    const place = isLoopback(name) ? 'this machine' : name;
    return `${place}:${port === '80' || port === '443' ? '' : port}${pathname.toLowerCase()}`;
  };
  warnOfAlike(rules, lists, key, 'its spelling; every MC system has a root of its own');
}
