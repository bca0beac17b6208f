import { expect } from 'chai';
import { fixture, jsonFixture } from '../support/fixtures.js';
import {
  attributeType,
  elementType,
  groupPath,
  groupType,
  TestSystem,
  type TestRequest,
} from '../support/system.js';
import { conditionOf, putGroup, refused, tagOf } from './expectations.js';
import { attribute } from '../../src/xml/tree.js';

/** Elements, attributes and namespace bindings, by the cases of `fixtures/conformance/nodes.json`. */

interface Case {
  readonly clause: string;
  readonly title: string;
  /** What stands behind `~~/` on the wire, the query included. */
  readonly node: string;
  readonly type?: string;
}

interface Read extends Case {
  readonly type: string;
  readonly answer: string;
}

interface Write extends Case {
  /** The document afterwards is `nodes/{name}.xml`. */
  readonly name: string;
  readonly method: 'PUT' | 'DELETE';
  readonly status: number;
  readonly body?: string;
  readonly bodyHex?: string;
}

interface Refused extends Case {
  readonly method: string;
  readonly status: number;
  readonly condition?: string;
  readonly body?: string;
  readonly bodyHex?: string;
}

const { document, reads, writes, refusals } = jsonFixture('conformance/nodes.json') as {
  readonly document: string;
  readonly reads: readonly Read[];
  readonly writes: readonly Write[];
  readonly refusals: readonly Refused[];
};

const groupId = 'sip:group@police.example';
const path = groupPath(groupId);

function nodePath(node: string, of = path): string {
  return `${of}/~~/${node}`;
}

