import http from 'node:http';
import Koa from 'koa';
import compose from 'koa-compose';
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
import { Entrances, type Address } from './entrances.js';
import { refusalAnswer } from './errors.js';
import { notStored } from './frame.js';
import { refusalOfHead } from './head.js';
import { awaitsContinue, type RequestHandler, type XcapAnswer } from './messages.js';
import { ReadingTurns } from './reading-turns.js';
import { RequestTurns } from './request-turns.js';

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

  /**
   * Koa's context and middleware behind a callback of our own, the short way of a request. Koa's watches each response
   * for its end, to report faults of its connection, and then looks whether it has to answer itself. Nobody answers
   * through the context here, and the watching costs more than a GET does.
   *
   * Subtle: a response says by an error, which must be heard, that somebody writes after its connection has ended.
   */
  shortWay(): (request: http.IncomingMessage, response: http.ServerResponse) => Promise<void> {
    const answer = compose(this.middleware);
    const onFault = (error: unknown): void => {
      this.emit('error', error);
    };
    return async (request, response) => {
      response.on('error', onFault);
      try {
        await answer(this.createContext(request, response));
      } catch (error) {
        onFault(error);
        // Where something is sent already, only the end of the connection tells that it is not all.
        if (response.headersSent) response.destroy();
        else response.writeHead(500, { 'Content-Length': 0, Connection: 'close' }).end();
      }
    };
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
    if (req.socket.destroyed) log.warn({ reason: 'the connection has ended' }, 'an answer could not be sent');
    else send(exchange, answer);
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
export async function listen(app: XcapApp, address: Address, limits: ServerLimits): Promise<HttpServer> {
  const handler = app.shortWay();
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
    readingTurns: new ReadingTurns(),
    requestTurns: new RequestTurns(systemClock),
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
  const entrances = await Entrances.open(server, address, limits.connections).catch((error: unknown) => {
    throw cannotListen(address, error);
  });
  const checking = setInterval(() => {
    connections.closeUnread(limits.answerTimeout);
  }, checkingInterval).unref();
  return {
    port: entrances.port,
    close: async () => {
      app.closing = true;
      const closed = closeAll(server, entrances);
      connections.closeIdle();
      await closed;
      clearInterval(checking);
    },
  };
}

function cannotListen({ host, port }: Address, error: unknown): AddressUnusable {
  const reason = systemReason(error, {
    EACCES: 'permission denied; ports below 1024 are for processes with a right to them',
  });
  return new AddressUnusable(`cannot listen on ${urlHost(host)}:${port}: ${reason}`, { cause: error });
}

async function closeAll(server: http.Server, entrances: Entrances): Promise<void> {
  const hurry = setTimeout(() => {
    server.closeAllConnections();
  }, closingTime);
  await entrances.close();
  clearTimeout(hurry);
}
