import { createHash } from 'node:crypto';
import { expect } from 'chai';
import {
  DamagedRecord,
  decodeRecord,
  encodeRecord,
  isRecordFileName,
  recordFileName,
} from '../../../../src/store/lowdb/record-format.js';
import { keyOf } from '../../../contract/store-contract.js';

const record = {
  key: keyOf('k'),
  revision: 3,
  names: ['n'],
  terms: ['t', 'u'],
  data: { text: '\ud800 \u{1f692} x' },
};
const name = recordFileName(record.key);

/** A file with a checksum that fits `rest`. */
function sealed(rest: string): Buffer {
  return Buffer.from(`${createHash('sha256').update(rest).digest('hex')}\n${rest}`);
}

describe('The file of a record (design D4)', () => {
  it('begins with the SHA-256 of all that follows the first line, then says its format', () => {
    const [checksum, format, ...json] = Buffer.from(encodeRecord(record)).toString('utf8').split('\n');
    const rest = [format, ...json].join('\n');
    expect(checksum).to.equal(createHash('sha256').update(rest).digest('hex'));
    expect(format).to.equal('mcgms-record 1');
    expect(JSON.parse(json.join('\n'))).to.deep.equal(record);
  });

  it('is read back as it was written', () => {
    expect(decodeRecord(name, Buffer.from(encodeRecord(record)))).to.deep.equal(record);
  });

  it('has a name of one length and alphabet, whatever the key', () => {
    for (const key of ['', 'k', '../../x', '\u0000', '/', 'CON', 'k'.repeat(100_000), '\ud800']) {
      expect(isRecordFileName(recordFileName(keyOf(key)))).to.equal(true);
    }
  });

  it('has another name for every key, also where UTF-8 would make them one', () => {
    const keys = ['a', 'A', '\ud800', '\udfff', '\ufffd', '"', '\\"'];
    expect(new Set(keys.map((key) => recordFileName(keyOf(key))))).to.have.property('size', keys.length);
  });

  it('is refused with any one byte changed', () => {
    const bytes = Buffer.from(encodeRecord(record));
    for (let position = 0; position < bytes.length; position += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(position) ^ 1, position);
      expect(() => decodeRecord(name, changed), `byte ${position}`).to.throw(DamagedRecord);
    }
  });

  it('is refused when cut off anywhere, or with something behind', () => {
    const bytes = Buffer.from(encodeRecord(record));
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => decodeRecord(name, bytes.subarray(0, length)), `${length} bytes`).to.throw(DamagedRecord);
    }
    expect(() => decodeRecord(name, Buffer.concat([bytes, Buffer.from(' ')]))).to.throw(DamagedRecord);
  });

  it("is refused under another record's name", () => {
    const bytes = Buffer.from(encodeRecord(record));
    expect(() => decodeRecord(recordFileName(keyOf('other')), bytes)).to.throw(DamagedRecord, 'key');
  });

  it('is refused in another format, naming both', () => {
    expect(() => decodeRecord(name, sealed('mcgms-record 2\n{}'))).to.throw(
      DamagedRecord,
      'format "mcgms-record 2", where this version reads "mcgms-record 1"',
    );
  });

  for (const [kind, rest] of Object.entries({
    nothing: '',
    'no JSON': 'mcgms-record 1\n{',
    'no object': 'mcgms-record 1\nnull',
    'no revision': 'mcgms-record 1\n{"key":"k","names":[],"terms":[],"data":1}',
    'a fractional revision': 'mcgms-record 1\n{"key":"k","revision":1.5,"names":[],"terms":[],"data":1}',
    'names that are no text': 'mcgms-record 1\n{"key":"k","revision":1,"names":[1],"terms":[],"data":1}',
    'no terms': 'mcgms-record 1\n{"key":"k","revision":1,"names":[],"data":1}',
    'no data': 'mcgms-record 1\n{"key":"k","revision":1,"names":[],"terms":[]}',
  })) {
    it(`is refused with ${kind} under a valid checksum`, () => {
      expect(() => decodeRecord(name, sealed(rest))).to.throw(DamagedRecord);
    });
  }
});
