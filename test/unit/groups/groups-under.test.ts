import { expect } from 'chai';
import type { DocumentName, GroupId } from '../../../src/base/identifiers.js';
import { groupsUnder } from '../../../src/groups/groups-under.js';
import { nameOfGroup } from '../../../src/groups/names.js';

describe('The groups under index terms', () => {
  const [first, second, third] = ['sip:a@x.example', 'sip:b@x.example', 'tel:+1555'].map(
    (groupId) => groupId as GroupId,
  ) as [GroupId, GroupId, GroupId];
  const keys: Readonly<Record<string, readonly DocumentName[]>> = {
    one: [nameOfGroup(third), nameOfGroup(first)],
    two: [
      nameOfGroup(second),
      nameOfGroup(first),
      'resource-lists/users/sip:u@x.example/index' as DocumentName,
    ],
  };
  const documents = {
    turn: () => Promise.resolve(),
    async *keysOf(term: string): AsyncIterable<DocumentName> {
      await Promise.resolve();
      yield* keys[term] ?? [];
    },
  };

  it('are those of every term, each once, in the order of their IDs, without other documents', async () => {
    expect(await groupsUnder(documents, 'one', 'two')).to.deep.equal([first, second, third]);
    expect(await groupsUnder(documents, 'one')).to.deep.equal([first, third]);
    expect(await groupsUnder(documents, 'none')).to.deep.equal([]);
    expect(await groupsUnder(documents)).to.deep.equal([]);
  });
});
