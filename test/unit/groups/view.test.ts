import { expect } from 'chai';
import { groupView, type GroupView } from '../../../src/groups/view.js';
import { gateText } from '../../../src/xml/gate.js';
import { bytesOf, listedDocuments } from '../../contract/documents.js';
import { limits } from '../../support/limits.js';

function view(text: string): GroupView {
  return groupView(gateText(text, limits));
}

describe('The view of a group document (TS 24.481 7.2.2)', () => {
  for (const document of listedDocuments('groups')) {
    if (document.groupId === undefined) continue;
    it(`${document.path} has the group ID ${document.groupId}`, () => {
      expect(view(bytesOf(document).toString('utf8')).groupId).to.equal(document.groupId);
    });
  }

  const head =
    '<group xmlns="urn:oma:xml:poc:list-service" xmlns:m="urn:3gpp:ns:mcpttGroupInfo:1.0"' +
    ' xmlns:rl="urn:ietf:params:xml:ns:resource-lists">';
  const group = (service: string): string => `${head}${service}</group>`;

  it('the display name is read with references and CDATA resolved, without the white space around it', () => {
    const text = group(
      '<list-service uri="sip:g@h"><display-name> A &amp; <![CDATA[<B>]]><!--c--> </display-name></list-service>',
    );
    expect(view(text).displayName).to.equal('A & <B>');
    expect(view(group('<list-service uri="sip:g@h"/>')).displayName).to.equal(undefined);
  });

  it('every MC service ID of a member is read: of the entry, for MCVideo and for MCData', () => {
    const text = group(
      '<list-service uri="sip:g@h"><list>' +
        '<entry uri="SIP:a@POLICE.example"><m:mcvideo-mcvideo-id uri="sip:a.video@h"/>' +
        '<m:mcdata-mcdata-id uri="sip:a.data@h"/></entry>' +
        '<entry uri="sip:b@h"><m:mcdata-mcdata-id uri="sip:b@h"/></entry>' +
        '<entry uri="no uri"/><external anchor="sip:c@h"/>' +
        '</list></list-service>',
    );
    expect(view(text).members.map(({ identities }) => identities)).to.deep.equal([
      ['sip:a@police.example', 'sip:a.video@h', 'sip:a.data@h'],
      ['sip:b@h'],
      [],
    ]);
    expect([...view(text).identities]).to.deep.equal([
      'sip:a@police.example',
      'sip:a.video@h',
      'sip:a.data@h',
      'sip:b@h',
    ]);
  });

  it('an entry of another namespace or at another place is no member', () => {
    const text = group(
      '<list-service uri="sip:g@h"><list/><rl:entry uri="sip:a@h"/><entry uri="sip:b@h"/>' +
        '<m:list><entry uri="sip:c@h"/></m:list></list-service>',
    );
    expect(view(text).members).to.deep.equal([]);
  });

  it('nothing is read where nothing is written', () => {
    for (const text of ['<group/>', head + '</group>', group('<list-service/>')]) {
      const { groupId, displayName, members } = view(text);
      expect({ groupId, displayName, members }).to.deep.equal({
        groupId: undefined,
        displayName: undefined,
        members: [],
      });
    }
  });

  it('the view is made once per document', () => {
    const document = gateText(group('<list-service uri="sip:g@h"/>'), limits);
    expect(groupView(document)).to.equal(groupView(document));
  });
});
