import type { Auid } from '../base/identifiers.js';
import { ns } from '../xml/names.js';
import type { ElementName, UniqueRule, UsageDeclaration, ValueRule } from './declared-usage.js';

/**
 * The declared usages that ship with the server: the lists of RFC 4826, in which MC clients keep contacts, and
 * the services that refer to them.
 */

const list = (local: string): ElementName => ({ namespace: ns.resourceLists, local });
const service = (local: string): ElementName => ({ namespace: ns.rlsServices, local });

/** RFC 4826 clause 3.4.5. An inline list of a service is a list too (clause 4.4.5). */
const uniqueInLists: readonly UniqueRule[] = [
  { element: list('list'), attribute: 'name', within: 'parent', compare: 'text', alternatives: true },
  { element: list('entry'), attribute: 'uri', within: 'parent', compare: 'uri', alternatives: false },
  { element: list('entry-ref'), attribute: 'ref', within: 'parent', compare: 'text', alternatives: false },
  { element: list('external'), attribute: 'anchor', within: 'parent', compare: 'uri', alternatives: false },
];

const valuesInLists: readonly ValueRule[] = [
  { element: list('entry-ref'), attribute: 'ref', form: 'relative-path' },
  { element: list('external'), attribute: 'anchor', form: 'http-uri' },
];

/** RFC 4826 clause 3. */
const resourceLists: UsageDeclaration = {
  auid: 'resource-lists' as Auid,
  defaultNamespace: ns.resourceLists,
  mediaType: 'application/resource-lists+xml',
  schema: 'resource-lists',
  root: undefined,
  namespaces: [],
  trees: ['users'],
  unique: uniqueInLists,
  values: valuesInLists,
  collected: undefined,
};

/** RFC 4826 clause 4. */
const rlsServices: UsageDeclaration = {
  auid: 'rls-services' as Auid,
  defaultNamespace: ns.rlsServices,
  mediaType: 'application/rls-services+xml',
  schema: 'rls-services',
  root: undefined,
  namespaces: [ns.resourceLists],
  trees: ['users'],
  unique: [
    { element: service('service'), attribute: 'uri', within: 'server', compare: 'uri', alternatives: true },
    ...uniqueInLists,
  ],
  values: [
    { element: service('service'), attribute: 'uri', form: 'uri' },
    { element: service('resource-list'), attribute: undefined, form: 'http-uri' },
    ...valuesInLists,
  ],
  collected: { root: service('rls-services'), element: service('service') },
};

/** Their AUIDs. */
export const shippedUsages = ['resource-lists', 'rls-services'] as const;

/** Their declarations, by AUID. */
export const shippedDeclarations: Readonly<Record<(typeof shippedUsages)[number], UsageDeclaration>> = {
  'resource-lists': resourceLists,
  'rls-services': rlsServices,
};
