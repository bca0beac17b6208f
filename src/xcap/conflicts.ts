import { GmsError } from '../base/errors.js';
import { ns } from '../xml/names.js';
import { buildXml, type XmlNode } from '../xml/build.js';

/**
 * What an XCAP server says no with: one class per condition. Status, wire element and public phrase
 * are told apart from `message`, which is for the log. Errors never hold responses.
 */
export abstract class RequestRefused extends GmsError {
  /** HTTP status code of the answer. */
  abstract readonly status: number;
  /** A sentence that the requester may read. */
  readonly phrase: string;

  constructor(phrase: string, detail?: string) {
    super(detail ?? phrase);
    this.phrase = phrase;
  }

  /** Header fields that the answer carries besides the usual ones. */
  get headers(): Readonly<Record<string, string>> {
    return {};
  }
}

/** A request that cannot be understood, such as a malformed URI. */
export class BadRequest extends RequestRefused {
  readonly status = 400;
}

/** The requester may not do this (RFC 4825 clause 8; TS 24.481 clause 7.2.12). */
export class Forbidden extends RequestRefused {
  readonly status = 403;
}

/** Nothing is there, or no node is selected (RFC 4825 clauses 8.3 and 8.4). */
export class NotFound extends RequestRefused {
  readonly status = 404;
}

/** The resource exists but not for this method (RFC 9110 clause 15.5.6). */
export class MethodNotAllowed extends RequestRefused {
  readonly status = 405;
  readonly allow: readonly string[];

  constructor(allow: readonly string[]) {
    super(`allowed here: ${allow.join(', ')}`);
    this.allow = allow;
  }

  override get headers(): Readonly<Record<string, string>> {
    return { Allow: this.allow.join(', ') };
  }
}

/** The resource is known to have been deleted (RFC 9110 clause 15.5.11). */
export class Gone extends RequestRefused {
  readonly status = 410;
}

/** A condition of the request does not hold (RFC 4825 clause 8.2.6, RFC 9110 clause 13). */
export class PreconditionFailed extends RequestRefused {
  readonly status = 412;
}

/** The body is larger than configured. */
export class ContentTooLarge extends RequestRefused {
  readonly status = 413;
}

/** The request-target is longer than configured. */
export class UriTooLong extends RequestRefused {
  readonly status = 414;
}

/** The body's media type or coding is not the resource's (RFC 4825 clause 8.2.2). */
export class UnsupportedMediaType extends RequestRefused {
  readonly status = 415;
}

/** The write needs an If-Match or If-None-Match (RFC 6585 clause 3; design D16). */
export class PreconditionRequired extends RequestRefused {
  readonly status = 428;
}

/** The server understands but does not offer this method. */
export class NotImplemented extends RequestRefused {
  readonly status = 501;
}

/** The other system's answer made no sense (design D16). */
export class BadGateway extends RequestRefused {
  readonly status = 502;
}

/** Not now; the same request may succeed later. */
export class ServiceUnavailable extends RequestRefused {
  readonly status = 503;
  readonly retryAfter: number;

  /** @param retryAfter seconds until a retry makes sense */
  constructor(phrase: string, retryAfter: number, detail?: string) {
    super(phrase, detail);
    this.retryAfter = retryAfter;
  }

  override get headers(): Readonly<Record<string, string>> {
    return { 'Retry-After': String(this.retryAfter) };
  }
}

/** The medium has no room left (RFC 4918 clause 11.5). */
export class InsufficientStorage extends RequestRefused {
  readonly status = 507;
}

/** 409 with an `xcap-error` document (RFC 4825 clause 11). Each subclass writes its own element. */
export abstract class XcapConflict extends RequestRefused {
  readonly status = 409;
  protected abstract readonly elementName: string;

  /** The element below `xcap-error` that names the condition. */
  element(): XmlNode {
    return { name: this.elementName, attributes: { phrase: this.phrase } };
  }
}

/** Clause 11.2.1 (schema of xcap-error): the body is not well-formed XML. */
export class NotWellFormed extends XcapConflict {
  protected readonly elementName = 'not-well-formed';
}

/** The body is not one balanced element. */
export class NotXmlFrag extends XcapConflict {
  protected readonly elementName = 'not-xml-frag';
}

/** The body is not an attribute value. */
export class NotXmlAttValue extends XcapConflict {
  protected readonly elementName = 'not-xml-att-value';
}

/** The body is not UTF-8. */
export class NotUtf8 extends XcapConflict {
  protected readonly elementName = 'not-utf-8';
}

/** The document that the request would make is not valid against its schema. */
export class SchemaValidationError extends XcapConflict {
  protected readonly elementName = 'schema-validation-error';
}

/** A GET of the same URI after this PUT would not give what was PUT (clause 8.2.3). */
export class CannotInsert extends XcapConflict {
  protected readonly elementName = 'cannot-insert';
}

/** After this DELETE the same URI would select another node (clause 8.4). */
export class CannotDelete extends XcapConflict {
  protected readonly elementName = 'cannot-delete';
}

/** A constraint of the application usage other than uniqueness and schema does not hold. */
export class ConstraintFailure extends XcapConflict {
  protected readonly elementName = 'constraint-failure';
}

/** The parent of what is to be created does not exist; `ancestor` is the nearest that does. */
export class NoParent extends XcapConflict {
  protected readonly elementName = 'no-parent';
  readonly ancestor: string | undefined;

  constructor(phrase: string, ancestor?: string) {
    super(phrase);
    this.ancestor = ancestor;
  }

  override element(): XmlNode {
    const children = this.ancestor === undefined ? [] : [{ name: 'ancestor', children: [this.ancestor] }];
    return { name: this.elementName, attributes: { phrase: this.phrase }, children };
  }
}

/** A value that must be unique is taken: the field, and values that are free. */
export interface TakenValue {
  /** Node selector of the field, relative to the document. */
  readonly field: string;
  readonly alternatives: readonly string[];
}

/** The document holds values that must be unique and are taken (clause 8.2.5; TS 24.481 clause 6.3.2). */
export class UniquenessFailure extends XcapConflict {
  protected readonly elementName = 'uniqueness-failure';
  readonly taken: readonly TakenValue[];

  constructor(phrase: string, taken: readonly TakenValue[]) {
    super(phrase);
    this.taken = taken;
  }

  override element(): XmlNode {
    const children = this.taken.map(({ field, alternatives }) => ({
      name: 'exists',
      attributes: { field },
      children: alternatives.map((value) => ({ name: 'alt-value', children: [value] })),
    }));
    return { name: this.elementName, attributes: { phrase: this.phrase }, children };
  }
}

/** The text of an `application/xcap-error+xml` body. */
export function writeXcapError(error: XcapConflict): string {
  return buildXml({ name: 'xcap-error', namespace: ns.xcapError, children: [error.element()] });
}
