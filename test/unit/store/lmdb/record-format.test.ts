import { expect } from 'chai';
import type { RecordKey } from '../../../../src/store/store.js';
import {
  DamagedRecord,
  decodeBody,
  decodeLabels,
  encodeBody,
  encodeLabels,
  idOf,
  termKey,
} from '../../../../src/store/lmdb/record-format.js';

const id = idOf('k');
const labels = { key: 'k' as RecordKey, revision: 3, names: ['n', '\ud800'], terms: ['t'] };
const body = { revision: 3, data: { text: 'ä\u0000\ud800', list: [1, null, true] } };

describe('The entries of a record (design D4)', () => {
  it('are read back as they were written', () => {
    expect(decodeLabels(id, encodeLabels(id, labels))).to.deep.equal(labels);
    expect(decodeBody(id, encodeBody(id, body))).to.deep.equal(body);
  });

  it('have keys of one length, whatever the text, and another for every text', () => {
    const texts = ['', 'a', 'a'.repeat(10_000), '\ud800', '\ud801', '\ufffd', '../../etc'];
    const ids = texts.map(idOf);
    expect(ids.every(({ length }) => length === 16)).to.equal(true);
    expect(new Set(ids.map((each) => each.toString('hex'))).size).to.equal(texts.length);
    expect(termKey('t', id)).to.have.length(32);
  });

  it('are refused with any one bit changed', () => {
    for (const [bytes, decode] of [
      [encodeLabels(id, labels), decodeLabels],
      [encodeBody(id, body), decodeBody],
    ] as const) {
      for (let place = 0; place < bytes.length; place += 1) {
        const changed = Buffer.from(bytes);
        changed[place] = (changed[place] ?? 0) ^ (1 << (place % 8));
        expect(() => decode(id, changed), `octet ${place}`).to.throw(DamagedRecord);
      }
    }
  });

  it('are refused when cut off anywhere, or with something behind', () => {
    const bytes = encodeBody(id, body);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => decodeBody(id, bytes.subarray(0, length))).to.throw(DamagedRecord);
    }
    expect(() => decodeBody(id, Buffer.concat([bytes, Buffer.from(' ')]))).to.throw(DamagedRecord);
  });

  it("are refused under another record's ID, and as the other kind", () => {
    expect(() => decodeBody(idOf('other'), encodeBody(id, body))).to.throw(DamagedRecord);
    expect(() => decodeBody(id, encodeLabels(id, labels))).to.throw(DamagedRecord);
  });
});
