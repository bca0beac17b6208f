import net from 'node:net';
import { expect } from 'chai';
import { groupPath, groupType, TestSystem, who } from '../support/system.js';
import { groupDocument, putGroup } from '../conformance/expectations.js';
import { exchange } from './raw-socket.js';

/** How the server behaves on the connection itself, seen from a socket. */

const identity = `X-3GPP-Asserted-Identity: ${who.administrator}`;

describe('HTTP on the socket', () => {
  let system: TestSystem;
  let pathname: string;

  before(async () => {
    system = await TestSystem.start();
    ({ pathname } = new URL(system.root));
  });

  after(() => system.dispose());

  /** A request's head, with its empty line. */
  function head(method: string, path: string, ...fields: readonly string[]): string {
    return [`${method} ${pathname}${path} HTTP/1.1`, 'Host: x', ...fields, '', ''].join('\r\n');
  }

  function statuses(answer: string): readonly string[] {
    return [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status = '']) => status);
  }

  describe('RFC 9112 §9.6 a refusal reaches a client that is still sending', () => {
    const octets = 4 * 1024 * 1024;

    /**
     * Sends the head and half of the body, waits for the answer, and only then sends the rest: a connection that was
     * reset in between fails the test.
     */
    async function sendOn(path: string, ...fields: readonly string[]): Promise<string> {
      const half = Buffer.alloc(octets / 2, 'a');
      return await new Promise((resolve, reject) => {
        const socket = net.connect({ port: system.port, host: '127.0.0.1', allowHalfOpen: true });
        let answer = '';
        socket.setEncoding('latin1');
        socket.on('error', reject);
        socket.on('data', (text: string) => {
          answer += text;
        });
        socket.on('end', () => {
          socket.end(half);
        });
        socket.on('close', () => {
          resolve(answer);
        });
        socket.write(head('PUT', path, `Content-Length: ${octets}`, ...fields));
        socket.write(half);
      });
    }

    const path = groupPath('sip:long@police.example');
    const type = `Content-Type: ${groupType}`;
    const cases: readonly [status: string, why: string, fields: readonly string[]][] = [
      ['413', 'a body that is too large', [identity, type]],
      ['403', 'a requester who may not', [type]],
      ['415', 'another media type', [identity, 'Content-Type: text/plain']],
      ['415', 'a coded body', [identity, type, 'Content-Encoding: gzip']],
      ['400', 'a condition that is none', [identity, type, 'If-Match: "a']],
    ];
    for (const [status, why, fields] of cases) {
      it(`${why}: ${status}, and the connection ends`, async () => {
        const answer = await sendOn(path, ...fields);
        expect(statuses(answer)).to.deep.equal([status]);
        expect(answer).to.match(/\r\nConnection: close\r\n/);
        const [, length] = /\r\nContent-Length: (\d+)\r\n/.exec(answer) ?? [];
        expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).to.have.lengthOf(Number(length));
      });
    }

    it('a body in chunks that grows too large: 413', async () => {
      const chunk = `10000\r\n${'a'.repeat(0x10000)}\r\n`;
      const answer = await exchange(
        system.port,
        head('PUT', path, identity, type, 'Transfer-Encoding: chunked') + chunk.repeat(64),
      );
      expect(statuses(answer)).to.deep.equal(['413']);
    });

    it('what stands behind the body that was refused is no request', async () => {
      const { path: known, text } = await putGroup(system);
      const body = `${(0x180000).toString(16)}\r\n${'a'.repeat(0x180000)}\r\n0\r\n\r\n`;
      const answer = await exchange(
        system.port,
        head('PUT', path, identity, type, 'Transfer-Encoding: chunked') +
          body +
          head('DELETE', known, identity),
      );
      expect(statuses(answer)).to.deep.equal(['413']);
      expect((await system.get(known)).text).to.equal(text);
    });

    it('behind a short body that was refused, the connection serves the next request', async () => {
      const { path: known } = await putGroup(system);
      const answer = await exchange(
        system.port,
        `${head('PUT', path, type, 'Content-Length: 5')}short${head('GET', known, identity, 'Connection: close')}`,
      );
      expect(statuses(answer)).to.deep.equal(['403', '200']);
    });
  });

  describe('RFC 9110 §10.1.1 Expect: 100-continue', () => {
    const text = groupDocument('sip:expected@police.example');
    const path = groupPath('sip:expected@police.example');
    const type = `Content-Type: ${groupType}`;
    const expectation = ['Expect: 100-continue', `Content-Length: ${Buffer.byteLength(text)}`];

    /** Sends the head, and the body once it is asked for. */
    async function waiting(...fields: readonly string[]): Promise<readonly string[]> {
      return await new Promise((resolve, reject) => {
        const socket = net.connect(system.port, '127.0.0.1');
        let answer = '';
        socket.setEncoding('latin1');
        socket.on('error', reject);
        socket.on('data', (received: string) => {
          if (answer === '' && received.startsWith('HTTP/1.1 100 ')) socket.write(text);
          answer += received;
        });
        socket.on('close', () => {
          resolve(statuses(answer));
        });
        socket.write(head('PUT', path, 'Connection: close', ...fields));
      });
    }

    it('is granted where everything before the body is accepted', async () => {
      expect(await waiting(identity, type, ...expectation)).to.deep.equal(['100', '201']);
    });

    const refused: readonly [status: string, why: string, fields: readonly string[]][] = [
      ['403', 'a requester who may not', [type, ...expectation]],
      ['415', 'another media type', [identity, 'Content-Type: text/plain', ...expectation]],
      [
        '413',
        'a length that is too large',
        [identity, type, 'Expect: 100-continue', 'Content-Length: 2000000'],
      ],
      ['412', 'another state of the document', [identity, type, 'If-Match: "other"', ...expectation]],
    ];
    for (const [status, why, fields] of refused) {
      it(`is not granted with ${why}: ${status} at once`, async () => {
        expect(await waiting(...fields)).to.deep.equal([status]);
      });
    }
  });
});
