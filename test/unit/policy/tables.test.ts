import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { derive } from '../../../src/policy/derive.js';
import { addDecimals, isWhole, subtractDecimals } from '../../../src/policy/decimal.js';
import { PolicyFailed } from '../../../src/policy/errors.js';
import { orderedParents } from '../../../src/policy/group-schema/child-order.js';
import { wholeRanges } from '../../../src/policy/group-schema/whole-ranges.js';
import { gateText } from '../../../src/xml/gate.js';
import { ns } from '../../../src/xml/names.js';
import type { LocatedElement } from '../../../src/xml/tree.js';
import { fromA, names, read, template } from './policy-fixtures.js';
import { limits } from '../../support/limits.js';
import { schemas } from '../../support/schemas.js';

/** What policies know of the schemas of groups, compared with those schemas. */

const xsdOf = (file: string): string =>
  readFileSync(new URL(`../../../../schemas/${file}`, import.meta.url), 'utf8');

const files: readonly (readonly [string, string])[] = [
  [ns.listService, 'list-service.xsd'],
  [ns.resourceLists, 'resource-lists.xsd'],
  [ns.mcpttGroupInfo, 'mcptt-group-info.xsd'],
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

const documents = names('groups/valid').map((name) => read(`groups/valid/${name}`));

function isValid(text: string): boolean {
  try {
    schemas().validate('group', text);
    return true;
  } catch {
    return false;
  }
}

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
    for (const text of documents) {
      for (const [namespace, ranges] of wholeRanges) {
        for (const name of ranges.keys()) {
          for (const action of ['<raise by="99999999999"/>', '<lower by="99999999999"/>']) {
            const match = `//*[local-name() = '${name}' and namespace-uri() = '${namespace}'][not(ancestor::mcpttgi:on-network-regrouped)]`;
            const { text: shifted, modifications } = derive(fromA(text), [template(match, action)], limits);
            tried += modifications.length;
            expect(isValid(shifted), `${action} of ${name}`).to.equal(true);
          }
        }
      }
    }
    expect(tried).to.be.above(20);
  });
});

