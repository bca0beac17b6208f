import type { McServiceId } from '../base/identifiers.js';
import { canonicalUri, sipDomain } from '../base/uri.js';
import { textContent } from '../xml/content.js';
import type { Fragment } from '../xml/fragment.js';
import { ns } from '../xml/names.js';
import { attribute, childNamed, childrenNamed, countElements, type LocatedElement } from '../xml/tree.js';
import { toTime } from './times.js';

/**
 * What the rules of a group document grant, and to whom (TS 24.481 clause 7.2.8, RFC 4745 clauses 7 and 10).
 *
 * A rule applies where all its conditions hold; one without conditions applies to everybody. Of the rules
 * that apply, one that grants is enough; where none does, nothing is granted. A condition that cannot be
 * judged here (a sphere, an external list, an unknown condition) does not hold: a document that is
 * misunderstood must grant less, never more. The value of the action counts only in rules that apply to the
 * requester, never anywhere else in the document.
 */

/** An action of the MC service group namespace. */
export type McAction = 'on-network-allow-getting-member-list';

/** The requester, and the time of the request. */
export interface RuleContext {
  readonly identity: McServiceId;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

type Condition = (context: RuleContext) => boolean;

/** A rule, read once. */
export interface Rule {
  readonly conditions: readonly Condition[];
  /** Whether it is for users to whom no other rule applies (`other-identity`). */
  readonly forOthers: boolean;
  /** Local names of the actions of the MC service group namespace that it grants. */
  readonly granted: ReadonlySet<string>;
  /** Bytes of memory that it takes, at most. */
  readonly weight: number;
}

/** Whether `rules` grant `action` in `context`. */
export function isGranted(rules: readonly Rule[], action: McAction, context: RuleContext): boolean {
  const applying = rules.filter((rule) => rule.conditions.every((holds) => holds(context)));
  const ordinary = applying.filter(({ forOthers }) => !forOthers);
  return (ordinary.length > 0 ? ordinary : applying).some(({ granted }) => granted.has(action));
}

/** The rules of a `ruleset`, of a document that lists these `members`. */
export function readRules({ text, element }: Fragment, members: ReadonlySet<McServiceId>): readonly Rule[] {
  const reader = new RuleReader(text, members);
  return childrenNamed(element, ns.commonPolicy, 'rule').map((rule) => reader.rule(rule));
}

/** Bytes of memory that what is kept of one element of a rule takes, at most. */
const elementWeight = 600;

function isOtherIdentity({ namespace, local }: LocatedElement): boolean {
  return namespace === ns.omaCommonPolicy && local === 'other-identity';
}

const never: Condition = () => false;

class RuleReader {
  readonly #text: string;
  readonly #members: ReadonlySet<McServiceId>;

  constructor(text: string, members: ReadonlySet<McServiceId>) {
    this.#text = text;
    this.#members = members;
  }

  rule(rule: LocatedElement): Rule {
    const conditions = childNamed(rule, ns.commonPolicy, 'conditions')?.children ?? [];
    const actions = childNamed(rule, ns.commonPolicy, 'actions')?.children ?? [];
    const granted = actions.filter(
      (action) => action.namespace === ns.mcpttGroupInfo && ['true', '1'].includes(this.#trimmed(action)),
    );
    return {
      conditions: conditions.map((condition) => this.#condition(condition)),
      forOthers: conditions.some(isOtherIdentity),
      granted: new Set(granted.map(({ local }) => local)),
      // What is kept of the text may be slices, which keep all of it: each rule counts for its own part.
      weight: elementWeight * countElements(rule) + 4 * (rule.end - rule.start),
    };
  }

  #condition(condition: LocatedElement): Condition {
    switch (`{${condition.namespace}}${condition.local}`) {
      case `{${ns.commonPolicy}}identity`: {
        const identities = condition.children.map(identityCondition);
        return (context) => identities.some((holds) => holds(context));
      }
      case `{${ns.commonPolicy}}validity`:
        return this.#validity(condition);
      case `{${ns.listService}}is-list-member`: {
        const members = this.#members;
        return ({ identity }) => members.has(identity);
      }
      case `{${ns.omaCommonPolicy}}other-identity`:
        return () => true;
      default:
        return never;
    }
  }

  #trimmed(element: LocatedElement): string {
    return textContent(this.#text, element).trim();
  }

  /** RFC 4745 clause 7.4: pairs of `from` and `until`; one that holds now is enough. */
  #validity(validity: LocatedElement): Condition {
    const times = validity.children.map((child) => toTime(this.#trimmed(child)));
    return ({ now }) =>
      times.some((from, index) => {
        const until = times[index + 1];
        return index % 2 === 0 && until !== undefined && from <= now && now <= until;
      });
  }
}

/** RFC 4745 clause 7.1: `one` names a user; `many` means all users, perhaps of a domain, but for exceptions. */
function identityCondition(child: LocatedElement): Condition {
  if (child.namespace !== ns.commonPolicy) return never;
  if (child.local === 'one') return isUser(attribute(child, 'id'));
  if (child.local !== 'many') return never;
  const domain = attribute(child, 'domain');
  const included: Condition = domain === undefined ? () => true : isOfDomain(domain);
  const excepted = childrenNamed(child, ns.commonPolicy, 'except').flatMap((except) => [
    isUser(attribute(except, 'id')),
    isOfDomain(attribute(except, 'domain')),
  ]);
  return (context) => included(context) && !excepted.some((holds) => holds(context));
}

function isUser(id: string | undefined): Condition {
  const user = id === undefined ? undefined : canonicalUri(id);
  return user === undefined ? never : ({ identity }) => identity === user;
}

function isOfDomain(name: string | undefined): Condition {
  const domain = name?.trim().toLowerCase();
  return domain === undefined ? never : ({ identity }) => sipDomain(identity) === domain;
}
