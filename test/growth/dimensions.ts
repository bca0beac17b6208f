import { documentDimensions } from './document-dimensions.js';
import { filled, pieces, type Carrier, type Make } from './load.js';

/** The dimensions that a sender controls, by what carries them. A new one is one line. */

const texts = (made: Readonly<Record<string, (size: number) => string>>): Record<string, Make> =>
  Object.fromEntries(Object.entries(made).map(([name, make]) => [name, (size) => ({ body: make(size) })]));

/** Behind what every configuration needs. */
const configurations = (made: Readonly<Record<string, (size: number) => string>>): Record<string, Make> =>
  Object.fromEntries(
    Object.entries(made).map(([name, make]): [string, Make] => [
      name,
      (size, { open }) => ({ body: open('') + make(size) }),
    ]),
  );

const of = (
  part: 'selector' | 'query' | 'path',
  made: Readonly<Record<string, (size: number) => string>>,
): Record<string, Make> =>
  Object.fromEntries(Object.entries(made).map(([name, make]) => [name, (size) => ({ [part]: make(size) })]));

const fields = (
  made: Readonly<Record<string, (size: number) => Record<string, string | string[]>>>,
): Record<string, Make> =>
  Object.fromEntries(Object.entries(made).map(([name, make]) => [name, (size) => ({ fields: make(size) })]));

const numbered = (size: number, write: (index: number) => string): string[] =>
  pieces(size, (index) => `${write(index)}\n`)
    .trimEnd()
    .split('\n');

const xui = 'X-3GPP-Asserted-Identity';