describe('The order of the schemas', () => {
  const prefixes = new Map<string, string>([
    [ns.listService, 'ls'],
    [ns.mcpttGroupInfo, 'mcpttgi'],
  ]);
  const elementsOf = (root: LocatedElement): LocatedElement[] => [root, ...root.children.flatMap(elementsOf)];

  /** Elements that may stand once more below the parent of this name, wherever the order lets them. */
  function insertable(parent: LocatedElement): readonly string[] {
    const note = '<x:note xmlns:x="urn:x"/>';
    const missing = (...optional: readonly string[]): readonly string[] =>
      optional.filter((xml) => {
        const name = /^<(?:\w+:)?([\w-]+)/.exec(xml)?.[1];
        return !parent.children.some(({ local }) => local === name);
      });
    switch (parent.local) {
      case 'list-service':
        return [
          note,
          '<mcpttgi:owner>sip:o@a.example</mcpttgi:owner>',
          ...missing(
            '<ls:display-name>x</ls:display-name>',
            '<ls:invite-members>true</ls:invite-members>',
            '<ls:max-participant-count>9</ls:max-participant-count>',
          ),
        ];
      case 'list':
        return ['<ls:entry uri="sip:new@a.example"/>', '<ls:external/>'];
      case 'rule':
      case 'status':
        return [];
      case 'entry':
        if (parent.namespace === ns.mcpttGroupInfo)
          return [note, ...missing('<mcpttgi:display-name>x</mcpttgi:display-name>')];
        return [note, ...missing('<rl:display-name>x</rl:display-name>')];
      default:
        return [note];
    }
  }

  it('lets a fragment that may stand in an element stand there, whatever place is asked for', () => {
    const tried = new Set<string>();
    for (const text of documents.filter((each) => each.length < 20_000)) {
      for (const parent of elementsOf(gateText(text, limits).tree)) {
        const known = orderedParents.find(
          ({ local, namespace }) => local === parent.local && namespace === parent.namespace,
        );
        const prefix = prefixes.get(parent.namespace);
        if (known === undefined || prefix === undefined || tried.has(`${parent.name} ${text.length}`))
          continue;
        tried.add(`${parent.name} ${text.length}`);
        const path = `(//${prefix}:${parent.local})[1]`;
        for (const fragment of insertable(parent)) {
          for (const [match, place] of [
            [path, 'first'],
            [path, 'last'],
            [`${path}/*[1]`, 'before'],
            [`${path}/*[last()]`, 'after'],
          ] as const) {
            const policy = template(
              match,
              `<insert place="${place}">${fragment}</insert>`,
              ' protected="override"',
            );
            const { text: inserted } = derive(fromA(text), [policy], limits);
            expect(isValid(inserted), `${place} in ${parent.name}: ${fragment}\n${inserted}`).to.equal(true);
          }
        }
      }
    }
    expect(tried.size).to.be.above(40);
  });

  it('has no one place for elements that others must stand between, or that are in another order', () => {
    const group = documents.find((text) => text.includes('on-network-group-priority')) ?? '';
    const [name, owner, invite] = [
      '<ls:display-name>x</ls:display-name>',
      '<mcpttgi:owner>x</mcpttgi:owner>',
      '<ls:invite-members>true</ls:invite-members>',
    ] as const;
    for (const fragment of [name + owner, owner + invite]) {
      const policy = template('ls:list-service', `<insert place="last">${fragment}</insert>`);
      expect(() => derive(fromA(group), [policy], limits)).to.throw(
        PolicyFailed,
        "template p/t: the schema's order of the children of /group/list-service leaves no one place",
      );
    }
  });

  it('takes a fragment of several elements to where all of them may stand together', () => {
    const text =
      '<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="sip:g@a.example">' +
      '<display-name>G</display-name><x:y xmlns:x="urn:x"/></list-service></group>';
    const fragment =
      '<ls:invite-members>true</ls:invite-members><ls:max-participant-count>9</ls:max-participant-count>';
    for (const place of ['first', 'last']) {
      const policy = template('ls:list-service', `<insert place="${place}">${fragment}</insert>`);
      const { text: inserted } = derive(fromA(text), [policy], limits);
      expect(isValid(inserted), inserted).to.equal(true);
      expect(inserted.match(/<(?:ls:)?[\w:-]+/g)?.slice(2)).to.deep.equal([
        '<display-name',
        '<ls:invite-members',
        '<ls:max-participant-count',
        '<x:y',
      ]);
    }
  });
});

describe('Sums and differences of decimal numbers', () => {
  const cases: readonly [string, string, string, string][] = [
    ['1', '2', '3', '-1'],
    ['007', '3', '10', '4'],
    [' 7\n', '0.5', '7.5', '6.5'],
    ['-1.25', '.25', '-1', '-1.5'],
    ['0.1', '0.2', '0.3', '-0.1'],
    ['9007199254740993', '1', '9007199254740994', '9007199254740992'],
    ['99999999999999999999.9', '0.1', '100000000000000000000', '99999999999999999999.8'],
    ['-0', '0', '0', '0'],
  ];

  for (const [a, b, sum, rest] of cases) {
    it(`${a.trim()} and ${b}`, () => {
      expect(addDecimals(a, b)).to.equal(sum);
      expect(subtractDecimals(a, b)).to.equal(rest);
    });
  }

  it('are of numbers only', () => {
    for (const text of ['', 'x', '1e3', 'PT10S']) {
      expect(addDecimals(text, '1')).to.equal(undefined);
      expect(subtractDecimals('1', text)).to.equal(undefined);
    }
  });

  it('are whole where nothing but zeros stands behind the point', () => {
    expect(['1', '-2.', '3.00', '+4'].every(isWhole)).to.equal(true);
    expect(['1.5', '.1', 'x', ''].some(isWhole)).to.equal(false);
  });
});
