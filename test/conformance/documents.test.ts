import { expect } from 'chai';
import { fixtureBytes } from '../support/fixtures.js';
import { groupPath, groupType, TestSystem, who } from '../support/system.js';
import {
  expectNothingInternal,
  freshGroupId,
  groupDocument,
  putGroup,
  refused,
  tagOf,
} from './expectations.js';
import { sendInChunks } from './chunked.js';

const usersTree = '/org.openmobilealliance.groups/users';

describe('Whole documents', () => {
  let system: TestSystem;

  before(async () => {
    system = await TestSystem.start();
  });

  after(() => system.dispose());

  it('RFC 4825 §8.2.1 creating a document: 201 with a strong tag and no body', async () => {
    const groupId = freshGroupId();
    const answer = await system.put(groupPath(groupId), groupDocument(groupId), groupType);
    expect(answer.status).to.equal(201);
    expect(answer.text).to.equal('');
    expect(answer.headers['content-length']).to.equal('0');
    tagOf(answer);
  });

  it('RFC 4825 §8.2.1 replacing a document: 200 with another tag; nothing of the former is left', async () => {
    const { groupId, path, etag } = await putGroup(system);
    const smaller = `<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="${groupId}"/></group>`;
    const answer = await system.put(path, smaller, groupType);
    expect(answer.status).to.equal(200);
    expect(answer.text).to.equal('');
    expect(tagOf(answer)).not.to.equal(etag);
  });

  it('RFC 4825 §8.3 a document comes as it was put, byte for byte, with its media type and tag', async () => {
    const groupId = 'sip:perimeter@police.example';
    const document = fixtureBytes('groups/valid/line-ends-crlf.xml').toString();
    const bytes = Buffer.from(document.replace('sip:perimeter@airport.example', groupId));
    await system.put(groupPath(groupId), bytes, groupType);
    const answer = await system.get(groupPath(groupId));
    expect(answer.body.equals(bytes)).to.equal(true);
    expect(answer.headers['content-type']).to.equal(groupType);
    expect(answer.headers['content-length']).to.equal(String(bytes.length));
    tagOf(answer);
  });

  it('RFC 4825 §8.3 with a byte order mark, if it was put with one', async () => {
    const groupId = freshGroupId();
    const bytes = Buffer.from(`\uFEFF${groupDocument(groupId)}`);
    await system.put(groupPath(groupId), bytes, groupType);
    expect((await system.get(groupPath(groupId))).body.equals(bytes)).to.equal(true);
  });

  it('RFC 4825 §8.4 deleting a document: 200, then 404 under each of its names', async () => {
    const { groupId, path } = await putGroup(system);
    const inUsersTree = `${usersTree}/sip:group-creation@police.example/${encodeURIComponent(groupId)}`;
    const names = [path, inUsersTree];
    const before = await Promise.all(names.map((name) => system.get(name)));
    expect(before.map(({ status }) => status)).to.deep.equal([200, 200]);
    const answer = await system.request({ method: 'DELETE', path });
    expect([answer.status, answer.text]).to.deep.equal([200, '']);
    for (const name of names) {
      expect((await system.get(name)).status).to.equal(404);
      await refused(system, path, { method: 'DELETE', path: name }, { status: 404 });
    }
  });

  it('RFC 9110 §9.3.2 HEAD is GET without the body', async () => {
    const { path } = await putGroup(system);
    const get = await system.get(path);
    const head = await system.request({ method: 'HEAD', path });
    expect([head.status, head.text]).to.deep.equal([200, '']);
    for (const field of ['etag', 'content-type', 'content-length', 'cache-control', 'vary']) {
      expect(head.headers[field], field).to.equal(get.headers[field]);
    }
    const missing = await system.request({ method: 'HEAD', path: groupPath(freshGroupId()) });
    expect([missing.status, missing.text]).to.deep.equal([404, '']);
  });

  it('RFC 4825 §9 answers depend on who asks and are not to be kept without asking (design D16)', async () => {
    const { path, etag } = await putGroup(system);
    for (const answer of [
      await system.get(path),
      await system.get(path, { 'If-None-Match': etag }),
      await system.request({ method: 'GET', path, as: who.nobody }),
      await system.get(groupPath(freshGroupId())),
    ]) {
      expect(answer.headers['cache-control']).to.equal('private, no-cache, no-transform');
      expect(answer.headers.vary).to.equal('Authorization, X-3GPP-Asserted-Identity');
    }
  });

  describe('RFC 4825 §8.2.2 media types', () => {
    for (const [title, type] of [
      ['none', undefined],
      ['an empty one', ''],
      ['application/xml', 'application/xml'],
      ['that of an element', 'application/xcap-el+xml'],
      ['that of another usage', 'application/resource-lists+xml'],
      ['a longer one', `${groupType}x`],
      ['in a parameter only', `text/plain; x=${groupType}`],
    ] as const) {
      it(`${title}: 415, for a new document and for one that exists`, async () => {
        const { groupId, path } = await putGroup(system);
        const headers: Record<string, string> = type === undefined ? {} : { 'Content-Type': type };
        const body = groupDocument(groupId).replace('20<', '21<');
        await refused(system, path, { method: 'PUT', path, headers, body }, { status: 415 });
        const fresh = groupPath(freshGroupId());
        await refused(system, fresh, { method: 'PUT', path: fresh, headers, body }, { status: 415 });
      });
    }

    for (const type of [
      groupType.toUpperCase(),
      `${groupType};charset=UTF-8`,
      ` ${groupType} ; charset="utf-8"`,
    ]) {
      it(`${type.trim()} is the same type`, async () => {
        const groupId = freshGroupId();
        const answer = await system.put(groupPath(groupId), groupDocument(groupId), type);
        expect(answer.status).to.equal(201);
      });
    }

    for (const coding of ['gzip', 'deflate', 'br', 'x-unknown', 'identity, gzip']) {
      it(`Content-Encoding: ${coding} is 415`, async () => {
        const { path, text } = await putGroup(system);
        const headers = { 'Content-Type': groupType, 'Content-Encoding': coding };
        await refused(system, path, { method: 'PUT', path, headers, body: text }, { status: 415 });
      });
    }

    for (const coding of ['identity', 'UTF-8', 'utf-8']) {
      it(`Content-Encoding: ${coding} means as it is (design D15)`, async () => {
        const groupId = freshGroupId();
        await system.put(groupPath(groupId), groupDocument(groupId), groupType, {
          'Content-Encoding': coding,
        });
      });
    }
  });

  describe('RFC 9110 §15.5.14 the size of a body', () => {
    const limit = 1024 * 1024;

    function documentOf(size: number, groupId: string): string {
      const text = groupDocument(groupId);
      return `${text}<!--${'x'.repeat(size - Buffer.byteLength(text) - '<!---->'.length)}-->`;
    }

    it(`${limit} octets are accepted`, async () => {
      const groupId = freshGroupId();
      const answer = await system.put(groupPath(groupId), documentOf(limit, groupId), groupType);
      expect(answer.status).to.equal(201);
    });

    it('one more is 413, for a new document and for one that exists', async () => {
      const { groupId, path } = await putGroup(system);
      const headers = { 'Content-Type': groupType };
      const body = documentOf(limit + 1, groupId);
      await refused(system, path, { method: 'PUT', path, headers, body }, { status: 413 });
      const fresh = freshGroupId();
      const request = { method: 'PUT', path: groupPath(fresh), headers, body: documentOf(limit + 1, fresh) };
      await refused(system, groupPath(fresh), request, { status: 413 });
    });

    it('in chunks too, whose sum nobody announces', async () => {
      const { groupId, path } = await putGroup(system);
      const target = new URL(system.root).pathname + path;
      const headers = { 'Content-Type': groupType, 'X-3GPP-Asserted-Identity': who.administrator };
      const send = (size: number): ReturnType<typeof sendInChunks> =>
        sendInChunks(system.port, { method: 'PUT', target, headers, body: documentOf(size, groupId) });
      const tooLarge = await system.unchanged(path, () => send(limit + 1));
      expect(tooLarge.status).to.equal(413);
      expectNothingInternal(tooLarge);
      const accepted = await send(limit);
      expect(accepted.status).to.equal(200);
      expect((await system.get(path)).text).to.equal(documentOf(limit, groupId));
    });

    it('is judged after who asks: a body of nobody is not even read', async () => {
      const path = groupPath(freshGroupId());
      const headers = { 'Content-Type': groupType };
      const request = { method: 'PUT', path, headers, body: 'x'.repeat(limit + 1), as: who.nobody };
      await refused(system, path, request, { status: 403 });
    });
  });

  describe('RFC 9110 §15.5.15 the length of the request-target', () => {
    const limit = 8192;

    it(`${limit} octets are accepted, one more is 414`, async () => {
      const { pathname } = new URL(system.root);
      const start = groupPath('sip:');
      const rest = '@police.example';
      const filled = (size: number): string =>
        start + 'g'.repeat(size - pathname.length - start.length - rest.length) + rest;
      await refused(system, filled(limit), { method: 'GET', path: filled(limit) }, { status: 404 });
      const { path } = await putGroup(system);
      for (const method of ['GET', 'PUT', 'DELETE']) {
        await refused(system, path, { method, path: filled(limit + 1) }, { status: 414 });
      }
    });

    it('a long group ID can be put, and one that is too long to be kept is refused', async () => {
      const groupId = (length: number): string => `sip:${'g'.repeat(length)}@police.example`;
      await system.put(groupPath(groupId(900)), groupDocument(groupId(900)), groupType);
      const path = groupPath(groupId(4000));
      await refused(
        system,
        path,
        { method: 'PUT', path, headers: { 'Content-Type': groupType }, body: groupDocument(groupId(4000)) },
        { status: 409, condition: 'constraint-failure' },
      );
    });
  });

  describe('RFC 9110 §15.5.6 other methods', () => {
    for (const method of ['PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'LOCK', 'MOVE', 'COPY', 'REPORT']) {
      it(`${method} of a document or a node is 405, and Allow tells what is allowed`, async () => {
        const { path } = await putGroup(system);
        for (const target of [path, `${path}/~~/group/list-service`, groupPath(freshGroupId())]) {
          const answer = await refused(system, path, { method, path: target }, { status: 405 });
          const node = target.includes('~~');
          // POST asks for a group management operation (TS 24.481 clause 7.3).
          expect(answer.headers.allow).to.equal(`GET, HEAD, PUT, DELETE${node ? '' : ', POST'}`);
        }
      });
    }

    it('POST of a node is 405 (RFC 4825 §8.1)', async () => {
      const { path } = await putGroup(system);
      for (const node of ['group/list-service', 'group/list-service/@uri']) {
        const answer = await refused(
          system,
          path,
          { method: 'POST', path: `${path}/~~/${node}` },
          { status: 405 },
        );
        expect(answer.headers.allow).to.equal('GET, HEAD, PUT, DELETE');
      }
    });
  });

  describe('RFC 4825 §6 what names no document', () => {
    const groups = '/org.openmobilealliance.groups';
    const notFound: readonly [string, string][] = [
      ['a usage that does not exist', '/org.openmobilealliance.nothing/global/index'],
      ['the usages themselves', '/'],
      ['the usage itself', groups],
      ['a tree that does not exist', `${groups}/local/index`],
      ['the global tree', `${groups}/global`],
      ['the folder of the groups', `${groups}/global/byGroupID/`],
      ['a folder that does not exist', `${groups}/global/byName/sip:g@police.example`],
      ['a group ID that is no URI', `${groups}/global/byGroupID/index`],
      ['the users', `${groups}/users`],
      ['a user', `${groups}/users/sip:u@police.example/`],
      ['a document that does not exist', `${groups}/users/sip:u@police.example/index`],
      ['a usage of another case', '/org.openmobilealliance.GROUPS/global/byGroupID/sip:g@police.example'],
    ];
    for (const [title, path] of notFound) {
      it(`${title}: 404 for GET, HEAD and DELETE (${path})`, async () => {
        for (const method of ['GET', 'HEAD', 'DELETE']) {
          await refused(system, path, { method, path }, { status: 404 });
        }
      });
    }

    it('a folder that does not exist is no-parent for a PUT (§8.2.1)', async () => {
      const path = `${groups}/global/byName/sip:g@police.example`;
      await refused(
        system,
        path,
        {
          method: 'PUT',
          path,
          headers: { 'Content-Type': groupType },
          body: groupDocument('sip:g@police.example'),
        },
        { status: 409, condition: 'no-parent' },
      );
    });

    for (const [title, path] of [
      ['a separator without its slash', `${groups}/global/byGroupID/sip:g@police.example~~`],
      ['an empty node selector', `${groups}/global/byGroupID/sip:g@police.example/~~/`],
      ['an empty segment', `${groups}//global/byGroupID/sip:g@police.example`],
      ['a dot segment', `${groups}/global/byGroupID/..`],
      ['a bad percent-encoding', `${groups}/global/byGroupID/sip%3`],
      ['a query that binds nothing', `${groups}/global/byGroupID/sip:g@police.example?a=b`],
    ] as const) {
      it(`${title} is a bad request: 400 for every method (${path})`, async () => {
        const { path: known } = await putGroup(system);
        for (const method of ['GET', 'PUT', 'DELETE', 'POST']) {
          await refused(system, known, { method, path }, { status: 400 });
        }
      });
    }
  });

  describe('RFC 4825 §8.2.5 a document that cannot be taken', () => {
    for (const [condition, title, write] of [
      ['not-utf-8', 'octets that are no UTF-8', () => Buffer.from([0x3c, 0x61, 0xff])],
      ['not-utf-8', 'UTF-16', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
      [
        'not-utf-8',
        'another encoding in the declaration',
        (text: string) => text.replace('UTF-8', 'ISO-8859-1'),
      ],
      ['not-well-formed', 'nothing', () => ''],
      ['not-well-formed', 'two root elements', (text: string) => text + '<a/>'],
      ['not-well-formed', 'XML 1.1', (text: string) => text.replace('"1.0"', '"1.1"')],
      ['not-well-formed', 'JSON', () => '{"group":{}}'],
      ['schema-validation-error', 'another root element', () => '<group/>'],
      ['schema-validation-error', 'a value out of range', (text: string) => text.replace('>5<', '>300<')],
      [
        'schema-validation-error',
        'an element out of place',
        (text: string) => text.replace('</list>', '</list><list/>'),
      ],
      [
        'constraint-failure',
        'two list-services',
        (text: string) => text.replace('</group>', '<list-service uri="sip:b@police.example"/></group>'),
      ],
      [
        'constraint-failure',
        'a document type declaration',
        (text: string) => text.replace('<!--', '<!DOCTYPE group><!--'),
      ],
    ] as readonly [string, string, (text: string) => string | Buffer][]) {
      it(`${condition}: ${title}`, async () => {
        const { groupId, path, text } = await putGroup(system);
        const headers = { 'Content-Type': groupType };
        const refusal = { status: 409, condition };
        await refused(system, path, { method: 'PUT', path, headers, body: write(text) }, refusal);
        const inUsersTree = `${usersTree}/sip:u@police.example/${encodeURIComponent(groupId)}`;
        const body = write(groupDocument(freshGroupId()));
        await refused(system, inUsersTree, { method: 'PUT', path: inUsersTree, headers, body }, refusal);
      });
    }
  });

  it('RFC 9110 §7.6 the connection goes on after a refusal', async () => {
    const { path } = await putGroup(system);
    const answer = await refused(system, path, { method: 'GET', path: `${path}/~~/a` }, { status: 404 });
    expect(answer.headers.connection).not.to.equal('upgrade');
    expect((await system.get(path)).status).to.equal(200);
  });

  it('a restart keeps every document with its tag, under each of its names', async () => {
    const own = await TestSystem.start();
    try {
      const first = await putGroup(own);
      const second = await putGroup(own);
      const gone = await putGroup(own);
      await own.request({ method: 'DELETE', path: gone.path });
      const edited = await own.request({
        method: 'DELETE',
        path: `${second.path}/~~/group/list-service/list`,
      });
      await own.close();
      await own.open();
      const again = await own.get(first.path);
      expect([again.text, again.headers.etag]).to.deep.equal([first.text, first.etag]);
      const afterEdit = await own.get(second.path);
      expect(afterEdit.text).not.to.include('<list>');
      expect(afterEdit.headers.etag).to.equal(tagOf(edited));
      expect((await own.get(gone.path)).status).to.equal(404);
    } finally {
      await own.dispose();
    }
  });
});
