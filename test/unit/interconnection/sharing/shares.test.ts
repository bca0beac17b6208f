import { expect } from 'chai';
import type { GroupId } from '../../../../src/base/identifiers.js';
import { nameOfGroup } from '../../../../src/groups/names.js';
import { Shares } from '../../../../src/interconnection/sharing/shares.js';
import { groupText } from '../../../support/peers.js';
import { a, b, c, joint, Parts, peer, peers, receivedState } from '../parts.js';

const text = groupText({ members: ['sip:unit-71@police.example'] });
const foreign = 'sip:pier@fire.example' as GroupId;

describe('design D6: sharing a group by name', () => {
  let parts: Parts;
  let shares: Shares;
  let woken: string[];

  beforeEach(async () => {
    parts = new Parts(a, peers(peer(b), peer(c, { groups: new Set([joint]) })));
    woken = [];
    const deliveries = { wake: ({ key }: { readonly key: string }) => void woken.push(key) };
    shares = new Shares({ ...parts.tools, deliveries });
    await parts.put(joint, text);
  });

  it('is kept with the group, and listed beside what the configuration shares', async () => {
    expect(await shares.share(joint, b)).to.equal('shared');
    expect((await parts.state())?.sharedWith).to.deep.equal([b]);
    expect(woken).to.deep.equal([nameOfGroup(joint)]);
    expect(await shares.list()).to.deep.equal([
      { groupId: joint, system: b, by: 'operator' },
      { groupId: joint, system: c, by: 'configuration' },
    ]);
  });

  it('once more changes nothing and wakes nobody', async () => {
    await shares.share(joint, b);
    const before = await parts.state();
    woken = [];
    expect(await shares.share(joint, b)).to.equal('was-shared');
    expect(await parts.state()).to.deep.equal(before);
    expect(woken).to.deep.equal([]);
  });

  it('is for own groups that exist, with peers that exist', async () => {
    await parts.plant(nameOfGroup(foreign), receivedState(groupText({ id: foreign }), b));
    expect(await shares.share(foreign, c)).to.equal('not-ours');
    expect(await shares.share('sip:nothing@police.example' as GroupId, b)).to.equal('no-such-group');
    expect(await shares.share(joint, 'left' as typeof b)).to.equal('no-such-peer');
    expect((await parts.state())?.sharedWith).to.equal(undefined);
  });

  it('is taken back; what a member or the configuration shares stays', async () => {
    await shares.share(joint, b);
    await shares.share(joint, c);
    expect(await shares.unshare(joint, b)).to.equal('withdrawn');
    expect(await shares.unshare(joint, b)).to.equal('not-shared');
    expect(await shares.unshare(joint, c)).to.equal('still-concerned');
    expect(await shares.unshare(joint, c)).to.equal('by-configuration');
    expect((await parts.state())?.sharedWith).to.equal(undefined);
    expect((await parts.state())?.deliveries).to.have.all.keys(b, c);
  });

  it('ends with the group', async () => {
    await shares.share(joint, b);
    await parts.delete(joint);
    expect((await parts.state())?.deliveries, 'the partner is to be told').to.have.all.keys(b, c);
    expect(await shares.list()).to.deep.equal([{ groupId: joint, system: c, by: 'configuration' }]);
    expect(await shares.share(joint, b)).to.equal('no-such-group');
  });

  it('with a system that left the configuration can be taken back', async () => {
    await shares.share(joint, b);
    const later = new Shares({
      ...parts.tools,
      peers: peers(peer(c)),
      deliveries: { wake: () => undefined },
    });
    expect(await later.list()).to.deep.include({ groupId: joint, system: b, by: 'operator' });
    expect(await later.unshare(joint, b)).to.equal('withdrawn');
    expect(await later.list()).to.deep.equal([]);
  });
});
