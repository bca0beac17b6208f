/**
 * Character data of XML 1.0: expansion of references and normalisation, as far as a text without a
 * document type declaration needs them (clauses 2.11, 3.3.3 and 4.1).
 */

const predefined = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

/** Whether XML 1.0 allows the code point in a document (clause 2.2). */
export function isXmlCharacter(codePoint: number): boolean {
  return (
    codePoint === 0x9 ||
    codePoint === 0xa ||
    codePoint === 0xd ||
    (codePoint >= 0x20 && codePoint <= 0xd7ff) ||
    (codePoint >= 0xe000 && codePoint <= 0xfffd) ||
    (codePoint >= 0x10000 && codePoint <= 0x10ffff)
  );
}

/** The character that a reference names (the text between `&` and `;`), or undefined where it names none. */
function referenced(name: string): string | undefined {
  if (!name.startsWith('#')) return predefined.get(name);
  const hexadecimal = /^#x0*([0-9A-Fa-f]{1,6})$/.exec(name)?.[1];
  const decimal = /^#0*([0-9]{1,7})$/.exec(name)?.[1];
  const codePoint =
    hexadecimal !== undefined
      ? Number.parseInt(hexadecimal, 16)
      : decimal !== undefined
        ? Number.parseInt(decimal, 10)
        : -1;
  return isXmlCharacter(codePoint) ? String.fromCodePoint(codePoint) : undefined;
}

/** `text` with its references expanded, or undefined where one of them is not legal here. */
export function expandReferences(text: string): string | undefined {
  if (!text.includes('&')) return text;
  // Joined, and not appended one by one: such a text would keep all that it was made of.
  const parts: string[] = [];
  let from = 0;
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', from)) {
    const end = text.indexOf(';', at);
    if (end < 0) return undefined;
    const character = referenced(text.slice(at + 1, end));
    if (character === undefined) return undefined;
    parts.push(text.slice(from, at), character);
    from = end + 1;
  }
  parts.push(text.slice(from));
  return parts.join('');
}

/** Line ends folded to LF (clause 2.11). */
export function foldLineEnds(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}

/** The value of an attribute whose literal is `literal`, or undefined where a reference in it is not legal. */
export function attributeValue(literal: string): string | undefined {
  const spaced = /[\t\n\r]/.test(literal) ? foldLineEnds(literal).replace(/[\t\n]/g, ' ') : literal;
  return expandReferences(spaced);
}
