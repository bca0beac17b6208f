import { expect } from 'chai';
import { HomeSystems } from '../../../src/mc-systems/homes.js';
import type { DocumentName, GroupId, SystemName } from '../../../src/base/identifiers.js';
import { freeGroupIds } from '../../../src/groups/free-group-ids.js';
import { groupIdOfName, groupsAuid, nameOfGroup } from '../../../src/groups/names.js';
import { ConstraintFailure, UniquenessFailure } from '../../../src/xcap/conflicts.js';
import { NotFound } from '../../../src/base/refusals.js';
import { parseRequestUri } from '../../../src/xcap/request-uri.js';
import { gateText, type GatedText } from '../../../src/xml/gate.js';
import { groupUsageOf } from '../../support/group-usage.js';
import { fixture } from '../../support/fixtures.js';
import { limits } from '../../support/limits.js';

const usage = groupUsageOf('police.example');
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

describe('TS 24.481 6.3.2.3: what may be defined here', () => {
  const own = { name: 'police' as SystemName, domains: ['police.example'], telPrefixes: [] };
  const fire = { name: 'fire' as SystemName, domains: ['fire.example'], telPrefixes: [] };
  const here = groupUsageOf('police.example', { homes: new HomeSystems(own, [fire]) });
  const inTree = nameOf('/users/sip:creation@police.example/flood%20team.xml');
  const define = (
    uri: string,
    name = inTree,
    former?: readonly DocumentName[],
    taken: readonly string[] = [],
  ) => {
    here.checkDefinition?.(group(uri), name, former, (candidate) => taken.includes(candidate));
  };
  const alternatives = (uri: string, taken: readonly string[] = []): readonly string[] => {
    try {
      define(uri, inTree, undefined, taken);
    } catch (error) {
      if (!(error instanceof UniquenessFailure)) throw error;
      expect(error.taken.map(({ field }) => field)).to.deep.equal(['group/list-service/@uri']);
      return error.taken.flatMap((each) => each.alternatives);
    }
    return expect.fail('it may be defined');
  };

  it('groups of our own, and those of domains that no system is home of', () => {
    define('sip:g@police.example');
    define('sip:g@nowhere.example');
    define('tel:+15550100', byId);
  });

  it('in the users tree a group of another MC system is offered group IDs of ours', () => {
    expect(alternatives('sip:boats@fire.example')).to.deep.equal([
      'sip:boats@police.example',
      'sip:boats-2@police.example',
      'sip:boats-3@police.example',
    ]);
    expect(
      alternatives('sip:boats@fire.example', [nameOfGroup('sip:boats@police.example' as GroupId)]),
    ).to.deep.equal([
      'sip:boats-2@police.example',
      'sip:boats-3@police.example',
      'sip:boats-4@police.example',
    ]);
  });

  for (const uri of ['', 'g', 'sip:', 'sip:g h', '&lt;sip:g@h&gt;', 'sip:50%@h']) {
    it(`${JSON.stringify(uri)} is no group ID: ones like the document's name are offered`, () => {
      expect(alternatives(uri)).to.deep.equal([
        'sip:flood-team.xml@police.example',
        'sip:flood-team.xml-2@police.example',
        'sip:flood-team.xml-3@police.example',
      ]);
      expect(() => here.place(group(uri), inTree, undefined)).to.throw(
        ConstraintFailure,
        'list-service/@uri',
      );
    });
  }

  it('where the URI has told the group ID, there is nothing to choose', () => {
    for (const uri of ['', 'sip:boats@fire.example']) {
      expect(() => {
        define(uri, nameOfGroup('sip:boats@fire.example' as GroupId));
      }).to.throw(ConstraintFailure);
      expect(() => {
        define(uri, inTree, [byId, inTree]);
      }).to.throw(ConstraintFailure);
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

describe('TS 24.481 7.2.4.2: names that the schema of 3GPP does not declare', () => {
  const strict = groupUsageOf('police.example', { unknownNames: 'refuse' });
  const named = (path: string): GatedText => gateText(fixture(`groups/${path}`), limits);
  const remarks = (document: GatedText): readonly string[] => usage.remarks?.(document) ?? [];

  it('are remarked on, and the document is good', () => {
    const document = named('accepted/private-names.xml');
    usage.check(document);
    expect(remarks(document)).to.have.length(1);
    expect(remarks(document)[0]).to.include('session-type');
  });

  it('are refused where the configuration is strict', () => {
    expect(() => {
      strict.check(named('accepted/private-names.xml'));
    }).to.throw(ConstraintFailure, 'session-type');
  });

  it('are no extensions of others, and not the names that stand within types', () => {
    for (const path of [
      'valid/unknown-extensions.xml',
      'valid/chat-multi-talker.xml',
      'valid/geographic-areas.xml',
    ]) {
      expect(remarks(named(path)), path).to.deep.equal([]);
      strict.check(named(path));
    }
  });

  it('may be attributes; each is told once, ten at most', () => {
    const odd = Array.from({ length: 30 }, (_, index) => `<m:odd-${index}/><m:odd-${index} m:a=""/>`).join(
      '',
    );
    const text = `<group xmlns="urn:oma:xml:poc:list-service" xmlns:m="urn:3gpp:ns:mcpttGroupInfo:1.0"><list-service uri="sip:g@h">${odd}</list-service></group>`;
    expect(remarks(gateText(text, limits))[0]?.split(': ')[1]?.split(', ')).to.deep.equal([
      'odd-0',
      '@a',
      ...Array.from({ length: 8 }, (_, index) => `odd-${index + 1}`),
    ]);
  });
});
