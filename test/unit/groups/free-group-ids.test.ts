import { expect } from 'chai';
import type { GroupId } from '../../../src/base/identifiers.js';
import { freeGroupIds } from '../../../src/groups/free-group-ids.js';
import { groupIdOfName, nameOfGroup } from '../../../src/groups/names.js';

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
    it(`${taken} has neighbours with a number`, async () => {
      expect(await freeGroupIds(taken as GroupId, none)).to.deep.equal(alternatives);
    });
  }

  it('group IDs that are taken are left out', async () => {
    const taken = new Set<string>(['sip:g-2@h', 'sip:g-4@h'].map((id) => nameOfGroup(id as GroupId)));
    expect(await freeGroupIds('sip:g@h' as GroupId, (name) => taken.has(name))).to.deep.equal([
      'sip:g-3@h',
      'sip:g-5@h',
      'sip:g-6@h',
    ]);
  });

  it('a group ID that is a domain has none: the next one would belong to somebody else', async () => {
    expect(await freeGroupIds('sip:police.example' as GroupId, none)).to.deep.equal([]);
  });

  it('group IDs on offer are canonical, so that the retry names what was offered', async () => {
    for (const id of await freeGroupIds('tel:+15550120' as GroupId, none)) {
      expect(groupIdOfName(nameOfGroup(id))).to.equal(id);
    }
  });
});
