import { groupMediaType } from '../../../src/groups/names.js';
import { policyMediaType } from '../../../src/policy/language/policy.js';
import { fixture } from '../../support/fixtures.js';
import { groupText } from '../../support/group-text.js';
import { administratorOf, domains, gmsOf, pathOfGroup, pathOfPolicy, userOf } from '../cast.js';
import type { Field } from './field.js';
import type { Kind } from './kind.js';

/** Those who take what is shared between systems: fetches, sockets, policies. */

export const peerKinds: readonly Kind[] = [
  {
    name: 'invented-groups',
    what: '8 connections of one phone that GET groups of the rescue service that are not there',
    run: (field) =>
      field.repeat(8, (worker, turn) => {
        const path = pathOfGroup(`sip:invented-${worker}-${turn}@${domains.rescue}`);
        return field.ask({ method: 'GET', path, as: userOf('phone') });
      }),
  },
  {
    name: 'silent-peer',
    what: '60 connections that GET groups of a silent peer, which has the same address as a healthy one',
    // Deliveries to it wait for answers as well.
    async prepare(field: Field): Promise<void> {
      for (let number = 0; number < 20; number += 1) {
        const id = `sip:unheard-${number}@${domains.police}`;
        const body = groupText({ id, members: [`sip:nobody@${domains.silent}`] });
        await field.put({ path: pathOfGroup(id), as: administratorOf('police'), type: groupMediaType, body });
      }
    },
    run: (field) =>
      field.repeat(60, (worker, turn) => {
        const path = pathOfGroup(`sip:invented-${worker}-${turn}@${domains.silent}`);
        return field.ask({ method: 'GET', path, as: userOf(`phone-${worker}`) });
      }),
  },
  {
    name: 'slow-policies',
    what: '60 connections of a peer that provides new groups whose policy is slow',
    prepare: (field) =>
      field.put({
        path: pathOfPolicy('slow'),
        as: administratorOf('police'),
        type: policyMediaType,
        body: fixture('siege/slow-policy.xml'),
      }),
    async run(field: Field): Promise<void> {
      const members = Array.from({ length: 300 }, (_, number) => userOf(`listed-${number}`));
      await field.repeat(60, (worker, turn) => {
        const id = `sip:bulk-${worker}-${turn}@${domains.flood}`;
        return field.ask({
          method: 'PUT',
          path: pathOfGroup(id),
          as: gmsOf('flood'),
          type: groupMediaType,
          headers: { 'If-None-Match': '*' },
          body: groupText({ id, members }),
        });
      });
    },
  },
];
