import { expect } from 'chai';
import { derive } from '../../../../src/policy/derive.js';
import { limits } from '../../../support/limits.js';
import { fromA, small, template } from '../policy-fixtures.js';

describe('Values that a policy sets', () => {
  it('stand at their places behind a byte order mark', () => {
    const marked = `\uFEFF<?xml version="1.0"?>\n${small}`;
    const { text } = derive(
      fromA(marked),
      [template('//ls:entry/@uri', '<set value="sip:n@b.example"/>')],
      limits,
    );
    expect(text).to.equal(marked.replace('sip:x@a.example', 'sip:n@b.example'));
  });
});
