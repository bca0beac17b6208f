/**
 * `text` in at most `length` UTF-16 code units, at least 1. A longer one ends in `…` where it was cut, never
 * in half of a character.
 */
export function shortened(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** The longest text that is quoted, in UTF-16 code units. */
const longestQuoted = 81;

/** `text` in quotes on one line: control and format characters escaped, long text cut. */
export function quote(text: string): string {
  return JSON.stringify(shortened(text, longestQuoted)).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  });
}

function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** The one of `names` that a mistyped `name` most probably meant, or undefined where none is near. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  if (name.length > 64) return undefined;
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  let nearest: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const steps = distance(plain(name), plain(candidate));
    if (steps < least) {
      least = steps;
      nearest = candidate;
    }
  }
  return nearest;
}

/** `text`, a field value or a part of one, without the white space around it: SP and HTAB (RFC 9110 clause 5.6.3). */
export function trimField(text: string): string {
  const isSpace = (at: number): boolean => text[at] === ' ' || text[at] === '\t';
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(from)) from += 1;
  while (from < to && isSpace(to - 1)) to -= 1;
  return text.slice(from, to);
}
