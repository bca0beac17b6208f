import { bytesToKeep } from '../../base/bounded-cache.js';
import type { ETag } from '../../base/identifiers.js';
import { NotFound } from '../../base/refusals.js';
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
}

/** The answer to a GET: the part, or 304 where the requester has it already. @throws PreconditionFailed */
export function readAnswer(conditions: Conditions, etag: ETag, { type, body }: Part): XcapAnswer {
  const headers = { ETag: formatETag(etag) };
  if (judgeRead(conditions, { etag, exists: true }) === 'not-modified') return { status: 304, headers };
  return { status: 200, headers: { ...headers, 'Content-Type': type }, body };
}

/** The node of the well-formed `text` that `node` selects, as it is sent. @throws NotFound */
export function cutOut(text: string, node: NodeSelector): Part {
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
