/* eslint-disable @typescript-eslint/consistent-type-definitions -- only type aliases are JSON values to the compiler */
import type { Auid, DocumentName, ETag, SystemName } from '../base/identifiers.js';

/** A document as it is served: the text as it was put, and its entity tag, never used twice. */
export type Form = {
  readonly etag: ETag;
  readonly body: string;
  /** Milliseconds since the epoch; 0 where the time is not known. */
  readonly modified: number;
  /**
   * The time of a former state that has the same date to the second, or a later one, since the clock was set back;
   * left out where there was none. A date up to it does not tell the two apart (RFC 9110 clause 8.8.2.2).
   */
  readonly otherUntil?: number;
};

/** What a policy changed on the way from received to effective, for reports and audits. */
export type Modification = {
  /** The template that made the change. */
  readonly template: string;
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
};

/** A document as its primary MC system provided it: that system's bytes (design D5). */
export type Received = Form & {
  readonly system: SystemName;
  /** The primary's own entity tag, known where we fetched the document. */
  readonly upstreamETag: string | null;
  readonly modifications: readonly Modification[];
  /** How many modifications there were beyond those listed; left out where there were none. */
  readonly omitted?: number;
};

/** What a partner MC system answered the last time, for the operator. */
export type PartnerAnswer = {
  readonly status: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The outcome of each step, as its Result tells (TS 23.280 table 10.2.2.y-1); null where it sent none. */
  readonly result: {
    readonly reception: string;
    readonly modification: string;
    readonly storage: string;
    /** How many parts its policy changed, where it tells. */
    readonly modifications: number | null;
  } | null;
  /** What the operator should know of the partner's ways; left out where there is nothing. */
  readonly remark?: string;
};

/** What one partner MC system is owed of one group, and how far it has been told (design D7, D20). */
export type Delivery = {
  /** `withdrawn`: the partner has acknowledged that it holds the group no more. */
  readonly status: 'pending' | 'delivered' | 'parked' | 'withdrawn';
  /** Whether the partner is to hold the group; where it is not, what it holds is withdrawn. */
  readonly hold: boolean;
  /** Number of the last change of what the partner is owed: of the group, or of `hold`. */
  readonly change: number;
  /** The tag of our form that the partner has acknowledged; null before the first time. */
  readonly acknowledged: ETag | null;
  /** The partner's own tag for what it holds; null where it holds nothing, or where that is unknown. */
  readonly partnerETag: string | null;
  /** The tag under which the partner remembers the last withdrawal; null where it holds the group. */
  readonly withdrawalTag: string | null;
  /** How many changes of what it is owed the partner has not acknowledged. */
  readonly behind: number;
  /** Failures in a row. */
  readonly failures: number;
  /** Why the last attempt failed. */
  readonly reason: string | null;
  /** Whether other groups failed as well, so that deliveries to the partner paused. */
  readonly general: boolean;
  /** There is no attempt before this time, in milliseconds since the epoch; null where nothing pauses. */
  readonly retryAt: number | null;
  readonly answer: PartnerAnswer | null;
};

/**
 * What is left of a document that is gone (design D16). Of a group of ours: what partners are told that ask
 * for it. Of a group that its primary withdrew: what a message must know that provides it again, so that one
 * from before the withdrawal is recognised.
 */
export type Tombstone = {
  /** The last tag of our document; of a received one, the tag of the withdrawal. */
  readonly etag: ETag;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The primary MC system that withdrew the document; null for a document of ours. */
  readonly system: SystemName | null;
};

/**
 * What one record holds: a document with all that must change together with it (design D4). JSON
 * values only.
 */
export type DocumentState = {
  readonly auid: Auid;
  /**
   * What clients of this system read: the document, or the effective form of one that was received.
   * Null once it is deleted, while partners are still to be told.
   */
  readonly current: Form | null;
  readonly received: Received | null;
  /** By partner MC system. */
  readonly deliveries: Readonly<Record<string, Delivery>>;
  /** The partner MC systems with which the operator shares an own group; left out where there are none. */
  readonly sharedWith?: readonly string[];
  /**
   * Every partner MC system that a group of ours has concerned since it was created: each may hold a copy.
   * Left out where there are none.
   */
  readonly concerned?: readonly string[];
  /** Set where `current` is null. */
  readonly tombstone?: Tombstone;
  /**
   * The user who created the document in a tree that several share, whose quota it takes. Left out for the
   * documents of administrators, of users' own trees and of other MC systems.
   */
  readonly creator?: string;
};

/** What a document itself is, without what stands beside it: a put says this and nothing else. */
export type Content = Pick<DocumentState, 'auid' | 'current' | 'received'>;

/** The partner MC systems that the operator shares the document with by name. */
export function sharedWith({ sharedWith: systems = [] }: DocumentState): readonly string[] {
  return systems;
}

/** `state`, shared with these systems instead. */
export function withShares(state: DocumentState, systems: readonly string[]): DocumentState {
  const { sharedWith: former, ...rest } = state;
  if (systems.length > 0) return { ...rest, sharedWith: systems };
  return former === undefined ? state : rest;
}

/** A record of the store as this layer hands it out. */
export interface StoredDocument {
  /** The name that identifies it for its life. */
  readonly key: DocumentName;
  readonly revision: number;
  readonly names: readonly DocumentName[];
  readonly state: DocumentState;
  /** What clients of this system read; undefined once it is deleted. */
  readonly form: Form | undefined;
  /** Undefined where the document is defined in this system. */
  readonly received: Received | undefined;
}

/** The forms of a document in `state`, undefined where the state has null. */
export function formsOf({ current, received }: DocumentState): Pick<StoredDocument, 'form' | 'received'> {
  return { form: current ?? undefined, received: received ?? undefined };
}
