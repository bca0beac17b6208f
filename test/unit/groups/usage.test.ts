import { expect } from 'chai';
import { HomeSystems } from '../../../src/mc-systems/homes.js';
import type { DocumentName, GroupId, SystemName } from '../../../src/base/identifiers.js';
import { groupIdOfName, groupsAuid, nameOfGroup } from '../../../src/groups/names.js';
import { ConstraintFailure, UniquenessFailure } from '../../../src/xcap/conflicts.js';
import { NotFound } from '../../../src/base/refusals.js';
import { parseRequestUri } from '../../../src/xcap/request-uri.js';
import type { DocumentFacts } from '../../../src/xcap/usage.js';
import { gateText } from '../../../src/xml/gate.js';
import { groupUsageOf } from '../../support/group-usage.js';
import { expectRefused } from '../../support/refused.js';
import { limits } from '../../support/limits.js';

const usage = groupUsageOf('police.example');
const groupId = 'sip:g@police.example' as GroupId;
const byId = nameOfGroup(groupId);
const inUsersTree =
  `${groupsAuid}/users/sip%3Acreation%40police.example/sip%3Ag%40police.example` as DocumentName;

function group(uri: string, list = ''): DocumentFacts {
  const service = `<list-service uri="${uri}">${list}</list-service>`;
  return usage.factsOf(gateText(`<group xmlns="urn:oma:xml:poc:list-service">${service}</group>`, limits));
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
});

describe('TS 24.481 7.2.7: constraints that the schema cannot state', () => {
  it('a document with two list-services is refused', () => {
    const text =
      '<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="sip:a@h"/><list-service uri="sip:b@h"/></group>';
    expect(() => {
      usage.check(gateText(text, limits));
    }).to.throw(ConstraintFailure, 'one list-service');
  });
});

describe('TS 24.481 6.3.2, 6.3.4: one resource with two names', () => {
  it('a group that is put by its group ID stands in the users tree of the group creation XUI too', async () => {
    expect(await usage.place(group(groupId), byId, undefined)).to.deep.equal({
      key: byId,
      names: [byId, inUsersTree],
    });
  });

  it('a group that is put into the users tree has the name by its group ID too', async () => {
    const name = nameOf('/users/sip:u@police.example/index');
    expect(await usage.place(group(groupId), name, undefined)).to.deep.equal({
      key: byId,
      names: [byId, name],
    });
  });

  it('a group ID in another spelling names the same group', async () => {
    expect((await usage.place(group('SIP:g@POLICE.example'), byId, undefined)).key).to.equal(byId);
  });

  it('a group that is put by another group ID than its own is refused', async () => {
    await expectRefused(
      () => usage.place(group('sip:other@police.example'), byId, undefined),
      ConstraintFailure,
      groupId,
    );
  });

  it('a group that is changed keeps its names', async () => {
    const names = [byId, inUsersTree];
    expect(await usage.place(group(groupId), inUsersTree, names)).to.deep.equal({ key: byId, names });
  });

  it('a group never gets another group ID, whatever name it is put under', async () => {
    for (const name of [byId, inUsersTree]) {
      await expectRefused(
        () => usage.place(group('sip:other@police.example'), name, [byId, inUsersTree]),
        ConstraintFailure,
        'never changes',
      );
    }
  });
});

