import { expect } from 'chai';
import { textContent } from '../../../src/xml/content.js';
import { gateText } from '../../../src/xml/gate.js';
import { limits } from '../../support/limits.js';

describe('The content of an element', () => {
  const cases: readonly [string, string][] = [
    ['<a/>', ''],
    ['<a></a>', ''],
    ['<a> b </a>', ' b '],
    ['<a>b<c>d</c>e</a>', 'be'],
    ['<a>b<!-- c -->d<?e f?>g</a>', 'bdg'],
    ['<a><![CDATA[<b>&amp;]]></a>', '<b>&amp;'],
    ['<a>1<![CDATA[]]>2<![CDATA[3]]>4</a>', '1234'],
    ['<a>&lt;b&gt;&#x21;</a>', '<b>!'],
    ['<a>b\r\nc<![CDATA[\r\n]]>&#13;</a>', 'b\nc\n\r'],
    ['<a><!-- > --><b/><!-- < -->c</a>', 'c'],
    ['<a>20<!-- and -->26</a>', '2026'],
  ];
  for (const [text, content] of cases) {
    it(`of ${JSON.stringify(text)} is ${JSON.stringify(content)}`, () => {
      expect(textContent(text, gateText(text, limits).tree)).to.equal(content);
    });
  }
});
