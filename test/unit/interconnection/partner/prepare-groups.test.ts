import { expect } from 'chai';
import type { GroupId } from '../../../../src/base/identifiers.js';
import { nameOfGroup } from '../../../../src/groups/names.js';
import { prepareGroups } from '../../../../src/interconnection/partner/prepare-groups.js';
import { Requester } from '../../../../src/interconnection/partner/requester.js';
import { NoAnswer } from '../../../../src/outbound/client.js';
import { groupText } from '../../../support/peers.js';
import { groupType } from '../../../support/system.js';
import {
  a,
  answer,
  b,
  joint,
  ownState,
  Parts,
  peer,
  peers,
  requestSettings,
  signed,
  unchanged,
} from '../parts.js';

describe('23.280 10.2.7.3 precondition 3: users who become service authorised', () => {
  it('what their profiles name and we do not hold is fetched; each group comes to something', async () => {
    const parts = new Parts(b, peers(peer(a)));
    const requester = new Requester({ ...parts.tools, receiver: parts.receiver(unchanged) }, requestSettings);
    const ids = ['own', 'foreign', 'refused', 'silent', 'odd', 'nobody'].map(
      (name) => `sip:${name}@${name === 'own' ? 'fire' : 'police'}.example` as GroupId,
    );
    const [own, foreign, refused, silent, odd, nobody] = ids;
    await parts.plant(nameOfGroup(own ?? joint), ownState(groupText({ id: own ?? joint })));
    parts.client.otherwise = ({ url }) => {
      const id = ids.find((each) => url.endsWith(encodeURIComponent(each)));
      if (id === refused) return signed(403);
      if (id === silent) return new NoAnswer('no answer in time');
      if (id === odd) return answer(200, {}, 'odd');
      const members = id === nobody ? ['sip:crane@port.example'] : undefined;
      const text = groupText({ id: id ?? joint, ...(members === undefined ? {} : { members }) });
      return answer(200, { 'content-type': groupType }, text);
    };
    const asked = [...ids, foreign ?? joint, 'sip:g@nowhere.example' as GroupId];
    const outcome = await prepareGroups(asked, { documents: parts.documents, requester });
    expect(outcome.map(({ groupId, readiness }) => [groupId, readiness])).to.deep.equal([
      [own, 'held'],
      [foreign, 'fetched'],
      [refused, 'refused'],
      [silent, 'unavailable'],
      [odd, 'unusable'],
      [nobody, 'refused'],
      ['sip:g@nowhere.example', 'refused'],
    ]);
    expect((await parts.state(foreign))?.received?.system).to.equal(a);
  });
});
