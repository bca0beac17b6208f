import type { ETag } from '../base/identifiers.js';
import { buildXml } from '../xml/build.js';
import { ns } from '../xml/names.js';

/** A change of one document: both tags where it was changed, one where it came or went (RFC 5874 clause 3). */
export interface DocumentDiff {
  /** Document selector relative to the XCAP root. */
  readonly selector: string;
  readonly newETag: ETag | undefined;
  readonly previousETag: ETag | undefined;
}

/** An `application/xcap-diff+xml` document without patches; tags stand without their HTTP quotes. */
export function writeXcapDiff(root: string, documents: readonly DocumentDiff[]): string {
  return buildXml({
    name: 'xcap-diff',
    namespace: ns.xcapDiff,
    attributes: { 'xcap-root': root },
    children: documents.map(({ selector, newETag, previousETag }) => ({
      name: 'document',
      attributes: { 'new-etag': newETag, sel: selector, 'previous-etag': previousETag },
    })),
  });
}
