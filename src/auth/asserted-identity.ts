import { BoundedCache } from '../base/bounded-cache.js';
import type { McServiceId, SystemName } from '../base/identifiers.js';
import { canonicalUri, isIdentityUri } from '../base/uri.js';
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

/** The one URI that the field value asserts, in canonical form; undefined for none, several or nonsense. */
export function assertedUri(value: string): string | undefined {
  const text = /^\s*(?:"([^"]*)"|<([^>]*)>|(\S*))\s*$/.exec(value);
  const uri = text?.[1] ?? text?.[2] ?? text?.[3] ?? '';
  return isIdentityUri(uri) && !uri.includes(',') ? canonicalUri(uri) : undefined;
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

/** How many characters of field values are kept with their principals. */
const keptCharacters = 200_000;

/** Principals by field value. The configured lists stay, so each value stands for the same one for good. */
export class KnownPrincipals {
  readonly #identities: KnownIdentities;
  readonly #principals = new BoundedCache<string, Principal>(keptCharacters);

  constructor(identities: KnownIdentities) {
    this.#identities = identities;
  }

  /** As `principalOf`. */
  principalOf(value: string | undefined): Principal {
    if (value === undefined) return nobody;
    const known = this.#principals.get(value);
    if (known !== undefined) return known;
    const principal = principalOf(value, this.#identities);
    this.#principals.set(value, principal, value.length);
    return principal;
  }
}
