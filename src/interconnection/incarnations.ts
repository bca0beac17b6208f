import type { SystemName } from '../base/identifiers.js';

/** How many incarnations of one system are remembered; the eldest goes first. */
const remembered = 64;

/**
 * The incarnations that peers have named (design D17). A system may have several stores behind one gateway, whose
 * answers take turns; so what tells of a loss is a token that was never heard before.
 */
export class Incarnations {
  readonly #heard = new Map<SystemName, Set<string>>();

  /** Takes note of a token: `first` of this system since our start, `known`, or `new`. */
  hear(system: SystemName, incarnation: string): 'first' | 'known' | 'new' {
    const heard = this.#heard.get(system);
    if (heard === undefined) {
      this.#heard.set(system, new Set([incarnation]));
      return 'first';
    }
    if (heard.has(incarnation)) return 'known';
    heard.add(incarnation);
    const [eldest] = heard;
    if (heard.size > remembered && eldest !== undefined) heard.delete(eldest);
    return 'new';
  }
}
