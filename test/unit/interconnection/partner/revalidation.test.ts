import { expect } from 'chai';
import type { GroupId } from '../../../../src/base/identifiers.js';
import type { LogFields } from '../../../../src/base/log.js';
import { nameOfGroup } from '../../../../src/groups/names.js';
import { Requester } from '../../../../src/interconnection/partner/requester.js';
import { Revalidation } from '../../../../src/interconnection/partner/revalidation.js';
import { Gate, groupText } from '../../../support/peers.js';
import { groupType } from '../../../support/system.js';
import {
  a,
  answer,
  b,
  joint,
  Parts,
  peer,
  peers,
  receivedState,
  requestSettings,
  steady,
  unchanged,
} from '../parts.js';

const brake = { groups: 10, percent: 10 };

describe('design D7: groups that are held are asked for again on a schedule', () => {
  let parts: Parts;
  let requester: Requester;
  const others = Array.from({ length: 3 }, (_, i) => `sip:group-${i}@police.example` as GroupId);
  let revalidation: Revalidation;

  beforeEach(async () => {
    parts = new Parts(b, peers(peer(a)));
    requester = new Requester({ ...parts.tools, receiver: parts.receiver(unchanged) }, requestSettings);
    for (const id of others) await parts.plant(nameOfGroup(id), receivedState(groupText({ id }), a));
    revalidation = new Revalidation({ ...parts.tools, requester, random: steady }, { interval: 1000, brake });
  });

  afterEach(() => revalidation.close());

  const pass = async (): Promise<LogFields> => {
    parts.log.clear();
    parts.clock.advance(800);
    return (await parts.log.line('received groups asked for again')).fields;
  };

  it('asks for every received group of every peer, interval for interval', async () => {
    parts.client.otherwise = ({ url }) => {
      const id = others.find((each) => url.endsWith(encodeURIComponent(each))) ?? joint;
      return answer(200, { 'content-type': groupType, etag: '"up"' }, groupText({ id }));
    };
    revalidation.start();
    expect(parts.client.requests).to.have.length(0);
    expect(await pass()).to.deep.include({ peer: a, unchanged: 3, brokenOff: false });
    expect(parts.client.requests).to.have.length(3);
    parts.client.otherwise = () => answer(304);
    while (parts.clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await pass()).to.deep.include({ unchanged: 3 });
    expect(revalidation.passes.get(a)).to.deep.equal({
      at: parts.clock.now(),
      outcomes: { unchanged: 3 },
      brokenOff: false,
    });
  });

  it('a peer that does not answer is asked once, and again with the next pass', async () => {
    parts.client.otherwise = () => answer(503);
    revalidation.start();
    expect(await pass()).to.deep.include({ unavailable: 1, brokenOff: true });
    while (parts.clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    await pass();
    expect(parts.client.requests).to.have.length(2);
  });

  it('closes in the middle of a pass, and leaves no timer', async () => {
    const gate = new Gate();
    parts.client.answers(gate.passed.then(() => answer(304)));
    revalidation.start();
    parts.clock.advance(800);
    await parts.client.request(1);
    const closing = revalidation.close();
    gate.open();
    await closing;
    expect(parts.client.requests).to.have.length(1);
    expect(parts.clock.pending).to.equal(0);
  });

  it('is off where the interval is 0, and for peers that may not be asked', () => {
    new Revalidation({ ...parts.tools, requester, random: steady }, { interval: 0, brake }).start();
    const silent = peers(peer(a, { request: false }));
    new Revalidation(
      { ...parts.tools, peers: silent, requester, random: steady },
      { interval: 1000, brake },
    ).start();
    expect(parts.clock.pending).to.equal(0);
  });
});
