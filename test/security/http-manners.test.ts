import { once } from 'node:events';
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

  describe('no header field is dropped in silence', () => {
    const type = `Content-Type: ${groupType}`;

    function many(count: number): readonly string[] {
      return Array.from({ length: count }, () => 'a:');
    }

    it('RFC 6585 §5 a condition behind more than 2,000 fields: 431, and nothing is written', async () => {
      const { path, text } = await putGroup(system);
      const length = `Content-Length: ${Buffer.byteLength(text)}`;
      const fields = [identity, type, length, 'Connection: close', ...many(2000), 'If-Match: "other"'];
      await system.unchanged(path, async () => {
        const answer = await exchange(system.port, head('PUT', path, ...fields) + text);
        expect(statuses(answer)).to.deep.equal(['431']);
      });
    });

    it('a condition behind as many as are allowed is seen: 412', async () => {
      const { path, text } = await putGroup(system);
      const length = `Content-Length: ${Buffer.byteLength(text)}`;
      const fields = [identity, type, length, 'Connection: close', ...many(1994), 'If-Match: "other"'];
      const answer = await exchange(system.port, head('PUT', path, ...fields) + text);
      expect(statuses(answer)).to.deep.equal(['412']);
    });
  });

  describe('RFC 9112 §3.2 ambiguous requests', () => {
    const plain = (target: string, ...fields: readonly string[]): string =>
      [`GET ${target} HTTP/1.1`, identity, 'Connection: close', ...fields, '', ''].join('\r\n');
    let target: string;

    before(async () => {
      target = `${pathname}${(await putGroup(system)).path}`;
    });

    const hosts: readonly [status: string, why: string, fields: readonly string[]][] = [
      ['400', 'two Host fields', ['Host: x', 'Host: y']],
      ['400', 'two Host fields that agree', ['Host: x', 'Host: x']],
      ['400', 'a Host with user information', ['Host: a@x']],
      ['400', 'a Host with a path', ['Host: x/y']],
      ['400', 'a list of hosts', ['Host: x, y']],
      ['400', 'a port that is no number', ['Host: x:http']],
      ['400', 'a bad percent-encoding', ['Host: x%2']],
      ['400', 'an IPv6 address that is none', ['Host: [::1::]']],
      ['200', 'an IPv6 address', ['Host: [::1]:8080']],
      ['200', 'an encoded name', ['Host: x%2Dy']],
      ['200', 'no port behind the colon', ['Host: x:']],
    ];
    for (const [status, why, fields] of hosts) {
      it(`${why}: ${status}`, async () => {
        expect(statuses(await exchange(system.port, plain(target, ...fields)))).to.deep.equal([status]);
      });
    }

    const authorities: readonly [status: string, authority: string, host: string][] = [
      ['200', 'http://police.example', 'police.example'],
      ['200', 'http://POLICE.example:80', 'police.example'],
      ['200', 'https://police.example', 'police.example:443'],
      ['421', 'http://police.example', 'fire.example'],
      ['421', 'http://police.example:8080', 'police.example'],
      ['421', 'https://police.example:80', 'police.example'],
    ];
    for (const [status, authority, host] of authorities) {
      it(`a target of ${authority} with Host ${host}: ${status}`, async () => {
        const answer = await exchange(system.port, plain(authority + target, `Host: ${host}`));
        expect(statuses(answer)).to.deep.equal([status]);
      });
    }
  });

  describe('ambiguous bodies', () => {
    /** What a PUT of `body` over a document that is there is answered. */
    async function put(text: (known: string) => string, ...fields: readonly string[]): Promise<string> {
      const { path, text: known } = await putGroup(system);
      const body = Buffer.from(text(known));
      const all = [identity, `Content-Length: ${body.length}`, 'Connection: close', ...fields];
      const answer = await exchange(
        system.port,
        Buffer.concat([Buffer.from(head('PUT', path, ...all)), body]),
      );
      const stored = await system.get(path);
      const [status = ''] = statuses(answer);
      expect(stored.text).to.equal(status === '200' ? text(known) : known);
      return `${status} ${/<(not-[\w-]+)/.exec(answer)?.[1] ?? ''}`.trim();
    }

    const same = (known: string): string => known;
    const accented = (known: string): string =>
      known.replace(/<display-name([^>]*)>/, '<display-name$1>\u00e9');
    const declared = (known: string): string => known.replace(/encoding="[^"]*"/, 'encoding="US-ASCII"');
    const type = `Content-Type: ${groupType}`;

    it('RFC 9110 §14.5 Content-Range: 400', async () => {
      expect(await put(same, type, 'Content-Range: bytes 0-1/2')).to.equal('400');
    });

    it('two Content-Type fields: 400', async () => {
      expect(await put(same, type, 'Content-Type: text/plain')).to.equal('400');
    });

    const cases: readonly [outcome: string, why: string, text: (known: string) => string, charset: string][] =
      [
        ['200', 'UTF-8 with other characters', accented, '; charset=UTF-8'],
        ['200', 'UTF-8 in quotes', accented, '; charset="utf-8"'],
        ['200', 'US-ASCII that is', same, '; charset=us-ascii'],
        ['200', 'ISO-8859-1 without other characters', same, '; charset=ISO-8859-1'],
        ['409 not-utf-8', 'US-ASCII with other characters', accented, '; charset=us-ascii'],
        ['409 not-utf-8', 'ISO-8859-1 with other characters', accented, '; x=y; charset="ISO-8859-1"'],
        ['409 not-utf-8', 'UTF-16', same, '; charset=utf-16'],
        ['200', 'US-ASCII in the XML declaration', declared, ''],
        [
          '409 not-utf-8',
          'US-ASCII in the XML declaration, and other characters',
          (known) => accented(declared(known)),
          '',
        ],
      ];
    for (const [outcome, why, text, charset] of cases) {
      it(`RFC 4825 §8.2.5 ${why}: ${outcome}`, async () => {
        expect(await put(text, type + charset)).to.equal(outcome);
      });
    }
  });

  describe('time limits', () => {
    const limits = { headersTimeout: 500, requestTimeout: 1500 };
    let impatient: TestSystem;

    before(async () => {
      impatient = await TestSystem.start({ http: { limits } });
    });

    after(() => impatient.dispose());

    const cases: readonly [why: string, limit: number, sent: () => string][] = [
      ['a head that does not end', limits.headersTimeout, () => 'GET / HTTP/1.1\r\nHost: x\r\n'],
      [
        'a body that does not end',
        limits.requestTimeout,
        () =>
          head(
            'PUT',
            groupPath('sip:slow@police.example'),
            identity,
            `Content-Type: ${groupType}`,
            'Content-Length: 9',
          ),
      ],
    ];
    for (const [why, limit, sent] of cases) {
      it(`${why}: 408 within a second of the limit`, async () => {
        const begun = performance.now();
        expect(statuses(await exchange(impatient.port, sent()))).to.deep.equal(['408']);
        // Half a second more for a machine that is busy.
        expect(performance.now() - begun).to.be.within(limit - 50, limit + 1500);
      });
    }
  });

  describe('pipelined requests', () => {
    it('RFC 9112 §9.3.2 are answered in the order in which they came, bodies and all', async () => {
      const groups = Array.from({ length: 40 }, (_, index) => `sip:line-${index}@police.example`);
      const type = `Content-Type: ${groupType}`;
      const requests = groups.map((groupId, index) => {
        const text = groupDocument(groupId);
        const length = `Content-Length: ${Buffer.byteLength(text)}`;
        const last = index === groups.length - 1 ? ['Connection: close'] : [];
        return (
          head('PUT', groupPath(groupId), identity, type, length) +
          text +
          head('GET', '/nothing', identity) +
          head('GET', groupPath(groupId), identity, ...last)
        );
      });
      const answer = await exchange(system.port, requests.join(''));
      expect(statuses(answer)).to.deep.equal(groups.flatMap(() => ['201', '404', '200']));
      const named = [...answer.matchAll(/<list-service uri="([^"]+)"/g)].map(([, uri]) => uri);
      expect(named).to.deep.equal(groups);
    });

    it('of one whose answers are not read: the connection is closed at its time limit', async () => {
      const impatient = await TestSystem.start({ http: { limits: { answerTimeout: 500 } } });
      const large = groupDocument('sip:large@police.example').replace(
        '</list-service>',
        `<!--${'a'.repeat(900_000)}--></list-service>`,
      );
      await impatient.put(groupPath('sip:large@police.example'), large, groupType);
      const socket = net.connect(impatient.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.pause();
      // More than the kernel holds of requests and answers: the client notices the end where it cannot send on.
      socket.write(head('GET', groupPath('sip:large@police.example'), identity).repeat(100_000));
      await new Promise((resolve) => socket.once('close', resolve));
      await impatient.dispose();
    });
  });

  describe('where room for connections is short', () => {
    let small: TestSystem;
    let sockets: net.Socket[];

    before(async () => {
      small = await TestSystem.start({ http: { limits: { connections: 2 } } });
    });

    beforeEach(() => {
      sockets = [];
    });

    afterEach(() => {
      for (const socket of sockets) socket.destroy();
    });

    after(() => small.dispose());

    /** A connection, with a promise of its end. */
    async function connect(): Promise<{ readonly socket: net.Socket; readonly ended: Promise<unknown> }> {
      const socket = net.connect(small.port, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => undefined);
      const ended = new Promise((resolve) => socket.once('close', resolve));
      await once(socket, 'connect');
      return { socket, ended };
    }

    /** The status of the answer to `request`. */
    async function ask(socket: net.Socket, request: string): Promise<string> {
      socket.write(request);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      return answer.toString('latin1').slice(9, 12);
    }

    const request = `GET /x HTTP/1.1\r\nHost: x\r\n\r\n`;

    it('the connection that has been idle for the longest time is closed', async () => {
      const first = await connect();
      expect(await ask(first.socket, request)).to.equal('404');
      const second = await connect();
      expect(await ask(second.socket, request)).to.equal('404');
      expect(await ask(first.socket, request)).to.equal('404');
      const third = await connect();
      expect(await ask(third.socket, request)).to.equal('404');
      await second.ended;
      expect(await ask(first.socket, request)).to.equal('404');
    });

    it('connections on which nothing was asked lock nobody out', async () => {
      for (let count = 0; count < 20; count += 1) await connect();
      const last = await connect();
      expect(await ask(last.socket, request)).to.equal('404');
    });

    it('a connection with a request under way is not closed: the further one is', async () => {
      const put = head('PUT', groupPath('sip:a@police.example'), identity, `Content-Type: ${groupType}`);
      const busy = put.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
      const held = [await connect(), await connect()];
      for (const { socket } of held) expect(await ask(socket, busy)).to.equal('100');
      await (
        await connect()
      ).ended;
      for (const { socket } of held) expect(await ask(socket, '<a/> ')).to.equal('409');
    });
  });
});
