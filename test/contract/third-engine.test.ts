import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { escapeAttribute } from '../../src/xml/build.js';
import { decodeUtf8, gateBytes } from '../../src/xml/gate.js';
import { XmlRefused } from '../../src/xml/refusal.js';
import { Schemas } from '../../src/xml/schemas.js';
import { namespacesInScope, type LocatedElement } from '../../src/xml/tree.js';
import { fixtureBytes } from '../support/fixtures.js';
import { limits } from '../support/limits.js';
import { seed } from '../support/seed.js';
import { lexicalForms } from './built-in-forms.js';
import { bytesOf, listedDocuments } from './documents.js';
import { xercesFaults, xercesMissing } from './xerces.js';

/**
 * The engine, with our own lexical spaces for some types, against Xerces: verdicts on documents, and on generated
 * values of every built-in type that the schemas use.
 */

const xsd = 'http://www.w3.org/2001/XMLSchema';
const schemaFolder = new URL('../../../schemas/', import.meta.url);

/** The built-in types that the shipped schemas name. */
function typesInUse(): readonly string[] {
  const used = new Set<string>();
  const visit = (element: LocatedElement): void => {
    for (const { name, value } of element.attributes) {
      if (!/^(?:type|base|itemType|memberTypes)$/.test(name)) continue;
      for (const qname of value.split(/\s+/)) {
        const [prefix = '', local = ''] = qname.includes(':') ? qname.split(':') : ['', qname];
        if (namespacesInScope(element).get(prefix) === xsd) used.add(local);
      }
    }
    element.children.forEach(visit);
  };
  for (const file of readdirSync(schemaFolder).filter((name) => name.endsWith('.xsd'))) {
    visit(gateBytes(fixtureBytes(`../schemas/${file}`), limits).tree);
  }
  return [...used].sort();
}

/** A schema in which each type has an element, and one with an attribute of it. */
function schemaOf(types: readonly string[]): string {
  const elements = types.map(
    (type) =>
      `<xs:element name="${type}" type="xs:${type}"/><xs:element name="a-${type}"><xs:complexType>` +
      `<xs:attribute name="v" type="xs:${type}"/></xs:complexType></xs:element>`,
  );
  return (
    `<xs:schema xmlns:xs="${xsd}"><xs:element name="values"><xs:complexType><xs:choice minOccurs="0" ` +
    `maxOccurs="unbounded">${elements.join('')}</xs:choice></xs:complexType></xs:element></xs:schema>`
  );
}

interface Known {
  readonly types: RegExp;
  readonly values: (value: string) => boolean;
  readonly why: string;
}

