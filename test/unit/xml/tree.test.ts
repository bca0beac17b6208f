import { expect } from 'chai';
import { gateText } from '../../../src/xml/gate.js';
import { attribute, childNamed, childrenNamed, namespacesInScope } from '../../../src/xml/tree.js';
import { limits } from '../../support/limits.js';

describe('Located trees', () => {
  const text =
    '<a xmlns="urn:1" xmlns:p="urn:2" p:b="prefixed" b="plain">' +
    '<c n="1"/><p:c n="2"/><q:c xmlns:q="urn:1" n="3"/><d xmlns="" xmlns:p="urn:3"><e/></d></a>';
  const { tree } = gateText(text, limits);

  it('find children by expanded name, whatever prefix spells it', () => {
    const numbers = childrenNamed(tree, 'urn:1', 'c').map((child) => attribute(child, 'n'));
    expect(numbers).to.deep.equal(['1', '3']);
    expect(childNamed(tree, 'urn:2', 'c')?.attributes[0]?.value).to.equal('2');
    expect(childNamed(tree, '', 'c')).to.equal(undefined);
    expect(childrenNamed(tree, 'urn:1', 'e')).to.deep.equal([]);
  });

  it('find attributes without namespace by their local name', () => {
    expect(attribute(tree, 'b')).to.equal('plain');
    expect(attribute(tree, 'p:b')).to.equal(undefined);
    expect(attribute(tree, 'xmlns')).to.equal(undefined);
  });

  it('tell the namespaces in scope, the nearest declaration of a prefix first, those undeclared left out', () => {
    expect([...namespacesInScope(tree)]).to.deep.equal([
      ['', 'urn:1'],
      ['p', 'urn:2'],
    ]);
    const inner = tree.children.at(-1)?.children[0] ?? expect.fail();
    expect([...namespacesInScope(inner)]).to.deep.equal([['p', 'urn:3']]);
  });
});
