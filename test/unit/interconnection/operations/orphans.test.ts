import { expect } from 'chai';
import type { GroupId } from '../../../../src/base/identifiers.js';
import { nameOfGroup } from '../../../../src/groups/names.js';
import { Orphans } from '../../../../src/interconnection/operations/orphans.js';
import { groupText } from '../../../support/peers.js';
import { a, b, c, joint, Parts, peer, peers, receivedState } from '../parts.js';

const text = groupText({ members: ['sip:unit-71@police.example'] });
const foreign = 'sip:pier@fire.example' as GroupId;

describe('design D16: groups that came from a system that is not their home', () => {
  it('are listed wherever they came from; removing one leaves every other group', async () => {
    const parts = new Parts(a, peers(peer(b), peer(c)));
    const left = 'sip:dock@nowhere.example' as GroupId;
    const moved = 'sip:quay@fire.example' as GroupId;
    await parts.put(joint, text);
    await parts.put(moved, groupText({ id: moved }));
    await parts.plant(nameOfGroup(foreign), receivedState(groupText({ id: foreign }), b));
    await parts.plant(nameOfGroup(left), receivedState(groupText({ id: left }), c));
    const orphans = new Orphans(parts.documents, parts.homes);
    expect(await orphans.list()).to.deep.equal([
      { groupId: left, system: c },
      { groupId: moved, system: a },
    ]);
    expect(await orphans.remove(foreign), 'of its primary').to.equal(undefined);
    expect(await orphans.remove(joint), 'our own').to.equal(undefined);
    expect(await orphans.remove('sip:nothing@port.example' as GroupId)).to.equal(undefined);
    expect(await orphans.remove(left)).to.equal(c);
    expect(await orphans.remove(moved), 'it was ours').to.equal(a);
    expect(await orphans.list()).to.deep.equal([]);
    expect((await parts.state(left))?.current ?? null).to.equal(null);
    expect((await parts.state(foreign))?.current).to.not.equal(null);
    expect((await parts.state(joint))?.current).to.not.equal(null);
  });
});