/** Where Xerces and this server differ, and the server is right. */
const known: readonly Known[] = [
  {
    types: /^(?:dateTime|time)$/,
    values: (value) => /:\d\d\.(?!\d)/.test(value),
    why: 'a point needs a digit behind it (3.2.7.1); Xerces does not mind where a zone follows',
  },
  {
    types: /^decimal$/,
    values: (value) => /^[+-]?\.$/.test(value),
    why: 'a number needs a digit (3.2.3.1)',
  },
  {
    types: /^anyURI$/,
    values: (value) => /^[A-Za-z][A-Za-z0-9+.-]*:(?:#|$)/.test(value),
    why: 'nothing need follow the scheme (RFC 3986 3.3: path-empty)',
  },
  {
    types: /^anyURI$/,
    values: (value) => /^[A-Za-z][A-Za-z0-9+.-]*:\[/.test(value),
    why: 'no opaque part starts with a bracket (RFC 2396 3: uric_no_slash, which RFC 2732 leaves as it is)',
  },
  {
    types: /^anyURI$/,
    values: (value) => {
      const host = /\[([0-9A-Fa-f:.]+)\]/.exec(value)?.[1];
      return host !== undefined && !isIPv6(host);
    },
    why: 'the grammar of RFC 2373 B, which RFC 2732 names, does not count the groups of an address',
  },
  {
    types: /^duration$/,
    values: (value) => /[A-Z](?:[YMDHS]|\.\d)/.test(value),
    why: 'a designator needs a whole number in front of it, or of its point (3.2.6.1)',
  },
];

describe('A third engine, Xerces', function () {
  this.timeout(300_000);

  before(function () {
    const missing = xercesMissing();
    if (missing === undefined) return;
    console.log(`    skipped: ${missing}`);
    this.skip();
  });

  it('gives every group, directory, error and key document among the fixtures the verdict of its manifest', () => {
    const kinds = /^(?:group|gktp|xcap-error|xcap-directory|resource-lists)$/;
    const listed = [
      ...listedDocuments('groups', 'group'),
      ...listedDocuments('schemas'),
      ...listedDocuments('xcap'),
      ...listedDocuments('resource-lists'),
    ].filter(({ kind, verdict }) => kinds.test(kind) && /^(?:valid|schema-invalid)$/.test(verdict));
    // What is wrong with the document element is found by its name, which Xerces is not asked about.
    // Nor does it look into an element that it does not know, where a wildcard is lax.
    const apart = /\/(?:root-|bad-value-inside-)/;
    const judged = listed.filter(({ path }) => !apart.test(path));
    const texts = new Map(judged.map((each) => [each.path, decodeUtf8(bytesOf(each))]));
    const faults = xercesFaults(texts);
    const differ = judged.flatMap(({ path, verdict }) => {
      const said = [...(faults.get(path)?.values() ?? [])];
      return (said.length === 0) === (verdict === 'valid')
        ? []
        : [`${path} is ${verdict}: ${said.join('; ')}`];
    });
    expect(differ).to.deep.equal([]);
    expect(judged.length).to.be.above(150);
  });

  describe(`judges generated values (seed ${seed})`, () => {
    const types = [...new Set([...typesInUse(), ...Object.keys(lexicalForms)])].sort();
    let schemas: Schemas;
    let folder: string;

    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'mcgms-types-'));
      const file = join(folder, 'types.xsd');
      writeFileSync(file, schemaOf(types));
      schemas = Schemas.open(schemaFolder, [{ name: 'declared:types', file, option: 'types' }]);
    });

    after(() => {
      rmSync(folder, { recursive: true });
    });

    function isValid(line: string): boolean {
      try {
        schemas.validate('declared:types', `<values>${line}</values>`);
        return true;
      } catch (error) {
        if (error instanceof XmlRefused && error.condition === 'schema-invalid') return false;
        throw error;
      }
    }

    /** The value of a type with white space collapsed. */
    const collapsed = (value: string): string => value.replace(/[ \t\n\r]+/g, ' ').replace(/^ | $/g, '');

    for (const type of types) {
      it(`of xs:${type} as the server does`, () => {
        const forms = lexicalForms[type] ?? expect.fail(`no forms of ${type} are generated`);
        const sampled = fc.sample(forms, { numRuns: 600, seed });
        // Each once, since an ID may stand in one place only.
        const values = [...new Map(sampled.map((value) => [collapsed(value), value])).values()];
        const lines = values.flatMap((value) => {
          const literal = escapeAttribute(value);
          const element = `<${type}>${literal}</${type}>`;
          return type === 'ID' ? [element] : [element, `<a-${type} v="${literal}"/>`];
        });
        const text = ['<values>', ...lines, '</values>'].join('\n');
        const faults = xercesFaults(new Map([['values', text]]), schemaOf(types)).get('values');
        const differ = lines.flatMap((line, index) => {
          const xerces = faults?.get(index + 2);
          const value = collapsed(values[type === 'ID' ? index : index >> 1] ?? '');
          if (known.some((each) => each.types.test(type) && each.values(value))) return [];
          if (isValid(line) === (xerces === undefined)) return [];
          return [`${line}: Xerces says ${xerces ?? 'valid'}`];
        });
        expect(differ).to.deep.equal([]);
        const valid = lines.filter(isValid).length;
        expect(valid, 'values that are valid').to.be.above(lines.length / 100);
      });
    }
  });
});
