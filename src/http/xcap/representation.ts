import { bytesToKeep } from '../../base/bounded-cache.js';
import { millisecondsUntil, type WallTime } from '../../base/clock.js';
import { NotFound } from '../../base/refusals.js';
import type { Form } from '../../documents/state.js';
import { locateText, type SelectedText } from '../../xcap/locate-text.js';
import { mediaTypes } from '../../xcap/media-types.js';
import type { NodeSelector } from '../../xcap/node-selector.js';
import { formatETag, judgeRead, type Conditions } from '../../xcap/preconditions.js';
import { writeDeclarations } from '../../xml/build.js';
import { namespacesInScope } from '../../xml/tree.js';
import type { XcapAnswer } from '../messages.js';
import type { Resource } from './resource.js';

/** How documents and nodes look on the wire. */

/** A document or a node of it, as it is sent. */
export interface Part {
  readonly type: string;
  readonly body: Buffer;
  /** When the document changed; undefined where that is not known. */
  readonly lastModified: string | undefined;
}

/**
 * The answer to a GET: the part, or 304 where the requester has it already. A 304 has the tag and so no date
 * (RFC 9110 clause 15.4.5). A date that is yet to come, since the clock was set back, is not sent (clause 8.8.2.1).
 *
 * @throws PreconditionFailed
 */
export function readAnswer(
  conditions: Conditions,
  form: Form,
  { type, body, lastModified }: Part,
  now: WallTime,
): XcapAnswer {
  const { etag } = form;
  const headers = { ETag: formatETag(etag) };
  if (judgeRead(conditions, { etag, exists: true, dated: form }) === 'not-modified') {
    return { status: 304, headers };
  }
  if (lastModified === undefined || millisecondsUntil(form.modified, now, 1) > 0) {
    return { status: 200, headers: { ...headers, 'Content-Type': type }, body };
  }
  return {
    status: 200,
    headers: { ...headers, 'Last-Modified': lastModified, 'Content-Type': type },
    body,
  };
}

/** The node of the well-formed `text` that `node` selects, as it is sent. @throws NotFound */
export function cutOut(text: string, node: NodeSelector): Omit<Part, 'lastModified'> {
  const selected = locateText(text, node);
  if (selected === undefined) throw new NotFound('the node selector selects nothing');
  switch (selected.kind) {
    case 'element': {
      const { start, end } = selected.element;
      return { type: mediaTypes.element, body: bytesToKeep(text.slice(start, end)) };
    }
    case 'attribute': {
      const { valueStart, valueEnd } = selected.attribute;
      return { type: mediaTypes.attribute, body: bytesToKeep(text.slice(valueStart, valueEnd)) };
    }
    case 'namespaces':
      return { type: mediaTypes.namespaces, body: bytesToKeep(writeNamespaces(selected)) };
  }
}

/** The element with its name as written, empty, and every declaration in scope (RFC 4825 clause 10). */
function writeNamespaces({ element }: Extract<SelectedText, { kind: 'namespaces' }>): string {
  return `<${element.name}${writeDeclarations(namespacesInScope(element))}/>`;
}

/** The media type of a document or node, which a PUT of it must have (RFC 4825 clause 8.2.2). */
export function mediaTypeOf({ node, usage }: Resource): string {
  if (node === undefined) return usage.mediaType;
  return node.terminal === undefined ? mediaTypes.element : mediaTypes.attribute;
}
