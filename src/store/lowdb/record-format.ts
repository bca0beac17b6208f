import { hash } from 'node:crypto';
import { GmsError } from '../../base/errors.js';
import type { RecordKey, StoreRecord } from '../store.js';

/**
 * What is in a record's file. Three lines: the SHA-256 of all that follows in hexadecimal, the format
 * with its version, the record as JSON. Everything below the first line is under the checksum, so the
 * version can be trusted as soon as the checksum holds.
 *
 * The file's name is a hash of the key: no text that a client chose reaches the file system, and a file
 * that was put under another record's name is found out. The key is hashed as a JSON string, because
 * JSON escapes lone surrogates; in plain UTF-8 they would all turn into U+FFFD and two keys could share
 * a file.
 */

const FORMAT = 'mcgms-record 1';
const CHECKSUM_LENGTH = 64;
const NAME = /^[0-9a-f]{64}\.record$/;
const LINE_FEED = 0x0a;

/** A file is not what was written under its name. The message says why, without the name. */
export class DamagedRecord extends GmsError {}

/** The name of the file that holds the record of `key`. */
export function recordFileName(key: RecordKey): string {
  return `${hash('sha256', JSON.stringify(key))}.record`;
}

/** Whether a record's file could have this name. */
export function isRecordFileName(name: string): boolean {
  return NAME.test(name);
}

/** The content of the file of `record`. */
export function encodeRecord(record: StoreRecord<unknown>): Uint8Array {
  const { key, revision, names, terms, data } = record;
  const text = `\n${FORMAT}\n${JSON.stringify({ key, revision, names, terms, data })}\n`;
  const bytes = Buffer.allocUnsafe(CHECKSUM_LENGTH + Buffer.byteLength(text));
  bytes.write(text, CHECKSUM_LENGTH, 'utf8');
  bytes.write(hash('sha256', bytes.subarray(CHECKSUM_LENGTH + 1)), 'latin1');
  return bytes;
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isRecord(value: unknown): value is StoreRecord<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const { key, revision, names, terms, data } = value as Readonly<Record<string, unknown>>;
  return (
    typeof key === 'string' &&
    Number.isSafeInteger(revision) &&
    isTextList(names) &&
    isTextList(terms) &&
    data !== undefined
  );
}

/**
 * The record in the content of the file `name`.
 *
 * @throws DamagedRecord where checksum, format, form or key do not fit
 */
export function decodeRecord(name: string, bytes: Buffer): StoreRecord<unknown> {
  if (bytes.length <= CHECKSUM_LENGTH || bytes[CHECKSUM_LENGTH] !== LINE_FEED) {
    throw new DamagedRecord('no checksum in the first line');
  }
  const covered = bytes.subarray(CHECKSUM_LENGTH + 1);
  if (hash('sha256', covered) !== bytes.toString('latin1', 0, CHECKSUM_LENGTH)) {
    throw new DamagedRecord('the checksum does not fit the content');
  }
  const text = covered.toString('utf8');
  const end = text.indexOf('\n');
  const format = text.slice(0, Math.max(end, 0));
  if (format !== FORMAT) {
    throw new DamagedRecord(`format "${format.slice(0, 40)}", where this version reads "${FORMAT}"`);
  }
  let record: unknown;
  try {
    record = JSON.parse(text.slice(end + 1));
  } catch {
    throw new DamagedRecord('no JSON under a valid checksum');
  }
  if (!isRecord(record)) throw new DamagedRecord('no record under a valid checksum');
  if (recordFileName(record.key) !== name) throw new DamagedRecord("it holds another record's key");
  return record;
}
