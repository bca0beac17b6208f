import { getEventListeners } from 'node:events';
import net from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import {
  bytesOf,
  NoAnswer,
  NoAnswerInTime,
  NoConnection,
  NoConnectionInTime,
  Nonsense,
  OutboundClient,
  UnusableAnswer,
  type OutboundAnswer,
  type OutboundRequest,
} from '../../../src/outbound/client.js';
import { badBodies, nonsense } from '../../support/bad-answers.js';
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
    lane: { to: 'b', purpose: 'delivery' },
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

  /** Why the body of `answer` cannot be used. */
  const faultOf = ({ body }: OutboundAnswer): NoAnswer => {
    if (body.kind === 'whole') throw new Error('the body can be used');
    return body.fault;
  };

  it('sends method, target, headers and body, and gives status, headers and body', async () => {
    server.answers({ status: 409, headers: { ETag: '"t"', 'X-Other': 'y' }, body: 'nö' });
    const answer = await client.send(
      request({ method: 'PUT', headers: { 'If-Match': '"e"' }, body: 'Brücke' }),
    );
    expect(answer.status).to.equal(409);
    expect(answer.headers).to.include({ etag: '"t"', 'x-other': 'y' });
    expect(bytesOf(answer).toString('utf8')).to.equal('nö');
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
      expect(bytesOf(await client.send(request())).length).to.equal(1000);
    });

    it('has no usable body one octet above it', async () => {
      server.answers({ status: 200, body: 'x'.repeat(1001) });
      expect(faultOf(await client.send(request()))).to.be.instanceOf(UnusableAnswer);
    });
  });

  describe('an answer in a content coding', () => {
    for (const coding of ['gzip', 'deflate, br', 'X']) {
      it(`${coding} was not asked for and makes the body unusable, whatever its octets are`, async () => {
        server.answers({ status: 200, headers: { 'Content-Encoding': coding }, body: '<a/>' });
        expect(faultOf(await client.send(request()))).to.be.instanceOf(UnusableAnswer);
      });
    }

    for (const coding of ['identity', 'UTF-8']) {
      it(`is not meant by ${coding}`, async () => {
        server.answers({ status: 200, headers: { 'Content-Encoding': coding }, body: '<a/>' });
        expect(bytesOf(await client.send(request())).toString()).to.equal('<a/>');
      });
    }
  });

  it('says that it wants no content coding (RFC 9110 clause 12.5.3)', async () => {
    await client.send(request());
    expect(server.requests[0]?.headers['accept-encoding']).to.equal('identity');
  });

  describe('the status decides, whatever becomes of the body', () => {
    const head = 'HTTP/1.1 201 Created\r\nETag: "t"\r\n';
    const faults = { cut: NoAnswer, late: NoAnswerInTime, unusable: UnusableAnswer, nonsense: Nonsense };

    beforeEach(() => {
      client.close();
      client = new OutboundClient({ deadline: 300, answerBytes: 1000 });
    });

    for (const { title, kind, answer } of badBodies) {
      it(`a body ${title}: the status and the fields are there, those who need the body get none`, async () => {
        server.answers(answer(head));
        const given = await client.send(request({ method: 'PUT', body: '<a/>' }));
        expect([given.status, given.headers.etag]).to.deep.equal([201, '"t"']);
        expect(faultOf(given).constructor).to.equal(faults[kind]);
        expect(() => bytesOf(given)).to.throw(faultOf(given).message);
        expect(faultOf(given).message).to.not.match(/127|\/|octet/);
        server.answers({ status: 200, body: 'next' });
        expect(bytesOf(await client.send(request())).toString(), 'the next request').to.equal('next');
      });
    }

    for (const [title, more] of [
      ['octets', 'more'],
      ['another answer', 'HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n'],
    ] as const) {
      it(`${title} after the answer change nothing`, async () => {
        server.answers({ raw: `${head}Content-Length: 4\r\n\r\nhere${more}` });
        const given = await client.send(request());
        expect([given.status, given.headers.etag]).to.deep.equal([201, '"t"']);
        server.answers({ status: 200, body: 'next' });
        expect(bytesOf(await client.send(request())).toString()).to.equal('next');
      });
    }

    it('a body that the caller does not wait for', async () => {
      const controller = new AbortController();
      server.answers({
        by: (socket) => {
          socket.write(`${head}Content-Length: 9\r\n\r\nbegun`, () => {
            setImmediate(() => {
              setImmediate(() => {
                controller.abort();
              });
            });
          });
        },
      });
      const given = await client.send(request(), controller.signal);
      expect([given.status, faultOf(given).constructor]).to.deep.equal([201, NoAnswerInTime]);
    });
  });

  describe('what is no HTTP is a failure of its own', () => {
    for (const [title, octets] of nonsense) {
      it(title, async () => {
        server.answers({ raw: octets });
        expect(await refusal(client.send(request()))).to.be.instanceOf(Nonsense);
      });
    }
  });

  describe('no connection', () => {
    const notMade = async (url: string): Promise<NoAnswer> => {
      const error = await refusal(client.send(request({ url })));
      expect(error).to.be.instanceOf(NoConnection);
      return error;
    };

    /** A server that does `act` with each connection. */
    const listening = async (act: (socket: net.Socket) => void): Promise<net.Server> => {
      const listener = net.createServer((socket) => {
        socket.on('error', () => undefined);
        act(socket);
      });
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
      return listener;
    };

    const secureUrl = (listener: net.Server): string =>
      `https://127.0.0.1:${(listener.address() as net.AddressInfo).port}/`;

    it('where nobody listens', async () => {
      await server.down();
      expect((await notMade(server.root)).message).to.equal('the connection failed (ECONNREFUSED)');
    });

    it('where there is no such host', async () => {
      // No name server is asked for a label of more than 63 characters (RFC 1035 clause 2.3.4).
      expect((await notMade(`http://${'x'.repeat(64)}.invalid/`)).message).to.match(
        /^the connection failed \((ENOTFOUND|EAI_[A-Z]+)\)$/,
      );
    });

    for (const [title, act] of [
      ['the server speaks no TLS', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
      ['the server ends the handshake', (socket) => socket.end()],
      ['the server resets the handshake', (socket) => socket.resetAndDestroy()],
    ] as const satisfies readonly (readonly [string, (socket: net.Socket) => void])[]) {
      it(`where ${title}`, async () => {
        const listener = await listening(act);
        try {
          await notMade(secureUrl(listener));
        } finally {
          listener.close();
        }
      });
    }

    it('where the handshake does not end in time', async () => {
      client.close();
      client = new OutboundClient({ deadline: 50, answerBytes: 1000 });
      const silent: net.Socket[] = [];
      const listener = await listening((socket) => silent.push(socket));
      try {
        const error = await notMade(secureUrl(listener));
        expect(error).to.be.instanceOf(NoConnectionInTime);
        expect(error.message).to.equal('no connection in time');
      } finally {
        for (const socket of silent) socket.destroy();
        listener.close();
      }
    });

    it('is another failure than one of a connection that stood', async () => {
      client.close();
      client = new OutboundClient({ deadline: 100, answerBytes: 1000 });
      for (const answer of ['reset', 'silence', { raw: '' }] as const) {
        server.answers(answer);
        expect(await refusal(client.send(request()))).to.not.be.instanceOf(NoConnection);
      }
      await client.send(request());
      server.answers('silence');
      expect(await refusal(client.send(request())), 'on a kept one').to.not.be.instanceOf(NoConnection);
    });
  });

  describe('no answer', () => {
    it('in time', async () => {
      client.close();
      client = new OutboundClient({ deadline: 50, answerBytes: 1000 });
      server.answers('silence');
      expect((await refusal(client.send(request()))).message).to.equal('no answer in time');
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
    ] as const) {
      it(`because of ${title}; the message names no address`, async () => {
        server.answers(answer);
        const { message } = await refusal(client.send(request()));
        expect(message).to.match(/^the connection failed( \([A-Z_]+\))?$/);
      });
    }

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
      expect(faultOf(await client.send(request()))).to.be.instanceOf(NoAnswer);
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
    answers.forEach((answer, i) => {
      expect(bytesOf(answer).toString()).to.equal(`/xcap-root/${i}`);
    });
    expect(server.connections).to.be.at.most(32);
  });
});
