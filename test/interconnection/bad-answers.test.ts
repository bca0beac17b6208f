import { expect } from 'chai';
import { badBodies, nonsense } from '../support/bad-answers.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  administratorDeletes,
  administratorPuts,
  copyAt,
  fire,
  getAs,
  groupText,
  joint,
  police,
  provide,
  scriptedIncarnation,
  ScriptedServer,
  startPartner,
  startPrimary,
  steadyRandom,
  willingPartner,
} from '../support/peers.js';
import { send } from '../support/raw-http.js';
import { groupPath, groupType, type TestSystem } from '../support/system.js';

const limits = { peerDeadline: '250ms', answerBytes: '32KiB' } as const;

/** The field that shows that the other GMS itself answers, whatever becomes of the body. */
const own = `MCGMS-Incarnation: ${scriptedIncarnation}\r\n`;

describe('23.280 10.2.7.2: the status of the partner decides, whatever body it sends', () => {
  let partner: ScriptedServer;
  let clock: ManualClock;
  let a: TestSystem;

  beforeEach(async () => {
    partner = await ScriptedServer.start(willingPartner());
    clock = new ManualClock();
    const interconnection = { ...limits, backOff: { first: '10s', cap: '1h' } };
    a = await startPrimary(partner.root, { interconnection }, { clock, random: steadyRandom });
  });

  afterEach(async () => {
    await a.dispose();
    await partner.down();
  });

  const told = async (message: string, act: () => unknown): Promise<unknown> => {
    a.log.clear();
    await act();
    return (await a.log.line(message)).fields['outcome'];
  };
  const put = (name: string) => (): Promise<unknown> =>
    administratorPuts(a, police, joint, groupText({ name }));
  const sent = (): unknown[] =>
    partner.requests.map(({ method, headers }) => [
      method,
      headers['if-match'] ?? headers['if-none-match'] ?? '',
    ]);

  for (const { title, answer } of badBodies) {
    it(`a body ${title}: PUT 201 and DELETE 200 are done, and the tag is taken`, async () => {
      partner.answers(answer('HTTP/1.1 201 Created\r\nETag: "first"\r\n'));
      await told('group information delivered', put('First'));
      partner.answers(answer('HTTP/1.1 200 OK\r\nETag: "second"\r\n'));
      await told('group information delivered', put('Second'));
      partner.answers(answer(`HTTP/1.1 200 OK\r\n${own}`));
      const withdrawn = await told('group information delivered', () =>
        administratorDeletes(a, police, joint),
      );
      expect(withdrawn).to.equal('withdrawn');
      expect(sent()).to.deep.equal([
        ['PUT', '*'],
        ['PUT', '"first"'],
        ['DELETE', '"second"'],
      ]);
    });

    it(`a body ${title}: the tag that is asked for after 412 is taken all the same`, async () => {
      partner.answers({ status: 412 }, answer(`HTTP/1.1 200 OK\r\nETag: "present"\r\n${own}`));
      await told('group information delivered', put('First'));
      expect(sent()).to.deep.equal([
        ['PUT', '*'],
        ['GET', ''],
        ['PUT', '"present"'],
      ]);
    });
  }

  it('no request lets the partner compress its answer', async () => {
    await told('group information delivered', put('First'));
    await told('group information delivered', () => administratorDeletes(a, police, joint));
    expect(partner.requests.map(({ headers }) => headers['accept-encoding'])).to.deep.equal([
      'identity',
      'identity',
    ]);
  });

  for (const [title, octets] of nonsense) {
    it(`${title} is no answer: tried again after the pause`, async () => {
      partner.answers({ raw: octets });
      await told('group information not delivered', put('First'));
      await told('group information delivered', () => {
        clock.advance(8000);
      });
      expect(partner.requests).to.have.length(2);
    });
  }
});

