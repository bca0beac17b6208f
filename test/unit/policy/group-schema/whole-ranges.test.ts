import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { derive } from '../../../../src/policy/derive.js';
import { wholeRanges } from '../../../../src/policy/group-schema/whole-ranges.js';
import { ns } from '../../../../src/xml/names.js';
import { limits } from '../../../support/limits.js';
import { fromA, isValidGroup, template, validGroups } from '../policy-fixtures.js';

/** What policies know of the schemas of groups, compared with those schemas. */

const xsdOf = (file: string): string =>
  readFileSync(new URL(`../../../../../schemas/${file}`, import.meta.url), 'utf8');

const files: readonly (readonly [string, string])[] = [
  [ns.listService, 'list-service.xsd'],
  [ns.resourceLists, 'resource-lists.xsd'],
  [ns.mcpttGroupInfo, 'mcptt-group-info.xsd'],
  [ns.omaExtensions, 'oma-xdm-extensions.xsd'],
];

/** The types of whole numbers that the schemas use, each with its range; a larger one has none. */
const wholeTypes: Readonly<Record<string, readonly [string, string | undefined]>> = {
  'xs:nonNegativeInteger': ['0', undefined],
  'xs:positiveInteger': ['1', undefined],
  'xs:unsignedByte': ['0', '255'],
  'xs:unsignedShort': ['0', '65535'],
  'xs:unsignedInt': ['0', '4294967295'],
  'mcpttgi:priorityType': ['0', '255'],
  'mcpttgi:CoordinateType': ['0', '16777215'],
};

describe('The ranges that raise and lower keep to', () => {
  for (const [namespace, file] of files) {
    it(`are those of ${file}, of every whole number that it declares`, () => {
      const declared = [...xsdOf(file).matchAll(/<xs:element name="([^"]+)" type="([^"]+)"/g)].flatMap(
        ([, name = '', type = '']): [string, { min: string; max: string | undefined }][] => {
          const range = wholeTypes[type];
          return range === undefined ? [] : [[name, { min: range[0], max: range[1] }]];
        },
      );
      const known = [...(wholeRanges.get(namespace) ?? [])].map(([name, range]) => [name, { ...range }]);
      expect(Object.fromEntries(known)).to.deep.equal(Object.fromEntries(declared));
    });
  }

  it('leave no type of numbers in the schemas out', () => {
    const types = new Set(
      files
        .flatMap(([, file]) => [
          ...xsdOf(file).matchAll(/type="(xs:\w*(?:[Ii]nt|[Ss]hort|[Bb]yte|long|Long)\w*)"/g),
        ])
        .map(([, type = '']) => type),
    );
    expect([...types].filter((type) => wholeTypes[type] === undefined)).to.deep.equal([]);
  });

  it('make every result valid, however far it is raised or lowered', () => {
    let tried = 0;
    for (const text of validGroups()) {
      for (const [namespace, ranges] of wholeRanges) {
        for (const name of ranges.keys()) {
          for (const action of ['<raise by="99999999999"/>', '<lower by="99999999999"/>']) {
            const match = `//*[local-name() = '${name}' and namespace-uri() = '${namespace}'][not(ancestor::mcpttgi:on-network-regrouped)]`;
            const { text: shifted, modifications } = derive(fromA(text), [template(match, action)], limits);
            tried += modifications.length;
            expect(isValidGroup(shifted), `${action} of ${name}`).to.equal(true);
          }
        }
      }
    }
    expect(tried).to.be.above(20);
  });
});
