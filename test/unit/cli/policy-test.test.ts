import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { testPolicy } from '../../../src/cli/policy-test.js';
import { fixture } from '../../support/fixtures.js';
import { groupText } from '../../support/peers.js';

const folder = fileURLToPath(new URL('../../../../fixtures/', import.meta.url));

const atMost6 = `${folder}demo/policy-b.xml`;
const riverRescue = `${folder}demo/river-rescue.xml`;

interface Said {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

async function run(
  policies: readonly string[],
  group: string,
  { system, colour = false }: { readonly system?: string; readonly colour?: boolean } = {},
): Promise<Said> {
  let output = '';
  let errors = '';
  const code = await testPolicy(
    { command: 'policy test', policy: policies, group, system },
    { write: (text) => (output += text), writeError: (text) => (errors += text), colour },
  );
  return { code, output, errors };
}

describe('mcgms policy test', () => {
  let temporary: string;

  before(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'mcgms-policy-'));
  });

  after(() => rm(temporary, { recursive: true, force: true }));

  it('shows the difference and the list of modifications', async () => {
    const { code, output, errors } = await run([atMost6], riverRescue);
    expect([code, errors]).to.deep.equal([0, '']);
    const lines = output.split('\n');
    expect(lines[0]).to.equal('sip:river-rescue@police.example, provided by MC system a');
    expect(lines[1]).to.equal('policy groups-of-a applies');
    expect(lines).to.include.members([
      '--- received',
      '+++ effective',
      '-    <mcpttgi:on-network-group-priority>12</mcpttgi:on-network-group-priority>',
      '+    <mcpttgi:on-network-group-priority>6</mcpttgi:on-network-group-priority>',
      'groups-of-a/priority-at-most-6: /group/list-service/mcpttgi:on-network-group-priority',
      '  - 12',
      '  + 6',
      '2 modifications',
    ]);
    expect(output).to.not.include('\u001b');
  });

  it('in colours, where the terminal shows them', async () => {
    const { output } = await run([atMost6], riverRescue, { colour: true });
    expect(output).to.include('\u001b[32m+    <mcpttgi:on-network-group-priority>6<');
    expect(output).to.include('\u001b[31m- 12\u001b[0m');
  });

  it('applies several policies by their precedence, whatever the order on the command line', async () => {
    const files = ['policy', 'policy-2'].map((name) => `${folder}policies/cases/precedence/${name}.xml`);
    const group = `${folder}policies/cases/precedence/received.xml`;
    const one = await run(files, group);
    const other = await run(files.toReversed(), group);
    expect(one.code).to.equal(0);
    const shown = ({ output }: Said): string => output.slice(output.indexOf('---'));
    expect(shown(one)).to.equal(shown(other));
    const expected = JSON.parse(fixture('policies/cases/precedence/modifications.json')) as unknown[];
    expect(one.output).to.match(new RegExp(`^${expected.length} modifications?$`, 'm'));
  });

  it('says which guard does not let the group pass, and that nothing is modified', async () => {
    const elsewhere = await run([atMost6], riverRescue, { system: 'c' });
    expect(elsewhere).to.deep.equal({
      code: 0,
      output:
        'sip:river-rescue@police.example, provided by MC system c\n' +
        'policy groups-of-a does not apply: its guard on the system does not let this one pass\n' +
        'nothing is modified\n',
      errors: '',
    });
    const guards = await run([`${folder}policies/valid/guards.xml`], riverRescue);
    expect(guards.output).to.include('its guard on the group does not let this one pass');
    const condition = await run(
      [`${folder}policies/valid/every-function.xml`],
      `${folder}policies/cases/members-kept/received.xml`,
    );
    expect(condition.output).to.match(/its condition does not hold|policy functions applies/);
    expect(condition.output).to.include('provided by any MC system');
  });

  it('ends with 1 where the policy cannot be applied, with template and reason', async () => {
    const failing = `${folder}policies/failures/root-removed/`;
    const { code, errors } = await run([`${failing}policy.xml`], `${failing}received.xml`);
    expect([code, errors]).to.deep.equal([1, 'template p/t: the root element cannot be removed\n']);
  });

  it('ends with 1 where the result is no valid group, and shows the difference all the same', async () => {
    const { code, output, errors } = await run(
      [`${folder}interconnection/policies/invalid-above-10.xml`],
      `${folder}interconnection/joint.xml`,
    );
    expect(code).to.equal(1);
    expect(output).to.include('+++ effective');
    expect(errors).to.match(/^the result is no valid group document: line \d+: /);
  });

  it('ends with 1 where the policy takes too long', async function () {
    this.timeout(10_000);
    const group = join(temporary, 'other.xml');
    await writeFile(group, groupText({ id: 'sip:other@police.example' }));
    const { code, errors } = await run([`${folder}interconnection/policies/runs-away.xml`], group);
    expect(code).to.equal(1);
    expect(errors).to.equal('template runs-away/count took longer than 2000 ms\n');
  });

  describe('ends with 65 where a file is not valid, with its place', () => {
    const invalid = `${folder}policies/invalid/`;
    const cases: readonly [string, string, RegExp][] = [
      [
        'xpath-prefix-unbound.xml',
        'template',
        /:8:1: template t: match="\/\/xy:entry": prefix xy is not declared\n$/,
      ],
      ['condition-broken.xml', 'condition', /:8:13: test="count\(": at character 7: /],
      ['protected-flag-removed.xml', 'template', /:\d+:\d+: template t: .*protected="override"/],
      [
        'group-id-set.xml',
        'what it touches',
        /:\d+:\d+: template t: the MC service group ID is never changed\n$/,
      ],
      ['clamp-crossed.xml', 'action', /:\d+:\d+: template t: min 7 is above max 06\.50\n$/],
      ['no-action.xml', 'schema', /:8: Element '.*template': Missing child element/],
    ];

    for (const [file, what, says] of cases) {
      it(`a policy: ${file} (${what})`, async () => {
        const { code, output, errors } = await run([invalid + file], riverRescue);
        expect([code, output]).to.deep.equal([65, '']);
        expect(errors.startsWith(invalid + file), errors).to.equal(true);
        expect(errors).to.match(says);
      });
    }

    it('a group, against the schema and the constraints', async () => {
      const group = `${folder}groups/invalid/group-priority-256.xml`;
      const { code, errors } = await run([atMost6], group);
      expect(code).to.equal(65);
      expect(errors).to.match(/group-priority-256\.xml:40: .*'256' is greater than/);
    });

    it('anything that is no XML', async () => {
      const file = join(temporary, 'x.xml');
      for (const [bytes, says] of [
        [Buffer.from('<policy>\n<a></policy>'), /x\.xml(:\d+)?: /],
        [Buffer.from([0x3c, 0x61, 0xff, 0x3e]), /x\.xml: the body is not valid UTF-8\n$/],
        [Buffer.from(''), /x\.xml(:\d+)?: /],
        [Buffer.from('<!DOCTYPE a><a/>'), /x\.xml: document type declarations are not accepted\n$/],
      ] as const) {
        await writeFile(file, bytes);
        for (const said of [await run([file], riverRescue), await run([atMost6], file)]) {
          expect(said.code).to.equal(65);
          expect(said.errors).to.match(says);
        }
      }
    });
  });

  it('ends with 66 where a file cannot be read', async () => {
    const { code, errors } = await run([atMost6], `${folder}demo/no-such-group.xml`);
    expect(code).to.equal(66);
    expect(errors).to.match(/no-such-group\.xml: cannot be read: ENOENT/);
    expect((await run([folder], riverRescue)).code).to.equal(66);
  });
});
