import { documentPath, domains, mcServiceServer, userOf, type Asked } from '../cast.js';
import { filled, largeList, lists, listOf, many, middleAttribute, most } from './documents.js';
import { services, servicesOf, uniqueServices } from './documents.js';
import { head, type Field } from './field.js';
import type { Kind } from './kind.js';

/** Those whose requests cost more than they should, or fill the store. */

/** A document whose every entry breaks the schema twice. */
function schemaErrors(octets: number): string {
  return lists(`<list>${filled(octets, '<entry a=""/>')}</list>`);
}

const directoryOf = (user: string): Asked => ({
  method: 'GET',
  path: documentPath('org.openmobilealliance.xcap-directory', userOf(user), 'directory.xml'),
  as: userOf(user),
});

/** Asserted identities that would cost much to read character by character, or by an expression that goes back. */
const identities: readonly string[] = [
  `sip:a${' '.repeat(15_000)}b@${domains.police}`,
  `${'\t '.repeat(7500)}x`,
  `sip:${'a'.repeat(15_000)}@${domains.police}`,
  `sip:a@${'a.'.repeat(7500)}example`,
  `"${'%41'.repeat(5000)}"`,
  `sip:a@${domains.police}${';a=b'.repeat(3500)}`,
];

export const requestKinds: readonly Kind[] = [
  {
    name: 'schema-errors',
    what: '4 connections that PUT documents of 258 and 892 KB full of errors',
    async run(field: Field): Promise<void> {
      const bodies = [schemaErrors(258_000), schemaErrors(892_000)];
      await field.repeat(4, (worker, turn) => {
        const body = bodies[(worker + turn) % bodies.length] ?? '';
        return field.ask({ ...listOf('errors', 'index', body), method: 'PUT' });
      });
    },
  },
  {
    name: 'identities',
    what: '4 connections with asserted identities of 15 KB',
    run: (field) =>
      field.repeat(4, (worker, turn) =>
        field.ask({
          method: 'GET',
          path: documentPath('resource-lists', userOf('anybody'), 'index'),
          as: identities[(worker + turn) % identities.length] ?? '',
        }),
      ),
  },
  {
    name: 'attributes',
    what: '20 connections that GET one attribute of eight documents of 1 MiB in turn',
    async prepare(field: Field): Promise<void> {
      for (let number = 0; number < 8; number += 1) {
        await field.put(listOf('attributes', `large-${number}`, largeList()));
      }
    },
    run: (field) =>
      field.repeat(20, (worker, turn) => {
        const as = userOf('attributes');
        const path = documentPath('resource-lists', as, `large-${(worker + turn) % 8}`);
        return field.ask({ method: 'GET', path: path + middleAttribute, as });
      }),
  },
  {
    name: 'unique-values',
    what: '2 connections that PUT 24,000 services, of which the last is taken',
    prepare: (field) => field.put(servicesOf('services', 'index', services(uniqueServices(12_000, 'a')))),
    async run(field: Field): Promise<void> {
      const taken = '<service uri="sip:a11999@p"><list/></service>';
      const body = services(uniqueServices(23_000, 'b') + taken);
      await field.repeat(2, () => field.ask({ ...servicesOf('claims', 'index', body), method: 'PUT' }));
    },
  },
  {
    name: 'indexes',
    what: '4 connections of an MC service server that GET the index of rls-services while users put what it repeats',
    prepare: (field) => field.put(servicesOf('index', 'large', services(uniqueServices(15_000, 'c')))),
    async run(field: Field): Promise<void> {
      const declarations = many(60, (number) => ` xmlns:n${number}="urn:${'x'.repeat(200)}:${number}"`);
      const inheriting = services(uniqueServices(15_000, 'd'), declarations);
      await Promise.all([
        field.repeat(1, async (_, turn) => {
          const body = turn % 2 === 0 ? inheriting : services(uniqueServices(1 + (turn % 3), 'e'));
          await field.ask({ ...servicesOf('index', `doc-${turn % 2}`, body), method: 'PUT' });
          await field.wait(200);
        }),
        field.repeat(4, () =>
          field.ask({ method: 'GET', path: '/rls-services/global/index', as: mcServiceServer }),
        ),
      ]);
    },
  },
  {
    name: 'directories',
    what: '4 connections that GET directories of a user who puts documents with long names',
    async run(field: Field): Promise<void> {
      const name = (turn: number): string => `${'n'.repeat(1500)}-${turn}`;
      await Promise.all([
        field.repeat(2, (worker, turn) =>
          field.ask({ ...listOf('directory', `${worker}${name(turn)}`, lists('')), method: 'PUT' }),
        ),
        field.repeat(4, (worker) =>
          field.ask(
            worker === 0
              ? {
                  ...directoryOf('directory'),
                  path: '/org.openmobilealliance.xcap-directory/global/directory.xml',
                }
              : directoryOf('directory'),
          ),
        ),
      ]);
    },
  },
  {
    name: 'many-documents',
    what: '8 connections of one user that PUT new documents with names of 7,000 characters',
    run: (field) =>
      field.repeat(8, (worker, turn) =>
        field.ask({
          ...listOf('many', `${'n'.repeat(7000)}-${worker}-${turn}`, lists('')),
          method: 'PUT',
        }),
      ),
  },
  {
    name: 'large-documents',
    what: '2 connections of one user that PUT new documents of 1 MiB',
    async run(field: Field): Promise<void> {
      const body = lists(`<!--${' '.repeat(most.octets - 200)}-->`);
      await field.repeat(2, (worker, turn) =>
        field.ask({ ...listOf('large', `large-${worker}-${turn}`, body), method: 'PUT' }),
      );
    },
  },
  {
    name: 'deep-documents',
    what: '4 connections that PUT documents with 300,000 levels, or 64 levels again and again',
    async run(field: Field): Promise<void> {
      const deep = '<a>'.repeat(most.octets / 3);
      const allowed = lists(filled(most.octets - 1000, '<list>'.repeat(62) + '</list>'.repeat(62)));
      await field.repeat(4, (worker, turn) =>
        field.ask({
          ...listOf('deep', 'index', (worker + turn) % 2 === 0 ? deep : allowed),
          method: 'PUT',
        }),
      );
    },
  },
  {
    name: 'header-fields',
    what: '8 connections with 2,000 header fields in each request',
    async run(field: Field): Promise<void> {
      const as = userOf('fields');
      const path = documentPath('resource-lists', as, 'index');
      const request = head({ method: 'GET', path, as }, ...Array.from({ length: 2000 }, () => 'a:'));
      await field.repeat(8, async () => {
        const connection = field.open().read();
        await connection.request(request);
        await connection.answered;
        connection.destroy();
      });
    },
  },
];
