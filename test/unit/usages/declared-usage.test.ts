import { expect } from 'chai';
import type { Auid, DocumentName } from '../../../src/base/identifiers.js';
import { createDeclaredUsage, type UsageDeclaration } from '../../../src/usages/declared-usage.js';
import {
  ConstraintFailure,
  SchemaValidationError,
  UniquenessFailure,
  XcapConflict,
} from '../../../src/xcap/conflicts.js';
import { NotFound } from '../../../src/base/refusals.js';
import { parseNodeSelector } from '../../../src/xcap/node-selector.js';
import { locate } from '../../../src/xcap/locate.js';
import { parseRequestUri } from '../../../src/xcap/request-uri.js';
import { shippedDeclarations } from '../../../src/usages/shipped-usages.js';
import { isClaim } from '../../../src/xcap/usage.js';
import { gateText, type GatedText } from '../../../src/xml/gate.js';
import { fixture } from '../../support/fixtures.js';
import { expectLinear } from '../../support/growth.js';

const limits = { depth: 64, attributes: 64, namespaces: 64, elements: 10_000 };
const lists = createDeclaredUsage(shippedDeclarations['resource-lists']);
const services = createDeclaredUsage(shippedDeclarations['rls-services']);
const name = 'rls-services/users/u/index' as DocumentName;

function listsOf(content: string): GatedText {
  const text = `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">${content}</resource-lists>`;
  return gateText(text, limits);
}

function servicesOf(content: string): GatedText {
  const text =
    '<rls-services xmlns="urn:ietf:params:xml:ns:rls-services" xmlns:rl="urn:ietf:params:xml:ns:resource-lists">' +
    `${content}</rls-services>`;
  return gateText(text, limits);
}

function refusalOf(task: () => void): XcapConflict | undefined {
  try {
    task();
    return undefined;
  } catch (error) {
    if (error instanceof XcapConflict) return error;
    throw error;
  }
}

describe('RFC 4826 §4.4.5 what services may take in the global index', () => {
  const service = (index: number): string => `<service uri="sip:${index}@x"/>`;
  const inherited = (uri: string, count: number): GatedText => {
    const content = Array.from({ length: count }, (_, index) => service(index)).join('');
    return gateText(
      `<s:rls-services xmlns:s="${shippedDeclarations['rls-services'].defaultNamespace}" xmlns="${uri}">${content.replaceAll('service', 's:service')}</s:rls-services>`,
      limits,
    );
  };

  it('ordinary documents pass, however many services they hold', () => {
    services.check(servicesOf(Array.from({ length: 5000 }, (_, index) => service(index)).join('')));
  });

  it('one that inherits more than the document is long is refused, with the number', () => {
    const document = inherited(`urn:${'n'.repeat(100_000)}`, 5000);
    const before = process.memoryUsage().heapUsed;
    const refusal = refusalOf(() => {
      services.check(document);
    });
    expect(process.memoryUsage().heapUsed - before).to.be.below(64 * 1024 * 1024);
    expect(refusal).to.be.instanceOf(ConstraintFailure);
    expect(refusal?.phrase).to.include(String(8 * document.text.length));
  });
});

describe('RFC 4826 §3.4.5 what must be unique in resource-lists', () => {
  it('lets the document of the fixture pass', () => {
    lists.check(gateText(fixture('usages/contacts.xml'), limits));
  });

  const repeated: readonly [string, string, field: string, alternatives: readonly string[]][] = [
    [
      'two lists of one name in the document element',
      '<list name="a"/><list name="b"/><list name="a"/>',
      'resource-lists/list%5B3%5D/@name',
      ['a-2', 'a-3', 'a-4'],
    ],
    [
      'two lists of one name in a list',
      '<list><list name="a"/><list name="a"/><list name="a-3"/></list>',
      'resource-lists/list/list%5B2%5D/@name',
      ['a-2', 'a-4', 'a-5'],
    ],
    [
      'one entry twice',
      '<list><entry uri="sip:a@x.example"/><entry uri="sip:a@x.example"/></list>',
      'resource-lists/list/entry%5B2%5D/@uri',
      [],
    ],
    [
      'one entry twice, in another spelling',
      '<list><entry uri="sip:a@x.example"/><display-name/><entry uri="SIP:%61@X.example"/></list>',
      'resource-lists/list/entry%5B2%5D/@uri',
      [],
    ],
    [
      'one reference twice',
      '<list><entry-ref ref="a/b"/><entry-ref ref="a/b"/></list>',
      'resource-lists/list/entry-ref%5B2%5D/@ref',
      [],
    ],
    [
      'one external list twice',
      '<list><external anchor="http://x.example/a"/><external anchor="HTTP://x.example/a"/></list>',
      'resource-lists/list/external%5B2%5D/@anchor',
      [],
    ],
    [
      'below an element of another namespace',
      '<list><x xmlns="urn:x"/><x xmlns="urn:x"><list xmlns="urn:ietf:params:xml:ns:resource-lists"><entry uri="a:b"/><entry uri="a:b"/></list></x></list>',
      'resource-lists/list/*%5B2%5D/list/entry%5B2%5D/@uri',
      [],
    ],
  ];
  for (const [title, content, field, alternatives] of repeated) {
    it(`refuses ${title}, and says which`, () => {
      const document = listsOf(content);
      const refusal = refusalOf(() => {
        lists.check(document);
      });
      expect(refusal).to.be.instanceOf(UniquenessFailure);
      expect(refusal).to.have.property('taken').that.deep.equals([{ field, alternatives }]);
      const selector = parseNodeSelector(decodeURIComponent(field), new Map(), lists.defaultNamespace, 32);
      expect(locate(document.tree, selector)).to.have.property('kind', 'attribute');
    });
  }

  it('names every value that is repeated, as many as a reader can use', () => {
    const entries = Array.from({ length: 40 }, (_, number) => `<entry uri="sip:${number % 20}@x.example"/>`);
    const refusal = refusalOf(() => {
      lists.check(listsOf(`<list>${entries.join('')}</list>`));
    });
    expect(refusal).to.have.property('taken').with.lengthOf(10);
  });

  for (const [title, content] of [
    ['the same entry in two lists', '<list><entry uri="a:b"/></list><list><entry uri="a:b"/></list>'],
    ['lists without a name', '<list/><list/>'],
    ['names of another case', '<list name="a"/><list name="A"/>'],
    ['an entry and a reference of the same value', '<list><entry uri="a:b"/><list name="a:b"/></list>'],
    ['user parts of another case', '<list><entry uri="sip:a@x"/><entry uri="sip:A@x"/></list>'],
    ['attributes of another namespace', '<list><list name="a"/><list x:name="a" xmlns:x="urn:x"/></list>'],
  ] as const) {
    it(`takes ${title}`, () => {
      lists.check(listsOf(content));
    });
  }
});

