import { expect } from 'chai';
import { derive } from '../../../../src/policy/derive.js';
import { limits } from '../../../support/limits.js';
import { fromA, small, template } from '../policy-fixtures.js';

describe('The paths of changes', () => {
  it('name nodes of foreign namespaces outright', () => {
    const foreign = small.replace('<entry ', '<entry f:a="1" xmlns:f="urn:f" ');
    const [modification] = derive(
      fromA(foreign),
      [template("//ls:entry/@*[local-name() = 'a']", '<set value="2"/>')],
      limits,
    ).modifications;
    expect(modification?.path).to.equal('/group/list-service/list/entry/@Q{urn:f}a');
  });
});