describe('23.280 10.2.7.3: a fetch needs the body of the answer', () => {
  let primary: ScriptedServer;
  let clock: ManualClock;
  let b: TestSystem;

  beforeEach(async () => {
    primary = await ScriptedServer.start();
    clock = new ManualClock();
    b = await startPartner(
      primary.root,
      { interconnection: { ...limits, revalidation: '1h' } },
      { clock, random: steadyRandom },
    );
  });

  afterEach(async () => {
    await b.dispose();
    await primary.down();
  });

  const given = { status: 200, headers: { 'Content-Type': groupType, ETag: '"up"' }, body: groupText() };
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${groupType}\r\nETag: "news"\r\n`;
  const statuses = { cut: 503, late: 503, unusable: 502, nonsense: 502 } as const;

  for (const { title, kind, answer } of badBodies) {
    it(`200 with a body ${title}: the client sees ${statuses[kind]}, nothing is stored or remembered`, async () => {
      primary.answers(answer(head));
      const seen = await getAs(b, fire.member, joint);
      expect(seen.status, seen.text).to.equal(statuses[kind]);
      expect(seen.headers['retry-after']).to.equal(statuses[kind] === 503 ? '10' : undefined);
      expect((await copyAt(b, joint)).effective.status).to.equal(404);
      primary.answers(given);
      expect((await getAs(b, fire.member, joint)).status).to.equal(200);
    });

    it(`404 with a body ${title}: the primary refuses the group`, async () => {
      primary.answers(answer(`HTTP/1.1 404 Not Found\r\n${own}`));
      expect((await getAs(b, fire.member, joint)).status).to.equal(404);
      expect((await getAs(b, fire.member, joint)).status, 'remembered').to.equal(404);
      expect(primary.requests).to.have.length(1);
    });

    it(`404 of a proxy with a body ${title}: the client sees 503, and it is not remembered`, async () => {
      // The second answer is to the question whether an XCAP server is there.
      primary.answers(answer('HTTP/1.1 404 Not Found\r\n'), { status: 404, onTheWay: true }, given);
      expect((await getAs(b, fire.member, joint)).status).to.equal(503);
      expect((await getAs(b, fire.member, joint)).status).to.equal(200);
    });

    it(`200 with a body ${title}: the copy that is asked for again stays as it was`, async () => {
      await provide(b, police, joint, groupText());
      const before = await copyAt(b, joint);
      primary.answers(answer(head));
      while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
      clock.advance(0.8 * 3_600_000);
      await b.log.line('received groups asked for again');
      expect(primary.requests).to.have.length(1);
      expect(await copyAt(b, joint)).to.deep.equal(before);
    });
  }

  for (const [title, octets] of nonsense) {
    it(`${title}: the client sees 502, the operator is told, and it is not remembered`, async () => {
      primary.answers({ raw: octets }, given);
      expect((await getAs(b, fire.member, joint)).status).to.equal(502);
      const { level, fields } = await b.log.line('the answer of the primary MC system is unusable');
      expect([level, fields['peer'], fields['group']]).to.deep.equal(['warn', 'a', joint]);
      expect((await getAs(b, fire.member, joint)).status).to.equal(200);
    });
  }
});

describe('23.280 5.2.10.7: through a gateway the status decides too', () => {
  let inside: ScriptedServer;
  let gateway: TestGateway;

  beforeEach(async () => {
    inside = await ScriptedServer.start();
    gateway = await startGateway({
      system: { name: 'b', identity: fire.gms },
      inside: { port: 0 },
      gms: [
        {
          name: 'north',
          identity: 'sip:gms-north@fire.example',
          root: inside.root,
          domains: [police.domain],
        },
      ],
      peers: [{ name: 'a', identity: police.gms }],
      forwarding: { deadline: '250ms', answerBytes: '8KiB' },
    });
  });

  afterEach(async () => {
    await gateway.close();
    await inside.down();
  });

  const asked = async (method: 'GET' | 'PUT' | 'DELETE'): Promise<readonly [number, string]> => {
    const url = new URL(gateway.outside);
    const { status, text } = await send(Number(url.port), {
      method,
      target: `${url.pathname}${groupPath(joint)}`,
      headers: { 'X-3GPP-Asserted-Identity': police.gms, 'Content-Type': groupType },
      ...(method === 'PUT' ? { body: groupText() } : {}),
    });
    return [status, text];
  };

  for (const { title, kind, answer } of badBodies) {
    const status = kind === 'late' ? 504 : 502;
    it(`a body ${title}: 201 and 200 go through without it, a GET is ${status}`, async () => {
      inside.answers(answer('HTTP/1.1 201 Created\r\nETag: "t"\r\n'), answer('HTTP/1.1 200 OK\r\n'));
      expect(await asked('PUT')).to.deep.equal([201, '']);
      expect(await asked('DELETE')).to.deep.equal([200, '']);
      inside.answers(answer(`HTTP/1.1 200 OK\r\nContent-Type: ${groupType}\r\n`));
      expect((await asked('GET'))[0]).to.equal(status);
    });
  }

  for (const [title, octets] of nonsense) {
    it(`${title}: 502`, async () => {
      inside.answers({ raw: octets });
      expect((await asked('PUT'))[0]).to.equal(502);
    });
  }
});
