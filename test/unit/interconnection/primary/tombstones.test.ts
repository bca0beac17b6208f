import { expect } from 'chai';
import type { WallTime } from '../../../../src/base/clock.js';
import type { ETag, SystemName } from '../../../../src/base/identifiers.js';
import type { Delivery, DocumentState, Tombstone } from '../../../../src/documents/state.js';
import { groupsAuid } from '../../../../src/groups/names.js';
import { firstDelivery } from '../../../../src/interconnection/primary/delivery-state.js';
import { afterExpiry, lifetime } from '../../../../src/interconnection/primary/tombstones.js';

const died = 1_000_000;
const now = (died + lifetime) as WallTime;
const before = (now - 1) as WallTime;

const tombstone = (system: string | null = null, at = died): Tombstone => ({
  etag: 't' as ETag,
  at,
  system: system as SystemName | null,
});

/** A group that is gone. */
function gone(
  deliveries: Readonly<Record<string, Delivery>> = {},
  rest: Partial<DocumentState> = {},
): DocumentState {
  return { auid: groupsAuid, current: null, received: null, deliveries, tombstone: tombstone(), ...rest };
}

const withdrawn = (at?: number): Delivery => ({
  ...firstDelivery,
  hold: false,
  status: 'withdrawn',
  answer: at === undefined ? null : { status: 200, at, result: null },
});

/** A record of which nothing is left that it is kept for. */
const forgotten = { auid: groupsAuid, current: null, received: null, deliveries: {} };

describe('What is remembered of groups that are gone', () => {
  it('expires at the end of its time, not before', () => {
    const state = gone({ b: withdrawn(died) }, { concerned: ['b'] });
    expect(afterExpiry(state, before)).to.equal(undefined);
    expect(afterExpiry(state, now)).to.deep.equal(forgotten);
  });

  it('expires with the tombstone where nobody was ever owed anything', () => {
    expect(afterExpiry(gone({}, { concerned: ['b'] }), before)).to.equal(undefined);
    expect(afterExpiry(gone({}, { concerned: ['b'] }), now)).to.deep.equal(forgotten);
  });

  it('expires at the partner in the same way', () => {
    const state = gone({}, { tombstone: tombstone('a') });
    expect(afterExpiry(state, before)).to.equal(undefined);
    expect(afterExpiry(state, now)).to.deep.equal(forgotten);
  });

  for (const status of ['pending', 'parked', 'delivered'] as const) {
    it(`never expires while a delivery is ${status}`, () => {
      const late = (now + 100 * lifetime) as WallTime;
      const owed = { ...withdrawn(died), status };
      expect(afterExpiry(gone({ b: owed }, { concerned: ['b'] }), late)).to.equal(undefined);
      const both = gone({ b: owed, c: withdrawn(died) }, { concerned: ['b', 'c'] });
      expect(afterExpiry(both, late)).to.deep.equal({ ...both, deliveries: { b: owed } });
    });
  }

  it('counts for each partner from when it acknowledged', () => {
    const state = gone({ b: withdrawn(died), c: withdrawn(died + 5) }, { concerned: ['b', 'c'] });
    const next = afterExpiry(state, now);
    expect(next).to.deep.equal({ ...state, deliveries: { c: withdrawn(died + 5) } });
    expect(next && afterExpiry(next, (now + 5) as WallTime)).to.deep.equal(forgotten);
  });

  it('of a group that is there: the withdrawal goes, and whom it concerned stays', () => {
    const current = { etag: 'e' as ETag, body: '<group/>', modified: 0 };
    const deliveries = { b: withdrawn(died), c: firstDelivery };
    const state = { auid: groupsAuid, current, received: null, deliveries, concerned: ['b', 'c'] };
    expect(afterExpiry(state, before)).to.equal(undefined);
    expect(afterExpiry(state, now)).to.deep.equal({ ...state, deliveries: { c: firstDelivery } });
  });

  it('stays where the clock was set back behind it', () => {
    expect(afterExpiry(gone({ b: withdrawn(died) }), 0 as WallTime)).to.equal(undefined);
  });
});
