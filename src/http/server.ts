import http from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { systemClock } from '../base/clock.js';
import { describeError } from '../base/errors.js';
import { AddressUnusable, systemReason } from '../base/system-errors.js';
import { urlHost } from '../base/uri.js';
import type { Log } from '../base/log.js';
import { SharedBudget } from '../base/shared-budget.js';
import { sendAnswer } from './answer.js';
import { AnswersUnderWay } from './answers-under-way.js';
import { checkCoding } from './body.js';
import type { Exchange } from './connection.js';
import { Connections } from './connections.js';
import { refusalAnswer } from './errors.js';
import { notStored } from './frame.js';
import { refusalOfHead } from './head.js';
import { awaitsContinue, type RequestHandler, type XcapAnswer } from './messages.js';

/** Limits of the HTTP server; times in milliseconds, sizes in octets. */
export interface ServerLimits {
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  /** For each part of an answer. */
  readonly answerTimeout: number;
  readonly headerBytes: number;
  readonly connections: number;
  /** Of requests under way, in all. */
  readonly bodyBudget: number;
  /** Of answers under way, in all. */
  readonly answerBudget: number;
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
  /** The most octets of a request body. */
  readonly bodyBytes: number;
  /** How requests and answers that are under way go together; the server tells when it takes a request. */
  readonly exchanges = new WeakMap<http.IncomingMessage, Sending>();

  constructor(bodyBytes: number) {
    super();
    this.bodyBytes = bodyBytes;
  }
}

/** An exchange, and what sends its answer. */
interface Sending {
  readonly exchange: Exchange;
  readonly send: (exchange: Exchange, answer: XcapAnswer) => void;
}

/**
 * Koa in front of `handler`. It only turns messages into requests, and answers into messages.
 *
 * Answers go to Node's response directly, in one call with all their headers (`respond = false`): Koa's
 * own way, header by header, costs as much processor time as the whole pipeline does for a GET.
 */
export function createApp(handler: RequestHandler, bodyBytes: number, log: Log): XcapApp {
  const app = new XcapApp(bodyBytes);
  // The handler answers every request; the only errors left are faults of the connection.
  app.on('error', (error: unknown) => {
    log.warn({ reason: describeError(error) }, 'an answer could not be sent');
  });
  app.use(async (context) => {
    const { req, res } = context;
    context.respond = false;
    const taken = app.exchanges.get(req);
    if (taken === undefined) return;
    const { exchange, send } = taken;
    const refused = refusalOfHead(req);
    if (refused !== undefined) {
      log.debug({ status: refused.status, reason: refused.message }, 'request refused');
      const answer = refusalAnswer(refused);
      send(exchange, { ...answer, headers: { ...notStored, ...answer.headers } });
      return;
    }
    const wanted = (): void => {
      if (awaitsContinue(req)) res.writeContinue();
    };
    const answer = await handler.handle({
      method: req.method ?? '',
      target: req.url ?? '',
      headers: req.headers,
      readBody: async (most = bodyBytes) => {
        if (exchange.body !== undefined) return await exchange.body.read(Math.min(most, bodyBytes), wanted);
        checkCoding(req.headers['content-encoding']);
        wanted();
        return Buffer.alloc(0);
      },
      gone: () => goneSignal(res),
    });
    send(exchange, answer);
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

/** Starts to listen. @throws AddressUnusable where the address cannot be listened on */
export async function listen(
  app: XcapApp,
  address: { readonly host: string; readonly port: number },
  limits: ServerLimits,
): Promise<HttpServer> {
  const handler = app.callback();
  const connections = new Connections(limits.connections, systemClock);
  // One body of the largest size always finds room, and one answer with a document of this size.
  const bodies = new SharedBudget(Math.max(limits.bodyBudget, app.bodyBytes));
  const answers = new AnswersUnderWay(new SharedBudget(Math.max(limits.answerBudget, app.bodyBytes)));
  const { bodyBytes } = app;
  const send = (exchange: Exchange, answer: XcapAnswer): void => {
    const { answerTimeout } = limits;
    sendAnswer(exchange, answer, { last: app.closing, bodyBytes, answers, answerTimeout });
  };
  const tools = {
    work: (exchange: Exchange): void => {
      app.exchanges.set(exchange.request, { exchange, send });
      void handler(exchange.request, exchange.response);
    },
    openHolding: bodies.open.bind(bodies),
  };
  const take = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    connections.of(request.socket)?.asked(request, response);
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
    connections.opened(socket, tools);
  });
  // All fields reach the check of their number: beyond it, Node would drop them in silence.
  server.maxHeadersCount = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(cannotListen(address, error));
    });
    server.listen(address.port, address.host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
  const checking = setInterval(() => {
    connections.closeUnread(limits.answerTimeout);
  }, checkingInterval).unref();
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      app.closing = true;
      const closed = closeServer(server);
      connections.closeIdle();
      await closed;
      clearInterval(checking);
    },
  };
}

function cannotListen({ host, port }: { host: string; port: number }, error: Error): AddressUnusable {
  const reason = systemReason(error, {
    EACCES: 'permission denied; ports below 1024 are for processes with a right to them',
  });
  return new AddressUnusable(`cannot listen on ${urlHost(host)}:${port}: ${reason}`, { cause: error });
}

async function closeServer(server: http.Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  const hurry = setTimeout(() => {
    server.closeAllConnections();
  }, closingTime);
  await closed;
  clearTimeout(hurry);
}
