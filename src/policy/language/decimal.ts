/**
 * Decimal numbers as texts, compared and added digit by digit: a value in a document may have more digits
 * than a number of the language holds, and a bound must hold exactly.
 */

/** Whole numbers whose sums and differences are exact as numbers of the language. */
const shortAndPlain = /^\d{1,15}$/;

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
  // Nearly every number in a group is short and plain; reading one digit by digit costs a microsecond.
  if (shortAndPlain.test(a) && shortAndPlain.test(b)) return Number(a) - Number(b);
  const [x, y] = [read(a), read(b)];
  if (x === undefined || y === undefined) return undefined;
  if (x.negative !== y.negative) return x.negative ? -1 : 1;
  return x.negative ? compareDigits(y, x) : compareDigits(x, y);
}

/** Whether `text` is an xs:decimal without a fraction. */
export function isWhole(text: string): boolean {
  return shortAndPlain.test(text) || read(text)?.fraction === '';
}

/** `value` in units of the `scale`-th digit behind the point. */
function scaled({ negative, whole, fraction }: Decimal, scale: number): bigint {
  const magnitude = BigInt(`0${whole}${fraction.padEnd(scale, '0')}`);
  return negative ? -magnitude : magnitude;
}

function combine(a: string, b: string, how: (x: bigint, y: bigint) => bigint): string | undefined {
  const [x, y] = [read(a), read(b)];
  if (x === undefined || y === undefined) return undefined;
  const scale = Math.max(x.fraction.length, y.fraction.length);
  const result = how(scaled(x, scale), scaled(y, scale));
  const digits = (result < 0n ? -result : result).toString().padStart(scale + 1, '0');
  const fraction = dropTrailingZeros(digits.slice(digits.length - scale));
  const whole = digits.slice(0, digits.length - scale);
  return `${result < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** `a` + `b` exactly, in its shortest spelling; undefined where one is no xs:decimal. */
export function addDecimals(a: string, b: string): string | undefined {
  if (shortAndPlain.test(a) && shortAndPlain.test(b)) return String(Number(a) + Number(b));
  return combine(a, b, (x, y) => x + y);
}

/** `a` - `b` exactly, in its shortest spelling; undefined where one is no xs:decimal. */
export function subtractDecimals(a: string, b: string): string | undefined {
  if (shortAndPlain.test(a) && shortAndPlain.test(b)) return String(Number(a) - Number(b));
  return combine(a, b, (x, y) => x - y);
}
