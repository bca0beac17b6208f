import { expect } from 'chai';
import { elementType, groupPath, groupType, TestSystem, who, type TestRequest } from '../support/system.js';
import {
  expectRefusal,
  freshGroupId,
  groupDocument,
  putGroup,
  refused,
  validTree,
  withMemberListGranted,
} from './expectations.js';
import { exchange } from '../security/raw-socket.js';

const member = 'sip:unit.1@police.example';
const stranger = 'sip:clerk@police.example';

describe('TS 24.481 7.2.12: who may do what with a group', () => {
  let system: TestSystem;

  before(async () => {
    system = await TestSystem.start({ mcServiceServers: [{ identity: who.mcServiceServer }] });
  });

  after(() => system.dispose());

  const readers: readonly [string, string | undefined, reads: boolean][] = [
    ['an administrator', who.administrator, true],
    ['an administrator, the URI in another spelling', 'SIP:admin@POLICE.example', true],
    ['an MC service server', who.mcServiceServer, true],
    ['a member', member, true],
    ['a member, in quotes', `"${member}"`, true],
    ['a user who is not a member', stranger, false],
    ['a member of another case', 'sip:Unit.1@police.example', false],
    ['a user of another MC system', 'sip:unit.1@fire.example', false],
    ['nobody', who.nobody, false],
    ['an empty identity', '', false],
    ['no URI', 'unit.1', false],
    ['two identities', `${member}, ${who.administrator}`, false],
    ['two identities in quotes', `"${who.administrator}", "${member}"`, false],
  ];
  for (const [title, identity, reads] of readers) {
    it(`${title} ${reads ? 'reads' : 'does not read'} it, its parts and its bindings`, async () => {
      const { path, text: ungranted } = await putGroup(system);
      const text = withMemberListGranted(ungranted);
      await system.put(path, text, groupType);
      for (const node of [
        '',
        '/~~/group/list-service/list',
        '/~~/group/list-service/@uri',
        '/~~/group/namespace::*',
      ]) {
        for (const method of ['GET', 'HEAD']) {
          const answer = await system.request({ method, path: path + node, as: identity });
          expect(answer.status, node).to.equal(reads ? 200 : 403);
          if (!reads && method === 'GET') expectRefusal(answer, { status: 403 });
          if (!reads) expect(answer.headers.etag).to.equal(undefined);
          if (!reads) expect(answer.text).not.to.include('Group &amp; more');
          if (reads && method === 'GET' && node === '') expect(answer.text).to.equal(text);
        }
      }
    });
  }

  const writers: readonly [string, string | undefined][] = [
    ['an MC service server', who.mcServiceServer],
    ['a member', member],
    ['a user who is not a member', stranger],
    ['nobody', who.nobody],
    ['two identities, one of them an administrator', `${who.administrator}, ${member}`],
  ];
  for (const [title, identity] of writers) {
    it(`${title} writes nothing: 403, whatever is asked`, async () => {
      const { groupId, path, etag } = await putGroup(system);
      const fresh = freshGroupId();
      const body = groupDocument(groupId).replace('20<', '21<');
      const type = { 'Content-Type': groupType };
      const node = `${path}/~~/group/list-service/list`;
      const requests: readonly TestRequest[] = [
        { method: 'PUT', path, body, headers: type },
        { method: 'PUT', path, body, headers: { ...type, 'If-Match': '"other"' } },
        { method: 'PUT', path, body: '<broken', headers: {} },
        { method: 'PUT', path: groupPath(fresh), body: groupDocument(fresh), headers: type },
        { method: 'PUT', path: node, body: '<list/>', headers: { 'Content-Type': elementType } },
        { method: 'DELETE', path },
        { method: 'DELETE', path, headers: { 'If-Match': etag } },
        { method: 'DELETE', path: node },
        { method: 'DELETE', path: groupPath(fresh) },
      ];
      for (const request of requests) {
        await refused(system, path, { ...request, as: identity }, { status: 403 });
      }
      expect((await system.get(groupPath(fresh))).status).to.equal(404);
    });
  }

  it('nobody learns whether a group exists', async () => {
    const { path } = await putGroup(system);
    const known = await system.request({ method: 'GET', path, as: who.nobody });
    const unknown = await system.request({ method: 'GET', path: groupPath(freshGroupId()), as: who.nobody });
    expect([unknown.status, unknown.text]).to.deep.equal([known.status, known.text]);
  });

  it('an identity in two header fields is as good as none', async () => {
    const { path } = await putGroup(system);
    const { pathname } = new URL(system.root);
    const answer = await exchange(
      system.port,
      `GET ${pathname}${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n` +
        `X-3GPP-Asserted-Identity: ${who.administrator}\r\nX-3GPP-Asserted-Identity: ${member}\r\n\r\n`,
    );
    expect(answer).to.match(/^HTTP\/1\.1 403 /);
  });

  it('headers that other systems trust are not identities', async () => {
    const { path } = await putGroup(system);
    for (const name of [
      'X-XCAP-Asserted-Identity',
      'P-Asserted-Identity',
      'X-Forwarded-User',
      'From',
      'Cookie',
    ]) {
      const headers = { [name]: who.administrator };
      await refused(system, path, { method: 'GET', path, as: who.nobody, headers }, { status: 403 });
    }
  });

  it('a member who is removed no longer reads the group', async () => {
    const { path, text: ungranted } = await putGroup(system);
    const text = withMemberListGranted(ungranted);
    await system.put(path, text, groupType);
    expect((await system.request({ method: 'GET', path, as: member })).status).to.equal(200);
    const without = text.replace(member, 'sip:somebody.else@police.example');
    await system.put(path, without, groupType);
    await refused(system, path, { method: 'GET', path, as: member }, { status: 403 });
  });

  it('a user who asks for a group that does not exist learns that: 404', async () => {
    const path = groupPath(freshGroupId());
    await refused(system, path, { method: 'GET', path, as: member }, { status: 404 });
  });
});

