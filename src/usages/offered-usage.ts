import type { Principal } from '../auth/principal.js';
import { digest } from '../base/digest.js';
import type { DocumentName, ETag } from '../base/identifiers.js';
import type { Form } from '../documents/state.js';
import type { NodeSelector } from '../xcap/node-selector.js';
import type { DocumentSelector } from '../xcap/request-uri.js';
import type { ApplicationUsage } from '../xcap/usage.js';

/** Who may do what with the documents of a usage. Every method throws Forbidden or returns. */
export interface UsageAccess {
  /** Called before anything is looked up; `place` is what the request URI names. */
  checkRead(principal: Principal, place: DocumentSelector): void;
  /** Called once the document is known. */
  checkReadDocument(principal: Principal, form: Form): void;
  /** Called once it is known that `node` of the document, or all of it, would be sent. */
  checkReadNode?(principal: Principal, form: Form, node: NodeSelector | undefined): void;
  /** Called before anything is looked up. */
  checkWrite(principal: Principal, place: DocumentSelector): void;
  /** Called with the text of the document as it was, and as it would be; for administrators neither is read. */
  checkWriteDocument?(principal: Principal, text: string): void;
}

/** The document that answers an operation. */
interface OperationAnswer {
  readonly type: string;
  readonly text: string;
}

/** What a POST to a document does (TS 24.481 clause 7.3). It changes nothing. */
export interface DocumentOperation {
  readonly mediaType: string;
  /** @throws BadRequest, NotImplemented */
  perform(form: Form, body: Uint8Array): OperationAnswer;
}

/**
 * What a POST of a document does at the URI where it might be put, whether or not one is there. It is for
 * requesters who may put it, and changes nothing.
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
  /** What `principal` reads there. Its tag changes exactly when its text does, across restarts too. */
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
   * What is to be said of the document `text` that was just stored under `name`, where that takes a while to
   * find out. The requester waits for it. Never throws.
   */
  readonly remarksAfterPut?: (name: DocumentName, text: string) => Promise<readonly string[]>;
  /**
   * Whether `principal` may read every document that can stand at `place`, whatever it says, and so may
   * see them listed there. A usage without this check stands in no directory.
   *
   * @throws Forbidden
   */
  readonly checkList?: (principal: Principal, place: DocumentSelector) => void;
}

/** The form of a document that the server writes: the same text always has the same tag. */
export function ownForm(body: string): Form {
  return { etag: digest(body) as ETag, body, modified: 0 };
}
