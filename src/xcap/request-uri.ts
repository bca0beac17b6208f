import type { Auid, DocumentName, Xui } from '../base/identifiers.js';
import { canonicalUri, isIdentityUri } from '../base/uri.js';
import { BadRequest, NotFound, UriTooLong } from '../base/refusals.js';

/**
 * Request URIs (RFC 4825 clause 6): `{root}/{AUID}/{users/{XUI}|global}/{path}[/~~/{node selector}][?query]`.
 *
 * Subtle: the order of operations. The request-target is split into segments while it is still
 * percent-encoded, so that an encoded slash is data; it is split at the first segment `~~`, its
 * tildes encoded or not (RFC 3986 clause 2.3), before anything else is decoded; each part is decoded
 * once. A segment never reaches the file system. XUIs and document names that are URIs are made
 * canonical, so that every legal spelling names one resource (design D15).
 */

export interface DocumentSelector {
  readonly auid: Auid;
  readonly tree: 'users' | 'global';
  /** Present in the users tree only. */
  readonly xui: Xui | undefined;
  /** The segments below the tree, decoded; the last is the document's name. Empty names a folder. */
  readonly path: readonly string[];
}

export interface RequestUri {
  readonly document: DocumentSelector;
  /** The node selector, decoded, not yet parsed; undefined for a whole document. */
  readonly node: string | undefined;
  /** The query component, decoded. */
  readonly query: string;
}

/** `text` with its percent-encoding undone. @throws BadRequest */
function decode(text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    throw new BadRequest('the URI has a bad percent-encoding');
  }
  // eslint-disable-next-line no-control-regex -- a control character is never part of a name
  if (/[\u0000-\u001F\u007F]/.test(decoded)) throw new BadRequest('the URI has a control character');
  return decoded;
}

/** `segment` with its tildes decoded: encoded or not, they are the same (RFC 3986 clause 2.3). */
function tildes(segment: string): string {
  return segment.replace(/%7e/gi, '~');
}

function decodeSegment(segment: string): string {
  const decoded = decode(segment);
  if (decoded === '.' || decoded === '..') throw new BadRequest('the URI has a dot segment');
  return isIdentityUri(decoded) ? canonicalUri(decoded) : decoded;
}

function documentSelector(segments: readonly string[]): DocumentSelector {
  const [auid = '', tree, ...rest] = segments;
  if (tree !== 'users' && tree !== 'global') throw new NotFound('no such tree: users or global');
  const xui = tree === 'users' ? rest.shift() : undefined;
  if (tree === 'users' && (xui === undefined || xui === '')) throw new NotFound('the XUI is missing');
  return { auid: auid as Auid, tree, xui: xui as Xui | undefined, path: rest };
}

/**
 * A request-target in absolute form cut down to origin form (RFC 9112 clause 3.2.2 has servers accept
 * both). Scheme and authority are read for their grammar alone: the path decides, since the requester
 * chooses what stands before it. User information and an empty host are errors (RFC 9110 clauses
 * 4.2.1 and 4.2.4) and stay, so that the target is refused.
 */
export function originForm(target: string): string {
  const origin = /^https?:\/\/[^/?#@]+/i.exec(target)?.[0];
  if (origin === undefined) return target;
  const rest = target.slice(origin.length);
  return rest.startsWith('/') || rest.startsWith('@') ? rest : `/${rest}`;
}

/** The phrase for a path that is not below `root`. */
function outside(path: string, root: string): string {
  const phrase = 'not below the XCAP root';
  const plain = path.replace(/%([2-7][\da-f])/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  const isSpeltOtherwise = `${plain}/`.toLowerCase().startsWith(`${root}/`.toLowerCase());
  return isSpeltOtherwise
    ? `${phrase}, whose path is written otherwise: case, encoding or the slash behind it`
    : phrase;
}

/**
 * The parts of a request-target in origin form or absolute form, exactly as it stood on the request line.
 *
 * @param root path of the XCAP root, without a slash at its end
 * @throws BadRequest for a malformed URI, UriTooLong, NotFound for a path outside the root or of no tree
 */
export function parseRequestUri(requestTarget: string, root: string, maxLength: number): RequestUri {
  if (requestTarget.length > maxLength) {
    throw new UriTooLong(`the request-target has more than ${maxLength} octets`);
  }
  const target = originForm(requestTarget);
  if (!target.startsWith('/')) {
    throw new BadRequest('the request-target is neither an absolute path nor an http or https URI');
  }
  if (target.startsWith('//')) throw new BadRequest('the request-target begins with two slashes');
  if (target.includes('#')) throw new BadRequest('the request-target has a fragment (#)');
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  if (!path.startsWith(`${root}/`)) throw new NotFound(outside(path, root));
  const segments = path.slice(root.length + 1).split('/');
  const separator = segments.findIndex((segment) => tildes(segment) === '~~');
  const document = segments.slice(0, separator < 0 ? undefined : separator);
  if (tildes(document.at(-1) ?? '').endsWith('~~')) throw new BadRequest('~~ stands alone in its segment');
  if (document.slice(0, -1).includes('')) {
    throw new BadRequest('the URI has an empty segment: two slashes in a row');
  }
  return {
    document: documentSelector(document.map(decodeSegment)),
    node: separator < 0 ? undefined : decode(segments.slice(separator + 1).join('/')),
    query: question < 0 ? '' : decode(target.slice(question + 1)),
  };
}

/** Whether the selector names a folder rather than a document. */
export function isFolder(selector: DocumentSelector): boolean {
  return selector.path.length === 0 || selector.path.includes('');
}

/** The one name of the resource: the selector with every segment encoded the same way, no XCAP root. */
export function documentName(selector: DocumentSelector): DocumentName {
  const head = selector.xui === undefined ? [selector.tree] : [selector.tree, selector.xui];
  const segments = [selector.auid, ...head, ...selector.path];
  return segments.map(encodeURIComponent).join('/') as DocumentName;
}
