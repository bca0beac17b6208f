import { expect } from 'chai';
import { XmlDocument } from 'libxml2-wasm';
import { isNcName, parseQName } from '../../../src/xml/names.js';

describe('Names (Namespaces in XML 1.0)', () => {
  for (const name of ['a', '_', 'A-1.b', 'é', 'a·', '\u{10000}', 'a\u0300', '日本', '__proto__']) {
    it(`${name} is one`, () => {
      expect(isNcName(name)).to.equal(true);
      expect(parseQName(name)).to.deep.equal({ prefix: '', local: name });
      expect(parseQName(`p:${name}`)).to.deep.equal({ prefix: 'p', local: name });
      expect(() => {
        XmlDocument.fromString(`<${name}/>`).dispose();
      }).not.to.throw();
    });
  }

  for (const name of ['', '1', '-a', '.a', '·a', '\u0300a', 'a b', 'a\n', 'a×', 'a/b', 'a&', '\uFFFEa']) {
    it(`${JSON.stringify(name)} is none`, () => {
      expect(isNcName(name)).to.equal(false);
      expect(parseQName(name)).to.equal(undefined);
      expect(parseQName(`p:${name}`)).to.equal(undefined);
      expect(parseQName(`${name}:p`)).to.equal(undefined);
    });
  }

  it('have at most one colon', () => {
    expect(parseQName('a:b:c')).to.equal(undefined);
    expect(parseQName(':a')).to.equal(undefined);
    expect(parseQName('a:')).to.equal(undefined);
  });
});
