import { ns } from '../../xml/names.js';
import type { LocatedElement } from '../../xml/tree.js';
import type { ExpandedName } from './protected-parts.js';

/**
 * The order in which the schemas want the children of an element (TS 24.481 clause 7.2.4, RFC 4826
 * clause 3.2, RFC 4745 clause 13, OMA XDM extensions), so that what a policy inserts goes to the nearest place where it may
 * stand. A parent that is not here takes its children in any order, or takes one kind only.
 */

/** A name with the prefix of its namespace; `other` stands for any element of another namespace. */
type Slot = string;

const prefixes: Readonly<Record<string, string>> = {
  ls: ns.listService,
  rl: ns.resourceLists,
  cp: ns.commonPolicy,
  mcpttgi: ns.mcpttGroupInfo,
  oxe: ns.omaExtensions,
};

const other: Slot = 'other';
const extended = ['mcpttgi:anyExt', other] as const;
const named = ['rl:display-name', other] as const;
const point = ['mcpttgi:Longitude', 'mcpttgi:Latitude', ...extended] as const;
const encodings = ['mcpttgi:encoding', ...extended] as const;
const aliases = ['mcpttgi:entry', ...extended] as const;

const sequences: Readonly<Record<string, readonly Slot[]>> = {
  'ls:list-service': ['ls:display-name', 'ls:list', 'ls:invite-members', 'ls:max-participant-count', other],
  'ls:list': ['ls:entry', 'ls:external'],
  'ls:entry': named,
  'ls:external': named,
  'mcpttgi:mcvideo-mcvideo-id': named,
  'mcpttgi:mcdata-mcdata-id': named,
  'cp:rule': ['cp:conditions', 'cp:actions', 'cp:transformations'],
  'mcpttgi:on-network-temporary': ['mcpttgi:constituent-MCPTT-group-IDs', ...extended],
  'mcpttgi:on-network-regrouped': [
    'mcpttgi:constituent-MCPTT-group-IDs',
    'mcpttgi:on-network-group-priority',
    'mcpttgi:protect-media',
    'mcpttgi:protect-floor-control-signalling',
    'mcpttgi:require-multicast-floor-control-signalling',
    ...extended,
  ],
  'mcpttgi:constituent-MCPTT-group-IDs': ['mcpttgi:constituent-MCPTT-group-ID', ...extended],
  'mcpttgi:PolygonArea': ['mcpttgi:Corner', ...extended],
  'mcpttgi:EllipsoidArcArea': [
    'mcpttgi:Center',
    'mcpttgi:Radius',
    'mcpttgi:OffsetAngle',
    'mcpttgi:IncludedAngle',
    other,
    'mcpttgi:anyExt',
  ],
  'mcpttgi:Corner': point,
  'mcpttgi:Center': point,
  'mcpttgi:forbidden-deaffiliation-FAs': aliases,
  'mcpttgi:forbidden-deaffiliation-if-last-FAs': aliases,
  'mcpttgi:entry': ['mcpttgi:uri-entry', 'mcpttgi:display-name', ...extended],
  'mcpttgi:preferred-voice-encodings': encodings,
  'mcpttgi:mcvideo-preferred-audio-encodings': encodings,
  'mcpttgi:mcvideo-preferred-video-encodings': encodings,
  'mcpttgi:encoding': extended,
  'oxe:session-active-policy': [
    'oxe:max-duration',
    'oxe:required-participants-list',
    'oxe:min-participant-count',
    'oxe:schedule',
    other,
  ],
  'mcpttgi:status': ['mcpttgi:id', 'mcpttgi:shortText', 'mcpttgi:description'],
};

interface Order {
  /** Position of a name among its siblings' names. */
  readonly ranks: ReadonlyMap<string, number>;
  /** Position of names of other namespaces than the type's own. */
  readonly others: number | undefined;
  /** The namespace that is no other: that of the schema that declares the type. */
  readonly own: string;
}

function expanded({ namespace, local }: ExpandedName): string {
  return `{${namespace}}${local}`;
}

function expand(slot: Slot): ExpandedName {
  const [prefix = '', local = ''] = slot.split(':');
  return { namespace: prefixes[prefix] ?? '', local };
}

const orders: ReadonlyMap<string, Order> = new Map(
  Object.entries(sequences).map(([parent, slots]): [string, Order] => {
    const names = slots.flatMap((slot, rank) => (slot === other ? [] : [{ name: expand(slot), rank }]));
    const at = slots.indexOf(other);
    return [
      expanded(expand(parent)),
      {
        ranks: new Map(names.map(({ name, rank }) => [expanded(name), rank])),
        others: at < 0 ? undefined : at,
        own: names[0]?.name.namespace ?? '',
      },
    ];
  }),
);

/** The parents whose order is known, as expanded names. */
export const orderedParents: readonly ExpandedName[] = Object.keys(sequences).map(expand);

function rankIn(order: Order, name: ExpandedName): number | undefined {
  return order.ranks.get(expanded(name)) ?? (name.namespace === order.own ? undefined : order.others);
}

/** Positions among the children of a parent; position n is before the n-th child, counted from 0. */
export interface Positions {
  readonly first: number;
  readonly last: number;
}

/**
 * Where among the children of `parent` elements of these names may stand together, as they are. A child or a name
 * that the schema does not know there binds nothing.
 *
 * @returns undefined where there is no such position
 */
export function positionsIn(parent: LocatedElement, names: readonly ExpandedName[]): Positions | undefined {
  const { children } = parent;
  const order = orders.get(expanded(parent));
  const ranks = order === undefined ? [] : names.flatMap((name) => rankIn(order, name) ?? []);
  if (order === undefined || ranks.length === 0) return { first: 0, last: children.length };
  if (ranks.some((rank, index) => rank < (ranks[index - 1] ?? rank))) return undefined;
  const [lowest = 0, highest = lowest] = [ranks[0], ranks.at(-1)];
  let first = 0;
  let last = children.length;
  children.forEach((child, index) => {
    const rank = rankIn(order, child);
    if (rank === undefined) return;
    if (rank < highest) first = index + 1;
    if (rank > lowest) last = Math.min(last, index);
  });
  return first <= last ? { first, last } : undefined;
}
