import { expect } from 'chai';
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { textContent } from '../../../src/xml/content.js';
import { gateText } from '../../../src/xml/gate.js';
import {
  readSmall,
  smallAttribute,
  smallChild,
  smallChildren,
  smallText,
  type SmallElement,
} from '../../../src/xml/read-small.js';
import { XmlRefused } from '../../../src/xml/refusal.js';
import { parseGated } from '../../../src/xml/parse.js';
import type { LocatedElement } from '../../../src/xml/tree.js';
import { limits } from '../../support/limits.js';
import { seed } from '../../support/seed.js';

/** One reading of a document to compare with another. */
interface Reading {
  readonly name: string;
  readonly attributes: readonly string[];
  readonly text: string;
  readonly children: readonly Reading[];
}

function ofSmall(element: SmallElement): Reading {
  return {
    name: `{${element.namespace}}${element.local}`,
    attributes: element.attributes.map(({ namespace, local, value }) => `{${namespace}}${local}=${value}`),
    text: smallText(element),
    children: smallChildren(element).map(ofSmall),
  };
}

function ofTree(text: string, element: LocatedElement): Reading {
  return {
    name: `{${element.namespace}}${element.local}`,
    attributes: element.attributes.map(({ namespace, local, value }) => `{${namespace}}${local}=${value}`),
    text: textContent(text, element),
    children: element.children.map((child) => ofTree(text, child)),
  };
}

describe('The reader of small documents', () => {
  it('reads every fixture as the scanner does', () => {
    for (const folder of ['groups/valid/', 'resource-lists/valid/', 'results/valid/', 'policies/valid/']) {
      const url = new URL(`../../../../fixtures/${folder}`, import.meta.url);
      for (const file of readdirSync(url).filter((name) => name.endsWith('.xml'))) {
        const text = readFileSync(new URL(file, url), 'utf8');
        expect(ofSmall(readSmall(text)), file).to.deep.equal(ofTree(text, gateText(text, limits).tree));
      }
    }
  });

  it(`reads made-up documents as the scanner does, seed ${seed}`, () => {
    const name = fc.constantFrom(
      'a',
      'p:b',
      'script',
      '__proto__',
      'constructor',
      'prototype',
      'p:hasOwnProperty',
      'toString',
      '\u00e9',
      '_',
    );
    const data = fc.constantFrom(
      '',
      ' ',
      't',
      '\r\n',
      '&lt;',
      '&#x41;',
      '<![CDATA[<&]]>',
      '<![CDATA[]]>',
      '<!-- <x> -->',
      '<?p a="b"?>',
      '007',
      '1e5',
      'true',
      '>',
    );
    const attribute = fc.constantFrom(
      '',
      ' x="1"',
      ' __proto__="2"',
      " p:y='&quot;\n '",
      ' constructor=""',
      ' xmlns="urn:z"',
      ' xmlns:p="urn:q" p:w="/>"',
    );
    const { element } = fc.letrec<{ element: string; content: string }>((tie) => ({
      content: fc
        .array(fc.oneof({ depthSize: 'small' }, data, tie('element')), { maxLength: 4 })
        .map((parts) => parts.join('')),
      element: fc
        .tuple(name, attribute, fc.boolean(), tie('content'))
        .map(([tag, more, short, inner]) =>
          short && inner === '' ? `<${tag}${more}/>` : `<${tag}${more}>${inner}</${tag}>`,
        ),
    }));
    fc.assert(
      fc.property(
        element,
        fc.constantFrom('', '\uFEFF', '<?xml version="1.0"?>\n<!-- x -->'),
        (root, before) => {
          const text = `${before}<root xmlns:p="urn:p">${root}</root><!-- end -->\n`;
          const { tree } = gateText(text, limits);
          parseGated(text).dispose();
          expect(ofSmall(readSmall(text))).to.deep.equal(ofTree(text, tree));
        },
      ),
      { seed, numRuns: 1000 },
    );
  });

  it('gives nothing a property that a document named', () => {
    const root = readSmall('<__proto__ constructor="a"><toString/></__proto__>');
    expect(Object.keys(root).sort()).to.deep.equal(['attributes', 'children', 'local', 'namespace']);
    expect(smallAttribute(root, 'constructor')).to.equal('a');
    expect(smallAttribute(root, 'toString')).to.equal(undefined);
    expect(smallChild(root, '', 'toString')?.local).to.equal('toString');
    expect(({} as Readonly<Record<string, unknown>>)['a']).to.equal(undefined);
  });

  it('refuses what it cannot read', () => {
    for (const text of ['', '<!-- -->', '<a', '<p:a/>', '<a b="&c;"/>', '<a>&c;</a>']) {
      expect(() => readSmall(text), text).to.throw(XmlRefused);
    }
  });
});
