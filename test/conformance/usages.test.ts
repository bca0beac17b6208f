import { expect } from 'chai';
import { fileURLToPath } from 'node:url';
import type { ConfigInput } from '../../src/gms/config.js';
import { ConfigurationError } from '../../src/base/errors.js';
import { attribute, type LocatedElement } from '../../src/xml/tree.js';
import { fixture } from '../support/fixtures.js';
import type { RawAnswer } from '../support/raw-http.js';
import { attributeType, elementType, groupPath, groupType, TestSystem, who } from '../support/system.js';
import {
  conditionOf,
  expectRefusal,
  freshGroupId,
  groupDocument,
  refused,
  tagOf,
  validTree,
} from './expectations.js';

const unit1 = 'sip:unit.1@police.example';
const unit2 = 'sip:unit.2@police.example';
const listsType = 'application/resource-lists+xml';
const servicesType = 'application/rls-services+xml';

function listsPath(xui: string, file = 'index'): string {
  return `/resource-lists/users/${xui}/${file}`;
}

function servicesPath(xui: string, file = 'index'): string {
  return `/rls-services/users/${xui}/${file}`;
}

/** What a `uniqueness-failure` says: each field, with the free values it offers. */
function existsIn(answer: RawAnswer): readonly (readonly [string, readonly string[]])[] {
  const condition = conditionOf(answer);
  expect(condition.local).to.equal('uniqueness-failure');
  const textOf = ({ contentStart, contentEnd }: LocatedElement): string =>
    answer.text.slice(contentStart, contentEnd);
  return condition.children.map((exists) => [attribute(exists, 'field') ?? '', exists.children.map(textOf)]);
}

/** The one value that a `uniqueness-failure` names. */
function takenIn(answer: RawAnswer): { readonly field: string; readonly free: string } {
  const [taken, ...more] = existsIn(answer);
  expect(more).to.deep.equal([]);
  const [field, alternatives] = taken ?? expect.fail('nothing is taken');
  return { field, free: alternatives[0] ?? expect.fail('no free value is offered') };
}

function services(...uris: readonly string[]): string {
  const content = uris.map((uri) => `<service uri="${uri}"><list/></service>`).join('');
  return `<rls-services xmlns="urn:ietf:params:xml:ns:rls-services">${content}</rls-services>`;
}

/** The URIs of the services that `global/index` holds. */
async function servicesOnServer(system: TestSystem): Promise<readonly (string | undefined)[]> {
  const answer = await system.get('/rls-services/global/index');
  expect(answer.status).to.equal(200);
  expect(answer.headers['content-type']).to.equal(servicesType);
  return validTree('rls-services', answer.text).children.map((service) => attribute(service, 'uri'));
}

async function capsOf(system: TestSystem, name: string): Promise<readonly string[]> {
  const { text } = await system.request({ method: 'GET', path: '/xcap-caps/global/index', as: who.nobody });
  return validTree('xcap-caps', text)
    .children.filter(({ local }) => local === name)
    .flatMap(({ children }) => children)
    .map(({ contentStart, contentEnd }) => text.slice(contentStart, contentEnd));
}

