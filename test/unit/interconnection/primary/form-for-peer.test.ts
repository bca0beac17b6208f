import { expect } from 'chai';
import type { DocumentName, GroupId, SystemName } from '../../../../src/base/identifiers.js';
import {
  formsOf,
  type DocumentState,
  type Form,
  type StoredDocument,
} from '../../../../src/documents/state.js';
import { readGroup } from '../../../../src/groups/reading.js';
import { formForPeer } from '../../../../src/interconnection/primary/form-for-peer.js';
import type { Peers } from '../../../../src/mc-systems/peers.js';
import { NotProvided, statusOfCode } from '../../../../src/interconnection/result/not-provided.js';
import { groupText } from '../../../support/peers.js';
import { a, b, c, delivery, homesOf, joint, ownState, peer, peers, receivedState } from '../parts.js';

const both = peers(peer(b), peer(c));

function stored(state: DocumentState): StoredDocument {
  return { key: 'k' as DocumentName, revision: 1, names: [], state, ...formsOf(state) };
}

/** What system a gives to `system`: a form, or the code of the refusal. */
function given(
  system: SystemName,
  state: DocumentState | undefined,
  groupId: GroupId = joint,
  known: Peers = both,
): Form | string {
  const readings = { of: ({ body }: Form) => readGroup(body) };
  const document = state && stored(state);
  try {
    return formForPeer(system, groupId, document, { readings, homes: homesOf(a), peers: known });
  } catch (error) {
    if (error instanceof NotProvided) {
      expect(error.status).to.equal(statusOfCode[error.code]);
      return error.code;
    }
    throw error;
  }
}

describe('23.280 10.2.7.3 step 3: what a peer sees of a group', () => {
  const ofFire = ownState(groupText({ members: ['sip:boat-1@fire.example'] }));

  it('our group, to a partner that it concerns: the document', () => {
    expect(given(b, ofFire)).to.equal(ofFire.current);
  });

  it('our group, to a partner that it is shared with by name: the document', () => {
    const shared = peers(peer(b), peer(c, { groups: new Set([joint]) }));
    expect(given(c, ofFire, joint, shared)).to.equal(ofFire.current);
  });

  it('our group, to a partner that we do not provide on our own: the document', () => {
    expect(given(b, ofFire, joint, peers(peer(b, { provide: false })))).to.equal(ofFire.current);
  });

  it('our group, to a partner that it never concerned: not-shared', () => {
    expect(given(c, ofFire)).to.equal('not-shared');
    expect(statusOfCode['not-shared']).to.equal(403);
  });

  it('answer: false: not-answered, whether the group exists or not', () => {
    const silent = peers(peer(b, { answer: false }));
    expect([given(b, ofFire, joint, silent), given(b, undefined, joint, silent)]).to.deep.equal([
      'not-answered',
      'not-answered',
    ]);
    expect(statusOfCode['not-answered']).to.equal(403);
  });

  it('our group, to a partner that it concerned once: no-longer-shared', () => {
    const formerly = { ...ofFire, concerned: [b, c] };
    expect(given(c, formerly)).to.equal('no-longer-shared');
    const owed = { ...ofFire, deliveries: { c: delivery({ hold: false }) } };
    expect(given(c, owed)).to.equal('no-longer-shared');
    expect(statusOfCode['no-longer-shared']).to.equal(410);
  });

  it('a group of ours that does not exist: unknown', () => {
    expect(given(b, undefined)).to.equal('unknown');
    expect(statusOfCode.unknown).to.equal(404);
  });

  it('a deleted group: deleted to every partner that it ever concerned, unknown to others', () => {
    const gone = { ...ofFire, current: null, deliveries: { b: delivery() } };
    expect([given(b, gone), given(c, gone)]).to.deep.equal(['deleted', 'unknown']);
    const told = { ...ofFire, current: null, concerned: [b], deliveries: {} };
    expect([given(b, told), given(c, told)]).to.deep.equal(['deleted', 'unknown']);
    const withdrawn = { ...gone, deliveries: { b: delivery({ status: 'withdrawn', hold: false }) } };
    expect(given(b, withdrawn)).to.equal('deleted');
    expect(statusOfCode.deleted).to.equal(410);
  });

  describe('its own group', () => {
    const pier = 'sip:pier@fire.example' as GroupId;
    const text = groupText({ id: pier, members: ['sip:unit-71@police.example', 'sip:crane@port.example'] });
    const state = receivedState(text, b, text.replace('Joint operation', 'Effective'));

    it('the received document, never the effective one', () => {
      expect(given(b, state, pier)).to.equal(state.received);
      expect(given(b, state, pier, peers(peer(b, { answer: false })))).to.equal(state.received);
    });

    it('unknown where we do not hold it, or hold one that was not received', () => {
      expect(given(b, undefined, pier)).to.equal('unknown');
      expect(given(b, ownState(text), pier)).to.equal('unknown');
    });

    it('another-home to a third system, though it has a member there', () => {
      expect(given(c, state, pier)).to.equal('another-home');
      expect(statusOfCode['another-home']).to.equal(403);
    });
  });

  it('a group of no system: another-home', () => {
    expect(given(b, undefined, 'sip:x@nowhere.example' as GroupId)).to.equal('another-home');
  });
});
