import { expect } from 'chai';
import { nobody, type Principal } from '../../../src/auth/principal.js';
import type { Auid, ETag, McServiceId, SystemName, Xui } from '../../../src/base/identifiers.js';
import type { Form } from '../../../src/documents/state.js';
import { GroupAccess } from '../../../src/groups/access.js';
import { GroupReadings } from '../../../src/groups/reading.js';
import { Forbidden } from '../../../src/base/refusals.js';
import { parseNodeSelector } from '../../../src/xcap/node-selector.js';
import type { DocumentSelector } from '../../../src/xcap/request-uri.js';
import { ns } from '../../../src/xml/names.js';
import { ManualClock } from '../../support/manual-clock.js';

const creationXui = 'sip:creation@police.example' as Xui;
const member = 'sip:member@police.example';
const creator = 'sip:creator@police.example';

/** A form as of a document of its own each time. */
function formOf(body: string): Form {
  return { etag: body as ETag, body, modified: 0 };
}

function group(owner = '', granted = false): string {
  const rules = granted
    ? '<cp:ruleset><cp:rule id="a"><cp:conditions><is-list-member/></cp:conditions><cp:actions>' +
      '<m:on-network-allow-getting-member-list>true</m:on-network-allow-getting-member-list>' +
      '</cp:actions></cp:rule></cp:ruleset>'
    : '';
  return (
    `<group xmlns="${ns.listService}" xmlns:cp="${ns.commonPolicy}" xmlns:m="${ns.mcpttGroupInfo}">` +
    `<list-service uri="sip:g@police.example"><display-name/><list><entry uri="${member}"/></list>${rules}` +
    `${owner === '' ? '' : `<m:owner> ${owner}\n</m:owner>`}</list-service></group>`
  );
}

const place = (tree: 'users' | 'global', xui?: string): DocumentSelector => ({
  auid: 'org.openmobilealliance.groups' as Auid,
  tree,
  xui: xui as Xui | undefined,
  path: ['index'],
});
const user = (identity: string): Principal => ({ kind: 'user', identity: identity as McServiceId });
const administrator: Principal = { kind: 'administrator', identity: 'sip:admin@police.example' };
const server: Principal = { kind: 'mc-service-server', identity: 'sip:mcptt@police.example' };
const peer: Principal = { kind: 'peer', identity: 'sip:gms@fire.example', system: 'fire' as SystemName };

describe('TS 24.481 7.2.12: who may do what', () => {
  const access = new GroupAccess({
    creationXui,
    creators: new Set([creator]),
    clock: new ManualClock(),
    readings: new GroupReadings(100_000),
  });
  const selector = (node: string) => parseNodeSelector(node, new Map(), ns.listService, 32);
  const unread: Form = {
    ...formOf(''),
    get body(): string {
      return expect.fail('the document was read');
    },
  };
  const allowed = (check: () => void): boolean => {
    try {
      check();
      return true;
    } catch (error) {
      expect(error).to.be.instanceOf(Forbidden);
      return false;
    }
  };

  interface Rights {
    /** May read groups at all, knows this group, its list where no rule grants it, and where one does. */
    readonly reads: readonly [groups: boolean, group: boolean, list: boolean, granted: boolean];
    /** May write groups at all, this group, and one that names the creator as its owner. */
    readonly writes: readonly [groups: boolean, group: boolean, owned: boolean];
  }
  const rights: readonly (readonly [string, Principal, Rights])[] = [
    ['administrator', administrator, { reads: [true, true, true, true], writes: [true, true, true] }],
    ['MC service server', server, { reads: [true, true, true, true], writes: [false, false, false] }],
    ['member', user(member), { reads: [true, true, false, true], writes: [false, false, false] }],
    [
      'another user',
      user('sip:x@police.example'),
      { reads: [true, false, false, false], writes: [false, false, false] },
    ],
    ['creator of groups', user(creator), { reads: [true, false, false, false], writes: [true, false, true] }],
    ['nobody', nobody, { reads: [false, true, true, true], writes: [false, false, false] }],
    ['peer', peer, { reads: [true, true, true, true], writes: [false, false, false] }],
  ];
  for (const [name, principal, { reads, writes }] of rights) {
    it(`${name}: reads ${reads.join()}, writes ${writes.join()}`, () => {
      expect([
        allowed(() => {
          access.checkRead(principal);
        }),
        allowed(() => {
          access.checkReadDocument(principal, formOf(group()));
        }),
        allowed(() => {
          access.checkReadNode(principal, formOf(group()), undefined);
        }),
        allowed(() => {
          access.checkReadNode(principal, formOf(group('', true)), undefined);
        }),
      ]).to.deep.equal(reads);
      expect([
        allowed(() => {
          access.checkWrite(principal, place('global'));
        }),
        allowed(() => {
          access.checkWriteDocument(principal, group());
        }),
        allowed(() => {
          access.checkWriteDocument(principal, group(creator));
        }),
      ]).to.deep.equal(writes);
    });
  }

  it('a member reads, node by node, what does not tell who is a member', () => {
    access.checkReadNode(user(member), formOf(group()), selector('group/list-service/display-name'));
    expect(() => {
      access.checkReadNode(user(member), formOf(group()), selector('group/list-service/list/entry[1]'));
    }).to.throw(Forbidden, 'get-excluding-memberlist');
  });

  it('an owner reads the whole group, but only as a creator', () => {
    access.checkReadDocument(user(creator), formOf(group(creator)));
    access.checkReadNode(user(creator), formOf(group(creator)), undefined);
    for (const check of [
      () => {
        access.checkReadDocument(user('sip:x@police.example'), formOf(group('sip:x@police.example')));
      },
      () => {
        access.checkWriteDocument(user(member), group(member));
      },
    ]) {
      expect(check).to.throw(Forbidden);
    }
  });

  it('a creator writes by group ID and in the users tree of the group creation XUI, nowhere else', () => {
    access.checkWrite(user(creator), place('users', creationXui));
    expect(() => {
      access.checkWrite(user(creator), place('users', creator));
    }).to.throw(Forbidden, creationXui);
    access.checkWrite(administrator, place('users', creator));
  });

  it('the document is looked at for users only', () => {
    for (const principal of [administrator, server, peer]) {
      access.checkReadDocument(principal, unread);
      access.checkReadNode(principal, unread, undefined);
    }
    access.checkWriteDocument(administrator, 'no group');
  });
});
