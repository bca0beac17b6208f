import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import Koa from 'koa';
import { describeError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { readBody } from './body.js';
import type { RequestHandler, XcapAnswer } from './messages.js';

/** Limits of the HTTP server; times in milliseconds, sizes in octets. */
export interface ServerLimits {
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  readonly headerBytes: number;
  readonly connections: number;
}

/** A running HTTP server. */
export interface HttpServer {
  readonly port: number;
  /** Stops listening, lets requests under way finish, and closes idle connections. */
  close(): Promise<void>;
}

/** Milliseconds that requests under way have to finish when the server closes. */
const closingTime = 5000;

/** The Koa application of a server. */
export class XcapApp extends Koa {
  /**
   * Whether the server is about to close. Answers then close their connections: kept open for a next request,
   * they would hold up the closing.
   */
  closing = false;
}

/**
 * Koa in front of `handler`. It only turns messages into requests, and answers into messages.
 *
 * Answers go to Node's response directly, in one call with all their headers (`respond = false`): Koa's
 * own way, header by header, costs as much processor time as the whole pipeline does for a GET.
 */
export function createApp(handler: RequestHandler, bodyBytes: number, log: Log): XcapApp {
  const app = new XcapApp();
  // The handler answers every request; the only errors left are faults of the connection.
  app.on('error', (error: unknown) => {
    log.warn({ reason: describeError(error) }, 'an answer could not be sent');
  });
  app.use(async (context) => {
    const { req, res } = context;
    const answer = await handler.handle({
      method: req.method ?? '',
      target: req.url ?? '',
      headers: req.headers,
      readBody: (most = bodyBytes) => readBody(req, Math.min(most, bodyBytes)),
    });
    context.respond = false;
    send(res, answer, app.closing);
  });
  return app;
}

/** Writes `answer`. Node itself leaves the body out of the answer to a HEAD. */
function send(response: http.ServerResponse, { status, headers, body }: XcapAnswer, last: boolean): void {
  const fields: Record<string, string | number> = { ...headers };
  // A 304 has no Content-Length; every other answer has one, also where there is no body.
  if (status !== 304) fields['Content-Length'] = body === undefined ? 0 : Buffer.byteLength(body);
  // A body that is too large is not read to its end, so nothing more can be read from the connection.
  if (last || status === 413) fields['Connection'] = 'close';
  response.writeHead(status, fields).end(body);
}

/** Starts to listen. Rejects where the address cannot be listened on. */
export async function listen(
  app: XcapApp,
  address: { readonly host: string; readonly port: number },
  limits: ServerLimits,
): Promise<HttpServer> {
  const handler = app.callback();
  // Node counts a connection as idle only once it has had a request.
  const unused = new Set<Socket>();
  const server = http.createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeout,
      requestTimeout: limits.requestTimeout,
      keepAliveTimeout: limits.keepAliveTimeout,
    },
    (request, response) => {
      unused.delete(request.socket);
      void handler(request, response);
    },
  );
  server.on('connection', (socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.maxConnections = limits.connections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      app.closing = true;
      const closed = closeServer(server);
      for (const socket of unused) socket.destroy();
      return closed;
    },
  };
}

async function closeServer(server: http.Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  server.closeIdleConnections();
  const hurry = setTimeout(() => {
    server.closeAllConnections();
  }, closingTime);
  await closed;
  clearTimeout(hurry);
}
