import { expect } from 'chai';
import fc from 'fast-check';
import { XmlElement } from 'libxml2-wasm';
import { deleteNode, MissingParent, putAttribute, putElement } from '../../../src/xcap/edit.js';
import {
  CannotDelete,
  CannotInsert,
  ConstraintFailure,
  NotUtf8,
  NotXmlAttValue,
  NotXmlFrag,
  XcapConflict,
} from '../../../src/xcap/conflicts.js';
import { NotFound } from '../../../src/base/refusals.js';
import { locate } from '../../../src/xcap/locate.js';
import { parseNodeSelector, type NodeSelector } from '../../../src/xcap/node-selector.js';
import { gateText } from '../../../src/xml/gate.js';
import { parseGated } from '../../../src/xml/parse.js';
import { writtenDocument, type WrittenElement } from '../xml/generated.js';
import { limits } from '../../support/limits.js';
import { seed } from '../../support/seed.js';

const bindings = new Map([
  ['p', 'urn:p'],
  ['q', 'urn:q'],
]);

function selector(text: string): NodeSelector {
  return parseNodeSelector(text, bindings, '', 32);
}

/** PUTs `body` at `at`, an element or attribute, and gives the text of the document behind it. */
function put(document: string, at: string, body: string | Buffer): { text: string; created: boolean } {
  const gated = gateText(document, limits);
  const node = selector(at);
  const bytes = Buffer.from(body);
  const { gated: after, created } =
    node.terminal === undefined
      ? putElement(gated, node.steps, bytes, limits)
      : putAttribute(gated, node, bytes, limits);
  parseGated(after.text).dispose();
  return { text: after.text, created };
}

function remove(document: string, at: string): string {
  const { text } = deleteNode(gateText(document, limits), selector(at), limits);
  parseGated(text).dispose();
  return text;
}

/** What a GET of `at` sends: the element, or what stands between the quotes of the attribute. */
function get(document: string, at: string): string | undefined {
  const found = locate(gateText(document, limits).tree, selector(at));
  if (found?.kind === 'element') return document.slice(found.element.start, found.element.end);
  if (found?.kind !== 'attribute') return undefined;
  return document.slice(found.attribute.valueStart, found.attribute.valueEnd);
}

function refusal(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return expect.fail('it was accepted');
}

