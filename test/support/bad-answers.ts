import type { Socket } from 'node:net';
import type { ScriptedAnswer } from './peers.js';

/** Every way that we know in which what answers a request can be wrong, octet by octet. */

export interface BadBody {
  readonly title: string;
  /** Whether another attempt may go well, or only the deadline ends this one, or the body is no use at all. */
  readonly kind: 'cut' | 'late' | 'unusable' | 'nonsense';
  /** @param head the status line and the header fields, each with its end of line */
  readonly answer: (head: string) => ScriptedAnswer;
}

/** More octets than tests let answers have. */
const tooMany = 40_000;

function endless(socket: Socket, head: string, piece: string): void {
  const more = (): void => {
    while (socket.writable && socket.write(piece));
  };
  socket.on('drain', more);
  socket.write(head);
  more();
}

function trickle(socket: Socket, head: string): void {
  socket.write(head);
  const timer = setInterval(() => socket.write('x'), 10);
  socket.on('close', () => {
    clearInterval(timer);
  });
}

/** Bodies that cannot be used, under whatever status. */
export const badBodies: readonly BadBody[] = [
  {
    title: 'longer than the limit',
    kind: 'unusable',
    answer: (head) => ({ raw: `${head}Content-Length: ${tooMany}\r\n\r\n${'x'.repeat(tooMany)}` }),
  },
  {
    title: 'that has no end, in chunks',
    kind: 'unusable',
    answer: (head) => ({
      by: (socket) => {
        endless(socket, `${head}Transfer-Encoding: chunked\r\n\r\n`, `400\r\n${'x'.repeat(1024)}\r\n`);
      },
    }),
  },
  {
    title: 'that has no end and no length',
    kind: 'unusable',
    answer: (head) => ({
      by: (socket) => {
        endless(socket, `${head}\r\n`, 'x'.repeat(1024));
      },
    }),
  },
  {
    title: 'in a content coding that nobody asked for',
    kind: 'unusable',
    answer: (head) => ({ raw: `${head}Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello` }),
  },
  {
    title: 'that ends before its length',
    kind: 'cut',
    answer: (head) => ({ raw: `${head}Content-Length: 9\r\n\r\nbegun` }),
  },
  {
    title: 'that ends between two chunks',
    kind: 'cut',
    answer: (head) => ({ raw: `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n` }),
  },
  {
    title: 'that a reset ends',
    kind: 'cut',
    answer: (head) => ({
      by: (socket) => {
        // What is on its way when a connection is reset may be lost, so the client reads it first.
        socket.write(`${head}Content-Length: 9\r\n\r\nbegun`, () => {
          setImmediate(() => setImmediate(() => socket.resetAndDestroy()));
        });
      },
    }),
  },
  {
    title: 'in chunks that are none',
    kind: 'nonsense',
    answer: (head) => ({ raw: `${head}Transfer-Encoding: chunked\r\n\r\nmany\r\nbegun\r\n` }),
  },
  {
    title: 'that stands still',
    kind: 'late',
    answer: (head) => ({ by: (socket) => socket.write(`${head}Content-Length: 9\r\n\r\nbegun`) }),
  },
  {
    title: 'that trickles',
    kind: 'late',
    answer: (head) => ({
      by: (socket) => {
        trickle(socket, `${head}Content-Length: ${tooMany}\r\n\r\n`);
      },
    }),
  },
];

/** What is no HTTP (RFC 9112), or has a status that is none (RFC 9110 clause 15). */
export const nonsense: readonly (readonly [title: string, octets: string])[] = [
  ['another protocol', 'SIP/2.0 200 OK\r\n\r\n'],
  ['the greeting of another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['octets', '\u0000\u0001\u0002\u0003'],
  ['a document without a head', '<group/>'],
  ['status 99', 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n'],
  ['status 0', 'HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n'],
  ['status 600', 'HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n'],
  ['status 999', 'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n'],
  ['status 2000', 'HTTP/1.1 2000 Odd\r\nContent-Length: 0\r\n\r\n'],
  ['a status in words', 'HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n'],
  ['an upgrade', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
  ['a line that is no field', 'HTTP/1.1 200 OK\r\nno field\r\n\r\n'],
  ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: long\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx'],
  ['too many fields', `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(5000)}\r\n`],
];
