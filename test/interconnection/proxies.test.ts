import { expect } from 'chai';
import type { LogFields } from '../../src/base/log.js';
import { checkText } from '../../src/config/file.js';
import type { ConfigInput } from '../../src/gms/config.js';
import { checkGatewayConfig } from '../../src/gateway/config.js';
import { createGateway, type Gateway } from '../../src/gateway/gateway.js';
import { systemRandom } from '../../src/base/random.js';
import { fixture } from '../support/fixtures.js';
import { startGateway } from '../support/gateway.js';
import { RecordedLog } from '../support/log.js';
import { ManualClock } from '../support/manual-clock.js';
import { Nginx, nginxMissing, withPorts, type Forwarded } from '../support/nginx.js';
import {
  administratorDeletes,
  administratorPuts,
  copyAt,
  copyUnchanged,
  fire,
  freePort,
  getAs,
  groupText,
  joint,
  police,
  policyFixture,
  putPolicy,
  recordOutbound,
  ScriptedServer,
  siteConfig,
  startPartner,
  startPrimary,
  steadyRandom,
} from '../support/peers.js';
import { send, type RawAnswer } from '../support/raw-http.js';
import { groupPath, groupType, TestSystem } from '../support/system.js';

/**
 * 23.280 10.2.7.1 NOTE: a GMS may know no more of the other one than the address of a proxy. Here there
 * are two, real ones: each side has an nginx, through which it goes out and the other comes in. The files
 * of `fixtures/proxies` are those that `docs` shows, with other ports.
 *
 *   a --9011--> nginx of the police --9002--> nginx of the fire brigade --8082--> b
 *   a <--8081-- nginx of the police <--9001-- nginx of the fire brigade <--9012-- b
 */

const delivered = 'group information delivered';
const failed = 'group information not delivered';

/** Directives of the http context that proxies may have. */
const settings = {
  'as nginx comes': '',
  'without any buffering': 'proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off;',
  'with buffers that hold nothing whole':
    'client_body_buffer_size 1k; proxy_buffer_size 4k; proxy_buffers 2 4k; proxy_busy_buffers_size 4k; proxy_max_temp_file_size 16k; proxy_temp_file_write_size 8k;',
  'that keep no connection': 'keepalive_timeout 0;',
  'that close each connection after two requests': 'keepalive_requests 2;',
  'that compress': 'gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;',
} as const;

/** The ports of both sides. */
interface Ports {
  /** Of the GMSs. */
  readonly a: number;
  readonly b: number;
  /** Where the other side comes in. */
  readonly policeIn: number;
  readonly fireIn: number;
  /** Where a GMS goes out. */
  readonly policeOut: number;
  readonly fireOut: number;
}

async function freePorts(): Promise<Ports> {
  const six = await Promise.all(Array.from({ length: 6 }, () => freePort()));
  const [a = 0, b = 0, policeIn = 0, fireIn = 0, policeOut = 0, fireOut = 0] = six;
  return { a, b, policeIn, fireIn, policeOut, fireOut };
}

const fireAt = ({ policeOut }: Ports): string => `http://127.0.0.1:${policeOut}/to/fire/xcap`;
const policeAt = ({ fireOut }: Ports): string => `http://127.0.0.1:${fireOut}/to/police/xcap`;

/** The nginx of each side. */
class Edges {
  readonly police: Nginx;
  readonly fire: Nginx;

  private constructor(ofPolice: Nginx, ofFire: Nginx) {
    this.police = ofPolice;
    this.fire = ofFire;
  }

  /** @param directives of both sides, or of the fire brigade's alone */
  static async start(ports: Ports, directives: string | { readonly fire: string } = ''): Promise<Edges> {
    const { a, b, policeIn, fireIn, policeOut, fireOut } = ports;
    const both =
      typeof directives === 'string'
        ? { police: directives, fire: directives }
        : { police: '', ...directives };
    const policeSite = withPorts(fixture('proxies/police.conf'), {
      8081: a,
      9001: policeIn,
      9002: fireIn,
      9011: policeOut,
    });
    const fireSite = withPorts(fixture('proxies/fire.conf'), {
      8082: b,
      9002: fireIn,
      9001: policeIn,
      9012: fireOut,
    });
    return new Edges(
      await Nginx.start('police', policeSite, both.police),
      await Nginx.start('fire', fireSite, both.fire),
    );
  }

  async stop(): Promise<{ readonly police: readonly Forwarded[]; readonly fire: readonly Forwarded[] }> {
    const [ofPolice, ofFire] = await Promise.all([this.police.stop(), this.fire.stop()]);
    return { police: ofPolice, fire: ofFire };
  }
}

