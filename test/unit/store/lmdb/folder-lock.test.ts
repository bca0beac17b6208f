import { link, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemRandom, type Random } from '../../../../src/base/random.js';
import { lockFolder, type FolderLock } from '../../../../src/store/lmdb/folder-lock.js';
import { StoreUnusable } from '../../../../src/store/store.js';
import { rejection } from '../../../contract/store-contract.js';

/** Randomness that gives one token. */
function tokenOf(token: string): Random {
  return { fraction: () => 0, token: () => token };
}

/** A socket file on which nobody listens any more, as a killed process leaves it. */
async function leaveSocket(path: string, socket: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(path, 'x'), resolve));
  await link(join(path, 'x'), socket);
  await new Promise((resolve) => server.close(resolve));
}

describe('The lock of a data folder (design D4)', () => {
  let path: string;
  const held: FolderLock[] = [];

  const lock = async (random: Random = systemRandom, folder = path): Promise<FolderLock> => {
    const taken = await lockFolder(folder, random);
    held.push(taken);
    return taken;
  };

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'mcgms-lock-'));
  });

  afterEach(async () => {
    for (const each of held.splice(0)) await each.release();
    await rm(path, { recursive: true });
  });

  it('refuses a second owner, whichever of them has the lower token', async () => {
    await lock(tokenOf('m'));
    for (const token of ['a', 'z']) {
      const error = await rejection(lock(tokenOf(token)));
      expect(error).to.be.instanceOf(StoreUnusable);
      expect(error).to.have.property('message').that.includes('owned by another process');
    }
    expect(await readdir(path)).to.deep.equal(['lock-tm.sock']);
  });

  it('keeps no connection of those that it refused', async function () {
    if (process.platform !== 'linux') {
      console.log('      skipped: only Linux has /proc/self/fd');
      this.skip();
    }
    await lock(tokenOf('m'));
    const opened = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
    const before = await opened();
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await rejection(lock(tokenOf('a')));
      await rejection(lock(tokenOf('z')));
    }
    while ((await opened()) > before) await new Promise((resolve) => setImmediate(resolve));
    expect(await opened()).to.equal(before);
  });

  it('lets the next owner in after release, and leaves no file behind', async () => {
    const first = await lock();
    await first.release();
    held.length = 0;
    expect(await readdir(path)).to.deep.equal([]);
    await lock();
  });

  it('gives the folder to exactly one of many that want it at the same time', async () => {
    for (const order of [
      ['a', 'b', 'c', 'd', 'e'],
      ['e', 'd', 'c', 'b', 'a'],
      ['c', 'a', 'e', 'b', 'd'],
    ]) {
      const all = await Promise.allSettled(order.map((token) => lockFolder(path, tokenOf(token))));
      const won = all.filter((outcome) => outcome.status === 'fulfilled');
      expect(won, order.join()).to.have.length(1);
      for (const lost of all.filter((outcome) => outcome.status === 'rejected')) {
        expect(lost.reason).to.be.instanceOf(StoreUnusable);
      }
      expect(await readdir(path)).to.have.length(1);
      for (const { value } of won) await value.release();
    }
    expect(await readdir(path)).to.deep.equal([]);
  });

  it('removes the sockets of dead processes, published or not', async () => {
    for (const name of ['lock-a.sock', 'lock-z.sock', 'lock-y.new'])
      await leaveSocket(path, join(path, name));
    expect(await readdir(path)).to.have.length(3);
    await lock(tokenOf('m'));
    expect(await readdir(path)).to.deep.equal(['lock-tm.sock']);
  });

  it('counts a process that accepts and says nothing as alive, where its token is lower', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(path, 'lock-a.sock'), resolve));
    expect(await rejection(lock(tokenOf('m')))).to.be.instanceOf(StoreUnusable);
    await new Promise((resolve) => server.close(resolve));
  });

  it('waits for a candidate of a higher token until that has withdrawn', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(path, 'lock-z.sock'), resolve));
    const asked = new Promise<void>((resolve) =>
      server.on('connection', (socket) => {
        server.close();
        socket.destroy();
        resolve();
      }),
    );
    await lock(tokenOf('m'));
    await asked;
    expect(await readdir(path)).to.deep.equal(['lock-tm.sock']);
  });

  it('takes a candidate for withdrawn that stopped listening before it had accepted the connection', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(path, 'lock-z.sock'), resolve));
    // The only way to be between the connection and its acceptance: both happen in this process.
    const connectAsEver = Reflect.get(Socket.prototype, 'connect') as (...rest: unknown[]) => Socket;
    Socket.prototype.connect = function (this: Socket, ...rest: unknown[]): Socket {
      const connecting = connectAsEver.apply(this, rest);
      server.close();
      return connecting;
    };
    try {
      await lock(tokenOf('m'));
    } finally {
      Socket.prototype.connect = connectAsEver;
    }
    expect(server.listening).to.equal(false);
    expect(await readdir(path)).to.deep.equal(['lock-tm.sock']);
  });

  it('works in a folder whose path is longer than a socket address', async function () {
    if (process.platform !== 'linux') {
      console.log('      skipped: only Linux has /proc/self/fd');
      this.skip();
    }
    const deep = join(path, 'd'.repeat(100), 'e'.repeat(100));
    await mkdir(deep, { recursive: true });
    await leaveSocket(path, join(deep, 'lock-z.sock'));
    const first = await lock(tokenOf('m'), deep);
    expect(await readdir(deep)).to.deep.equal(['lock-tm.sock']);
    expect(await rejection(lock(tokenOf('n'), deep))).to.be.instanceOf(StoreUnusable);
    await first.release();
    held.length = 0;
    expect(await readdir(deep)).to.deep.equal([]);
  });

  it('says so where the folder is none', async () => {
    expect(await rejection(lock(systemRandom, join(path, 'nowhere')))).to.be.instanceOf(StoreUnusable);
  });
});
