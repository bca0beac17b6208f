import { expect } from 'chai';
import { attribute } from '../../src/xml/tree.js';
import { bytesOf, listedDocuments } from '../contract/documents.js';
import { fixture } from '../support/fixtures.js';
import { groupPath, groupType, TestSystem, type TestRequest } from '../support/system.js';
import { conditionOf, freshGroupId, groupDocument, putGroup, refused, tagOf } from './expectations.js';

const groups = '/org.openmobilealliance.groups';

const conditions: Readonly<Record<string, string>> = {
  'not-utf-8': 'not-utf-8',
  'not-well-formed': 'not-well-formed',
  'schema-invalid': 'schema-validation-error',
};

describe('Group documents', () => {
  let system: TestSystem;

  before(async () => {
    system = await TestSystem.start();
  });

  after(() => system.dispose());

  function putting(path: string, body: string | Buffer): TestRequest {
    return { method: 'PUT', path, body, headers: { 'Content-Type': groupType } };
  }

  function inUsersTree(name: string, xui = 'sip:u@police.example'): string {
    return `${groups}/users/${xui}/${encodeURIComponent(name)}`;
  }

  describe('TS 24.481 7.2.10.2: one resource with two names and one tag', () => {
    it('a group that was put into the users tree is found by its group ID', async () => {
      const groupId = freshGroupId();
      const name = inUsersTree(`created-${groupId}`);
      const created = await system.put(name, groupDocument(groupId), groupType);
      expect(created.status).to.equal(201);
      const byId = await system.get(groupPath(groupId));
      expect([byId.status, byId.text]).to.deep.equal([200, groupDocument(groupId)]);
      expect(tagOf(byId)).to.equal(tagOf(created));
    });

    it('a group that was put by its group ID stands in the users tree of the group creation XUI', async () => {
      const { groupId, text, etag } = await putGroup(system);
      const found = await system.get(inUsersTree(groupId, 'sip:group-creation@police.example'));
      expect([found.status, found.text, found.headers.etag]).to.deep.equal([200, text, etag]);
    });

    it('what is changed through one name is changed under the other, nodes included', async () => {
      const groupId = freshGroupId();
      const name = inUsersTree(`changed-${groupId}`);
      await system.put(name, groupDocument(groupId), groupType);
      const node = '/~~/group/list-service/display-name';
      const body = '<display-name>A</display-name>';
      const changed = await system.put(groupPath(groupId) + node, body, 'application/xcap-el+xml');
      const whole = await system.get(name);
      expect(whole.text).to.include(body);
      expect(tagOf(whole)).to.equal(tagOf(changed));
      expect((await system.request({ method: 'DELETE', path: name })).status).to.equal(200);
      expect((await system.get(groupPath(groupId))).status).to.equal(404);
    });

    for (const [title, spell] of [
      [
        'the folder as deployed clients spell it (design D15)',
        (id: string) => `${groups}/global/byGroup/${encodeURIComponent(id)}`,
      ],
      ['the group ID without percent-encoding', (id: string) => `${groups}/global/byGroupID/${id}`],
      ['small hexadecimal digits', (id: string) => groupPath(id).replaceAll('%3A', '%3a')],
      ['more encoded than needed', (id: string) => groupPath(id).replace('sip', '%73%69%70')],
      [
        'the scheme and the host in capitals',
        (id: string) => groupPath(id.replace('sip', 'SIP').replace('police', 'Police')),
      ],
      ['the path encoded too', (id: string) => groupPath(id).replace('/global/', '/%67lobal/')],
    ] as const) {
      it(`${title}: the same resource, for reading and writing`, async () => {
        const { groupId, text, path, etag } = await putGroup(system);
        const other = spell(groupId);
        expect(other).not.to.equal(path);
        const found = await system.get(other);
        expect([found.status, found.text, found.headers.etag]).to.deep.equal([200, text, etag]);
        const changed = await system.put(other, text.replace('20<', '21<'), groupType, { 'If-Match': etag });
        expect(changed.status).to.equal(200);
        expect(tagOf(await system.get(path))).to.equal(tagOf(changed));
        expect((await system.request({ method: 'DELETE', path: other })).status).to.equal(200);
        expect((await system.get(path)).status).to.equal(404);
      });
    }

    it('the users trees of different users hold different documents under one name', async () => {
      const [one, two] = [freshGroupId(), freshGroupId()];
      await system.put(inUsersTree('mine', 'sip:one@police.example'), groupDocument(one), groupType);
      await system.put(inUsersTree('mine', 'sip:two@police.example'), groupDocument(two), groupType);
      expect((await system.get(inUsersTree('mine', 'sip:one@police.example'))).text).to.equal(
        groupDocument(one),
      );
    });
  });

  describe('TS 24.481 6.3.2.3: the group ID', () => {
    it('is list-service/@uri: put by another one, the document is refused', async () => {
      const path = groupPath(freshGroupId());
      const refusal = { status: 409, condition: 'constraint-failure' };
      await refused(system, path, putting(path, groupDocument('sip:other@police.example')), refusal);
      await refused(
        system,
        groupPath('sip:other@police.example'),
        putting(path, groupDocument('sip:other@police.example')),
        refusal,
      );
    });

    it('never changes, by whichever name the document is put', async () => {
      const { groupId, path } = await putGroup(system);
      const refusal = { status: 409, condition: 'constraint-failure' };
      const other = groupDocument(freshGroupId());
      for (const name of [path, inUsersTree(groupId, 'sip:group-creation@police.example')]) {
        await refused(system, path, putting(name, other), refusal);
      }
    });

    it('may be written in another spelling', async () => {
      const { groupId, path, text } = await putGroup(system);
      const spelled = text.replace(groupId, groupId.replace('sip:', 'SIP:').replace('police', 'POLICE'));
      expect((await system.put(path, spelled, groupType)).status).to.equal(200);
    });

    it('that is taken is a uniqueness-failure with others that are free; the retry with one of them succeeds', async () => {
      const { groupId, path } = await putGroup(system);
      const name = inUsersTree(`retry-${groupId}`);
      const refusal = { status: 409, condition: 'uniqueness-failure' };
      const answer = await refused(system, path, putting(name, groupDocument(groupId)), refusal);
      expect((await system.get(name)).status).to.equal(404);

      const exists = conditionOf(answer).children[0] ?? expect.fail('no field');
      expect(attribute(exists, 'field')).to.equal('group/list-service/@uri');
      const free = exists.children.map((each) => answer.text.slice(each.contentStart, each.contentEnd));
      expect(free).not.to.be.empty;
      for (const alternative of free) {
        const retry = await system.put(
          inUsersTree(`retry-${alternative}`),
          groupDocument(alternative),
          groupType,
        );
        expect(retry.status).to.equal(201);
      }

      const again = await refused(system, path, putting(name, groupDocument(groupId)), refusal);
      for (const alternative of free) expect(again.text).not.to.include(`>${alternative}<`);
    });

    it('that is empty or no URI: in the users tree others are offered, and the retry succeeds', async () => {
      for (const [index, uri] of ['', 'g', '&lt;a&gt;'].entries()) {
        const name = inUsersTree(`left-open-${index}`);
        const refusal = { status: 409, condition: 'uniqueness-failure' };
        const answer = await refused(system, name, putting(name, groupDocument(uri)), refusal);
        const exists = conditionOf(answer).children[0] ?? expect.fail('no field');
        const [free = expect.fail('no group ID is offered')] = exists.children.map((each) =>
          answer.text.slice(each.contentStart, each.contentEnd),
        );
        expect((await system.put(name, groupDocument(free), groupType)).status).to.equal(201);
        expect((await system.get(groupPath(free))).status).to.equal(200);
      }
    });

    it('that is no URI is refused where it would replace the one of a group: 409', async () => {
      const { groupId, path, text } = await putGroup(system);
      const refusal = { status: 409, condition: 'constraint-failure' };
      await refused(system, path, putting(path, text.replace(groupId, 'g')), refusal);
    });

    it('is free again once the group is deleted', async () => {
      const { groupId, path } = await putGroup(system);
      await system.request({ method: 'DELETE', path });
      const name = inUsersTree(`again-${groupId}`);
      expect((await system.put(name, groupDocument(groupId), groupType)).status).to.equal(201);
    });

    it('of another MC system is refused, with the name of that system and no more', async () => {
      const peered = await TestSystem.start({
        peers: [
          {
            name: 'fire',
            identity: 'sip:gms@fire.example',
            root: 'http://127.0.0.1:9/xcap-root',
            domains: ['fire.example'],
          },
        ],
        interconnection: { identity: 'sip:gms@police.example' },
      });
      try {
        const path = groupPath('sip:g@fire.example');
        const refusal = { status: 409, condition: 'constraint-failure' };
        const answer = await refused(
          peered,
          path,
          putting(path, groupDocument('sip:g@fire.example')),
          refusal,
        );
        expect(answer.text).to.include('fire').and.not.to.include('sip:gms@');
      } finally {
        await peered.dispose();
      }
    });
  });

  describe('TS 24.481 7.2: every valid document comes back byte for byte', () => {
    let home: TestSystem;

    before(async () => {
      // The fixtures are groups of many MC systems.
      const ids = listedDocuments('groups').map(({ groupId }) => groupId ?? '');
      const domains = ids.filter((id) => id.includes('@')).map((id) => id.slice(id.indexOf('@') + 1));
      home = await TestSystem.start({ system: { domains: [...new Set(['police.example', ...domains])] } });
    });

    after(() => home.dispose());

    for (const document of listedDocuments('groups')) {
      const { path: file, groupId, verdict } = document;
      if (verdict !== 'valid') continue;
      it(file, async () => {
        const id = groupId ?? expect.fail('the manifest names no group ID');
        const path = groupPath(id);
        for (const status of [201, 200]) {
          const answer = await home.request(putting(path, bytesOf(document)));
          expect(answer.status, answer.text).to.equal(status);
          const stored = await home.get(path);
          expect(stored.body.equals(bytesOf(document))).to.equal(true);
          expect(stored.headers.etag).to.equal(answer.headers.etag);
        }
        const uri = await home.get(`${path}/~~/group/list-service/@uri`);
        expect([uri.status, uri.text]).to.deep.equal([200, id]);
      });
    }
  });

  describe('RFC 4825 §8.2.5: every invalid document is refused as the manifest says, and nothing changes', () => {
    const groupId = 'sip:group@police.example';
    const path = groupPath(groupId);

    before(() => system.put(path, fixture('conformance/group.xml'), groupType));

    for (const document of listedDocuments('groups')) {
      const { path: file, verdict, breaks } = document;
      const condition = conditions[verdict];
      if (condition === undefined) continue;
      it(`${file.slice('groups/invalid/'.length)}: ${condition}. ${breaks ?? ''}`, async () => {
        const refusal = { status: 409, condition };
        await refused(system, path, putting(path, bytesOf(document)), refusal);
        const fresh = inUsersTree('invalid');
        await refused(system, fresh, putting(fresh, bytesOf(document)), refusal);
      });
    }
  });
});
