import http from 'node:http';
import { expect } from 'chai';
import type { GatewayConfigInput } from '../../src/gateway/config.js';
import { hopsField } from '../../src/gateway/requests.js';
import { incarnationField, withdrawalField } from '../../src/interconnection/csc-16-fields.js';
import { provisionFailed, resultMediaType } from '../../src/interconnection/result/result.js';
import { writeResult } from '../../src/interconnection/result/write-result.js';
import type { GroupId } from '../../src/base/identifiers.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import {
  fire,
  freePort,
  Gate,
  groupText,
  joint,
  police,
  ScriptedServer,
  willingPartner,
  type Answering,
  type ScriptedAnswer,
} from '../support/peers.js';
import { send, type RawAnswer, type RawRequest } from '../support/raw-http.js';
import { groupPath, groupType } from '../support/system.js';

const token = 'A'.repeat(22);
const secret = 'gms-north.inside.example';

type Asked = Partial<RawRequest> & { readonly path?: string; readonly as?: string | undefined };

/** Asks at a URL of a gateway, as a peer's GMS where nothing else is said. */
async function ask(root: string, asked: Asked = {}): Promise<RawAnswer> {
  const { path = groupPath(joint), as = police.gms, method = 'GET', headers, ...rest } = asked;
  const url = new URL(root);
  return await send(Number(url.port), {
    method,
    target: asked.target ?? `${url.pathname}${path}`,
    headers: {
      ...('as' in asked && asked.as === undefined ? {} : { 'X-3GPP-Asserted-Identity': as }),
      ...headers,
    },
    ...rest,
  });
}

