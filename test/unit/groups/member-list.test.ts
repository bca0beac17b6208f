import { expect } from 'chai';
import { disclosesMembers, withoutMemberList } from '../../../src/groups/member-list.js';
import { readGroup } from '../../../src/groups/reading.js';
import {
  parseNamespaceBindings,
  parseNodeSelector,
  type NodeSelector,
} from '../../../src/xcap/node-selector.js';
import { gateText } from '../../../src/xml/gate.js';
import { ns } from '../../../src/xml/names.js';
import { bytesOf, listedDocuments } from '../../contract/documents.js';
import { fixture } from '../../support/fixtures.js';
import { schemas } from '../../support/schemas.js';
import { limits } from '../../support/limits.js';

const group = fixture('groups/valid/patrol-talkgroup.xml');
const withoutList = fixture('groups/valid/temporary-group.xml');

function discloses(text: string, node: NodeSelector | undefined): boolean {
  return disclosesMembers(text, readGroup(text), node);
}

describe('TS 24.481 7.2.12.1: what discloses the member list', () => {
  const selector = (node: string) =>
    parseNodeSelector(
      node,
      parseNamespaceBindings(
        `xmlns(o=${ns.listService})xmlns(m=${ns.mcpttGroupInfo})xmlns(rl=${ns.resourceLists})`,
      ),
      ns.listService,
      32,
    );

  for (const node of [
    'group',
    'group/list-service',
    'group/*',
    'group/list-service/list',
    'group/list-service/o:list',
    'group/list-service/*[2]',
    'group/list-service/list/entry[1]',
    'group/list-service/list/entry[1]/@uri',
    'group/list-service/list/entry[1]/rl:display-name',
    'group/list-service/list/namespace::*',
    'group/list-service/list/entry[@uri="sip:nobody@police.example"]',
    'group/list-service/list/entry[99]/@uri',
  ]) {
    it(`${node} discloses it`, () => {
      expect(discloses(group, selector(node))).to.equal(true);
    });
  }

  for (const node of [
    'group/list-service/display-name',
    'group/list-service/@uri',
    'group/list-service/namespace::*',
    'group/namespace::*',
    'group/list-service/*[1]',
    'group/list-service/m:on-network-group-priority',
    'group/list-service/nothing',
    'other/list-service/list',
  ]) {
    it(`${node} does not disclose it`, () => {
      expect(discloses(group, selector(node))).to.equal(false);
    });
  }

  it('the whole document discloses it, unless there is no list', () => {
    expect(discloses(group, undefined)).to.equal(true);
    expect(discloses(withoutList, undefined)).to.equal(false);
    expect(discloses(withoutList, selector('group/list-service'))).to.equal(false);
  });
});

describe('TS 24.481 6.3.16: a group document without its member list', () => {
  for (const document of listedDocuments('groups').filter(({ path }) => path.includes('/valid/'))) {
    it(`${document.path}: everything else is kept, and it stays valid`, () => {
      const gated = gateText(
        bytesOf(document)
          .toString('utf8')
          .replace(/^\uFEFF/, ''),
        limits,
      );
      const text = withoutMemberList(gated.text, readGroup(gated.text));
      schemas().validate('group', text);
      const [before, after] = [gated.tree.children[0], gateText(text, limits).tree.children[0]];
      const names = (element = before) => element?.children.map(({ name }) => name);
      expect(names(after)).to.deep.equal(
        names()?.filter((name) => name !== 'list' && !name.endsWith(':list')),
      );
      expect(gated.text.length - text.length).to.be.at.least(0);
      expect(gated.text.startsWith(text.slice(0, after?.contentStart))).to.equal(true);
    });
  }

  it('the white space before the list goes with it', () => {
    const text =
      '<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="sip:g@h">\n  <list/>\n</list-service></group>';
    expect(withoutMemberList(text, readGroup(text))).to.equal(text.replace('\n  <list/>', ''));
  });
});
