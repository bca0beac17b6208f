import { expect } from 'chai';
import { listOf, memberCases, rulesetOf, timeCases } from '../support/member-cases.js';
import { attributeType, elementType, groupPath, groupType, TestSystem } from '../support/system.js';
import { freshGroupId, groupDocument, putGroup, refused } from './expectations.js';

/**
 * What a group document may not say, through each entrance of a client: the document by its group ID and in the
 * users tree, an element, an attribute. A refusal changes nothing.
 */

interface Case {
  readonly title: string;
  readonly condition: string;
  /** The member list or ruleset that is refused. */
  readonly element: string;
  /** The last URI of the list, where one attribute makes the difference. */
  readonly uri?: string;
}

const someone = 'sip:unit.9@police.example';

const cases: readonly Case[] = [
  ...memberCases.same.map(([clause, title, one, other]) => ({
    title: `${clause} ${title}`,
    condition: 'uniqueness-failure',
    element: listOf(one, other),
    uri: other,
  })),
  ...memberCases.refused.map(([title, uri]) => ({
    title,
    condition: 'constraint-failure',
    element: listOf(someone, uri),
    uri,
  })),
  ...timeCases.refused.map(([title, validity]) => ({
    title: `RFC 4745 §7.4 ${title}`,
    condition: 'constraint-failure',
    element: rulesetOf(validity),
  })),
];

/** `text` with `element` in the place of its member list or ruleset. */
function withElement(text: string, element: string): string {
  const name = element.startsWith('<list') ? 'list' : 'cp:ruleset';
  return text.replace(new RegExp(`<${name}>[^]*</${name}>`), () => element);
}

/** The schema sees some of the cases before the constraints do: the engine knows what an `xs:anyURI` is. */
const seenBySchema = 'schema-validation-error';

describe('TS 24.481 §7.2.7 members and times that are refused, and nothing changes', () => {
  let system: TestSystem;

  before(async () => {
    system = await TestSystem.start();
  });

  after(() => system.dispose());

  for (const { title, condition, element, uri } of cases) {
    it(`${title}: document, element and attribute`, async () => {
      const { groupId, path, text } = await putGroup(system);
      const body = withElement(text, element);
      const put = (target: string, type: string, content: string) => ({
        method: 'PUT',
        path: target,
        body: content,
        headers: { 'Content-Type': type },
      });
      const answers = [await system.unchanged(path, () => system.request(put(path, groupType, body)))];
      const node = element.startsWith('<list')
        ? `${path}/~~/group/list-service/list`
        : `${path}/~~/group/list-service/cp:ruleset?xmlns(cp=urn:ietf:params:xml:ns:common-policy)`;
      answers.push(await system.unchanged(path, () => system.request(put(node, elementType, element))));
      // An ampersand cannot stand in the body as it is, and of an IPv6 host the engine of the schema is no judge.
      if (uri !== undefined && !/[&[]/.test(uri)) {
        const first = /uri="([^"]*)"/.exec(element)?.[1] ?? '';
        const former = withElement(text, listOf(first, 'sip:last@police.example'));
        expect((await system.put(path, former, groupType)).status).to.equal(200);
        const attribute = `${path}/~~/group/list-service/list/entry%5B2%5D/@uri`;
        answers.push(await system.unchanged(path, () => system.request(put(attribute, attributeType, uri))));
      }
      for (const { status, text: said } of answers) {
        expect(status, said).to.equal(409);
        expect(said).to.match(new RegExp(`<(${condition}|${seenBySchema}) `));
      }
      const fresh = `/org.openmobilealliance.groups/users/sip:u@police.example/${encodeURIComponent(groupId)}`;
      const created = await system.unchanged(fresh, () =>
        system.request(put(fresh, groupType, body.replace(groupId, freshGroupId()))),
      );
      expect(created.status).to.equal(409);
    });
  }

  for (const [clause, title, one, other] of memberCases.different) {
    it(`${clause} ${title}: two members, accepted`, async () => {
      const { path, text } = await putGroup(system);
      const answer = await system.put(path, withElement(text, listOf(one, other)), groupType);
      expect(answer.status, answer.text).to.equal(200);
      expect(answer.headers.warning).to.equal(undefined);
    });
  }

  for (const [title, uri, says] of memberCases.remarked) {
    it(`${title}: accepted with a Warning`, async () => {
      const { path, text } = await putGroup(system);
      const answer = await system.put(path, withElement(text, listOf(someone, uri)), groupType);
      expect(answer.status, answer.text).to.equal(200);
      expect(answer.headers.warning)
        .to.match(/^299 - /)
        .and.include('entry[2]/@uri')
        .and.include(says);
    });
  }
});

