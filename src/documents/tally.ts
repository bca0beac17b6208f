import type { DocumentName } from '../base/identifiers.js';
import type { Account, Sum, Tally } from '../store/store.js';
import { holdingOf, type Amount, type Part } from './holdings.js';
import { systemKindOf, type SystemKind } from './index-terms.js';
import { namesKey } from './names-record.js';

/**
 * What the store sums up over the records of documents, so that nobody reads all of them to know it: what each XUI,
 * user and MC system takes of its quota, what all take together, and how many records name an MC system in a term.
 */

/** The account of one XUI, user or MC system, or of all together. */
export function accountOf(part: Part | 'total', id: string): Account {
  return { kind: part, id };
}

/** The account of the records that carry such a term. */
export function accountOfTerm(kind: SystemKind, system: string): Account {
  return { kind: `term ${kind}`, id: system };
}

/** The kinds of accounts whose IDs are MC systems. */
export function isOfSystems(kind: string): boolean {
  return kind === 'peer' || kind.startsWith('term ');
}

function amountsOf({ documents, remembered, octets }: Amount): readonly number[] {
  return [documents, remembered, octets];
}

/** The other way round. */
export function amountIn([documents = 0, remembered = 0, octets = 0]: readonly number[]): Amount {
  return { documents, remembered, octets };
}

export const documentTally: Tally = {
  version: 'documents 1',
  of: ({ key, terms }) => {
    if (key === namesKey) return [];
    const holding = holdingOf(key as string as DocumentName, { terms });
    const amounts = amountsOf(holding);
    const named = [...new Set(terms)].flatMap((term): Sum[] => {
      const kind = systemKindOf(term);
      return kind === undefined
        ? []
        : [{ ...accountOfTerm(kind, term.slice(kind.length + 1)), amounts: [1] }];
    });
    return [
      { ...accountOf(holding.part, holding.id), amounts },
      { ...accountOf('total', ''), amounts },
      ...named,
    ];
  },
};
