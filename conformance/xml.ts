/** XML as far as the suite has to read it: small answers with names, namespaces, attributes and text. */

export interface XmlElement {
  readonly namespace: string;
  readonly local: string;
  /** The name as written. */
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** Namespaces that are declared on the element itself, by prefix; '' is the default. */
  readonly declared: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

/** An element whose end is still to come. */
interface Open extends XmlElement {
  readonly scope: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  text: string;
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

class NotXml extends Error {}

function expand(text: string): string {
  if (/[<]|&(?!#[0-9]+;|#x[0-9A-Fa-f]+;|[a-z]+;)/.test(text)) throw new NotXml();
  return text.replace(/&(#x?)?([0-9A-Za-z]+);/g, (_, kind: string | undefined, name: string) => {
    if (kind !== undefined) return String.fromCodePoint(Number.parseInt(name, kind === '#x' ? 16 : 10));
    const character = entities[name];
    if (character === undefined) throw new NotXml();
    return character;
  });
}

const nameStart = String.raw`[^\s<>/&"'=?!\-.0-9]`;
const xmlName = String.raw`${nameStart}[^\s<>/&"'=?!]*`;
const attribute = String.raw`\s+${xmlName}\s*=\s*(?:"[^"<]*"|'[^'<]*')`;
const token = new RegExp(
  String.raw`<!--(?:(?!--)[^])*-->|<\?[^]*?\?>|<!\[CDATA\[(?<cdata>[^]*?)\]\]>|</(?<end>${xmlName})\s*>|` +
    String.raw`<(?<start>${xmlName})(?<attributes>(?:${attribute})*)\s*(?<empty>/?)>|(?<text>[^<]+)`,
  'y',
);

function open(name: string, given: string, parent: Open | undefined): Open {
  const attributes = new Map<string, string>();
  const declared = new Map<string, string>();
  for (const [, key = '', quoted = ''] of given.matchAll(/([^\s=]+)\s*=\s*("[^"]*"|'[^']*')/g)) {
    const value = expand(quoted.slice(1, -1));
    const prefix = key === 'xmlns' ? '' : /^xmlns:(.+)$/.exec(key)?.[1];
    const into = prefix === undefined ? attributes : declared;
    if (into.has(prefix ?? key)) throw new NotXml();
    into.set(prefix ?? key, value);
  }
  const scope = new Map([...(parent?.scope ?? []), ...declared]);
  const colon = name.indexOf(':');
  const namespace = scope.get(colon < 0 ? '' : name.slice(0, colon));
  if (colon >= 0 && namespace === undefined) throw new NotXml();
  const local = name.slice(colon + 1);
  return { namespace: namespace ?? '', local, name, attributes, declared, children: [], text: '', scope };
}

function read(text: string): XmlElement {
  const path: Open[] = [];
  let root: XmlElement | undefined;
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const groups = token.exec(text)?.groups;
    const parent = path.at(-1);
    if (groups === undefined) throw new NotXml();
    if (groups['start'] !== undefined) {
      const element = open(groups['start'], groups['attributes'] ?? '', parent);
      if (parent !== undefined) parent.children.push(element);
      else if (root !== undefined) throw new NotXml();
      else root = element;
      if (groups['empty'] !== '/') path.push(element);
    } else if (groups['end'] !== undefined) {
      if (path.pop()?.name !== groups['end']) throw new NotXml();
    } else if (groups['cdata'] !== undefined) {
      if (parent === undefined) throw new NotXml();
      parent.text += groups['cdata'];
    } else if (groups['text'] !== undefined) {
      if (parent !== undefined) parent.text += expand(groups['text']);
      else if (groups['text'].trim() !== '') throw new NotXml();
    }
  }
  if (root === undefined || path.length > 0) throw new NotXml();
  return root;
}

/** The root element of `text`, or undefined where it is not well-formed or has a document type. */
export function readXml(text: string): XmlElement | undefined {
  try {
    return read(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    if (error instanceof NotXml || error instanceof RangeError) return undefined;
    throw error;
  }
}
