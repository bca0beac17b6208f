import { expect } from 'chai';
import { ManualClock } from '../support/manual-clock.js';
import { jsonOf, operations } from '../support/operations.js';
import {
  administratorDeletes,
  administratorPuts,
  copyAt,
  fire,
  Gate,
  getAs,
  groupText,
  joint,
  police,
  startPartner,
  startPrimary,
  steadyRandom,
} from '../support/peers.js';
import { Relay } from '../support/relay.js';
import { groupType, type TestSystem } from '../support/system.js';

/**
 * What a partner is owed ends by an acknowledgement of just that (design D16, D20): whatever the way between
 * the systems loses, holds up, delivers late or answers by itself.
 */

const delivered = 'group information delivered';
const failed = 'group information not delivered';
/** The first pause of the default back-off, where jitter is at its least. */
const pause = 8000;

describe('design D20: what is owed, between two systems', () => {
  let relay: Relay;
  let clock: ManualClock;
  let a: TestSystem;
  let b: TestSystem;

  beforeEach(async () => {
    relay = await Relay.start();
    clock = new ManualClock();
    a = await startPrimary(relay.root, {}, { clock, random: steadyRandom });
    b = await startPartner('http://127.0.0.1:9/xcap-root');
    relay.to = b;
  });

  afterEach(async () => {
    await a.dispose();
    await b.dispose();
    await relay.close();
  });

  const after = async (act: () => unknown, message: string, outcome?: string): Promise<void> => {
    a.log.clear();
    await act();
    await a.log.line(message, (fields) => outcome === undefined || fields['outcome'] === outcome);
  };
  const put = (name: string, members: readonly string[] = [police.member, fire.member]) => {
    return async (): Promise<void> => {
      await administratorPuts(a, police, joint, groupText({ name, members }));
    };
  };
  const deleted = async (): Promise<void> => {
    await administratorDeletes(a, police, joint);
  };
  const later = (): void => {
    clock.advance(pause);
  };
  const held = async (): Promise<string | number> => {
    const { status, text } = (await copyAt(b, joint)).received;
    return status === 200 ? text : status;
  };
  const late = async (method: string, number: number): Promise<number> => {
    const request = relay.all(method)[number];
    if (request === undefined) throw new Error(`there is no ${method} ${number}`);
    return (await relay.deliver(request)).status;
  };

  describe('a message that arrives late, or twice', () => {
    it('A, B, A: the late B does not bring back the member who was removed', async () => {
      await after(put('A'), delivered);
      relay.loses();
      await after(put('B', [police.member, fire.member, fire.stranger]), failed);
      await put('A')();
      await after(later, delivered);
      expect(await held()).to.equal(groupText({ name: 'A', members: [police.member, fire.member] }));
      expect(await late('PUT', 1)).to.equal(412);
      expect(await late('PUT', 0), 'nor does the first one').to.equal(412);
      expect(await held()).to.equal(groupText({ name: 'A', members: [police.member, fire.member] }));
    });

    it('every PUT that came is refused the second time', async () => {
      for (const name of ['A', 'B', 'A', 'C', 'A']) await after(put(name), delivered);
      const present = await copyAt(b, joint);
      for (let number = 0; number < 5; number += 1) expect(await late('PUT', number)).to.equal(412);
      expect(await copyAt(b, joint)).to.deep.equal(present);
    });

    it('a late DELETE does not remove the group that was put again with the same bytes', async () => {
      await after(put('A'), delivered);
      relay.loses();
      await after(deleted, failed);
      await put('A')();
      await after(later, delivered, 'delivered');
      expect(await late('DELETE', 0)).to.equal(412);
      expect(await held()).to.equal(groupText({ name: 'A', members: [police.member, fire.member] }));
    });

    it('a creating PUT does not bring back the group that was withdrawn since', async () => {
      await after(put('A'), delivered);
      await after(deleted, delivered, 'withdrawn');
      expect(await late('PUT', 0)).to.equal(412);
      expect(await held()).to.equal(404);
      await after(put('B'), delivered);
      expect(relay.all('PUT').at(-1)?.headers['mcgms-withdrawal'], 'it follows the withdrawal').to.match(
        /^"/,
      );
      await after(deleted, delivered, 'withdrawn');
      expect([await late('PUT', 0), await late('PUT', 1)]).to.deep.equal([412, 412]);
      expect(await held()).to.equal(404);
    });

    it('nor where the partner held nothing when the primary withdrew it', async () => {
      relay.loses();
      await after(put('A'), failed);
      await deleted();
      await after(later, delivered, 'withdrawn');
      expect(await late('PUT', 0)).to.equal(412);
      expect(await held()).to.equal(404);
      await after(put('B'), delivered);
      relay.loses();
      await after(put('C'), failed);
      await deleted();
      await after(later, delivered, 'withdrawn');
      expect([await late('PUT', 0), await late('PUT', 1), await late('PUT', 2)]).to.deep.equal([
        412, 412, 412,
      ]);
      expect(await held()).to.equal(404);
    });

    it('a withdrawal of nothing, twice: a PUT from between them is refused', async () => {
      relay.loses();
      await after(put('A'), failed);
      await deleted();
      await after(later, delivered, 'withdrawn');
      relay.loses();
      await after(put('B'), failed);
      await deleted();
      await after(later, delivered, 'withdrawn');
      expect([await late('PUT', 0), await late('PUT', 1)]).to.deep.equal([412, 412]);
      expect(await held()).to.equal(404);
    });
  });

  describe('a share that changes while its request is on its way', () => {
    const path = `/shares/${encodeURIComponent(joint)}/b`;
    const asPolice = { as: police.administrator };
    const share = async (): Promise<void> => {
      const { status, text } = await operations(a, 'PUT', path, asPolice);
      expect(status, text).to.be.oneOf([200, 201]);
    };
    const unshare = async (): Promise<void> => {
      jsonOf(await operations(a, 'DELETE', path, asPolice));
    };

    beforeEach(async () => {
      await put('Ours', [police.member])();
    });

    it('unshare, share again while the DELETE is on its way: the partner ends with the group', async () => {
      await after(share, delivered);
      const gate = new Gate();
      relay.holds(gate);
      await unshare();
      await relay.server.request(2);
      await share();
      await after(
        () => {
          gate.open();
        },
        delivered,
        'delivered',
      );
      expect(relay.server.requests.map(({ method }) => method)).to.deep.equal(['PUT', 'DELETE', 'PUT']);
      expect(await held()).to.equal(groupText({ name: 'Ours', members: [police.member] }));
    });

    it('share, unshare while the PUT is on its way: the partner ends without it', async () => {
      const gate = new Gate();
      relay.holds(gate);
      await share();
      await relay.server.request(1);
      await unshare();
      await after(
        () => {
          gate.open();
        },
        delivered,
        'withdrawn',
      );
      expect(await held()).to.equal(404);
    });

    for (const lost of ['PUT', 'DELETE']) {
      it(`the answer to the ${lost} is lost, and the share changes: the last word holds`, async () => {
        if (lost === 'DELETE') await after(share, delivered);
        relay.server.answers(async (request) => {
          await relay.deliver(request);
          return { status: 504, onTheWay: true };
        });
        await after(lost === 'PUT' ? share : unshare, failed);
        await (lost === 'PUT' ? unshare : share)();
        // The operator's word ends the pause.
        await a.log.line(
          delivered,
          ({ outcome }) => outcome === (lost === 'PUT' ? 'withdrawn' : 'delivered'),
        );
        expect((await copyAt(b, joint)).received.status).to.equal(lost === 'PUT' ? 404 : 200);
      });
    }
  });

  describe('a group that is deleted while its partner is away', () => {
    const inUsersTree = `/org.openmobilealliance.groups/users/${encodeURIComponent('sip:chief@police.example')}/team`;
    const putInUsersTree = async (members: readonly string[]): Promise<void> => {
      const answer = await a.request({
        method: 'PUT',
        path: inUsersTree,
        as: police.administrator,
        body: groupText({ name: 'Anew', members }),
        headers: { 'Content-Type': groupType },
      });
      expect(answer.status, answer.text).to.equal(201);
    };

    it('and put anew through the users tree without its members: it is withdrawn all the same', async () => {
      await after(put('First'), delivered);
      await relay.server.down();
      await after(deleted, failed);
      await putInUsersTree([police.member]);
      await relay.server.up();
      await after(later, delivered, 'withdrawn');
      const former = await getAs(b, fire.member, joint);
      expect(former.status, 'its home does not answer, and no copy is left').to.equal(503);
      expect(await held()).to.equal(404);
    });

    it('and put anew through the users tree with its members: it is replaced', async () => {
      await after(put('First'), delivered);
      await relay.server.down();
      await after(deleted, failed);
      const members = [police.member, fire.member];
      await putInUsersTree(members);
      await relay.server.up();
      await after(later, delivered, 'delivered');
      expect(await held()).to.equal(groupText({ name: 'Anew', members }));
    });

    it('and the primary starts again before it is put anew: it is withdrawn all the same', async () => {
      await after(put('First'), delivered);
      await relay.server.down();
      await after(deleted, failed);
      await a.close();
      await a.open();
      await putInUsersTree([police.member]);
      await relay.server.up();
      await after(
        () => {
          clock.advance(3_600_000);
        },
        delivered,
        'withdrawn',
      );
      expect(await held()).to.equal(404);
    });
  });

  describe('something on the way that answers by itself', () => {
    for (const status of [200, 204, 404, 410]) {
      it(`its plain ${status} to a DELETE ends nothing`, async () => {
        await after(put('First'), delivered);
        relay.loses(status);
        await after(deleted, failed);
        expect(await held()).to.equal(groupText({ name: 'First', members: [police.member, fire.member] }));
        await after(later, delivered, 'withdrawn');
        expect(await held()).to.equal(404);
      });
    }

    for (const status of [200, 201, 204]) {
      it(`its plain ${status} to a PUT delivers nothing`, async () => {
        relay.loses(status);
        await after(put('First'), failed);
        expect(await held()).to.equal(404);
        await after(later, delivered, 'delivered');
        expect(await held()).to.equal(groupText({ name: 'First', members: [police.member, fire.member] }));
      });
    }
  });
});