export const dimensions: Readonly<Record<Carrier, Readonly<Record<string, Make>>>> = {
  document: Object.fromEntries(
    Object.entries(documentDimensions).map(([name, make]): [string, Make] => [
      name,
      (size, vocabulary) => ({ body: make(size, vocabulary) }),
    ]),
  ),
  value: texts({
    'one long value': (size) => filled(size, 'v'),
    'list items': (size) => filled(size, 'i '),
    'character references': (size) => filled(size, '&#65;'),
    'entity references': (size) => filled(size, '&amp;'),
    'characters that need a reference': (size) => filled(size, '"'),
    'bare ampersands': (size) => filled(size, '&'),
    'less-than signs': (size) => filled(size, '<'),
    'characters of several octets': (size) => 'ü☎'.repeat(size / 5),
    'line ends': (size) => filled(size, '\r\n'),
    'one long URI': (size) => `sip:${filled(size - 20, 'u')}@police.example`,
    'a URI with many parameters': (size) => `sip:u@police.example${pieces(size - 20, (at) => `;p${at}=v`)}`,
    'a URI with many escapes': (size) => `sip:${filled(size - 20, '%41')}@police.example`,
  }),
  expression: texts({
    'predicates of one step': (size) => `ls:list${filled(size, '[1]')}`,
    'predicates in one another': (size) => `ls:list${'[ls:a'.repeat(size / 6)}${']'.repeat(size / 6)}`,
    steps: (size) => `ls:list${filled(size, '/ls:a')}`,
    'steps to all descendants': (size) => `ls:list${filled(size, '//ls:a')}`,
    unions: (size) => `ls:list${filled(size, '|ls:a')}`,
    sums: (size) => `ls:list[1${filled(size - 10, '+1')}]`,
    parentheses: (size) => `${'('.repeat(size / 2)}ls:list${')'.repeat(size / 2)}`,
    'arguments of a function': (size) => `ls:list[concat(1${filled(size - 20, ',1')})]`,
    'calls in one another': (size) => `ls:list[${'not('.repeat(size / 5)}1${')'.repeat(size / 5)}]`,
    'one long literal': (size) => `ls:list[.='${filled(size - 20, 'l')}']`,
    'one long name': (size) => `ls:${filled(size, 'n')}`,
    'white space': (size) => `ls:list${filled(size, ' ')}`,
    'minus signs': (size) => `ls:list[${filled(size, '-')}1]`,
  }),
  fields: fields({
    'fields, each with a name of its own': (size) =>
      Object.fromEntries(
        numbered(size - 5 * (size / 12), (index) => `X-${index}`).map((name) => [name, 'v']),
      ),
    'one field many times': (size) => ({ 'X-Many': Array<string>(Math.floor(size / 14)).fill('v') }),
    'a long field': (size) => ({ 'X-Long': 'v'.repeat(size) }),
    'a long name of a field': (size) => ({ [`X-${'n'.repeat(size)}`]: 'v' }),
    cookies: (size) => ({ Cookie: Array<string>(Math.floor(size / 14)).fill('a=b') }),
    'tags in If-Match': (size) => ({ 'If-Match': numbered(size - size / 4, (at) => `"t${at}"`).join(', ') }),
    'weak tags in If-Match': (size) => ({ 'If-Match': filled(size, 'W/"t", ').slice(0, -2) }),
    'a long tag in If-Match': (size) => ({ 'If-Match': `"${'t'.repeat(size)}"` }),
    'commas in If-Match': (size) => ({ 'If-Match': filled(size, ' ,') + ',' }),
    'a broken If-Match': (size) => ({ 'If-Match': `"t"${filled(size, ' ')}x` }),
    'tags in If-None-Match': (size) => ({ 'If-None-Match': filled(size, '"t", ').slice(0, -2) }),
    'types in Accept': (size) => ({ Accept: filled(size, 'a/b;q=0.1, ').slice(0, -2) }),
    'parameters in Accept': (size) => ({ Accept: `a/b${filled(size, ';c="d"')}` }),
    'spaces in Accept': (size) => ({ Accept: `a/b${filled(size, ' ;')}!` }),
    'parameters of Content-Type': (size) => ({ 'Content-Type': `text/xml${filled(size, ';c="d"')}` }),
    'spaces in Content-Type': (size) => ({ 'Content-Type': `text/xml${filled(size, ' ')};` }),
    'codings in Content-Encoding': (size) => ({ 'Content-Encoding': filled(size, 'utf-8, ').slice(0, -2) }),
    'a long identity': (size) => ({ [xui]: `sip:${'u'.repeat(size)}@police.example` }),
    'an identity in spaces': (size) => ({ [xui]: `a${filled(size, ' \t')}b` }),
    'an identity in quotes': (size) => ({ [xui]: filled(size, '"') }),
    'identities in a list': (size) => ({
      [xui]: filled(size, 'sip:u@police.example, ') + 'sip:u@police.example',
    }),
    'hops of gateways': (size) => ({ 'X-MCGMS-Hops': filled(size, 'h, ') + 'h' }),
    'hops with spaces': (size) => ({ 'X-MCGMS-Hops': `h${filled(size, ' ')}h` }),
    'a long incarnation': (size) => ({ 'X-MCGMS-Incarnation': 'i'.repeat(size) }),
    'a long withdrawal': (size) => ({ 'X-MCGMS-Withdrawal': `"${'w'.repeat(size)}"` }),
  }),
  answer: fields({
    'fields, each with a name of its own': (size) =>
      Object.fromEntries(
        numbered(size - 5 * (size / 12), (index) => `X-${index}`).map((name) => [name, 'v']),
      ),
    'one field many times': (size) => ({ 'X-Many': Array<string>(Math.floor(size / 14)).fill('v') }),
    'a long tag': (size) => ({ ETag: `"${'t'.repeat(size)}"` }),
    'a broken tag': (size) => ({ ETag: `"t"${filled(size, ' ')}x` }),
    'a long incarnation': (size) => ({ 'X-MCGMS-Incarnation': 'i'.repeat(size) }),
    'a long Retry-After': (size) => ({ 'Retry-After': filled(size, '9') }),
    'a broken date in Retry-After': (size) => ({ 'Retry-After': `Sun, ${filled(size, ' ')} GMT` }),
    'parameters of Content-Type': (size) => ({ 'Content-Type': `text/xml${filled(size, ';c="d"')}` }),
    'spaces in Content-Type': (size) => ({ 'Content-Type': `text/xml${filled(size, ' ')};` }),
  }),
  selector: of('selector', {
    steps: (size) => filled(size, 'a/') + 'a',
    'any steps': (size) => filled(size, '*/') + '*',
    'positions of one step': (size) => `a${filled(size, '%5B1%5D')}`,
    'a long position': (size) => `a%5B${filled(size, '9')}%5D`,
    'a long name': (size) => filled(size, 'a'),
    'colons in a name': (size) => filled(size, 'a:') + 'a',
    'a long value of a predicate': (size) => `*/*%5B@a=%22${filled(size, 'v')}%22%5D`,
    'references in the value of a predicate': (size) => `*/*%5B@a=%22${filled(size, '&amp;')}%22%5D`,
    'a value of a predicate without end': (size) => `*/*%5B@a=%22${filled(size, 'v')}`,
    'percent-encodings': (size) => filled(size, '%41'),
    'bad percent-encodings': (size) => filled(size, '%4'),
    brackets: (size) => `a${filled(size, '[')}`,
    quotes: (size) => `a[@b=${filled(size, "'")}`,
    slashes: (size) => `a${filled(size, '/')}`,
    'at signs': (size) => `a/${filled(size, '@')}`,
    'another separator': (size) => filled(size, 'a/~~/'),
  }),
  query: of('query', {
    'bindings of prefixes': (size) => pieces(size, (index) => `xmlns(p${index}=urn:p)`),
    'bindings of one prefix': (size) => filled(size, 'xmlns(p=urn:p)'),
    'a long namespace': (size) => `xmlns(p=${filled(size, 'u')})`,
    'a long prefix': (size) => `xmlns(${filled(size, 'p')}=urn:p)`,
    'bindings without end': (size) => filled(size, 'xmlns('),
    'escapes of parentheses': (size) => `xmlns(p=${filled(size, '^)')})`,
    parameters: (size) => pieces(size, (index) => `p${index}=v&`),
    'one parameter many times': (size) => filled(size, 'limit=1&'),
    'white space': (size) => `xmlns(p=urn:p)${filled(size, '%20')}x`,
  }),
  path: of('path', {
    'a long name': (size) => filled(size, 'n'),
    'a long group ID': (size) => `sip%3A${filled(size, 'n')}%40police.example`,
    'a group ID with parameters': (size) => `sip%3An%40police.example${pieces(size, (at) => `%3Bp${at}=v`)}`,
    segments: (size) => filled(size, 'n/') + 'n',
    slashes: (size) => filled(size, '/') + 'n',
    dots: (size) => filled(size, '../') + 'n',
    'percent-encodings': (size) => filled(size, '%41'),
    'bad percent-encodings': (size) => filled(size, '%'),
    'characters of several octets': (size) => filled(size, '%C3%BC'),
    tildes: (size) => filled(size, '~'),
  }),
  json: texts({
    'a long group ID': (size) => `{"group":"sip:${filled(size - 50, 'g')}@police.example"}`,
    'names in an object': (size) => `{${pieces(size - 10, (at) => `"n${at}":1,`)}"x":1}`,
    'one name in an object': (size) => `{${filled(size - 20, '"group":"sip:g@police.example",')}"group":1}`,
    'groups in a list': (size) =>
      `{"user":"sip:unit-71@police.example","groups":[${pieces(size - 100, (at) => `"sip:g${at}@police.example",`)}"sip:g@police.example"]}`,
    'one group in a list': (size) =>
      `{"user":"sip:unit-71@police.example","groups":[${filled(size - 100, '"sip:g@police.example",')}"sip:g@police.example"]}`,
    'lists in one another': (size) => '['.repeat(size / 2) + ']'.repeat(size / 2),
    'objects in one another': (size) => '{"a":'.repeat(size / 5),
    'white space': (size) => filled(size, ' '),
    escapes: (size) => `"${filled(size, '\\u0041')}"`,
    'a long number': (size) => filled(size, '9'),
  }),
  yaml: configurations({
    peers: (size) =>
      `peers:\n${pieces(size, (at) => `- {name: p${at}, identity: 'sip:g@p${at}.example', root: 'http://p${at}.example/r', domains: [p${at}.example]}\n`)}`,
    'peers with one name': (size) =>
      `peers:\n${filled(size, `- {name: p, identity: 'sip:g@p.example', root: 'http://p.example/r', domains: [p.example]}\n`)}`,
    administrators: (size) =>
      `identity:\n  administrators:\n${pieces(size, (at) => `  - sip:u${at}@police.example\n`)}`,
    'one administrator': (size) =>
      `identity:\n  administrators:\n${filled(size, '  - sip:u@police.example\n')}`,
    domains: (size) => `peers:\n- name: p\n  domains: [${pieces(size, (at) => `d${at}.example, `)}]`,
    'prefixes of numbers': (size) =>
      `peers:\n- name: p\n  telPrefixes: [${pieces(size, (at) => `'tel:+1${at}', `)}]`,
    'groups of a gateway': (size) =>
      `gms:\n- name: a\n  identity: sip:a@a.example\n  root: http://a.example/r\n  groups:\n${pieces(size / 2, (at) => `  - 'sip:g${at}-*@police.example'\n`)}- name: b\n  identity: sip:b@a.example\n  root: http://b.example/r\n  groups:\n${pieces(size / 2, (at) => `  - 'sip:*-${at}@police.example'\n`)}`,
    'servers of a gateway': (size) =>
      `gms:\n${pieces(size, (at) => `- {name: g${at}, identity: 'sip:g${at}@a.example', root: 'http://g${at}.example/r', groups: ['sip:g${at}-*@police.example']}\n`)}`,
    usages: (size) =>
      `usages:\n  declared:\n${pieces(size, (at) => `  - {auid: u${at}, defaultNamespace: 'urn:u', mediaType: application/u+xml, unique: [{element: a, attribute: b}]}\n`)}`,
    'options that nobody knows': (size) => pieces(size, (at) => `x${at}: 1\n`),
    'one option many times': (size) => filled(size, 'log: {}\n'),
    'values that are wrong': (size) => `peers:\n${filled(size, '- {name: 1, domains: x}\n')}`,
    'a long value': (size) => `log:\n  level: ${filled(size, 'n')}`,
    'a long name': (size) => `${filled(size, 'n')}: 1`,
    'lists in one another': (size) => '['.repeat(size / 2) + ']'.repeat(size / 2),
    'lists that are not closed': (size) => filled(size, '['),
    'objects that are not closed': (size) => filled(size, '{a: '),
    'levels of indentation': (size) => pieces(size, (at) => `${' '.repeat(at)}a:\n`),
    comments: (size) => filled(size, '# c\n'),
    'white space': (size) => filled(size, ' '),
    'line ends': (size) => filled(size, '\r\n'),
    anchors: (size) => `a0: &a0 [x]\n${pieces(size, (at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}]\n`)}`,
    quotes: (size) => filled(size, '"'),
    documents: (size) => filled(size, '---\n'),
    tags: (size) => filled(size, '- !!str a\n'),
    'a folded text': (size) => `a: >\n${filled(size, '  b\n')}`,
    'question marks': (size) => filled(size, '? a\n'),
  }),
  documents: { documents: (documents) => ({ documents }) },
};
