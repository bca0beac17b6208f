import fc from 'fast-check';

/**
 * Lexical forms of the built-in types of XML Schema part 2, right and wrong ones mixed: each is put together from
 * pieces of which some do not belong.
 */

type Forms = fc.Arbitrary<string>;

const one = (...pieces: readonly string[]): Forms => fc.constantFrom(...pieces);

/** The pieces in this order. */
function row(...parts: readonly Forms[]): Forms {
  return fc.tuple(...parts).map((pieces) => pieces.join(''));
}

/** Any pieces in any order. */
function heap(most: number, ...pieces: readonly string[]): Forms {
  return fc.array(fc.constantFrom(...pieces), { maxLength: most }).map((chosen) => chosen.join(''));
}

const space = one('', '', '', ' ', '\n', '\t', ' \r\n ', '\u00A0');

/** `forms` with white space around them, now and then. */
const spaced = (forms: Forms): Forms => row(space, forms, space);

const year = one(
  '2026',
  '2027',
  '2024',
  '2000',
  '1900',
  '0004',
  '0001',
  '0000',
  '-0001',
  '-2024',
  '12026',
  '12400',
);
const oddYear = one('012026', '26', '+2026', '-0000', '99999999999999999999', '');
const month = one('01', '02', '02', '04', '06', '09', '11', '12', '00', '13', '1');
const day = one('01', '28', '29', '29', '30', '31', '00', '32', '1');
const dash = one('-', '-', '-', '-', '-', '-', '-', '/');
const hour = one('00', '08', '23', '24', '24', '25', '8');
const minute = one('00', '00', '59', '60', '5');
const second = one('00', '00', '00.0', '59', '60', '61', '59.999999999999999999999', '00.', '.5', '5');
const zone = one(
  '',
  'Z',
  'z',
  '+00:00',
  '-00:00',
  '+14:00',
  '-14:00',
  '+14:01',
  '+13:59',
  '+15:00',
  '+1:00',
  '+0100',
);
const anyYear = fc.oneof({ weight: 4, arbitrary: year }, { weight: 1, arbitrary: oddYear });
const rightDate = row(year, one('-02-', '-04-', '-12-'), one('01', '28', '29', '30'));
const date = fc.oneof(rightDate, row(anyYear, dash, month, dash, day));
const rightTime = one('00:00:00', '24:00:00', '23:59:60', '08:15:00.125', '24:00:00.00');
const time = fc.oneof(rightTime, row(hour, one(':'), minute, one(':', ':', ':', ''), second));

const digits = one(
  '0',
  '00',
  '1',
  '007',
  '255',
  '256',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '4294967295',
);
const moreDigits = one(
  '4294967296',
  '9'.repeat(24),
  '9'.repeat(25),
  '9'.repeat(60),
  '',
  '1.0',
  '0x1',
  '1e2',
  '٣',
);
const whole = row(one('', '', '', '+', '-', '--', '- '), fc.oneof(digits, digits, moreDigits));

const quantity = (unit: string): Forms =>
  one('', '', `1${unit}`, `0${unit}`, `007${unit}`, `1.5${unit}`, `-1${unit}`);
const duration = row(
  one('', '', '', '-', '+'),
  one('P', 'P', 'P', 'P', 'p', ''),
  ...['Y', 'M', 'D'].map(quantity),
  one('T', 'T', ''),
  ...['H', 'M', 'S'].map(quantity),
  one('', '', '', '1.5S', '.5S', '5.S', '99999999999999999999S', '1W'),
);

const rightDuration = one(
  'PT10S',
  'P1Y2M3DT4H5M6.7S',
  '-P1D',
  'P1M',
  'PT1M',
  'PT36H',
  'P0D',
  'PT0.5S',
  'P2YT1S',
);

const host = one(
  ...['police.example', '192.0.2.1', '[::1]', '[2001:db8::1]', '[::ffff:192.0.2.1]', '[1:2:3:4:5:6:7:8]', ''],
  ...[
    '[1:2:3:4:5:6:7]',
    '[1::2::3]',
    '[12345::]',
    '[zz]',
    '[]',
    '[::ffff:192.0.2.256]',
    '[::1',
    '::1]',
    'pölice',
  ],
);
const uri = row(
  one('', 'http://', 'sip:', 'sips:', 'tel:', 'urn:x:', '//', '1a:', 'ä:', ':', 'a+b-c.d:', '/', '?', '#'),
  one('', '', 'user@', 'us%65r@', 'user:password@', 'us er@', 'a@b@', '%', '%zz', '+15550100', 'ü@', 'a|b'),
  host,
  one('', '', ':5060', ':', ':x'),
  one(
    '',
    '',
    '/a/b',
    '/a;b=1',
    ';transport=tcp',
    '/a b',
    '/a[1]',
    '/ü',
    '/%41',
    '/%4',
    '/"a"<b>',
    '/..',
    '/a:b',
  ),
  one('', '', '?q', '?q[1]', '?a=b&c', '??', '?%'),
  one('', '', '#f', '#f#', '#[', '#%4'),
);

const nameStart = one('a', '_', 'é', '中', 'Ω', '1', '-', '.', ':', '·', '²', ' ');
const names = row(nameStart, heap(4, 'a', 'Z', '1', '-', '.', '_', 'é', '·', '\u0300', '中', ':', ' ', '²'));

/** Forms by the local name of the type. */
export const lexicalForms: Readonly<Record<string, Forms>> = {
  dateTime: spaced(row(date, one('T', 'T', 'T', 'T', 't', ' '), time, zone)),
  date: spaced(row(date, zone)),
  time: spaced(row(time, zone)),
  gYear: spaced(row(anyYear, zone)),
  gYearMonth: spaced(row(anyYear, dash, month, zone)),
  gMonthDay: spaced(row(one('--', '--', '-'), month, dash, day, zone)),
  gMonth: spaced(row(one('--', '--', '-'), month, zone)),
  gDay: spaced(row(one('---', '---', '--'), day, zone)),
  duration: spaced(
    fc.oneof(rightDuration, duration, heap(8, 'P', 'T', '1', '0', 'Y', 'M', 'D', 'H', 'S', '.', '-')),
  ),
  anyURI: spaced(
    fc.oneof(uri, heap(8, 'a', '1', ':', '/', '?', '#', '@', '[', ']', '%41', '%', ' ', 'é', '<')),
  ),
  boolean: spaced(one('true', 'false', '0', '1', 'TRUE', 'True', 'yes', '', '2', '00', '+1', 'true false')),
  decimal: spaced(
    fc.oneof(whole, row(whole, one('.5', '.', '.00', ',5')), heap(5, '1', '0', '.', '+', '-', 'e', ' ')),
  ),
  integer: spaced(whole),
  nonNegativeInteger: spaced(whole),
  positiveInteger: spaced(whole),
  unsignedByte: spaced(whole),
  unsignedShort: spaced(whole),
  unsignedInt: spaced(whole),
  int: spaced(whole),
  hexBinary: spaced(heap(6, '0', 'A', 'f', '9', '0A', 'G', ' ', '0x')),
  language: spaced(heap(5, 'en', 'EN', 'i', 'abcdefgh', 'abcdefghi', '-', '-', '-', '1996', '_', 'é', ' ')),
  token: spaced(heap(5, 'a', ' ', '\t', '\n', 'é')),
  string: spaced(heap(5, 'a', ' ', '\t', '\n', 'é')),
  ID: spaced(names),
  NCName: spaced(names),
};
