import { expect } from 'chai';
import { nobody, type Principal } from '../../../src/auth/principal.js';
import { RoleAccess, roles, type Role } from '../../../src/usages/role-access.js';
import type { Auid, McServiceId, SystemName, Xui } from '../../../src/base/identifiers.js';
import { Forbidden } from '../../../src/base/refusals.js';
import type { DocumentSelector } from '../../../src/xcap/request-uri.js';

const auid = 'a' as Auid;
const own: DocumentSelector = { auid, tree: 'users', xui: 'sip:user@x.example' as Xui, path: ['index'] };
const others: DocumentSelector = { ...own, xui: 'sip:other@x.example' as Xui };
const global: DocumentSelector = { auid, tree: 'global', xui: undefined, path: ['index'] };

const principals: Readonly<Record<string, Principal>> = {
  nobody,
  user: { kind: 'user', identity: 'sip:user@x.example' as McServiceId },
  administrator: { kind: 'administrator', identity: 'sip:admin@x.example' },
  server: { kind: 'mc-service-server', identity: 'sip:server@x.example' },
  peer: { kind: 'peer', identity: 'sip:peer@y.example', system: 'y' as SystemName },
};

function allows(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof Forbidden) return false;
    throw error;
  }
}

describe('RFC 4825 §5.9 roles of a declared usage', () => {
  const granted: Readonly<Record<Role, Readonly<Record<'own' | 'others' | 'global', readonly string[]>>>> = {
    owner: { own: ['user'], others: [], global: [] },
    users: {
      own: ['user', 'administrator'],
      others: ['user', 'administrator'],
      global: ['user', 'administrator'],
    },
    administrators: { own: ['administrator'], others: ['administrator'], global: ['administrator'] },
    'mc-service-servers': { own: ['server'], others: ['server'], global: ['server'] },
    anyone: {
      own: Object.keys(principals),
      others: Object.keys(principals),
      global: Object.keys(principals),
    },
  };
  for (const role of roles) {
    it(`${role} lets the right principals read and write, in the right places`, () => {
      const none = { read: [], write: [], readGlobal: [], writeGlobal: [] };
      const readers = new RoleAccess({ ...none, read: [role], readGlobal: [role] });
      const writers = new RoleAccess({ ...none, write: [role], writeGlobal: [role] });
      for (const [where, place] of Object.entries({ own, others, global })) {
        for (const [name, principal] of Object.entries(principals)) {
          const expected = granted[role][where as 'own'].includes(name);
          const title = `${name} in ${where}`;
          expect(
            allows(() => {
              readers.checkRead(principal, place);
            }),
            title,
          ).to.equal(expected);
          expect(
            allows(() => {
              readers.checkWrite(principal, place);
            }),
            title,
          ).to.equal(false);
          expect(
            allows(() => {
              writers.checkWrite(principal, place);
            }),
            title,
          ).to.equal(expected);
          expect(
            allows(() => {
              writers.checkRead(principal, place);
            }),
            title,
          ).to.equal(false);
        }
      }
    });
  }

  it('users trees and the global tree have lists of their own', () => {
    const access = new RoleAccess({ read: ['users'], write: [], readGlobal: [], writeGlobal: ['users'] });
    const user = principals['user'] ?? nobody;
    expect(
      allows(() => {
        access.checkRead(user, own);
      }),
    ).to.equal(true);
    expect(
      allows(() => {
        access.checkRead(user, global);
      }),
    ).to.equal(false);
    expect(
      allows(() => {
        access.checkWrite(user, own);
      }),
    ).to.equal(false);
    expect(
      allows(() => {
        access.checkWrite(user, global);
      }),
    ).to.equal(true);
  });
});