describe('RFC 4825 §8.2.3 creating an element', () => {
  const created: readonly [why: string, document: string, at: string, body: string, result: string][] = [
    ['goes into an empty parent', '<r></r>', 'r/a', '<a/>', '<r><a/></r>'],
    ['opens a parent written as one tag', '<r/>', 'r/a', '<a/>', '<r><a/></r>'],
    ['and one with attributes and white space', '<r b="/" />', 'r/a', '<a/>', '<r b="/" ><a/></r>'],
    ['and one inside another', '<r><p/><c/></r>', 'r/p/a', '<a/>', '<r><p><a/></p><c/></r>'],
    [
      'closes it by the name it was opened with',
      '<p:r xmlns:p="urn:p"/>',
      'p:r/a',
      '<a/>',
      '<p:r xmlns:p="urn:p"><a/></p:r>',
    ],
    ['goes behind the last child', '<r><b/></r>', 'r/a', '<a/>', '<r><b/><a/></r>'],
    ['and behind text', '<r>text</r>', 'r/a', '<a/>', '<r>text<a/></r>'],
    ['and behind a comment', '<r><b/><!--c--></r>', 'r/a', '<a/>', '<r><b/><!--c--><a/></r>'],
    [
      'goes right behind the last sibling of its name',
      '<r><a n="1"/><a n="2"/><!--c--><b/></r>',
      'r/a[@n="3"]',
      '<a n="3"/>',
      '<r><a n="1"/><a n="2"/><a n="3"/><!--c--><b/></r>',
    ],
    [
      'where the name counts with its namespace',
      '<r xmlns:p="urn:p"><a n="1"/><p:a n="2"/></r>',
      'r/a[@n="3"]',
      '<a n="3"/>',
      '<r xmlns:p="urn:p"><a n="1"/><a n="3"/><p:a n="2"/></r>',
    ],
    [
      'becomes the first',
      '<r>x<a n="1"/></r>',
      'r/a[1][@n="0"]',
      '<a n="0"/>',
      '<r>x<a n="0"/><a n="1"/></r>',
    ],
    [
      'becomes the second of its name',
      '<r><a n="1"/><b/><a n="3"/></r>',
      'r/a[2][@n="2"]',
      '<a n="2"/>',
      '<r><a n="1"/><a n="2"/><b/><a n="3"/></r>',
    ],
    ['becomes the one behind the last', '<r><a/><b/></r>', 'r/a[2]', '<a/>', '<r><a/><a/><b/></r>'],
    ['becomes the first of its name', '<r><b/></r>', 'r/a[1]', '<a/>', '<r><b/><a/></r>'],
    ['becomes the first child', '<r/>', 'r/*[1]', '<a/>', '<r><a/></r>'],
    ['becomes the third child', '<r><a/><b/>x</r>', 'r/*[3]', '<c/>', '<r><a/><b/><c/>x</r>'],
    [
      'comes between two others by position among all',
      '<r><a n="1"/><a n="3"/></r>',
      'r/*[2][@n="2"]',
      '<b n="2"/>',
      '<r><a n="1"/><b n="2"/><a n="3"/></r>',
    ],
    [
      'finds its place by its own name where the step says star',
      '<r><a n="1"/><b n="1"/></r>',
      'r/*[@n="2"]',
      '<a n="2"/>',
      '<r><a n="1"/><a n="2"/><b n="1"/></r>',
    ],
    [
      'leaves comments where they are, behind what they follow',
      '<r><!--1--><a n="1"/><!--2--></r>',
      'r/a[1][@n="0"]',
      '<a n="0"/>',
      '<r><!--1--><a n="0"/><a n="1"/><!--2--></r>',
    ],
    [
      'may use prefixes that the document alone binds',
      '<r xmlns:p="urn:p"><c/></r>',
      'r/c/p:a',
      '<p:a p:b=""/>',
      '<r xmlns:p="urn:p"><c><p:a p:b=""/></c></r>',
    ],
    [
      'may use them where the name of the namespace needs escaping',
      '<r xmlns:p="urn:p" xmlns:x="urn:a?b&amp;c"><c/></r>',
      'r/c/a',
      '<a x:b=""/>',
      '<r xmlns:p="urn:p" xmlns:x="urn:a?b&amp;c"><c><a x:b=""/></c></r>',
    ],
    [
      'may bring its own prefix for the same namespace',
      '<r/>',
      'r/p:a',
      '<x:a xmlns:x="urn:p"/>',
      '<r><x:a xmlns:x="urn:p"/></r>',
    ],
    ['may stand between white space', '<r/>', 'r/a', ' \r\n\t<a/>\n', '<r><a/></r>'],
    ['may follow a byte order mark', '<r/>', 'r/a', '\uFEFF<a/>', '<r><a/></r>'],
    ['keeps what it holds', '<r/>', 'r/a', "<a b='\"'>\r\n<!--c--><![CDATA[<]]>&#13;</a>", ''],
  ];
  for (const [why, document, at, body, result] of created) {
    it(why, () => {
      const { text, created: isNew } = put(document, at, body);
      if (result !== '') expect(text).to.equal(result);
      expect(isNew).to.equal(true);
      expect(get(text, at)).to.equal(body.replace(/^\uFEFF/, '').trim());
    });
  }

  describe('is refused with cannot-insert where a GET would not give what was PUT', () => {
    for (const [why, document, at, body] of [
      ['the position is beyond the next free one', '<r><a/></r>', 'r/a[3]', '<a/>'],
      ['the position is beyond it among all children', '<r><a/></r>', 'r/*[3]', '<b/>'],
      ['there is no position 0', '<r><a/></r>', 'r/a[0]', '<a/>'],
      ['the position is absurd', '<r><a/></r>', `r/a[${'9'.repeat(30)}]`, '<a/>'],
      ['the name is another', '<r/>', 'r/a', '<b/>'],
      ['the namespace is another', '<r/>', 'r/a', '<a xmlns="urn:p"/>'],
      ['the attribute has another value', '<r><a n="1"/></r>', 'r/a[@n="3"]', '<a n="4"/>'],
      ['the attribute is missing', '<r/>', 'r/a[@n="3"]', '<a/>'],
      ['the attribute has another namespace', '<r/>', 'r/a[@p:n="3"]', '<a n="3"/>'],
      ['there are several already', '<r><a/><a/></r>', 'r/a', '<a/>'],
      ['a document has one root', '<r/>', 's', '<s/>'],
      ['a document has one root, whatever its position', '<r/>', 'r[2]', '<r/>'],
    ] as const) {
      it(why, () => {
        expect(refusal(() => put(document, at, body))).to.be.instanceOf(CannotInsert);
      });
    }
  });

  describe('is refused with no-parent where the parent does not exist', () => {
    for (const [document, at, ancestor] of [
      ['<r/>', 'r/b/a', 'r'],
      ['<r><b/></r>', 'r/b/c/d/a', 'r/b'],
      ['<r><b/><b/></r>', 'r/b/a', 'r'],
      ['<r><b n="1"/></r>', 'r/b[@n="2"]/a', 'r'],
      ['<r/>', 's/a', undefined],
    ] as const) {
      it(`${at} below ${document}: the nearest ancestor is ${ancestor ?? 'the document'}`, () => {
        const error = refusal(() => put(document, at, '<a/>'));
        expect(error).to.be.instanceOf(MissingParent);
        if (error instanceof MissingParent) expect(error.lastStep?.upTo).to.equal(ancestor);
      });
    }
  });
});

