import { expect } from 'chai';
import type { DocumentName, GroupId, McServiceId, SystemName, Xui } from '../../../src/base/identifiers.js';
import { nobody, type Principal } from '../../../src/auth/principal.js';
import { checkMayReadGroup, checkMayReadGroups, checkMayWriteGroups } from '../../../src/groups/access.js';
import {
  createGroupUsage,
  freeGroupIds,
  groupIdOfName,
  groupsAuid,
  nameOfGroup,
} from '../../../src/groups/group-usage.js';
import { ConstraintFailure, Forbidden, NotFound } from '../../../src/xcap/errors.js';
import { parseRequestUri } from '../../../src/xcap/request-uri.js';
import { gateText, type GatedText } from '../../../src/xml/gate.js';

const limits = { depth: 64, attributes: 256, namespaces: 64, elements: 50_000 };
const usage = createGroupUsage('sip:creation@police.example' as Xui);
const groupId = 'sip:g@police.example' as GroupId;
const byId = nameOfGroup(groupId);
const inUsersTree =
  `${groupsAuid}/users/sip%3Acreation%40police.example/sip%3Ag%40police.example` as DocumentName;

function group(uri: string, list = ''): GatedText {
  const service = `<list-service uri="${uri}">${list}</list-service>`;
  return gateText(`<group xmlns="urn:oma:xml:poc:list-service">${service}</group>`, limits);
}

function nameOf(path: string): DocumentName {
  return usage.nameOf(parseRequestUri(`/r/${groupsAuid}${path}`, '/r', 8192).document);
}

describe('TS 24.481 table 7.2.10.2-1: where group documents are', () => {
  for (const path of [
    '/global/byGroupID/sip:g@police.example',
    '/global/byGroupID/sip%3Ag%40police.example',
    '/global/byGroupID/SIP:g@POLICE.example',
    '/global/byGroup/sip:g@police.example',
  ]) {
    it(`${path} is the group ${groupId}`, () => {
      expect(nameOf(path)).to.equal(byId);
      expect(groupIdOfName(nameOf(path))).to.equal(groupId);
    });
  }

  for (const path of [
    '/global/byGroupID',
    '/global/byGroupID/',
    '/global/byGroupID/no-uri',
    '/global/byGroupID/sip:g@police.example/',
    '/global/byGroupID/sip:g@police.example/more',
    '/global/bygroupid/sip:g@police.example',
    '/global/byGroupId/sip:g@police.example',
    '/global/sip:g@police.example',
    '/global/index',
    '/users/sip:u@police.example',
    '/users/sip:u@police.example/',
  ]) {
    it(`${path} is no place of a group`, () => {
      expect(() => nameOf(path)).to.throw(NotFound);
    });
  }

  it('the users tree holds them under any name, which says nothing about the group ID', () => {
    expect(nameOf('/users/sip:u@police.example/index.xml')).to.match(/\/index\.xml$/);
    expect(groupIdOfName(nameOf('/users/sip:u@police.example/sip:g@police.example'))).to.equal(undefined);
  });

  it('a group ID never leaves its segment', () => {
    const odd = 'sip:a/../b?c=d%2F&e@police.example' as GroupId;
    expect(nameOfGroup(odd).split('/')).to.have.length(4);
    expect(groupIdOfName(nameOfGroup(odd))).to.equal(odd);
  });
});

describe('TS 24.481 7.2.7: constraints that the schema cannot state', () => {
  it('one list-service with a group ID', () => {
    expect(() => {
      usage.check(group('sip:g@police.example'));
    }).not.to.throw();
  });

  for (const uri of ['', 'g', 'sip:', 'sip:g h', '&lt;sip:g@h&gt;', 'sip:50%@h']) {
    it(`${JSON.stringify(uri)} is no group ID`, () => {
      expect(() => {
        usage.check(group(uri));
      }).to.throw(ConstraintFailure, 'list-service/@uri');
    });
  }

  it('two list-services are refused', () => {
    const text =
      '<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="sip:a@h"/><list-service uri="sip:b@h"/></group>';
    expect(() => {
      usage.check(gateText(text, limits));
    }).to.throw(ConstraintFailure, 'one list-service');
  });
});

