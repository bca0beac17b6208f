import net from 'node:net';
import { once } from 'node:events';
import { expect } from 'chai';
import { BadRequest } from '../../../src/base/refusals.js';
import { silentLog, type Log } from '../../../src/base/log.js';
import { refusalAnswer } from '../../../src/http/errors.js';
import type { RequestHandler, XcapAnswer } from '../../../src/http/messages.js';
import { createApp, listen, type HttpServer, type XcapApp } from '../../../src/http/server.js';

const host = '127.0.0.1';
const large = Buffer.alloc(300_000, 'x');

const limits = {
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  answerTimeout: 5000,
  headerBytes: 16_384,
  connections: 100,
  bodyBudget: 1 << 20,
  answerBudget: 1 << 20,
};

/** Answers by the target. */
const handler: RequestHandler = {
  async handle({ target, method, readBody }): Promise<XcapAnswer> {
    const type = { 'Content-Type': 'text/plain', ETag: '"a"' };
    switch (target) {
      case '/text':
        return { status: 200, headers: type, body: 'Grüße' };
      case '/octets':
        return { status: 200, headers: type, body: large };
      case '/unchanged':
        return { status: 304, headers: { ETag: '"a"' } };
      case '/nothing':
        return { status: 204, headers: {} };
      case '/refused':
        return refusalAnswer(new BadRequest('no'));
      case '/fault':
        throw new Error(`${method} is not known`);
      default:
        return { status: 200, headers: type, body: String((await readBody()).length) };
    }
  },
};

/** What comes back on one connection for requests as they stand. */
async function exchange(port: number, sent: string): Promise<string> {
  const socket = net.connect(port, host);
  socket.end(sent);
  let heard = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => (heard += text));
  await once(socket, 'close');
  return heard.replaceAll(/^Date: .*\r\n/gm, '');
}

describe('The short way of a request past koa’s own callback', () => {
  let lines: string[];
  let servers: HttpServer[];

  const app = (): XcapApp => {
    const log: Log = { ...silentLog, warn: (_fields, message) => void lines.push(message) };
    return createApp(handler, 1 << 20, log);
  };

  async function open(made: XcapApp): Promise<number> {
    const server = await listen(made, { host, port: 0 }, limits);
    servers.push(server);
    return server.port;
  }

  /** Koa’s own callback, for the same middleware. */
  async function openLong(): Promise<number> {
    const made = app();
    made.shortWay = () => made.callback();
    return await open(made);
  }

  beforeEach(() => {
    lines = [];
    servers = [];
  });

  afterEach(async () => {
    await Promise.all(servers.map((server) => server.close()));
  });

  const head = (method: string, target: string, ...more: readonly string[]): string =>
    [`${method} ${target} HTTP/1.1`, 'Host: x', ...more, '', ''].join('\r\n');

  for (const target of ['/text', '/octets', '/unchanged', '/nothing', '/refused']) {
    for (const method of ['GET', 'HEAD']) {
      it(`${method} ${target}: the same octets as on the long way, also for the next request`, async () => {
        const sent = head(method, target) + head('GET', '/text', 'Connection: close');
        const short = await exchange(await open(app()), sent);
        expect(short).to.equal(await exchange(await openLong(), sent));
        expect(short.match(/HTTP\/1\.1 \d/g)).to.have.lengthOf(2);
        expect(lines).to.deep.equal([]);
      });
    }
  }

  it('a body is read, in one piece or in chunks', async () => {
    const chunked = `${head('PUT', '/length', 'Transfer-Encoding: chunked')}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`;
    const sent = `${head('PUT', '/length', 'Content-Length: 4')}abcd${chunked}${head('GET', '/text', 'Connection: close')}`;
    const short = await exchange(await open(app()), sent);
    expect(short).to.equal(await exchange(await openLong(), sent));
    expect(short).to.include('\r\n\r\n4HTTP/1.1 200').and.to.include('\r\n\r\n5HTTP/1.1 200');
  });

  it('a fault of the middleware is answered with 500, told once, and ends the connection only', async () => {
    const port = await open(app());
    const heard = await exchange(port, head('GET', '/fault'));
    expect(heard).to.match(/^HTTP\/1\.1 500 /);
    expect(heard).to.include('Connection: close');
    expect(lines).to.have.lengthOf(1);
    expect(await exchange(port, head('GET', '/text', 'Connection: close'))).to.match(/^HTTP\/1\.1 200 /);
  });

  it('a client that goes in the middle of an answer disturbs nobody', async () => {
    const port = await open(app());
    for (let number = 0; number < 20; number += 1) {
      const socket = net.connect(port, host);
      socket.write(head('GET', '/octets').repeat(3));
      await once(socket, 'data');
      socket.resetAndDestroy();
      await once(socket, 'close');
    }
    expect(await exchange(port, head('GET', '/text', 'Connection: close'))).to.match(/^HTTP\/1\.1 200 /);
  });
});
