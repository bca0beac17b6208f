import { createHash, hash } from 'node:crypto';
import { GmsError } from '../../base/errors.js';
import type { Account, RecordKey, RecordLabels, Sum } from '../store.js';

/**
 * How a record stands in the file, by kind of entry.
 *
 * - `labels`: ID of the record → key, revision, names, terms.
 * - `bodies`: ID of the record → revision, data.
 * - `names`: ID of the name → key of the record that holds it.
 * - `terms`: ID of the term and ID of a record that carries it → nothing.
 * - `sums`: ID of the kind and ID of an account of it → kind, account, amounts.
 *
 * Labels stand apart from bodies because lists need many labels and no body. A name leads to its key without the
 * labels, which are as long as a record has names: a document with ten thousand names would be read ten thousand times.
 *
 * An ID is half a SHA-256 of the text: LMDB's keys have at most 1,978 octets, and names may be longer. The text
 * is hashed as JSON, which escapes lone surrogates; in plain UTF-8 they would all turn into U+FFFD, and two texts
 * could share an ID. Whatever is found by an ID says which text it belongs to, so a wrong entry is noticed.
 *
 * LMDB has no checksums. So each value begins with one: half a SHA-256 of the kind,
 * the ID and all that follows. A value that was put under another record's ID is found out, too.
 */

/** What was read is not what was written. The message says why. */
export class DamagedRecord extends GmsError {}

/** Octets of an ID. */
export const idLength = 16;
const checksumLength = 16;

/** Up to so many octets it costs less to copy them for one call than to hash in pieces. */
const copiedOctets = 1024;

/** What `labels` holds. */
export interface StoredLabels extends RecordLabels {
  readonly key: RecordKey;
  readonly revision: number;
}

/** What `bodies` holds. */
export interface StoredBody {
  readonly revision: number;
  readonly data: unknown;
}

/** What stands for a key, a name or a term in the file. */
export function idOf(text: string): Buffer {
  return hash('sha256', JSON.stringify(text), 'buffer').subarray(0, idLength);
}

/** The key of the entry that says that the record `id` carries `term`. */
export function termKey(term: string, id: Buffer): Buffer {
  return Buffer.concat([idOf(term), id]);
}

/** The key of the sum of an account. */
export function sumKey({ kind, id }: Account): Buffer {
  return Buffer.concat([idOf(kind), idOf(id)]);
}

type Checked = 'labels' | 'bodies' | 'names' | 'sums';

function checksumOf(kind: Checked, id: Buffer, content: Buffer): Buffer {
  const head = Buffer.concat([Buffer.from(kind, 'latin1'), id]);
  const digest =
    content.length < copiedOctets
      ? hash('sha256', Buffer.concat([head, content]), 'buffer')
      : createHash('sha256').update(head).update(content).digest();
  return digest.subarray(0, checksumLength);
}

function encode(kind: Checked, id: Buffer, value: unknown): Buffer {
  const text = JSON.stringify(value);
  // Written where it stays: a body is large, and is copied nowhere.
  const bytes = Buffer.allocUnsafe(checksumLength + Buffer.byteLength(text));
  bytes.write(text, checksumLength, 'utf8');
  checksumOf(kind, id, bytes.subarray(checksumLength)).copy(bytes);
  return bytes;
}

function decode(kind: Checked, id: Buffer, bytes: Buffer): unknown {
  const content = bytes.subarray(checksumLength);
  if (!checksumOf(kind, id, content).equals(bytes.subarray(0, checksumLength))) {
    throw new DamagedRecord('the checksum does not fit the content');
  }
  try {
    return JSON.parse(content.toString('utf8'));
  } catch {
    throw new DamagedRecord('no JSON under a valid checksum');
  }
}

/** The value of `labels` for the record `id`. */
export function encodeLabels(id: Buffer, { key, revision, names, terms }: StoredLabels): Buffer {
  return encode('labels', id, { key, revision, names, terms });
}

/** The value of `bodies` for the record `id`. */
export function encodeBody(id: Buffer, { revision, data }: StoredBody): Buffer {
  return encode('bodies', id, { revision, data });
}

/** The value of `names` for the name `nameId`. */
export function encodeHolder(nameId: Buffer, key: RecordKey): Buffer {
  return encode('names', nameId, key);
}

/** The value of `sums` for the account of `key`. */
export function encodeSum(key: Buffer, { kind, id, amounts }: Sum): Buffer {
  return encode('sums', key, { kind, id, amounts });
}

/** @throws DamagedRecord where `bytes` are not what was written for `key` */
export function decodeSum(key: Buffer, bytes: Buffer): Sum {
  return decode('sums', key, bytes) as Sum;
}

/** @throws DamagedRecord where `bytes` are not what was written for `nameId` */
export function decodeHolder(nameId: Buffer, bytes: Buffer): RecordKey {
  return decode('names', nameId, bytes) as RecordKey;
}

/** @throws DamagedRecord where `bytes` are not what was written for `id` */
export function decodeLabels(id: Buffer, bytes: Buffer): StoredLabels {
  // The checksum vouches that this is what was once written.
  const labels = decode('labels', id, bytes) as StoredLabels;
  return Object.freeze({
    ...labels,
    names: Object.freeze(labels.names),
    terms: Object.freeze(labels.terms),
  });
}

/** @throws DamagedRecord where `bytes` are not what was written for `id` */
export function decodeBody(id: Buffer, bytes: Buffer): StoredBody {
  return decode('bodies', id, bytes) as StoredBody;
}
