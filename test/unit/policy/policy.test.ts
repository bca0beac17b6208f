import { expect } from 'chai';
import type { GroupId, SystemName } from '../../../src/base/identifiers.js';
import { compareDecimals } from '../../../src/policy/decimal.js';
import { PolicyInvalid } from '../../../src/policy/errors.js';
import { concerns, matchesPattern, parsePolicy } from '../../../src/policy/policy.js';
import { XmlRefused } from '../../../src/xml/refusal.js';
import { accepted, names, policyText, read, systemA } from './policy-fixtures.js';
import { schemas } from '../../support/schemas.js';

interface InvalidPolicy {
  readonly file: string;
  readonly refusedBy: 'schema' | 'policy';
  readonly says: string;
  readonly template?: string;
}

const folder = 'policies/invalid/';

function refusal(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('A policy document (design D8)', () => {
  describe('is accepted', () => {
    for (const file of names('policies/valid')) {
      it(`where it is ${file}`, () => {
        const policy = accepted(read(`policies/valid/${file}`));
        expect(policy.id).to.match(/^[\w.-]+$/);
      });
    }

    it('demo/policy-b.xml, which is for groups of A only', () => {
      const policy = accepted(read('demo/policy-b.xml'));
      expect(policy.systems).to.deep.equal(['a']);
      expect(policy.templates.map(({ action }) => action.kind)).to.deep.equal(['clamp', 'insert']);
    });
  });

  describe('is refused, with the template and the reason', () => {
    const manifest = JSON.parse(read(`${folder}manifest.json`)) as readonly InvalidPolicy[];

    it('every fixture is in the manifest', () => {
      const files = names(folder).filter((name) => name.endsWith('.xml'));
      expect(manifest.map(({ file }) => file).sort()).to.deep.equal(files);
    });

    for (const { file, refusedBy, says, template } of manifest) {
      it(`${file}, by the ${refusedBy === 'schema' ? 'schema' : 'reading'}`, () => {
        const text = read(folder + file);
        const bySchema = refusal(() => {
          schemas().validate('policy', text);
        });
        if (refusedBy === 'schema') {
          expect(bySchema).to.be.instanceOf(XmlRefused).with.property('message').that.includes(says);
          return;
        }
        expect(bySchema).to.equal(undefined);
        const error = refusal(() => parsePolicy(text));
        expect(error).to.be.instanceOf(PolicyInvalid);
        expect(error).to.have.property('message').that.includes(says);
        expect(error).to.have.property('template', template);
      });
    }
  });

  it('that did not meet the schema is refused all the same', () => {
    for (const { file } of (JSON.parse(read(`${folder}manifest.json`)) as readonly InvalidPolicy[]).filter(
      ({ refusedBy }) => refusedBy === 'schema',
    )) {
      const error = refusal(() => parsePolicy(read(folder + file)));
      if (error !== undefined) expect(error, file).to.be.instanceOf(PolicyInvalid);
    }
  });

  it('is plain data: a copy made for a worker is the same policy', () => {
    for (const file of names('policies/valid')) {
      const policy = accepted(read(`policies/valid/${file}`));
      expect(structuredClone(policy)).to.deep.equal(policy);
    }
  });

  it('leaves the declarations that an expression does not use behind', () => {
    const [template] = accepted(
      policyText('<template id="t" match="//ls:entry"><remove/></template>'),
    ).templates;
    expect([...(template?.match.namespaces ?? [])]).to.deep.equal([['ls', 'urn:oma:xml:poc:list-service']]);
  });
});

describe('Guards of a policy', () => {
  const guarded = accepted(read('policies/valid/guards.xml'));
  const yes: readonly [string, string][] = [
    ['a', 'sip:fire.7@a.example'],
    ['c', 'sip:fire.@west.c.example'],
    ['a', 'tel:+15550100'],
  ];
  const no: readonly [string, string][] = [
    ['b', 'sip:fire.7@a.example'],
    ['a', 'sip:police@a.example'],
    ['a', 'sip:fire.7@a.example.org'],
    ['a', 'sips:fire.7@a.example'],
    ['a', 'tel:+15550101'],
  ];

  for (const [system, groupId] of yes) {
    it(`let ${groupId} of ${system} pass`, () => {
      expect(concerns(guarded, system as SystemName, groupId as GroupId)).to.equal(true);
    });
  }

  for (const [system, groupId] of no) {
    it(`stop ${groupId} of ${system}`, () => {
      expect(concerns(guarded, system as SystemName, groupId as GroupId)).to.equal(false);
    });
  }

  it('that are left out let everything pass', () => {
    const open = accepted(read('policies/valid/empty.xml'));
    expect(concerns(open, systemA, 'sip:any@a.example' as GroupId)).to.equal(true);
  });

  it('compare patterns in the canonical spelling of group IDs', () => {
    const policy = accepted(
      policyText('<applies-to><group id="SIP:%66ire*@A.Example"/><group id="*@C.Example"/></applies-to>'),
    );
    expect(policy.groups).to.deep.equal(['sip:fire*@a.example', '*@c.example']);
  });

  it('match wildcards without backtracking', () => {
    const cases: readonly [string, string, boolean][] = [
      ['*', '', true],
      ['a', 'a', true],
      ['a', 'ab', false],
      ['a*a', 'a', false],
      ['a*a', 'aa', true],
      ['*b*', 'abc', true],
      ['a*b*c', 'a-b-b-c', true],
      ['a*b*c', 'a-c-b', false],
      ['*aba*ba', 'ababa', true],
      ['*ab*ba', 'aba', false],
      ['**', 'x', true],
    ];
    for (const [pattern, text, matches] of cases) {
      expect(matchesPattern(pattern, text), `${pattern} ${text}`).to.equal(matches);
    }
    const pattern = `${'a*'.repeat(500)}b`;
    const before = performance.now();
    expect(matchesPattern(pattern, 'a'.repeat(5000))).to.equal(false);
    expect(performance.now() - before).to.be.below(50);
  });
});

describe('Decimal numbers', () => {
  const ordered = [
    '-10',
    '-9.5',
    '-0.1',
    '0',
    '0.05',
    '0.5',
    '1',
    '9',
    '10',
    '9007199254740992',
    '9007199254740993',
  ];

  it('are compared digit by digit', () => {
    ordered.forEach((a, i) => {
      ordered.forEach((b, j) => {
        expect(Math.sign(compareDecimals(a, b) ?? NaN), `${a} ${b}`).to.equal(Math.sign(i - j));
      });
    });
  });

  it('are equal in every spelling', () => {
    for (const [a, b] of [
      ['7', '+07.00'],
      ['0', '-0.0'],
      [' 7\n', '7.'],
      ['.5', '0.50'],
    ]) {
      expect(compareDecimals(a ?? '', b ?? '')).to.equal(0);
    }
  });

  it('are nothing else', () => {
    for (const text of ['', '.', '+', '1e3', '0x10', '1 2', 'NaN', 'Infinity', '١', '1,5', '--1']) {
      expect(compareDecimals(text, '0'), text).to.equal(undefined);
    }
  });
});
