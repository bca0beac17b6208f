import { expect } from 'chai';
import { policyMediaType } from '../../src/policy/language/policy.js';
import { xmlFiles } from '../contract/documents.js';
import { fixture, jsonFixture } from '../support/fixtures.js';
import {
  fire,
  getAs,
  groupText,
  police,
  policyPath,
  provide,
  startPartner,
  xcapErrorOf,
} from '../support/peers.js';
import type { RawAnswer } from '../support/raw-http.js';
import type { TestSystem } from '../support/system.js';

interface InvalidPolicy {
  readonly file: string;
  readonly refusedBy: 'schema' | 'policy';
  readonly says: string;
  readonly template?: string;
}

describe('design D8: a policy is put as any document is', () => {
  let b: TestSystem;

  before(async () => {
    b = await startPartner('http://127.0.0.1:9/xcap-root');
  });

  after(() => b.dispose());

  const request = async (
    method: string,
    path: string,
    {
      as = fire.administrator,
      body,
      type = policyMediaType,
    }: { as?: string; body?: string; type?: string } = {},
  ): Promise<RawAnswer> =>
    await b.request({
      method,
      path,
      as,
      ...(body !== undefined && { body }),
      headers: body === undefined ? {} : { 'Content-Type': type },
    });

  describe('and stored byte for byte, read, patched and deleted', () => {
    for (const file of xmlFiles('policies/valid')) {
      it(`where it is ${file}`, async () => {
        const path = policyPath(file.replace('.xml', ''));
        const body = fixture(`policies/valid/${file}`);
        expect((await request('PUT', path, { body })).status).to.equal(201);
        expect((await request('GET', path)).text).to.equal(body);
        expect((await request('DELETE', path)).status).to.equal(200);
        expect((await request('GET', path)).status).to.equal(404);
      });
    }

    it('patched by a node selector, and judged as a whole after that', async () => {
      const path = policyPath('patched');
      const body = fixture('policies/valid/priority-clamp.xml');
      await request('PUT', path, { body });
      const attribute = { body: '5', type: 'application/xcap-att+xml' };
      const max = `${path}/~~/policy/template%5B1%5D/clamp/@max`;
      expect((await request('PUT', max, attribute)).status).to.be.oneOf([200, 201]);
      const patched = (await request('GET', path)).text;
      expect(patched).to.match(/<clamp [^>]*max="5"/);
      const match = `${path}/~~/policy/template%5B1%5D/@match`;
      const refused = await request('PUT', match, { ...attribute, body: '//nobody:knows' });
      expect(xcapErrorOf(refused, 'constraint-failure')).to.match(
        /^template [\w-]+: .*nobody is not declared/,
      );
      expect((await request('GET', path)).text).to.equal(patched);
    });
  });

  describe('and refused with the template and the reason; nothing is stored', () => {
    for (const { file, refusedBy, says, template } of jsonFixture(
      'policies/invalid/manifest.json',
    ) as readonly InvalidPolicy[]) {
      it(`in ${file}`, async () => {
        const path = policyPath(`invalid-${file.replace('.xml', '')}`);
        const answer = await request('PUT', path, { body: fixture(`policies/invalid/${file}`) });
        const element = refusedBy === 'schema' ? 'schema-validation-error' : 'constraint-failure';
        const phrase = xcapErrorOf(answer, element);
        expect(phrase).to.include(says);
        if (template !== undefined)
          expect(phrase.startsWith(`template ${template}: `), phrase).to.equal(true);
        expect((await request('GET', path)).status).to.equal(404);
      });
    }
  });

  describe('and answered with the number of groups for which it fails, where only they can tell', () => {
    const failing = (): string => fixture('interconnection/policies/fails.xml');
    const ids = [0, 1, 2].map((index) => `sip:g-${index}@police.example`);
    const path = policyPath('warned');

    before(async () => {
      for (const [index, id] of ids.entries()) {
        const text = groupText({ id });
        const unprotected = text.replace(/ *<mcpttgi:protect-media>.*\n/, '');
        await provide(b, police, id, index === 0 ? unprotected : text);
      }
    });

    after(async () => {
      await request('DELETE', path);
    });

    it('as a Warning, with the policy in force', async () => {
      const answer = await request('PUT', path, { body: failing() });
      expect(answer.status).to.equal(201);
      expect(answer.headers.warning).to.equal(
        '299 - "the policies fail on 2 of 3 received groups, see the preview"',
      );
      expect((await request('GET', path)).text).to.equal(failing());
    });

    it('also where a part of the policy is put', async () => {
      const match = `${path}/~~/policy/template%5B1%5D/@match`;
      const type = 'application/xcap-att+xml';
      const cured = await request('PUT', match, { type, body: 'ls:list-service/ls:display-name' });
      expect([cured.status, cured.headers.warning]).to.deep.equal([200, undefined]);
      const failed = await request('PUT', match, { type, body: "ls:list-service/*[. = 'true']" });
      expect(failed.headers.warning).to.include('fail on 2 of 3');
    });

    it('there is none where the policies can be applied to every group', async () => {
      const body = fixture('interconnection/policies/guest-groups.xml');
      expect((await request('PUT', path, { body })).headers.warning).to.equal(undefined);
    });
  });

  it('is for administrators alone, whatever the method', async () => {
    const path = policyPath('closed');
    const body = fixture('policies/valid/empty.xml');
    await request('PUT', path, { body });
    for (const as of [fire.member, fire.server, police.gms]) {
      expect((await request('PUT', path, { as, body })).status).to.equal(403);
      expect((await request('GET', path, { as })).status).to.equal(403);
      expect((await request('DELETE', path, { as })).status).to.equal(403);
    }
    expect((await request('GET', path)).text).to.equal(body);
    expect((await getAs(b, fire.administrator, 'sip:none@police.example')).status).to.equal(404);
  });
});
