import type { GroupId, SystemName } from '../base/identifiers.js';
import type { Modification } from '../documents/state.js';
import { XmlRefused } from '../xml/refusal.js';
import type { ScanLimits } from '../xml/scan.js';
import { XPathInvalid } from '../xml/xpath/tokens.js';
import { XPathFailed } from '../xml/xpath/xpath.js';
import { type Edit, elementsIn, excerpt } from './edit/edits.js';
import { type Fail, PolicyFailed } from './language/errors.js';
import { concerns, type Expression, type Policy, type Template } from './language/policy.js';
import { compile, Revision } from './edit/revision.js';
import { templateStep } from './edit/template-step.js';

/**
 * What policies make of a received document: received text in, effective text and a list of changes
 * out (TS 23.280 clauses 10.2.7.2 step 2 and 10.2.7.3 step 4; design D8). Pure: the same input gives
 * the same bytes. Whether the result is still a valid group document is for the caller to judge.
 *
 * Policies run from the lowest precedence to the highest, so that the highest has the last word; of
 * equal ones the order of their ids decides. Their conditions are asked about the received document.
 * Templates run in their order, each on the text that the one before left. All nodes that a template
 * matches are found before it changes the first; of changes inside one another the outer one stands.
 *
 * Subtle: a change is a splice. What lies outside the changed ranges is copied character by character,
 * and a template that would write what is there already changes nothing. Protection is judged on the
 * same ranges: a change that overlaps a protected part, and so any change to what holds it, is refused.
 */

/** A document as a primary MC system provided it, accepted by gate and schema. */
export interface ReceivedDocument {
  readonly system: SystemName;
  readonly groupId: GroupId;
  readonly text: string;
}

export interface Derivation {
  readonly text: string;
  /** The changes in the order in which they were made; `template` is `{policy id}/{template id}`. */
  readonly modifications: readonly Modification[];
  /** How many changes were made beyond those listed. */
  readonly omitted: number;
}

/** How many changes are listed. */
const listed = 1000;

/** How far beyond twice its length a text may grow, in UTF-16 code units. */
const growth = 1024 * 1024;

/** Hears of each piece of the work when it begins: `policy {id}` for its conditions, `template {policy id}/{id}`. */
export type OnStep = (step: string) => void;

/** The pieces of work that `policies` may be, by the names that `OnStep` hears. */
export function stepsOf(policies: readonly Policy[]): readonly string[] {
  return policies.flatMap((policy) => [
    conditionsOf(policy),
    ...policy.templates.map((template) => templateOf(policy, template)),
  ]);
}

function conditionsOf({ id }: Policy): string {
  return `policy ${id}`;
}

function templateOf(policy: Policy, template: Template): string {
  return `template ${policy.id}/${template.id}`;
}

/** A received document on its way through the policies. */
class Deriving {
  readonly #limits: ScanLimits;
  readonly #onStep: OnStep;
  readonly #longest: number;
  readonly #modifications: Modification[] = [];
  #omitted = 0;
  #revision: Revision;

  constructor(text: string, limits: ScanLimits, onStep: OnStep) {
    this.#limits = limits;
    this.#onStep = onStep;
    this.#longest = 2 * text.length + growth;
    this.#revision = new Revision(text, limits);
  }

