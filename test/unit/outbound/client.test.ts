import { getEventListeners } from 'node:events';
import net from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import {
  UnusableAnswer,
  NoAnswer,
  OutboundClient,
  type OutboundRequest,
} from '../../../src/outbound/client.js';
import { Gate, ScriptedServer } from '../../support/peers.js';

describe('The outbound client', () => {
  let server: ScriptedServer;
  let client: OutboundClient;

  beforeEach(async () => {
    server = await ScriptedServer.start({ status: 200, body: 'here' });
    client = new OutboundClient({ deadline: 2000, answerBytes: 1000 });
  });

  afterEach(async () => {
    client.close();
    await server.down();
  });

  const request = (changes: Partial<OutboundRequest> = {}): OutboundRequest => ({
    method: 'GET',
    url: `${server.root}/x`,
    headers: {},
    ...changes,
  });

  /** What `attempt` is refused with. */
  const refusal = async (attempt: Promise<unknown>): Promise<NoAnswer> => {
    try {
      await attempt;
    } catch (error) {
      if (error instanceof NoAnswer) return error;
      throw error;
    }
    throw new Error('there was an answer');
  };

  it('sends method, target, headers and body, and gives status, headers and body', async () => {
    server.answers({ status: 409, headers: { ETag: '"t"', 'X-Other': 'y' }, body: 'nö' });
    const answer = await client.send(
      request({ method: 'PUT', headers: { 'If-Match': '"e"' }, body: 'Brücke' }),
    );
    expect(answer.status).to.equal(409);
    expect(answer.headers).to.include({ etag: '"t"', 'x-other': 'y' });
    expect(answer.body.toString('utf8')).to.equal('nö');
    const [seen] = server.requests;
    expect(seen).to.deep.include({ method: 'PUT', target: '/xcap-root/x', body: 'Brücke' });
    expect(seen?.headers).to.include({ 'if-match': '"e"', 'content-length': '7' });
  });

  it('does not follow a redirect: it is an answer as any other', async () => {
    server.answers({ status: 302, headers: { Location: `${server.root}/elsewhere` } });
    expect((await client.send(request())).status).to.equal(302);
    expect(server.requests).to.have.length(1);
  });

  it('keeps connections', async () => {
    for (let i = 0; i < 5; i += 1) await client.send(request());
    expect(server.connections).to.equal(1);
  });

  describe('a long answer', () => {
    it('is accepted at the limit', async () => {
      server.answers({ status: 200, body: 'x'.repeat(1000) });
      expect((await client.send(request())).body.length).to.equal(1000);
    });

    it('is refused one octet above it', async () => {
      server.answers({ status: 200, body: 'x'.repeat(1001) });
      expect(await refusal(client.send(request()))).to.be.instanceOf(UnusableAnswer);
    });

    it('is refused as soon as it is too long, though it has no end', async () => {
      const endless = net.createServer((socket) => {
        socket.on('error', () => undefined);
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
        const more = (): void => {
          while (socket.writable && socket.write(`400\r\n${'x'.repeat(1024)}\r\n`));
        };
        socket.on('drain', more);
        more();
      });
      await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
      try {
        const { port } = endless.address() as net.AddressInfo;
        const error = await refusal(client.send(request({ url: `http://127.0.0.1:${port}/` })));
        expect(error).to.be.instanceOf(UnusableAnswer);
      } finally {
        endless.close();
      }
    });
  });

  describe('an answer in a content coding', () => {
    for (const coding of ['gzip', 'deflate, br', 'X']) {
      it(`such as ${coding} is refused, whatever its octets are`, async () => {
        server.answers({ status: 200, headers: { 'Content-Encoding': coding }, body: '<a/>' });
        expect(await refusal(client.send(request()))).to.be.instanceOf(UnusableAnswer);
      });
    }

    for (const coding of ['identity', 'UTF-8']) {
      it(`is not meant by ${coding}`, async () => {
        server.answers({ status: 200, headers: { 'Content-Encoding': coding }, body: '<a/>' });
        expect((await client.send(request())).body.toString()).to.equal('<a/>');
      });
    }
  });

  describe('there is no answer', () => {
    it('in time', async () => {
      client.close();
      client = new OutboundClient({ deadline: 50, answerBytes: 1000 });
      server.answers('silence');
      expect((await refusal(client.send(request()))).message).to.equal('no answer in time');
    });

    it('in time, though the answer has begun', async () => {
      client.close();
      client = new OutboundClient({ deadline: 100, answerBytes: 1000 });
      const slow = net.createServer((socket) => {
        socket.on('error', () => undefined);
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun');
      });
      await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
      try {
        const { port } = slow.address() as net.AddressInfo;
        const error = await refusal(client.send(request({ url: `http://127.0.0.1:${port}/` })));
        expect(error.message).to.equal('no answer in time');
      } finally {
        slow.close();
      }
    });

    it('because the caller gave up', async () => {
      server.answers('silence');
      const controller = new AbortController();
      const attempt = refusal(client.send(request(), controller.signal));
      await server.request(1);
      controller.abort();
      expect((await attempt).message).to.equal('no answer in time');
    });

    it('because the caller had given up before', async () => {
      await refusal(client.send(request(), AbortSignal.abort()));
      expect(server.requests).to.deep.equal([]);
    });

    for (const [title, answer] of [
      ['a reset', 'reset'],
      ['an end without an answer', { raw: '' }],
      ['what is not HTTP', { raw: 'SIP/2.0 200 OK\r\n\r\n' }],
      ['an answer that breaks off', { raw: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun' }],
      [
        'an upgrade',
        { raw: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n' },
      ],
      ['too many headers', { raw: `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(5000)}\r\n` }],
    ] as const) {
      it(`because of ${title}; the message names no address`, async () => {
        server.answers(answer);
        const { message } = await refusal(client.send(request()));
        expect(message).to.match(/^the connection failed( \([A-Z_]+\))?$/);
      });
    }

    it('because the port is closed', async () => {
      await server.down();
      const { message } = await refusal(client.send(request()));
      expect(message).to.equal('the connection failed (ECONNREFUSED)');
    });

    it('because a header cannot be sent', async () => {
      const { message } = await refusal(client.send(request({ headers: { 'If-Match': 'a\r\nb' } })));
      expect(message).to.match(/^the connection failed/);
      expect(server.requests).to.deep.equal([]);
    });
  });

  describe('a kept connection that the server closes as it is used again', () => {
    /** Answers the first request of each connection and resets it at the second. */
    const forgetful = async (): Promise<{
      readonly url: string;
      readonly seen: string[];
      readonly close: () => void;
    }> => {
      const seen: string[] = [];
      const listener = net.createServer((socket) => {
        let first = true;
        socket.on('error', () => undefined);
        socket.on('data', (data) => {
          seen.push(data.toString('latin1').split(' ', 1)[0] ?? '');
          if (first) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
          else socket.resetAndDestroy();
          first = false;
        });
      });
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
      const { port } = listener.address() as net.AddressInfo;
      return { url: `http://127.0.0.1:${port}/`, seen, close: () => listener.close() };
    };

    for (const method of ['GET', 'PUT', 'DELETE', 'POST'] as const) {
      it(`${method} is sent again on a new one`, async () => {
        const { url, seen, close } = await forgetful();
        try {
          const body = method === 'PUT' || method === 'POST' ? { body: 'x' } : {};
          expect((await client.send(request({ url, method, ...body }))).status).to.equal(200);
          expect((await client.send(request({ url, method, ...body }))).status).to.equal(200);
          expect(seen).to.deep.equal([method, method, method]);
        } finally {
          close();
        }
      });
    }

    it('a new connection that is reset is not tried again', async () => {
      server.answers('reset');
      await refusal(client.send(request()));
      expect(server.requests).to.have.length(1);
    });

    it('an answer that has begun is not asked for again', async () => {
      await client.send(request());
      server.answers({ raw: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun' });
      await refusal(client.send(request()));
      expect(server.requests).to.have.length(2);
    });
  });

  it('leaves nothing behind in a signal that lives on', async function () {
    this.timeout(20_000);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { signal } = new AbortController();
    const url = server.root;
    await server.down();
    const heapAfter = async (requests: number): Promise<number> => {
      for (let i = 0; i < requests; i += 1) await refusal(client.send(request({ url }), signal));
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = await heapAfter(500);
    const grown = (await heapAfter(1000)) - before;
    expect(grown / 1000, 'octets per request').to.be.below(500);
    expect(getEventListeners(signal, 'abort')).to.deep.equal([]);
  });

  it('carries many requests at once', async () => {
    const gate = new Gate();
    server.otherwise(async ({ target }) => {
      await gate.passed;
      return { status: 200, body: target };
    });
    const attempts = Array.from({ length: 100 }, (_, i) =>
      client.send(request({ url: `${server.root}/${i}` })),
    );
    await server.request(20);
    gate.open();
    const answers = await Promise.all(attempts);
    answers.forEach(({ body }, i) => {
      expect(body.toString()).to.equal(`/xcap-root/${i}`);
    });
    expect(server.connections).to.be.at.most(32);
  });
});
