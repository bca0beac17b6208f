import { expect } from 'chai';
import type { DocumentName, GroupId, SystemName } from '../../../../src/base/identifiers.js';
import {
  formsOf,
  type DocumentState,
  type Form,
  type StoredDocument,
} from '../../../../src/documents/state.js';
import { formForPeer } from '../../../../src/interconnection/primary/form-for-peer.js';
import type { Peers } from '../../../../src/mc-systems/peers.js';
import { RequestRefused } from '../../../../src/base/refusals.js';
import { groupText } from '../../../support/peers.js';
import { a, b, c, delivery, homesOf, joint, ownState, peer, peers, receivedState, tree } from '../parts.js';

const both = peers(peer(b), peer(c));

function stored(state: DocumentState): StoredDocument {
  return { key: 'k' as DocumentName, revision: 1, names: [], state, ...formsOf(state) };
}

/** What system a gives to `system`: a form, or the status of the refusal. */
function given(
  system: SystemName,
  state: DocumentState | undefined,
  groupId: GroupId = joint,
  known: Peers = both,
): Form | number {
  const documents = { treeOf: ({ body }: Form) => tree(body) };
  const document = state && stored(state);
  try {
    return formForPeer(system, groupId, document, { documents, homes: homesOf(a), peers: known });
  } catch (error) {
    if (error instanceof RequestRefused) return error.status;
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

  it('our group, to a partner that it does not concern: 403', () => {
    expect(given(c, ofFire)).to.equal(403);
  });

  it('answer: false: 403, whether the group exists or not', () => {
    const silent = peers(peer(b, { answer: false }));
    expect([given(b, ofFire, joint, silent), given(b, undefined, joint, silent)]).to.deep.equal([403, 403]);
  });

  it('a group of ours that does not exist: 404', () => {
    expect(given(b, undefined)).to.equal(404);
  });

  it('a deleted group: 410 to a partner that is still to be told, 404 to others', () => {
    const gone = { ...ofFire, current: null, deliveries: { b: delivery() } };
    expect([given(b, gone), given(c, gone)]).to.deep.equal([410, 404]);
  });

  describe('its own group', () => {
    const pier = 'sip:pier@fire.example' as GroupId;
    const text = groupText({ id: pier, members: ['sip:unit-71@police.example', 'sip:crane@port.example'] });
    const state = receivedState(text, b, text.replace('Joint operation', 'Effective'));

    it('the received document, never the effective one', () => {
      expect(given(b, state, pier)).to.equal(state.received);
      expect(given(b, state, pier, peers(peer(b, { answer: false })))).to.equal(state.received);
    });

    it('404 where we do not hold it, or hold one that was not received', () => {
      expect(given(b, undefined, pier)).to.equal(404);
      expect(given(b, ownState(text), pier)).to.equal(404);
    });

    it('403 to a third system, though it has a member there', () => {
      expect(given(c, state, pier)).to.equal(403);
    });
  });

  it('a group of no system: 403', () => {
    expect(given(b, undefined, 'sip:x@nowhere.example' as GroupId)).to.equal(403);
  });
});
