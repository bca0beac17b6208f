import { BadRequest, NotImplemented } from '../base/refusals.js';
import { gateBytes, type GatedText } from '../xml/gate.js';
import { ns } from '../xml/names.js';
import { XmlRefused } from '../xml/refusal.js';
import type { ScanLimits } from '../xml/scan.js';
import type { Schemas } from '../xml/schemas.js';

/**
 * Group management operations (GMOP, TS 24.481 clause 7.3), which a client requests by POST to the URI of a
 * group document. A POST is not XCAP, so its refusals are plain HTTP, not `xcap-error`.
 */

export const gmopMediaType = 'application/vnd.3gpp.GMOP+xml';

/** The operations that are offered. */
export type GroupOperation = 'get-excluding-memberlist';

/**
 * The operation that a body requests.
 *
 * @throws BadRequest where it is no GMOP request
 * @throws NotImplemented where it requests an operation that is not offered
 */
export function readGroupOperation(
  body: Uint8Array,
  schemas: Pick<Schemas, 'validate'>,
  limits: ScanLimits,
): GroupOperation {
  const { tree } = readValid(body, schemas, limits);
  const [request] = tree.children;
  if (request?.local !== 'request') throw new BadRequest('the body holds no request');
  const [operation, ...more] = request.children;
  if (operation === undefined) throw new BadRequest('the request names no operation');
  if (more.length > 0) throw new BadRequest('the request names more than one operation');
  if (operation.namespace !== ns.gmop || operation.local !== 'get-excluding-memberlist') {
    throw new NotImplemented('this group management operation is not offered');
  }
  return operation.local;
}

function readValid(body: Uint8Array, schemas: Pick<Schemas, 'validate'>, limits: ScanLimits): GatedText {
  try {
    const gated = gateBytes(body, limits);
    schemas.validate('gmop', gated.text);
    return gated;
  } catch (error) {
    if (!(error instanceof XmlRefused)) throw error;
    throw new BadRequest(`the body is no group management operation: ${error.message}`);
  }
}
