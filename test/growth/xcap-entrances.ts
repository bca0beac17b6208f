import type { ConfigInput } from '../../src/gms/config.js';
import { gmopMediaType } from '../../src/groups/gmop.js';
import { policyMediaType } from '../../src/policy/language/policy.js';
import { policyAuid } from '../../src/policy/usage.js';
import { joint, police } from '../support/peers.js';
import { attributeType, elementType, groupType, TestSystem, who } from '../support/system.js';
import { Client, succeeded, type Base } from './client.js';
import type { Carrier, Vocabulary } from './load.js';
import type { Entrance, Session } from './measure.js';
import {
  groupOperation,
  groupVocabulary,
  memberList,
  notes,
  noteSection,
  notesNamespace,
  policy,
  policyThatMatches,
  resourceList,
  resourceLists,
  rlsService,
  rlsServices,
  template,
} from './vocabularies.js';

/** The entrances of XCAP: methods and kinds of resources of each application usage. */

/** An application usage, and how what is put there is written. A new usage is one entry. */
interface UsageUnderTest {
  readonly auid: string;
  readonly mediaType: string;
  /** The folder of the document, and its name. */
  readonly folder: string;
  readonly name: string;
  readonly document: Vocabulary;
  readonly element: Vocabulary;
  /** Node selectors of an element of that kind, and of an attribute. */
  readonly selectors: { readonly element: string; readonly attribute: string };
  /** Who reads; the administrator writes. */
  readonly reader?: string;
  /** The operation that a POST asks for. */
  readonly operation?: { readonly mediaType: string; readonly body: Vocabulary };
  readonly more?: readonly Carrier[];
}

const xui = who.administrator;

export const usagesUnderTest: readonly UsageUnderTest[] = [
  {
    auid: 'org.openmobilealliance.groups',
    mediaType: groupType,
    folder: 'global/byGroupID',
    name: encodeURIComponent(joint),
    document: groupVocabulary(joint),
    element: memberList,
    selectors: { element: 'group/list-service/list', attribute: 'group/list-service/list/entry%5B1%5D/@uri' },
    reader: police.member,
    operation: { mediaType: gmopMediaType, body: groupOperation },
  },
  {
    auid: policyAuid,
    mediaType: policyMediaType,
    folder: 'global',
    name: 'growth.xml',
    document: policy,
    element: template,
    selectors: { element: 'policy/template%5B1%5D', attribute: 'policy/template%5B1%5D/@match' },
    operation: { mediaType: policyMediaType, body: policy },
    more: ['expression'],
  },
  {
    auid: 'resource-lists',
    mediaType: 'application/resource-lists+xml',
    folder: `users/${xui}`,
    name: 'index',
    document: resourceLists,
    element: resourceList,
    selectors: { element: 'resource-lists/list', attribute: 'resource-lists/list/entry%5B1%5D/@uri' },
  },
  {
    auid: 'rls-services',
    mediaType: 'application/rls-services+xml',
    folder: `users/${xui}`,
    name: 'index',
    document: rlsServices,
    element: rlsService,
    selectors: { element: 'rls-services/service%5B1%5D', attribute: 'rls-services/service%5B1%5D/@uri' },
  },
  {
    auid: 'org.example.shift-notes',
    mediaType: 'application/notes+xml',
    folder: `users/${xui}`,
    name: 'notes.xml',
    document: notes,
    element: noteSection,
    selectors: { element: 'notes/note%5B1%5D', attribute: 'notes/note%5B1%5D/@key' },
  },
];

/** A server with `room` times its usual limits, and a declared usage without a schema. */
export function roomyConfig(room: number): ConfigInput {
  const limits = { headerBytes: 16 * 1024 * room, requestTarget: 8 * 1024 * room };
  const element = `{${notesNamespace}}note`;
  return {
    http: { limits },
    xml: {
      bodyBytes: 1024 * 1024 * room,
      depth: Math.min(256, 64 * room),
      attributes: 256 * room,
      namespaces: 64 * room,
      elements: 50_000 * room,
    },
    usages: {
      declared: [
        {
          auid: 'org.example.shift-notes',
          defaultNamespace: notesNamespace,
          mediaType: 'application/notes+xml',
          unique: [
            { element, attribute: 'key', within: 'document', compare: 'text', alternatives: true },
            { element, attribute: 'title', within: 'server', compare: 'uri', alternatives: true },
          ],
        },
      ],
    },
  };
}