describe('RFC 4826 §3 resource-lists', () => {
  let system: TestSystem;

  before(async () => {
    system = await TestSystem.start();
  });

  after(() => system.dispose());

  it('§3.4: a user keeps lists under the own XUI, byte for byte, with their parts', async () => {
    const path = listsPath(unit1);
    const text = fixture('usages/contacts.xml');
    const put = await system.request({
      method: 'PUT',
      path,
      body: text,
      as: unit1,
      headers: { 'Content-Type': listsType },
    });
    expect([put.status, put.text]).to.deep.equal([201, '']);
    const whole = await system.request({ method: 'GET', path, as: unit1 });
    expect([whole.status, whole.headers['content-type'], whole.text]).to.deep.equal([200, listsType, text]);
    const friend = `${path}/~~/resource-lists/list%5B@name=%22friends%22%5D/entry%5B@uri=%22${unit2}%22%5D`;
    const part = await system.request({ method: 'GET', path: friend, as: unit1 });
    expect([part.status, part.headers['content-type'], part.headers.etag]).to.deep.equal([
      200,
      elementType,
      whole.headers.etag,
    ]);
    expect(text).to.include(part.text);
    expect((await system.request({ method: 'DELETE', path, as: unit1 })).status).to.equal(200);
    await refused(system, path, { method: 'GET', path, as: unit1 }, { status: 404 });
  });

  it('§3.4: elements and attributes are created, replaced and deleted', async () => {
    const path = listsPath(unit1, 'nodes');
    await system.put(path, fixture('usages/contacts.xml'), listsType);
    const work = `${path}/~~/resource-lists/list%5B@name=%22work%22%5D`;
    const entry = `${work}/entry%5B@uri=%22sip:c%40x%22%5D`;
    await system.put(entry, '<entry uri="sip:c@x"/>', elementType);
    // GET(PUT(x)) = x does not hold here: the selector names the list by what changes.
    const headers = { 'Content-Type': attributeType };
    const rename = { method: 'PUT', path: `${work}/@name`, body: 'shift', headers };
    await refused(system, path, rename, { status: 409, condition: 'cannot-insert' });
    await system.put(`${path}/~~/resource-lists/list%5B2%5D/@name`, 'shift', attributeType);
    const renamed = `${path}/~~/resource-lists/list%5B@name=%22shift%22%5D/entry`;
    expect((await system.get(renamed)).text).to.equal('<entry uri="sip:c@x"/>');
    expect((await system.request({ method: 'DELETE', path: renamed })).status).to.equal(200);
    await refused(system, path, { method: 'GET', path: renamed }, { status: 404 });
  });

  it('§3.4.5: what a node edit would repeat is refused, with the field', async () => {
    const path = listsPath(unit1, 'unique');
    await system.put(path, fixture('usages/contacts.xml'), listsType);
    const list = `${path}/~~/resource-lists/list%5B@name=%22friends%22%5D`;
    const repeated = await refused(
      system,
      path,
      {
        method: 'PUT',
        path: `${list}/entry%5B3%5D`,
        body: '<entry uri="SIP:unit.2@POLICE.example"/>',
        headers: { 'Content-Type': elementType },
      },
      { status: 409, condition: 'uniqueness-failure' },
    );
    expect(existsIn(repeated)).to.deep.equal([['resource-lists/list%5B1%5D/entry%5B3%5D/@uri', []]]);
    const named = await refused(
      system,
      path,
      {
        method: 'PUT',
        path: `${path}/~~/resource-lists/list%5B2%5D/@name`,
        body: 'friends',
        headers: { 'Content-Type': attributeType },
      },
      { status: 409, condition: 'uniqueness-failure' },
    );
    const { field, free } = takenIn(named);
    expect(field).to.equal('resource-lists/list%5B2%5D/@name');
    await system.put(`${path}/~~/resource-lists/list%5B2%5D/@name`, free, attributeType);
  });

  const refusals: readonly [string, string, string][] = [
    [
      'a document of another kind',
      '<rls-services xmlns="urn:ietf:params:xml:ns:rls-services"/>',
      'schema-validation-error',
    ],
    ['an entry without URI', '<list><entry/></list>', 'schema-validation-error'],
    [
      'an absolute entry-ref',
      '<list><entry-ref ref="/resource-lists/users/a"/></list>',
      'constraint-failure',
    ],
    ['a relative anchor', '<list><external anchor="a/b"/></list>', 'constraint-failure'],
    ['two lists of one name', '<list name="a"/><list name="a"/>', 'uniqueness-failure'],
  ];
  for (const [title, content, condition] of refusals) {
    it(`§3.4.5: refuses ${title}`, async () => {
      const path = listsPath(unit1, 'kept');
      await system.put(path, fixture('usages/contacts.xml'), listsType);
      const body = content.startsWith('<rls')
        ? content
        : `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">${content}</resource-lists>`;
      const request = { method: 'PUT', path, body, headers: { 'Content-Type': listsType } };
      await refused(system, path, request, { status: 409, condition });
    });
  }

  it('§3.4: lists are their owner’s and the administrators’, however the XUI is spelled', async () => {
    const path = listsPath(unit1, 'private');
    const body = fixture('usages/contacts.xml');
    const spelled = `/resource-lists/users/SIP:unit%2E1%40POLICE.example/private`;
    const type = { 'Content-Type': listsType };
    const put = await system.request({ method: 'PUT', path: spelled, body, as: unit1, headers: type });
    expect(put.status).to.equal(201);
    expect((await system.get(path)).text).to.equal(body);
    for (const identity of [unit2, who.mcServiceServer, who.nobody, 'sip:unit.1@fire.example']) {
      const node = `${path}/~~/resource-lists/list%5B1%5D`;
      for (const request of [
        { method: 'GET', path },
        { method: 'HEAD', path },
        { method: 'GET', path: node },
        { method: 'PUT', path, body, headers: type },
        { method: 'DELETE', path },
        { method: 'DELETE', path: node },
        { method: 'GET', path: listsPath(unit1, 'none') },
      ]) {
        await refused(system, path, { ...request, as: identity }, { status: 403 });
      }
    }
  });

  it('has no documents in the global tree', async () => {
    const path = '/resource-lists/global/index';
    await refused(system, path, { method: 'GET', path }, { status: 404 });
    const request = { method: 'PUT', path, body: '<a/>', headers: { 'Content-Type': listsType } };
    await refused(system, path, request, { status: 409, condition: 'no-parent' });
  });

  it('§12 of RFC 4825: is among the capabilities', async () => {
    expect(await capsOf(system, 'auids')).to.include.members(['resource-lists', 'rls-services']);
    expect(await capsOf(system, 'namespaces')).to.include.members([
      'urn:ietf:params:xml:ns:resource-lists',
      'urn:ietf:params:xml:ns:rls-services',
      'urn:oma:xml:xdm:xcap-directory',
    ]);
  });
});

