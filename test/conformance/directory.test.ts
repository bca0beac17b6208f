import { expect } from 'chai';
import { attribute } from '../../src/xml/tree.js';
import { fixture } from '../support/fixtures.js';
import { ManualClock } from '../support/manual-clock.js';
import { elementType, groupPath, groupType, TestSystem, who } from '../support/system.js';
import { expectRefusal, freshGroupId, groupDocument, refused, tagOf, validTree } from './expectations.js';

const directoryType = 'application/vnd.oma.xcap-directory+xml';
const listsType = 'application/resource-lists+xml';
const unit1 = 'sip:unit.1@police.example';
const unit2 = 'sip:unit.2@police.example';
const creation = 'sip:group-creation@police.example';
const global = '/org.openmobilealliance.xcap-directory/global/directory.xml';
const lists = fixture('usages/contacts.xml');

function directoryOf(xui: string): string {
  return `/org.openmobilealliance.xcap-directory/users/${encodeURIComponent(xui)}/directory.xml`;
}

/** A folder as it is read: the attributes of its entries by URI, or its error code. */
interface Folder {
  readonly auid: string | undefined;
  readonly entries: ReadonlyMap<string, Readonly<Record<string, string | undefined>>>;
  readonly errorCode: string | undefined;
}

function foldersOf(text: string): readonly Folder[] {
  return validTree('xcap-directory', text).children.map((folder) => {
    const entries = folder.children.filter(({ local }) => local === 'entry');
    const error = folder.children.find(({ local }) => local === 'error-code');
    return {
      auid: attribute(folder, 'auid'),
      entries: new Map(
        entries.map((entry) => [
          attribute(entry, 'uri') ?? '',
          Object.fromEntries(entry.attributes.map(({ name, value }) => [name, value])),
        ]),
      ),
      errorCode: error && text.slice(error.contentStart, error.contentEnd),
    };
  });
}

