import { expect } from 'chai';
import { toMcServiceId } from '../../../src/base/uri.js';
import { readGroup } from '../../../src/groups/reading.js';
import { isGranted } from '../../../src/groups/rules.js';
import { fixture, jsonFixture } from '../../support/fixtures.js';
import { schemas } from '../../support/schemas.js';

interface Case {
  readonly clause: string;
  readonly title: string;
  readonly rules: string;
  readonly now: string;
  readonly granted: readonly string[];
  readonly refused: readonly string[];
}

const { document, cases } = jsonFixture('groups/rules/cases.json') as {
  readonly document: string;
  readonly cases: readonly Case[];
};
const frame = fixture(document);
const action = 'on-network-allow-getting-member-list';

describe('The rules of a group document', () => {
  for (const { clause, title, rules, now, granted, refused } of cases) {
    it(`${clause}: ${title}`, () => {
      const text = frame.replace('<!-- rules -->', `<cp:ruleset>${rules}</cp:ruleset>`);
      schemas().validate('group', text);
      const { rules: read } = readGroup(text);
      const grantedTo = (uri: string): boolean => {
        const identity = toMcServiceId(uri);
        if (identity === undefined) throw new Error(`${uri} is no MC service ID`);
        return isGranted(read, action, { identity, now: Date.parse(now) });
      };
      expect([...granted, ...refused]).not.to.deep.equal([]);
      expect(
        granted.filter((uri) => !grantedTo(uri)),
        'should be granted',
      ).to.deep.equal([]);
      expect(refused.filter(grantedTo), 'should be refused').to.deep.equal([]);
    });
  }

  it('grants nothing where there is no list-service', () => {
    const identity = toMcServiceId('sip:member@police.example');
    if (identity === undefined) throw new Error('no MC service ID');
    expect(isGranted(readGroup('<group/>').rules, action, { identity, now: 0 })).to.equal(false);
  });
});