describe('TS 24.481 §6.3.2.3 group IDs that are nobody’s', () => {
  const ids = ['http://police.example/g', 'sip:police.example', 'sip:g@polise.example'];
  const usersTree = '/org.openmobilealliance.groups/users/sip:u@police.example/nobody.xml';
  const put = (path: string, body: string) => ({
    method: 'PUT',
    path,
    body,
    headers: { 'Content-Type': groupType },
  });

  for (const id of ids) {
    it(`${id} is refused in both trees; the users tree offers own group IDs`, async () => {
      const system = await TestSystem.start({ groups: { unknownHomes: 'refuse' } });
      try {
        const path = groupPath(id);
        const byId = await refused(system, path, put(path, groupDocument(id)), {
          status: 409,
          condition: 'constraint-failure',
        });
        expect(byId.text).to.include('list-service/@uri');
        const inTree = await refused(system, usersTree, put(usersTree, groupDocument(id)), {
          status: 409,
          condition: 'uniqueness-failure',
        });
        const [, free = ''] = /<alt-value>([^<]*)</.exec(inTree.text) ?? [];
        expect((await system.put(usersTree, groupDocument(free), groupType)).status).to.equal(201);
      } finally {
        await system.dispose();
      }
    });
  }

  it('a stored group keeps its ID: by document and by attribute nothing of the kind comes in', async () => {
    const system = await TestSystem.start({ groups: { unknownHomes: 'refuse' } });
    try {
      const { groupId, path, text } = await putGroup(system);
      const refusal = { status: 409, condition: 'constraint-failure' };
      for (const id of ids) {
        await refused(system, path, put(path, text.replace(groupId, id)), refusal);
        const attribute = `${path}/~~/group/list-service/@uri`;
        const request = { ...put(attribute, id), headers: { 'Content-Type': attributeType } };
        await refused(system, path, request, refusal);
      }
    } finally {
      await system.dispose();
    }
  });

  it('groups.unknownHomes: warn stores a group of nobody, with a Warning, in both trees', async () => {
    const system = await TestSystem.start({ groups: { unknownHomes: 'warn' } });
    try {
      for (const [id, path] of [
        ['sip:g@polise.example', groupPath('sip:g@polise.example')],
        ['sip:h@polise.example', usersTree],
      ] as const) {
        const answer = await system.put(path, groupDocument(id), groupType);
        expect(answer.status, answer.text).to.equal(201);
        expect(answer.headers.warning).to.include('no MC system that is configured here');
      }
      for (const id of ids.slice(0, 2)) {
        const refusal = { status: 409, condition: 'constraint-failure' };
        await refused(system, groupPath(id), put(groupPath(id), groupDocument(id)), refusal);
      }
    } finally {
      await system.dispose();
    }
  });

  it('a group that was stored before its home was lost is changed as before, with a Warning', async () => {
    const system = await TestSystem.start({ system: { domains: ['police.example', 'harbour.example'] } });
    try {
      const path = groupPath('sip:g@harbour.example');
      const text = groupDocument('sip:g@harbour.example');
      expect((await system.put(path, text, groupType)).status).to.equal(201);
      await system.close();
      await system.open({ system: { domains: ['police.example'] } });
      const node = `${path}/~~/group/list-service/display-name`;
      const answer = await system.put(node, '<display-name>A</display-name>', elementType);
      expect(answer.status, answer.text).to.equal(200);
      expect(answer.headers.warning).to.include('no MC system that is configured here');
    } finally {
      await system.dispose();
    }
  });
});
