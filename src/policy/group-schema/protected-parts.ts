import { ns } from '../../xml/names.js';
import type { LocatedElement } from '../../xml/tree.js';

/**
 * What a policy does not touch unless its template says so (design D8): the services that a group
 * supports, the flags that require protection (absent means true, so inserting one can weaken it as
 * well as removing one), and the state of temporary and regrouped groups. The group ID is never
 * touched, whatever the template says.
 */

export interface ExpandedName {
  readonly namespace: string;
  readonly local: string;
}

const protectedNames: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  [ns.omaExtensions, new Set(['supported-services'])],
  [
    ns.mcpttGroupInfo,
    new Set([
      'protect-media',
      'protect-floor-control-signalling',
      'mcvideo-protect-media',
      'mcvideo-protect-transmission-control',
      'mcdata-protect-media',
      'mcdata-protect-transmission-control',
      'on-network-temporary',
      'on-network-regrouped',
    ]),
  ],
]);

/** Whether the element of this name, with all that it holds, is protected. */
export function isProtected(name: ExpandedName): boolean {
  return protectedNames.get(name.namespace)?.has(name.local) === true;
}

/** Whether the element of this name carries a group ID. */
export function carriesGroupId(name: ExpandedName): boolean {
  return name.namespace === ns.listService && name.local === 'list-service';
}

/** A protected part of a text, and what to call it. */
export interface ProtectedRange {
  readonly start: number;
  readonly end: number;
  readonly what: string;
  /** Whether it stays protected even from a template with `protected="override"`. */
  readonly always: boolean;
}

/** The protected parts of a document in the order of the text; they do not overlap. */
export function protectedRanges(root: LocatedElement): readonly ProtectedRange[] {
  const ranges: ProtectedRange[] = [];
  const visit = (element: LocatedElement): void => {
    if (isProtected(element)) {
      ranges.push({ start: element.start, end: element.end, what: element.name, always: false });
      return;
    }
    if (carriesGroupId(element)) {
      const id = element.attributes.find(({ local, namespace }) => local === 'uri' && namespace === '');
      if (id !== undefined) {
        ranges.push({ start: id.start, end: id.end, what: 'the MC service group ID', always: true });
      }
    }
    element.children.forEach(visit);
  };
  visit(root);
  return ranges;
}

/**
 * The first of `ranges` that a change of `start` to `end` touches. An insertion (`start` = `end`)
 * touches what it goes into, not what it stands beside.
 */
export function touched(
  ranges: readonly ProtectedRange[],
  start: number,
  end: number,
  override: boolean,
): ProtectedRange | undefined {
  // The ranges are sorted and apart, so their ends are sorted as well.
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle]?.end ?? 0) <= start) low = middle + 1;
    else high = middle;
  }
  for (let at = low; at < ranges.length; at += 1) {
    const range = ranges[at];
    if (range === undefined || range.start >= end) return undefined;
    if (range.always || !override) return range;
  }
  return undefined;
}
