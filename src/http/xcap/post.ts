import type { DocumentName } from '../../base/identifiers.js';
import { MethodNotAllowed } from '../../base/refusals.js';
import type { Form } from '../../documents/state.js';
import type { DocumentOperation, TrialOperation } from '../../usages/offered-usage.js';
import { formatETag } from '../../xcap/preconditions.js';
import type { XcapAnswer } from '../messages.js';
import type { Resource } from './resource.js';

/** The work of the steps of a POST: the operation of a usage, and its answer. */

/** The operation of the usage of `resource`. @throws MethodNotAllowed where it has none */
export function operationOf({ offered }: Resource): DocumentOperation | TrialOperation {
  if (offered.operation === undefined) throw new MethodNotAllowed(offered.methods);
  return offered.operation;
}

/** The answer to an operation on the document of `form`. @throws BadRequest, NotImplemented */
export function operationAnswer(operation: DocumentOperation, form: Form, body: Uint8Array): XcapAnswer {
  const { type, text } = operation.perform(form, body);
  return { status: 200, headers: { ETag: formatETag(form.etag), 'Content-Type': type }, body: text };
}

/** The answer to a trial of `body` at `name`. @throws XcapConflict, ServiceUnavailable */
export async function trialAnswer(
  operation: TrialOperation,
  name: DocumentName,
  body: Uint8Array,
): Promise<XcapAnswer> {
  const { type, text } = await operation.tryAt(name, body);
  return { status: 200, headers: { 'Content-Type': type }, body: text };
}
