import { canonicalUri, toGroupId } from '../../base/uri.js';
import { ns } from '../../xml/names.js';
import { scanXml, type ScanLimits } from '../../xml/scan.js';
import {
  attribute,
  childNamed,
  childrenNamed,
  type LocatedElement,
  namespacesInScope,
} from '../../xml/tree.js';
import type { XPathOutline } from '../../xml/xpath/grammar.js';
import { XPathInvalid } from '../../xml/xpath/tokens.js';
import { XPath } from '../../xml/xpath/xpath.js';
import { compareDecimals, isDecimal, isWhole } from './decimal.js';
import { PolicyInvalid } from './errors.js';
import { type Fragment, readFragment } from './fragment.js';
import { isProtected } from '../group-schema/protected-parts.js';
import { wholeRangeOf } from '../group-schema/whole-ranges.js';
import type { Action, Expression, Place, Policy, Template } from './policy.js';

/**
 * Reads a policy document (design D8). What the schema cannot say is checked here, so that a policy which could
 * only fail is refused when it is put.
 */

/** What a policy may hold where the caller has not scanned it. */
const defaultLimits: ScanLimits = { depth: 64, attributes: 256, namespaces: 64, elements: 50000 };

const places: ReadonlySet<string> = new Set<Place>(['first', 'last', 'before', 'after']);

function isPlace(text: string | undefined): text is Place {
  return text !== undefined && places.has(text);
}

/** A pattern in the canonical spelling of group IDs, so that it is compared as a string. */
function canonicalPattern(pattern: string): string {
  const uri = canonicalUri(pattern);
  const at = uri.lastIndexOf('@');
  return uri.slice(0, at + 1) + uri.slice(at + 1).replace(/^[^;?]*/, (host) => host.toLowerCase());
}

class PolicyReader {
  readonly #text: string;
  readonly #root: LocatedElement;

  constructor(text: string, root: LocatedElement) {
    this.#text = text;
    this.#root = root;
  }