describe('RFC 4826 §3.4.5 what values must be', () => {
  const references: readonly [string, accepted: boolean][] = [
    ['resource-lists/users/sip:a@x.example/index/~~/resource-lists/list%5B1%5D', true],
    ['a/~~/b?xmlns(p=urn:x)', true],
    ['../a', true],
    ['/resource-lists/users/a', false],
    ['http://x.example/resource-lists', false],
    ['//x.example/a', false],
    ['a/entry[1]', false],
    ['a/%5', false],
    ['a#b', false],
    ['', false],
  ];
  for (const [ref, accepted] of references) {
    it(`entry-ref/@ref ${JSON.stringify(ref)} is ${accepted ? 'taken' : 'refused'}`, () => {
      const refusal = refusalOf(() => {
        lists.check(listsOf(`<list><entry-ref ref="${ref}"/></list>`));
      });
      if (accepted) expect(refusal).to.equal(undefined);
      else
        expect(refusal)
          .to.be.instanceOf(ConstraintFailure)
          .and.to.have.property('phrase')
          .that.includes('entry-ref/@ref');
    });
  }

  for (const [anchor, accepted] of [
    ['http://x.example/a', true],
    ['HTTPS://x.example:8443/a?b', true],
    ['sip:a@x.example', false],
    ['resource-lists/users/a', false],
    ['http://', false],
  ] as const) {
    it(`external/@anchor ${anchor} is ${accepted ? 'taken' : 'refused'}`, () => {
      const refusal = refusalOf(() => {
        lists.check(listsOf(`<list><external anchor="${anchor}"/></list>`));
      });
      expect(refusal instanceof ConstraintFailure).to.equal(!accepted);
    });
  }

  it('a resource-list of a service is an absolute HTTP URI, white space around it or not', () => {
    services.check(
      servicesOf('<service uri="sip:a@x"><resource-list>\n http://x.example/a </resource-list></service>'),
    );
    const refusal = refusalOf(() => {
      services.check(servicesOf('<service uri="sip:a@x"><resource-list>a/b</resource-list></service>'));
    });
    expect(refusal).to.be.instanceOf(ConstraintFailure);
  });
});