/** Waits for the next line of this kind that `act` causes. */
async function after(
  system: TestSystem,
  message: string,
  act: () => unknown,
  matches: (fields: LogFields) => boolean = () => true,
): Promise<LogFields> {
  system.log.clear();
  await act();
  return (await system.log.line(message, matches)).fields;
}

/** A group with so many members that its document is longer than any buffer of a proxy. */
function crowd(members: number, id = joint): string {
  const others = Array.from(
    { length: members },
    (_, number) => `sip:unit-${number}-of-the-crowd@police.example`,
  );
  return groupText({ id, members: [fire.member, ...others] });
}

describe('23.280 10.2.7.1 through the proxies of both edges', function () {
  this.timeout(30_000);

  let ports: Ports;
  let edges: Edges | undefined;
  let closing: (() => Promise<void> | void)[];

  before(function () {
    const missing = nginxMissing();
    if (missing === undefined) return;
    // Whoever runs the tests must see why some do not run.
    console.log(`      skipped: ${missing}`);
    this.skip();
  });

  beforeEach(async () => {
    ports = await freePorts();
    edges = undefined;
    closing = [];
  });

  afterEach(async () => {
    for (const close of closing.reverse()) await close();
    await edges?.stop();
  });

  const open = <T extends { dispose(): Promise<void> }>(system: T): T => {
    closing.push(() => system.dispose());
    return system;
  };

  /** Both systems, of which each knows its own proxy alone. */
  const startBoth = async (
    clock?: ManualClock,
  ): Promise<{ readonly a: TestSystem; readonly b: TestSystem }> => {
    const surroundings = clock === undefined ? {} : { clock, random: steadyRandom };
    return {
      a: open(await startPrimary(fireAt(ports), { port: ports.a }, surroundings)),
      b: open(await startPartner(policeAt(ports), { port: ports.b }, surroundings)),
    };
  };

  for (const [name, directives] of Object.entries(settings)) {
    it(`10.2.7.2 and 10.2.7.3, update and deletion, ${name}`, async () => {
      edges = await Edges.start(ports, directives);
      const recorded = recordOutbound();
      closing.push(() => {
        recorded.stop();
      });
      const { a, b } = await startBoth(new ManualClock());
      await putPolicy(b, fire, policyFixture('guest-groups'));

      // 10.2.7.2: provided, modified, stored, answered.
      await after(a, delivered, () => administratorPuts(a, police, joint, groupText()));
      const first = await copyAt(b, joint);
      expect(first.received.text).to.equal(fixture('interconnection/joint.xml'));
      expect(first.effective.text).to.equal(fixture('interconnection/joint-effective.xml'));

      // An update, under the tag of the answer: a stale one would have been refused first.
      b.log.clear();
      await after(a, delivered, () => administratorPuts(a, police, joint, groupText({ priority: 4 })));
      const second = await copyAt(b, joint);
      expect(second.received.text).to.equal(groupText({ priority: 4 }));
      expect(second.received.etag).to.not.equal(first.received.etag);
      expect(b.log.lines.filter(({ message }) => message.includes('refused'))).to.deep.equal([]);

      // A document longer than the buffers.
      const long = crowd(5000);
      expect(long.length).to.be.greaterThan(200_000);
      await after(a, delivered, () => administratorPuts(a, police, joint, long));
      expect((await copyAt(b, joint)).received.text).to.equal(long);

      // 10.2.7.3: b is not there when the group is put, and asks for it later.
      const other = 'sip:50%25/river;lane=2+3@police.example';
      await b.close();
      const miss = await after(a, failed, () => administratorPuts(a, police, other, crowd(5000, other)));
      expect(miss['reason']).to.equal('the partner answered 502');
      await b.open();
      a.log.clear();
      const pulled = await getAs(b, fire.member, other);
      expect(pulled.status, pulled.text).to.equal(200);
      expect((await copyAt(b, other)).received.text).to.equal(crowd(5000, other));

      // Deletion, of what was pushed and of what was pulled.
      for (const id of [joint, other]) {
        const isGone = (fields: LogFields): boolean =>
          fields['group'] === id && fields['outcome'] === 'withdrawn';
        await after(a, delivered, () => administratorDeletes(a, police, id), isGone);
        const { received, effective } = await copyAt(b, id);
        expect([received.status, effective.status]).to.deep.equal([404, 404]);
      }

      // Neither called anything but its own proxy; paths went through as they were sent.
      const tests = [`127.0.0.1:${ports.a} `, `127.0.0.1:${ports.b} `];
      const called = recorded.urls.filter((url) => !tests.some((start) => url.startsWith(start)));
      const own = [
        `127.0.0.1:${ports.policeOut} /to/fire/xcap/`,
        `127.0.0.1:${ports.fireOut} /to/police/xcap/`,
      ];
      expect(called.filter((url) => !own.some((start) => url.startsWith(start)))).to.deep.equal([]);
      const { police: throughPolice, fire: throughFire } = await edges.stop();
      edges = undefined;
      expect(throughFire).to.deep.include({
        request: `PUT /partner/xcap${groupPath(joint)}`,
        status: 201,
        upstream: '201',
      });
      expect(throughPolice).to.deep.include({
        request: `GET /partner/xcap${groupPath(other)}`,
        status: 200,
        upstream: '200',
      });
      expect(throughFire.filter(({ status }) => status === 404 || status === 400)).to.deep.equal([]);
    });
  }

  it('a proxy that ends its connections between requests costs nothing', async () => {
    edges = await Edges.start(ports);
    const { a, b } = await startBoth();
    for (let round = 1; round <= 4; round += 1) {
      const text = groupText({ name: `Round ${round}` });
      await after(a, delivered, () => administratorPuts(a, police, joint, text));
      expect(a.log.lines.filter(({ message }) => message === failed)).to.deep.equal([]);
      expect((await copyAt(b, joint)).received.text).to.equal(text);
      await Promise.all([edges.police.reload(), edges.fire.reload()]);
    }
  });

  it('a partner that is slow for its proxy: 504 of nginx is a failure, tried again', async () => {
    const partner = await ScriptedServer.start('silence');
    closing.push(() => partner.down());
    edges = await Edges.start({ ...ports, b: partner.port }, { fire: 'proxy_read_timeout 100ms;' });
    const clock = new ManualClock();
    const a = open(await startPrimary(fireAt(ports), { port: ports.a }, { clock, random: steadyRandom }));
    const { reason } = await after(a, failed, () => administratorPuts(a, police, joint, groupText()));
    expect(reason).to.equal('the partner answered 504');
    partner.otherwise({ status: 201, headers: { ETag: '"1"' } });
    await after(a, delivered, () => {
      clock.advance(8000);
    });
    expect((await partner.request(2)).body).to.equal(groupText());
  });

  it('a primary that is slow or down for its proxy: 503 to the client, the page of nginx is never stored', async () => {
    const primary = await ScriptedServer.start('silence');
    closing.push(() => primary.down());
    edges = await Edges.start({ ...ports, a: primary.port }, 'proxy_read_timeout 100ms;');
    const b = open(await startPartner(policeAt(ports), { port: ports.b }));
    const refused = async (status: number): Promise<void> => {
      await copyUnchanged(b, joint, async () => {
        const answer = await getAs(b, fire.member, joint);
        expect(answer.status).to.equal(503);
        expect(answer.headers['retry-after']).to.match(/^\d+$/);
        expect(answer.text).to.not.match(/nginx|html/i);
      });
      await b.log.line('the primary MC system cannot answer', (fields) => fields['status'] === status);
    };
    await refused(504);
    await primary.down();
    await refused(502);
    await primary.up();
    primary.otherwise({
      status: 200,
      headers: { 'Content-Type': groupType, ETag: '"1"' },
      body: groupText(),
    });
    expect((await getAs(b, fire.member, joint)).text).to.equal(groupText());
  });

  it('a page of the proxy instead of a document, with 200: 502 to the client, nothing is stored', async () => {
    const primary = await ScriptedServer.start({
      status: 200,
      headers: { 'Content-Type': 'text/html' },
      body: '<html><body>Please log in</body></html>',
    });
    closing.push(() => primary.down());
    edges = await Edges.start({ ...ports, a: primary.port });
    const b = open(await startPartner(policeAt(ports), { port: ports.b }));
    await copyUnchanged(b, joint, async () => {
      expect((await getAs(b, fire.member, joint)).status).to.equal(502);
    });
  });

  it('a body that is too large for the proxy: 413 of nginx is the way’s failure: tried again, never parked', async () => {
    edges = await Edges.start(ports, { fire: 'client_max_body_size 4k;' });
    const { a, b } = await startBoth(new ManualClock());
    const { reason } = await after(a, failed, () => administratorPuts(a, police, joint, crowd(200)));
    expect(reason).to.match(/^413 came back, but nothing in it shows that the partner itself answered/);
    expect((await copyAt(b, joint)).received.status).to.equal(404);

    await after(a, delivered, () => administratorPuts(a, police, joint, groupText()));
    expect((await copyAt(b, joint)).received.text).to.equal(groupText());

    await edges.fire.reload();
    await after(a, delivered, () => administratorPuts(a, police, joint, crowd(200)));
    expect((await copyAt(b, joint)).received.text).to.equal(crowd(200));
  });

  it('whoever comes in through the proxy is the peer, whatever the request says of itself', async () => {
    edges = await Edges.start(ports);
    const { b } = await startBoth();
    const own = 'sip:quay@fire.example';
    await administratorPuts(b, fire, own, groupText({ id: own, members: [fire.member] }));
    const forged = async (method: string, id: string, body?: string): Promise<RawAnswer> =>
      await send(ports.fireIn, {
        method,
        target: `/partner/xcap${groupPath(id)}`,
        headers: {
          'X-3GPP-Asserted-Identity': fire.administrator,
          'X-Forwarded-For': '127.0.0.1',
          'Content-Type': groupType,
        },
        ...(body === undefined ? {} : { body }),
      });
    await b.unchanged(groupPath(own), async () => {
      expect((await forged('GET', own)).status).to.equal(403);
      expect((await forged('PUT', own, groupText({ id: own }))).status).to.equal(403);
      expect((await forged('DELETE', own)).status).to.equal(403);
    });
  });

  it('no path leads out of the place that the proxy gives', async () => {
    edges = await Edges.start(ports);
    await startBoth();
    for (const target of [
      '/xcap-root/xcap-caps/global/index',
      '/partner/xcap',
      '/partner/xcap/../../xcap-root/xcap-caps/global/index',
      '/partner/xcap/%2e%2e/xcap-caps/global/index',
      '/partner/xcap/..%2f..%2fxcap-root/xcap-caps/global/index',
      '/x/../partner/xcap/xcap-caps/global/index',
      '//partner/xcap/xcap-caps/global/index',
      '/partner%2fxcap/xcap-caps/global/index',
    ]) {
      const { status } = await send(ports.fireIn, { method: 'GET', target });
      expect(status, target).to.be.oneOf([301, 400, 403, 404]);
    }
  });

  it('a gateway that points at itself through its proxy: 508, after one request', async () => {
    edges = await Edges.start(ports);
    const gateway = await startGateway({
      system: { identity: fire.gms },
      outside: { port: ports.b },
      gms: [
        {
          name: 'x',
          identity: 'sip:x@fire.example',
          root: `http://127.0.0.1:${ports.fireIn}/partner/xcap`,
          domains: [police.domain],
        },
      ],
      peers: [{ name: 'a', identity: police.gms }],
    });
    closing.push(() => gateway.close());
    const answer = await send(ports.fireIn, { method: 'GET', target: `/partner/xcap${groupPath(joint)}` });
    expect(answer.status).to.equal(508);
    const { fire: forwarded } = await edges.stop();
    edges = undefined;
    expect(forwarded.map(({ status }) => status)).to.deep.equal([508, 508]);
  });

  describe('with a gateway in front of two GMSs', () => {
    const river = 'sip:river-rescue@police.example';
    const harbour = 'sip:harbour@fire.example';
    const quay = 'sip:quay@fire.example';

    let a: TestSystem;
    let north: TestSystem;
    let south: TestSystem;
    let gateway: Gateway;

    const behind = async (
      name: 'north' | 'south',
      port: number,
      gatewayInside: number,
    ): Promise<TestSystem> => {
      const config: ConfigInput = siteConfig(fire, police, `http://127.0.0.1:${gatewayInside}/partners/a`, {
        port,
        interconnection: { identity: `sip:gms-${name}@fire.example` },
      });
      return open(await TestSystem.start(config));
    };

    beforeEach(async () => {
      const [portOfNorth, portOfSouth, inside] = [await freePort(), await freePort(), await freePort()];
      edges = await Edges.start(ports);
      const text = withPorts(fixture('proxies/gateway.yaml'), {
        8082: portOfNorth,
        8083: portOfSouth,
        8092: ports.b,
        8093: inside,
        9012: ports.fireOut,
      });
      const judged = checkText(text, 'gateway.yaml', checkGatewayConfig);
      if (!('config' in judged)) throw new Error(JSON.stringify(judged.mistakes));
      gateway = await createGateway(judged.config, { random: systemRandom, log: new RecordedLog() });
      closing.push(() => gateway.close());
      a = open(await startPrimary(fireAt(ports), { port: ports.a }));
      north = await behind('north', portOfNorth, inside);
      south = await behind('south', portOfSouth, inside);
    });

    const told = (system: TestSystem, id: string, outcome: string, act: () => unknown): Promise<LogFields> =>
      after(system, delivered, act, (fields) => fields['group'] === id && fields['outcome'] === outcome);

    it('push, update and deletion reach the GMS that the group ID is for, and no other', async () => {
      for (const [id, holder, other] of [
        [joint, north, south],
        [river, south, north],
      ] as const) {
        const provided = { id, members: [police.member, fire.member] };
        await told(a, id, 'delivered', () => administratorPuts(a, police, id, groupText(provided)));
        const updated = groupText({ ...provided, name: 'Updated' });
        await told(a, id, 'delivered', () => administratorPuts(a, police, id, updated));
        expect((await copyAt(holder, id)).received.text).to.equal(updated);
        expect((await getAs(other, police.gms, id)).status).to.equal(404);
        await told(a, id, 'withdrawn', () => administratorDeletes(a, police, id));
        expect((await copyAt(holder, id)).received.status).to.equal(404);
      }
    });

    it('both GMSs push and both are asked, each for its own groups', async () => {
      for (const [id, holder] of [
        [quay, north],
        [harbour, south],
      ] as const) {
        const text = groupText({ id, members: [police.member, fire.member] });
        await told(holder, id, 'delivered', () => administratorPuts(holder, fire, id, text));
        expect((await getAs(a, police.member, id)).text).to.equal(text);
        await told(holder, id, 'withdrawn', () => administratorDeletes(holder, fire, id));
        expect((await getAs(a, police.administrator, id)).status).to.equal(404);
      }
    });

    it('a GMS behind it requests what it does not have, and is kept current', async () => {
      await administratorPuts(a, police, joint, groupText({ members: [police.member] }));
      expect((await getAs(north, fire.member, joint)).status).to.be.oneOf([403, 404]);
      await south.close();
      const text = groupText({ id: river });
      a.log.clear();
      await administratorPuts(a, police, river, text);
      await a.log.line(failed, (fields) => fields['reason'] === 'the partner answered 502');
      await south.open();
      a.log.clear();
      expect((await getAs(south, fire.member, river)).text).to.equal(text);
      // The request tells a that its partner is there again, and the delivery that waited is made.
      await a.log.line(delivered, (fields) => fields['group'] === river);
      const newer = groupText({ id: river, priority: 3 });
      await told(a, river, 'delivered', () => administratorPuts(a, police, river, newer));
      expect((await copyAt(south, river)).received.text).to.equal(newer);
    });

    it('no answer to the other side tells of what is behind', async () => {
      const answers: RawAnswer[] = [];
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'POST']) {
        for (const id of [joint, river, harbour, 'sip:x@elsewhere.example']) {
          for (const path of [groupPath(id), `${groupPath(id)}/~~/group`, '/xcap-caps/global/index']) {
            const body = method === 'PUT' ? { body: groupText({ id }) } : {};
            answers.push(
              await send(ports.fireIn, {
                method,
                target: `/partner/xcap${path}`,
                headers: { 'Content-Type': groupType, 'If-None-Match': '*' },
                ...body,
              }),
            );
          }
        }
      }
      await north.close();
      answers.push(await send(ports.fireIn, { method: 'GET', target: `/partner/xcap${groupPath(joint)}` }));
      expect(answers.at(-1)?.status).to.equal(502);
      expect(answers.map(({ status }) => status)).to.include.members([201, 403, 404, 405, 502]);
      const inner = [north, south].map(({ folder }) => folder);
      for (const { headers, text } of answers) {
        const shown = `${JSON.stringify({ ...headers, server: '' })}${text}`;
        for (const secret of [
          '127.0.0.1',
          'localhost',
          '/xcap-root',
          'partners',
          'north',
          'south',
          ...inner,
        ]) {
          expect(shown).to.not.include(secret);
        }
        expect(shown).to.not.match(/\bat \S+:\d+:\d+/);
      }
    });
  });
});

describe('docs/deployment.md and docs/gateway.md', () => {
  it('show the files that the tests run with', () => {
    for (const [document, file] of [
      ['deployment.md', 'fire.conf'],
      ['gateway.md', 'gateway.yaml'],
    ] as const) {
      const text = fixture(`../docs/${document}`);
      expect(text, file).to.include(`\n${fixture(`proxies/${file}`)}\`\`\`\n`);
    }
  });
});