describe('RFC 4826 §4 rls-services', () => {
  let system: TestSystem;

  beforeEach(async () => {
    system = await TestSystem.start();
  });

  afterEach(() => system.dispose());

  async function put(path: string, body: string): Promise<RawAnswer> {
    return await system.request({ method: 'PUT', path, body, headers: { 'Content-Type': servicesType } });
  }

  it('§4.4.5: no two documents of the server have a service of one URI', async () => {
    await system.put(servicesPath(unit1), fixture('usages/services.xml'), servicesType);
    const other = servicesPath(unit2);
    const body = services('sip:free@police.example', 'SIP:inline@POLICE.example');
    const answer = await put(other, body);
    expectRefusal(answer, { status: 409, condition: 'uniqueness-failure' });
    expect((await system.get(other)).status).to.equal(404);
    const { field, free } = takenIn(answer);
    expect(field).to.equal('rls-services/service%5B2%5D/@uri');
    await system.put(other, services('sip:free@police.example', free), servicesType);
  });

  it('§4.4.5: nor has one document, nor two of one user', async () => {
    const repeated = await put(servicesPath(unit1), services('sip:a@x.example', 'sip:a@x.example'));
    expectRefusal(repeated, { status: 409, condition: 'uniqueness-failure' });
    await system.put(servicesPath(unit1), services('sip:a@x.example'), servicesType);
    expectRefusal(await put(servicesPath(unit1, 'more'), services('sip:a@x.example')), {
      status: 409,
      condition: 'uniqueness-failure',
    });
  });

  it('§4.4.5: node edits neither', async () => {
    await system.put(servicesPath(unit1), services('sip:a@x.example'), servicesType);
    const other = servicesPath(unit2);
    await system.put(other, services('sip:b@x.example'), servicesType);
    for (const [node, body, type] of [
      ['service%5B2%5D', '<service uri="sip:a@x.example"><list/></service>', elementType],
      ['service/@uri', 'sip:a@x.example', attributeType],
    ] as const) {
      const request = {
        method: 'PUT',
        path: `${other}/~~/rls-services/${node}`,
        body,
        headers: { 'Content-Type': type },
      };
      await refused(system, other, request, { status: 409, condition: 'uniqueness-failure' });
    }
  });

  it('§4.4.5: a URI is free again once its document is replaced, edited or deleted', async () => {
    const [first, second] = [servicesPath(unit1), servicesPath(unit2)];
    const uri = 'sip:a@x.example';
    await system.put(first, services(uri), servicesType);
    await system.put(first, services('sip:b@x.example'), servicesType);
    await system.put(second, services(uri), servicesType);
    const node = `${second}/~~/rls-services/service`;
    expect((await system.request({ method: 'DELETE', path: node })).status).to.equal(200);
    await system.put(first, services(uri), servicesType);
    expect((await system.request({ method: 'DELETE', path: first })).status).to.equal(200);
    await system.put(second, services(uri), servicesType);
  });

  it('§4.4.5: the same document again is no collision with itself', async () => {
    await system.put(servicesPath(unit1), services('sip:a@x.example'), servicesType);
    expect((await put(servicesPath(unit1), services('sip:a@x.example', 'sip:b@x.example'))).status).to.equal(
      200,
    );
  });

  it('§4.4.5: still holds after a restart', async () => {
    await system.put(servicesPath(unit1), services('sip:a@x.example'), servicesType);
    await system.close();
    await system.open();
    expectRefusal(await put(servicesPath(unit2), services('sip:a@x.example')), {
      status: 409,
      condition: 'uniqueness-failure',
    });
  });

  it('§4.4.5: of many that race for one URI, one succeeds and the others are told', async () => {
    const xuis = Array.from({ length: 20 }, (_, number) => `sip:racer.${number}@police.example`);
    const answers = await Promise.all(
      xuis.map((xui) => put(servicesPath(xui), services('sip:prize@x.example'))),
    );
    expect(answers.filter(({ status }) => status === 201)).to.have.lengthOf(1);
    for (const answer of answers) {
      if (answer.status === 201) continue;
      expectRefusal(answer, { status: 409, condition: 'uniqueness-failure' });
      expect(existsIn(answer)[0]?.[0]).to.equal('rls-services/service/@uri');
    }
    expect(await servicesOnServer(system)).to.deep.equal(['sip:prize@x.example']);
  });

  it('§4.4: global/index holds all services of all users, and follows every change', async () => {
    expect(await servicesOnServer(system)).to.deep.equal([]);
    await system.put(servicesPath(unit1), fixture('usages/services.xml'), servicesType);
    await system.put(servicesPath(unit2), services('sip:a@x.example'), servicesType);
    const all = ['sip:marketing@police.example', 'sip:inline@police.example', 'sip:a@x.example'];
    expect(await servicesOnServer(system)).to.have.members(all);
    const first = await system.get('/rls-services/global/index');
    expect(first.text).to.include('<rl:entry uri="sip:unit.2@police.example"/>');
    await system.request({ method: 'DELETE', path: servicesPath(unit1) });
    expect(await servicesOnServer(system)).to.deep.equal(['sip:a@x.example']);
    expect((await system.get('/rls-services/global/index')).headers.etag).not.to.equal(first.headers.etag);
  });

  it('§4.4: global/index has parts and a tag that stays while it does, also over a restart', async () => {
    const path = '/rls-services/global/index';
    await system.put(servicesPath(unit1), services('sip:a@x.example'), servicesType);
    const etag = tagOf(await system.get(path));
    const part = await system.get(`${path}/~~/rls-services/service%5B@uri=%22sip:a%40x.example%22%5D/@uri`);
    expect([part.status, part.text, part.headers.etag]).to.deep.equal([200, 'sip:a@x.example', etag]);
    await system.put(listsPath(unit1), fixture('usages/contacts.xml'), listsType);
    expect((await system.get(path, { 'If-None-Match': etag })).status).to.equal(304);
    await system.close();
    await system.open();
    expect((await system.get(path, { 'If-None-Match': etag })).status).to.equal(304);
  });

  it('§4.4: services that would fill global/index with a namespace that they inherit are refused', async () => {
    const path = '/rls-services/global/index';
    await system.put(servicesPath(unit1), services('sip:a@x.example'), servicesType);
    const before = await system.get(path);
    const content = Array.from(
      { length: 5000 },
      (_, index) => `<s:service uri="sip:${index}@x"><s:list/><s:packages/></s:service>`,
    );
    const body =
      `<s:rls-services xmlns:s="urn:ietf:params:xml:ns:rls-services" xmlns="urn:${'n'.repeat(400_000)}">` +
      `${content.join('')}</s:rls-services>`;
    const request = {
      method: 'PUT',
      path: servicesPath(unit2),
      body,
      headers: { 'Content-Type': servicesType },
    };
    const answer = await refused(
      system,
      servicesPath(unit2),
      { ...request, as: unit2 },
      { status: 409, condition: 'constraint-failure' },
    );
    expect(answer.text).to.include(String(8 * body.length));
    expect((await system.get(path)).text).to.equal(before.text);
  });

  it('§4.4: global/index is for administrators and MC service servers, and read-only', async () => {
    const path = '/rls-services/global/index';
    const read = await system.request({ method: 'GET', path, as: who.mcServiceServer });
    expect(read.status).to.equal(200);
    for (const identity of [unit1, who.nobody]) {
      await refused(system, path, { method: 'GET', path, as: identity }, { status: 403 });
    }
    for (const method of ['PUT', 'DELETE']) {
      for (const target of [path, `${path}/~~/rls-services/service`]) {
        const headers = { 'Content-Type': servicesType };
        const answer = await refused(
          system,
          path,
          { method, path: target, body: services(), headers },
          { status: 405 },
        );
        expect(answer.headers.allow).to.equal('GET, HEAD');
      }
    }
    const other = '/rls-services/global/other';
    await refused(system, other, { method: 'GET', path: other }, { status: 404 });
  });
});