describe('RFC 4825 §8.2.2 the body of an element', () => {
  describe('is one balanced element, else not-xml-frag', () => {
    for (const body of [
      '',
      ' ',
      'text',
      '<a>',
      '</a>',
      '<a></b>',
      '<a/><a/>',
      '<a/>text',
      'text<a/>',
      '\u00A0<a/>',
      '<a/>\u2028',
      '<a/><!--c-->',
      '<!--c--><a/>',
      '<?p?><a/>',
      '<?xml version="1.0"?><a/>',
      '<![CDATA[<a/>]]>',
      '<a b="1" b="2"/>',
      '<p:a/>',
      '<a p:b=""/>',
      '<a b="<"/>',
      '<a>&</a>',
      '<a>&nbsp;</a>',
      '<a>]]></a>',
      '<a><!-- -- --></a>',
      '<a xmlns:p=""/>',
      '<a xmlns:xml="urn:p"/>',
      '<a xmlns:xmlns="urn:p"/>',
      '<a>\u0000</a>',
      '<a>\uFFFF</a>',
      '</fragment><a/><fragment>',
      '<a/></fragment><fragment>',
      '<a></fragment><fragment></a>',
      '<a/></r><r>',
    ]) {
      it(JSON.stringify(body), () => {
        for (const [document, at] of [
          ['<r/>', 'r/a'],
          ['<r><a/></r>', 'r/a'],
          ['<a/>', 'a'],
        ] as const) {
          expect(
            refusal(() => put(document, at, body)),
            at,
          ).to.be.instanceOf(NotXmlFrag);
        }
      });
    }
  });

  it('is UTF-8, else not-utf-8', () => {
    for (const [document, at] of [
      ['<r/>', 'r/a'],
      ['<a/>', 'a'],
    ] as const) {
      expect(refusal(() => put(document, at, Buffer.from('<a>é</a>', 'latin1')))).to.be.instanceOf(NotUtf8);
    }
  });

  it('has no document type declaration and stays within the limits, else constraint-failure', () => {
    for (const body of [
      '<!DOCTYPE a><a/>',
      '<a><!DOCTYPE a></a>',
      '<a>'.repeat(64) + '</a>'.repeat(64),
      `<a ${Array.from({ length: 257 }, (_, index) => `b${index}=""`).join(' ')}/>`,
      `<a ${Array.from({ length: 65 }, (_, index) => `xmlns:b${index}="u"`).join(' ')}/>`,
      `<a>${'<b/>'.repeat(50_000)}</a>`,
    ]) {
      expect(
        refusal(() => put('<r/>', 'r/a', body)),
        body.slice(0, 20),
      ).to.be.instanceOf(ConstraintFailure);
    }
  });

  it('may reach the limits, which count the document and not the way it is checked', () => {
    const deep = '<a>'.repeat(63) + '</a>'.repeat(63);
    expect(put('<r/>', 'r/a', deep).text).to.equal(`<r>${deep}</r>`);
    const declarations = Array.from({ length: 64 }, (_, index) => ` xmlns:b${index}="u"`).join('');
    expect(put(`<r${declarations}/>`, 'r/a', `<a${declarations}/>`).created).to.equal(true);
  });
});

