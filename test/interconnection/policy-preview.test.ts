import { expect } from 'chai';
import { policyMediaType } from '../../src/policy/language/policy.js';
import { previewMediaType } from '../../src/policy/preview/preview-document.js';
import { gateText } from '../../src/xml/gate.js';
import { readSmall, smallAttribute, smallChild, smallChildren, smallText } from '../../src/xml/read-small.js';
import type { RawAnswer } from '../support/raw-http.js';
import {
  copyAt,
  fire,
  getAs,
  groupText,
  joint,
  police,
  policyFixture,
  policyPath,
  provide,
  putPolicy,
  startPartner,
  xcapErrorOf,
  type Copy,
} from '../support/peers.js';
import type { TestSystem } from '../support/system.js';
import { schemas } from '../support/schemas.js';
import { limits } from '../support/limits.js';

const nowhere = 'http://127.0.0.1:9/xcap-root';
const other = 'sip:other@police.example';

interface Told {
  readonly template: string;
  readonly before: string | null;
  readonly after: string | null;
}

interface GroupTold {
  readonly id: string;
  readonly system: string;
  readonly outcome: string;
  readonly reason?: string;
  readonly modified?: readonly Told[];
  readonly noLonger?: readonly Told[];
}

interface PreviewTold {
  readonly counts: Readonly<Record<string, string>>;
  readonly groups: readonly GroupTold[];
}

/** What a preview says, which must be a document of its type, valid against its schema. */
function previewOf(answer: RawAnswer): PreviewTold {
  expect(answer.status, answer.text).to.equal(200);
  expect(answer.headers['content-type']).to.equal(previewMediaType);
  schemas().validate('policy-preview', gateText(answer.text, limits).text);
  const root = readSmall(answer.text);
  const ns = root.namespace;
  return {
    counts: Object.fromEntries(root.attributes.map(({ local, value }) => [local, value])),
    groups: smallChildren(root).map((group) => {
      const told = (name: string): readonly Told[] =>
        smallChildren(group)
          .filter(({ local }) => local === name)
          .map((each) => {
            const value = (local: string): string | null => {
              const child = smallChild(each, ns, local);
              return child === undefined ? null : smallText(child);
            };
            const template = smallAttribute(each, 'template') ?? '';
            return { template, before: value('before'), after: value('after') };
          });
      const reason = smallChild(group, ns, 'reason');
      const [modified, noLonger] = [told('modified'), told('no-longer-modified')];
      return {
        id: smallAttribute(group, 'mc-service-group-id') ?? '',
        system: smallAttribute(group, 'system') ?? '',
        outcome: smallAttribute(group, 'outcome') ?? '',
        ...(reason && { reason: smallText(reason) }),
        ...(modified.length > 0 && { modified }),
        ...(noLonger.length > 0 && { noLonger }),
      };
    }),
  };
}