  run(): Policy {
    const root = this.#root;
    if (root.namespace !== ns.policy || root.local !== 'policy') {
      throw new PolicyInvalid('the root element is no policy');
    }
    const guards = childNamed(root, ns.policy, 'applies-to');
    const ids = new Set<string>();
    const templates = childrenNamed(root, ns.policy, 'template').map((element) =>
      placed(element, () => this.#template(element, ids)),
    );
    const precedence = Number.parseInt(attribute(root, 'precedence') ?? '0', 10);
    if (Number.isNaN(precedence)) throw new PolicyInvalid('precedence is a whole number');
    return {
      id: required(root, 'id'),
      precedence,
      systems: guarded(guards, 'system', 'name'),
      groups: guarded(guards, 'group', 'id', groupPattern),
      conditions: childrenOf(guards, 'condition').map((element) =>
        placed(element, () => this.#expression(element, 'test', 'boolean').expression),
      ),
      templates,
    };
  }

  /** @param ids those of the templates before it */
  #template(element: LocatedElement, ids: Set<string>): Template {
    const id = required(element, 'id');
    if (ids.has(id)) throw new PolicyInvalid('there are two of this id', id);
    ids.add(id);
    const { expression: match, outline } = this.#expression(element, 'match', 'nodes', id);
    const override = attribute(element, 'protected') === 'override';
    const action = element.children.find(({ local }) => local !== 'description');
    if (action === undefined) throw new PolicyInvalid('there is no action', id);
    const template = { id, match, override, action: placed(action, () => this.#action(action, id)) };
    checkForetold(template, outline);
    return template;
  }

  #action(element: LocatedElement, id: string): Action {
    switch (element.local) {
      case 'set':
        return { kind: 'set', to: this.#value(element, id) };
      case 'clamp':
        return { kind: 'clamp', ...bounds(element, id) };
      case 'raise':
      case 'lower':
        return { kind: element.local, ...amount(element, id) };
      case 'remove':
        return { kind: 'remove' };
      case 'replace':
        return { kind: 'replace', fragment: this.#fragment(element, id) };
      case 'insert': {
        const place = attribute(element, 'place');
        if (!isPlace(place)) throw new PolicyInvalid('insert has no place', id);
        return { kind: 'insert', place, fragment: this.#fragment(element, id) };
      }
      case 'keep':
        return {
          kind: 'keep',
          select: this.#expression(element, 'select', 'nodes', id).expression,
          test: this.#expression(element, 'test', 'boolean', id).expression,
        };
      default:
        throw new PolicyInvalid(`there is no action ${element.local}`, id);
    }
  }

  #value(element: LocatedElement, id: string): string | Expression {
    const value = attribute(element, 'value');
    const selects = attribute(element, 'select') !== undefined;
    if ((value !== undefined) === selects) {
      throw new PolicyInvalid('set takes either value or select', id);
    }
    return value ?? this.#expression(element, 'select', 'string', id).expression;
  }

  #fragment(element: LocatedElement, id: string): Fragment {
    const fragment = readFragment(this.#text, element);
    if (fragment === undefined) throw new PolicyInvalid(`${element.local} has no fragment`, id);
    return fragment;
  }

  /** An expression compiled on trial, and reduced to the declarations that it uses. */
  #expression(
    element: LocatedElement,
    name: string,
    as: 'nodes' | 'string' | 'boolean',
    id?: string,
  ): { readonly expression: Expression; readonly outline: XPathOutline } {
    const source = attribute(element, name);
    if (source === undefined) throw new PolicyInvalid(`${element.local} has no ${name}`, id);
    const scope = namespacesInScope(element);
    try {
      using compiled = XPath.compile(source, scope, as === 'nodes' ? undefined : as);
      const { outline } = compiled;
      const [bare] = outline.unprefixed;
      if (bare !== undefined) {
        throw new PolicyInvalid(
          `${name}="${source}": ${bare} without a prefix is a name in no namespace; declare a prefix for it`,
          id,
        );
      }
      if (as === 'nodes' && outline.type !== 'node-set') {
        throw new PolicyInvalid(`${name}="${source}" gives a ${outline.type}, not nodes`, id);
      }
      const namespaces = new Map([...scope].filter(([prefix]) => outline.prefixes.has(prefix)));
      return { expression: { source, namespaces }, outline };
    } catch (error) {
      if (!(error instanceof XPathInvalid)) throw error;
      throw new PolicyInvalid(`${name}="${source}": ${error.message}`, id);
    }
  }
}

function required(element: LocatedElement, name: string): string {
  const value = attribute(element, name);
  if (value === undefined || value === '') throw new PolicyInvalid(`${element.local} has no ${name}`);
  return value;
}

function childrenOf(guards: LocatedElement | undefined, local: string): readonly LocatedElement[] {
  return guards === undefined ? [] : childrenNamed(guards, ns.policy, local);
}

function guarded(
  guards: LocatedElement | undefined,
  local: string,
  name: string,
  read: (value: string) => string = (value) => value,
): readonly string[] {
  return childrenOf(guards, local).map((element) => placed(element, () => read(required(element, name))));
}

/** Runs `work`, which is about `element`: the place of a mistake, unless a more exact one is known. */
export function placed<T>(element: LocatedElement, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof PolicyInvalid ? error.at(element.start) : error;
  }
}

function groupPattern(pattern: string): string {
  if (!pattern.includes('*') && toGroupId(pattern) === undefined) {
    throw new PolicyInvalid(`${pattern} is no MC service group ID`);
  }
  return canonicalPattern(pattern);
}

function bounds(
  element: LocatedElement,
  id: string,
): { readonly min: string | undefined; readonly max: string | undefined } {
  const min = attribute(element, 'min')?.trim();
  const max = attribute(element, 'max')?.trim();
  if (min === undefined && max === undefined) throw new PolicyInvalid('clamp has neither min nor max', id);
  const order = compareDecimals(min ?? max ?? '', max ?? min ?? '');
  if (order === undefined) throw new PolicyInvalid('min and max are numbers', id);
  if (order > 0) throw new PolicyInvalid(`min ${min ?? ''} is above max ${max ?? ''}`, id);
  return { min, max };
}

function amount(
  element: LocatedElement,
  id: string,
): { readonly by: string; readonly limit: string | undefined } {
  const by = attribute(element, 'by')?.trim() ?? '';
  const bound = element.local === 'raise' ? 'max' : 'min';
  const limit = attribute(element, bound)?.trim();
  if ((compareDecimals(by, '0') ?? 0) <= 0) {
    throw new PolicyInvalid(`${element.local} has no by, or one that is not above 0`, id);
  }
  if (limit !== undefined && !isDecimal(limit)) throw new PolicyInvalid(`${bound} is a number`, id);
  return { by, limit };
}

/** Refuses a template that could only fail when it is applied, as far as the policy alone shows that. */
function checkForetold(template: Template, outline: XPathOutline): void {
  const { action, override, id } = template;
  if ('fragment' in action) {
    if (action.fragment.identifies) {
      throw new PolicyInvalid('the MC service group ID is never changed: no list-service in a fragment', id);
    }
    if (action.fragment.protects !== undefined && !override) throw needsWord(action.fragment.protects, id);
  }
  if (action.kind === 'raise' || action.kind === 'lower') {
    for (const { axis, prefix, local } of outline.targets) {
      const namespace = template.match.namespaces.get(prefix) ?? '';
      if (axis === 'attribute' || wholeRangeOf({ namespace, local }) === undefined) continue;
      const broken = [action.by, action.limit ?? '0'].find((number) => !isWhole(number));
      if (broken !== undefined) {
        throw new PolicyInvalid(`${prefix}:${local} is a whole number; ${broken} is none`, id);
      }
    }
  }
  const beside = action.kind === 'insert' && (action.place === 'before' || action.place === 'after');
  if (beside || override) return;
  for (const { axis, prefix, local } of outline.targets) {
    const namespace = template.match.namespaces.get(prefix) ?? '';
    if (axis !== 'attribute' && isProtected({ namespace, local })) throw needsWord(`${prefix}:${local}`, id);
  }
}

/** The refusal of a template that would touch the protected part `what` without the word for it. */
export function needsWord(what: string, id: string): PolicyInvalid {
  return new PolicyInvalid(`${what} is protected; the template needs protected="override" to touch it`, id);
}

/**
 * The policy in `text`, which is valid against its schema.
 *
 * @param tree the located tree of `text`, where the caller has it
 * @throws PolicyInvalid with the template and the reason
 */
export function parsePolicy(text: string, tree: LocatedElement = scanXml(text, defaultLimits)): Policy {
  return new PolicyReader(text, tree).run();
}
