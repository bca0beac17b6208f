import { digest } from '../base/digest.js';
import type { Auid, Claim, DocumentName } from '../base/identifiers.js';
import { NotFound } from '../base/refusals.js';
import type { GatedText } from '../xml/gate.js';
import type { SchemaName } from '../xml/schemas.js';
import { ConstraintFailure, type XcapConflict } from './conflicts.js';
import { documentName, isFolder, type DocumentSelector } from './request-uri.js';

/** Where a document lives: the key of its record and every name that it answers to. */
export interface Placement {
  /** The name that identifies the record for its life. */
  readonly key: DocumentName;
  readonly names: readonly DocumentName[];
  /** Values of the document that must be unique on this server (RFC 4825 clause 5.3). */
  readonly claims?: readonly Claim[];
}

/** No name of a document begins with it: `documentName` encodes it. */
const claimMark = '#';

/** Claims stay in memory: a longer value is kept as its digest. */
const longestValue = 128;

/** The claim of `value` as the one of its kind among the documents of a usage. */
export function claimOf(auid: Auid, field: string, value: string): Claim {
  const kept = value.length > longestValue ? `sha256 ${digest(value)}` : `is ${encodeURIComponent(value)}`;
  return `${claimMark}${encodeURIComponent(auid)} ${encodeURIComponent(field)} ${kept}` as Claim;
}

/** Whether a name that the store keeps is a claim. */
export function isClaim(name: string): name is Claim {
  return name.startsWith(claimMark);
}

/** Whether a document answers to a name, or holds a value that must be unique. */
export type IsTaken = (name: DocumentName | Claim) => boolean | Promise<boolean>;

/**
 * What a valid document says that its place and the answer to its sender depend on. Plain data: a large document is
 * read in another thread, and its tree stays there.
 */
export interface DocumentFacts {
  /** The identity that it states and keeps for life, such as an MC service group ID. */
  readonly identity: string | undefined;
  /** Values of it that must be unique on this server (RFC 4825 clause 5.3). */
  readonly claims: readonly Claim[];
  /** What is odd about it, in sentences for the requester. */
  readonly remarks: readonly string[];
}

/** Where a claim of a document stands. */
export interface ClaimedValue {
  readonly claim: Claim;
  /** Node selector of the value, relative to the document. */
  readonly field: string;
  readonly value: string;
  /** The rule that claims it: its index in the declaration of the usage. */
  readonly rule: number;
}

/** What a usage says of the content of its documents, whatever else is stored: any thread can judge by it. */
export interface DocumentRules {
  readonly auid: Auid;
  /** The schema that its documents must be valid against (clause 5.3), if there is one. */
  readonly schema: SchemaName | undefined;

  /**
   * Checks the constraints that the schema cannot state (clause 5.3), for a document that is valid.
   *
   * @throws XcapConflict
   */
  check(document: GatedText): void;

  /** Reads a document that `check` lets pass. */
  factsOf(document: GatedText): DocumentFacts;

  /** The first of those claims of `document` that are among `taken`, with their places. */
  claimed(document: GatedText, taken: ReadonlySet<string>): readonly ClaimedValue[];

  /** The elements of `document` that stand in the document that the server collects of all (RFC 4826 clause 4.4). */
  collected(document: GatedText): readonly string[];
}

/** The rules of a usage whose documents state no identity and claim nothing. */
export function ordinaryRules(): Pick<DocumentRules, 'factsOf' | 'claimed' | 'collected'> {
  return {
    factsOf: () => ({ identity: undefined, claims: [], remarks: [] }),
    claimed: () => [],
    collected: () => [],
  };
}

/** An XCAP application usage (RFC 4825 clause 5). */
export interface ApplicationUsage extends DocumentRules {
  /** Namespace of un-prefixed element names in node selectors (clause 5.2). */
  readonly defaultNamespace: string;
  /** Media type of its documents (clause 5.9). */
  readonly mediaType: string;
  /** Namespaces that xcap-caps lists for it (clause 12). */
  readonly namespaces: readonly string[];

  /** The canonical name that `selector` spells. @throws NotFound where this usage has no such place */
  nameOf(selector: DocumentSelector): DocumentName;

  /** What is odd about a document beside the remarks of its facts, in sentences for the requester. */
  remarks?(facts: DocumentFacts): readonly string[];

  /**
   * Where the document of `facts`, put under `name`, belongs.
   *
   * @param former the names it has answered to so far, undefined for a new document
   * @param isTaken where the usage may choose a name, it chooses one that is not taken
   * @throws XcapConflict where it may not stand there
   */
  place(
    facts: DocumentFacts,
    name: DocumentName,
    former: readonly DocumentName[] | undefined,
    isTaken?: IsTaken,
  ): Placement | Promise<Placement>;

  /**
   * Checks what is required of a document that clients of this system put, and not of one that a peer provides.
   *
   * @param former the names it has answered to so far, undefined for a new document
   * @throws XcapConflict where it may not be defined here
   */
  checkDefinition?(
    facts: DocumentFacts,
    name: DocumentName,
    former: readonly DocumentName[] | undefined,
    isTaken: IsTaken,
  ): void | Promise<void>;

  /**
   * The refusal of a document where its place is taken.
   *
   * @param taken names and claims of its placement that other documents hold
   * @param claimed the first of those claims, as `claimed` tells them
   */
  collision(
    facts: DocumentFacts,
    taken: readonly string[],
    claimed: readonly ClaimedValue[],
    isTaken: IsTaken,
  ): XcapConflict | Promise<XcapConflict>;
}

/** The parts of a usage whose documents simply stay where they are put. */
export function ordinaryPlacement(): Pick<
  ApplicationUsage,
  'nameOf' | 'place' | 'collision' | 'factsOf' | 'claimed' | 'collected'
> {
  return {
    ...ordinaryRules(),
    nameOf(selector) {
      if (isFolder(selector)) throw new NotFound('the URI names a folder');
      return documentName(selector);
    },
    place: (_facts, name) => ({ key: name, names: [name] }),
    collision: () => new ConstraintFailure('the name belongs to another document'),
  };
}
