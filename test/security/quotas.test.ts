import { expect } from 'chai';
import { longestPath } from '../../src/documents/name-bounds.js';
import { jsonOf, operations, auditOf } from '../support/operations.js';
import type { RawAnswer } from '../support/raw-http.js';
import { groupPath, groupType, TestSystem, who } from '../support/system.js';
import { expectRefusal, groupDocument, refused } from '../conformance/expectations.js';

/** Law L4 at the entrance for clients (design D21): what is stored has a quota, and names have a bound. */

const ana = 'sip:ana@police.example';
const ben = 'sip:ben@police.example';
const dispatcher = 'sip:dispatch@police.example';
const listsType = 'application/resource-lists+xml';
const asserted = (identity: string): Readonly<Record<string, string>> => ({
  'X-3GPP-Asserted-Identity': identity,
});

const listsPath = (xui: string, file: string): string =>
  `/resource-lists/users/${encodeURIComponent(xui)}/${file}`;

/** A document of exactly so many octets. */
function listsOf(octets: number): string {
  const text = '<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"></resource-lists>';
  return text.replace('></', `>${' '.repeat(octets - text.length)}</`);
}

const quotas = {
  xui: { documents: 2, octets: 1000 },
  creator: { documents: 1, octets: 0 },
};

describe('quotas for clients (RFC 4825 clause 11: constraint-failure)', () => {
  let system: TestSystem;

  beforeEach(async () => {
    system = await TestSystem.start({ quotas, groups: { creators: [dispatcher] } });
  });

  afterEach(async () => {
    await system.dispose();
  });

  const put = async (path: string, body: string, as = ana, type = listsType): Promise<RawAnswer> =>
    await system.request({ method: 'PUT', path, as, body, headers: { 'Content-Type': type } });

  const refusedPut = async (path: string, body: string, as = ana, type = listsType): Promise<string> => {
    const headers = { 'Content-Type': type };
    const request = { method: 'PUT', path, as, body, headers };
    const answer = await refused(system, path, request, { status: 409, condition: 'constraint-failure' });
    return answer.text;
  };

  it('8.2.1 a document at the limit is created, one above is refused with the number', async () => {
    expect((await put(listsPath(ana, '1'), listsOf(500))).status).to.equal(201);
    expect((await put(listsPath(ana, '2'), listsOf(500))).status).to.equal(201);
    expect(await refusedPut(listsPath(ana, '3'), listsOf(100))).to.contain('at most 2 documents of one XUI');
    expect(await refusedPut(listsPath(ana, '2'), listsOf(501))).to.contain('at most 1000 octets');
    expect((await put(listsPath(ben, '1'), listsOf(1000), ben)).status).to.equal(201);
  });

  it('8.2.3 an element that makes the document too large is refused, and 8.4 one can be deleted', async () => {
    const full = listsOf(1000).replace(/ {30}<\/res/, '<list name="a">     </list></res');
    expect((await put(listsPath(ana, '1'), full)).status).to.equal(201);
    const node = `${listsPath(ana, '1')}/~~/resource-lists/list%5B@name=%22b%22%5D`;
    const request = {
      method: 'PUT',
      path: node,
      as: ana,
      body: '<list name="b"/>',
      headers: { 'Content-Type': 'application/xcap-el+xml' },
    };
    const answer = await system.unchanged(listsPath(ana, '1'), () => system.request(request));
    expectRefusal(answer, { status: 409, condition: 'constraint-failure' });
    const path = `${listsPath(ana, '1')}/~~/resource-lists/list%5B@name=%22a%22%5D`;
    expect((await system.request({ method: 'DELETE', path, as: ana })).status).to.equal(200);
    expect((await system.request(request)).status).to.equal(201);
  });

  it('counts survive a restart, and a deletion makes room', async () => {
    await put(listsPath(ana, '1'), listsOf(500));
    await put(listsPath(ana, '2'), listsOf(500));
    await system.close();
    await system.open();
    await refusedPut(listsPath(ana, '3'), listsOf(100));
    const gone = await system.request({ method: 'DELETE', path: listsPath(ana, '1'), as: ana });
    expect(gone.status).to.equal(200);
    expect((await put(listsPath(ana, '3'), listsOf(500))).status).to.equal(201);
  });

  it('a quota that is lowered makes nothing unreadable and nothing undeletable', async () => {
    await put(listsPath(ana, '1'), listsOf(500));
    await put(listsPath(ana, '2'), listsOf(500));
    await system.close();
    await system.open({ quotas: { xui: { documents: 1, octets: 200 } } });
    expect((await system.get(listsPath(ana, '1'), asserted(ana))).status).to.equal(200);
    await refusedPut(listsPath(ana, '1'), listsOf(501));
    expect((await put(listsPath(ana, '1'), listsOf(500))).status).to.equal(200);
    expect((await put(listsPath(ana, '1'), listsOf(499))).status).to.equal(200);
    for (const file of ['1', '2']) {
      const gone = await system.request({ method: 'DELETE', path: listsPath(ana, file), as: ana });
      expect(gone.status).to.equal(200);
    }
    expect((await put(listsPath(ana, '1'), listsOf(200))).status).to.equal(201);
  });

  it('of 20 PUTs at once, as many succeed as there is room for', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, file) => put(listsPath(ana, String(file)), listsOf(100))),
    );
    expect(answers.filter(({ status }) => status === 201)).to.have.length(2);
    expect(answers.filter(({ status }) => status === 409)).to.have.length(18);
  });

  it('who may create groups is charged for them; administrators go on in any case', async () => {
    const groups = ['sip:g1@police.example', 'sip:g2@police.example', 'sip:g3@police.example'] as const;
    const owned = (id: string): string =>
      groupDocument(id).replace(
        '<mcpttgi:on-network-group-priority>',
        `<mcpttgi:owner>${dispatcher}</mcpttgi:owner>$&`,
      );
    const [first, second, third] = groups;
    expect((await put(groupPath(first), owned(first), dispatcher, groupType)).status).to.equal(201);
    expect(await refusedPut(groupPath(second), owned(second), dispatcher, groupType)).to.contain(
      'at most 1 documents that one user created',
    );
    for (const id of [second, third]) {
      expect((await put(groupPath(id), groupDocument(id), who.administrator, groupType)).status).to.equal(
        201,
      );
    }
    const own = jsonOf(await operations(system, 'GET', '/quotas', { as: who.administrator }));
    expect(own).to.have.nested.property('own.documents', 2);
    expect(own).to.have.deep.nested.property('nearlyExhausted[0].of', dispatcher);
  });

  it('the operator is warned once: log, audit log, GET quotas', async () => {
    await put(listsPath(ana, '1'), listsOf(700));
    expect(system.log.lines.filter(({ message }) => message.includes('quota'))).to.deep.equal([]);
    await put(listsPath(ana, '1'), listsOf(800));
    await put(listsPath(ana, '1'), listsOf(900));
    const lines = system.log.lines.filter(({ message }) => message === 'a quota is nearly exhausted');
    expect(lines).to.have.length(1);
    expect(lines[0]?.fields).to.deep.include({ part: 'xui', of: ana, octets: 800, mostOctets: 1000 });
    const shown = jsonOf(await operations(system, 'GET', '/quotas', { as: who.administrator }));
    expect(shown).to.deep.equal({
      total: { documents: 1, remembered: 0, octets: 900, most: { documents: null, octets: null } },
      own: { documents: 0, remembered: 0, octets: 0, most: { documents: null, octets: null } },
      peers: {},
      nearlyExhausted: [
        {
          part: 'xui',
          of: ana,
          documents: 1,
          remembered: 0,
          octets: 900,
          most: { documents: 2, octets: 1000 },
        },
      ],
      leftOut: 0,
    });
    await system.close();
    const told = (await auditOf(system)).filter(({ event }) => event === 'quota');
    expect(told.map(({ part, of, octets }) => [part, of, octets])).to.deep.equal([['xui', ana, 800]]);
  });

  it('a new name at the limit is taken, a longer one is refused, also where a body states it', async () => {
    const longest = 'n'.repeat(longestPath);
    expect((await put(listsPath(ana, longest), listsOf(100))).status).to.equal(201);
    const said = await refusedPut(listsPath(ana, `${longest}n`), listsOf(100));
    expect(said).to.contain(`at most ${longestPath} octets`);
    const id = `sip:${'g'.repeat(longestPath)}@police.example`;
    const path = '/org.openmobilealliance.groups/users/sip%3Agroup-creation%40police.example/g';
    await refusedPut(path, groupDocument(id), who.administrator, groupType);
    await refusedPut(groupPath(id), groupDocument(id), who.administrator, groupType);
  });
});