describe('TS 24.481 6.3.2, 6.3.4: one resource with two names', () => {
  it('put by its group ID, it stands in the users tree of the group creation XUI too', () => {
    expect(usage.place(group(groupId), byId, undefined)).to.deep.equal({
      key: byId,
      names: [byId, inUsersTree],
    });
  });

  it('put into the users tree, it has its group ID', () => {
    const name = nameOf('/users/sip:u@police.example/index');
    expect(usage.place(group(groupId), name, undefined)).to.deep.equal({ key: byId, names: [byId, name] });
  });

  it('written in another spelling, the group ID is the same', () => {
    expect(usage.place(group('SIP:g@POLICE.example'), byId, undefined).key).to.equal(byId);
  });

  it('put by another group ID than its own, it is refused', () => {
    expect(() => usage.place(group('sip:other@police.example'), byId, undefined)).to.throw(
      ConstraintFailure,
      groupId,
    );
  });

  it('changed, it keeps its names', () => {
    const names = [byId, inUsersTree];
    expect(usage.place(group(groupId), inUsersTree, names)).to.deep.equal({ key: byId, names });
  });

  it('never gets another group ID, whatever name it is put under', () => {
    for (const name of [byId, inUsersTree]) {
      expect(() => usage.place(group('sip:other@police.example'), name, [byId, inUsersTree])).to.throw(
        ConstraintFailure,
        'never changes',
      );
    }
  });
});

describe('TS 24.481 6.3.2.3: group IDs to take instead', () => {
  const none = (): boolean => false;

  for (const [taken, alternatives] of [
    ['sip:g@police.example', ['sip:g-2@police.example', 'sip:g-3@police.example', 'sip:g-4@police.example']],
    [
      'sip:g@police.example;x=y',
      ['sip:g-2@police.example;x=y', 'sip:g-3@police.example;x=y', 'sip:g-4@police.example;x=y'],
    ],
    ['urn:example:g', ['urn:example:g-2', 'urn:example:g-3', 'urn:example:g-4']],
  ] as const) {
    it(`for ${taken}`, () => {
      expect(freeGroupIds(taken as GroupId, none)).to.deep.equal(alternatives);
    });
  }

  it('leave out what is taken too', () => {
    const taken = new Set(['sip:g-2@h', 'sip:g-4@h'].map((id) => nameOfGroup(id as GroupId)));
    expect(freeGroupIds('sip:g@h' as GroupId, (name) => taken.has(name))).to.deep.equal([
      'sip:g-3@h',
      'sip:g-5@h',
      'sip:g-6@h',
    ]);
  });

  it('are none where the group ID is a domain: the next one would be somebody else’s', () => {
    expect(freeGroupIds('sip:police.example' as GroupId, none)).to.deep.equal([]);
  });

  it('are canonical, so that the retry names what was offered', () => {
    for (const id of freeGroupIds('tel:+15550120' as GroupId, none)) {
      expect(groupIdOfName(nameOfGroup(id))).to.equal(id);
    }
  });
});

describe('TS 24.481 7.2.12: who may do what', () => {
  const user = (identity: string): Principal => ({ kind: 'user', identity: identity as McServiceId });
  const document = group(groupId, '<list><entry uri="sip:member@police.example"/></list>');
  const principals: readonly [Principal, readGroups: boolean, readThis: boolean, write: boolean][] = [
    [nobody, false, true, false],
    [{ kind: 'administrator', identity: 'sip:admin@police.example' }, true, true, true],
    [{ kind: 'mc-service-server', identity: 'sip:mcptt@police.example' }, true, true, false],
    [user('sip:member@police.example'), true, true, false],
    [user('sip:other@police.example'), true, false, false],
    [{ kind: 'peer', identity: 'sip:gms@fire.example', system: 'fire' as SystemName }, true, true, false],
  ];
  const allowed = (check: () => void): boolean => {
    try {
      check();
      return true;
    } catch (error) {
      expect(error).to.be.instanceOf(Forbidden);
      return false;
    }
  };
  for (const [principal, readGroups, readThis, write] of principals) {
    const name = principal.kind === 'user' ? principal.identity : principal.kind;
    it(`${name}: reads groups ${String(readGroups)}, this group ${String(readGroups && readThis)}, writes ${String(write)}`, () => {
      expect(
        allowed(() => {
          checkMayReadGroups(principal);
        }),
      ).to.equal(readGroups);
      expect(
        allowed(() => {
          checkMayReadGroup(principal, () => document);
        }),
      ).to.equal(readThis);
      expect(
        allowed(() => {
          checkMayWriteGroups(principal);
        }),
      ).to.equal(write);
    });
  }

  it('the document is looked at for users only', () => {
    const unread = (): GatedText => expect.fail('it was read');
    checkMayReadGroup({ kind: 'mc-service-server', identity: 'sip:mcptt@police.example' }, unread);
  });
});
