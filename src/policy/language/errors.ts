import { GmsError } from '../../base/errors.js';

/** A policy document that cannot be put in force. The message is for its administrator. */
export class PolicyInvalid extends GmsError {
  /** The template at fault, where it is one. */
  readonly template: string | undefined;
  /** Where the element at fault begins in the text of the policy, where it is known. */
  readonly offset: number | undefined;

  readonly #reason: string;

  constructor(reason: string, template?: string, offset?: number) {
    super(template === undefined ? reason : `template ${template}: ${reason}`);
    this.#reason = reason;
    this.template = template;
    this.offset = offset;
  }

  /** The same, at `offset` where no place is known yet. */
  at(offset: number): PolicyInvalid {
    return this.offset === undefined ? new PolicyInvalid(this.#reason, this.template, offset) : this;
  }
}

/**
 * Why a policy could not be applied to a document: `expression` an XPath expression failed or selected
 * something unfit, `value` a value is not of the kind that the action needs, `structure` the action
 * makes no sense at that place, `protected` it would touch what is protected, `limit` the result grows
 * beyond a bound; `invalid` a policy in force can no longer be read; `deadline`, `busy`, `closed`
 * and `crash` come from the runner.
 */
export type PolicyFailure =
  | 'expression'
  | 'value'
  | 'structure'
  | 'protected'
  | 'limit'
  | 'invalid'
  | 'deadline'
  | 'busy'
  | 'closed'
  | 'crash';

/** A policy that is valid but could not be applied. The message is for the operator. */
export class PolicyFailed extends GmsError {
  readonly reason: PolicyFailure;

  constructor(reason: PolicyFailure, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Makes the failure of a policy at work; `what` is told behind the name of the policy or template. */
export type Fail = (reason: PolicyFailure, what: string) => PolicyFailed;
