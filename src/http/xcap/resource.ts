import { BoundedCache, entryWeight, weightOfText } from '../../base/bounded-cache.js';
import type { DocumentName } from '../../base/identifiers.js';
import { MethodNotAllowed, NotFound } from '../../base/refusals.js';
import type { OfferedUsage } from '../../usages/offered-usage.js';
import { NoParent } from '../../xcap/conflicts.js';
import {
  formatNamespaceBindings,
  parseNamespaceBindings,
  parseNodeSelector,
  type NamespaceBindings,
  type NodeSelector,
  type SelectorStep,
} from '../../xcap/node-selector.js';
import { parseRequestUri, type DocumentSelector, type RequestUri } from '../../xcap/request-uri.js';
import type { ApplicationUsage } from '../../xcap/usage.js';
import type { XcapRequest } from '../messages.js';

/** What request URIs name. */

/** A document, or a node of it. */
export interface Resource {
  readonly offered: OfferedUsage;
  readonly usage: ApplicationUsage;
  /** Where the request URI points, as the requester spelled it but for encoding. */
  readonly place: DocumentSelector;
  readonly name: DocumentName;
  readonly node: NodeSelector | undefined;
  readonly bindings: NamespaceBindings;
}

export interface ResolveSettings {
  /** Path of the XCAP root. */
  readonly root: string;
  readonly targetLength: number;
  readonly selectorSteps: number;
}

const readMethods: readonly string[] = ['GET', 'HEAD'];

/** How many bytes are spent on keeping request lines with the resources that they name. */
const keptBytes = 4 * 1024 * 1024;

/** Bytes of memory that a resource takes beside its texts, and each step of its selector and binding of its query. */
const resourceWeight = 1000;
const partWeight = 400;

/** The resources that requests name. The usages stay, so each request line names the same one for good. */
export class Resources {
  readonly #usages: ReadonlyMap<string, OfferedUsage>;
  readonly #settings: ResolveSettings;
  readonly #known = new BoundedCache<string, Resource>(keptBytes);

  constructor(usages: ReadonlyMap<string, OfferedUsage>, settings: ResolveSettings) {
    this.#usages = usages;
    this.#settings = settings;
  }

  /**
   * The resource that a request names, where its method is allowed.
   *
   * @throws BadRequest, UriTooLong, NotFound, MethodNotAllowed, NoParent (for a PUT into a folder that is not there)
   */
  namedBy({ method, target }: XcapRequest): Resource {
    const line = `${method} ${target}`;
    const known = this.#known.get(line);
    if (known !== undefined) return known;
    const resource = resolve(method, target, this.#usages, this.#settings);
    this.#known.set(line, resource, weightOf(line, resource));
    return resource;
  }
}

/** Names and values are parts of the line, written out at most once each beside it. */
function weightOf(line: string, { node, bindings }: Resource): number {
  const parts = (node?.steps.length ?? 0) + bindings.size;
  return entryWeight + resourceWeight + partWeight * parts + 3 * weightOfText(line);
}

function resolve(
  method: string,
  target: string,
  usages: ReadonlyMap<string, OfferedUsage>,
  settings: ResolveSettings,
): Resource {
  const uri = parseRequestUri(target, settings.root, settings.targetLength);
  const offered = usages.get(uri.document.auid);
  if (offered === undefined) throw new NotFound('there is no such application usage');
  const { usage } = offered;
  const name = nameOf(method, uri, usage);
  const bindings = parseNamespaceBindings(uri.query);
  const node =
    uri.node === undefined
      ? undefined
      : parseNodeSelector(uri.node, bindings, usage.defaultNamespace, settings.selectorSteps);
  const allowed = methodsOf(offered, uri.document, node);
  if (!allowed.includes(method)) throw new MethodNotAllowed(allowed);
  return { offered, usage, place: uri.document, name, node, bindings };
}

/** A POST is for whole documents; namespace bindings are only read (RFC 4825 clause 10). */
function methodsOf(
  { methods, own }: OfferedUsage,
  place: DocumentSelector,
  node: NodeSelector | undefined,
): readonly string[] {
  if (own?.has(place) === true) return readMethods;
  if (node === undefined) return methods;
  if (node.terminal?.kind === 'namespaces') return readMethods;
  return methods.filter((method) => method !== 'POST');
}

/** RFC 4825 clause 8.2.1: a PUT below a folder that does not exist is a matter of `no-parent`. */
function nameOf(method: string, uri: RequestUri, usage: ApplicationUsage): DocumentName {
  try {
    return usage.nameOf(uri.document);
  } catch (error) {
    if (method === 'PUT' && error instanceof NotFound) throw new NoParent(error.phrase);
    throw error;
  }
}

/** The URI of a document, or of the element that the selector reaches with `step`, below `root`. */
export function uriOf(root: string, resource: Resource, step?: SelectorStep): string {
  const document = `${root}/${resource.name}`;
  if (step === undefined) return document;
  const selector = step.upTo.split('/').map(encodeURIComponent).join('/');
  const query = formatNamespaceBindings(resource.bindings);
  return `${document}/~~/${selector}${query === '' ? '' : `?${query}`}`;
}
