import { randomBytes } from 'node:crypto';
import type { Environment, Kind } from './environment.js';
import { readLabels } from './record-adapter.js';
import {
  DamagedRecord,
  decodeBody,
  decodeHolder,
  decodeSum,
  idLength,
  idOf,
  sumKey,
  termKey,
} from './record-format.js';

/**
 * Whether a store's file holds what was written. Every entry is judged together with those that it belongs to: a
 * record with its names and terms, a name or a term with its record. So an entry that is gone is found as well, as
 * long as one of those that belong to it is there.
 *
 * A damaged page can end the process that reads it, since the engine trusts its file. So this runs in a process of
 * its own; see check-process.ts.
 */

/** What is wrong with an entry. */
export interface Finding {
  readonly kind: Kind;
  /** The key of the entry in hexadecimal. */
  readonly key: string;
  readonly reason: string;
}

const kinds = ['labels', 'bodies', 'names', 'terms', 'sums'] as const;

/** How many keys are read at a time. */
const pageOfKeys = 256;

/** Where a sample looks: so many places for each kind, and so many entries from each place on. */
const places = 64;
const entriesAtPlace = 16;

/** Everything that is wrong in the file. @throws StoreFailure where the engine cannot read it */
export function* findAll(environment: Environment): Iterable<Finding> {
  for (const kind of kinds) {
    let after: Buffer | undefined;
    for (;;) {
      const keys = environment.keys(kind, { after, limit: pageOfKeys });
      yield* judgeAll(environment, kind, keys);
      after = keys.at(-1);
      if (after === undefined) break;
    }
  }
}

/** What is wrong in a sample of the file; in a small one, that is all of it. */
export function* findSome(environment: Environment): Iterable<Finding> {
  for (const kind of kinds) {
    const first = environment.keys(kind, { limit: places * entriesAtPlace });
    if (first.length < places * entriesAtPlace) {
      yield* judgeAll(environment, kind, first);
      continue;
    }
    for (let place = 0; place < places; place += 1) {
      const after = place === 0 ? undefined : randomBytes(idLength);
      yield* judgeAll(environment, kind, environment.keys(kind, { after, limit: entriesAtPlace }));
    }
  }
}

function* judgeAll(environment: Environment, kind: Kind, keys: readonly Buffer[]): Iterable<Finding> {
  for (const key of keys) {
    const reason = judge(environment, kind, key);
    if (reason !== undefined) yield { kind, key: key.toString('hex'), reason };
  }
}

/** Why the entry is not what it should be, or undefined. */
function judge(environment: Environment, kind: Kind, key: Buffer): string | undefined {
  try {
    switch (kind) {
      case 'labels':
        return judgeRecord(environment, key);
      case 'bodies':
        return readLabels(environment, key) === undefined ? 'the record of this body is gone' : undefined;
      case 'names':
        return judgeName(environment, key);
      case 'terms':
        return judgeTerm(environment, key);
      case 'sums':
        return judgeSum(environment, key);
      case 'settings':
        return undefined;
    }
  } catch (error) {
    if (error instanceof DamagedRecord) return error.message;
    throw error;
  }
}

function judgeRecord(environment: Environment, id: Buffer): string | undefined {
  const labels = readLabels(environment, id);
  if (labels === undefined) return 'it is gone';
  if (!idOf(labels.key).equals(id)) return 'it holds the key of another record';
  const body = environment.get('bodies', id);
  if (body === undefined) return 'its body is gone';
  if (decodeBody(id, body).revision !== labels.revision) return 'its body is of another revision';
  for (const name of labels.names) {
    const nameId = idOf(name);
    const holder = environment.get('names', nameId);
    if (holder === undefined || decodeHolder(nameId, holder) !== labels.key)
      return 'one of its names leads elsewhere';
  }
  for (const term of labels.terms) {
    if (environment.get('terms', termKey(term, id)) === undefined) return 'one of its terms is gone';
  }
  return undefined;
}

function judgeName(environment: Environment, nameId: Buffer): string | undefined {
  const holder = environment.get('names', nameId);
  if (holder === undefined) return 'it is gone';
  const carried = carriedBy(environment, idOf(decodeHolder(nameId, holder)));
  if (carried === undefined) return 'the record of this name is gone';
  return carried.names.has(nameId.toString('hex')) ? undefined : 'the record has another name';
}

function judgeTerm(environment: Environment, key: Buffer): string | undefined {
  const carried = carriedBy(environment, key.subarray(idLength));
  if (carried === undefined) return 'the record of this term is gone';
  const termId = key.toString('hex', 0, idLength);
  return carried.terms.has(termId) ? undefined : 'the record has other terms';
}

/** Whether it is right is another question, which takes all records: see summing.ts. */
function judgeSum(environment: Environment, key: Buffer): string | undefined {
  const bytes = environment.get('sums', key);
  if (bytes === undefined) return 'it is gone';
  return sumKey(decodeSum(key, bytes)).equals(key) ? undefined : 'it is of another account';
}

/** The IDs of the names and terms of a record, in hexadecimal. */
interface Carried {
  readonly names: ReadonlySet<string>;
  readonly terms: ReadonlySet<string>;
}

/** How many records are kept at a time: a name or term of a record that has thousands comes back to it each time. */
const keptRecords = 64;

const kept = new WeakMap<Environment, Map<string, Carried | undefined>>();

function carriedBy(environment: Environment, id: Buffer): Carried | undefined {
  const known = kept.get(environment) ?? new Map<string, Carried | undefined>();
  kept.set(environment, known);
  const key = id.toString('hex');
  if (known.has(key)) return known.get(key);
  if (known.size >= keptRecords) known.clear();
  const labels = readLabels(environment, id);
  const ids = (texts: readonly string[]): ReadonlySet<string> =>
    new Set(texts.map((text) => idOf(text).toString('hex')));
  const carried = labels && { names: ids(labels.names), terms: ids(labels.terms) };
  known.set(key, carried);
  return carried;
}
