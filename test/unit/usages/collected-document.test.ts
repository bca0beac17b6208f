import { expect } from 'chai';
import { collect, writeCollected } from '../../../src/usages/collected-document.js';
import { gateText } from '../../../src/xml/gate.js';
import { namespacesInScope } from '../../../src/xml/tree.js';

const limits = { depth: 64, attributes: 64, namespaces: 64, elements: 1000 };
const root = { namespace: 'urn:a', local: 'all' };
const element = { namespace: 'urn:a', local: 'one' };

async function collected(...texts: readonly string[]): Promise<string> {
  const elements = texts.flatMap((text) => [...collect(gateText(text, limits), element)]);
  let written = '';
  for await (const piece of writeCollected(root, elements)) written += piece;
  return written;
}

describe('a document that collects elements of others', () => {
  it('holds those below the document elements, in order, and nothing else', async () => {
    const text = await collected(
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

  it('leaves every prefix bound as it was where the element was written', async () => {
    const text =
      '<p:all xmlns:p="urn:a" xmlns:q="urn:q&amp;&quot;" xmlns:r="urn:r"><p:one xmlns:r="urn:own" q:x="&lt;"><bare/></p:one></p:all>';
    const [source] = gateText(text, limits).tree.children;
    const [copy] = gateText(await collected(text), limits).tree.children;
    if (source === undefined || copy === undefined) expect.fail('an element is missing');
    const scope = new Map(namespacesInScope(copy));
    scope.delete('c');
    expect(scope).to.deep.equal(new Map(namespacesInScope(source)));
    expect(copy.children[0]?.namespace).to.equal('');
    expect(copy.attributes.map(({ namespace, value }) => [namespace, value])).to.deep.equal([
      ['urn:q&"', '<'],
    ]);
  });

  it('declares what an element uses, in names, values or content, and nothing else', async () => {
    const declared = ['used', 'att', 'value', 'content', 'inner', 'own', 'no', 'se']
      .map((prefix) => ` xmlns:${prefix}="urn:${prefix}"`)
      .join('');
    const text =
      `<all xmlns="urn:a"${declared}><one xmlns:own="urn:other" att:n="(value:q|x-no:q)"><used:a/>` +
      '<b>content:q <own:c/></b><inner:d/>no se uno:x</one><one/></all>';
    const [copy, bare] = gateText(await collected(text), limits).tree.children;
    const prefixes = (at: typeof copy): readonly string[] =>
      at?.declarations.map(({ prefix }) => prefix) ?? [];
    expect([...prefixes(copy)].sort()).to.deep.equal(['', 'att', 'content', 'inner', 'own', 'used', 'value']);
    expect(prefixes(bare)).to.deep.equal(['']);
  });

  it('looks for prefixes in linear time, whatever stands between the colons', () => {
    const time = (length: number): number => {
      const values = ['a', 'a:', ':', 'a:a', ' p'].map((value) => value.repeat(length));
      const text = `<all xmlns="urn:a" xmlns:p="urn:p">${values.map((value) => `<one>${value}</one>`).join('')}</all>`;
      const document = gateText(text, limits);
      const before = process.cpuUsage();
      expect([...collect(document, element)]).to.have.lengthOf(values.length);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    time(10_000);
    // Were it quadratic, ten times the length would take a hundred times as long: many seconds.
    expect(time(100_000)).to.be.below(1_000_000);
  });

  it('is a document where there is nothing to collect', async () => {
    expect(gateText(await collected(), limits).tree.children).to.deep.equal([]);
  });
});
