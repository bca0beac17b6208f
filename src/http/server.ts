import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import Koa from 'koa';
import { describeError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { readBody } from './body.js';
import { Connections } from './connections.js';
import { refusalAnswer } from './errors.js';
import { notStored } from './frame.js';
import { refusalOfHead } from './head.js';
import { lingerAndClose, lingers } from './linger.js';
import { awaitsContinue, type RequestHandler, type XcapAnswer } from './messages.js';

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

/** Milliseconds between two looks at the time limits of connections: a limit holds to within this time. */
const checkingInterval = 1000;

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
    const refused = refusalOfHead(req);
    if (refused !== undefined) {
      log.debug({ status: refused.status, reason: refused.message }, 'request refused');
      context.respond = false;
      const answer = refusalAnswer(refused);
      const headers = { ...notStored, ...answer.headers };
      send(req, res, { ...answer, headers }, app.closing, bodyBytes);
      return;
    }
    const answer = await handler.handle({
      method: req.method ?? '',
      target: req.url ?? '',
      headers: req.headers,
      readBody: (most = bodyBytes) =>
        readBody(req, Math.min(most, bodyBytes), () => {
          if (awaitsContinue(req)) res.writeContinue();
        }),
      gone: () => goneSignal(res),
    });
    context.respond = false;
    send(req, res, answer, app.closing, bodyBytes);
  });
  return app;
}

/** Made for those alone who ask for it: most answers are there before a client could give up. */
function goneSignal(response: http.ServerResponse): AbortSignal {
  const gone = new AbortController();
  const end = (): void => {
    gone.abort();
  };
  if (response.closed) end();
  else response.once('close', end);
  return gone.signal;
}

/** Writes `answer`. Node itself leaves the body out of the answer to a HEAD. */
function send(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  { status, headers, body }: XcapAnswer,
  last: boolean,
  bodyBytes: number,
): void {
  const fields: Record<string, string | number> = { ...headers };
  // A 304 has no Content-Length; every other answer has one, also where there is no body.
  if (status !== 304) fields['Content-Length'] = body === undefined ? 0 : Buffer.byteLength(body);
  const closes = last || status === 413 || !(request.complete || isSoonComplete(request, bodyBytes));
  if (closes) fields['Connection'] = 'close';
  response.writeHead(status, fields);
  if (request.complete || !closes) {
    response.end(body);
    return;
  }
  // The response is not ended: Node would close the connection with it, under a client that is still sending.
  if (body === undefined || body.length === 0) response.flushHeaders();
  else response.write(body);
  lingerAndClose(request);
}

/**
 * Whether the rest of a body that nobody wanted comes and is short, so that the connection can serve the next
 * request behind it. A client that waits for `100 Continue` need not send it at all.
 */
function isSoonComplete({ headers }: http.IncomingMessage, bodyBytes: number): boolean {
  if (headers.expect !== undefined) return false;
  const { 'content-length': length, 'transfer-encoding': coding } = headers;
  return coding === undefined && Number(length ?? 0) <= bodyBytes;
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
  const connections = new Connections(limits.connections);
  const take = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    if (lingers(request.socket)) return;
    unused.delete(request.socket);
    connections.asked(request.socket, response);
    void handler(request, response);
  };
  const server = http.createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeout,
      requestTimeout: limits.requestTimeout,
      keepAliveTimeout: limits.keepAliveTimeout,
      connectionsCheckingInterval: checkingInterval,
    },
    take,
  );
  // The handler says when the client may go on: with the first octet that it wants of the body.
  server.on('checkContinue', take);
  server.on('connection', (socket) => {
    connections.opened(socket);
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  // All fields reach the check of their number: beyond it, Node would drop them in silence.
  server.maxHeadersCount = 0;
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
