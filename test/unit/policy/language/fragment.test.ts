import { expect } from 'chai';
import { derive } from '../../../../src/policy/derive.js';
import { limits } from '../../../support/limits.js';
import { accepted, fromA, small, template } from '../policy-fixtures.js';

describe('A fragment', () => {
  const inserted = (fragment: string, scope = ''): string => {
    const text = small.replace('<list>', `<list${scope}>`);
    return derive(fromA(text), [template('//ls:list', `<insert place="first">${fragment}</insert>`)], limits)
      .text;
  };

  it('declares what the place does not declare, once, on its outermost elements', () => {
    expect(inserted('<rl:a rl:b="c"><rl:d/></rl:a><rl:e/>')).to.include(
      '<rl:a xmlns:rl="urn:ietf:params:xml:ns:resource-lists" rl:b="c"><rl:d/></rl:a>' +
        '<rl:e xmlns:rl="urn:ietf:params:xml:ns:resource-lists"/>',
    );
  });

  it('declares nothing that the place declares alike', () => {
    const scope = ' xmlns:rl="urn:ietf:params:xml:ns:resource-lists"';
    expect(inserted('<rl:a/>', scope)).to.include('<rl:a/>');
  });

  it('declares a prefix anew that means something else at the place', () => {
    expect(inserted('<rl:a/>', ' xmlns:rl="urn:else"')).to.include(
      '<rl:a xmlns:rl="urn:ietf:params:xml:ns:resource-lists"/>',
    );
  });

  it('keeps its own declarations and resolves the default namespace as in the policy', () => {
    expect(inserted('<a xmlns="urn:a"><b/><c xmlns=""><rl:d xmlns:rl="urn:own"/></c></a>')).to.include(
      '<a xmlns="urn:a"><b/><c xmlns=""><rl:d xmlns:rl="urn:own"/></c></a>',
    );
    const wrapped = accepted(
      '<p:policy xmlns:p="urn:mcgms:ns:interconnection-policy:1" xmlns="urn:a&amp;b" xmlns:ls="urn:oma:xml:poc:list-service" id="p">' +
        '<p:template id="t" match="//ls:list"><p:insert place="first"><a xml:lang="en"><ls:b/></a></p:insert></p:template></p:policy>',
    );
    expect(derive(fromA(small), [wrapped], limits).text).to.include(
      '<a xmlns="urn:a&amp;b" xmlns:ls="urn:oma:xml:poc:list-service" xml:lang="en"><ls:b/></a>',
    );
  });

  it('keeps comments, references, CDATA sections and white space in values as they are', () => {
    const text =
      "<rl:a  b = '1\n 2' ><!-- x\n   y --><?z  z?>\n <rl:c> &#x41;\n <![CDATA[<]]></rl:c></rl:a >";
    const spaced = small.replace('<list>', '\n <list>\n  ');
    const policy = template('//ls:list', `<insert place="first">${text}</insert>`);
    const expected = text
      .replace('<rl:a', '<rl:a xmlns:rl="urn:ietf:params:xml:ns:resource-lists"')
      .replace('?>\n ', '?>\n   ');
    expect(derive(fromA(spaced), [policy], limits).text).to.include(expected);
  });
});