function usageFile(name: string): string {
  return fileURLToPath(new URL(`../../../fixtures/usages/${name}`, import.meta.url));
}

const declared: ConfigInput = {
  usages: {
    declared: [
      {
        auid: 'pres-rules',
        defaultNamespace: 'urn:ietf:params:xml:ns:common-policy',
        mediaType: 'application/auth-policy+xml',
        schema: usageFile('pres-rules.xsd'),
        root: 'ruleset',
        namespaces: ['urn:ietf:params:xml:ns:pres-rules'],
        unique: [{ element: 'rule', attribute: 'id', within: 'document', alternatives: true }],
      },
      {
        auid: 'pidf-manipulation',
        defaultNamespace: 'urn:ietf:params:xml:ns:pidf',
        mediaType: 'application/pidf+xml',
        schema: usageFile('pidf.xsd'),
        read: ['owner', 'administrators', 'mc-service-servers'],
        unique: [{ element: 'tuple', attribute: 'id' }],
      },
      {
        auid: 'org.example.shift-notes',
        defaultNamespace: 'urn:example:shift-notes',
        mediaType: 'application/vnd.example.notes+xml',
        trees: ['users', 'global'],
        read: ['anyone'],
        writeGlobal: ['users'],
      },
    ],
  },
};

interface DeclaredCase {
  readonly auid: string;
  readonly clause: string;
  readonly type: string;
  readonly text: string;
  /** A node that is there; what it is replaced by; a node that can go. */
  readonly node: string;
  readonly replacement: string;
  readonly query: string;
  readonly removable: string;
  readonly refusals: readonly (readonly [title: string, body: string, condition: string])[];
  readonly namespaces: readonly string[];
}

