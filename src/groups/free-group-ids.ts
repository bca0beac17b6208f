import type { DocumentName, GroupId } from '../base/identifiers.js';
import { sipDomain, toGroupId } from '../base/uri.js';
import type { IsTaken } from '../xcap/usage.js';
import { nameOfGroup } from './names.js';

/** Group IDs that a refusal offers instead of one that cannot be used (TS 24.481 clause 6.3.2: `alt-value`). */

/** How many a refusal offers. */
const alternativesOffered = 3;

/**
 * Own group IDs for a document that came with none, or with one of another MC system (TS 24.481 clause
 * 6.3.2.3): like the one it came with, or like its name.
 */
export async function groupIdsInstead(
  groupId: GroupId | undefined,
  name: DocumentName,
  domain: string,
  isTaken: IsTaken,
): Promise<readonly GroupId[]> {
  const wish = groupId ?? decodeURIComponent(name.slice(name.lastIndexOf('/') + 1));
  const user = /^(?:[a-z]+:)?([^@;?]*)/i.exec(wish)?.[1]?.replace(/[^A-Za-z0-9_.-]+/g, '-') ?? '';
  const wanted = toGroupId(`sip:${user === '' ? 'group' : user}@${domain}`);
  if (wanted === undefined) return [];
  const free = await freeGroupIds(wanted, isTaken);
  return (await isTaken(nameOfGroup(wanted))) ? free : [wanted, ...free].slice(0, alternativesOffered);
}

/** Free group IDs near a taken one. */
export async function freeGroupIds(taken: GroupId, isTaken: IsTaken): Promise<readonly GroupId[]> {
  const at = taken.indexOf('@');
  // A SIP URI without a user part is a domain: the next one would belong to somebody else.
  if (at < 0 && sipDomain(taken) !== undefined) return [];
  const head = at < 0 ? taken : taken.slice(0, at);
  const tail = at < 0 ? '' : taken.slice(at);
  const free: GroupId[] = [];
  for (let number = 2; free.length < alternativesOffered; number += 1) {
    const candidate = toGroupId(`${head}-${number}${tail}`);
    if (candidate === undefined) break;
    if (!(await isTaken(nameOfGroup(candidate)))) free.push(candidate);
  }
  return free;
}
