import type { XPathNode } from '../../xml/xpath/xpath.js';
import type { Edit, EditContext } from './edits.js';
import type { PolicyFailed } from '../language/errors.js';
import { protectedRanges, touched } from '../group-schema/protected-parts.js';
import type { Action, Template } from '../language/policy.js';
import { compile } from './revision.js';
import { StructureEdits } from './structure-edits.js';
import { ValueEdits } from './value-edits.js';

/**
 * One template at work on one revision: which nodes it matches, which action goes where, and what it may not
 * touch.
 *
 * @returns the edits in the order of the text, none inside another
 * @throws PolicyFailed as `context.fail` makes it
 */
export function templateStep(template: Template, context: EditContext): readonly Edit[] {
  using match = compile(template.match);
  const nodes = context.revision.document.select(match);
  if (nodes.length === 0) return [];
  const edits = outermost(act(template.action, nodes, context));
  checkProtection(template, edits, context);
  return edits;
}

function act(action: Action, nodes: readonly XPathNode[], context: EditContext): readonly Edit[] {
  const values = new ValueEdits(context);
  const structure = new StructureEdits(context);
  switch (action.kind) {
    case 'set':
      return values.set(nodes, action.to);
    case 'clamp':
      return values.clamp(nodes, action);
    case 'raise':
    case 'lower':
      return values.shift(nodes, action);
    case 'remove':
      return structure.remove(nodes);
    case 'replace':
      return structure.replace(nodes, action.fragment);
    case 'insert':
      return structure.insert(nodes, action.place, action.fragment);
    case 'keep':
      return structure.keep(nodes, action.select, action.test);
  }
}

/** Of edits inside one another the outer one, in the order of the text. */
function outermost(edits: readonly Edit[]): readonly Edit[] {
  const outer: Edit[] = [];
  let covered = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (edit.start < covered) continue;
    covered = Math.max(covered, edit.end);
    outer.push(edit);
  }
  return outer;
}

/** @throws PolicyFailed where one of `edits` touches a protected part that the template may not touch */
function checkProtection(
  { action, override }: Template,
  edits: readonly Edit[],
  { revision, fail }: EditContext,
): void {
  const refused = (what: string): PolicyFailed =>
    fail('protected', `${what} is protected; protected="override" is needed to touch it`);
  if ('fragment' in action && edits.length > 0) {
    const { identifies, protects } = action.fragment;
    if (identifies) throw fail('protected', 'a fragment would bring an MC service group ID of its own');
    if (protects !== undefined && !override) throw refused(protects);
  }
  const ranges = protectedRanges(revision.tree);
  for (const { start, end } of edits) {
    const range = touched(ranges, start, end, override);
    if (range?.always === true) throw fail('protected', `${range.what} is never changed`);
    if (range !== undefined) throw refused(range.what);
  }
}
