import { ns } from '../../xml/names.js';
import { childrenNamed, type LocatedElement } from '../../xml/tree.js';
import { readXPath, type XPathEnd, type XPathTarget } from '../../xml/xpath/grammar.js';
import { carriesGroupId, isProtected, type ExpandedName } from '../group-schema/protected-parts.js';
import { PolicyInvalid } from './errors.js';
import type { Expression, Policy, Template } from './policy.js';
import { needsWord, placed } from './read-policy.js';

/**
 * Finds templates that would touch a protected part wherever they match anything (design D8): they match what
 * stands in such a part, the group ID, or an element that holds the group ID. What a template matches by other
 * means than names, only documents can tell.
 *
 * Asked when a policy is put, not when it is applied: a policy that was stored before fails only on the groups
 * that it matches.
 */

/**
 * @param tree the located tree of the policy's text
 * @throws PolicyInvalid with the template and the part
 */
export function checkTouches(policy: Policy, tree: LocatedElement): void {
  const elements = childrenNamed(tree, ns.policy, 'template');
  for (const [index, template] of policy.templates.entries()) {
    placed(elements[index] ?? tree, () => {
      checkTemplate(template);
    });
  }
}

function checkTemplate(template: Template): void {
  const { action, id, match, override } = template;
  for (const end of endsOf(match)) {
    if (!override) {
      checkInside(end, match, id);
      checkTarget(template, end);
    }
    if (touchesGroupId(template, end))
      throw new PolicyInvalid('the MC service group ID is never changed', id);
  }
  if (action.kind === 'keep') checkKept(action.select, template);
}

function endsOf({ source }: Expression): readonly XPathEnd[] {
  return readXPath(source).ends;
}

function nameOf({ prefix, local }: XPathTarget, { namespaces }: Expression): ExpandedName {
  return { namespace: namespaces.get(prefix) ?? '', local };
}

function written({ prefix, local }: XPathTarget): string {
  return `${prefix}:${local}`;
}

/** @throws PolicyInvalid where the nodes stand in a protected part */
function checkInside({ within }: XPathEnd, expression: Expression, id: string): void {
  const part = within.find((element) => isProtected(nameOf(element, expression)));
  if (part !== undefined) throw needsWord(written(part), id);
}

/** @throws PolicyInvalid where the nodes are protected themselves; what goes beside them does not touch them */
function checkTarget({ action, id, match }: Template, { target }: XPathEnd): void {
  if (action.kind === 'insert' && (action.place === 'before' || action.place === 'after')) return;
  if (target === undefined || target.axis === 'attribute') return;
  if (isProtected(nameOf(target, match))) throw needsWord(written(target), id);
}

/** Whether what the action does to the nodes at `end` changes the group ID. */
function touchesGroupId({ action, match }: Template, { owner, target }: XPathEnd): boolean {
  if (target === undefined) return false;
  if (target.axis === 'attribute') {
    const isId = target.prefix === '' && target.local === 'uri';
    return isId && owner !== undefined && carriesGroupId(nameOf(owner, match));
  }
  const name = nameOf(target, match);
  const replaces = action.kind === 'remove' || action.kind === 'replace';
  if (carriesGroupId(name)) return replaces;
  const isRoot = name.namespace === ns.listService && name.local === 'group';
  return isRoot && (replaces || action.kind === 'set');
}

/** A `keep` removes what it selects by name, except where its test holds. @throws PolicyInvalid */
function checkKept(select: Expression, { id, override }: Template): void {
  for (const { target } of endsOf(select)) {
    if (target === undefined || target.axis === 'attribute') continue;
    const name = nameOf(target, select);
    if (carriesGroupId(name)) throw new PolicyInvalid('the MC service group ID is never changed', id);
    if (!override && isProtected(name)) throw needsWord(written(target), id);
  }
}
