import { expect } from 'chai';
import { derive } from '../../../../src/policy/derive.js';
import { limits } from '../../../support/limits.js';
import { failureOf, fromA, small, template } from '../policy-fixtures.js';

describe('The edits of a policy', () => {
  it('are told with values cut short, never in the middle of a character', () => {
    const long = '\u{1F692}'.repeat(400);
    const policy = template('//ls:entry/@uri', `<set value="x${long}"/>`);
    const [modification] = derive(fromA(small), [policy], limits).modifications;
    expect(modification?.after)
      .to.have.length.at.most(300)
      .and.satisfy((text: string) => text.endsWith('…'));
    expect(encodeURIComponent(modification?.after ?? '')).to.include('%');
  });

  it('fail before a text is built that has no room', () => {
    const entries = '<entry uri="sip:x@a.example"/>'.repeat(5000);
    const text = small.replace('<entry uri="sip:x@a.example"/>', entries);
    const wide = `<rl:a b="${'x'.repeat(100_000)}"/>`;
    const policy = template('//ls:entry', `<insert place="first">${wide}</insert>`);
    expect(failureOf(() => derive(fromA(text), [policy], limits)).reason).to.equal('limit');
  });
});
