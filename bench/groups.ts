import { readFileSync } from 'node:fs';
import { toGroupId } from '../src/base/uri.js';
import { groupMediaType, nameOfGroup } from '../src/groups/names.js';

/** The documents that are measured with: a fixture under many group IDs. */

/** A group document and where it goes. */
export interface BenchGroup {
  /** Path on the server, from the XCAP root's path on. */
  readonly path: string;
  readonly body: Buffer;
  /** A member who is a user of the server's own MC system. */
  readonly member: string;
}

/** The domain of the default configuration. */
const ownDomain = 'police.example';

/** The administrator of the default configuration. */
const administrator = `sip:admin@${ownDomain}`;

export const identityHeader = 'X-3GPP-Asserted-Identity';

export const putHeaders = { [identityHeader]: administrator, 'Content-Type': groupMediaType } as const;

/** Fixtures to measure with. */
const files = {
  '3k': 'size-3k.xml',
  '7k': 'size-7k.xml',
  '300 members': 'county-wide-300.xml',
} as const;

export type BenchSize = keyof typeof files;

/**
 * The fixture `size` as `count` groups of our own MC system.
 *
 * @param label keeps the groups of one measurement apart from those of another
 */
export function benchGroups(size: BenchSize, label: string, count: number): readonly BenchGroup[] {
  const file = new URL(`../../fixtures/groups/valid/${files[size]}`, import.meta.url);
  const fixture = readFileSync(file, 'utf8').replaceAll(/@[a-z.]+\.example/g, `@${ownDomain}`);
  const member = /<entry uri="([^"]+)"/.exec(fixture)?.[1];
  if (member === undefined) throw new Error(`fixture ${size} has no member`);
  return Array.from({ length: count }, (_, number) => {
    const groupId = toGroupId(`sip:bench-${label}-${size.replace(' ', '-')}-${number}@${ownDomain}`);
    if (groupId === undefined) throw new Error('the group ID of the bench is none');
    const body = Buffer.from(fixture.replace(/(<list-service uri=")[^"]*/, `$1${groupId}`));
    return { path: `/xcap-root/${nameOfGroup(groupId)}`, body, member };
  });
}
