import { expect } from 'chai';
import { tokenise, XPathInvalid } from '../../../../src/xml/xpath/tokens.js';
import { XPath } from '../../../../src/xml/xpath/xpath.js';

const namespaces = new Map([
  ['p', 'urn:p'],
  ['q', 'urn:q'],
]);

describe('The tokens of an XPath 1.0 expression (clause 3.7)', () => {
  const kinds = (source: string): string[] => tokenise(source).map(({ kind, text }) => `${kind} ${text}`);

  it('are what their neighbours make them: * and a name are operators behind an operand', () => {
    expect(kinds('* * *')).to.deep.equal(['name-test *', 'operator *', 'name-test *']);
    expect(kinds('div div mod')).to.deep.equal(['name-test div', 'operator div', 'name-test mod']);
    expect(kinds('and/or')).to.deep.equal(['name-test and', 'operator /', 'name-test or']);
  });

  it('are what stands behind a name: a function, a node type or an axis', () => {
    expect(kinds('count (b)')).to.deep.equal(['function count', 'symbol (', 'name-test b', 'symbol )']);
    expect(kinds('text ()')).to.deep.equal(['node-type text', 'symbol (', 'symbol )']);
    expect(kinds('self :: p:b')).to.deep.equal(['axis self', 'symbol ::', 'name-test p:b']);
  });

  it('stand at offsets of the expression', () => {
    expect(tokenise(' a [ 1.5 ]').map(({ at }) => at)).to.deep.equal([1, 3, 5, 9]);
  });

  describe('are refused', () => {
    const refused: readonly [string, string][] = [
      ['b b', 'an operator is due, not b'],
      ['"abc', 'the literal is not closed'],
      ['b!', '! has no meaning here'],
      ['$v', 'no variables'],
      ['p:', 'followed by no name'],
      ['p:f()', 'no function p:f()'],
      ['b; c', 'is no name'],
    ];
    for (const [source, says] of refused) {
      it(JSON.stringify(source), () => {
        expect(() => tokenise(source)).to.throw(XPathInvalid, says);
        expect(() => XPath.compile(source, namespaces)).to.throw(XPathInvalid, says);
      });
    }
  });

  it('are bounded in number', () => {
    expect(tokenise('-'.repeat(500))).to.have.length(500);
    expect(() => tokenise('-'.repeat(501))).to.throw(XPathInvalid, 'more than 500 tokens');
  });
});
