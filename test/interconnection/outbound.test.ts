import { expect } from 'chai';
import {
  administratorDeletes,
  administratorPuts,
  fire,
  getAs,
  groupText,
  InformedServer,
  joint,
  police,
  putPolicy,
  policyFixture,
  recordOutbound,
  ScriptedServer,
  startPartner,
  startPrimary,
  willingPartner,
} from '../support/peers.js';
import { groupPath, groupType, type TestSystem } from '../support/system.js';

/** A group whose document is full of addresses of `url`. */
function tempting(url: string): string {
  return groupText()
    .replace(
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<?xml-stylesheet type="text/xsl" href="${url}/style"?>`,
    )
    .replace(
      '<group ',
      `<group xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:oma:xml:poc:list-service ${url}/schema.xsd" `,
    )
    .replace(
      '</list-service>',
      `<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="${url}/include"/></list-service>`,
    );
}

describe('Connections are made to configured peers and servers only (invariant I5)', () => {
  let peer: ScriptedServer;
  let decoy: ScriptedServer;
  let server: InformedServer;
  let recorded: ReturnType<typeof recordOutbound>;
  let system: TestSystem;

  beforeEach(async () => {
    peer = await ScriptedServer.start(willingPartner());
    decoy = await ScriptedServer.start({ status: 200 });
    server = await InformedServer.start();
    recorded = recordOutbound();
  });

  afterEach(async () => {
    recorded.stop();
    await system.dispose();
    await Promise.all([peer.down(), decoy.down(), server.close()]);
    // Requests of the test itself go to the system; everything else was the system's own.
    const allowed = [`127.0.0.1:${peer.port} /xcap-root/`, `127.0.0.1:${server.server.port} /changes`];
    const others = recorded.urls.filter(
      (url) => !url.startsWith(`127.0.0.1:${systemPort} `) && !allowed.some((start) => url.startsWith(start)),
    );
    expect(others).to.deep.equal([]);
    expect(decoy.connections).to.equal(0);
  });

  let systemPort = 0;
  const started = (gms: TestSystem): TestSystem => {
    system = gms;
    systemPort = gms.port;
    return gms;
  };

  it('URLs in documents that we store and provide are never fetched', async () => {
    const a = started(await startPrimary(peer.root, { inform: server.url }));
    await administratorPuts(a, police, joint, tempting(decoy.root));
    await a.log.line('group information delivered');
    await server.told(1);
    expect((await peer.request(1)).body).to.equal(tempting(decoy.root));
    await administratorDeletes(a, police, joint);
    await a.log.line('group information delivered', ({ outcome }) => outcome === 'withdrawn');
  });

  it('URLs in documents that a primary answers with are never fetched, nor those of its headers', async () => {
    peer.answers({
      status: 200,
      headers: {
        'Content-Type': groupType,
        'Content-Location': `${decoy.root}/there`,
        Link: `<${decoy.root}/next>; rel="next"`,
        Refresh: `0; url=${decoy.root}/refresh`,
        'Alt-Svc': `http/1.1="127.0.0.1:${decoy.port}"; persist=1`,
      },
      body: tempting(decoy.root),
    });
    const b = started(await startPartner(peer.root, { inform: server.url }));
    await putPolicy(b, fire, policyFixture('guest-groups'));
    expect((await getAs(b, fire.member, joint)).status).to.equal(200);
    await server.told(1);
    const gone = await b.request({ method: 'DELETE', path: groupPath(joint), as: police.gms });
    expect(gone.status).to.equal(200);
    await server.told(2);
  });

  it('redirects of a partner are not followed, whatever was asked', async () => {
    const a = started(await startPrimary(peer.root));
    const redirect = { status: 307, headers: { Location: `${decoy.root}${groupPath(joint)}` } };
    for (const [answer, told] of [
      [redirect, 'group information parked'],
      [{ ...redirect, onTheWay: true }, 'group information not delivered'],
    ] as const) {
      a.log.clear();
      peer.answers(answer);
      await administratorPuts(a, police, joint, groupText());
      await a.log.line(told);
      a.log.clear();
      peer.answers({ status: 412 }, answer);
      await administratorPuts(a, police, joint, groupText({ name: 'Second' }));
      await a.log.line(told);
      a.log.clear();
      peer.answers(answer);
      await administratorDeletes(a, police, joint);
      await a.log.line(told);
    }
  });

  it('redirects of an MC service server are not followed', async () => {
    server.server.answers({ status: 308, headers: { Location: `${decoy.root}/` } });
    const a = started(await startPrimary(peer.root, { inform: server.url, peer: { provide: false } }));
    await administratorPuts(a, police, joint, groupText());
    await a.log.line('MC service server not informed');
  });

  it('proxy variables of the environment are ignored', async () => {
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'];
    const saved = new Map(names.map((name) => [name, process.env[name]]));
    try {
      for (const name of names) process.env[name] = `http://127.0.0.1:${decoy.port}`;
      process.env['NODE_USE_ENV_PROXY'] = '1';
      const a = started(await startPrimary(peer.root, { inform: server.url }));
      await administratorPuts(a, police, joint, groupText());
      await a.log.line('group information delivered');
      await server.told(1);
      expect((await peer.request(1)).target, 'in origin form').to.equal(`/xcap-root${groupPath(joint)}`);
    } finally {
      delete process.env['NODE_USE_ENV_PROXY'];
      for (const [name, value] of saved) {
        if (value === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = value;
      }
    }
  });

  it('a group ID cannot lead out of the peer’s XCAP root', async () => {
    const b = started(await startPartner(peer.root));
    for (const id of [
      'sip:..%2f..%2f..%2fadmin@police.example',
      'sip:../../../../admin@police.example',
      `sip:x@127.0.0.1:${decoy.port}/@police.example`,
      'sip:a?b#c@police.example',
      'sip:%00@police.example',
    ]) {
      expect((await getAs(b, fire.server, id)).status, id).to.be.oneOf([400, 404]);
    }
  });
});
