import { expect } from 'chai';
import type { GroupId, SystemName } from '../../../../src/base/identifiers.js';
import { concerns, matchesPattern } from '../../../../src/policy/language/policy.js';
import { accepted, policyText, read, systemA } from '../policy-fixtures.js';

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