const root = '/xcap-root/';
const kinds = ['document', 'element', 'attribute', 'namespaces'] as const;
type Kind = (typeof kinds)[number];

function seedOf({ open, close, entry }: Vocabulary): string {
  return open('') + entry(0) + entry(1) + close;
}

function selectorOf({ selectors }: UsageUnderTest, kind: Kind): string | undefined {
  switch (kind) {
    case 'document':
      return undefined;
    case 'namespaces':
      return `${selectors.element}/namespace::*`;
    case 'element':
    case 'attribute':
      return selectors[kind];
  }
}

const typeOf = ({ mediaType }: UsageUnderTest, kind: Kind): string =>
  kind === 'document' ? mediaType : kind === 'element' ? elementType : attributeType;

const common: readonly Carrier[] = ['fields', 'path', 'query'];

/** What is written is the load; what is read or deleted from was put before, with the load in it. */
function xcapEntrance(
  usage: UsageUnderTest,
  method: 'GET' | 'PUT' | 'DELETE' | 'POST',
  kind: Kind,
): Entrance {
  const { auid, document, element, folder, name, operation, reader } = usage;
  const selector = selectorOf(usage, kind);
  const bodies: readonly Carrier[] =
    method === 'PUT' && kind === 'attribute'
      ? ['value']
      : ['document', ...(writes() ? (usage.more ?? []) : [])];

  function writes(): boolean {
    return (method === 'PUT' && kind === 'document') || (method === 'POST' && operation?.body === document);
  }

  function bodyVocabulary(): Vocabulary {
    if (method === 'POST') return operation?.body ?? document;
    return method === 'PUT' && kind === 'element' ? element : document;
  }

  const vocabulary = bodyVocabulary();
  return {
    name: `${method} ${auid} ${kind}`,
    house: `${method} ${auid}`,
    covers: [method, ...(method === 'GET' ? ['HEAD'] : [])].map((each) => `${each} ${auid} ${kind}`),
    takes: [...bodies, ...common, ...(selector === undefined ? [] : (['selector'] as const))],
    vocabulary,
    // An operation that is well formed and not offered (docs/application-usages.md).
    ...(method === 'POST' ? { statuses: [501] } : {}),
    async open(room): Promise<Session> {
      // What is read is read anew each time: nothing is kept.
      const store = method === 'GET' ? { store: { cacheBytes: 0 } } : {};
      const system = await TestSystem.start({ ...roomyConfig(room), ...store });
      const client = new Client(system.port);
      const before = `${root}${auid}/${folder}/`;
      const whole: Base = {
        method: 'PUT',
        before,
        path: name,
        as: who.administrator,
        headers: { 'Content-Type': typeOf(usage, 'document') },
        body: seedOf(document),
      };
      const base: Base = {
        method,
        before,
        path: name,
        as: method === 'GET' ? (reader ?? who.administrator) : who.administrator,
        ...(selector === undefined ? {} : { selector }),
        ...(method === 'PUT'
          ? {
              headers: { 'Content-Type': typeOf(usage, kind) },
              body: kind === 'attribute' ? 'sip:first@police.example' : seedOf(vocabulary),
            }
          : {}),
        ...(method === 'POST' && operation !== undefined
          ? { headers: { 'Content-Type': operation.mediaType }, body: seedOf(operation.body) }
          : {}),
      };
      const stores = method === 'GET' || method === 'DELETE';
      let seeded = false;
      return {
        async prepare(load, carrier) {
          system.log.clear();
          if (carrier === 'document' && stores) {
            seeded = false;
            return succeeded(await client.send(whole, load));
          }
          if (!seeded || method === 'DELETE' || kind !== 'document') {
            seeded = succeeded(await client.send(whole));
            if (!seeded) throw new Error(`the document of ${auid} cannot be put`);
          }
          return true;
        },
        async ask(load, carrier) {
          const sent = carrier === 'expression' ? { body: policyThatMatches(load.body ?? '') } : load;
          const { status } = await client.send(base, sent, !stores);
          if (method === 'GET') await client.send({ ...base, method: 'HEAD' }, sent, false);
          return status;
        },
        async close() {
          client.close();
          await system.dispose();
        },
      };
    },
  };
}

