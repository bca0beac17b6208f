import { expect } from 'chai';
import { groupPath, groupType, TestSystem, who, type TestRequest } from '../support/system.js';
import {
  expectRefusal,
  freshGroupId,
  putGroup,
  refused,
  tagOf,
  withMemberListGranted,
} from './expectations.js';

const member = 'sip:unit.1@police.example';
const stranger = 'sip:clerk@police.example';
const creator = 'sip:planner@police.example';
const gmopType = 'application/vnd.3gpp.GMOP+xml';
const getExcludingMembers =
  '<document xmlns="urn:3gpp:ns:mcpttGMOP:1.0"><request><get-excluding-memberlist/></request></document>';

describe('Group management beyond XCAP', () => {
  let system: TestSystem;

  before(async () => {
    system = await TestSystem.start({ groups: { creators: [creator] } });
  });

  after(() => system.dispose());

  const posting = (path: string, as: string | undefined, body = getExcludingMembers): TestRequest => ({
    method: 'POST',
    path,
    as,
    body,
    headers: { 'Content-Type': gmopType },
  });

  describe('TS 24.481 7.2.12.1: the member list', () => {
    it('is kept from a member whom no rule lets get it, and so is what holds it or lies in it', async () => {
      const { path } = await putGroup(system);
      for (const node of ['', '/~~/group', '/~~/group/list-service', '/~~/group/list-service/list']) {
        for (const method of ['GET', 'HEAD']) {
          await refused(system, path, { method, path: path + node, as: member }, { status: 403 });
        }
      }
    });

    it('says of nobody whether he is in it: 403 for entries that exist and for others', async () => {
      const { path } = await putGroup(system);
      for (const uri of [member, stranger]) {
        const target = `${path}/~~/group/list-service/list/entry%5B@uri=%22${uri}%22%5D`;
        await refused(system, path, { method: 'GET', path: target, as: member }, { status: 403 });
      }
    });

    it('is kept whatever the conditions of the request', async () => {
      const { path, etag } = await putGroup(system);
      for (const name of ['If-None-Match', 'If-Match']) {
        const request = { method: 'GET', path, as: member, headers: { [name]: etag } };
        await refused(system, path, request, { status: 403 });
      }
    });

    it('leaves the rest to read, node by node', async () => {
      const { path, etag } = await putGroup(system);
      for (const node of ['display-name', '@uri', 'namespace::*', 'max-participant-count']) {
        const target = `${path}/~~/group/list-service/${node}`;
        const answer = await system.request({ method: 'GET', path: target, as: member });
        expect([answer.status, answer.headers.etag], node).to.deep.equal([200, etag]);
      }
    });

    it('is for members whom a rule lets get it', async () => {
      const { path, text } = await putGroup(system);
      const granted = withMemberListGranted(text);
      await system.put(path, granted, groupType);
      const answer = await system.request({ method: 'GET', path, as: member });
      expect([answer.status, answer.text]).to.deep.equal([200, granted]);
      await refused(system, path, { method: 'GET', path, as: stranger }, { status: 403 });
    });
  });

  describe('TS 24.481 6.3.16: retrieval excluding the member list', () => {
    it('gives a member the document without it, and its tag', async () => {
      const { path, text, etag } = await putGroup(system);
      const answer = await system.request(posting(path, member));
      expect([answer.status, answer.headers['content-type'], answer.headers.etag]).to.deep.equal([
        200,
        groupType,
        etag,
      ]);
      expect(answer.text).to.equal(text.replace(/\s*<list>[^]*<\/list>/, ''));
      expect(answer.text).not.to.include('sip:unit');
      const after = await system.get(path);
      expect([after.text, tagOf(after)], 'nothing changed').to.deep.equal([text, etag]);
    });

    it('is offered under both names of the group, to servers and administrators too', async () => {
      const { groupId, path } = await putGroup(system);
      const alias = `/org.openmobilealliance.groups/users/sip:group-creation@police.example/${encodeURIComponent(groupId)}`;
      for (const target of [path, alias]) {
        for (const identity of [member, who.administrator, who.mcServiceServer]) {
          expect((await system.request(posting(target, identity))).status).to.equal(200);
        }
      }
    });

    it('is not for others: 403 for strangers and nobody, before the body is looked at', async () => {
      const { path } = await putGroup(system);
      for (const identity of [stranger, who.nobody]) {
        await refused(system, path, posting(path, identity), { status: 403 });
        await refused(system, path, posting(path, identity, '<!DOCTYPE a>'), { status: 403 });
      }
    });

    it('404 where there is no such group', async () => {
      const path = groupPath(freshGroupId());
      await refused(system, path, posting(path, member), { status: 404 });
    });

    it('412 where the condition does not hold', async () => {
      const { path, etag } = await putGroup(system);
      const conditional = (headers: Readonly<Record<string, string>>): TestRequest => {
        const request = posting(path, member);
        return { ...request, headers: { ...request.headers, ...headers } };
      };
      await refused(system, path, conditional({ 'If-Match': '"other"' }), { status: 412 });
      await refused(system, path, conditional({ 'If-None-Match': etag }), { status: 412 });
      expect((await system.request(conditional({ 'If-Match': etag }))).status).to.equal(200);
    });

    it('415 for another media type, or none', async () => {
      const { path } = await putGroup(system);
      for (const type of [groupType, 'application/xml', '']) {
        const request = { ...posting(path, member), headers: { 'Content-Type': type } };
        await refused(system, path, request, { status: 415 });
      }
      const lowerCase = { ...posting(path, member), headers: { 'Content-Type': gmopType.toLowerCase() } };
      expect((await system.request(lowerCase)).status).to.equal(200);
    });

    it('400 for what is no group management operation, 501 for one that is not offered', async () => {
      const { path } = await putGroup(system);
      for (const body of [
        '',
        '<a>',
        'no',
        `<!DOCTYPE document>${getExcludingMembers}`,
        '<document/>',
        '\0',
      ]) {
        await refused(system, path, posting(path, member, body), { status: 400 });
      }
      const regroup = getExcludingMembers.replace('get-excluding-memberlist', 'group-regroup-creation');
      await refused(system, path, posting(path, member, regroup), { status: 501 });
    });
  });

  describe('TS 24.481 6.3.2, 7.2.12: a user who may create groups', () => {
    const owned = (text: string, owner = creator): string =>
      text.replace('<mcpttgi:on-network-group-priority>', `<mcpttgi:owner>${owner}</mcpttgi:owner>$&`);
    const putting = (path: string, body: string, as = creator): TestRequest => ({
      method: 'PUT',
      path,
      as,
      body,
      headers: { 'Content-Type': groupType },
    });
    const usersTree = (name: string, xui = 'sip:group-creation@police.example'): string =>
      `/org.openmobilealliance.groups/users/${xui}/${encodeURIComponent(name)}`;

    it('creates, reads, changes and deletes groups of which the document names the user as owner', async () => {
      const { groupId, path, text } = await putGroup(system);
      await system.request({ method: 'DELETE', path });
      const name = usersTree(`of-${groupId}`);
      expect((await system.request(putting(name, owned(text)))).status).to.equal(201);
      const read = await system.request({ method: 'GET', path, as: creator });
      expect([read.status, read.text]).to.deep.equal([200, owned(text)]);
      const node = `${path}/~~/group/list-service/display-name`;
      const change = {
        ...putting(node, '<display-name>B</display-name>'),
        headers: { 'Content-Type': 'application/xcap-el+xml' },
      };
      expect((await system.request(change)).status).to.equal(200);
      expect((await system.request({ method: 'DELETE', path, as: creator })).status).to.equal(200);
      expect((await system.get(path)).status).to.equal(404);
    });

    it('neither creates groups for others, nor takes or gives them away, nor deletes those of others', async () => {
      const { groupId, path, text, etag } = await putGroup(system);
      for (const request of [
        putting(path, owned(text)),
        { ...putting(path, owned(text)), headers: { 'Content-Type': groupType, 'If-Match': '"other"' } },
        { method: 'DELETE', path, as: creator },
        { method: 'DELETE', path, as: creator, headers: { 'If-Match': etag } },
      ]) {
        await refused(system, path, request, { status: 403 });
      }
      const id = freshGroupId();
      const free = groupPath(id);
      const fresh = text.replaceAll(groupId, id);
      for (const body of [fresh, owned(fresh, member)]) {
        await refused(system, free, putting(free, body), { status: 403 });
      }
      await system.put(free, owned(fresh), groupType);
      await refused(system, free, putting(free, fresh), { status: 403 });
    });

    it('creates them in the users tree of the group creation XUI or by group ID, nowhere else', async () => {
      const { path, text } = await putGroup(system);
      await system.request({ method: 'DELETE', path });
      const elsewhere = usersTree('mine', creator);
      await refused(system, path, putting(elsewhere, owned(text)), { status: 403 });
      expect((await system.request(putting(path, owned(text)))).status).to.equal(201);
    });

    it('others are refused before the body is looked at', async () => {
      const answer = await system.request(putting(usersTree('no'), 'no XML', member));
      expectRefusal(answer, { status: 403 });
    });
  });

  describe('TS 24.481 7.2.4.2: names in the namespace of 3GPP that its schema does not declare', () => {
    const misspelt = (text: string, name = 'on-network-hang-time'): string =>
      text.replace('<mcpttgi:on-network-group-priority>', `<mcpttgi:${name}>PT1S</mcpttgi:${name}>$&`);

    it('are stored, and a Warning tells them', async () => {
      const { path, text } = await putGroup(system);
      const answer = await system.put(path, misspelt(text), groupType);
      expect(answer.headers.warning).to.match(/^299 - "[^"]*on-network-hang-time"$/);
      const good = await system.put(path, text, groupType);
      expect(good.headers.warning).to.equal(undefined);
    });

    it('may be any that XML allows, and the field value stays one line of ASCII', async () => {
      const { path, text } = await putGroup(system);
      const answer = await system.put(path, misspelt(text, 'Größe'), groupType);
      expect(answer.headers.warning).to.match(/^299 - "[\x20-\x7e]*Gr\?\?e"$/);
    });

    it('are refused where the configuration is strict: 409 constraint-failure', async () => {
      const strict = await TestSystem.start({ groups: { unknownNames: 'refuse' } });
      try {
        const { path, text } = await putGroup(strict);
        const headers = { 'Content-Type': groupType };
        const request = { method: 'PUT', path, body: misspelt(text), headers };
        const answer = await refused(strict, path, request, { status: 409, condition: 'constraint-failure' });
        expect(answer.text).to.include('on-network-hang-time');
      } finally {
        await strict.dispose();
      }
    });
  });
});
