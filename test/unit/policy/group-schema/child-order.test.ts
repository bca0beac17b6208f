import { expect } from 'chai';
import { derive } from '../../../../src/policy/derive.js';
import { PolicyFailed } from '../../../../src/policy/language/errors.js';
import { orderedParents } from '../../../../src/policy/group-schema/child-order.js';
import { gateText } from '../../../../src/xml/gate.js';
import { ns } from '../../../../src/xml/names.js';
import type { LocatedElement } from '../../../../src/xml/tree.js';
import { limits } from '../../../support/limits.js';
import { fromA, isValidGroup, template, validGroups } from '../policy-fixtures.js';

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
    for (const text of validGroups().filter((each) => each.length < 20_000)) {
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
            expect(isValidGroup(inserted), `${place} in ${parent.name}: ${fragment}\n${inserted}`).to.equal(
              true,
            );
          }
        }
      }
    }
    expect(tried.size).to.be.above(40);
  });

  it('has no one place for elements that others must stand between, or that are in another order', () => {
    const group = validGroups().find((text) => text.includes('on-network-group-priority')) ?? '';
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
      expect(isValidGroup(inserted), inserted).to.equal(true);
      expect(inserted.match(/<(?:ls:)?[\w:-]+/g)?.slice(2)).to.deep.equal([
        '<display-name',
        '<ls:invite-members',
        '<ls:max-participant-count',
        '<x:y',
      ]);
    }
  });
});
