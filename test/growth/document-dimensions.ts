import { filled, pieces, type Load, type Vocabulary } from './load.js';

/** The dimensions of an XML text. Each fills `size` characters. */

type MakeDocument = (room: number, vocabulary: Vocabulary) => string;

/** `content` where elements repeat, in a document whose element has these declarations too. */
function inside({ open, close }: Vocabulary, content: string, declarations = ''): string {
  return `${open(declarations)}${content}${close}`;
}

/** Room in which every dimension has something. */
const fewest = 300;

/** The same, with what `fill` makes of the room that is left. */
function fill(make: (room: number, vocabulary: Vocabulary) => string, declarations = ''): MakeDocument {
  return (size, vocabulary) => {
    const taken = vocabulary.open(declarations).length + vocabulary.close.length;
    return inside(vocabulary, make(Math.max(fewest, size - taken), vocabulary), declarations);
  };
}

/** An element of another namespace, which most schemas let pass. */
const foreign = ' xmlns:f="urn:f"';

const many = (count: number, write: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => write(index)).join('');

/** As many as one element may have, and a few less. */
const attributes = many(250, (index) => ` a${index}=""`);
const declarations = many(60, (index) => ` xmlns:n${index}="urn:n${index}"`);
const levels = 50;

export const documentDimensions: Readonly<Record<string, MakeDocument>> = {
  'siblings, each with its own value': fill((room, { entry }) => pieces(room, (index) => entry(index))),
  'siblings with one value': fill((room, { entry }) => filled(room, entry(0))),
  'siblings of which every other value is taken': fill((room, { entry }) =>
    pieces(room, (index) => entry(index >> 1)),
  ),
  'siblings with one value in spellings of its own': fill(
    (room, { entry }) => pieces(room, (index) => entry(0, ` f:a${index % 1000}="${index}"`)),
    foreign,
  ),
  'unknown elements': fill((room) => filled(room, '<x/>')),
  'unknown elements, each with a name of its own': fill((room) => pieces(room, (index) => `<x${index}/>`)),
  'unknown elements of another namespace': fill((room) => filled(room, '<f:x/>'), foreign),
  'unknown elements, each with a namespace of its own': fill((room) =>
    pieces(room, (index) => `<p:x xmlns:p="urn:${index}"/>`),
  ),
  'elements that the schema refuses': fill((room, { wrong }) => filled(room, wrong)),
  'elements that the schema refuses below one another': fill((room, { wrong }) =>
    filled(room, `<x>${wrong}</x>`),
  ),
  'unknown attributes': fill((room, { entry }) =>
    pieces(room, (index) => entry(index, ' q="1" r="2" s="3"')),
  ),
  'attributes of another namespace': fill(
    (room, { entry }) => pieces(room, (index) => entry(index, ' f:q="1" f:r="2" f:s="3"')),
    foreign,
  ),
  'many attributes of each element': fill(
    (room, { entry }) => pieces(room, (index) => entry(index, attributes.replaceAll(' a', ' f:a'))),
    foreign,
  ),
  'attributes of one element': fill((room, { entry }) =>
    entry(
      0,
      pieces(room - 100, (index) => ` a${index}=""`),
    ),
  ),
  'attributes of one name': fill((room, { entry }) => entry(0, filled(room - 100, ' a=""'))),
  'namespaces of each element': fill((room, { entry }) =>
    pieces(room, (index) => entry(index, declarations)),
  ),
  'namespaces of one element': fill((room, { entry }) =>
    entry(
      0,
      pieces(room - 100, (index) => ` xmlns:n${index}="urn:n"`),
    ),
  ),
  'namespaces of the document element, all used': fill(
    (room) => pieces(room, (index) => `<n${index % 50}:x n${(index + 1) % 50}:a=""/>`),
    declarations.split(' ').slice(0, 52).join(' '),
  ),
  'a namespace with a long name, used by many': (size, vocabulary) =>
    fill((room) => filled(room, '<f:x/>'), ` xmlns:f="urn:${'f'.repeat(size >> 1)}"`)(size, vocabulary),
  'namespaces with long names in each element': fill((room, { entry }) =>
    pieces(room, (index) => entry(index, ` xmlns:f="urn:${index}${'f'.repeat(500)}" f:a=""`)),
  ),
  'namespaces at every level': fill((room) => {
    const level = (index: number): string => `<f:x xmlns:l${index}="urn:l${index}">`;
    return filled(room, many(levels, level) + '</f:x>'.repeat(levels));
  }, foreign),
  'one level below the other': fill(
    (room) => '<f:x>'.repeat(room / 11) + '</f:x>'.repeat(room / 11),
    foreign,
  ),
  'levels, again and again': fill(
    (room) => filled(room, '<f:x>'.repeat(levels) + '</f:x>'.repeat(levels)),
    foreign,
  ),
  'levels that are not closed': fill((room) => filled(room, '<f:x>'), foreign),
  'a long name of an element': fill((room) => `<f:${'x'.repeat(room - 5)}/>`, foreign),
  'a long name of an attribute': fill((room, { entry }) => entry(0, ` ${'a'.repeat(room - 100)}=""`)),
  'a long prefix': fill((room) => {
    const prefix = 'p'.repeat(room / 3);
    return `<${prefix}:x xmlns:${prefix}="urn:p"/>`;
  }),
  'a long value of an attribute': fill(
    (room, { entry }) => entry(0, ` f:a="${'v'.repeat(room - 100)}"`),
    foreign,
  ),
  'list items in a value': fill((room, { entry }) => entry(0, ` f:a="${filled(room - 100, 'i ')}"`), foreign),
  'list items in an identifier': fill((room, { entry }) =>
    entry(0).replace(/"[^"]*"/, `"${filled(room, 'i ')}"`),
  ),
  'references in a value': fill(
    (room, { entry }) => entry(0, ` f:a="${filled(room - 100, '&#65;')}"`),
    foreign,
  ),
  'names of types': fill(
    (room, { entry }) => pieces(room, (index) => entry(index, ' xsi:type="f:x"')),
    `${foreign} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`,
  ),
  'places of schemas': fill(
    (room, { entry }) => pieces(room, (index) => entry(index, ' xsi:schemaLocation="urn:f f.xsd"')),
    `${foreign} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`,
  ),
  'one long text': fill((room, { entry }) => entry(0, '', 't'.repeat(room - 100))),
  'one long text of several octets each': fill((room, { entry }) =>
    entry(0, '', 'ü☎'.repeat((room - 100) / 5)),
  ),
  'white space': fill((room) => filled(room, ' ')),
  'line ends': fill((room) => filled(room, '\r\n')),
  'references in a text': fill((room, { entry }) => entry(0, '', filled(room - 100, '&#65;&amp;'))),
  'texts that comments part': fill((room, { entry }) => entry(0, '', filled(room - 100, 't<!---->'))),
  'texts that elements part': fill((room, { entry }) => entry(0, '', filled(room - 100, 't<f:x/>')), foreign),
  'texts, each in its element': fill((room, { entry }) =>
    pieces(room, (index) => entry(index, '', `t${index}`)),
  ),
  comments: fill((room) => filled(room, '<!--c-->')),
  'one long comment': fill((room) => `<!--${filled(room - 7, '- ')}-->`),
  'CDATA sections': fill((room, { entry }) => entry(0, '', filled(room - 100, '<![CDATA[c]]>'))),
  'one long CDATA section': fill((room, { entry }) => entry(0, '', `<![CDATA[${filled(room - 120, ']')}]]>`)),
  'processing instructions': fill((room) => filled(room, '<?p i?>')),
  'less-than signs': fill((room) => filled(room, '<')),
  ampersands: fill((room) => filled(room, '&')),
  'comments without end': fill((room) => filled(room, '<!--')),
  'CDATA sections without end': fill((room) => filled(room, '<![CDATA[')),
  'end tags': fill((room) => filled(room, '</x>')),
  'entities of a document type': (size) => `<!DOCTYPE a [${filled(size - 20, '<!ENTITY b "c">')}]><a/>`,
  'white space before the document': (size, vocabulary) => filled(size, ' ') + inside(vocabulary, ''),
  'comments behind the document': (size, vocabulary) => inside(vocabulary, '') + filled(size, '<!--c-->'),
  'an XML declaration': (size, vocabulary) =>
    `<?xml version="1.0"${filled(size, ' ')}?>${inside(vocabulary, '')}`,
  'octets that are no UTF-8': (size) => filled(size, '\uD800'),
  'control characters': fill((room) => filled(room, '\u0001')),
};

/** A document dimension as a load. */
export function documentLoad(make: MakeDocument, size: number, vocabulary: Vocabulary): Load {
  return { body: make(size, vocabulary) };
}