describe('design D8: what would change if a policy were put', () => {
  let b: TestSystem;

  beforeEach(async () => {
    b = await startPartner(nowhere, { interconnection: { policyDeadline: 200 } });
    await provide(b, police, joint, groupText());
    await provide(b, police, other, groupText({ id: other, priority: 2, name: 'Other' }));
  });

  afterEach(() => b.dispose());

  const post = async (
    text: string,
    {
      name,
      as = fire.administrator,
      headers = {},
    }: { name?: string; as?: string; headers?: Readonly<Record<string, string>> } = {},
  ): Promise<RawAnswer> =>
    await b.request({
      method: 'POST',
      path: policyPath(name),
      as,
      body: text,
      headers: { 'Content-Type': policyMediaType, ...headers },
    });

  const present = async (): Promise<readonly [Copy, Copy, number]> => {
    const policy = await b.request({ method: 'GET', path: policyPath(), as: fire.administrator });
    return [await copyAt(b, joint), await copyAt(b, other), policy.status];
  };

  /** Runs `attempt` and expects that groups and policy are the same before and after. */
  const nothingChanges = async <T>(attempt: () => Promise<T>): Promise<T> => {
    const before = await present();
    b.log.clear();
    const result = await attempt();
    expect(await present()).to.deep.equal(before);
    expect(b.log.lines.map(({ message }) => message)).to.not.include('group information modified by policy');
    return result;
  };

  it('is told per group, where no policy stands yet, and nothing changes', async () => {
    const answer = await nothingChanges(() => post(policyFixture('guest-groups')));
    const { counts, groups } = previewOf(answer);
    expect(counts).to.deep.equal({
      policy: 'guest-groups',
      groups: '2',
      unchanged: '0',
      changed: '2',
      failing: '0',
    });
    const name = (before: string): Told => ({
      template: 'guest-groups/name',
      before,
      after: `Guest: ${before}`,
    });
    expect(groups).to.deep.equal([
      {
        id: joint,
        system: 'a',
        outcome: 'changed',
        modified: [{ template: 'guest-groups/priority', before: '12', after: '6' }, name('Joint operation')],
      },
      { id: other, system: 'a', outcome: 'changed', modified: [name('Other')] },
    ]);
    expect(answer.headers).to.not.have.property('etag');
  });

  it('is what then happens when it is put', async () => {
    previewOf(await post(policyFixture('guest-groups')));
    await putPolicy(b, fire, policyFixture('guest-groups'));
    await b.log.line('effective documents were derived anew', ({ groups }) => groups === 2);
    expect((await getAs(b, fire.administrator, joint)).text).to.equal(
      groupText({ name: 'Guest: Joint operation', priority: 6 }),
    );
    const { counts, groups } = previewOf(await nothingChanges(() => post(policyFixture('guest-groups'))));
    expect(counts).to.include({ unchanged: '2', changed: '0' });
    expect(groups.map(({ outcome }) => outcome)).to.deep.equal(['unchanged', 'unchanged']);
  });

  it('takes the place of the policy that stands there, and stands beside the others', async () => {
    await putPolicy(b, fire, policyFixture('guest-groups'));
    await b.log.line('effective documents were derived anew', ({ done }) => done === 2);
    const instead = previewOf(await nothingChanges(() => post(policyFixture('guest-groups-lower'))));
    expect(instead.counts).to.include({ changed: '2' });
    expect(instead.groups[0]?.modified?.map(({ after }) => after)).to.deep.equal(['3']);
    expect(instead.groups[0]?.noLonger?.map(({ after }) => after)).to.deep.equal([
      '6',
      'Guest: Joint operation',
    ]);
    const beside = previewOf(
      await nothingChanges(() =>
        post(policyFixture('guest-groups-lower').replace(/ id="[^"]*"/, ' id="z"'), { name: 'z' }),
      ),
    );
    expect(beside.groups[0]?.outcome).to.equal('changed');
    expect(beside.groups[0]?.modified?.every(({ template }) => template.startsWith('z/'))).to.equal(true);
    expect(beside.groups[1]?.outcome, 'priority 2 is low enough').to.equal('unchanged');
  });

  it('says which groups would fail, with template and reason, and lists them first', async () => {
    const failing = previewOf(await nothingChanges(() => post(policyFixture('fails'))));
    expect(failing.counts).to.include({ failing: '2' });
    expect(failing.groups[0]?.reason).to.match(/^template [\w-]+\/[\w-]+: /);
    const invalid = previewOf(await nothingChanges(() => post(policyFixture('invalid-above-10'))));
    expect(invalid.groups.map(({ id, outcome }) => [id, outcome])).to.deep.equal([
      [joint, 'failing'],
      [other, 'unchanged'],
    ]);
    expect(invalid.groups[0]?.reason).to.match(/^the result is no valid group document: line \d+: /);
  });

  it('of a policy that runs away is that it would be stopped; provisions go on meanwhile', async () => {
    const [answer, provision] = await Promise.all([
      post(policyFixture('runs-away')),
      provide(b, police, 'sip:third@police.example', groupText({ id: 'sip:third@police.example' })),
    ]);
    expect(provision.status).to.equal(201);
    const { groups } = previewOf(answer);
    expect(groups[0]?.reason).to.match(/longer than \d+ ms/);
  });

  it('of one policy at a time: another has to wait', async () => {
    const [one, two] = await Promise.all([
      post(policyFixture('runs-away')),
      post(policyFixture('guest-groups')),
    ]);
    expect([one.status, two.status].sort()).to.deep.equal([200, 503]);
    const refused = one.status === 503 ? one : two;
    expect(Number(refused.headers['retry-after'])).to.be.above(0);
    previewOf(await post(policyFixture('guest-groups')));
  });

  it('is refused as the PUT would be: conditions first, then the policy, with template and reason', async () => {
    const broken = policyFixture('guest-groups').replace(
      'ls:list-service/ls:display-name',
      'ls:list-service/x:y',
    );
    const phrase = xcapErrorOf(await nothingChanges(() => post(broken)), 'constraint-failure');
    expect(phrase).to.equal('template name: match="ls:list-service/x:y": prefix x is not declared');
    xcapErrorOf(await post('<policy'), 'not-well-formed');
    xcapErrorOf(await post(groupText()), 'schema-validation-error');
    expect((await post(broken, { headers: { 'If-Match': '"none"' } })).status).to.equal(412);
    previewOf(await post(policyFixture('guest-groups'), { headers: { 'If-None-Match': '*' } }));
    const { etag } = (await putPolicy(b, fire, policyFixture('guest-groups'))).headers;
    expect(
      (await post(policyFixture('guest-groups'), { headers: { 'If-None-Match': '*' } })).status,
    ).to.equal(412);
    previewOf(await post(policyFixture('guest-groups'), { headers: { 'If-Match': etag ?? '' } }));
    expect((await post(broken, { headers: { 'Content-Type': 'text/xml' } })).status).to.equal(415);
  });

  it('is for administrators only, and for whole documents', async () => {
    for (const as of [fire.member, fire.server, police.gms, 'sip:admin@police.example']) {
      expect((await post(policyFixture('guest-groups'), { as })).status, as).to.equal(403);
    }
    await putPolicy(b, fire, policyFixture('guest-groups'));
    const node = await b.request({
      method: 'POST',
      path: `${policyPath()}/~~/policy`,
      as: fire.administrator,
      body: policyFixture('guest-groups'),
      headers: { 'Content-Type': policyMediaType },
    });
    expect(node.status).to.equal(405);
    expect(node.headers.allow).to.not.include('POST');
  });
});
