/**
 * The lexical spaces of the built-in types that the engine judges otherwise than XML Schema part 2 (1.0, second
 * edition) does: it takes no white space around a date or a duration, no leap second, no long fraction, no large
 * number, no bracket in a SIP URI; and it takes a duration of "PT5.S" and a host of "[zz]".
 *
 * Each is a regular expression that XML Schema and JavaScript (flag `u`) read alike. It has the whole truth about
 * its type: days are counted by month and leap year.
 *
 * Subtle: the engine tracks back where several ways are open. Every choice here is made at the start or within a few
 * characters, so that it takes linear time. And it miscounts where it tracks back through a number of repetitions,
 * so that "[12345::]" passed for "[1234::]": no pattern has such a number, repetitions are written out.
 */

/** `pattern` so many times. */
function times(number: number, pattern: string): string {
  return pattern.repeat(number);
}

/** `pattern` at most so many times. */
function upTo(most: number, pattern: string): string {
  return most === 0 ? '' : `(${pattern}${upTo(most - 1, pattern)})?`;
}

/** One of several. */
function either(...patterns: readonly string[]): string {
  return `(${patterns.join('|')})`;
}

// Dates and times: clauses 3.2.7 to 3.2.14 and appendix D.

const digit = '[0-9]';

// A year has four digits or more (without a leading zero then); we take up to twenty.
const year = `-?${either(`[1-9]${times(3, digit)}${upTo(16, digit)}`, '0[1-9][0-9][0-9]', '00[1-9][0-9]', '000[1-9]')}`;
/** Two digits that 4 divides, 00 left out. */
const fourth = '(0[48]|[2468][048]|[13579][26])';
const leapYear = `-?${either(
  `([1-9]${digit}${upTo(16, digit)}|0${digit})${fourth}`,
  `([1-9]${upTo(15, digit)})?${fourth}00`,
  `[1-9]${upTo(15, digit)}0000`,
)}`;
const month = '(0[1-9]|1[0-2])';
const day = '(0[1-9]|[12][0-9]|3[01])';
const commonDay = either(
  '(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])',
  '(0[469]|11)-(0[1-9]|[12][0-9]|30)',
  '02-(0[1-9]|1[0-9]|2[0-8])',
);
const date = either(`${year}-${commonDay}`, `${leapYear}-02-29`);
/** The day may end at 24:00:00, and a minute with the leap second 60 (appendix D.2). */
const time = either('([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]+)?', '24:00:00(\\.0+)?');
const zone = '(Z|[+\\-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))?';

// Durations: clause 3.2.6. At least one quantity, and one behind T.

const seconds = '[0-9]+(\\.[0-9]+)?S';
const timeQuantities = `T${either(`[0-9]+H([0-9]+M)?(${seconds})?`, `[0-9]+M(${seconds})?`, seconds)}`;
const dayQuantities = either('[0-9]+Y([0-9]+M)?([0-9]+D)?', '[0-9]+M([0-9]+D)?', '[0-9]+D');
const duration = `-?P${either(`${dayQuantities}(${timeQuantities})?`, timeQuantities)}`;

// URI references: clause 3.2.17, that is RFC 2396 as amended by RFC 2732, after every character that no URI may
// hold has been escaped (XML Linking Language 5.4). RFC 3986, which came later, and zones of RFC 6874 are lawful too.

const hexadecimal = '[0-9A-Fa-f]';

/** Any character but some; `%` only as the start of an escape. */
function characters(excluded: string): string {
  return `([^%#${excluded}]|%${hexadecimal}${hexadecimal})`;
}

const brackets = '\\[\\]';
const path = `(/${characters(`${brackets}?`)}*)?`;
const query = `(\\?${characters('')}*)?`;
const fragment = `(#${characters('')}*)?`;
const scheme = '[A-Za-z][A-Za-z0-9+.\\-]*:';
const groups = `${hexadecimal}+(:${hexadecimal}+)*`;
const ipv4 = '[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+';
/** As RFC 2373 appendix B writes it, to which RFC 2732 refers: what the engine took is not counted anew. */
const ipv6 = `${either(`${groups}(::(${groups})?)?`, `::(${groups})?`)}(:?${ipv4})?`;
const ipv6Zone = '(%25([A-Za-z0-9._~\\-]|%[0-9A-Fa-f][0-9A-Fa-f])+)?';
const ipFuture = "[vV][0-9A-Fa-f]+\\.[A-Za-z0-9._~!$&'()*+,;=:\\-]+";
const bracketedHost = `\\[${either(`${ipv6}${ipv6Zone}`, ipFuture)}\\](:[0-9]*)?`;
const uriReferences = [
  // An absolute path, or the host of an authority by name and its path.
  `(${scheme})?/${characters(`${brackets}?`)}*${query}${fragment}`,
  `(${scheme})?//(${characters(`${brackets}/?@`)}*@)?${bracketedHost}${path}${query}${fragment}`,
  // What is opaque, such as a SIP URI, may hold brackets everywhere but at its start.
  `${scheme}(${characters(`${brackets}/`)}${characters('')}*)?${fragment}`,
  `${characters(`${brackets}?/:`)}+${path}${query}${fragment}`,
  `${query}${fragment}`,
];

/** Lexical forms by the local name of the type, white space collapsed; each type has one pattern or another. */
export const lexicalForms = {
  dateTime: [`${date}T${time}${zone}`],
  date: [`${date}${zone}`],
  time: [`${time}${zone}`],
  gYearMonth: [`${year}-${month}${zone}`],
  gYear: [`${year}${zone}`],
  gMonthDay: [`--${either(commonDay, '02-29')}${zone}`],
  gMonth: [`--${month}${zone}`],
  gDay: [`---${day}${zone}`],
  duration: [duration],
  anyURI: uriReferences,
} as const;

/** A type whose lexical space is stated here. */
export type StatedType = keyof typeof lexicalForms;

export function isStatedType(local: string): local is StatedType {
  return Object.hasOwn(lexicalForms, local);
}
