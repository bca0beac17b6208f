import { GmsError } from './errors.js';

/**
 * The refusals of an HTTP server: one class per condition. Status and public phrase are kept apart from
 * `message`, which is for the log. Errors never hold responses.
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

/** The request is meant for another server (RFC 9110 clause 15.5.20). */
export class MisdirectedRequest extends RequestRefused {
  readonly status = 421;
}

/** The request has more header fields than are read (RFC 6585 clause 5). */
export class HeadersTooLarge extends RequestRefused {
  readonly status = 431;
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
