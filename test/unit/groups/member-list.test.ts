import { expect } from 'chai';
import { readGroupOperation } from '../../../src/groups/gmop.js';
import { disclosesMembers, withoutMemberList } from '../../../src/groups/member-list.js';
import { BadRequest, NotImplemented } from '../../../src/base/refusals.js';
import { parseNamespaceBindings, parseNodeSelector } from '../../../src/xcap/node-selector.js';
import { gateText } from '../../../src/xml/gate.js';
import { ns } from '../../../src/xml/names.js';
import { bytesOf, listedDocuments } from '../../contract/documents.js';
import { fixture } from '../../support/fixtures.js';
import { schemas } from '../../support/schemas.js';
import { limits } from '../../support/limits.js';

const group = gateText(fixture('groups/valid/patrol-talkgroup.xml'), limits);
const withoutList = gateText(fixture('groups/valid/temporary-group.xml'), limits);

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
    it(`${node} does`, () => {
      expect(disclosesMembers(group, selector(node))).to.equal(true);
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
    it(`${node} does not`, () => {
      expect(disclosesMembers(group, selector(node))).to.equal(false);
    });
  }

  it('the whole document does, unless there is no list', () => {
    expect(disclosesMembers(group, undefined)).to.equal(true);
    expect(disclosesMembers(withoutList, undefined)).to.equal(false);
    expect(disclosesMembers(withoutList, selector('group/list-service'))).to.equal(false);
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
      const text = withoutMemberList(gated);
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

  it('takes the white space before the list along', () => {
    const text =
      '<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="sip:g@h">\n  <list/>\n</list-service></group>';
    expect(withoutMemberList(gateText(text, limits))).to.equal(text.replace('\n  <list/>', ''));
  });
});

describe('TS 24.481 7.3: group management operations', () => {
  const read = (text: string): string => readGroupOperation(Buffer.from(text), schemas(), limits);
  const inDocument = (content: string): string =>
    `<document xmlns="urn:3gpp:ns:mcpttGMOP:1.0">${content}</document>`;

  it('get-excluding-memberlist', () => {
    expect(read(inDocument('<request><get-excluding-memberlist/></request>'))).to.equal(
      'get-excluding-memberlist',
    );
    expect(
      read(
        '<g:document xmlns:g="urn:3gpp:ns:mcpttGMOP:1.0"><g:request><!-- --><g:get-excluding-memberlist/></g:request></g:document>',
      ),
    ).to.equal('get-excluding-memberlist');
  });

  for (const content of [
    '<request><group-regroup-creation/></request>',
    '<request><v:x xmlns:v="urn:v"/></request>',
  ]) {
    it(`${content} is not offered`, () => {
      expect(() => read(inDocument(content))).to.throw(NotImplemented);
    });
  }

  for (const body of [
    '',
    'no XML',
    '<document/>',
    '<!DOCTYPE document><document xmlns="urn:3gpp:ns:mcpttGMOP:1.0"><request><get-excluding-memberlist/></request></document>',
    inDocument(''),
    inDocument('<request/>'),
    inDocument('<response><get-excluding-memberlist/></response>'),
    inDocument('<request><get-excluding-memberlist>x</get-excluding-memberlist></request>'),
    inDocument('<request><get-excluding-memberlist/><get-excluding-memberlist/></request>'),
    inDocument('<request><get-excluding-memberlist/></request><request/>'),
  ]) {
    it(`${JSON.stringify(body)} is no request`, () => {
      expect(() => read(body)).to.throw(BadRequest);
    });
  }
});
