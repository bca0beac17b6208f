import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { groupDocument } from '../conformance/expectations.js';
import { Command, program } from '../support/command.js';
import { send, type RawAnswer } from '../support/raw-http.js';
import { groupPath, groupType, who } from '../support/system.js';

/** What clients can make the server hold, in its real memory and in descriptors (design D21). */

const rootPath = '/xcap-root';
const headers = { 'X-3GPP-Asserted-Identity': who.administrator };
const identity = `X-3GPP-Asserted-Identity: ${who.mcServiceServer}`;
const mebi = 2 ** 20;

async function get(port: number, path: string): Promise<RawAnswer> {
  return await send(port, { method: 'GET', target: `${rootPath}${path}`, headers });
}

async function put(port: number, groupId: string, body = groupDocument(groupId)): Promise<RawAnswer> {
  const target = `${rootPath}${groupPath(groupId)}`;
  return await send(port, {
    method: 'PUT',
    target,
    headers: { ...headers, 'Content-Type': groupType },
    body,
  });
}

describe('Memory under requests, bodies and answers that never end', function () {
  this.timeout(60_000);

  const child = fileURLToPath(new URL('pressure-child.js', import.meta.url));
  const large = 'sip:large@police.example';
  const text = groupDocument(large).replace(
    '</list-service>',
    `<!--${'a'.repeat(900_000)}--></list-service>`,
  );
  let folder: string;
  let server: ChildProcessByStdio<Writable, Readable, null>;
  let lines: AsyncIterator<string>;
  let port: number;
  let start: number;
  let sockets: net.Socket[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-pressure-'));
    const limits = { bodyBudget: 8 * mebi, answerBudget: 8 * mebi };
    const config = { http: { port: 0, limits }, store: { folder: join(folder, 'data') } };
    server = spawn(process.execPath, ['--expose-gc', child, JSON.stringify(config)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    port = Number(new URL(await line()).port);
    expect((await put(port, large, text)).status).to.equal(201);
    expect((await get(port, groupPath(large))).text).to.equal(text);
    start = await memory();
  });

  after(async () => {
    server.stdin.end();
    await once(server, 'close');
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(() => {
    sockets = [];
  });

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
  });

  async function line(): Promise<string> {
    const next = await lines.next();
    if (next.done === true) throw new Error('the server ended');
    return next.value;
  }

  async function memory(): Promise<number> {
    server.stdin.write('\n');
    return Number(await line());
  }

  /** Sends `octets` on a connection that reads nothing; resolves once they are taken, or the connection ended. */
  async function push(...octets: readonly (string | Buffer)[]): Promise<void> {
    const socket = net.connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.pause();
    const ended = new Promise((resolve) => socket.once('close', resolve));
    const taken = octets.map(
      (part) =>
        new Promise<void>((resolve) => {
          socket.write(part, () => {
            resolve();
          });
        }),
    );
    await Promise.race([ended, Promise.all(taken)]);
  }

  /** While an attack lasts, what others ask is answered, and memory stays within `most` MiB of its start. */
  async function holds(most: number): Promise<void> {
    for (let round = 0; round < 10; round += 1) {
      const answer = await put(port, 'sip:small@police.example');
      expect(answer.status).to.be.oneOf([200, 201]);
      expect((await get(port, groupPath('sip:small@police.example'))).status).to.equal(200);
      expect(((await memory()) - start) / mebi, 'MiB').to.be.below(most);
    }
  }

  function requestLine(method: string, path: string, ...fields: readonly string[]): string {
    const lineAndFields = [`${method} ${rootPath}${path} HTTP/1.1`, 'Host: x', identity, ...fields];
    return `${lineAndFields.join('\r\n')}\r\n\r\n`;
  }

  it('answers that nobody reads: 8 connections with 300 requests each for 0.9 MB', async () => {
    // An element is cut out for each request, so no two answers share their octets.
    const request = requestLine('GET', `${groupPath(large)}/~~/group/list-service`);
    await Promise.all(Array.from({ length: 8 }, () => push(request.repeat(300))));
    await holds(48);
  });

  it('the shortest requests there are, which wait behind each other', async () => {
    await Promise.all(Array.from({ length: 20 }, () => push('GET / HTTP/1.1\r\nHost:\r\n\r\n'.repeat(1000))));
    await holds(48);
  });

  const unfinished = (path: string, ...fields: readonly string[]): string =>
    requestLine('PUT', path, `Content-Type: ${groupType}`, ...fields);
  const path = `/resource-lists/users/${who.mcServiceServer}/index`;
  const listType = 'Content-Type: application/resource-lists+xml';

  it('bodies that never end: 200 of them, each of 0.5 MB', async () => {
    const body = Buffer.alloc(mebi / 2, 'a');
    const head = unfinished(path, `Content-Length: ${mebi}`).replace(/Content-Type: .*/, listType);
    await Promise.all(Array.from({ length: 200 }, () => push(head, body)));
    await holds(48);
  });

  it('bodies in chunks of one octet', async () => {
    const body = '1\r\na\r\n'.repeat(50_000);
    const head = unfinished(path, 'Transfer-Encoding: chunked').replace(/Content-Type: .*/, listType);
    await Promise.all(Array.from({ length: 8 }, () => push(head, body)));
    await holds(32);
  });
});

describe('Descriptors', function () {
  this.timeout(30_000);
  let folder: string;
  let command: Command | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-descriptors-'));
  });

  afterEach(async () => {
    command?.kill('SIGKILL');
    await command?.exit();
    command = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts the server with at most `most` open files. */
  function serve(most: number): Command {
    const words = [process.execPath, program, 'serve', '--port', '0', '--data', join(folder, 'data')];
    const script = 'ulimit -n "$0" && exec "$@"';
    command = new Command(
      spawn('sh', ['-c', script, String(most), ...words], { stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    return command;
  }

  it('too few to start: one line that says how many are needed, and exit code 1', async () => {
    const started = serve(64);
    expect(await started.exit()).to.equal(1);
    expect(started.errors).to.match(/^mcgms: this process may have 64 files open, and needs .* 256.*\n$/);
    expect(started.output).to.equal('');
  });

  it('more connections than the limit allows: they are shed, and documents are stored', async () => {
    const started = serve(256);
    const [, found] = await started.said(/^XCAP root: http:\/\/127\.0\.0\.1:(\d+)\//m);
    const port = Number(found);
    const sockets: net.Socket[] = [];
    let ended = 0;
    for (let count = 0; count < 400; count += 1) {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.on('close', () => (ended += 1));
      await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
      sockets.push(socket);
    }
    for (let count = 0; count < 20; count += 1) {
      const groupId = `sip:shed-${count}@police.example`;
      expect((await put(port, groupId)).status).to.equal(201);
      expect((await get(port, groupPath(groupId))).text).to.equal(groupDocument(groupId));
    }
    expect(ended).to.be.within(400 - 192, 400);
    for (const socket of sockets) socket.destroy();
    expect((await get(port, groupPath('sip:shed-0@police.example'))).status).to.equal(200);
  });
});