describe('mcgms gateway: 23.280 5.2.10.7 topology hiding between MC systems', () => {
  let north: ScriptedServer;
  let south: ScriptedServer;
  let partner: ScriptedServer;
  let gateway: TestGateway;
  let recorded: readonly ScriptedServer[];

  const start = async (input: GatewayConfigInput = {}): Promise<void> => {
    gateway = await startGateway({
      system: { name: 'b', identity: fire.gms },
      inside: { port: 0 },
      gms: [
        {
          name: 'north',
          identity: 'sip:gms-north@fire.example',
          root: north.root,
          domains: [fire.domain, police.domain],
        },
        {
          name: 'south',
          identity: 'sip:gms-south@fire.example',
          root: south.root,
          groups: ['sip:river-*@police.example'],
        },
      ],
      peers: [
        { name: 'a', identity: police.gms, root: partner.root },
        { name: 'c', identity: 'sip:gms@port.example' },
      ],
      ...input,
    });
  };

  beforeEach(async () => {
    north = await ScriptedServer.start(willingPartner());
    south = await ScriptedServer.start(willingPartner());
    partner = await ScriptedServer.start(willingPartner());
    recorded = [north, south, partner];
    await start();
  });

  afterEach(async () => {
    await gateway.close();
    await Promise.all(recorded.map((server) => server.down()));
  });

  const requests = (): number => recorded.reduce((sum, server) => sum + server.requests.length, 0);

  /** Expects a refusal at the edge: nobody behind or beyond is asked. */
  const refusedAtEdge = async (attempt: () => Promise<RawAnswer>, status: number): Promise<RawAnswer> => {
    const before = requests();
    const answer = await attempt();
    expect(answer.status, answer.text).to.equal(status);
    expect(requests(), 'requests behind the gateway').to.equal(before);
    return answer;
  };

  const put = async (
    text: string,
    headers: Readonly<Record<string, string>> = {},
    id = joint,
  ): Promise<RawAnswer> =>
    await ask(gateway.outside, {
      method: 'PUT',
      path: groupPath(id),
      body: text,
      headers: { 'Content-Type': groupType, ...headers },
    });

  describe('inward', () => {
    it('each group ID goes to the GMS whose it is', async () => {
      for (const id of [joint, 'sip:river-rescue@police.example', 'sip:harbour@fire.example']) {
        expect((await put(groupText({ id }), { 'If-None-Match': '*' }, id)).status, id).to.equal(201);
      }
      expect(north.requests.map(({ target }) => target)).to.deep.equal([
        `/xcap-root${groupPath(joint)}`,
        `/xcap-root${groupPath('sip:harbour@fire.example')}`,
      ]);
      expect(south.requests.map(({ target }) => target)).to.deep.equal([
        `/xcap-root${groupPath('sip:river-rescue@police.example')}`,
      ]);
    });

    it('bytes, content type, conditions, Accept and tags go through as they are', async () => {
      const text = `\uFEFF${groupText({ name: 'Zürich ☎' })}\r\n`;
      const accept = `${resultMediaType}, ${groupType};q=0.5`;
      const created = await put(text, { 'If-None-Match': '*', Accept: accept });
      expect([created.status, created.headers.etag]).to.deep.equal([201, '"1"']);
      const { headers, body } = await north.request(1);
      expect(headers['content-type']).to.equal(groupType);
      expect(headers['if-none-match']).to.equal('*');
      expect(headers.accept).to.equal(accept);
      expect(body).to.equal(text);
      const replaced = await put(text, { 'If-Match': '"1", W/"x"' });
      expect([replaced.status, replaced.headers.etag]).to.deep.equal([200, '"2"']);
      expect((await north.request(2)).headers['if-match']).to.equal('"1", W/"x"');

      const got = await ask(gateway.outside);
      expect([got.status, got.headers.etag, got.headers['content-type']]).to.deep.equal([
        200,
        '"2"',
        groupType,
      ]);
      expect(got.body.equals(Buffer.from(text))).to.equal(true);
      const head = await ask(gateway.outside, { method: 'HEAD' });
      expect([head.status, head.text, head.headers['content-length']]).to.deep.equal([
        200,
        '',
        String(Buffer.byteLength(text)),
      ]);
      expect(
        (await ask(gateway.outside, { method: 'DELETE', headers: { 'If-Match': '"2"' } })).status,
      ).to.equal(200);
      const last = north.requests.at(-1);
      expect([last?.method, last?.headers['if-match'], last?.body]).to.deep.equal(['DELETE', '"2"', '']);
      expect((await ask(gateway.outside)).status).to.equal(404);
    });

    it('304 and 412 come back with their tag', async () => {
      north.answers({ status: 304, headers: { ETag: '"7"' } });
      const same = await ask(gateway.outside, { headers: { 'If-None-Match': '"7"' } });
      expect([same.status, same.headers.etag, same.text]).to.deep.equal([304, '"7"', '']);
      north.answers({ status: 412, headers: { ETag: '"8"' } });
      const stale = await put(groupText(), { 'If-Match': '"7"' });
      expect([stale.status, stale.headers.etag]).to.deep.equal([412, '"8"']);
    });

    it('dates and conditions by date go through; what is no date stays behind', async () => {
      const date = 'Thu, 01 Jan 2026 00:00:00 GMT';
      const conditions = { 'If-Modified-Since': date, 'If-Unmodified-Since': date };
      north.answers({ status: 304, headers: { ETag: '"7"', 'Last-Modified': date } });
      const same = await ask(gateway.outside, { headers: conditions });
      expect([same.status, same.headers['last-modified']]).to.deep.equal([304, date]);
      const sent = north.requests.at(-1)?.headers;
      expect([sent?.['if-modified-since'], sent?.['if-unmodified-since']]).to.deep.equal([date, date]);
      north.answers({ status: 304, headers: { ETag: '"7"', 'Last-Modified': 'gms.inside.example' } });
      const odd = await ask(gateway.outside, { headers: conditions });
      expect(odd.headers).not.to.have.property('last-modified');
    });

    it('a group ID with every delicate character stays one segment', async () => {
      const id = 'sip:50%25/river;lane=2&a=b+c~!*@police.example';
      await ask(gateway.outside, { path: groupPath(id) });
      expect((await north.request(1)).target).to.equal(`/xcap-root${groupPath(id)}`);
    });

    it('the identity of the peer is asserted, and nothing else of its request goes on', async () => {
      await ask(gateway.outside, {
        as: '"SIP:gms@POLICE.example"',
        headers: {
          Authorization: 'Bearer secret',
          Cookie: 'secret=1',
          Forwarded: 'for=10.0.0.1;host=evil.example',
          'X-Forwarded-For': '10.0.0.1',
          'X-Forwarded-Host': 'evil.example',
          'X-Original-URL': '/admin',
          'X-HTTP-Method-Override': 'DELETE',
          Via: '1.1 edge.police.example',
          Host: 'evil.example',
          Connection: 'keep-alive, X-Custom',
          'X-Custom': '1',
          'Proxy-Authorization': 'Basic c2VjcmV0',
          TE: 'trailers',
          Range: 'bytes=0-1',
        },
      });
      const { headers } = await north.request(1);
      expect(Object.keys(headers)).to.have.members([
        'accept-encoding',
        'connection',
        'host',
        hopsField.toLowerCase(),
        'x-3gpp-asserted-identity',
      ]);
      expect(headers['accept-encoding']).to.equal('identity');
      expect(headers['x-3gpp-asserted-identity']).to.equal(police.gms);
      expect(headers.host).to.equal(`127.0.0.1:${north.port}`);
    });

    for (const [who, as] of [
      ['nobody', undefined],
      ['an administrator', fire.administrator],
      ['a user', fire.member],
      ['our own GMS', 'sip:gms-north@fire.example'],
      ['a GMS that is no peer', 'sip:gms@elsewhere.example'],
      ['two at once', `${police.gms}, ${fire.administrator}`],
    ] as const) {
      it(`${who} is refused at the edge`, async () => {
        await refusedAtEdge(() => ask(gateway.outside, { as }), 403);
        await refusedAtEdge(() => ask(gateway.outside, { as, path: '/nothing' }), 403);
        await refusedAtEdge(
          () =>
            ask(gateway.outside, {
              as,
              method: 'PUT',
              body: groupText(),
              headers: { 'Content-Type': groupType },
            }),
          403,
        );
      });
    }

    for (const [what, path, status] of [
      ['the users tree', `/org.openmobilealliance.groups/users/sip%3Ax%40fire.example/index`, 404],
      ['the global tree as a folder', '/org.openmobilealliance.groups/global/', 404],
      ['byGroupID as a folder', '/org.openmobilealliance.groups/global/byGroupID/', 404],
      ['more than a group ID', `${groupPath(joint)}/more`, 404],
      [
        'a group ID in two segments',
        '/org.openmobilealliance.groups/global/byGroupID/sip%3Ariver-1/x%40police.example',
        404,
      ],
      ['what is no group ID', '/org.openmobilealliance.groups/global/byGroupID/joint', 404],
      ['policies', '/org.mcgms.interconnection-policy/global/policy.xml', 404],
      ['xcap-caps', '/xcap-caps/global/index', 404],
      ['the directory', '/org.openmobilealliance.xcap-directory/global/directory.xml', 404],
      ['a node', `${groupPath(joint)}/~~/group`, 403],
      ['a query', `${groupPath(joint)}?x=1`, 403],
      ['a dot segment', '/org.openmobilealliance.groups/global/byGroupID/../../../admin', 400],
      ['an encoded dot segment', '/org.openmobilealliance.groups/global/byGroupID/%2e%2e', 400],
      ['a group of nobody', groupPath('sip:x@elsewhere.example'), 404],
      ['a tel group of nobody', groupPath('tel:+15551234'), 404],
    ] as const) {
      it(`${what} is not there`, async () => {
        for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
          await refusedAtEdge(() => ask(gateway.outside, { method, path }), status);
        }
      });
    }

    it('other methods: 405 with Allow; another root: 404', async () => {
      for (const method of ['POST', 'PATCH', 'OPTIONS', 'TRACE']) {
        const { headers } = await refusedAtEdge(() => ask(gateway.outside, { method }), 405);
        expect(headers.allow).to.equal('GET, HEAD, PUT, DELETE');
      }
      await refusedAtEdge(() => ask(gateway.outside, { target: `/other${groupPath(joint)}` }), 404);
      await refusedAtEdge(() => ask(gateway.outside, { target: `/partners/a${groupPath(joint)}` }), 404);
    });

    it('a refusal at the edge is the gateway’s own word, also to a peer that asks for the Result (RFC 9209)', async () => {
      const id = 'sip:x@elsewhere.example';
      const Accept = `${resultMediaType}, application/xcap-error+xml`;
      const conditional = { 'If-Match': '"1"', [incarnationField]: token, [withdrawalField]: 'none' };
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
        const { headers } = await refusedAtEdge(
          () => ask(gateway.outside, { method, path: groupPath(id), headers: { Accept, ...conditional } }),
          404,
        );
        expect(headers['proxy-status'], method).to.equal('mcgms-gateway; error=destination_not_found');
        expect(headers['content-type'], method).to.equal('text/plain; charset=utf-8');
        expect(headers, method).to.not.have.any.keys('etag', 'mcgms-incarnation', 'mcgms-withdrawal');
      }
    });

    it('the fields of the two GMSs go through, both ways, where they make sense', async () => {
      const own = { [incarnationField]: 'i'.repeat(22), [withdrawalField]: '"w-1"' };
      north.answers({ status: 410, headers: own });
      const answer = await put(groupText(), { [incarnationField]: token, [withdrawalField]: 'none' });
      expect(answer.status).to.equal(410);
      expect(answer.headers).to.include({ 'mcgms-incarnation': 'i'.repeat(22), 'mcgms-withdrawal': '"w-1"' });
      expect((await north.request(1)).headers).to.include({
        'mcgms-incarnation': token,
        'mcgms-withdrawal': 'none',
      });
      const nonsense = { [incarnationField]: secret, [withdrawalField]: `at ${secret}` };
      north.answers({ status: 404, headers: nonsense });
      const { headers } = await put(groupText(), nonsense);
      expect(headers).to.not.have.any.keys('mcgms-incarnation', 'mcgms-withdrawal');
      expect((await north.request(2)).headers).to.not.have.any.keys('mcgms-incarnation', 'mcgms-withdrawal');
    });

    it('the body at its limit goes through, one octet more is 413 at the edge', async () => {
      await gateway.close();
      await start({ forwarding: { bodyBytes: '4KiB' } });
      expect((await put('x'.repeat(4096))).status).to.equal(201);
      await refusedAtEdge(() => put('x'.repeat(4097)), 413);
      await refusedAtEdge(() => put('x', { 'Content-Encoding': 'gzip' }), 415);
    });
  });

  describe('what comes back', () => {
    const answered = async (method: string, scripted: ScriptedAnswer): Promise<RawAnswer> => {
      north.answers(scripted);
      const body = method === 'PUT' ? { body: groupText() } : {};
      return await ask(gateway.outside, { method, headers: { 'Content-Type': groupType }, ...body });
    };

    /** Fields that an answer may have; Node.js adds the last four. */
    const fields = [
      'etag',
      'content-type',
      'allow',
      'retry-after',
      'proxy-status',
      'cache-control',
      'vary',
      'content-length',
      'date',
      'connection',
      'keep-alive',
    ];

    const telling = {
      Server: `nginx at ${secret}`,
      Via: `1.1 ${secret}`,
      Location: `http://${secret}/xcap-root/`,
      'Content-Location': `http://${secret}/`,
      Link: `<http://${secret}/>; rel="next"`,
      'X-Served-By': secret,
      'X-Powered-By': secret,
      'Set-Cookie': `route=${secret}`,
      Warning: `299 ${secret} "?"`,
      'WWW-Authenticate': `Bearer realm="${secret}"`,
      'Retry-After': `soon, says ${secret}`,
      'X-MCGMS-Hops': token,
      [incarnationField]: `of ${secret}`,
      [withdrawalField]: `"${secret}"`,
    };

    for (const method of ['GET', 'PUT', 'DELETE', 'HEAD']) {
      it(`to ${method}: whatever the status, no field or body tells of the inside`, async () => {
        for (let status = 200; status < 600; status += status % 100 === 31 ? 69 : 1) {
          const answer = await answered(method, {
            status,
            headers: { ...telling, 'Content-Type': 'text/html' },
            body: [204, 304].includes(status) ? '' : `<h1>${secret}</h1>`,
          });
          const shown = `${method} ${status}: ${answer.status} ${JSON.stringify(answer.headers)} ${answer.text}`;
          expect(shown).to.not.include(secret);
          expect(fields, shown).to.include.members(Object.keys(answer.headers));
          expect(answer.status, shown).to.be.oneOf([status, 200, 502, 504]);
          if (status < 400 && ![200, 201, 204, 304].includes(status))
            expect(answer.status, shown).to.equal(502);
          if (status === 500 || status === 401) expect(answer.status, shown).to.equal(502);
          if ([404, 503, 504].includes(status)) expect(answer.status, shown).to.equal(status);
        }
      });
    }

    it('a document of another type is nobody’s document: 502', async () => {
      for (const type of ['text/html', 'application/xml', '']) {
        const answer = await answered('GET', { status: 200, headers: { 'Content-Type': type }, body: 'x' });
        expect(answer.status).to.equal(502);
      }
    });

    it('Results and xcap-errors go through, byte for byte', async () => {
      const failed = writeResult(provisionFailed(joint as GroupId, 'storage', { phrase: 'no room' }));
      const full = await answered('PUT', {
        status: 507,
        headers: { 'Content-Type': resultMediaType },
        body: failed,
      });
      expect([full.status, full.text]).to.deep.equal([507, failed]);
      const error = '<xcap-error xmlns="urn:ietf:params:xml:ns:xcap-error"><not-utf-8/></xcap-error>';
      const conflict = await answered('PUT', {
        status: 409,
        headers: { 'Content-Type': 'application/xcap-error+xml; charset=utf-8' },
        body: error,
      });
      expect([conflict.status, conflict.text]).to.deep.equal([409, error]);
      expect(conflict.headers['content-type']).to.equal('application/xcap-error+xml; charset=utf-8');
    });

    it('an xcap-error that names an ancestor by an address of the inside is dropped, its status stays', async () => {
      for (const ancestor of [
        `${north.root}/org.openmobilealliance.groups`,
        `${south.root.toUpperCase()}/x`,
        `127.0.0.1:${south.port}`,
        '/xcap-root/org.openmobilealliance.groups/global',
        '//127.0.0.1/',
      ]) {
        const answer = await answered('PUT', {
          status: 409,
          headers: { 'Content-Type': 'application/xcap-error+xml' },
          body: `<xcap-error xmlns="urn:ietf:params:xml:ns:xcap-error"><no-parent><ancestor>${ancestor}</ancestor></no-parent></xcap-error>`,
        });
        expect([answer.status, answer.text, answer.headers['content-type']], ancestor).to.deep.equal([
          409,
          '',
          undefined,
        ]);
      }
    });

    it('a media type goes through as it came, but for parameters that could tell anything', async () => {
      for (const [sent, got] of [
        [`${groupType}; charset="UTF-8"`, `${groupType}; charset="UTF-8"`],
        [`${groupType}; node=${secret}`, groupType],
        [`${groupType}; charset=utf-8; node=${secret}`, groupType],
      ] as const) {
        const { headers } = await answered('GET', {
          status: 200,
          headers: { 'Content-Type': sent },
          body: 'x',
        });
        expect(headers['content-type']).to.equal(got);
      }
    });

    it('Retry-After goes through where it makes sense', async () => {
      for (const value of ['120', 'Sun, 06 Nov 1994 08:49:37 GMT']) {
        const { status, headers } = await answered('PUT', { status: 503, headers: { 'Retry-After': value } });
        expect([status, headers['retry-after']]).to.deep.equal([503, value]);
      }
    });

    it('204 becomes 200: it cannot carry a Result', async () => {
      expect((await answered('PUT', { status: 204, headers: { ETag: '"9"' } })).headers.etag).to.equal('"9"');
      expect((await answered('DELETE', { status: 204 })).status).to.equal(200);
    });

    it('502 without detail where the GMS is down, resets, talks nonsense or never ends', async () => {
      await gateway.close();
      await start({ forwarding: { answerBytes: '8KiB' } });
      const failures: ScriptedAnswer[] = [
        'reset',
        { raw: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx' },
        { raw: 'SSH-2.0-OpenSSH_9.2\r\n' },
        { status: 200, headers: { 'Content-Type': groupType }, body: 'x'.repeat(8193) },
        { status: 200, headers: { 'Content-Type': groupType, 'Content-Encoding': 'gzip' }, body: 'x' },
      ];
      for (const failure of failures) {
        const answer = await answered('GET', failure);
        expect([answer.status, answer.text]).to.deep.equal([502, 'the MC system cannot answer at present\n']);
        expect(answer.headers['proxy-status']).to.equal('mcgms-gateway; error=destination_unavailable');
      }
      await north.down();
      const answer = await put(groupText());
      expect([answer.status, answer.text]).to.deep.equal([502, 'the MC system cannot answer at present\n']);
      const said = gateway.log.lines.map((line) => JSON.stringify(line)).join('\n');
      expect(said).to.not.include(`:${north.port}`);
    });

    it('504 where the GMS is silent, and other groups are served meanwhile', async () => {
      await gateway.close();
      await start({ forwarding: { deadline: '150ms' } });
      north.answers('silence');
      const silent = ask(gateway.outside);
      await north.request(1);
      const other = await put(groupText(), {}, 'sip:river-rescue@police.example');
      expect(other.status).to.equal(201);
      const { status, headers } = await silent;
      expect([status, headers['proxy-status']]).to.deep.equal([
        504,
        'mcgms-gateway; error=http_response_timeout',
      ]);
    });

    it('503 with Retry-After where too many requests to one GMS are under way; another GMS is free', async () => {
      await gateway.close();
      await start({ forwarding: { parallel: 2 } });
      const gate = new Gate();
      const held = async (): Promise<ScriptedAnswer> => {
        await gate.passed;
        return { status: 404 };
      };
      north.answers(held, held);
      const waiting = [ask(gateway.outside), ask(gateway.outside)];
      await north.request(2);
      const refused = await ask(gateway.outside);
      expect([refused.status, refused.headers['retry-after']]).to.deep.equal([503, '1']);
      expect((await put(groupText(), {}, 'sip:river-1@police.example')).status).to.equal(201);
      gate.open();
      expect((await Promise.all(waiting)).map(({ status }) => status)).to.deep.equal([404, 404]);
      expect((await put(groupText())).status).to.equal(201);
    });
  });

  describe('design D21: the places at a server are shared out', () => {
    const portGms = 'sip:gms@port.example';
    let gate: Gate;

    beforeEach(async () => {
      await gateway.close();
      // Nothing here waits for the end of a deadline.
      await start({ forwarding: { parallel: 2, deadline: '10m' } });
      gate = new Gate();
    });

    const held = async (): Promise<ScriptedAnswer> => {
      await gate.passed;
      return { status: 404 };
    };

    it('one peer that holds all of them leaves another its own', async () => {
      north.answers(held, held);
      const waiting = [ask(gateway.outside), ask(gateway.outside)];
      await north.request(2);
      expect((await ask(gateway.outside)).status).to.equal(503);
      expect((await ask(gateway.outside, { as: portGms })).status).to.equal(404);
      gate.open();
      await Promise.all(waiting);
    });

    it('nor does one GMS of ours take them from another', async () => {
      partner.answers(held, held);
      const from = (as: string): Promise<RawAnswer> => ask(`${gateway.inside ?? ''}/a`, { as });
      const waiting = [from('sip:gms-north@fire.example'), from('sip:gms-north@fire.example')];
      await partner.request(2);
      expect((await from('sip:gms-north@fire.example')).status).to.equal(503);
      expect((await from('sip:gms-south@fire.example')).status).to.equal(404);
      gate.open();
      await Promise.all(waiting);
    });

    it('who is gone frees its place at once, and its request goes no further', async () => {
      let closed = 0;
      const noted = new Gate();
      const silent: Answering = () => ({
        by: (socket) => {
          socket.once('close', () => {
            closed += 1;
            if (closed === 2) noted.open();
          });
        },
      });
      north.answers(silent, silent);
      const url = new URL(gateway.outside);
      const headers = { 'X-3GPP-Asserted-Identity': police.gms };
      const asked = [1, 2].map(() =>
        http.get({ port: url.port, path: `${url.pathname}${groupPath(joint)}`, headers, agent: false }),
      );
      for (const request of asked) request.on('error', () => undefined);
      await north.request(2);
      expect((await ask(gateway.outside)).status).to.equal(503);
      for (const request of asked) request.destroy();
      await noted.passed;
      expect((await put(groupText())).status).to.equal(201);
    });
  });

  describe('outward', () => {
    const inside = (peer = 'a'): string => `${gateway.inside ?? ''}/${peer}`;

    it('our GMSs reach a peer by its name, and are all the one identity of the system', async () => {
      for (const as of ['sip:gms-north@fire.example', 'sip:gms-south@fire.example']) {
        const answer = await ask(inside(), {
          method: 'PUT',
          as,
          path: groupPath('sip:harbour@fire.example'),
          body: groupText(),
          headers: { 'Content-Type': groupType },
        });
        expect(answer.status).to.be.oneOf([200, 201]);
      }
      for (const { target, headers } of partner.requests) {
        expect(target).to.equal(`/xcap-root${groupPath('sip:harbour@fire.example')}`);
        expect(headers['x-3gpp-asserted-identity']).to.equal(fire.gms);
      }
      expect(partner.requests).to.have.length(2);
    });

    it('a peer’s capabilities document is read through it, and is nobody else’s (RFC 4825 12)', async () => {
      const as = 'sip:gms-north@fire.example';
      const path = '/xcap-caps/global/index';
      const type = 'application/xcap-caps+xml';
      partner.answers({
        status: 200,
        headers: { ...{ Server: secret }, 'Content-Type': type },
        body: '<x/>',
      });
      const answer = await ask(inside(), { as, path });
      expect([answer.status, answer.text, answer.headers['content-type']]).to.deep.equal([200, '<x/>', type]);
      expect(JSON.stringify(answer.headers)).to.not.include(secret);
      expect((await partner.request(1)).headers['x-3gpp-asserted-identity']).to.equal(fire.gms);
      for (const page of [
        { status: 200, headers: { 'Content-Type': 'text/html' }, body: '<h1>login</h1>' },
        { status: 404, headers: { 'Content-Type': type }, body: '<x/>' },
      ]) {
        partner.answers(page);
        expect((await ask(inside(), { as, path })).status).to.equal(502);
      }
      await refusedAtEdge(() => ask(inside(), { as, path, method: 'PUT', body: 'x' }), 405);
      await refusedAtEdge(() => ask(inside(), { as: police.gms, path }), 403);
    });

    it('a peer that is unknown or has no root is not there; nobody else may ask', async () => {
      const as = 'sip:gms-north@fire.example';
      await refusedAtEdge(() => ask(inside('c'), { as }), 404);
      await refusedAtEdge(() => ask(inside('nobody'), { as }), 404);
      await refusedAtEdge(() => ask(inside('constructor'), { as }), 404);
      await refusedAtEdge(() => ask(inside(), { as: police.gms }), 403);
      await refusedAtEdge(() => ask(inside(), { as: fire.administrator }), 403);
      await refusedAtEdge(() => ask(inside(), { as: undefined }), 403);
      await refusedAtEdge(() => ask(gateway.outside, { as }), 403);
    });
  });

  describe('loops', () => {
    it('a request that came through this gateway before: 508 at once, nobody is asked', async () => {
      await ask(gateway.outside);
      const hops = String((await north.request(1)).headers[hopsField.toLowerCase()]);
      expect(hops).to.match(/^[A-Za-z0-9_-]{22}$/);
      for (const list of [hops, `${token}, ${hops}`, `${hops},${token}`]) {
        const answer = await refusedAtEdge(
          () => ask(gateway.outside, { headers: { [hopsField]: list } }),
          508,
        );
        expect(answer.text).to.equal('the request came back\n');
        await gateway.log.line('loop of gateways');
      }
    });

    it('hops of other gateways are kept, ours is added', async () => {
      await ask(gateway.outside, { headers: { [hopsField]: token } });
      expect(String((await north.request(1)).headers[hopsField.toLowerCase()])).to.match(
        new RegExp(`^${token}, [A-Za-z0-9_-]{22}$`),
      );
    });

    it('too many hops: 508; a list that no gateway writes: 400', async () => {
      const many = Array.from({ length: 8 }, () => token).join(', ');
      await refusedAtEdge(() => ask(gateway.outside, { headers: { [hopsField]: many } }), 508);
      for (const list of ['', 'x', `${token};`, 'evil.example 10.0.0.1', `${token},,${token}`]) {
        await refusedAtEdge(() => ask(gateway.outside, { headers: { [hopsField]: list } }), 400);
      }
    });

    /** A gateway whose only GMS is at `root`, on `port`. */
    const pointingAt = async (root: string, port: number): Promise<TestGateway> =>
      await startGateway({
        system: { identity: fire.gms },
        outside: { port, root: '/one' },
        gms: [{ name: 'x', identity: 'sip:x@fire.example', root, domains: [police.domain] }],
        peers: [{ name: 'a', identity: police.gms }],
      });

    it('two gateways that point at each other: 508, after one request each', async () => {
      const [one, other] = [await freePort(), await freePort()];
      const first = await pointingAt(`http://localhost:${other}/one`, one);
      const second = await pointingAt(`http://localhost:${one}/one`, other);
      try {
        expect((await ask(first.outside)).status).to.equal(508);
        const forwarded = [first, second].map(
          ({ log }) => log.lines.filter(({ message }) => message === 'request forwarded').length,
        );
        expect(forwarded).to.deep.equal([1, 1]);
      } finally {
        await first.close();
        await second.close();
      }
    });

    it('a gateway that points at itself through somebody else: 508, after one request', async () => {
      const port = await freePort();
      const mirror = await ScriptedServer.start(async ({ method, target, headers }) => {
        const { status } = await send(port, { method, target, headers: headers as Record<string, string> });
        return { status };
      });
      const self = await pointingAt(mirror.root.replace('/xcap-root', '/one'), port);
      try {
        expect((await ask(self.outside)).status).to.equal(508);
        expect(mirror.requests).to.have.length(1);
      } finally {
        await self.close();
        await mirror.down();
      }
    });

    it('what goes out and comes in again is a loop too, though the identities differ', async () => {
      const port = await freePort();
      const self = await startGateway({
        system: { identity: fire.gms },
        outside: { port: 0 },
        inside: { port },
        gms: [{ name: 'x', identity: 'sip:x@fire.example', root: north.root, domains: [police.domain] }],
        peers: [{ name: 'a', identity: police.gms, root: partner.root }],
      });
      try {
        partner.answers(async ({ headers }) => {
          const hops = String(headers[hopsField.toLowerCase()]);
          const { status } = await ask(self.outside, { headers: { [hopsField]: hops } });
          return { status };
        });
        const answer = await ask(`${self.inside ?? ''}/a`, { as: 'sip:x@fire.example' });
        expect(answer.status).to.equal(508);
        expect(north.requests).to.have.length(0);
      } finally {
        await self.close();
      }
    });
  });

  it('answers the requests under way when it closes', async () => {
    const gate = new Gate();
    north.answers(async () => {
      await gate.passed;
      return { status: 404 };
    });
    const asked = ask(gateway.outside);
    await north.request(1);
    const closed = gateway.close();
    gate.open();
    expect((await asked).status).to.equal(404);
    await closed;
  });
});