const presRules = fixture('usages/pres-rules.xml');
const pidf = fixture('usages/pidf.xml');
const notes = fixture('usages/notes.xml');

const cases: readonly DeclaredCase[] = [
  {
    auid: 'pres-rules',
    clause: 'RFC 5025 §9',
    type: 'application/auth-policy+xml',
    text: presRules,
    node: 'ruleset/rule%5B@id=%22colleagues%22%5D/actions/pr:sub-handling',
    replacement: '<sub-handling>block</sub-handling>',
    query: '?xmlns(pr=urn:ietf:params:xml:ns:pres-rules)',
    removable: 'ruleset/rule/transformations',
    refusals: [
      [
        'a value that the schema does not know',
        presRules.replace('>allow<', '>perhaps<'),
        'schema-validation-error',
      ],
      [
        'another document element',
        '<sub-handling xmlns="urn:ietf:params:xml:ns:pres-rules">allow</sub-handling>',
        'schema-validation-error',
      ],
      [
        'two rules of one ID',
        '<ruleset xmlns="urn:ietf:params:xml:ns:common-policy"><rule id="a"/><rule id="a"/></ruleset>',
        // An ID is unique by its type already, where the schema says so.
        'schema-validation-error',
      ],
    ],
    namespaces: ['urn:ietf:params:xml:ns:common-policy', 'urn:ietf:params:xml:ns:pres-rules'],
  },
  {
    auid: 'pidf-manipulation',
    clause: 'RFC 4827 §3',
    type: 'application/pidf+xml',
    text: pidf,
    node: 'presence/tuple%5B@id=%22radio%22%5D/status/basic',
    replacement: '<basic>closed</basic>',
    query: '',
    removable: 'presence/tuple/contact',
    refusals: [
      [
        'a presence without entity',
        '<presence xmlns="urn:ietf:params:xml:ns:pidf"/>',
        'schema-validation-error',
      ],
      ['a status that is none', pidf.replace('>open<', '>ajar<'), 'schema-validation-error'],
      [
        'two tuples of one ID',
        pidf.replace('</tuple>', '</tuple><tuple id="radio"><status/></tuple>'),
        'uniqueness-failure',
      ],
    ],
    namespaces: ['urn:ietf:params:xml:ns:pidf'],
  },
  {
    auid: 'org.example.shift-notes',
    clause: 'RFC 4825 §5',
    type: 'application/vnd.example.notes+xml',
    text: notes,
    node: 'notes/note%5B@key=%22one%22%5D',
    replacement: '<note key="one">Bridge open</note>',
    query: '',
    removable: 'notes/note',
    refusals: [['what is not well-formed', '<notes><note></notes>', 'not-well-formed']],
    namespaces: ['urn:example:shift-notes'],
  },
];

