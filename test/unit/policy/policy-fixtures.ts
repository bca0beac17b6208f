import { readdirSync, readFileSync } from 'node:fs';
import type { GroupId, SystemName } from '../../../src/base/identifiers.js';
import { toGroupId } from '../../../src/base/uri.js';
import type { ReceivedDocument } from '../../../src/policy/derive.js';
import { PolicyFailed } from '../../../src/policy/language/errors.js';
import type { Policy } from '../../../src/policy/language/policy.js';
import { parsePolicy } from '../../../src/policy/language/read-policy.js';
import { checkTouches } from '../../../src/policy/language/touches.js';
import { gateText } from '../../../src/xml/gate.js';
import { attribute } from '../../../src/xml/tree.js';
import { limits } from '../../support/limits.js';
import { schemas } from '../../support/schemas.js';

/** Fixtures of policies, and short ways to write one. */

export const fixtures = new URL('../../../../fixtures/', import.meta.url);

export function read(path: string): string {
  return readFileSync(new URL(path, fixtures), 'utf8');
}

/** Names of the files or folders in a folder of fixtures. */
export function names(path: string): readonly string[] {
  return readdirSync(new URL(path, fixtures)).sort();
}

/** The texts of the fixtures that are valid groups. */
export function validGroups(): readonly string[] {
  return names('groups/valid').map((name) => read(`groups/valid/${name}`));
}

export function isValidGroup(text: string): boolean {
  try {
    schemas().validate('group', text);
    return true;
  } catch {
    return false;
  }
}

/** The policy in `text`, checked as a PUT checks it. */
export function accepted(text: string): Policy {
  const { tree } = gateText(text, limits);
  schemas().validate('policy', text);
  const policy = parsePolicy(text, tree);
  checkTouches(policy, tree);
  return policy;
}

const declarations = [
  ['', 'urn:mcgms:ns:interconnection-policy:1'],
  [':ls', 'urn:oma:xml:poc:list-service'],
  [':rl', 'urn:ietf:params:xml:ns:resource-lists'],
  [':oxe', 'urn:oma:xml:xdm:extensions'],
  [':mcpttgi', 'urn:3gpp:ns:mcpttGroupInfo:1.0'],
]
  .map(([prefix = '', uri = '']) => ` xmlns${prefix}="${uri}"`)
  .join('');

/** The text of a policy with this content and the customary prefixes. */
export function policyText(content: string, attributes = ''): string {
  return `<policy${declarations} id="p"${attributes}>${content}</policy>`;
}

/** A policy whose one template `t` has this match and action. */
export function template(match: string, action: string, attributes = ''): Policy {
  return accepted(policyText(`<template id="t" match="${match}"${attributes}>${action}</template>`));
}

export const systemA = 'a' as SystemName;

/** `text` as MC system A provides it. */
export function fromA(text: string): ReceivedDocument {
  const service = gateText(text, limits).tree.children[0];
  const groupId =
    toGroupId((service && attribute(service, 'uri')) ?? '') ?? ('sip:none@a.example' as GroupId);
  return { system: systemA, groupId, text };
}

/** A small group of MC system A. */
export const small =
  '<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="sip:g@a.example">' +
  '<list><entry uri="sip:x@a.example"/></list></list-service></group>';

/** How a policy fails in `work`. */
export function failureOf(work: () => unknown): PolicyFailed {
  try {
    work();
  } catch (error) {
    if (error instanceof PolicyFailed) return error;
    throw error;
  }
  throw new Error('the policy did not fail');
}
