import type { GroupId } from '../../base/identifiers.js';
import { toGroupId } from '../../base/uri.js';
import type { Modification } from '../../documents/state.js';
import type { RequestRefused } from '../../base/refusals.js';
import { XcapConflict } from '../../xcap/conflicts.js';
import { type XmlNode } from '../../xml/build.js';
import { gateText } from '../../xml/gate.js';
import { ns } from '../../xml/names.js';
import {
  readSmall,
  smallAttribute,
  smallChild,
  smallChildren,
  smallText,
  type SmallElement,
} from '../../xml/read-small.js';
import { XmlRefused } from '../../xml/refusal.js';
import type { ScanLimits } from '../../xml/scan.js';
import type { Schemas } from '../../xml/schemas.js';

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
export interface RequestResult {
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
  if (!(refused instanceof XcapConflict)) return { phrase };
  return { phrase, element: { ...refused.element(), namespace: ns.xcapError } };
}

/** `element` as it would be written. Attributes of a namespace are left out: xcap-error has none. */
function toXmlNode(element: SmallElement): XmlNode & { readonly namespace: string } {
  const plain = element.attributes.filter(({ namespace }) => namespace === '');
  return {
    name: element.local,
    namespace: element.namespace,
    attributes: Object.fromEntries(plain.map(({ local, value }) => [local, value])),
    children: element.children.map((child) => (typeof child === 'string' ? child : toXmlNode(child))),
  };
}

function readReason(parent: SmallElement): Reason | undefined {
  const reason = smallChild(parent, ns.result, 'reason');
  if (reason === undefined) return undefined;
  const [element] = smallChildren(reason);
  const phrase = smallAttribute(reason, 'phrase') ?? '';
  return element === undefined ? { phrase } : { phrase, element: toXmlNode(element) };
}

/** One step; undefined where a failure has no reason or another outcome has one. */
function readStep(root: SmallElement, name: ProvisionStep): Outcome | undefined {
  const step = smallChild(root, ns.result, name);
  if (step === undefined) return undefined;
  const outcome = smallAttribute(step, 'outcome')?.trim();
  const reason = readReason(step);
  if (outcome === 'failure') return reason === undefined ? undefined : { outcome, reason };
  if (reason !== undefined || (outcome !== 'success' && outcome !== 'not-attempted')) return undefined;
  return { outcome };
}

function readModification(element: SmallElement): Modification {
  const value = (name: string): string | null => {
    const child = smallChild(element, ns.result, name);
    return child === undefined ? null : smallText(child);
  };
  return {
    template: smallAttribute(element, 'template') ?? '',
    path: smallAttribute(element, 'path') ?? '',
    before: value('before'),
    after: value('after'),
  };
}

function readProvision(root: SmallElement, groupId: GroupId): ProvisionResult | undefined {
  const reception = readStep(root, 'reception');
  const modification = readStep(root, 'modification');
  const storage = readStep(root, 'storage');
  if (reception === undefined || modification === undefined || storage === undefined) return undefined;
  const result = { kind: 'provision', groupId, reception, modification, storage } as const;
  const list = smallChild(root, ns.result, 'modifications');
  if (list === undefined) return result;
  const omitted = Number(smallAttribute(list, 'omitted') ?? '0');
  return { ...result, modifications: smallChildren(list).map(readModification), omitted };
}

function interpret(root: SmallElement): Result | undefined {
  const id = smallChild(root, ns.result, 'mc-service-group-id');
  const groupId = id === undefined ? undefined : toGroupId(smallText(id));
  if (groupId === undefined) return undefined;
  const refusal = smallChild(root, ns.result, 'provision');
  if (refusal === undefined) return readProvision(root, groupId);
  const reason = readReason(refusal);
  return reason === undefined ? undefined : { kind: 'request', groupId, reason };
}

/**
 * The Result that a peer's answer holds, or undefined where the text is none: a peer's words are not
 * trusted and its mistakes are not ours to raise.
 */
export function readResult(text: string, schemas: Schemas, limits: ScanLimits): Result | undefined {
  try {
    gateText(text, limits);
    schemas.validate('result', text);
    return interpret(readSmall(text));
  } catch (error) {
    if (error instanceof XmlRefused) return undefined;
    throw error;
  }
}
