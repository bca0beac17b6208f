import type { DocumentName } from '../base/identifiers.js';
import type { Principal } from '../auth/principal.js';
import { MethodNotAllowed, NoParent, NotFound } from '../xcap/errors.js';
import {
  formatNamespaceBindings,
  parseNamespaceBindings,
  parseNodeSelector,
  type NamespaceBindings,
  type NodeSelector,
  type SelectorStep,
} from '../xcap/node-selector.js';
import { parseRequestUri, type RequestUri } from '../xcap/request-uri.js';
import type { ApplicationUsage } from '../xcap/usage.js';
import type { GatedText } from '../xml/gate.js';

/** Who may do what with the documents of a usage. Every method throws Forbidden or returns. */
export interface UsageAccess {
  /** Before anything is looked up. */
  checkRead(principal: Principal): void;
  /** Once the document is known. */
  checkReadDocument(principal: Principal, document: () => GatedText): void;
  checkWrite(principal: Principal): void;
}

/** A usage as this server offers it. */
export interface OfferedUsage {
  readonly usage: ApplicationUsage;
  readonly access: UsageAccess;
  /** Methods that its documents allow. */
  readonly methods: readonly string[];
}

/** What a request URI names: a document, or a node of it. */
export interface Resource {
  readonly offered: OfferedUsage;
  readonly usage: ApplicationUsage;
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

const namespaceMethods: readonly string[] = ['GET', 'HEAD'];

/**
 * The resource that a request-target names, once its method is known to be allowed there.
 *
 * @throws BadRequest, UriTooLong, NotFound, MethodNotAllowed, NoParent (for a PUT where no folder is)
 */
export function resolveResource(
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
  const allowed = node?.terminal?.kind === 'namespaces' ? namespaceMethods : offered.methods;
  if (!allowed.includes(method)) throw new MethodNotAllowed(allowed);
  return { offered, usage, name, node, bindings };
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
