import { expect } from 'chai';
import type { ETag, SystemName } from '../../../src/base/identifiers.js';
import { groupsAuid } from '../../../src/groups/names.js';
import { Incarnations } from '../../../src/interconnection/incarnations.js';
import { readPeerList } from '../../../src/interconnection/peer-list.js';
import { writeDirectory, type DirectoryFolder } from '../../../src/usages/directory-document.js';
import { limits } from '../../support/limits.js';
import { schemas } from '../../support/schemas.js';

const read = (text: string): readonly string[] | undefined =>
  readPeerList(Buffer.from(text), { schemas: schemas(), limits });
const folder = (auid: string, ...uris: readonly string[]): DirectoryFolder => ({
  auid: auid as typeof groupsAuid,
  entries: uris.map((uri) => ({ uri, etag: 'e' as ETag, modified: 0, size: 1 })),
});
const written = (...folders: readonly DirectoryFolder[]): string => [...writeDirectory(folders)].join('');
const byId = `${groupsAuid}/global/byGroupID`;

describe('The list that a peer gives of its groups (OMA XDM Core 6.7.2)', () => {
  it('names groups by absolute URIs and by paths, below whatever XCAP root', () => {
    const uris = [
      `https://xcap.police.example/deep/root/${byId}/sip%3Aone%40police.example`,
      `/xcap-root/${byId}/sip:two@POLICE.example`,
      `/xcap-root/${byId}/sip%3Aone%40police.example`,
    ];
    expect(read(written(folder(groupsAuid, ...uris)))).to.deep.equal([
      'sip:one@police.example',
      'sip:two@police.example',
    ]);
  });

  it('leaves out what is no group by its ID', () => {
    const uris = [
      `/xcap-root/${groupsAuid}/users/sip%3Ax%40police.example/group.xml`,
      `/xcap-root/${byId}/no-uri`,
      `/xcap-root/${byId}/%C3%28`,
      'nowhere',
    ];
    const others = folder('resource-lists', `/xcap-root/${byId}/sip%3Aone%40police.example`);
    expect(read(written(folder(groupsAuid, ...uris), others))).to.deep.equal([]);
    expect(read(written())).to.deep.equal([]);
  });

  for (const [what, text] of [
    ['an HTML page', '<html/>'],
    ['no XML', 'x'],
    ['nothing', ''],
    ['a document type declaration', `<!DOCTYPE x><xcap-directory xmlns="urn:oma:xml:xdm:xcap-directory"/>`],
  ] as const) {
    it(`${what} is no list`, () => {
      expect(read(text)).to.equal(undefined);
    });
  }
});

describe('The incarnations that a system names', () => {
  const b = 'b' as SystemName;

  it('several stores behind one gateway take turns, and only what was never heard is new', () => {
    const incarnations = new Incarnations();
    const heard = ['north', 'south', 'north', 'south', 'south-restored', 'south'];
    expect(heard.map((token) => incarnations.hear(b, token))).to.deep.equal([
      'first',
      'new',
      'known',
      'known',
      'new',
      'known',
    ]);
    expect(incarnations.hear('c' as SystemName, 'north')).to.equal('first');
  });

  it('does not remember without bound', () => {
    const incarnations = new Incarnations();
    for (let index = 0; index < 1000; index += 1) incarnations.hear(b, `token-${index}`);
    expect(incarnations.hear(b, 'token-999')).to.equal('known');
    expect(incarnations.hear(b, 'token-0'), 'the eldest is forgotten').to.equal('new');
  });
});
