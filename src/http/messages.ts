import type { IncomingHttpHeaders } from 'node:http';

/** A request as the pipeline sees it, free of any framework. */
export interface XcapRequest {
  readonly method: string;
  /** The request-target as it stood on the request line. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** Reads the body. @param most octets, where fewer than usual are wanted @throws ContentTooLarge, BadRequest */
  readonly readBody: (most?: number) => Promise<Buffer>;
}

/** What answers requests. */
export interface RequestHandler {
  /** Never throws. */
  handle(request: XcapRequest): Promise<XcapAnswer>;
}

/** An answer, complete but for what the server adds to every one. */
export interface XcapAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

/** A header field that must stand once; several are as good as none. */
export function oneValue(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
