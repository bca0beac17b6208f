import { expect } from 'chai';
import { Counters } from '../../../src/audit/counters.js';
import { NoAnswer } from '../../../src/outbound/client.js';
import { a, answer, b, peer, peers, ScriptedClient } from '../interconnection/parts.js';

const group = 'sip:g@police.example';
const known = peers(peer(a), peer(b));

describe('The counts of a peer', () => {
  it('tell deliveries by outcome, documents received, and refusals by reason', () => {
    const counters = new Counters(known);
    const refused = {
      event: 'refused',
      peer: b,
      group,
      method: 'PUT',
      status: 403,
      stage: 'reception',
    } as const;
    counters.count({ event: 'delivered', peer: b, group, tag: 't', status: 200 });
    counters.count({ event: 'delivered', peer: b, group, tag: 't', status: 200 });
    counters.count({ event: 'withdrawn', peer: b, group, status: 200 });
    counters.count({ event: 'received', peer: b, group, before: null, tag: 't' });
    counters.count({ ...refused, reason: 'not yours' });
    counters.count({ ...refused, stage: null, reason: 'not yours' });
    counters.count({ event: 'delivered', peer: 'left', group, tag: 't', status: 200 });
    expect(counters.view.get(b)).to.deep.equal({
      deliveries: { delivered: 2, withdrawn: 1 },
      received: 1,
      refused: { '403 reception: not yours': 1, '403 not yours': 1 },
      fetches: {},
    });
    expect(counters.view.get(a)).to.deep.equal({ deliveries: {}, received: 0, refused: {}, fetches: {} });
    expect(counters.view.size).to.equal(2);
  });

  it('do not let a peer fill the memory with reasons, nor reach a prototype with one', () => {
    const counters = new Counters(known);
    const refused = { event: 'refused', peer: b, group, method: 'PUT', status: 409, stage: null } as const;
    for (let index = 0; index < 10_000; index += 1) counters.count({ ...refused, reason: `reason ${index}` });
    counters.count({ ...refused, reason: '__proto__' });
    const tally = counters.view.get(b)?.refused ?? {};
    expect(Object.keys(tally).length).to.be.at.most(51);
    expect(Object.values(tally).reduce((sum, count) => sum + count)).to.equal(10_001);
  });

  it('tell requests to the peer by the status of the answer, and those without one', async () => {
    const counters = new Counters(known);
    const client = new ScriptedClient().answers(answer(200), answer(200), answer(404), new NoAnswer('none'));
    const counting = counters.counting(client);
    const lane = { to: 'b', purpose: 'fetch' };
    const request = { lane, method: 'GET', url: `http://b.invalid/xcap-root/x`, headers: {} } as const;
    for (let index = 0; index < 3; index += 1) await counting.send(request);
    const error = await counting.send(request).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(NoAnswer);
    expect(counters.view.get(b)?.fetches).to.deep.equal({ '200': 2, '404': 1, 'no answer': 1 });
    expect(counters.view.get(a)?.fetches).to.deep.equal({});
  });
});