describe('RFC 4825 §8.2.1, §8.2.4 replacing an element', () => {
  const replaced: readonly [why: string, document: string, at: string, body: string, result: string][] = [
    ['changes it and nothing else', '<r>\r\n <a b="1"/>x</r>', 'r/a', '<a>y</a>', '<r>\r\n <a>y</a>x</r>'],
    ['by its position', '<r><a n="1"/><a n="2"/></r>', 'r/a[1]', '<a n="3"/>', '<r><a n="3"/><a n="2"/></r>'],
    [
      'by an attribute that stays',
      '<r><a n="1"/></r>',
      'r/a[@n="1"]',
      '<a n="1" m=""/>',
      '<r><a n="1" m=""/></r>',
    ],
    ['by another name, through a star', '<r><a/><b/></r>', 'r/*[2]', '<c/>', '<r><a/><c/></r>'],
    ['the root itself', '<!--c--><r><a/></r>\n', 'r', '<r/>', '<!--c--><r/>\n'],
    ['the root, behind a byte order mark', '\uFEFF<r/>', 'r', '\uFEFF<r a=""/>', '\uFEFF<r a=""/>'],
    [
      'the root by another prefix',
      '<p:r xmlns:p="urn:p"/>',
      'p:r',
      '<r xmlns="urn:p"/>',
      '<r xmlns="urn:p"/>',
    ],
    [
      'in the namespaces of its parent',
      '<r xmlns:q="urn:q"><q:a xmlns:p="urn:p"/></r>',
      'r/q:a',
      '<q:a><q:b/></q:a>',
      '<r xmlns:q="urn:q"><q:a><q:b/></q:a></r>',
    ],
  ];
  for (const [why, document, at, body, result] of replaced) {
    it(why, () => {
      expect(put(document, at, body)).to.deep.equal({ text: result, created: false });
      expect(get(result, at)).to.equal(body.replace(/^\uFEFF/, ''));
    });
  }

  it('with declarations that only the replaced element made is not-xml-frag', () => {
    expect(refusal(() => put('<r><a xmlns:p="urn:p"/></r>', 'r/a', '<a p:b=""/>'))).to.be.instanceOf(
      NotXmlFrag,
    );
    expect(refusal(() => put('<r xmlns:p="urn:p"/>', 'r', '<r p:b=""/>'))).to.be.instanceOf(NotXmlFrag);
  });

  for (const [why, document, at, body] of [
    ['the attribute of the step changes', '<r><a n="1"/></r>', 'r/a[@n="1"]', '<a n="2"/>'],
    ['the name changes', '<r><a/></r>', 'r/a', '<b/>'],
    ['the name of the root changes', '<r/>', 'r', '<s/>'],
    ['the namespace of the root changes', '<r/>', 'r', '<r xmlns="urn:p"/>'],
    ['its twin has the attribute of the step', '<r><a n="1"/><b n="2"/></r>', 'r/*[@n="1"]', '<a n="2"/>'],
  ] as const) {
    it(`is refused with cannot-insert where ${why}`, () => {
      expect(refusal(() => put(document, at, body))).to.be.instanceOf(CannotInsert);
    });
  }
});

