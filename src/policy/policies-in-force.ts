import type { DocumentName, GroupId, SystemName } from '../base/identifiers.js';
import { ServiceUnavailable } from '../base/refusals.js';
import { allOf } from '../base/soon.js';
import type { Documents } from '../documents/documents.js';
import { terms } from '../documents/index-terms.js';
import type { Modification } from '../documents/state.js';
import { ConstraintFailure } from '../xcap/conflicts.js';
import { PolicyFailed, type PolicyFailure } from './language/errors.js';
import type { PolicyRunner } from './runner.js';
import { policyAuid } from './usage.js';

/** What the policies make of a received document. */
export interface Derived {
  readonly text: string;
  readonly modifications: readonly Modification[];
  /** How many changes were made beyond those listed. */
  readonly omitted: number;
  /** Whether the policies in force are still those that were applied. */
  readonly isCurrent: () => boolean;
}

/** Applies the policies in force. @throws RequestRefused where a policy fails */
export type Derive = (system: SystemName, groupId: GroupId, text: string) => Promise<Derived>;

/** Seconds after which a provision may be tried again when the policies could not be applied to it now. */
const retryAfter = 10;

/**
 * Failures that are not the group's: no time, no worker, no readable policy. The same provision may succeed
 * when the operator has done something, or with time alone.
 */
const ofTheMoment: ReadonlySet<PolicyFailure> = new Set(['busy', 'closed', 'crash', 'deadline', 'invalid']);

/**
 * What a primary is told where the policies fail on its group, or what they make is no group document. Which
 * policy it is, what it says and what is wrong are nobody's business outside of this MC system.
 *
 * @param detail for log and audit
 */
export function policyNotApplicable(detail: string): ConstraintFailure {
  return new ConstraintFailure('the policy of this MC system cannot be applied to the group', detail);
}

/** The policies in force: all that administrators have stored, applied by a runner. */
export class PoliciesInForce {
  readonly #documents: Documents;
  readonly #runner: Pick<PolicyRunner, 'run'>;

  /** Counts changes of policies. */
  #edition = 0;

  constructor(documents: Documents, runner: Pick<PolicyRunner, 'run'>) {
    this.#documents = documents;
    this.#runner = runner;
    documents.addListener(({ auid }) => {
      if (auid === policyAuid) this.#edition += 1;
    });
  }

  /**
   * What the policies make of a received document.
   *
   * @throws ConstraintFailure where a policy fails on this document, ServiceUnavailable where it cannot be
   *   applied at present
   */
  async derive(system: SystemName, groupId: GroupId, text: string): Promise<Derived> {
    const edition = this.#edition;
    try {
      const isCurrent = (): boolean => edition === this.#edition;
      const policies = await this.#texts();
      if (policies.length === 0) return { text, modifications: [], omitted: 0, isCurrent };
      return { ...(await this.#runner.run({ system, groupId, text }, policies)), isCurrent };
    } catch (error) {
      if (!(error instanceof PolicyFailed)) throw error;
      if (ofTheMoment.has(error.reason)) {
        throw new ServiceUnavailable('the policy could not be applied at present', retryAfter, error.message);
      }
      throw policyNotApplicable(error.message);
    }
  }

  /** The policies that would be in force if `text` were put under `name`. */
  async textsWith(name: DocumentName, text: string): Promise<readonly string[]> {
    return await this.#texts({ name, text });
  }

  /** The stored policies, in an order that does not change by itself. */
  async #texts(instead?: { readonly name: DocumentName; readonly text: string }): Promise<readonly string[]> {
    const stored = new Set(await allOf(this.#documents.keysOf(terms.usage(policyAuid))));
    const keys = instead === undefined ? stored : stored.add(instead.name);
    const texts = [...keys].sort().map(async (key) => {
      if (key === instead?.name) return instead.text;
      return (await this.#documents.get(key))?.form?.body;
    });
    return (await Promise.all(texts)).flatMap((text) => text ?? []);
  }
}