describe('RFC 4825 §12 xcap-caps', () => {
  const path = '/xcap-caps/global/index';
  let system: TestSystem;

  before(async () => {
    system = await TestSystem.start();
  });

  after(() => system.dispose());

  it('is read by everybody, is valid and lists usages and namespaces', async () => {
    for (const identity of [who.nobody, who.administrator, stranger]) {
      const answer = await system.request({ method: 'GET', path, as: identity });
      expect(answer.status).to.equal(200);
      expect(answer.headers['content-type']).to.equal('application/xcap-caps+xml');
      const tree = validTree('xcap-caps', answer.text);
      const listed = (name: string): readonly string[] =>
        tree.children
          .filter(({ local }) => local === name)
          .flatMap(({ children }) => children)
          .map(({ contentStart, contentEnd }) => answer.text.slice(contentStart, contentEnd));
      expect(listed('auids')).to.include.members(['org.openmobilealliance.groups', 'xcap-caps']);
      expect(listed('namespaces')).to.include.members([
        'urn:oma:xml:poc:list-service',
        'urn:3gpp:ns:mcpttGroupInfo:1.0',
        'urn:ietf:params:xml:ns:common-policy',
        'urn:ietf:params:xml:ns:resource-lists',
        'urn:ietf:params:xml:ns:xcap-caps',
        'urn:ietf:params:xml:ns:xcap-error',
      ]);
    }
  });

  it('has a tag and parts like any document', async () => {
    const whole = await system.get(path);
    const part = await system.get(`${path}/~~/xcap-caps/auids`);
    expect([part.status, part.headers['content-type']]).to.deep.equal([200, elementType]);
    expect(part.headers.etag).to.equal(whole.headers.etag);
    const again = await system.get(path, { 'If-None-Match': whole.headers.etag ?? '' });
    expect(again.status).to.equal(304);
  });

  it('is written by the server alone: 405', async () => {
    for (const method of ['PUT', 'DELETE', 'POST']) {
      for (const target of [path, `${path}/~~/xcap-caps/auids`]) {
        const answer = await refused(system, path, { method, path: target, body: '<a/>' }, { status: 405 });
        expect(answer.headers.allow).to.equal('GET, HEAD');
      }
    }
  });

  it('is the only document of its usage', async () => {
    const other = '/xcap-caps/global/other';
    await refused(system, other, { method: 'GET', path: other }, { status: 404 });
  });
});
