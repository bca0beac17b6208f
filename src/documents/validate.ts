import { conflictOf } from '../xcap/edit.js';
import type { DocumentRules } from '../xcap/usage.js';
import { gateBytes, type GatedText } from '../xml/gate.js';
import { XmlRefused } from '../xml/refusal.js';
import type { ScanLimits } from '../xml/scan.js';
import type { Schemas } from '../xml/schemas.js';

/** Runs `read`; a refusal of the XML layer becomes the xcap-error that names it. */
function refusing<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof XmlRefused ? conflictOf(error) : error;
  }
}

/** `bytes` past the gate. @throws XcapConflict not-utf-8, not-well-formed, constraint-failure */
export function admit(bytes: Uint8Array, limits: ScanLimits): GatedText {
  return refusing(() => gateBytes(bytes, limits));
}

/**
 * Checks schema and constraints of a document by the rules of its usage.
 *
 * @throws XcapConflict not-well-formed, schema-validation-error, constraint-failure
 */
export function judge(rules: DocumentRules, document: GatedText, schemas: Schemas): void {
  refusing(() => {
    schemas.validate(rules.schema, document.text);
  });
  rules.check(document);
}