describe('RFC 4825 §8.2 creating and replacing an attribute', () => {
  const cases: readonly [
    why: string,
    document: string,
    at: string,
    body: string,
    result: string,
    created: boolean,
  ][] = [
    ['goes behind the name', '<r/>', 'r/@b', 'c', '<r b="c"/>', true],
    ['goes behind the last attribute', '<r a="1" ></r>', 'r/@b', 'c', '<r a="1" b="c" ></r>', true],
    [
      'goes behind declarations',
      '<r a="1" xmlns:p="urn:p"/>',
      'r/@b',
      'c',
      '<r a="1" xmlns:p="urn:p" b="c"/>',
      true,
    ],
    [
      'takes a prefix of the document',
      '<r xmlns:x="urn:p"><a/></r>',
      'r/a/@p:b',
      'c',
      '<r xmlns:x="urn:p"><a x:b="c"/></r>',
      true,
    ],
    ['may be xml:lang', '<r/>', 'r/@xml:lang', 'en', '<r xml:lang="en"/>', true],
    ['may be empty', '<r/>', 'r/@b', '', '<r b=""/>', true],
    ['replaces the value', '<r b="1" c="2"/>', 'r/@b', '3', '<r b="3" c="2"/>', false],
    ['replaces a value in single quotes', "<r b='1' c='2'/>", 'r/@b', "it's", `<r b="it's" c='2'/>`, false],
    ['replaces a value that had quotes', `<r b='"'/>`, 'r/@b', "'", `<r b="'"/>`, false],
    ['leaves white space around the sign alone', '<r b =\r\n"1"/>', 'r/@b', '2', '<r b =\r\n"2"/>', false],
    ['may hold double quotes', '<r b="1"/>', 'r/@b', 'say "x"', `<r b='say "x"'/>`, false],
    ['may hold references', '<r/>', 'r/@b', '&amp;&lt;&#x22;', '<r b="&amp;&lt;&#x22;"/>', true],
    ['may hold a greater-than sign', '<r/>', 'r/@b', 'a>b/>', '<r b="a>b/>"/>', true],
    ['keeps white space', '<r/>', 'r/@b', ' a\r\nb ', '<r b=" a\r\nb "/>', true],
    ['follows a byte order mark', '<r/>', 'r/@b', '\uFEFFc', '<r b="c"/>', true],
  ];
  for (const [why, document, at, body, result, created] of cases) {
    it(why, () => {
      expect(put(document, at, body)).to.deep.equal({ text: result, created });
      expect(get(result, at)).to.equal(body.replace(/^\uFEFF/, ''));
    });
  }

  describe('is refused with not-xml-att-value where the body is no AttValue', () => {
    for (const body of [
      '<',
      'a<b',
      '&',
      'a&b',
      '&nbsp;',
      '&#0;',
      '&#xD800;',
      '&amp',
      '\u0000',
      '\u0001',
      '\uFFFE',
      // AttValue is written in quotes of one kind, which do not stand inside it (XML 1.0 clause 2.3).
      `'"`,
    ]) {
      it(JSON.stringify(body), () => {
        expect(refusal(() => put('<r/>', 'r/@b', body))).to.be.instanceOf(NotXmlAttValue);
        expect(refusal(() => put('<r b=""/>', 'r/@b', body))).to.be.instanceOf(NotXmlAttValue);
      });
    }
  });

  it('is refused with not-utf-8 where it is none', () => {
    expect(refusal(() => put('<r/>', 'r/@b', Buffer.from('é', 'latin1')))).to.be.instanceOf(NotUtf8);
  });

  it('is refused with no-parent where the element does not exist', () => {
    const error = refusal(() => put('<r><a/></r>', 'r/a/c/@b', 'd'));
    expect(error).to.be.instanceOf(MissingParent);
    if (error instanceof MissingParent) expect(error.lastStep?.upTo).to.equal('r/a');
  });

  for (const [why, document, at, body] of [
    ['it is the attribute that the step asks for', '<r><a n="1"/></r>', 'r/a[@n="1"]/@n', '2'],
    ['no prefix stands for its namespace', '<r/>', 'r/@p:b', 'c'],
    ['the default namespace is the only one', '<r xmlns:x="urn:x"><a xmlns="urn:p"/></r>', 'r/p:a/@p:b', 'c'],
    ['it is a namespace declaration', '<r/>', 'r/@xmlns', 'urn:a'],
  ] as const) {
    it(`is refused with cannot-insert where ${why}`, () => {
      expect(refusal(() => put(document, at, body))).to.be.instanceOf(CannotInsert);
    });
  }

  it('that the step asks for may be put where it stays the same', () => {
    expect(put('<r><a n="1"/></r>', 'r/a[@n="1"]/@n', '&#49;').text).to.equal('<r><a n="&#49;"/></r>');
  });

  it('beyond the limit of attributes is a constraint-failure', () => {
    const full = `<r ${Array.from({ length: 256 }, (_, index) => `a${index}=""`).join(' ')}/>`;
    expect(refusal(() => put(full, 'r/@b', 'c'))).to.be.instanceOf(ConstraintFailure);
  });
});