describe('RFC 4826 §4.4.5 the URI of a service is unique', () => {
  const document = servicesOf('<service uri="sip:a@x.example"/><service uri="SIP:b@X.example"/>');

  it('in its document', () => {
    const refusal = refusalOf(() => {
      services.check(servicesOf('<service uri="sip:a@x.example"/><service uri="sip:a@X.example"/>'));
    });
    expect(refusal)
      .to.have.property('taken')
      .that.deep.equals([
        {
          field: 'rls-services/service%5B2%5D/@uri',
          alternatives: ['sip:a-2@X.example', 'sip:a-3@X.example', 'sip:a-4@X.example'],
        },
      ]);
  });

  it('on the server: each is a claim, the same for every spelling, that no request URI spells', async () => {
    const { claims } = services.factsOf(document);
    const { names } = await services.place(services.factsOf(document), name, undefined);
    expect(names).to.deep.equal([name]);
    expect(claims).to.have.lengthOf(2);
    const other = servicesOf('<service uri="sip:b@x.example"/><service uri="sip:%61@x.example"/>');
    expect(services.factsOf(other).claims).to.have.members(claims);
    for (const claim of claims) {
      expect(isClaim(claim)).to.equal(true);
      const { document: selector } = parseRequestUri(`/x/${encodeURIComponent(claim)}/global/a`, '/x', 1000);
      expect(isClaim(services.nameOf({ ...selector, tree: 'users', xui: undefined }))).to.equal(false);
    }
  });

  it('however long it is', () => {
    const uri = `sip:${'a'.repeat(5000)}@x.example`;
    const [claim = ''] = services.factsOf(servicesOf(`<service uri="${uri}"/>`)).claims;
    expect(claim.length).to.be.below(300);
    const [next] = services.factsOf(servicesOf(`<service uri="${uri}b"/>`)).claims;
    expect(next).not.to.equal(claim);
  });

  it('a collision names what is taken, and free values', async () => {
    const [, claim = ''] = services.factsOf(document).claims;
    const [second = ''] = services.factsOf(servicesOf('<service uri="sip:b-2@x.example"/>')).claims;
    const held: readonly string[] = [claim, second];
    const claimed = services.claimed(document, new Set([claim]));
    const facts = services.factsOf(document);
    const refusal = await services.collision(facts, [claim], claimed, (candidate) =>
      held.includes(candidate),
    );
    expect(refusal)
      .to.have.property('taken')
      .that.deep.equals([
        {
          field: 'rls-services/service%5B2%5D/@uri',
          alternatives: ['SIP:b-3@X.example', 'SIP:b-4@X.example', 'SIP:b-5@X.example'],
        },
      ]);
  });

  it('a collision of many values takes linear time', () => {
    const make = (size: number): { document: GatedText; taken: readonly string[] } => {
      const all = Array.from({ length: size }, (_, at) => `<service uri="sip:${at}@b"/>`).join('');
      const text = `<rls-services xmlns="urn:ietf:params:xml:ns:rls-services">${all}</rls-services>`;
      const document = gateText(text, { ...limits, elements: 50_000 });
      // The values that are taken stand last, behind all others that a search would compare.
      return {
        document,
        taken: [...services.factsOf(document).claims].reverse(),
      };
    };
    expectLinear(make, ({ document, taken }) => void services.claimed(document, new Set(taken)), 1500);
  });

  it('a collision of anything else is no matter of uniqueness', async () => {
    expect(await services.collision(services.factsOf(document), ['other'], [], () => true)).to.be.instanceOf(
      ConstraintFailure,
    );
  });
});

describe('declared usages', () => {
  const declaration: UsageDeclaration = {
    auid: 'notes' as Auid,
    defaultNamespace: 'urn:notes',
    mediaType: 'application/notes+xml',
    schema: undefined,
    root: { namespace: 'urn:notes', local: 'notes' },
    namespaces: ['urn:more', 'urn:notes'],
    trees: ['global'],
    unique: [
      {
        element: { namespace: 'urn:notes', local: 'note' },
        attribute: 'key',
        within: 'document',
        compare: 'text',
        alternatives: true,
      },
    ],
    values: [],
    collected: undefined,
  };

  function judge(text: string, more: Partial<UsageDeclaration> = {}): XcapConflict | undefined {
    return refusalOf(() => {
      createDeclaredUsage({ ...declaration, ...more }).check(gateText(text, limits));
    });
  }

  it('take their own document element alone', () => {
    expect(judge('<notes xmlns="urn:notes"/>')).to.equal(undefined);
    expect(judge('<notes/>')).to.be.instanceOf(ConstraintFailure);
    expect(judge('<note xmlns="urn:notes"/>', { schema: 'declared:notes' })).to.be.instanceOf(
      SchemaValidationError,
    );
    expect(judge('<anything/>', { root: undefined })).to.equal(undefined);
  });

  it('compare within the document where the rule says so', () => {
    const text = '<notes xmlns="urn:notes"><a><note key="k"/></a><b><note key="k"/></b></notes>';
    expect(judge(text))
      .to.have.property('taken')
      .that.deep.equals([{ field: 'notes/b/note/@key', alternatives: ['k-2', 'k-3', 'k-4'] }]);
  });

  it('list each namespace once', () => {
    expect(createDeclaredUsage(declaration).namespaces).to.deep.equal(['urn:notes', 'urn:more']);
  });

  it('have documents in the trees that are declared', () => {
    const usage = createDeclaredUsage(declaration);
    const named = (path: string): DocumentName =>
      usage.nameOf(parseRequestUri(`/x/${path}`, '/x', 1000).document);
    expect(named('notes/global/a/b')).to.equal('notes/global/a/b');
    expect(() => named('notes/users/u/a')).to.throw(NotFound);
    expect(() => named('notes/global/')).to.throw(NotFound);
  });

  it('have the index beside them where one is collected', () => {
    const named = (path: string): DocumentName =>
      services.nameOf(parseRequestUri(`/x/${path}`, '/x', 1000).document);
    expect(named('rls-services/global/index')).to.equal('rls-services/global/index');
    expect(() => named('rls-services/global/other')).to.throw(NotFound);
  });
});
