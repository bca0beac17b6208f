import http from 'node:http';

export interface RawRequest {
  readonly method: string;
  /** The request-target exactly as it goes on the wire. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

/**
 * Sends a request whose target is not touched: no normalising, no decoding.
 *
 * @param agent keeps connections open; without one each request has its own
 */
export async function send(
  port: number,
  request: RawRequest,
  agent: http.Agent | false = false,
): Promise<RawAnswer> {
  const { method, target, body } = request;
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  return await new Promise((resolve, reject) => {
    const outgoing = http.request({
      host: '127.0.0.1',
      port,
      method,
      path: target,
      headers: { ...length, ...request.headers },
      agent,
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const received = Buffer.concat(chunks);
        const { statusCode = 0, headers } = incoming;
        resolve({ status: statusCode, headers, body: received, text: received.toString('utf8') });
      });
    });
    outgoing.end(body);
  });
}
