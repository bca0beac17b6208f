import type { DocumentName } from '../base/identifiers.js';
import type { RecordLabels } from '../store/store.js';
import { readCreator, readOctets, readSource, readWithdrawnBy } from './index-terms.js';

/**
 * What a record takes of a quota, and whose quota that is (design D21). Both are read from the labels of the
 * record, which the store gives without the body: so what the store sums up and what is judged at a commit cannot
 * differ.
 */

/**
 * Whose a record is.
 *
 * - `xui`: it stands in the users tree of an XUI, whoever wrote it there;
 * - `creator`: it stands in a tree that several share, and a user created it there, such as a group;
 * - `peer`: an MC system provided it, or withdrew it;
 * - `own`: everything else, such as the groups and policies of administrators.
 */
export type Part = 'xui' | 'creator' | 'peer' | 'own';

/** What is counted. */
export interface Amount {
  readonly documents: number;
  /** Records of documents that are gone, which partners or late messages still need (design D16). */
  readonly remembered: number;
  /** Of everything that documents hold: what clients read, what was received, what policies report. */
  readonly octets: number;
}

/** What one record takes, and of whose quota. */
export interface Holding extends Amount {
  readonly part: Part;
  /** The XUI, the user or the MC system; empty for `own`. */
  readonly id: string;
}

/** The XUI in whose users tree a document of this name stands, or undefined for the global tree. */
export function xuiOfName(name: DocumentName): string | undefined {
  const [, tree, xui] = name.split('/', 3);
  return tree === 'users' && xui !== undefined ? decodeURIComponent(xui) : undefined;
}

function ownerOf(key: DocumentName, terms: readonly string[]): Pick<Holding, 'part' | 'id'> {
  const system = readSource(terms) ?? readWithdrawnBy(terms);
  if (system !== undefined) return { part: 'peer', id: system };
  const xui = xuiOfName(key);
  if (xui !== undefined) return { part: 'xui', id: xui };
  const creator = readCreator(terms);
  return creator === undefined ? { part: 'own', id: '' } : { part: 'creator', id: creator };
}

/** What the record of `key` with these labels takes. */
export function holdingOf(key: DocumentName, { terms }: Pick<RecordLabels, 'terms'>): Holding {
  const octets = readOctets(terms);
  const isPresent = octets !== undefined;
  return {
    ...ownerOf(key, terms),
    documents: isPresent ? 1 : 0,
    remembered: isPresent ? 0 : 1,
    octets: octets ?? 0,
  };
}
