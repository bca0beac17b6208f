import type { IncomingHttpHeaders } from 'node:http';

/** A request as the pipeline sees it, free of any framework. */
export interface XcapRequest {
  readonly method: string;
  /** The request-target as it stood on the request line. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** Reads the body. @throws ContentTooLarge, BadRequest */
  readonly readBody: () => Promise<Buffer>;
}

/** An answer, complete but for what the server adds to every one. */
export interface XcapAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}
