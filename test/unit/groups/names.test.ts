import { expect } from 'chai';
import type { GroupId } from '../../../src/base/identifiers.js';
import { groupIdOfName, nameOfGroup } from '../../../src/groups/names.js';

describe('TS 24.481 table 7.2.10.2-1: the name of a group in the global tree', () => {
  it('a group ID never leaves its segment', () => {
    const odd = 'sip:a/../b?c=d%2F&e@police.example' as GroupId;
    expect(nameOfGroup(odd).split('/')).to.have.length(4);
    expect(groupIdOfName(nameOfGroup(odd))).to.equal(odd);
  });
});
