import { expect } from 'chai';
import {
  copyUnchanged,
  fire,
  groupText,
  joint,
  police,
  policyFixture,
  provide,
  putPolicy,
  resultMediaType,
  resultOf,
  startPartner,
  xcapErrorOf,
} from '../support/peers.js';
import { memberCases, rulesetOf, timeCases } from '../support/member-cases.js';
import type { TestSystem } from '../support/system.js';

/** What no group document may say comes in neither from its primary nor by a policy of our own. */

const nowhere = 'http://127.0.0.1:9/xcap-root';

/** The fixture with a ruleset in the place of its own. */
function withRuleset(validity: string): string {
  return groupText().replace(/<cp:ruleset>[^]*<\/cp:ruleset>/, () => rulesetOf(validity));
}

const [, , one, other] = memberCases.same[0] ?? expect.fail('no case');
const [, blank] = memberCases.refused[1] ?? expect.fail('no case');
const [, zoneless] = timeCases.refused[0] ?? expect.fail('no case');
const [, zoned] = timeCases.accepted[0] ?? expect.fail('no case');

describe('23.280 10.2.7.2 members and times that are refused, and nothing changes', () => {
  let b: TestSystem;
  let etag: string;

  beforeEach(async () => {
    b = await startPartner(nowhere);
    etag = (await provide(b, police, joint, withRuleset(zoned))).headers.etag ?? '';
  });

  afterEach(() => b.dispose());

  for (const [title, text, element, says] of [
    [
      'a member listed twice',
      groupText({ members: [fire.member, one, other] }),
      'uniqueness-failure',
      'twice',
    ],
    [
      'a member that no user can be',
      groupText({ members: [fire.member, blank] }),
      'constraint-failure',
      'entry[2]',
    ],
    ['a time without zone', withRuleset(zoneless), 'constraint-failure', 'time zone'],
  ] as const) {
    it(`${title}: 409 ${element}, with and without the Result`, async () => {
      const headers = { 'If-Match': etag };
      const plain = await copyUnchanged(b, joint, () => provide(b, police, joint, text, headers));
      expect(xcapErrorOf(plain, element)).to.include(says);
      const asked = { ...headers, Accept: resultMediaType };
      const answer = await copyUnchanged(b, joint, () => provide(b, police, joint, text, asked));
      const result = resultOf(answer);
      if (result.kind !== 'provision' || result.reception.outcome !== 'failure') {
        return expect.fail('reception did not fail');
      }
      expect(result.reception.reason.element?.name).to.equal(element);
      expect(result.storage).to.deep.equal({ outcome: 'not-attempted' });
    });
  }

  it('a group ID without a user part: 409 constraint-failure, although its domain is the primary’s', async () => {
    const id = `sip:${police.domain}`;
    const answer = await copyUnchanged(b, id, () => provide(b, police, id, groupText({ id })));
    expect(xcapErrorOf(answer, 'constraint-failure')).to.include('user part');
  });

  it('a group ID of another scheme: 403, as it is nobody’s', async () => {
    const id = `http://${police.domain}/g`;
    const answer = await copyUnchanged(b, id, () => provide(b, police, id, groupText({ id })));
    expect(answer.status).to.equal(403);
  });

  for (const [policy, why] of [
    ['lists-a-member-twice', /twice/],
    ['makes-a-member-nobody', /no telephone number/],
    ['sets-time-without-zone', /time zone/],
  ] as const) {
    it(`the policy ${policy}: modification fails, and the operator is told why`, async () => {
      await putPolicy(b, fire, policyFixture(policy));
      const news = withRuleset(zoned).replace('Joint operation', 'News');
      const answer = await copyUnchanged(b, joint, () =>
        provide(b, police, joint, news, { 'If-Match': etag, Accept: resultMediaType }),
      );
      expect(answer.status, answer.text).to.equal(409);
      const result = resultOf(answer);
      expect(result.kind === 'provision' && result.modification.outcome).to.equal('failure');
      const line = await b.log.line('group information refused');
      expect(line.fields['reason']).to.match(why);
    });
  }
});
