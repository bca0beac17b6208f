import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect } from 'chai';
import { NoAnswer, OutboundClient, type OutboundAnswer } from '../../../src/outbound/client.js';
import { laneLimits, type Lane } from '../../../src/outbound/lanes.js';

/** A gateway in front of several peers: one address, and the path names the peer. */
class SharedAddress {
  readonly #server = http.createServer((request, response) => {
    const path = request.url ?? '';
    this.arrived.push(path);
    if (path.startsWith('/silent')) this.#held.push(response);
    else response.end(path);
    this.#notify();
  });
  readonly #held: http.ServerResponse[] = [];
  readonly arrived: string[] = [];
  readonly sockets = new Set<Socket>();
  #notify = (): void => undefined;

  async start(): Promise<void> {
    this.#server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => {
        this.sockets.delete(socket);
        this.#notify();
      });
    });
    this.#server.keepAliveTimeout = 0;
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get root(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves once `condition` holds, which is looked at when a request arrives or a connection closes. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#notify = resolve));
  }

  /** Answers the oldest request that it was silent about. */
  answer(): void {
    this.#held.shift()?.end('late');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

describe('design D21: connections are shared out by peer and purpose', () => {
  let shared: SharedAddress;
  let client: OutboundClient;
  let pending: Promise<unknown>[];

  const create = (limits: Partial<typeof laneLimits> = {}): void => {
    client = new OutboundClient({ deadline: 10_000, answerBytes: 1000 }, { ...laneLimits, ...limits });
  };

  beforeEach(async () => {
    shared = new SharedAddress();
    await shared.start();
    pending = [];
    create();
  });

  afterEach(async () => {
    client.close();
    await Promise.all(pending);
    await shared.stop();
  });

  const send = (path: string, lane: Lane, signal?: AbortSignal): Promise<OutboundAnswer> =>
    client.send({ lane, method: 'GET', url: `${shared.root}/${path}`, headers: {} }, signal);

  /** Sends what gets no answer until the end of the test. */
  const hold = (lane: Lane, times: number): void => {
    for (let each = 0; each < times; each += 1) pending.push(send('silent', lane).catch(() => undefined));
  };

  it('a silent peer takes nothing from another one at the same address', async () => {
    hold({ to: 'a', purpose: 'delivery' }, 100);
    await shared.until(() => shared.arrived.length === 32);
    expect((await send('b', { to: 'b', purpose: 'delivery' })).status).to.equal(200);
    expect(shared.arrived.filter((path) => path === '/silent')).to.have.length(32);
  });

  it('nor one purpose from another to the same peer', async () => {
    hold({ to: 'a', purpose: 'fetch of a user' }, 100);
    await shared.until(() => shared.arrived.length === 32);
    for (const purpose of ['delivery', 'fetch of an MC service server', 'operation']) {
      expect((await send('a', { to: 'a', purpose })).status, purpose).to.equal(200);
    }
  });

  it('the sum is bounded, and each has its reserve none the less', async () => {
    create({ each: 8, all: 10, reserve: 2 });
    for (const to of ['a', 'b', 'c', 'd', 'e']) hold({ to, purpose: 'delivery' }, 20);
    await shared.until(() => shared.arrived.length === 16);
    expect((await send('f', { to: 'f', purpose: 'delivery' })).status).to.equal(200);
    expect(shared.sockets.size).to.be.at.most(17);
  });

  it('what waits gets the place that becomes free, those of one purpose by turns', async () => {
    create({ each: 1, all: 10, reserve: 1 });
    const lane = { to: 'a', purpose: 'fetch of a user' };
    hold(lane, 1);
    await shared.until(() => shared.arrived.length === 1);
    const order: string[] = [];
    const waiting = ['ann 1', 'ann 2', 'ann 3', 'bob 1'].map(async (name) => {
      await send('other', { ...lane, holder: name.slice(0, 3) });
      order.push(name);
    });
    shared.answer();
    await Promise.all(waiting);
    expect(order).to.deep.equal(['ann 1', 'bob 1', 'ann 2', 'ann 3']);
  });

  it('what gives up while it waits keeps no place, and what comes behind it is served', async () => {
    create({ each: 1, all: 10, reserve: 1 });
    const lane = { to: 'a', purpose: 'delivery' };
    hold(lane, 1);
    await shared.until(() => shared.arrived.length === 1);
    const impatient = new AbortController();
    const given = send('impatient', lane, impatient.signal).catch((error: unknown) => error);
    const patient = send('patient', lane);
    impatient.abort();
    expect(await given).to.be.instanceOf(NoAnswer);
    shared.answer();
    expect((await patient).status).to.equal(200);
    expect(shared.arrived).to.deep.equal(['/silent', '/patient']);
  });

  it('a thousand of one holder wait at most', async () => {
    create({ each: 1, all: 10, reserve: 1 });
    hold({ to: 'a', purpose: 'delivery', holder: 'x' }, 1001);
    const refused = await send('a', { to: 'a', purpose: 'delivery', holder: 'x' }).catch(
      (error: unknown) => error,
    );
    expect(refused).to.be.instanceOf(NoAnswer);
    expect((refused as NoAnswer).message).to.include('too many');
  });

  it('a connection is kept for the next request of its lane alone', async () => {
    for (const to of ['a', 'b', 'c', 'a', 'b', 'a']) await send(to, { to, purpose: 'delivery' });
    expect(shared.sockets.size).to.equal(3);
  });

  it('idle connections are closed after a while', async () => {
    create({ idle: 20 });
    for (const to of ['a', 'b', 'c']) await send(to, { to, purpose: 'delivery' });
    await shared.until(() => shared.sockets.size === 0);
    expect((await send('a', { to: 'a', purpose: 'delivery' })).status).to.equal(200);
  });

  it('closing closes them all, and ends what is under way and what waits', async () => {
    create({ each: 2, all: 10, reserve: 1 });
    for (const to of ['a', 'b', 'c']) await send(to, { to, purpose: 'delivery' });
    const ends = [1, 2, 3].map(() =>
      send('silent', { to: 'd', purpose: 'delivery' }).catch((error: unknown) => error),
    );
    await shared.until(() => shared.arrived.length === 5);
    client.close();
    for (const end of await Promise.all(ends)) expect(end).to.be.instanceOf(NoAnswer);
    await shared.until(() => shared.sockets.size === 0);
    const late = await send('a', { to: 'a', purpose: 'delivery' }).catch((error: unknown) => error);
    expect(late).to.be.instanceOf(NoAnswer);
    expect(shared.sockets.size).to.equal(0);
  });
});
