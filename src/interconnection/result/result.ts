import type { GroupId } from '../../base/identifiers.js';
import type { RequestRefused } from '../../base/refusals.js';
import type { Modification } from '../../documents/state.js';
import { XcapConflict } from '../../xcap/conflicts.js';
import type { XmlNode } from '../../xml/build.js';
import { ns } from '../../xml/names.js';
import { NotProvided, type RefusalCode } from './not-provided.js';

/**
 * The Result document (design D5): what a group information provision response says of reception,
 * modification and storage (TS 23.280 table 10.2.2.y-1), and what a group information response says
 * where the group is not provided (table 10.2.2.w-1).
 */

/** Media type of a Result document. */
export const resultMediaType = 'application/vnd.mcgms.result+xml';

/** Why something failed. */
export interface Reason {
  readonly phrase: string;
  /** Why a group is not provided; a provision that failed has none. */
  readonly code?: RefusalCode;
  /** The element that `xcap-error` would hold, where there is one. */
  readonly element?: XmlNode & { readonly namespace: string };
}

export type Outcome =
  | { readonly outcome: 'success' }
  | { readonly outcome: 'failure'; readonly reason: Reason }
  | { readonly outcome: 'not-attempted' };

/** The steps of a provision, in their order. */
export const provisionSteps = ['reception', 'modification', 'storage'] as const;
export type ProvisionStep = (typeof provisionSteps)[number];

/** The Result of a group information provision response. */
export interface ProvisionResult {
  readonly kind: 'provision';
  readonly groupId: GroupId;
  readonly reception: Outcome;
  readonly modification: Outcome;
  readonly storage: Outcome;
  /** What the partner's policy changed, where the partner tells. */
  readonly modifications?: readonly Modification[];
  /** How many changes were made beyond those listed. */
  readonly omitted?: number;
}

/** The Result of a group information response that refuses. */
interface RequestResult {
  readonly kind: 'request';
  readonly groupId: GroupId;
  readonly reason: Reason;
}

export type Result = ProvisionResult | RequestResult;

const success: Outcome = { outcome: 'success' };

/**
 * The Result of a provision that was received, modified and stored.
 *
 * @param omitted how many modifications there were beyond those listed
 */
export function provisionSucceeded(
  groupId: GroupId,
  modifications?: readonly Modification[],
  omitted = 0,
): ProvisionResult {
  const listed = modifications === undefined ? {} : { modifications };
  const told = omitted === 0 || modifications === undefined ? listed : { ...listed, omitted };
  return { kind: 'provision', groupId, reception: success, modification: success, storage: success, ...told };
}

/** The Result of a provision that failed at `failed`; what came before succeeded, the rest was not tried. */
export function provisionFailed(groupId: GroupId, failed: ProvisionStep, reason: Reason): ProvisionResult {
  const outcomes = provisionSteps.map((step): Outcome => {
    const order = provisionSteps.indexOf(step) - provisionSteps.indexOf(failed);
    if (order === 0) return { outcome: 'failure', reason };
    return order < 0 ? success : { outcome: 'not-attempted' };
  });
  const [reception = success, modification = success, storage = success] = outcomes;
  return { kind: 'provision', groupId, reception, modification, storage };
}

/** What `refused` says, with its own `xcap-error` element where it has one. */
export function reasonOf(refused: RequestRefused): Reason {
  const { phrase } = refused;
  if (refused instanceof NotProvided) return { phrase, code: refused.code };
  if (!(refused instanceof XcapConflict)) return { phrase };
  return { phrase, element: { ...refused.element(), namespace: ns.xcapError } };
}