describe('RFC 4825 §8.4 deleting', () => {
  for (const [why, document, at, result] of [
    ['an element', '<r>\r\n<a>x</a><!--c--></r>', 'r/a', '<r>\r\n<!--c--></r>'],
    ['the last of several', '<r><a n="1"/><a n="2"/></r>', 'r/a[2]', '<r><a n="1"/></r>'],
    ['one of several by an attribute', '<r><a n="1"/><a n="2"/></r>', 'r/a[@n="1"]', '<r><a n="2"/></r>'],
    [
      'one that fits position and attribute',
      '<r><a n="1"/><a n="2"/></r>',
      'r/a[1][@n="1"]',
      '<r><a n="2"/></r>',
    ],
    ['an attribute with the space before it', '<r a="1"\r\n b="2" c="3"/>', 'r/@b', '<r a="1" c="3"/>'],
    ['the only attribute', '<r a="1"/>', 'r/@a', '<r/>'],
    ['the attribute that the step asks for', '<r><a n="1"/></r>', 'r/a[@n="1"]/@n', '<r><a/></r>'],
    ['an attribute before a tail', '<r a="1" ></r>', 'r/@a', '<r ></r>'],
  ] as const) {
    it(why, () => {
      expect(remove(document, at)).to.equal(result);
    });
  }

  for (const [why, document, at] of [
    ['the next element would take its place', '<r><a/><a/><a/></r>', 'r/a[2]'],
    ['the next child would take its place', '<r><a/><b/></r>', 'r/*[1]'],
    ['the next one has the attribute too', '<r><a n="1"/><a n="1"/></r>', 'r/a[1][@n="1"]'],
    ['it is the root', '<r/>', 'r'],
    ['it is the root by position', '<r/>', '*[1]'],
  ] as const) {
    it(`is refused with cannot-delete where ${why}`, () => {
      expect(refusal(() => remove(document, at))).to.be.instanceOf(CannotDelete);
    });
  }

  for (const at of ['r/b', 'r/a', 'r/a[3]', 'r/a[0]', 's', 'r/@b', 'r/a[@n="3"]', 'r/b/@c']) {
    it(`is not found where ${at} selects nothing, or several`, () => {
      expect(refusal(() => remove('<r><a n="1"/><a n="2"/></r>', at))).to.be.instanceOf(NotFound);
    });
  }
});

