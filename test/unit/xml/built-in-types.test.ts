import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { lexicalForms } from '../../../src/xml/built-in-types.js';
import { escapeAttribute } from '../../../src/xml/build.js';
import { parseGated } from '../../../src/xml/parse.js';
import { XmlRefused } from '../../../src/xml/refusal.js';
import { Schemas } from '../../../src/xml/schemas.js';
import { lexicalForms as generatedForms } from '../../contract/built-in-forms.js';
import { jsonFixture } from '../../support/fixtures.js';
import { expectLinear } from '../../support/growth.js';
import { schemas } from '../../support/schemas.js';
import { seed } from '../../support/seed.js';

interface Values {
  readonly valid: readonly string[];
  readonly invalid: readonly string[];
}

const xsd = 'http://www.w3.org/2001/XMLSchema';
const xsi = 'http://www.w3.org/2001/XMLSchema-instance';
const table = jsonFixture('schemas/built-in-types.json') as Readonly<Record<string, Values>>;

describe('XML Schema part 2: built-in types', () => {
  let folder: string;
  let judge: Schemas;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcgms-types-'));
    const file = join(folder, 'types.xsd');
    const elements = Object.keys(table).map(
      (type) =>
        `<xs:element name="${type}" type="xs:${type}"/><xs:element name="a-${type}"><xs:complexType>` +
        `<xs:simpleContent><xs:extension base="xs:${type}"><xs:attribute name="v" type="xs:${type}"/>` +
        '</xs:extension></xs:simpleContent></xs:complexType></xs:element>',
    );
    writeFileSync(file, `<xs:schema xmlns:xs="${xsd}">${elements.join('')}</xs:schema>`);
    judge = Schemas.open(new URL('../../../../schemas/', import.meta.url), [
      { name: 'declared:types', file, option: 'types' },
    ]);
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  function refusal(text: string): string | undefined {
    try {
      judge.validate('declared:types', text);
      return undefined;
    } catch (error) {
      if (error instanceof XmlRefused && error.condition === 'schema-invalid') return error.message;
      throw error;
    }
  }

  for (const [type, { valid, invalid }] of Object.entries(table)) {
    it(`xs:${type}: values, also with white space around them, in elements and attributes`, () => {
      for (const value of valid.flatMap((each) => [each, ` ${each}`, `\n\t${each}\r\n`])) {
        const literal = escapeAttribute(value);
        expect(refusal(`<${type}>${literal}</${type}>`), value).to.equal(undefined);
        expect(refusal(`<a-${type} v="${literal}">${literal}</a-${type}>`), value).to.equal(undefined);
      }
      for (const value of invalid) {
        const literal = escapeAttribute(value);
        const message = `'${value}' is not a valid value of the atomic type 'xs:${type}'.`;
        expect(refusal(`\n<${type}>${literal}</${type}>`)).to.equal(`line 2: Element '${type}': ${message}`);
        expect(refusal(`<a-${type} v="${literal}">${valid[0] ?? ''}</a-${type}>`), value).to.equal(
          `line 1: Element 'a-${type}', attribute 'v': ${message}`,
        );
      }
    });

    it(`xs:${type}: xsi:type may repeat the type, and nothing is taken for it that is none`, () => {
      const named = (value: string): string =>
        `<${type} xmlns:xs="${xsd}" xmlns:xsi="${xsi}" xsi:type="xs:${type}">${escapeAttribute(value)}</${type}>`;
      expect(refusal(named(valid[0] ?? ''))).to.equal(undefined);
      expect(refusal(named(invalid[0] ?? ''))).to.not.equal(undefined);
    });
  }

  for (const [type, patterns] of Object.entries(lexicalForms)) {
    it(`xs:${type}: the engine reads our patterns as JavaScript does (seed ${seed})`, () => {
      const forms = generatedForms[type] ?? expect.fail(`no forms of ${type} are generated`);
      const whole = patterns.map((pattern) => new RegExp(`^(?:${pattern})$`, 'u'));
      fc.assert(
        fc.property(forms, (value) => {
          const collapsed = value.replace(/[ \t\n\r]+/g, ' ').replace(/^ | $/g, '');
          const isForm = whole.some((pattern) => pattern.test(collapsed));
          return (refusal(`<${type}>${escapeAttribute(value)}</${type}>`) === undefined) === isForm;
        }),
        { seed, numRuns: 500 },
      );
    });
  }

  const long: Readonly<Record<string, (size: number) => string>> = {
    anyURI: (size) => `${'a'.repeat(size)}[`,
    duration: (size) => `P${'1'.repeat(size)}`,
    dateTime: (size) => `2026-01-01T00:00:00.${'0'.repeat(size)}Q`,
    date: (size) => '1'.repeat(size),
  };
  for (const [type, make] of Object.entries(long)) {
    it(`xs:${type}: a long value is refused in linear time`, () => {
      const refuse = (value: string): void => {
        expect(refusal(`<${type}>${value}</${type}>`)?.length).to.be.within(10, 500);
      };
      expectLinear(make, refuse, 25_000);
    });
  }

  it('a group is judged so: F04, white space around a dateTime and a duration', () => {
    const group = (from: string, timer: string): string =>
      '<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="sip:a@[2001:db8::1]">' +
      '<cp:ruleset xmlns:cp="urn:ietf:params:xml:ns:common-policy"><cp:rule id="r"><cp:conditions><cp:validity>' +
      `<cp:from>${from}</cp:from><cp:until>2027-01-01T00:00:00Z</cp:until></cp:validity></cp:conditions>` +
      '</cp:rule></cp:ruleset><m:on-network-hang-timer xmlns:m="urn:3gpp:ns:mcpttGroupInfo:1.0">' +
      `${timer}</m:on-network-hang-timer></list-service></group>`;
    schemas().validate('group', group('\n  2026-01-01T00:00:00Z\n', '\n  PT10S\n'));
    for (const text of [group('2026-01-01', 'PT10S'), group('2026-01-01T00:00:00Z', '10')]) {
      expect(() => {
        schemas().validate('group', text);
      }).to.throw(XmlRefused, /is not a valid value of the atomic type 'xs:(?:dateTime|duration)'\.$/);
    }
  });
});

describe('Namespaces in XML 1.0 §2.3: a namespace name is a name', () => {
  for (const name of [
    'a b',
    '%zz',
    'urn:x[1]',
    'http://ä.example/',
    '{x}',
    ':',
    'http://[::1]/',
    'relative',
  ]) {
    it(`${name} is taken, as a default namespace and of a prefix`, () => {
      parseGated(`<a xmlns="${name}"><p:b xmlns:p="${name}"/></a>`).dispose();
    });
  }

  it('what is not well-formed behind many of them is still found', () => {
    const names = Array.from({ length: 5 }, (_, index) => `<b xmlns:p${index}="a b"/>`).join('');
    expect(() => parseGated(`<a>${names}<c></a>`)).to.throw(XmlRefused, /^line 1: Opening and ending tag/);
    expect(() => parseGated(`<a>${names}<p:c/></a>`)).to.throw(XmlRefused, /prefix p/);
  });
});
