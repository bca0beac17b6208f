import { expect } from 'chai';
import { derive } from '../../../../src/policy/derive.js';
import { limits } from '../../../support/limits.js';
import { fromA, small, template } from '../policy-fixtures.js';

describe('Insertions and removals of a policy', () => {
  it('take the lines and the indentation of the place', () => {
    const spaced = small.replace('<list>', '\r\n\t<list>\r\n\t\t').replace('</list>', '\r\n\t</list>');
    const policy = template(
      '//ls:list',
      '<insert place="last"><ls:entry uri="sip:n@b.example">\n<rl:x><rl:y/>\n</rl:x></ls:entry></insert>',
    );
    const { text } = derive(fromA(spaced), [policy], limits);
    expect(text).to.include(
      '\r\n\t\t<ls:entry xmlns:ls="urn:oma:xml:poc:list-service" ' +
        'xmlns:rl="urn:ietf:params:xml:ns:resource-lists" uri="sip:n@b.example">\r\n\t\t<rl:x',
    );
    expect(text).to.match(/<\/ls:entry>\r\n\t<\/list>/);
  });

  it('keep away from text that is not white space', () => {
    const mixed = small.replace('<entry uri="sip:x@a.example"/>', 'one <e/> two');
    const removed = derive(fromA(mixed), [template("//*[local-name() = 'e']", '<remove/>')], limits).text;
    expect(removed).to.include('<list>one  two</list>');
    const quoted = small.replace('<entry uri="sip:x@a.example"/>', '<![CDATA[a]]> <e/>b > <e/> ');
    const bare = derive(fromA(quoted), [template("//*[local-name() = 'e']", '<remove/>')], limits).text;
    expect(bare).to.include('<list><![CDATA[a]]> b >  </list>');
    const inserted = derive(
      fromA(mixed),
      [template('//ls:list', '<insert place="first"><rl:n/></insert>')],
      limits,
    ).text;
    expect(inserted).to.match(/<list><rl:n [^>]*\/>one <e\/> two<\/list>/);
  });
});
