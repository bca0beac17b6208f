import { expect } from 'chai';
import { putGroup } from '../conformance/expectations.js';
import { send } from '../support/raw-http.js';
import { groupPath, TestSystem, who } from '../support/system.js';

/** What proxies and clients make of requests: each answer says what is wrong with it. */
describe('Requests as real proxies send them', () => {
  let system: TestSystem;
  let path: string;

  before(async () => {
    system = await TestSystem.start();
    ({ path } = await putGroup(system));
  });

  after(() => system.dispose());

  const targets: readonly [why: string, target: (root: string) => string, status: number, says: string][] = [
    ['two slashes at the start', (root) => `/${root}${path}`, 400, 'begins with two slashes'],
    ['two slashes behind the root', (root) => `${root}/${path}`, 400, 'two slashes in a row'],
    [
      'two slashes within',
      (root) => `${root}${path.replace('/global/', '/global//')}`,
      400,
      'two slashes in a row',
    ],
    ['two slashes before ~~', (root) => `${root}${path}//~~/group`, 404, 'two slashes stand before ~~'],
    ['two slashes behind ~~', (root) => `${root}${path}/~~//group`, 400, 'an empty step'],
    ['a slash behind a document', (root) => `${root}${path}/`, 404, 'the path ends in a slash'],
    ['a slash behind a node', (root) => `${root}${path}/~~/group/`, 400, 'an empty step'],
    ['a session in the path', (root) => `${root}${path.replace('/global', '/global;s=1')}`, 404, 'semicolon'],
    ['encoded slashes', (root) => `${root}${path.replaceAll('/', '%2F').replace('%2F', '/')}`, 404, '(%2F)'],
    ['encoded twice', (root) => `${root}${path.replaceAll('%', '%25')}`, 404, 'percent-encoded twice'],
    ['the root in capitals', (root) => `${root.toUpperCase()}${path}`, 404, 'written otherwise'],
    ['the root percent-encoded', (root) => `${root.replace('-', '%2d')}${path}`, 404, 'written otherwise'],
    [
      'another scheme',
      (root) => `ftp://127.0.0.1${root}${path}`,
      400,
      'neither an absolute path nor an http',
    ],
    ['user information', (root) => `http://u@127.0.0.1${root}${path}`, 400, 'neither an absolute path nor'],
    ['a fragment', (root) => `${root}${path}#top`, 400, 'a fragment (#)'],
  ];
  for (const [why, target, status, says] of targets) {
    it(`${why}: ${status}, "${says}"`, async () => {
      const { pathname } = new URL(system.root);
      const headers = { 'X-3GPP-Asserted-Identity': who.administrator };
      const answer = await send(system.port, { method: 'GET', target: target(pathname), headers });
      expect([answer.status, answer.text]).to.satisfy(
        ([code, text]: [number, string]) => code === status && text.includes(says),
        answer.text,
      );
    });
  }

  const identities: readonly [why: string, value: string, says: string | undefined][] = [
    ['several values', `${who.administrator}, sip:other@police.example`, 'several values'],
    ['the same value twice', `${who.administrator}, ${who.administrator}`, 'several values'],
    ['no URI', 'admin', 'is not a URI'],
    ['too long a value', `sip:${'a'.repeat(5000)}@police.example`, 'characters'],
    ['an identity that is not known', 'sip:other@elsewhere.example', undefined],
  ];
  for (const [why, as, says] of identities) {
    it(`an identity field with ${why}: 403${says === undefined ? '' : `, "${says}"`}`, async () => {
      const answer = await system.request({ method: 'GET', path, as });
      expect(answer.status).to.equal(403);
      if (says === undefined) expect(answer.text).not.to.contain('X-3GPP-Asserted-Identity');
      else expect(answer.text).to.match(new RegExp(`X-3GPP-Asserted-Identity .*${says}`));
    });
  }

  it('what is lawful and odd is answered as ever', async () => {
    const { pathname } = new URL(system.root);
    const forwarded = {
      'X-3GPP-Asserted-Identity': who.administrator,
      'X-Forwarded-For': '192.0.2.1, 192.0.2.2',
      'X-Forwarded-Host': 'elsewhere.example',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Prefix': '/elsewhere',
      Forwarded: 'for=192.0.2.1;host=elsewhere.example',
      Via: '1.1 proxy.example',
    };
    const digits = path.replace(/%[\da-f]{2}/gi, (code) => code.toLowerCase());
    for (const target of [`${pathname}${path}`, `${pathname}${digits}`]) {
      const answer = await send(system.port, { method: 'GET', target, headers: forwarded });
      expect(answer.status, target).to.equal(200);
    }
    const none = await system.get(groupPath('sip:none@police.example'));
    expect([none.status, none.text]).to.deep.equal([404, 'there is no such document\n']);
  });
});
