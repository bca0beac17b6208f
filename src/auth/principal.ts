import type { McServiceId, SystemName } from '../base/identifiers.js';

/** The requester. Each request has exactly one principal, and what it may do depends on nothing else. */
export type Principal =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'administrator'; readonly identity: string }
  | { readonly kind: 'user'; readonly identity: McServiceId }
  | { readonly kind: 'mc-service-server'; readonly identity: string }
  | { readonly kind: 'peer'; readonly identity: string; readonly system: SystemName };

export const nobody: Principal = { kind: 'nobody' };

/** Who holds a share of what is divided among requesters; all that do not say who they are hold one together. */
export function holderOf(principal: Principal): string {
  return principal.kind === 'nobody' ? '' : principal.identity;
}
