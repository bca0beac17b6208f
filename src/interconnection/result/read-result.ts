import type { GroupId } from '../../base/identifiers.js';
import { toGroupId } from '../../base/uri.js';
import type { Modification } from '../../documents/state.js';
import type { XmlNode } from '../../xml/build.js';
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
import { isRefusalCode } from './not-provided.js';
import type { Outcome, ProvisionResult, ProvisionStep, Reason, Result } from './result.js';

/** Reads a peer's Result. A peer's words are not trusted, and its mistakes are not ours to raise. */

/** The Result that a peer's answer holds, or undefined where the text is none. */
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
  const code = smallAttribute(reason, 'code')?.trim() ?? '';
  return {
    phrase,
    ...(isRefusalCode(code) ? { code } : {}),
    ...(element === undefined ? {} : { element: toXmlNode(element) }),
  };
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
