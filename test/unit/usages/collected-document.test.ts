import { expect } from 'chai';
import { collect, writeCollected } from '../../../src/usages/collected-document.js';
import { gateText } from '../../../src/xml/gate.js';
import { namespacesInScope } from '../../../src/xml/tree.js';

const limits = { depth: 64, attributes: 64, namespaces: 64, elements: 1000 };
const root = { namespace: 'urn:a', local: 'all' };
const element = { namespace: 'urn:a', local: 'one' };

function collected(...texts: readonly string[]): string {
  return writeCollected(
    root,
    texts.flatMap((text) => collect(gateText(text, limits), element)),
  );
}

describe('a document that collects elements of others', () => {
  it('holds those below the document elements, in order, and nothing else', () => {
    const text = collected(
      '<all xmlns="urn:a"><one n="1"/><two/><one n="2"><one n="3"/></one></all>',
      '<all xmlns="urn:a"/>',
      '<x:all xmlns:x="urn:a"><x:one n="4"/><one/></x:all>',
    );
    const { tree } = gateText(text, limits);
    expect([tree.namespace, tree.local]).to.deep.equal(['urn:a', 'all']);
    expect(tree.children.map(({ attributes }) => attributes[0]?.value)).to.deep.equal(['1', '2', '4']);
    for (const child of tree.children) {
      expect([child.namespace, child.local]).to.deep.equal(['urn:a', 'one']);
    }
  });

  it('leaves every prefix bound as it was where the element was written', () => {
    const text =
      '<p:all xmlns:p="urn:a" xmlns:q="urn:q&amp;&quot;" xmlns:r="urn:r"><p:one xmlns:r="urn:own" q:x="&lt;"><bare/></p:one></p:all>';
    const [source] = gateText(text, limits).tree.children;
    const [copy] = gateText(collected(text), limits).tree.children;
    if (source === undefined || copy === undefined) expect.fail('an element is missing');
    const scope = new Map(namespacesInScope(copy));
    scope.delete('c');
    expect(scope).to.deep.equal(new Map(namespacesInScope(source)));
    expect(copy.children[0]?.namespace).to.equal('');
    expect(copy.attributes.map(({ namespace, value }) => [namespace, value])).to.deep.equal([
      ['urn:q&"', '<'],
    ]);
  });

  it('is a document where there is nothing to collect', () => {
    expect(gateText(collected(), limits).tree.children).to.deep.equal([]);
  });
});