export const xcapEntrances: readonly Entrance[] = usagesUnderTest.flatMap((usage) => [
  ...kinds.map((kind) => xcapEntrance(usage, 'GET', kind)),
  ...kinds.slice(0, 3).map((kind) => xcapEntrance(usage, 'PUT', kind)),
  ...kinds.slice(0, 3).map((kind) => xcapEntrance(usage, 'DELETE', kind)),
  ...(usage.operation === undefined ? [] : [xcapEntrance(usage, 'POST', 'document')]),
]);

/** A document that the server writes itself of those that are stored. */
interface OwnUnderTest {
  readonly auid: string;
  readonly path: string;
  readonly selectors: { readonly element: string; readonly attribute: string };
  /** What is stored, by its number, so that the document grows. */
  readonly stored?: (number: number) => {
    readonly path: string;
    readonly type: string;
    readonly body: string;
  };
}

const note = (number: number): { path: string; type: string; body: string } => ({
  path: `org.example.shift-notes/users/${xui}/note-${number}`,
  type: 'application/notes+xml',
  body: `<notes xmlns="${notesNamespace}"/>`,
});

const service = (number: number): { path: string; type: string; body: string } => ({
  path: `rls-services/users/sip:user-${number}@police.example/index`,
  type: 'application/rls-services+xml',
  body: rlsServices.open('') + rlsServices.entry(number) + rlsServices.close,
});

const group = (number: number): { path: string; type: string; body: string } => {
  const id = `sip:growth-${number}@police.example`;
  return {
    path: `org.openmobilealliance.groups/global/byGroupID/${encodeURIComponent(id)}`,
    type: groupType,
    body: seedOf(groupVocabulary(id)),
  };
};

const directoryNodes = {
  element: 'xcap-directory/folder%5B1%5D',
  attribute: 'xcap-directory/folder%5B1%5D/@auid',
};

export const ownUnderTest: readonly OwnUnderTest[] = [
  {
    auid: 'org.openmobilealliance.xcap-directory',
    path: `users/${xui}/directory.xml`,
    selectors: directoryNodes,
    stored: note,
  },
  {
    auid: 'org.openmobilealliance.xcap-directory',
    path: 'global/directory.xml',
    selectors: directoryNodes,
    stored: group,
  },
  {
    auid: 'rls-services',
    path: 'global/index',
    selectors: { element: '*/*%5B1%5D', attribute: '*/*%5B1%5D/@uri' },
    stored: service,
  },
  {
    auid: 'xcap-caps',
    path: 'global/index',
    selectors: { element: 'xcap-caps/auids', attribute: 'xcap-caps/auids/@none' },
  },
];

function ownEntrance(own: OwnUnderTest, kind: Kind): Entrance {
  const { auid, path, selectors, stored } = own;
  const selector =
    kind === 'document'
      ? undefined
      : kind === 'namespaces'
        ? `${selectors.element}/namespace::*`
        : selectors[kind];
  return {
    name: `GET ${auid} ${path} ${kind}`,
    house: `GET ${auid} ${path}`,
    covers: ['GET', 'HEAD'].map((method) => `${method} ${auid} ${path} ${kind}`),
    takes: [
      'fields',
      'query',
      ...(selector === undefined ? [] : (['selector'] as const)),
      ...(stored === undefined ? [] : (['documents'] as const)),
    ],
    async open(room) {
      const system = await TestSystem.start(roomyConfig(room));
      const client = new Client(system.port);
      let count = 0;
      const put = async (): Promise<void> => {
        if (stored === undefined) return;
        count += 1;
        const document = stored(count);
        const answer = await client.send({
          method: 'PUT',
          before: `${root}${document.path}`,
          as: who.administrator,
          headers: { 'Content-Type': document.type },
          body: document.body,
        });
        if (!succeeded(answer)) throw new Error(`${document.path}: ${answer.text}`);
      };
      await put();
      const base: Base = {
        method: 'GET',
        before: `${root}${auid}/${path}`,
        as: who.administrator,
        ...(selector === undefined ? {} : { selector }),
      };
      return {
        // One more each time, so that nothing that is kept serves.
        async prepare({ documents = 0 }) {
          system.log.clear();
          do await put();
          while (count < documents);
          return true;
        },
        async ask(load) {
          const { status } = await client.send(base, load);
          await client.send({ ...base, method: 'HEAD' }, load);
          return status;
        },
        async close() {
          client.close();
          await system.dispose();
        },
      };
    },
  };
}

export const ownEntrances: readonly Entrance[] = ownUnderTest.flatMap((own) =>
  kinds.map((kind) => ownEntrance(own, kind)),
);
