import { documentPath, listsType, userOf } from '../cast.js';
import { largeList, listOf, most } from './documents.js';
import { head, type Field } from './field.js';
import type { Kind } from './kind.js';

/** Those who hold connections, or do on them what no client should. */

const get = (user: string, name: string): string =>
  head({ method: 'GET', path: documentPath('resource-lists', userOf(user), name), as: userOf(user) });

const put = (user: string, ...fields: readonly string[]): string => {
  const as = userOf(user);
  return head(
    { method: 'PUT', path: documentPath('resource-lists', as, 'index'), as, type: listsType },
    ...fields,
  );
};

const chunked = 'Transfer-Encoding: chunked';

/** Milliseconds after which a client that reads nothing, and so sees no end, connects again. */
const holding = 15_000;

export const connectionKinds: readonly Kind[] = [
  {
    name: 'unread-answers',
    what: '8 connections with 300 pipelined GETs each of 1 MiB, nothing is read',
    prepare: (field) => field.put(listOf('unread', 'large', largeList())),
    run: (field) =>
      field.connect(8, async (connection) => {
        await connection.request(get('unread', 'large').repeat(300), 300);
        await Promise.race([connection.closed, field.wait(holding)]);
        connection.destroy();
      }),
  },
  {
    name: 'unfinished-bodies',
    what: '900 connections with bodies of 1 MiB that lack their last octet',
    async run(field: Field): Promise<void> {
      const request = Buffer.from(put('unfinished', `Content-Length: ${most.octets}`));
      const body = Buffer.alloc(most.octets - 1, ' ');
      await field.connect(900, async (connection) => {
        await connection.read().request(request);
        await connection.send(body);
      });
    },
  },
  {
    name: 'one-octet-chunks',
    what: '4 connections with 5 MB of chunks of one octet, never finished',
    async run(field: Field): Promise<void> {
      const chunks = Buffer.from('1\r\n \r\n'.repeat(5_000_000 / 6));
      await field.connect(4, async (connection) => {
        await connection.read().request(put('chunks', chunked));
        await connection.send(chunks);
      });
    },
  },
  {
    name: 'endless-bodies',
    what: '16 connections with bodies far beyond the limit that never end',
    async run(field: Field): Promise<void> {
      const chunk = Buffer.from(`10000\r\n${' '.repeat(0x10000)}\r\n`);
      await field.connect(16, async (connection) => {
        await connection.read().request(put('endless', chunked));
        while (!connection.isClosed) {
          await connection.send(chunk);
          await field.wait(20);
        }
      });
    },
  },
  {
    name: 'idle',
    what: '1,000 connections on which nothing is sent',
    run: (field) =>
      field.connect(1000, (connection) => {
        connection.read();
        return connection.closed;
      }),
  },
  {
    name: 'slow-heads',
    what: '100 connections with heads that come by one field a second',
    run: (field) =>
      field.connect(100, async (connection) => {
        await connection.read().request('GET / HTTP/1.1\r\nHost: x\r\n');
        while (!connection.isClosed) {
          await connection.send('X: y\r\n');
          await field.wait(1000);
        }
      }),
  },
  {
    name: 'slow-bodies',
    what: '100 connections with bodies that come by one octet a second',
    run: (field) =>
      field.connect(100, async (connection) => {
        await connection.read().request(put('slow', 'Content-Length: 1000'));
        while (!connection.isClosed) {
          await connection.send(' ');
          await field.wait(1000);
        }
      }),
  },
  {
    name: 'resets',
    what: '500 connections a second that are reset in the middle of a request',
    async run(field: Field): Promise<void> {
      const request = put('resets', 'Content-Length: 1000');
      const half = request.slice(0, request.length / 2);
      await field.repeat(10, async (_, turn) => {
        const connection = field.open();
        await connection.request(turn % 2 === 0 ? half : `${request}${' '.repeat(500)}`);
        await field.wait(10);
        connection.reset();
        await field.wait(10);
      });
    },
  },
];
