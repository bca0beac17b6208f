import { GmsError } from '../base/errors.js';
import type { DocumentName } from '../base/identifiers.js';
import { longestIdentity } from '../base/uri.js';

/**
 * Names of documents stay in memory, so they are bounded (design D21): those that a request states, and those
 * that come out of a body, such as a group ID. The bounds hold for names that are new. What was stored under a
 * longer one by an earlier version can be read, changed and deleted as before.
 */

/** The most octets of the part of a name that follows the tree and the XUI, not percent-encoded. */
export const longestPath = 3072;

/** A new name of a document is longer than names may be. The message may go to the requester. */
export class NameTooLong extends GmsError {}

/** How many octets `text` has once its percent-encoding is undone. */
function octetsOf(text: string): number {
  let octets = text.length;
  for (let at = text.indexOf('%'); at >= 0; at = text.indexOf('%', at + 3)) octets -= 2;
  return octets;
}

/** What is wrong with the length of a name, in a sentence for the requester; undefined where nothing is. */
export function nameFault(name: DocumentName): string | undefined {
  const [, tree, ...rest] = name.split('/');
  const xui = tree === 'users' ? (rest.shift() ?? '') : '';
  if (octetsOf(xui) > longestIdentity) return `an XUI has at most ${longestIdentity} octets here`;
  if (octetsOf(rest.join('/')) <= longestPath) return undefined;
  return `the path of a document has at most ${longestPath} octets here`;
}

/** Checks those of `names` that are not among `former`. @throws NameTooLong */
export function checkNewNames(names: readonly DocumentName[], former: readonly DocumentName[] = []): void {
  for (const name of names) {
    const fault = former.includes(name) ? undefined : nameFault(name);
    if (fault !== undefined) throw new NameTooLong(fault);
  }
}
