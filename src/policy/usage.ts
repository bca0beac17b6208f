import type { Principal } from '../auth/principal.js';
import type { Auid } from '../base/identifiers.js';
import { Forbidden } from '../base/refusals.js';
import { ConstraintFailure } from '../xcap/conflicts.js';
import { ordinaryPlacement, type ApplicationUsage } from '../xcap/usage.js';
import { ns } from '../xml/names.js';
import { PolicyInvalid } from './language/errors.js';
import { policyMediaType } from './language/policy.js';
import { parsePolicy } from './language/read-policy.js';
import { checkTouches } from './language/touches.js';

/** AUID of the interconnection policies of this server (design D8): an application usage of its own. */
export const policyAuid = 'org.mcgms.interconnection-policy' as Auid;

/** The usage in which administrators keep policies, in its global tree, under names of their choice. */
export function createPolicyUsage(): ApplicationUsage {
  return {
    auid: policyAuid,
    defaultNamespace: ns.policy,
    mediaType: policyMediaType,
    schema: 'policy',
    namespaces: [ns.policy],
    ...ordinaryPlacement(),
    check(document) {
      try {
        checkTouches(parsePolicy(document.text, document.tree), document.tree);
      } catch (error) {
        if (error instanceof PolicyInvalid) throw new ConstraintFailure(error.message);
        throw error;
      }
    },
  };
}

/** Policies are the administrators' own. @throws Forbidden */
export function checkMayUsePolicies(principal: Principal): void {
  if (principal.kind !== 'administrator') throw new Forbidden('policies are for administrators only');
}