describe('Nodes of a group document', () => {
  let system: TestSystem;

  before(async () => {
    system = await TestSystem.start();
  });

  after(() => system.dispose());

  function toRequest({ method, node, type, body: text, bodyHex }: Write | Refused): TestRequest {
    const body = bodyHex === undefined ? text : Buffer.from(bodyHex, 'hex');
    return {
      method,
      path: nodePath(node),
      headers: type === undefined ? {} : { 'Content-Type': type },
      ...(body !== undefined && { body }),
    };
  }

  describe('are read', () => {
    before(() => system.put(path, fixture(document), groupType));

    for (const { clause, title, node, type, answer } of reads) {
      it(`RFC 4825 §${clause} ${title}`, async () => {
        const whole = await system.get(path);
        const part = await system.get(nodePath(node));
        expect(part.status, part.text).to.equal(200);
        expect(part.headers['content-type']).to.equal(type);
        expect(part.headers.etag, 'a document and its parts share one tag').to.equal(whole.headers.etag);
        const words = (text: string): readonly string[] => text.split(/(?=[ /])/).sort();
        if (type === 'application/xcap-ns+xml') expect(words(part.text)).to.deep.equal(words(answer));
        else expect(part.text).to.equal(answer);
      });

      it(`RFC 9110 §9.3.2 HEAD: ${title}`, async () => {
        const get = await system.get(nodePath(node));
        const head = await system.request({ method: 'HEAD', path: nodePath(node) });
        expect(head.status).to.equal(200);
        expect(head.text).to.equal('');
        for (const field of ['etag', 'content-type', 'content-length', 'cache-control', 'vary']) {
          expect(head.headers[field], field).to.equal(get.headers[field]);
        }
      });
    }

    it('RFC 4825 §7.11 a part is not sent again where the document is known', async () => {
      const etag = tagOf(await system.get(path));
      for (const { node } of reads) {
        const answer = await system.get(nodePath(node), { 'If-None-Match': etag });
        expect([answer.status, answer.text, answer.headers.etag], node).to.deep.equal([304, '', etag]);
      }
    });
  });

  describe('are written', () => {
    for (const write of writes) {
      const { name, clause, title, method, node, status, body } = write;
      it(`RFC 4825 §${clause} ${method} ${title}`, async () => {
        await system.put(path, fixture(document), groupType);
        const former = tagOf(await system.get(path));

        const answer = await system.request(toRequest(write));
        expect(answer.status, answer.text).to.equal(status);
        expect(answer.text).to.equal('');

        const whole = await system.get(path);
        expect(whole.text).to.equal(fixture(`conformance/nodes/${name}.xml`));
        expect(tagOf(whole)).to.equal(tagOf(answer)).and.not.to.equal(former);
        const part = await system.get(nodePath(node));
        if (method === 'DELETE') expect(part.status).to.equal(404);
        else expect(part.text, 'GET gives what was PUT').to.equal(body?.trim());
      });
    }
  });

  describe('are put back', () => {
    const nodes = [
      ['display-name', 'group/list-service/display-name', ''],
      ['list', 'group/list-service/list', ''],
      ['max-participant-count', 'group/list-service/max-participant-count', ''],
      [
        'cp:conditions',
        'group/list-service/cp:ruleset/cp:rule/cp:conditions',
        '?xmlns(cp=urn:ietf:params:xml:ns:common-policy)',
      ],
      [
        'rl:display-name of an entry',
        'group/list-service/list/entry%5B1%5D/rl:display-name',
        '?xmlns(rl=urn:ietf:params:xml:ns:resource-lists)',
      ],
    ] as const;
    for (const [title, node, query] of nodes) {
      it(`RFC 4825 §8.2.3 ${title}, where the schema wants it before its siblings`, async () => {
        const at = nodePath(`${node}${query}`);
        await system.put(path, fixture('conformance/group.xml'), groupType);
        const { text } = await system.get(at);
        const removed = await system.request({ method: 'DELETE', path: at });
        expect(removed.status, removed.text).to.equal(200);
        for (const status of [201, 200]) {
          const put = await system.put(at, text, elementType);
          expect(put.status, put.text).to.equal(status);
          expect((await system.get(at)).text).to.equal(text);
        }
      });
    }
  });

  describe('are left alone', () => {
    before(() => system.put(path, fixture(document), groupType));

    for (const each of refusals) {
      const { clause, title, method, node, status, condition } = each;
      it(`RFC 4825 §${clause} ${method} ${status}${condition === undefined ? '' : ` ${condition}`}: ${title} (${node})`, async () => {
        const refusal = { status, ...(condition !== undefined && { condition }) };
        const answer = await refused(system, path, toRequest(each), refusal);
        if (status === 405) expect(answer.headers.allow).to.equal('GET, HEAD');
      });
    }

    it('RFC 4825 §8.2.1 no-parent names the closest ancestor that exists, as a URI that can be read', async () => {
      const missing =
        'group/list-service/m:permitted-geographic-area/m:PolygonArea?xmlns(m=urn:3gpp:ns:mcpttGroupInfo:1.0)';
      const answer = await refused(
        system,
        path,
        { method: 'PUT', path: nodePath(missing), headers: { 'Content-Type': elementType }, body: '<a/>' },
        { status: 409, condition: 'no-parent' },
      );
      const ancestor = conditionOf(answer).children[0] ?? expect.fail('no ancestor');
      const uri = answer.text.slice(ancestor.contentStart, ancestor.contentEnd);
      const { pathname } = new URL(system.root);
      expect(uri.startsWith(`${pathname}/`), uri).to.equal(true);
      const found = await system.get(uri.slice(pathname.length));
      expect(found.status, uri).to.equal(200);
      expect(found.text.startsWith('<list-service uri=')).to.equal(true);
    });

    it('RFC 4825 §8.2.1 the ancestor of a step with a hostile value is still a URI', async () => {
      const hostile = encodeURIComponent(`group/list-service/list/entry[1]/a[@b="<&amp;'>%/~~?#"]/c`);
      const query = `?xmlns(p=${encodeURIComponent('urn:^(x^)&"')})`;
      const answer = await refused(
        system,
        path,
        {
          method: 'PUT',
          path: nodePath(hostile + query),
          headers: { 'Content-Type': elementType },
          body: '<c/>',
        },
        { status: 409, condition: 'no-parent' },
      );
      expect(attribute(conditionOf(answer), 'phrase')).to.be.a('string');
      expect(answer.text).to.include(
        '/~~/group/list-service/list/entry%5B1%5D?xmlns(p=urn%3A%5E(x%5E)%26%22)',
      );
    });

    it('RFC 4825 §8.2.1 the ancestor stands below the public XCAP root where one is configured', async () => {
      const publicRoot = 'https://xcap.police.example/services';
      const own = await TestSystem.start({ http: { publicRoot } });
      try {
        const group = await putGroup(own);
        const answer = await refused(
          own,
          group.path,
          {
            method: 'PUT',
            path: nodePath('group/a/b', group.path),
            headers: { 'Content-Type': elementType },
            body: '<b/>',
          },
          { status: 409, condition: 'no-parent' },
        );
        expect(answer.text).to.include(`<ancestor>${publicRoot}${group.path}/~~/group</ancestor>`);
      } finally {
        await own.dispose();
      }
    });

    it('RFC 4825 §8.2.1 a node of a document that does not exist has no parent', async () => {
      const nowhere = groupPath('sip:nowhere@police.example');
      for (const [node, type] of [
        ['group', elementType],
        ['group/list-service', elementType],
        ['group/@a', attributeType],
      ] as const) {
        await refused(
          system,
          nowhere,
          {
            method: 'PUT',
            path: nodePath(node, nowhere),
            headers: { 'Content-Type': type },
            body: '<group/>',
          },
          { status: 409, condition: 'no-parent' },
        );
      }
      await refused(system, nowhere, { method: 'DELETE', path: nodePath('group', nowhere) }, { status: 404 });
      await refused(system, nowhere, { method: 'GET', path: nodePath('group', nowhere) }, { status: 404 });
    });
  });

  it('RFC 4825 §10 the bindings are XML, whatever the name of a namespace holds', async () => {
    const group = await putGroup(system);
    const odd = 'urn:a?b&amp;c';
    const text = group.text.replace('urn:example:vendor', odd);
    await system.put(group.path, text, groupType);
    const query = `?xmlns(v=${encodeURIComponent('urn:a?b&c')})`;
    const answer = await system.get(nodePath(`group/list-service/v:note/namespace::*${query}`, group.path));
    expect(answer.status, answer.text).to.equal(200);
    expect(answer.text.startsWith('<v:note ')).to.equal(true);
    expect(answer.text).to.include(`xmlns:v="${odd}"`);
  });
});
