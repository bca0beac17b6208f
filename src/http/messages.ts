import type { IncomingHttpHeaders } from 'node:http';

/** A request as handlers see it, free of any framework. */
export interface XcapRequest {
  readonly method: string;
  /** The request-target as it stood on the request line. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /**
   * Reads the body.
   *
   * @param most the octets that it may have, where that is less than usual
   * @throws UnsupportedMediaType, ContentTooLarge, BadRequest
   */
  readonly readBody: (most?: number) => Promise<Buffer>;
  /** A signal that is aborted once the client has gone, or has its answer: nobody waits for work any more. */
  readonly gone: () => AbortSignal;
}

/** Answers requests. */
export interface RequestHandler {
  /** Never throws. */
  handle(request: XcapRequest): Promise<XcapAnswer>;
}

/** An answer, but for the fields that the HTTP server adds to every one. */
export interface XcapAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

/** The value of X-3GPP-Asserted-Identity; undefined where the field does not stand exactly once. */
export function assertedIdentity({ headers }: Pick<XcapRequest, 'headers'>): string | undefined {
  const value = headers['x-3gpp-asserted-identity'];
  return typeof value === 'string' ? value : undefined;
}

/** Whether the client sends its body only once it is told to go on (RFC 9110 clause 10.1.1). */
export function awaitsContinue({ headers }: Pick<XcapRequest, 'headers'>): boolean {
  return headers.expect?.trim().toLowerCase() === '100-continue';
}
