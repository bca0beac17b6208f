import { expect } from 'chai';
import type { Modification } from '../../../src/documents/state.js';
import { derive } from '../../../src/policy/derive.js';
import { PolicyFailed } from '../../../src/policy/errors.js';
import { accepted, fixtures, fromA, names, policyText, read, template } from './policy-fixtures.js';
import { limits } from '../../support/limits.js';
import { schemas } from '../../support/schemas.js';

interface Failure {
  readonly reason: string;
  readonly says: string;
}

const cases = 'policies/cases/';
const failures = 'policies/failures/';

function policiesIn(folder: string): ReturnType<typeof accepted>[] {
  return names(folder)
    .filter((name) => name.startsWith('policy'))
    .map((name) => accepted(read(folder + name)));
}

function failureOf(work: () => unknown): PolicyFailed {
  try {
    work();
  } catch (error) {
    if (error instanceof PolicyFailed) return error;
    throw error;
  }
  throw new Error('the policy did not fail');
}

const small =
  '<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="sip:g@a.example">' +
  '<list><entry uri="sip:x@a.example"/></list></list-service></group>';

describe('The effective document (TS 23.280 10.2.7.2 step 2, 10.2.7.3 step 4)', () => {
  it(`has cases in ${new URL(cases, fixtures).pathname.split('/').slice(-4).join('/')}`, () => {
    expect(names(cases)).not.to.be.empty;
  });

  for (const name of names(cases)) {
    describe(name, () => {
      const folder = `${cases}${name}/`;
      const input = fromA(read(`${folder}received.xml`));
      const policies = policiesIn(folder);

      it('is what is expected, byte for byte', () => {
        expect(derive(input, policies, limits).text).to.equal(read(`${folder}effective.xml`));
      });

      it('comes with the list of its changes', () => {
        const expected = JSON.parse(read(`${folder}modifications.json`)) as readonly Modification[];
        const { modifications, omitted } = derive(input, policies, limits);
        expect(modifications).to.deep.equal(expected);
        expect(omitted).to.equal(0);
      });

      it('is the same the second time, whatever the order of the policies', () => {
        const again = derive(input, [...policies].reverse(), limits);
        expect(again).to.deep.equal(derive(input, policies, limits));
      });

      it('is a valid group document as the received one is', () => {
        schemas().validate('group', input.text);
        schemas().validate('group', read(`${folder}effective.xml`));
      });
    });
  }
});

describe('A policy fails', () => {
  for (const name of names(failures)) {
    it(`in the case ${name}, with the template and the reason`, () => {
      const folder = `${failures}${name}/`;
      const input = fromA(read(`${folder}received.xml`));
      schemas().validate('group', input.text);
      const { reason, says } = JSON.parse(read(`${folder}failure.json`)) as Failure;
      const error = failureOf(() => derive(input, policiesIn(folder), limits));
      expect(error.reason).to.equal(reason);
      expect(error.message)
        .to.match(/^template p\/t\d*: /)
        .and.include(says);
    });
  }

  it('when a condition cannot be asked', () => {
    const policy = { ...accepted(policyText('')), conditions: [{ source: 'x:y', namespaces: new Map() }] };
    const error = failureOf(() => derive(fromA(small), [policy], limits));
    expect(error.message).to.equal('policy p: prefix x is not declared');
  });

  it('when the document would exceed the limits of every document', () => {
    const policy = template('//ls:entry', '<insert place="first"><rl:a><rl:b/></rl:a></insert>');
    const elements = { ...limits, elements: 5 };
    expect(failureOf(() => derive(fromA(small), [policy], elements)).reason).to.equal('limit');
    expect(failureOf(() => derive(fromA(small), [policy], { ...limits, depth: 5 })).reason).to.equal('limit');
    expect(derive(fromA(small), [policy], { ...limits, depth: 6, elements: 6 }).text).to.include('<rl:b/>');
  });

  it('beyond twice the length of the received document and a mebibyte, not at it', () => {
    const longest = 2 * small.length + 1024 * 1024;
    const grown = (fill: number): string => {
      const policy = template('//ls:list', `<replace><ls:list a="${'x'.repeat(fill)}"/></replace>`);
      return derive(fromA(small), [policy], limits).text;
    };
    const rest = grown(0).length;
    expect(grown(longest - rest)).to.have.length(longest);
    expect(failureOf(() => grown(longest - rest + 1)).reason).to.equal('limit');
  });

  it('before a text is built that has no room', () => {
    const entries = '<entry uri="sip:x@a.example"/>'.repeat(5000);
    const text = small.replace('<entry uri="sip:x@a.example"/>', entries);
    const wide = `<rl:a b="${'x'.repeat(100_000)}"/>`;
    const policy = template('//ls:entry', `<insert place="first">${wide}</insert>`);
    expect(failureOf(() => derive(fromA(text), [policy], limits)).reason).to.equal('limit');
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
          '<template id="u" match="ls:list-service/@uri"><set select="string(.)"/></template>',
      ),
    );
    expect(derive(fromA(text), [unmatched], limits)).to.deep.equal({ text, modifications: [], omitted: 0 });
  });
});

describe('Changes of one template', () => {
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

  it('are listed up to a number, the others are counted', () => {
    const entries = Array.from({ length: 1200 }, (_, i) => `<entry uri="sip:${i}@a.example"/>`).join('');
    const text = small.replace('<entry uri="sip:x@a.example"/>', entries);
    const { modifications, omitted } = derive(
      fromA(text),
      [template('//ls:entry/@uri', '<set value="sip:n@b.example"/>')],
      limits,
    );
    expect(modifications).to.have.length(1000);
    expect(omitted).to.equal(200);
    expect(modifications[999]?.path).to.equal('/group/list-service/list/entry[1000]/@uri');
  });

  it('are told with values cut short, never in the middle of a character', () => {
    const long = '\u{1F692}'.repeat(400);
    const policy = template('//ls:entry/@uri', `<set value="x${long}"/>`);
    const [modification] = derive(fromA(small), [policy], limits).modifications;
    expect(modification?.after)
      .to.have.length.at.most(300)
      .and.satisfy((text: string) => text.endsWith('…'));
    expect(encodeURIComponent(modification?.after ?? '')).to.include('%');
  });

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

  it('count from behind a byte order mark', () => {
    const marked = `\uFEFF<?xml version="1.0"?>\n${small}`;
    const { text } = derive(
      fromA(marked),
      [template('//ls:entry/@uri', '<set value="sip:n@b.example"/>')],
      limits,
    );
    expect(text).to.equal(marked.replace('sip:x@a.example', 'sip:n@b.example'));
  });

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
