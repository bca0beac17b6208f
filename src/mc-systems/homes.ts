import type { SystemName } from '../base/identifiers.js';
import { LongestPrefix } from '../base/longest-prefix.js';
import { canonicalUri, sipDomain } from '../base/uri.js';

/** An MC system, and the URIs that are defined there (design D6). */
export interface HomeSystem {
  readonly name: SystemName;
  /** Lower-case domains of SIP URIs. */
  readonly domains: readonly string[];
  /** Prefixes of `tel:` URIs, such as `tel:+15550`. */
  readonly telPrefixes: readonly string[];
}

/**
 * Maps a group ID or a user's MC service ID to the one MC system where it is defined: by the domain of a SIP
 * URI, or by the longest configured prefix of a `tel:` URI.
 */
export class HomeSystems {
  readonly own: SystemName;
  readonly #byDomain = new Map<string, SystemName>();
  readonly #byPrefix = new LongestPrefix<SystemName>();
  readonly #own: HomeSystem;

  constructor(own: HomeSystem, others: readonly HomeSystem[]) {
    this.own = own.name;
    this.#own = own;
    for (const { name, domains, telPrefixes } of [own, ...others]) {
      for (const domain of domains) this.#byDomain.set(domain.toLowerCase(), name);
      for (const prefix of telPrefixes) this.#byPrefix.add(canonicalUri(prefix), name);
    }
  }

  /** The home of `uri`, or undefined where no configured system is its home. */
  homeOf(uri: string): SystemName | undefined {
    const canonical = canonicalUri(uri);
    const domain = sipDomain(canonical);
    if (domain !== undefined) return this.#byDomain.get(domain);
    return this.#byPrefix.valueFor(canonical);
  }

  /**
   * Whether `uri` is nobody's: no configured system is its home, although our own lists its domains, for a SIP
   * URI, or its prefixes, for a global number. A system that lists none has not said what is its own, so nothing
   * is nobody's there. Local numbers and other URIs cannot be listed.
   */
  isNobodys(uri: string): boolean {
    if (this.homeOf(uri) !== undefined) return false;
    const canonical = canonicalUri(uri);
    if (sipDomain(canonical) !== undefined) return this.#own.domains.length > 0;
    return canonical.startsWith('tel:+') && this.#own.telPrefixes.length > 0;
  }

  /** Whether `uri` is defined in our own MC system. */
  isOwn(uri: string): boolean {
    return this.homeOf(uri) === this.own;
  }
}
