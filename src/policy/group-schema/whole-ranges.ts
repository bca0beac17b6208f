import { ns } from '../../xml/names.js';
import type { ExpandedName } from './protected-parts.js';

/**
 * The ranges of the whole numbers in group documents (TS 24.481 clause 7.2.4), which raise and lower
 * never leave. A test compares this table with the schemas.
 */

export interface WholeRange {
  readonly min: string;
  /** Undefined where there is no largest. */
  readonly max: string | undefined;
}

const priority: WholeRange = { min: '0', max: '255' };
const octet: WholeRange = { min: '0', max: '255' };
const unsignedShort: WholeRange = { min: '0', max: '65535' };
const unsignedInt: WholeRange = { min: '0', max: '4294967295' };
const coordinate: WholeRange = { min: '0', max: '16777215' };
const fromZero: WholeRange = { min: '0', max: undefined };
const fromOne: WholeRange = { min: '1', max: undefined };

/** Names of elements by namespace, each with the range of its type. */
export const wholeRanges: ReadonlyMap<string, ReadonlyMap<string, WholeRange>> = new Map([
  [ns.listService, new Map([['max-participant-count', fromZero]])],
  [
    ns.omaExtensions,
    new Map([
      ['max-duration', fromOne],
      ['min-participant-count', fromOne],
    ]),
  ],
  [
    ns.mcpttGroupInfo,
    new Map([
      ['on-network-group-priority', priority],
      ['mcvideo-on-network-group-priority', priority],
      ['mcdata-on-network-group-priority', priority],
      ['user-priority', priority],
      ['user-reception-priority', priority],
      ['level-within-group-hierarchy', unsignedShort],
      ['level-within-user-hierarchy', unsignedShort],
      ['on-network-minimum-number-to-start', unsignedShort],
      ['mcvideo-on-network-minimum-number-to-start', unsignedShort],
      ['on-network-max-participant-count', fromZero],
      ['mcvideo-maximum-simultaneous-mcvideo-transmitting-group-members', fromZero],
      ['mcvideo-off-network-maximum-simultaneous-transmissions', fromZero],
      ['max-number-simultaneous-talkers', fromOne],
      ['on-network-minimum-number-of-affiliated-members', fromOne],
      ['mcdata-default-charset', fromOne],
      ['mcdata-on-network-max-data-size-for-SDS', unsignedInt],
      ['mcdata-on-network-max-data-size-for-FD', unsignedInt],
      ['mcdata-on-network-max-data-size-auto-recv', unsignedInt],
      ['mcdata-max-data-in-single-request', unsignedInt],
      ['Radius', fromZero],
      ['OffsetAngle', octet],
      ['IncludedAngle', octet],
      ['Longitude', coordinate],
      ['Latitude', coordinate],
      ['id', fromZero],
    ]),
  ],
]);

/** The range of the whole numbers that the element of this name holds; undefined where it holds none. */
export function wholeRangeOf({ namespace, local }: ExpandedName): WholeRange | undefined {
  return wholeRanges.get(namespace)?.get(local);
}
