import { BoundedCache, entryWeight, weightOfText } from '../base/bounded-cache.js';
import type { McServiceId, SystemName } from '../base/identifiers.js';
import { trimField } from '../base/text.js';
import { canonicalUri, isIdentityUri, longestIdentity } from '../base/uri.js';
import type { HomeSystems } from '../mc-systems/homes.js';
import { nobody, type Principal } from './principal.js';

/** The configured lists that an asserted identity is looked up in; all URIs in canonical form. */
export interface KnownIdentities {
  readonly administrators: ReadonlySet<string>;
  readonly mcServiceServers: ReadonlySet<string>;
  readonly peers: ReadonlyMap<string, SystemName>;
  /** Users are known by their home: every MC service ID of our own system. */
  readonly homes: HomeSystems;
}

/** `text` without the quotation marks or angle brackets around it. */
function unwrapped(text: string): string {
  const isWrapped =
    text.length >= 2 &&
    ((text.startsWith('"') && text.endsWith('"')) || (text.startsWith('<') && text.endsWith('>')));
  return isWrapped ? text.slice(1, -1) : text;
}

/**
 * The one URI that the field value asserts, in canonical form; undefined for none, several, nonsense, or one of
 * more than `longestIdentity` characters. The field is read before its sender is known: the longer it is, the
 * less may be done with it.
 */
export function assertedUri(value: string): string | undefined {
  const uri = unwrapped(trimField(value));
  const isOne = uri.length <= longestIdentity && isIdentityUri(uri) && !uri.includes(',');
  return isOne ? canonicalUri(uri) : undefined;
}

/** Why the field value asserts no identity, in words for the requester; undefined where it does, or is not there. */
export function identityFault(value: string | undefined): string | undefined {
  if (value === undefined || assertedUri(value) !== undefined) return undefined;
  if (value.includes(',')) return 'X-3GPP-Asserted-Identity has several values, and needs to have one';
  return value.length > longestIdentity
    ? `X-3GPP-Asserted-Identity has more than ${longestIdentity} characters`
    : 'X-3GPP-Asserted-Identity is not a URI';
}

/**
 * The principal that `X-3GPP-Asserted-Identity` (TS 24.109, as used by TS 24.482 Annex A) names. An
 * identity in no list is nobody. The field counts only where its sender is trusted.
 */
export function principalOf(value: string | undefined, known: KnownIdentities): Principal {
  const identity = value === undefined ? undefined : assertedUri(value);
  if (identity === undefined) return nobody;
  if (known.administrators.has(identity)) return { kind: 'administrator', identity };
  if (known.mcServiceServers.has(identity)) return { kind: 'mc-service-server', identity };
  const system = known.peers.get(identity);
  if (system !== undefined) return { kind: 'peer', identity, system };
  if (known.homes.isOwn(identity)) return { kind: 'user', identity: identity as McServiceId };
  return nobody;
}

/** How many bytes are spent on keeping field values with their principals, and on a principal beside its identity. */
const keptBytes = 4 * 1024 * 1024;
const principalWeight = 100;

/** Principals by field value. The configured lists stay, so each value stands for the same one for good. */
export class KnownPrincipals {
  readonly #identities: KnownIdentities;
  readonly #principals = new BoundedCache<string, Principal>(keptBytes);

  constructor(identities: KnownIdentities) {
    this.#identities = identities;
  }

  /** As `principalOf`. */
  principalOf(value: string | undefined): Principal {
    if (value === undefined) return nobody;
    const known = this.#principals.get(value);
    if (known !== undefined) return known;
    const principal = principalOf(value, this.#identities);
    // Nonsense is not worth a place: known values would have to leave.
    if (value.length > longestIdentity) return principal;
    this.#principals.set(value, principal, entryWeight + principalWeight + 2 * weightOfText(value));
    return principal;
  }
}
