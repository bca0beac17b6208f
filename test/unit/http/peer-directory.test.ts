import { expect } from 'chai';
import { systemClock } from '../../../src/base/clock.js';
import type { Auid, DocumentName, ETag, GroupId } from '../../../src/base/identifiers.js';
import { InsufficientStorage } from '../../../src/base/refusals.js';
import type { StoredDocument } from '../../../src/documents/state.js';
import { GroupReadings } from '../../../src/groups/reading.js';
import { nameOfGroup } from '../../../src/groups/names.js';
import { PeerDirectory } from '../../../src/http/xcap/peer-directory.js';
import { a, b, delivery, homesOf, ownState, peer, peers } from '../interconnection/parts.js';

const place = {
  auid: 'org.openmobilealliance.xcap-directory' as Auid,
  tree: 'global',
  xui: undefined,
  path: ['directory.xml'],
} as const;

describe('the list that a peer reads, of many groups (design D21)', () => {
  const partner = peer(b);
  let names: readonly DocumentName[];
  let generation: number;
  let listed: number;
  let directory: PeerDirectory;

  const answer = (): Promise<unknown> =>
    directory.answer({ headers: {} }, partner, { place, node: undefined }).catch((error: unknown) => error);

  beforeEach(() => {
    generation = 1;
    listed = 0;
    const state = ownState('<x/>', { [b]: delivery({ status: 'delivered', hold: true }) }, 'e');
    const stored = (key: DocumentName): StoredDocument => ({
      key,
      revision: 1,
      names: [key],
      form: { etag: 'e' as ETag, body: '<x/>', modified: 0 },
      received: undefined,
      state,
    });
    directory = new PeerDirectory(
      {
        documents: {
          get generation() {
            return generation;
          },
          async *keysOf() {
            listed += 1;
            await Promise.resolve();
            yield* names;
          },
          turn: () => Promise.resolve(),
          look: (name) => Promise.resolve(stored(name)),
        },
        readings: new GroupReadings(1 << 20),
        homes: homesOf(a),
        peers: peers(partner),
        clock: systemClock,
        most: 10_000,
      },
      'http://a.invalid/xcap-root',
    );
  });

  it('one that is too large is found so once, until something is committed', async () => {
    names = Array.from({ length: 100 }, (_, index) => nameOfGroup(`sip:${index}@police.example` as GroupId));
    const refusal = await answer();
    expect(refusal).to.be.instanceOf(InsufficientStorage);
    const before = listed;
    expect(await answer()).to.equal(refusal);
    expect(listed).to.equal(before);
    generation += 1;
    names = names.slice(0, 1);
    expect(await answer()).to.deep.include({ status: 200 });
  });
});
