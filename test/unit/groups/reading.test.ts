import { expect } from 'chai';
import type { ETag } from '../../../src/base/identifiers.js';
import { GroupReadings, readGroup } from '../../../src/groups/reading.js';
import { groupView } from '../../../src/groups/view.js';
import { gateText } from '../../../src/xml/gate.js';
import { bytesOf, listedDocuments } from '../../contract/documents.js';
import { expectLinear } from '../../support/growth.js';
import { limits } from '../../support/limits.js';

const head =
  '<group xmlns="urn:oma:xml:poc:list-service" xmlns:m="urn:3gpp:ns:mcpttGroupInfo:1.0"' +
  ' xmlns:cp="urn:ietf:params:xml:ns:common-policy">';

function group(service: string): string {
  return `${head}${service}</group>`;
}

describe('What is read out of the text of a group', () => {
  const texts: readonly (readonly [string, string])[] = [
    ...listedDocuments('groups')
      .filter(({ path }) => path.includes('/valid/'))
      .map((document) => [document.path, bytesOf(document).toString('utf8')] as const),
    ['nothing', '<group/>'],
    ['an empty list-service', group('<list-service/><list-service uri="sip:h@h"/>')],
    ['an empty list', group('<list-service uri="sip:g@h"><list/><entry uri="sip:a@h"/></list-service>')],
    [
      'entries elsewhere',
      group(
        '<list-service uri="sip:g@h"><m:list><entry uri="sip:c@h"/></m:list><list><x><entry uri="sip:d@h"/></x>' +
          '<m:entry uri="sip:e@h"/><entry uri="SIP:a@POLICE.example"><m:mcdata-mcdata-id uri="sip:a.data@h"/>' +
          '<mcdata-mcdata-id uri="sip:b@h"/><x><m:mcvideo-mcvideo-id uri="sip:f@h"/></x></entry></list>' +
          '<list><entry uri="sip:second@h"/></list></list-service><list-service><list><entry uri="sip:z@h"/></list>' +
          '</list-service>',
      ),
    ],
  ];
  for (const [name, text] of texts) {
    it(`${name}: group ID and members are those of the tree`, () => {
      const { groupId, identities } = readGroup(text);
      const view = groupView(gateText(text, limits));
      expect({ groupId, identities: [...identities] }).to.deep.equal({
        groupId: view.groupId,
        identities: [...view.identities],
      });
    });
  }

  it('the list is the first of the first list-service', () => {
    const text = group(
      '<x/><list-service><m:list/><list ><entry uri="sip:a@h"/></list><list/></list-service>',
    );
    const { memberList } = readGroup(text);
    expect(text.slice(memberList?.start, memberList?.end)).to.equal('<list ><entry uri="sip:a@h"/></list>');
    expect(readGroup(group('<list-service><m:list/></list-service>')).memberList).to.equal(undefined);
  });

  it('the owner is read with references resolved, without elements inside', () => {
    const owned = (owner: string) => readGroup(group(`<list-service>${owner}</list-service>`)).owner;
    expect(owned('<m:owner> sip:&#x61;@<!--c-->H<x>y</x>\n</m:owner><m:owner>sip:b@h</m:owner>')).to.equal(
      'sip:a@h',
    );
    expect(owned('<m:owner/>')).to.equal(undefined);
    expect(owned('<owner>sip:a@h</owner>')).to.equal(undefined);
  });

  it('takes time in proportion to its length (design D21)', function () {
    this.timeout(60_000);
    const service = (content: string): string =>
      group(`<list-service uri="sip:g@h">${content}</list-service>`);
    const repeated = (size: number, one: (at: number) => string): string =>
      Array.from({ length: size }, (_, at) => one(at)).join('');
    const makers: readonly ((size: number) => string)[] = [
      (size) => service(`<list>${repeated(size, (at) => `<entry uri="sip:${at}@h"/>`)}</list>`),
      (size) => service(`<m:owner>${repeated(size, () => '<x/>')}</m:owner>`),
      (size) => service(repeated(size, () => '<cp:ruleset/>')),
      (size) => service(`<cp:ruleset>${repeated(size, (at) => `<cp:rule id="${at}"/>`)}</cp:ruleset>`),
    ];
    // No more than that: where all that was read fills the space of young objects, collecting it grows in a step.
    for (const make of makers) expectLinear(make, readGroup, 500);
  });
});

describe('What was read of groups', () => {
  const form = (etag: string) => ({
    etag: etag as ETag,
    body: group('<list-service uri="sip:g@h"/>'),
    modified: 0,
  });

  it('is kept by entity tag, as far as there is room', () => {
    const readings = new GroupReadings(1500);
    const one = readings.of(form('one'));
    expect(readings.of(form('one'))).to.equal(one);
    readings.of(form('two'));
    readings.of(form('three'));
    expect(readings.of(form('one'))).not.to.equal(one);
  });
});
