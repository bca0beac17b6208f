/**
 * The lexical spaces of the built-in types that the engine judges otherwise than XML Schema part 2 (1.0, second
 * edition) does: it takes no white space around a date or a duration, no leap second, no long fraction, no large
 * number, no bracket in a SIP URI; and it takes a duration of "PT5.S" and a host of "[zz]".
 *
 * Each is a regular expression that XML Schema and JavaScript (flag `u`) read alike. It has the whole truth about
 * its type: days are counted by month and leap year. Every choice in it is made at its start or within a few
 * characters, so that the engine, which tracks back, takes linear time.
 */

/** One of several. */
function either(...patterns: readonly string[]): string {
  return `(${patterns.join('|')})`;
}

// Dates and times: clauses 3.2.7 to 3.2.14 and appendix D.

// A year has four digits or more (without a leading zero then); we take up to twenty.
const year = `-?${either('[1-9][0-9]{3,19}', '0[1-9][0-9]{2}', '00[1-9][0-9]', '000[1-9]')}`;
/** Two digits that 4 divides, 00 left out. */
const fourth = '(0[48]|[2468][048]|[13579][26])';
const leapYear = `-?${either(
  `([1-9][0-9]{1,17}|0[0-9])${fourth}`,
  `([1-9][0-9]{0,15})?${fourth}00`,
  '[1-9][0-9]{0,15}0000',
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

/** Any character but some; `%` only as the start of an escape. */
function characters(excluded: string): string {
  return `([^%#${excluded}]|%[0-9A-Fa-f]{2})`;
}

const brackets = '\\[\\]';
const path = `(/${characters(`${brackets}?`)}*)?`;
const query = `(\\?${characters('')}*)?`;
const fragment = `(#${characters('')}*)?`;
const scheme = '[A-Za-z][A-Za-z0-9+.\\-]*:';
const h16 = '[0-9A-Fa-f]{1,4}';
const octet = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const ls32 = either(`${h16}:${h16}`, `${octet}(\\.${octet}){3}`);
/** Up to `most` groups before the double colon. */
const before = (most: number): string => `((${h16}:){0,${most - 1}}${h16})?::`;
const ipv6 = either(
  `(${h16}:){6}${ls32}`,
  `::(${h16}:){5}${ls32}`,
  `${before(1)}(${h16}:){4}${ls32}`,
  `${before(2)}(${h16}:){3}${ls32}`,
  `${before(3)}(${h16}:){2}${ls32}`,
  `${before(4)}${h16}:${ls32}`,
  `${before(5)}${ls32}`,
  `${before(6)}${h16}`,
  before(7),
);
const ipv6Zone = '(%25([A-Za-z0-9._~\\-]|%[0-9A-Fa-f]{2})+)?';
const ipFuture = "[vV][0-9A-Fa-f]+\\.[A-Za-z0-9._~!$&'()*+,;=:\\-]+";
const bracketedHost = `\\[${either(`${ipv6}${ipv6Zone}`, ipFuture)}\\](:[0-9]*)?`;
/** An absolute path, or the host of an authority by name and its path; or a host in brackets. */
const hierarchical = either(
  `/${characters(`${brackets}?`)}*`,
  `//(${characters(`${brackets}/?@`)}*@)?${bracketedHost}${path}`,
);
const uriReference = either(
  `(${scheme})?${hierarchical}${query}${fragment}`,
  // What is opaque, such as a SIP URI, may hold brackets everywhere but at its start.
  `${scheme}(${characters(`${brackets}/`)}${characters('')}*)?${fragment}`,
  `(${characters(`${brackets}?/:`)}+${path})?${query}${fragment}`,
);

/** Patterns of lexical forms, white space collapsed, by the local name of the type. */
export const lexicalForms = {
  dateTime: `${date}T${time}${zone}`,
  date: `${date}${zone}`,
  time: `${time}${zone}`,
  gYearMonth: `${year}-${month}${zone}`,
  gYear: `${year}${zone}`,
  gMonthDay: `--${either(commonDay, '02-29')}${zone}`,
  gMonth: `--${month}${zone}`,
  gDay: `---${day}${zone}`,
  duration,
  anyURI: uriReference,
} as const;

/** A type whose lexical space is stated here. */
export type StatedType = keyof typeof lexicalForms;

export function isStatedType(local: string): local is StatedType {
  return Object.hasOwn(lexicalForms, local);
}
