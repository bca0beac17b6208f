import { ns } from '../../xml/names.js';
import type { LocatedAttribute, LocatedElement } from '../../xml/tree.js';

/**
 * Paths to nodes as people write them: steps from the root element, with the customary prefixes of
 * TS 24.481 table 7.2.2-2 whatever prefixes the document uses, and a position only where several
 * siblings have the same name. A name of another namespace is written `Q{namespace}name`.
 */

const customaryPrefixes: ReadonlyMap<string, string> = new Map([
  [ns.listService, ''],
  [ns.resourceLists, 'rl:'],
  [ns.commonPolicy, 'cp:'],
  [ns.omaCommonPolicy, 'ocp:'],
  [ns.omaExtensions, 'oxe:'],
  [ns.mcpttGroupInfo, 'mcpttgi:'],
  [ns.xml, 'xml:'],
]);

function nameOf({ namespace, local }: { readonly namespace: string; readonly local: string }): string {
  return (customaryPrefixes.get(namespace) ?? `Q{${namespace}}`) + local;
}

/** Paths of one tree. Steps below one parent are worked out together, once. */
export class Paths {
  readonly #steps = new WeakMap<LocatedElement, ReadonlyMap<LocatedElement, string>>();

  /** The path of `element`, or of its attribute `attribute`. */
  of(element: LocatedElement, attribute?: LocatedAttribute): string {
    const steps: string[] = [];
    for (let at: LocatedElement | undefined = element; at !== undefined; at = at.parent) {
      steps.push(at.parent === undefined ? nameOf(at) : (this.#below(at.parent).get(at) ?? nameOf(at)));
    }
    const path = `/${steps.reverse().join('/')}`;
    if (attribute === undefined) return path;
    // An attribute without a prefix is in no namespace.
    return `${path}/@${attribute.namespace === '' ? attribute.local : nameOf(attribute)}`;
  }

  #below(parent: LocatedElement): ReadonlyMap<LocatedElement, string> {
    const known = this.#steps.get(parent);
    if (known !== undefined) return known;
    const counts = new Map<string, number>();
    for (const child of parent.children) counts.set(nameOf(child), (counts.get(nameOf(child)) ?? 0) + 1);
    const seen = new Map<string, number>();
    const steps = new Map<LocatedElement, string>();
    for (const child of parent.children) {
      const name = nameOf(child);
      const position = (seen.get(name) ?? 0) + 1;
      seen.set(name, position);
      steps.set(child, (counts.get(name) ?? 0) > 1 ? `${name}[${position}]` : name);
    }
    this.#steps.set(parent, steps);
    return steps;
  }
}