describe('application usages that the configuration declares', () => {
  let system: TestSystem;

  before(async () => {
    system = await TestSystem.start(declared);
  });

  after(() => system.dispose());

  for (const each of cases) {
    const { auid, clause, type, text } = each;
    const path = `/${auid}/users/${unit1}/index`;

    describe(`${clause}: ${auid}`, () => {
      beforeEach(async () => {
        await system.put(path, text, type);
      });

      it('keeps the owner’s documents as they were put', async () => {
        const headers = { 'Content-Type': type };
        const fresh = `/${auid}/users/${unit1}/fresh`;
        const put = await system.request({ method: 'PUT', path: fresh, body: text, as: unit1, headers });
        expect(put.status).to.equal(201);
        const got = await system.request({ method: 'GET', path: fresh, as: unit1 });
        expect([got.status, got.headers['content-type'], got.text]).to.deep.equal([200, type, text]);
        expect(got.headers.etag).to.equal(put.headers.etag);
        expect((await system.request({ method: 'DELETE', path: fresh, as: unit1 })).status).to.equal(200);
        await refused(system, fresh, { method: 'GET', path: fresh, as: unit1 }, { status: 404 });
      });

      it('edits their nodes, names without a prefix in its default namespace', async () => {
        const node = `${path}/~~/${each.node}${each.query}`;
        expect((await system.get(node)).status).to.equal(200);
        await system.put(node, each.replacement, elementType);
        expect((await system.get(path)).text).to.include(each.replacement);
        const removable = `${path}/~~/${each.removable}`;
        expect((await system.request({ method: 'DELETE', path: removable })).status).to.equal(200);
        await refused(system, path, { method: 'GET', path: removable }, { status: 404 });
      });

      for (const [title, body, condition] of each.refusals) {
        it(`refuses ${title}`, async () => {
          const request = { method: 'PUT', path, body, headers: { 'Content-Type': type } };
          await refused(system, path, request, { status: 409, condition });
        });
      }

      it('refuses another media type', async () => {
        const request = { method: 'PUT', path, body: text, headers: { 'Content-Type': 'application/xml' } };
        await refused(system, path, request, { status: 415 });
      });

      it('is written by the owner and administrators', async () => {
        for (const identity of [unit2, who.mcServiceServer, who.nobody]) {
          const request = { method: 'PUT', path, body: text, headers: { 'Content-Type': type } };
          await refused(system, path, { ...request, as: identity }, { status: 403 });
          await refused(system, path, { method: 'DELETE', path, as: identity }, { status: 403 });
        }
      });

      it('is among the capabilities, with its namespaces', async () => {
        expect(await capsOf(system, 'auids')).to.include(auid);
        expect(await capsOf(system, 'namespaces')).to.include.members([...each.namespaces]);
      });
    });
  }

  it('are read by those whom they let read', async () => {
    const readers: readonly [string, readonly (string | undefined)[]][] = [
      ['pres-rules', [unit1, who.administrator]],
      ['pidf-manipulation', [unit1, who.administrator, who.mcServiceServer]],
      ['org.example.shift-notes', [unit1, who.administrator, who.mcServiceServer, unit2, who.nobody]],
    ];
    for (const [auid, identities] of readers) {
      const path = `/${auid}/users/${unit1}/read`;
      const each = cases.find((candidate) => candidate.auid === auid) ?? expect.fail(auid);
      await system.put(path, each.text, each.type);
      for (const identity of [unit1, unit2, who.administrator, who.mcServiceServer, who.nobody]) {
        const { status } = await system.request({ method: 'GET', path, as: identity });
        expect(status, `${auid} by ${identity ?? 'nobody'}`).to.equal(
          identities.includes(identity) ? 200 : 403,
        );
      }
    }
  });

  it('have documents in the global tree where that is declared', async () => {
    const path = '/org.example.shift-notes/global/all/today';
    const headers = { 'Content-Type': 'application/vnd.example.notes+xml' };
    const put = await system.request({ method: 'PUT', path, body: notes, as: unit2, headers });
    expect(put.status).to.equal(201);
    expect((await system.request({ method: 'GET', path, as: unit1 })).text).to.equal(notes);
    await refused(system, path, { method: 'GET', path, as: who.nobody }, { status: 403 });
    const elsewhere = '/pres-rules/global/index';
    await refused(system, elsewhere, { method: 'GET', path: elsewhere }, { status: 404 });
  });

  for (const file of ['broken.xsd', 'missing.xsd']) {
    it(`stop the start where the schema is ${file}, and the option is named`, async () => {
      const [first] = declared.usages?.declared ?? [];
      const usages = { declared: [{ ...first, schema: usageFile(file) }] };
      const error = await TestSystem.start({ usages }).then(
        async (started) => {
          await started.dispose();
        },
        (failure: unknown) => failure,
      );
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(error)
        .to.have.property('message')
        .that.matches(/^usages\.declared\[0\]\.schema: /);
    });
  }

  it('are not offered where they are not declared: 404', async () => {
    const bare = await TestSystem.start({ usages: { shipped: [] } });
    try {
      for (const auid of ['resource-lists', 'rls-services', 'pres-rules']) {
        const path = `/${auid}/users/${unit1}/index`;
        await refused(bare, path, { method: 'GET', path }, { status: 404 });
        expect(await capsOf(bare, 'auids')).not.to.include(auid);
      }
    } finally {
      await bare.dispose();
    }
  });
});

