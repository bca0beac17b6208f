import { expect } from 'chai';
import { derive } from '../../../../src/policy/derive.js';
import { limits } from '../../../support/limits.js';
import { accepted, failureOf, fromA, policyText, read, small, template } from '../policy-fixtures.js';

describe('The edits of one template', () => {
  it('are all found before the first is made', () => {
    const policy = template(
      '//ls:entry[last()]',
      '<insert place="after"><ls:entry uri="sip:n@b.example"/></insert>',
    );
    const { text } = derive(fromA(small), [policy], limits);
    expect(text.match(/<(ls:)?entry/g)).to.have.length(2);
  });

  it('stand on the outside where one lies in another', () => {
    const nested = small.replace('<entry uri="sip:x@a.example"/>', '<e><e><e/></e></e>');
    const policy = template("//*[local-name() = 'e']", '<remove/>');
    const { text, modifications } = derive(fromA(nested), [policy], limits);
    expect(text).to.include('<list></list>');
    expect(modifications.map(({ path }) => path)).to.deep.equal(['/group/list-service/list/e']);
  });
});

describe('Protection (design D8)', () => {
  const text = read('groups/valid/combined-services.xml');

  it('lets the word override all of it but the group ID', () => {
    const match = "//oxe:supported-services | //mcpttgi:*[starts-with(local-name(), 'protect')]";
    const policy = template(match, '<remove/>', ' protected="override"');
    const { text: stripped, modifications } = derive(fromA(text), [policy], limits);
    expect(stripped).not.to.include('supported-services');
    expect(modifications).not.to.be.empty;
  });

  it('does not stand in the way of what is beside it', () => {
    const policy = template(
      'ls:list-service/*[self::oxe:supported-services]',
      '<insert place="before"><mcpttgi:on-network-disabled/></insert>',
    );
    expect(derive(fromA(text), [policy], limits).modifications).to.have.length(1);
  });

  it('refuses a change of an empty protected element and of its attributes', () => {
    const bare = small.replace(
      '<list>',
      '<s:supported-services xmlns:s="urn:oma:xml:xdm:extensions" a="b"/><list>',
    );
    for (const [match, action] of [
      ['//*[@a]', '<insert place="last"><oxe:service/></insert>'],
      ['//*[@a]', '<set value="x"/>'],
      ['//@a', '<remove/>'],
      ['//@a', '<set value="c"/>'],
    ]) {
      const policy = template(match ?? '', action ?? '');
      const error = failureOf(() => derive(fromA(bare), [policy], limits));
      expect(error.message).to.include('s:supported-services is protected');
    }
  });

  it('asks for the word only where something is changed', () => {
    const unmatched = accepted(
      policyText(
        '<template id="t" match="//ls:external"><insert place="after"><ls:external/></insert></template>' +
          '<template id="u" match="ls:list-service/@*"><set select="string(.)"/></template>',
      ),
    );
    expect(derive(fromA(text), [unmatched], limits)).to.deep.equal({ text, modifications: [], omitted: 0 });
  });
});