  run(policies: readonly Policy[]): Derivation {
    try {
      const inForce = policies.filter((policy) => this.#conditionsHold(policy));
      for (const policy of inForce) {
        for (const template of policy.templates) this.#apply(policy, template);
      }
      return { text: this.#revision.text, modifications: this.#modifications, omitted: this.#omitted };
    } finally {
      this.#revision[Symbol.dispose]();
    }
  }

  #conditionsHold(policy: Policy): boolean {
    this.#onStep(conditionsOf(policy));
    return policy.conditions.every((condition) => holds(policy, condition, this.#revision));
  }

  #apply(policy: Policy, template: Template): void {
    const name = `${policy.id}/${template.id}`;
    const step = templateOf(policy, template);
    this.#onStep(step);
    guarding(step, (fail) => {
      const edits = templateStep(template, { revision: this.#revision, room: this.#longest, fail });
      if (edits.length > 0) this.#splice(name, edits, fail);
    });
  }

  /** Makes the edits of `template`, and the text that comes of it the revision under way. */
  #splice(template: string, edits: readonly Edit[], fail: Fail): void {
    const former = this.#revision.text;
    const grown = edits.reduce(
      (length, { start, end, text }) => length + text.length - (end - start),
      former.length,
    );
    if (grown > this.#longest) throw fail('limit', 'the document would become too long');
    const parts: string[] = [];
    const starts: number[] = [];
    let [from, length] = [0, 0];
    for (const { start, end, text } of edits) {
      parts.push(former.slice(from, start), text);
      starts.push(length + start - from);
      length += start - from + text.length;
      from = end;
    }
    parts.push(former.slice(from));
    const next = new Revision(parts.join(''), this.#limits);
    this.#revision[Symbol.dispose]();
    this.#revision = next;
    edits.forEach((edit, index) => {
      this.#report(template, edit, starts[index] ?? 0);
    });
  }

  #report(template: string, edit: Edit, start: number): void {
    if ('path' in edit.report) {
      this.#list({ template, ...edit.report });
      return;
    }
    const { from, to } = edit.report;
    const { paths, text, tree } = this.#revision;
    for (const element of elementsIn(tree, start + from, start + to)) {
      const after = excerpt(text.slice(element.start, element.end));
      this.#list({ template, path: paths.of(element), before: null, after });
    }
  }

  #list(modification: Modification): void {
    if (this.#modifications.length < listed) this.#modifications.push(modification);
    else this.#omitted += 1;
  }
}

/** Runs `work`; what goes wrong in it becomes a failure of `name`, a policy or a template. */
function guarding<T>(name: string, work: (fail: Fail) => T): T {
  const fail: Fail = (reason, what) => new PolicyFailed(reason, `${name}: ${what}`);
  try {
    return work(fail);
  } catch (error) {
    if (error instanceof XPathFailed || error instanceof XPathInvalid) {
      throw fail('expression', error.message);
    }
    if (error instanceof XmlRefused) {
      throw fail(error.condition === 'forbidden' ? 'limit' : 'structure', error.message);
    }
    throw error;
  }
}

/** The policies among `policies` whose guards on system and group let them pass, in the order in which they run. */
export function policiesFor(
  policies: readonly Policy[],
  system: SystemName,
  groupId: GroupId,
): readonly Policy[] {
  const order = (a: Policy, b: Policy): number =>
    a.precedence - b.precedence || (a.id === b.id ? 0 : a.id < b.id ? -1 : 1);
  return policies.filter((policy) => concerns(policy, system, groupId)).sort(order);
}

/**
 * The first condition of `policy` that `text` does not fulfil.
 *
 * @throws PolicyFailed where it cannot be asked
 */
export function failedCondition(policy: Policy, text: string, limits: ScanLimits): Expression | undefined {
  using revision = new Revision(text, limits);
  return policy.conditions.find((condition) => !holds(policy, condition, revision));
}

function holds(policy: Policy, condition: Expression, revision: Revision): boolean {
  return guarding(conditionsOf(policy), () => {
    using test = compile(condition, 'boolean');
    return revision.document.test(test);
  });
}

/**
 * The effective document for `input` under `policies`.
 *
 * @param limits what a text may hold; the effective one must keep to them too
 * @throws PolicyFailed with the template and the reason
 */
export function derive(
  input: ReceivedDocument,
  policies: readonly Policy[],
  limits: ScanLimits,
  onStep: OnStep = () => undefined,
): Derivation {
  const inOrder = policiesFor(policies, input.system, input.groupId);
  if (inOrder.length === 0) return { text: input.text, modifications: [], omitted: 0 };
  return new Deriving(input.text, limits, onStep).run(inOrder);
}
