/** Documents that pass the gate and take the most memory for their octets; each of another number is another text. */

const group = (content: string, declarations = ''): string =>
  `<group xmlns="urn:oma:xml:poc:list-service" xmlns:cp="urn:ietf:params:xml:ns:common-policy"${declarations}>` +
  `<list-service uri="sip:g@h">${content}</list-service></group>`;

function times(count: number, one: (at: number) => string): string {
  return Array.from({ length: count }, (_, at) => one(at)).join('');
}

const shapes: Readonly<Record<string, (number: number) => string>> = {
  '256 attributes for each element': (number) =>
    group(times(50, () => `<a${times(255, (at) => ` a${at}="${number}"`)}/>`)),
  '64 namespaces for each element': (number) =>
    group(times(80, () => `<a${times(64, (at) => ` xmlns:p${at}="${number}"`)}/>`)),
  'many tiny elements': (number) => group(`<list>${times(10_000, () => '<a/>')}</list>${number}`),
  'many elements below each other': (number) =>
    group(times(150, () => `${'<a>'.repeat(60)}${number}${'</a>'.repeat(60)}`)),
  'many members': (number) =>
    group(`<list>${times(10_000, (at) => `<entry uri="a:${at}-${number}"/>`)}</list>`),
  'many rules': (number) =>
    group(
      `<cp:ruleset>${times(300, () => `<cp:rule id="a"><cp:conditions><cp:identity>${times(10, (at) => `<cp:one id="sip:${at}-${number}@h"/>`)}</cp:identity></cp:conditions></cp:rule>`)}</cp:ruleset>`,
    ),
  'tiny documents': (number) => group(`${number}`),
  'long names': (number) =>
    group(times(100, (at) => `<${'a'.repeat(1000)}${at} ${'b'.repeat(1000)}${number}=""/>`)),
  'values of references': (number) => group(`<a b="${'&#65;'.repeat(50_000)}${number}"/>`),
  'characters of two bytes': (number) => group(`${'a'.repeat(500_000)}\u{1F692}${number}`),
};

export const worstShapes: Readonly<Record<string, (number: number) => Buffer>> = Object.fromEntries(
  Object.entries(shapes).map(([name, make]) => [name, (number: number) => Buffer.from(make(number), 'utf8')]),
);
