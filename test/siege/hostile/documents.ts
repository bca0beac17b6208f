import { documentPath, listsType, servicesType, userOf, type Asked } from '../cast.js';

/** Documents of hostile users, each as large as it may be unless it says something else. */

export const lists = (content: string): string =>
  `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">${content}</resource-lists>`;

export const services = (content: string, declarations = ''): string =>
  `<rls-services xmlns="urn:ietf:params:xml:ns:rls-services"${declarations}>${content}</rls-services>`;

/** `one` for so many numbers from 0. */
export function many(count: number, one: (number: number) => string): string {
  return Array.from({ length: count }, (_, number) => one(number)).join('');
}

/** `part` so often that it has about so many octets. */
export function filled(octets: number, part: string): string {
  return part.repeat(Math.floor(octets / part.length));
}

/** What the limits let pass: octets of a body, and elements of a document. */
export const most = { octets: 1024 * 1024 - 200, elements: 49_000 } as const;

/** A list of as many entries as fit into a document. */
export function largeList(): string {
  const entry = (number: number): string => `<entry uri="sip:u${number}@e"/>`;
  return lists(`<list>${many(Math.floor(most.octets / 27), entry)}</list>`);
}

/** The selector of an attribute in the middle of `largeList`. */
export const middleAttribute = '/~~/resource-lists/list/entry%5B18000%5D/@uri';

/** A PUT of a user's list. */
export function listOf(user: string, name: string, body: string): Omit<Asked, 'method'> {
  const as = userOf(user);
  return { path: documentPath('resource-lists', as, name), as, type: listsType, body };
}

/** A PUT of a user's list services. */
export function servicesOf(user: string, name: string, body: string): Omit<Asked, 'method'> {
  const as = userOf(user);
  return { path: documentPath('rls-services', as, name), as, type: servicesType, body };
}

/** So many list services with URIs of their own. */
export function uniqueServices(count: number, prefix: string): string {
  return many(count, (number) => `<service uri="sip:${prefix}${number}@p"><list/></service>`);
}