describe('Any edit (design D3)', () => {
  /** A selector by positions for each element of a document, the root first. */
  function selectors(element: WrittenElement, at: string): readonly [string, WrittenElement][] {
    const below = element.children.flatMap((child, index) => selectors(child, `${at}/*[${index + 1}]`));
    return [[at, element], ...below];
  }

  const place = writtenDocument.chain(({ text, root }) => {
    const all = selectors(root, '*');
    return fc.record({ text: fc.constant(text), place: fc.constantFrom(...all) });
  });
  /** Elements that need no declarations but those of `writtenDocument`. */
  const body = writtenDocument
    .filter(({ root }) => root.children.length > 0)
    .map(({ text, root }) => text.slice(root.children[0]?.start, root.children[0]?.end));
  const literal = fc
    .array(fc.constantFrom('a', ' ', '"', "'", '&amp;', '&#10;', '>', 'é', '\r\n', '\u{1F692}'))
    .map((parts) => parts.join(''))
    .filter((text) => !(text.includes('"') && text.includes("'")));

  function conflictOrText(work: () => string): string | XcapConflict {
    try {
      return work();
    } catch (error) {
      if (error instanceof XcapConflict) return error;
      throw error;
    }
  }

  it(`replaces an element and leaves every character around it alone, seed ${seed}`, () => {
    fc.assert(
      fc.property(place, body, ({ text, place: [at, { start, end }] }, element) => {
        fc.pre(at !== '*');
        const result = put(text, at, element);
        expect(result.created).to.equal(false);
        expect(result.text).to.equal(text.slice(0, start) + element + text.slice(end));
        expect(get(result.text, at)).to.equal(element);
      }),
      { seed, numRuns: 200 },
    );
  });

  it(`inserts an element and leaves every character around it alone, seed ${seed}`, () => {
    fc.assert(
      fc.property(place, body, ({ text, place: [parent, written] }, element) => {
        const { name, end, children, contentStart, contentEnd } = written;
        const at = `${parent}/*[${children.length + 1}]`;
        const result = put(text, at, element);
        expect(result.created).to.equal(true);
        expect(get(result.text, at)).to.equal(element);
        const to = children.at(-1)?.end ?? contentEnd;
        expect(result.text).to.equal(
          contentStart < end
            ? text.slice(0, to) + element + text.slice(to)
            : `${text.slice(0, end - 2)}>${element}</${name}>${text.slice(end)}`,
        );
        if (contentStart < end) expect(remove(result.text, at)).to.equal(text);
      }),
      { seed, numRuns: 200 },
    );
  });

  it(`deletes an element and leaves every character around it alone, seed ${seed}`, () => {
    fc.assert(
      fc.property(place, ({ text, place: [at, { start, end }] }) => {
        const result = conflictOrText(() => remove(text, at));
        if (typeof result === 'string') expect(result).to.equal(text.slice(0, start) + text.slice(end));
        else expect(result).to.be.instanceOf(CannotDelete);
      }),
      { seed, numRuns: 200 },
    );
  });

  it(`puts an attribute and leaves every character around it alone, seed ${seed}`, () => {
    fc.assert(
      fc.property(place, literal, ({ text, place: [at, { attributes }] }, value) => {
        const result = put(text, `${at}/@a`, value);
        const former = attributes.find(({ name }) => name === 'a');
        expect(result.created).to.equal(former === undefined);
        expect(get(result.text, `${at}/@a`)).to.equal(value);
        const removed = remove(result.text, `${at}/@a`);
        expect(removed).to.equal(former === undefined ? text : remove(text, `${at}/@a`));
      }),
      { seed, numRuns: 200 },
    );
  });

  it(`is made where libxml2 finds the element too, seed ${seed}`, () => {
    fc.assert(
      fc.property(place, ({ text, place: [at, { attributes }] }) => {
        const document = parseGated(text);
        try {
          // Selectors by position mean the same in XPath.
          const node = document.get(`/${at}`);
          const element = node instanceof XmlElement ? node : expect.fail(`libxml2 finds no ${at}`);
          const found = locate(gateText(text, limits).tree, selector(at))?.element;
          expect(found).to.include({ local: element.name, namespace: element.namespaceUri });
          expect(element.attrs).to.have.length(attributes.length);
        } finally {
          document.dispose();
        }
      }),
      { seed, numRuns: 200 },
    );
  });
});
