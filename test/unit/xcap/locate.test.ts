import { expect } from 'chai';
import { locate, walk } from '../../../src/xcap/locate.js';
import { parseNodeSelector } from '../../../src/xcap/node-selector.js';
import { gateText } from '../../../src/xml/gate.js';
import { fixture } from '../../support/fixtures.js';
import { limits } from '../../support/limits.js';

const bindings = new Map([
  ['p', 'urn:p'],
  ['rl', 'urn:ietf:params:xml:ns:resource-lists'],
  ['m', 'urn:3gpp:ns:mcpttGroupInfo:1.0'],
]);

/** The text that `selector` selects: an element, an attribute, or `namespaces of` an element. */
function selected(text: string, selector: string, defaultNamespace = ''): string | undefined {
  const found = locate(
    gateText(text, limits).tree,
    parseNodeSelector(selector, bindings, defaultNamespace, 32),
  );
  switch (found?.kind) {
    case undefined:
      return undefined;
    case 'element':
      return text.slice(found.element.start, found.element.end);
    case 'attribute':
      return text.slice(found.attribute.start, found.attribute.end);
    case 'namespaces':
      return `namespaces of ${found.element.name}`;
  }
}

describe('RFC 4825 §6.3 what a node selector selects', () => {
  const text =
    '<r><a n="1"/><b n="2"/><a n="2" m="x"/><p:a xmlns:p="urn:p" n="3" p:n="4"/><a n="2"/>' +
    '<c><d/><d>&amp;</d></c><e v="a&amp;b/c]&quot;d"/></r>';

  const cases: readonly [string, string | undefined, string][] = [
    ['r', text, 'the root element is the first step'],
    ['*', text, 'whatever its name'],
    ['r[1]', text, 'and is the first of its name'],
    ['r[2]', undefined, 'and the only one'],
    ['x', undefined, 'another root element is no match'],
    ['r/b', '<b n="2"/>', 'the one element of the name'],
    ['r/a', undefined, 'several elements are no match'],
    ['r/x', undefined, 'nor is none'],
    ['r/*', undefined, 'nor are all children'],
    ['r/a[1]', '<a n="1"/>', 'positions count from 1'],
    ['r/a[3]', '<a n="2"/>', 'among elements of the name'],
    ['r/a[4]', undefined, 'up to the last'],
    ['r/a[0]', undefined, 'and not from 0'],
    ['r/*[2]', '<b n="2"/>', 'a star counts elements of any name'],
    ['r/*[4]', '<p:a xmlns:p="urn:p" n="3" p:n="4"/>', 'of any namespace'],
    ['r/p:a', '<p:a xmlns:p="urn:p" n="3" p:n="4"/>', 'a prefix names a namespace'],
    ['r/a[@n="1"]', '<a n="1"/>', 'an attribute picks one of several'],
    ['r/a[@n="2"]', undefined, 'and none where it fits several'],
    ['r/a[@m="x"]', '<a n="2" m="x"/>', 'or one by another attribute'],
    ['r/*[@n="3"]', '<p:a xmlns:p="urn:p" n="3" p:n="4"/>', 'whatever the name'],
    ['r/*[@n="2"]', undefined, 'unless several names fit'],
    ['r/*[@p:n="4"]', '<p:a xmlns:p="urn:p" n="3" p:n="4"/>', 'attributes have namespaces too'],
    ['r/*[@n="4"]', undefined, 'which are told apart'],
    ['r/a[2][@n="2"]', '<a n="2" m="x"/>', 'the second of the name, if its attribute fits'],
    ['r/a[3][@n="2"]', '<a n="2"/>', 'not the third that fits'],
    ['r/a[1][@n="2"]', undefined, 'and nothing where it does not fit'],
    ['r/*[3][@n="2"]', '<a n="2" m="x"/>', 'the third child, if its attribute fits'],
    ['r/e[@v="a&amp;b/c]&quot;d"]', '<e v="a&amp;b/c]&quot;d"/>', 'values are compared expanded'],
    ["r/e[@v='a&#38;b/c]\"d']", '<e v="a&amp;b/c]&quot;d"/>', 'however they are written'],
    ['r/c/d', undefined, 'each step selects one element'],
    ['r/c/d[2]', '<d>&amp;</d>', 'whose text comes as it is stored'],
    ['r/a/d', undefined, 'a step that selects several ends the walk'],
    ['r/b/@n', 'n="2"', 'an attribute'],
    ['r/b/@m', undefined, 'that exists'],
    ['r/p:a/@n', 'n="3"', 'without a prefix in no namespace'],
    ['r/p:a/@p:n', 'p:n="4"', 'with a prefix in its namespace'],
    ['r/p:a/@xmlns', undefined, 'a declaration is no attribute'],
    ['r/c/namespace::*', 'namespaces of c', 'the namespaces in scope of an element'],
    ['r/x/namespace::*', undefined, 'that exists'],
    ['r/__proto__', undefined, 'names of JavaScript are names'],
    ['r/a[@constructor="x"]', undefined, 'in attributes too'],
  ];
  for (const [selector, result, why] of cases) {
    it(`${selector}: ${why}`, () => {
      expect(selected(text, selector)).to.equal(result);
    });
  }

  it('names without a prefix are in the default namespace of the usage, whatever the document says', () => {
    const chat = fixture('groups/valid/chat-multi-talker.xml');
    expect(chat).to.match(/<\w+:group\b/);
    expect(selected(chat, 'group/list-service/@uri', 'urn:oma:xml:poc:list-service')).to.match(
      /^uri=.sip:harbour-chat@port\.example.$/,
    );
    expect(selected(chat, 'group/list-service/@uri', '')).to.equal(undefined);
  });

  it('walks as far as one element is selected by each step', () => {
    const { tree } = gateText(text, limits);
    const { steps } = parseNodeSelector('r/c/x/y', bindings, '', 32);
    expect(walk(tree, steps).map(({ name }) => name)).to.deep.equal(['r', 'c']);
  });
});
