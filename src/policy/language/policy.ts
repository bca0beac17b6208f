import type { GroupId, SystemName } from '../../base/identifiers.js';
import type { Fragment } from './fragment.js';

/**
 * The policy of a partner MC system (TS 23.280 clause 10.2.7.1; design D8): guards, which say which
 * groups it is for, and templates, which say what becomes of them. read-policy.ts reads it from its
 * document, derive.ts applies it.
 *
 * A policy is plain data: it can be kept, compared and sent to a worker. Expressions stay texts and
 * are compiled where they are used.
 */

/** Media type of a policy document. */
export const policyMediaType = 'application/vnd.mcgms.policy+xml';

/** An XPath 1.0 expression with what its prefixes mean. */
export interface Expression {
  readonly source: string;
  readonly namespaces: ReadonlyMap<string, string>;
}

export type Place = 'first' | 'last' | 'before' | 'after';

/** What a template does to the nodes that it matches. */
export type Action =
  | { readonly kind: 'set'; readonly to: string | Expression }
  | { readonly kind: 'clamp'; readonly min: string | undefined; readonly max: string | undefined }
  /** `limit` bounds the result, beside the range of the type; what is beyond it already stays. */
  | { readonly kind: 'raise' | 'lower'; readonly by: string; readonly limit: string | undefined }
  | { readonly kind: 'remove' }
  | { readonly kind: 'replace'; readonly fragment: Fragment }
  | { readonly kind: 'insert'; readonly place: Place; readonly fragment: Fragment }
  | { readonly kind: 'keep'; readonly select: Expression; readonly test: Expression };

export interface Template {
  readonly id: string;
  readonly match: Expression;
  /** Whether it may touch what is protected. */
  readonly override: boolean;
  readonly action: Action;
}

export interface Policy {
  readonly id: string;
  readonly precedence: number;
  /** Names of primary MC systems; none means all. */
  readonly systems: readonly string[];
  /** Patterns of group IDs; none means all. */
  readonly groups: readonly string[];
  /** What must be true of the received document. */
  readonly conditions: readonly Expression[];
  readonly templates: readonly Template[];
}

/** Whether `text` is what `pattern` describes: `*` stands for any characters. No backtracking. */
export function matchesPattern(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return text === pattern;
  if (!text.startsWith(head) || !text.endsWith(tail)) return false;
  const end = text.length - tail.length;
  let at = head.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= end;
}

/** The guard that keeps the policy from a group of `system`; its conditions are not asked. */
export function stoppedBy(
  { groups, systems }: Policy,
  system: SystemName,
  groupId: GroupId,
): 'system' | 'group' | undefined {
  if (systems.length > 0 && !systems.includes(system)) return 'system';
  const passes = groups.length === 0 || groups.some((pattern) => matchesPattern(pattern, groupId));
  return passes ? undefined : 'group';
}

/** Whether the guards on system and group let the policy pass; its conditions are not asked. */
export function concerns(policy: Policy, system: SystemName, groupId: GroupId): boolean {
  return stoppedBy(policy, system, groupId) === undefined;
}
