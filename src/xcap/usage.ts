import type { Auid, DocumentName } from '../base/identifiers.js';
import type { GatedText } from '../xml/gate.js';
import type { DocumentKind } from '../xml/schemas.js';
import { NotFound } from './errors.js';
import { documentName, isFolder, type DocumentSelector } from './request-uri.js';

/** Where a document lives: the key of its record and every name that it answers to. */
export interface Placement {
  /** The name that identifies the record for its life. */
  readonly key: DocumentName;
  readonly names: readonly DocumentName[];
}

/** An XCAP application usage (RFC 4825 clause 5). */
export interface ApplicationUsage {
  readonly auid: Auid;
  /** Namespace of un-prefixed element names in node selectors (clause 5.3). */
  readonly defaultNamespace: string;
  /** Media type of its documents (clause 5.4). */
  readonly mediaType: string;
  /** The schema that its documents must be valid against (clause 5.2), if there is one. */
  readonly schema: DocumentKind | undefined;
  /** Namespaces that xcap-caps lists for it (clause 12). */
  readonly namespaces: readonly string[];

  /** The canonical name that `selector` spells. @throws NotFound where this usage has no such place */
  nameOf(selector: DocumentSelector): DocumentName;

  /**
   * Checks the constraints that the schema cannot state (clause 5.5), for a document that is valid.
   *
   * @throws XcapConflict
   */
  check(document: GatedText): void;

  /**
   * Where `document`, put under `name`, belongs.
   *
   * @param former the names it has answered to so far, undefined for a new document
   * @throws XcapConflict where it may not stand there
   */
  place(document: GatedText, name: DocumentName, former: readonly DocumentName[] | undefined): Placement;
}

/** The parts of a usage whose documents simply stay where they are put. */
export function ordinaryPlacement(): Pick<ApplicationUsage, 'nameOf' | 'place'> {
  return {
    nameOf(selector) {
      if (isFolder(selector)) throw new NotFound('the URI names a folder');
      return documentName(selector);
    },
    place: (_document, name) => ({ key: name, names: [name] }),
  };
}