describe('TS 24.481 6.3.2.3: what may be defined here', () => {
  const own = { name: 'police' as SystemName, domains: ['police.example'], telPrefixes: [] };
  const fire = { name: 'fire' as SystemName, domains: ['fire.example'], telPrefixes: [] };
  const here = groupUsageOf('police.example', { homes: new HomeSystems(own, [fire]) });
  const inTree = nameOf('/users/sip:creation@police.example/flood%20team.xml');
  const define = async (
    uri: string,
    name = inTree,
    former?: readonly DocumentName[],
    taken: readonly string[] = [],
  ): Promise<void> => {
    await here.checkDefinition?.(group(uri), name, former, (candidate) => taken.includes(candidate));
  };
  const alternatives = async (uri: string, taken: readonly string[] = []): Promise<readonly string[]> => {
    try {
      await define(uri, inTree, undefined, taken);
    } catch (error) {
      if (!(error instanceof UniquenessFailure)) throw error;
      expect(error.taken.map(({ field }) => field)).to.deep.equal(['group/list-service/@uri']);
      return error.taken.flatMap((each) => each.alternatives);
    }
    return expect.fail('it may be defined');
  };

  it('own groups may be defined, and those whose home cannot be configured', async () => {
    await define('sip:g@police.example');
    await define('tel:+15550100', byId);
    await define('tel:g-001', byId);
  });

  it('a group of nobody is refused, in both trees; own group IDs are offered in the users tree', async () => {
    expect(await alternatives('sip:boats@nowhere.example')).to.deep.equal([
      'sip:boats@police.example',
      'sip:boats-2@police.example',
      'sip:boats-3@police.example',
    ]);
    const uri = 'sip:boats@nowhere.example';
    await expectRefused(
      () => define(uri, nameOfGroup(uri as GroupId)),
      ConstraintFailure,
      'of no MC system that is configured here',
    );
  });

  it('where numbers have homes, one that has none is refused too', async () => {
    const numbered = groupUsageOf('police.example', {
      homes: new HomeSystems({ ...own, telPrefixes: ['tel:+1555'] }, [fire]),
    });
    const tel = (uri: string) => () => numbered.checkDefinition?.(group(uri), byId, undefined, () => false);
    await tel('tel:+15550100')();
    await tel('tel:g-001')();
    await expectRefused(tel('tel:+16660100'), ConstraintFailure, 'of no MC system');
  });

  it('a group of nobody is stored with a remark where the configuration says so, or was stored before', async () => {
    const lenient = groupUsageOf('police.example', {
      homes: new HomeSystems(own, [fire]),
      unknownHomes: 'warn',
    });
    const text = group('sip:g@nowhere.example');
    await lenient.checkDefinition?.(text, inTree, undefined, () => false);
    expect(lenient.remarks?.(text)).to.deep.equal([
      'list-service/@uri is of no MC system that is configured here: is its domain or its number mistyped?',
    ]);
    expect(lenient.remarks?.(group('sip:g@police.example'))).to.deep.equal([]);
    await define('sip:g@nowhere.example', inTree, [byId, inTree]);
  });

  for (const [uri, says] of [
    ['http://police.example/g', 'SIP or tel URI'],
    ['urn:example:g', 'SIP or tel URI'],
    ['sip:police.example', 'user part'],
    ['sip:@police.example', 'user part'],
    ['sip:police.example;a=b', 'user part'],
    ['sip:g@', 'domain'],
    ['sip:g@a@police.example', 'domain'],
  ] as const) {
    it(`${uri} names no group: refused in both trees, and from peers`, async () => {
      expect(await alternatives(uri)).to.have.length(3);
      const name = nameOfGroup(uri as GroupId);
      await expectRefused(() => define(uri, name), ConstraintFailure, says);
      await expectRefused(() => here.place(group(uri), name, undefined), ConstraintFailure, says);
    });
  }

  it('what was stored under such an ID goes on', async () => {
    const name = nameOfGroup('http://police.example/g' as GroupId);
    await define('http://police.example/g', name, [name]);
    expect((await here.place(group('http://police.example/g'), name, [name])).key).to.equal(name);
  });

  it('a group of another MC system in the users tree is offered own group IDs', async () => {
    expect(await alternatives('sip:boats@fire.example')).to.deep.equal([
      'sip:boats@police.example',
      'sip:boats-2@police.example',
      'sip:boats-3@police.example',
    ]);
    expect(
      await alternatives('sip:boats@fire.example', [nameOfGroup('sip:boats@police.example' as GroupId)]),
    ).to.deep.equal([
      'sip:boats-2@police.example',
      'sip:boats-3@police.example',
      'sip:boats-4@police.example',
    ]);
  });

  for (const uri of ['', 'g', 'sip:', 'sip:g h', '&lt;sip:g@h&gt;', 'sip:50%@h']) {
    it(`${JSON.stringify(uri)} is no group ID: ones like the document's name are offered`, async () => {
      expect(await alternatives(uri)).to.deep.equal([
        'sip:flood-team.xml@police.example',
        'sip:flood-team.xml-2@police.example',
        'sip:flood-team.xml-3@police.example',
      ]);
      await expectRefused(
        () => here.place(group(uri), inTree, undefined),
        ConstraintFailure,
        'list-service/@uri',
      );
    });
  }

  it('where the URI has told the group ID, there is nothing to choose', async () => {
    for (const uri of ['', 'sip:boats@fire.example']) {
      await expectRefused(
        () => define(uri, nameOfGroup('sip:boats@fire.example' as GroupId)),
        ConstraintFailure,
      );
      await expectRefused(() => define(uri, inTree, [byId, inTree]), ConstraintFailure);
    }
  });
});
