import { expect } from 'chai';
import type { ETag, GroupId, SystemName } from '../../../src/base/identifiers.js';
import { sourceOf, whoseRecord } from '../../../src/groups/whose-record.js';
import { a, b, c, homesOf, joint, ownState, receivedState } from '../interconnection/parts.js';

describe('design D6: whose a group’s record is', () => {
  const homes = homesOf(a);
  const pier = 'sip:pier@fire.example' as GroupId;
  const unknown = 'sip:x@nowhere.example' as GroupId;

  for (const [title, source, groupId, whose] of [
    ['put here, defined here', undefined, joint, 'own'],
    ['put here, in a domain of nobody', undefined, unknown, 'own'],
    ['put here, and the domain is a peer’s now', undefined, pier, 'orphan'],
    ['from its home', b, pier, 'of its primary'],
    ['from a peer, and the domain is another peer’s now', c, pier, 'orphan'],
    ['from a peer, and the domain is ours now', b, joint, 'orphan'],
    ['from a peer, and the domain is nobody’s now', b, unknown, 'orphan'],
    ['from a system that is no peer', 'z' as SystemName, pier, 'orphan'],
  ] as const) {
    it(`${title}: ${whose}`, () => {
      expect(whoseRecord(source, groupId, homes)).to.equal(whose);
    });
  }

  it('what is left of a document tells where that came from', () => {
    const gone = { ...ownState(''), current: null };
    const tombstone = { etag: 't' as ETag, at: 0, system: b };
    expect(sourceOf(ownState(''))).to.equal(undefined);
    expect(sourceOf(receivedState('', b))).to.equal(b);
    expect(sourceOf({ ...gone, tombstone })).to.equal(b);
    expect(sourceOf({ ...gone, tombstone: { ...tombstone, system: null } })).to.equal(undefined);
  });
});
