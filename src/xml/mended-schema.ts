import { isStatedType, lexicalForms } from './built-in-types.js';
import { escapeAttribute } from './build.js';
import { gateBytes, type GatedText } from './gate.js';
import { XmlRefused } from './refusal.js';
import { parseQName } from './names.js';
import { namespacesInScope, type LocatedAttribute, type LocatedElement } from './tree.js';
import { unlimited } from './scan.js';

/**
 * Schemas as the engine is given them. Where a schema names a built-in type that the engine judges wrongly, it is
 * given a type of ours instead, which has the lexical space of `built-in-types.ts`. Documents are never changed,
 * and the engine goes on to find errors in one pass, each with its place.
 *
 * Subtle: each type of ours is a union, though mostly of one member: a value that fits no member is then reported in
 * one short message without the pattern, which `inTermsOfTheStandard` makes what it would be for the built-in type.
 * A document may also say by `xsi:type` that an element is of the very type that it is declared with; the engine
 * lets it say so only where that type is a member of the union. So there are two sets of types: the exact ones, and
 * those for documents that speak of `xsi:`, to which the built-in type is added, and with it what the engine takes
 * too much.
 *
 * A restriction by facets keeps the engine's type, since a union has no bounds. No schema that ships has one.
 */

/** How exact the types are that stand for built-in ones. */
export type TypeSet = 'exact' | 'with-xsi-type';

const xsd = 'http://www.w3.org/2001/XMLSchema';
const xsi = 'http://www.w3.org/2001/XMLSchema-instance';
const namespace = 'urn:mcgms:ns:built-in-types:1';
const prefix = 'mcgms-built-in-types';

/** Name of the file that declares the types of ours; there is none, it is served to the engine. */
export const typesFile = `${prefix}.xsd`;

/** The set of types that a document is judged with. */
export function typeSetFor(text: string): TypeSet {
  return text.includes(xsi) ? 'with-xsi-type' : 'exact';
}

function facet(pattern: string): string {
  return `<xs:pattern value="${escapeAttribute(pattern)}"/>`;
}

/** Characters of a date, a time or a duration; XML Schema lets a processor have a limit (part 2 clause 5). */
const longestTime = 100;

/** The schema that declares the types of ours. */
export function typesSchema(set: TypeSet): Uint8Array {
  const types = Object.entries(lexicalForms).map(([name, patterns]) => {
    const builtIn = set === 'exact' ? '' : ` xs:${name}`;
    const bound = name === 'anyURI' ? '' : `<xs:maxLength value="${longestTime}"/>`;
    return `<xs:simpleType name="${name}-form"><xs:restriction base="xs:string">
<xs:whiteSpace value="collapse"/>${bound}${patterns.map(facet).join('')}
</xs:restriction></xs:simpleType>
<xs:simpleType name="${name}"><xs:union memberTypes="t:${name}-form${builtIn}"/></xs:simpleType>`;
  });
  const opening = `<xs:schema xmlns:xs="${xsd}" xmlns:t="${namespace}" targetNamespace="${namespace}">`;
  return Buffer.from(`${opening}\n${types.join('\n')}\n</xs:schema>`, 'utf8');
}

/** Where a schema names a type of a value; a `base` only where it is extended. */
const typeAttributes: Readonly<Record<string, string>> = {
  element: 'type',
  attribute: 'type',
  extension: 'base',
  list: 'itemType',
  union: 'memberTypes',
};

/** The names of types that stand in `schema`. */
function typeNames(root: LocatedElement): readonly { element: LocatedElement; value: LocatedAttribute }[] {
  const found: { element: LocatedElement; value: LocatedAttribute }[] = [];
  const visit = (element: LocatedElement): void => {
    const wanted = element.namespace === xsd ? typeAttributes[element.local] : undefined;
    const value = element.attributes.find(({ name }) => name === wanted);
    if (value !== undefined) found.push({ element, value });
    element.children.forEach(visit);
  };
  visit(root);
  return found;
}

/** `names`, a list of QNames in scope of `element`, with ours for those that the engine judges wrongly. */
function mendedNames(element: LocatedElement, names: string): string {
  return names.replace(/[^ \t\n\r]+/g, (name) => {
    const qname = parseQName(name);
    if (qname === undefined || !isStatedType(qname.local)) return name;
    return namespacesInScope(element).get(qname.prefix) === xsd ? `${prefix}:${qname.local}` : name;
  });
}

/** A schema with its tree; undefined where it does not pass the gate, so that the engine alone can read it. */
export function gatedSchema(schema: Uint8Array): GatedText | undefined {
  try {
    return gateBytes(schema, unlimited);
  } catch (error) {
    if (error instanceof XmlRefused) return undefined;
    throw error;
  }
}

/**
 * `schema` with types of ours for those that the engine judges wrongly. A schema that does not pass the gate, since
 * it has another encoding or a document type declaration, is returned as it is: what it declares, the engine judges.
 */
export function mendedSchema(schema: Uint8Array): Uint8Array {
  const source = gatedSchema(schema);
  if (source === undefined) return schema;
  const { text, tree } = source;
  let mended = '';
  let from = 0;
  const put = (until: number, replacement: string, next = until): void => {
    mended += text.slice(from, until) + replacement;
    from = next;
  };
  const edits = typeNames(tree).flatMap(({ element, value }) => {
    const names = mendedNames(element, value.value);
    return names === value.value ? [] : [{ start: value.valueStart, end: value.valueEnd, names }];
  });
  if (edits.length === 0) return schema;
  put(tree.start + 1 + tree.name.length, ` xmlns:${prefix}="${namespace}"`);
  const imported = tree.prefix === '' ? 'import' : `${tree.prefix}:import`;
  put(tree.contentStart, `<${imported} namespace="${namespace}" schemaLocation="${typesFile}"/>`);
  for (const { start, end, names } of edits) put(start, names, end);
  return Buffer.from(mended + text.slice(from), 'utf8');
}

const ourType = new RegExp(`the union type '\\{${namespace}\\}(\\w+)'\\.$`);

/** A message of the engine with the name of the built-in type where ours stands for it. */
export function inTermsOfTheStandard(message: string): string {
  return message.replace(ourType, "the atomic type 'xs:$1'.");
}
