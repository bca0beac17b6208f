import type { DocumentName, ETag } from '../../base/identifiers.js';
import { digest } from '../../base/digest.js';
import type { Principal } from '../../auth/principal.js';
import type { Form } from '../../documents/state.js';
import { NoParent } from '../../xcap/conflicts.js';
import { MethodNotAllowed, NotFound } from '../../base/refusals.js';
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
import type { GatedText } from '../../xml/gate.js';

/** Who may do what with the documents of a usage. Every method throws Forbidden or returns. */
export interface UsageAccess {
  /** Before anything is looked up; `place` is what the request URI names. */
  checkRead(principal: Principal, place: DocumentSelector): void;
  /** Once the document is known. */
  checkReadDocument(principal: Principal, document: () => GatedText): void;
  /** Once it is known that `node` of the document, or all of it, would be sent. */
  checkReadNode?(principal: Principal, document: () => GatedText, node: NodeSelector | undefined): void;
  checkWrite(principal: Principal, place: DocumentSelector): void;
  /** Of the document as it was, and as it would be; administrators need no look at it. */
  checkWriteDocument?(principal: Principal, document: () => GatedText): void;
}

/** What an operation answers. */
export interface OperationAnswer {
  readonly type: string;
  readonly text: string;
}

/** What a POST to a document does (TS 24.481 clause 7.3). It changes nothing. */
export interface DocumentOperation {
  readonly mediaType: string;
  /** @throws BadRequest, NotImplemented */
  perform(document: GatedText, body: Uint8Array): OperationAnswer;
}

/**
 * What a POST of a document to the URI where it might be put does, whether or not one is there: for
 * whoever might put it. It changes nothing.
 */
export interface TrialOperation {
  readonly mediaType: string;
  /** @throws XcapConflict, ServiceUnavailable */
  tryAt(name: DocumentName, body: Uint8Array): Promise<OperationAnswer>;
}

/** Documents that the server writes itself: read-only, and never stored. */
export interface OwnDocuments {
  /** Whether the document at `place` is one of them. */
  has(place: DocumentSelector): boolean;
  /** What `principal` reads there. Its tag changes exactly when its text does, also over restarts. */
  form(principal: Principal, place: DocumentSelector): Form | Promise<Form>;
}

/** A usage as this server offers it. */
export interface OfferedUsage {
  readonly usage: ApplicationUsage;
  readonly access: UsageAccess;
  /** Methods that its documents allow; POST stands for `operation`. */
  readonly methods: readonly string[];
  readonly operation?: DocumentOperation | TrialOperation;
  readonly own?: OwnDocuments;
  /**
   * Whether `principal` may read every document that can stand at `place`, whatever it says, and so may
   * see them listed there. Where there is no such check the usage stands in no directory.
   *
   * @throws Forbidden
   */
  readonly checkList?: (principal: Principal, place: DocumentSelector) => void;
}

/** What a request URI names: a document, or a node of it. */
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

/** The form of a document that the server writes: the same text has the same tag, whoever wrote it when. */
export function ownForm(body: string): Form {
  return { etag: digest(body) as ETag, body, modified: 0 };
}
