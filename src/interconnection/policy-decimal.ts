/**
 * Decimal numbers as texts, compared digit by digit: a value in a document may have more digits than a
 * number of the language holds, and a bound must hold exactly.
 */

const decimal = /^([+-]?)(\d*)(?:\.(\d*))?$/;

interface Decimal {
  readonly negative: boolean;
  /** Without leading zeros. */
  readonly whole: string;
  /** Without trailing zeros. */
  readonly fraction: string;
}

function dropTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 0x30) end -= 1;
  return digits.slice(0, end);
}

function read(text: string): Decimal | undefined {
  const [, sign, whole, fraction = ''] = decimal.exec(text.trim()) ?? [];
  if (sign === undefined || whole === undefined || whole.length + fraction.length === 0) return undefined;
  const digits = { whole: whole.replace(/^0+/, ''), fraction: dropTrailingZeros(fraction) };
  return { ...digits, negative: sign === '-' && digits.whole + digits.fraction !== '' };
}

function compareDigits(a: Decimal, b: Decimal): number {
  if (a.whole.length !== b.whole.length) return a.whole.length - b.whole.length;
  if (a.whole !== b.whole) return a.whole < b.whole ? -1 : 1;
  if (a.fraction === b.fraction) return 0;
  return a.fraction < b.fraction ? -1 : 1;
}

/** Whether `text` is an xs:decimal. */
export function isDecimal(text: string): boolean {
  return read(text) !== undefined;
}

/** Negative, zero or positive as `a` is below, equal to or above `b`; undefined where one is no xs:decimal. */
export function compareDecimals(a: string, b: string): number | undefined {
  const [x, y] = [read(a), read(b)];
  if (x === undefined || y === undefined) return undefined;
  if (x.negative !== y.negative) return x.negative ? -1 : 1;
  return x.negative ? compareDigits(y, x) : compareDigits(x, y);
}