describe('OMA XDM Core 6.7.2: the XCAP directory', () => {
  const clock = new ManualClock();
  let system: TestSystem;

  beforeEach(async () => {
    system = await TestSystem.start({}, { clock });
  });

  afterEach(() => system.dispose());

  async function read(path: string, as: string | undefined = who.administrator): Promise<readonly Folder[]> {
    const answer = await system.request({ method: 'GET', path, as });
    expect(answer.status, answer.text).to.equal(200);
    expect(answer.headers['content-type']).to.equal(directoryType);
    return foldersOf(answer.text);
  }

  it('lists a user’s documents by application usage, as GET would answer', async () => {
    const path = `/resource-lists/users/${unit1}/index`;
    const odd = `/resource-lists/users/${unit1}/a%20%22b%22/%C3%A9%26`;
    await system.put(path, lists, listsType);
    await system.put(odd, lists.replace('Close friends', 'Ámigos'), listsType);
    await system.put(
      `/rls-services/users/${unit1}/index`,
      fixture('usages/services.xml'),
      'application/rls-services+xml',
    );
    await system.put(`/resource-lists/users/${unit2}/index`, lists, listsType);
    const folders = await read(directoryOf(unit1), unit1);
    expect(folders.map(({ auid, entries }) => [auid, entries.size])).to.deep.equal([
      ['resource-lists', 2],
      ['rls-services', 1],
    ]);
    const { pathname } = new URL(system.root);
    for (const { entries } of folders) {
      for (const [uri, entry] of entries) {
        const answer = await system.request({ method: 'GET', path: uri.slice(pathname.length), as: unit1 });
        expect(answer.status, uri).to.equal(200);
        expect(entry).to.deep.equal({
          uri,
          etag: tagOf(answer).slice(1, -1),
          'last-modified': new Date(clock.now()).toISOString(),
          size: String(answer.body.length),
        });
      }
    }
  });

  it('follows every change, to the octet and the moment', async () => {
    const path = `/resource-lists/users/${unit1}/index`;
    expect(await read(directoryOf(unit1))).to.deep.equal([]);
    await system.put(path, lists, listsType);
    clock.advance(5000);
    const node = `${path}/~~/resource-lists/list%5B@name=%22work%22%5D/entry`;
    const { headers } = await system.put(node, '<entry uri="sip:é@x"/>', elementType);
    const [folder] = await read(directoryOf(unit1));
    const [entry] = [...(folder?.entries.values() ?? [])];
    expect(entry).to.include({
      etag: headers.etag?.slice(1, -1),
      size: String((await system.get(path)).body.length),
      'last-modified': new Date(clock.now()).toISOString(),
    });
    await system.request({ method: 'DELETE', path });
    expect(await read(directoryOf(unit1))).to.deep.equal([]);
  });

  it('lists a group in the users tree of the group creation XUI and under byGroupID', async () => {
    const [first, second] = [freshGroupId(), freshGroupId()];
    await system.put(groupPath(first), groupDocument(first), groupType);
    const users = `/org.openmobilealliance.groups/users/${encodeURIComponent(creation)}`;
    await system.put(`${users}/second.xml`, groupDocument(second), groupType);
    const { pathname } = new URL(system.root);
    for (const as of [who.administrator, who.mcServiceServer]) {
      const [inUsers] = await read(directoryOf(creation), as);
      expect([...(inUsers?.entries.keys() ?? [])]).to.have.members([
        `${pathname}${users}/${encodeURIComponent(first)}`,
        `${pathname}${users}/second.xml`,
      ]);
      const [inGlobal] = await read(global, as);
      expect(inGlobal?.auid).to.equal('org.openmobilealliance.groups');
      expect([...(inGlobal?.entries.keys() ?? [])]).to.have.members([
        `${pathname}${groupPath(first)}`,
        `${pathname}${groupPath(second)}`,
      ]);
      expect([...(inGlobal?.entries.values() ?? [])].map(({ etag }) => etag)).to.have.members(
        [...(inUsers?.entries.values() ?? [])].map(({ etag }) => etag),
      );
    }
  });

  it('says of a folder that the reader may not read so, and not what is in it', async () => {
    const groupId = freshGroupId();
    await system.put(groupPath(groupId), groupDocument(groupId), groupType);
    for (const as of [unit1, 'sip:clerk@police.example']) {
      const folders = await read(global, as);
      expect(folders).to.have.lengthOf(1);
      expect(folders[0]).to.include({ auid: 'org.openmobilealliance.groups', errorCode: '403 Forbidden' });
      expect(folders[0]?.entries.size).to.equal(0);
    }
  });

  it('is one’s own: the directories of others are for administrators and MC service servers', async () => {
    await system.put(`/resource-lists/users/${unit1}/index`, lists, listsType);
    const path = directoryOf(unit1);
    const spelled = '/org.openmobilealliance.xcap-directory/users/SIP:unit%2e1@POLICE.example/directory.xml';
    expect(await read(spelled, unit1)).to.have.lengthOf(1);
    expect(await read(path)).to.have.lengthOf(1);
    const [forServer] = await read(path, who.mcServiceServer);
    expect(forServer).to.include({ auid: 'resource-lists', errorCode: '403 Forbidden' });
    for (const identity of [unit2, creation, who.nobody, 'sip:unit.1@fire.example']) {
      for (const method of ['GET', 'HEAD']) {
        await refused(system, path, { method, path, as: identity }, { status: 403 });
      }
    }
    await refused(system, global, { method: 'GET', path: global, as: who.nobody }, { status: 403 });
  });

  it('has a tag that changes exactly when it does, also over a restart', async () => {
    const path = directoryOf(unit1);
    const document = `/resource-lists/users/${unit1}/index`;
    const empty = tagOf(await system.get(path));
    await system.put(document, lists, listsType);
    const first = await system.get(path);
    expect(tagOf(first)).not.to.equal(empty);
    expect((await system.get(path, { 'If-None-Match': tagOf(first) })).status).to.equal(304);
    await system.put(`/resource-lists/users/${unit2}/index`, lists, listsType);
    expect(tagOf(await system.get(path)), 'another user’s document').to.equal(tagOf(first));
    const refusal = { method: 'PUT', path: document, body: '<a/>', headers: { 'Content-Type': listsType } };
    await refused(system, document, refusal, { status: 409, condition: 'schema-validation-error' });
    expect(tagOf(await system.get(path)), 'a refusal').to.equal(tagOf(first));
    await system.close();
    await system.open();
    const again = await system.get(path, { 'If-None-Match': tagOf(first) });
    expect([again.status, again.body.length, tagOf(again)]).to.deep.equal([304, 0, tagOf(first)]);
    await system.put(document, lists, listsType);
    expect(tagOf(await system.get(path)), 'the same document again').not.to.equal(tagOf(first));
    expect((await system.get(path, { 'If-Match': tagOf(first) })).status).to.equal(412);
  });

  it('has HEAD, and parts by node selector', async () => {
    await system.put(`/resource-lists/users/${unit1}/index`, lists, listsType);
    const path = directoryOf(unit1);
    const whole = await system.get(path);
    const head = await system.request({ method: 'HEAD', path });
    expect([head.status, head.body.length, tagOf(head)]).to.deep.equal([200, 0, tagOf(whole)]);
    const folder = `${path}/~~/xcap-directory/folder%5B@auid=%22resource-lists%22%5D`;
    const part = await system.get(folder);
    expect([part.status, part.headers['content-type'], tagOf(part)]).to.deep.equal([
      200,
      elementType,
      tagOf(whole),
    ]);
    expect(whole.text).to.include(part.text);
    const size = await system.get(`${folder}/entry/@size`);
    expect(size.text).to.equal(String(Buffer.byteLength(lists)));
    const other = `${path}/~~/xcap-directory/folder%5B@auid=%22pres-rules%22%5D`;
    await refused(system, path, { method: 'GET', path: other }, { status: 404 });
  });

  it('is written by the server alone: 405', async () => {
    for (const path of [directoryOf(unit1), global]) {
      for (const target of [
        path,
        `${path}/~~/xcap-directory/folder`,
        path.replace('directory.xml', 'other.xml'),
      ]) {
        for (const method of ['PUT', 'DELETE', 'POST']) {
          const body = '<xcap-directory/>';
          const headers = { 'Content-Type': directoryType };
          const answer = await refused(
            system,
            path,
            { method, path: target, body, headers },
            { status: 405 },
          );
          expect(answer.headers.allow).to.equal('GET, HEAD');
        }
      }
    }
  });

  it('is the only document of its usage', async () => {
    for (const path of [
      directoryOf(unit1).replace('directory.xml', 'other.xml'),
      `/org.openmobilealliance.xcap-directory/users/${unit1}/`,
      `/org.openmobilealliance.xcap-directory/users/${unit1}/a/directory.xml`,
      '/org.openmobilealliance.xcap-directory/global/other.xml',
    ]) {
      expectRefusal(await system.get(path), { status: 404 });
    }
  });

  it('has absolute URIs where the public root is configured', async () => {
    await system.put(`/resource-lists/users/${unit1}/index`, lists, listsType);
    await system.close();
    await system.open({ http: { port: 0, publicRoot: 'https://gms.police.example/xcap' } });
    const [folder] = await read(directoryOf(unit1));
    expect([...(folder?.entries.keys() ?? [])]).to.deep.equal([
      `https://gms.police.example/xcap/resource-lists/users/${encodeURIComponent(unit1)}/index`,
    ]);
  });
});
