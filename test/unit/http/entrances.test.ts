import net from 'node:net';
import { once } from 'node:events';
import { expect } from 'chai';
import { Entrances } from '../../../src/http/entrances.js';
import { describeError } from '../../../src/base/errors.js';

const host = '127.0.0.1';

/** A server that says one word to each who comes. */
function greeter(): net.Server {
  return net.createServer((socket) => {
    socket.end('hello');
  });
}

async function visit(port: number): Promise<string> {
  const socket = net.connect(port, host);
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
  await once(socket, 'close');
  return heard;
}

async function failure(work: Promise<unknown>): Promise<string | undefined> {
  return await work.then(
    () => undefined,
    (error: unknown) => describeError(error),
  );
}

describe('Entrances of a server (design D21)', () => {
  it('whoever comes is served, by whichever entrance', async () => {
    const entrances = await Entrances.open(greeter(), { host, port: 0 }, 1000);
    const heard = await Promise.all(Array.from({ length: 200 }, () => visit(entrances.port)));
    expect(heard.filter((word) => word === 'hello')).to.have.lengthOf(200);
    await entrances.close();
  });

  it('an address that another server listens on is taken, and free again afterwards', async () => {
    const first = await Entrances.open(greeter(), { host, port: 0 }, 1000);
    const { port } = first;
    expect(await failure(Entrances.open(greeter(), { host, port }, 1000))).to.include('EADDRINUSE');
    expect(await visit(port)).to.equal('hello');
    await first.close();
    expect(await failure(visit(port))).to.include('ECONNREFUSED');
    const second = await Entrances.open(greeter(), { host, port }, 1000);
    expect(second.port).to.equal(port);
    await second.close();
  });

  it('what cannot be listened on is said', async () => {
    expect(await failure(Entrances.open(greeter(), { host: '192.0.2.1', port: 0 }, 1000))).to.include(
      'EADDRNOTAVAIL',
    );
  });
});