describe('TS 24.481 6.3.2: a group whose name in the users tree another document has', () => {
  const users = '/org.openmobilealliance.groups/users/sip%3Agroup-creation%40police.example';
  let system: TestSystem;

  before(async () => {
    system = await TestSystem.start();
  });

  after(() => system.dispose());

  it('is created all the same, under another name there', async () => {
    const [occupied, groupId] = [freshGroupId(), freshGroupId()];
    const alias = `${users}/${encodeURIComponent(groupId)}`;
    await system.put(alias, groupDocument(occupied), groupType);
    await system.put(groupPath(groupId), groupDocument(groupId), groupType);
    expect((await system.get(alias)).text).to.equal(groupDocument(occupied));
    const own = await system.get(`${users}/${encodeURIComponent(`${groupId}-2`)}`);
    expect([own.status, own.text]).to.deep.equal([200, groupDocument(groupId)]);
  });

  it('is created all the same where both come at once', async () => {
    const [other, groupId] = [freshGroupId(), freshGroupId()];
    const headers = { 'Content-Type': groupType };
    const alias = `${users}/${encodeURIComponent(groupId)}`;
    const answers = await Promise.all([
      system.request({ method: 'PUT', path: alias, body: groupDocument(other), headers }),
      system.request({ method: 'PUT', path: groupPath(groupId), body: groupDocument(groupId), headers }),
    ]);
    for (const [index, path] of [groupPath(other), groupPath(groupId)].entries()) {
      const { status } = await system.get(path);
      const answer = answers[index];
      if (answer?.status === 201) expect(status).to.equal(200);
      else expectRefusal(answer ?? expect.fail(), { status: 409, condition: 'constraint-failure' });
    }
    expect(answers[1].status).to.equal(201);
  });

  it('whose group ID is taken is refused, with free ones', async () => {
    const groupId = freshGroupId();
    await system.put(groupPath(groupId), groupDocument(groupId), groupType);
    const path = `${users}/another`;
    const headers = { 'Content-Type': groupType };
    const answer = await system.request({ method: 'PUT', path, body: groupDocument(groupId), headers });
    expectRefusal(answer, { status: 409, condition: 'uniqueness-failure' });
    const { field, free } = takenIn(answer);
    expect(field).to.equal('group/list-service/@uri');
    await system.put(path, groupDocument(free), groupType);
  });
});
