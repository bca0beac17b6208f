import { readdir } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { fixture, fixtureBytes, jsonFixture } from '../support/fixtures.js';
import type { RawAnswer } from '../support/raw-http.js';
import {
  attributeType,
  elementType,
  groupPath,
  groupType,
  TestSystem,
  who,
  type TestRequest,
} from '../support/system.js';
import {
  expectNothingInternal,
  expectRefusal,
  groupDocument,
  putGroup,
  refused,
  type Refusal,
} from '../conformance/expectations.js';
import { exchange, sendAndReset } from './raw-socket.js';

/**
 * Bad input over HTTP. After every case: the status is the documented one and never 500, nothing changed,
 * no answer tells of anything inside, and the server answers for a known document within a second.
 */

interface HostileDocument extends Refusal {
  readonly file: string;
  readonly attack: string;
}

const groups = '/org.openmobilealliance.groups';
const hostileId = 'sip:hostile@police.example';
const hostilePath = groupPath(hostileId);

describe('Hostile input', () => {
  let system: TestSystem;
  let known: {
    readonly path: string;
    readonly text: string;
    readonly etag: string;
    readonly groupId: string;
  };

  before(async () => {
    system = await TestSystem.start();
    known = await putGroup(system);
  });

  after(() => system.dispose());

  afterEach('the server answers as before', async () => {
    const asked = performance.now();
    const answer = await system.get(known.path);
    expect(performance.now() - asked, 'milliseconds').to.be.below(1000);
    expect([answer.status, answer.text, answer.headers.etag]).to.deep.equal([200, known.text, known.etag]);
    for (const { level, fields, message } of system.log.lines) {
      expect(level, message).not.to.equal('error');
      expect(JSON.stringify(fields), message).not.to.match(/\bat \w+ \(|node_modules/);
    }
  });

  function putting(path: string, body: string | Buffer, type = groupType): TestRequest {
    return { method: 'PUT', path, body, headers: { 'Content-Type': type } };
  }

  /** Puts `body` as a new document, in place of one, and as an element: refused each time. */
  async function refusedEverywhere(
    body: string | Buffer,
    refusal: Refusal,
    asElement = refusal,
  ): Promise<void> {
    await refused(system, hostilePath, putting(hostilePath, body), refusal);
    await refused(system, known.path, putting(known.path, body), refusal);
    const node = `${known.path}/~~/group`;
    await refused(system, known.path, putting(node, body, elementType), asElement);
  }

  describe('documents that ask for more than they hold', () => {
    const { documents } = jsonFixture('hostile/manifest.json') as {
      readonly documents: readonly HostileDocument[];
    };
    let asked: string[];
    let elsewhere: http.Server;

    beforeEach(async () => {
      asked = [];
      elsewhere = http.createServer((request, response) => {
        asked.push(request.url ?? '');
        response.end();
      });
      await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    });

    afterEach('nobody was asked for anything', async () => {
      await new Promise((resolve) => elsewhere.close(resolve));
      expect(asked).to.deep.equal([]);
    });

    it('are all in the manifest', async () => {
      const files = await readdir(new URL('../../../fixtures/hostile/', import.meta.url));
      expect(documents.map(({ file }) => file).sort()).to.deep.equal(
        files.filter((name) => name.endsWith('.xml')).sort(),
      );
    });

    for (const { file, attack, status, condition } of documents) {
      it(`${attack}: ${status}${condition === undefined ? '' : ` ${condition}`}`, async () => {
        const { port } = elsewhere.address() as AddressInfo;
        const text = fixture(`hostile/${file}`).replaceAll('127.0.0.1:9', `127.0.0.1:${port}`);
        if (condition === undefined) {
          expect((await system.put(hostilePath, text, groupType)).status).to.equal(status);
          await system.request({ method: 'DELETE', path: hostilePath });
          return;
        }
        const asElement = condition === 'not-well-formed' ? 'not-xml-frag' : condition;
        await refusedEverywhere(text, { status, condition }, { status, condition: asElement });
      });
    }
  });

  describe('documents that exhaust', () => {
    const group = (content: string): string =>
      `<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="${hostileId}">${content}</list-service></group>`;
    const many = (count: number, write: (index: number) => string): string =>
      Array.from({ length: count }, (_, index) => write(index)).join('');
    const constraint = { status: 409, condition: 'constraint-failure' };
    const broken = { status: 409, condition: 'not-well-formed' };
    const fragment = { status: 409, condition: 'not-xml-frag' };

    const cases: readonly [string, () => string | Buffer, Refusal, Refusal?][] = [
      ['65 levels', () => group('<a>'.repeat(63) + '</a>'.repeat(63)), constraint],
      ['100,000 levels', () => group('<a>'.repeat(100_000)), constraint],
      ['257 attributes', () => group(`<a ${many(257, (index) => `b${index}="" `)}/>`), constraint],
      ['50,000 attributes', () => group(`<a ${many(50_000, (index) => `b${index}="" `)}/>`), constraint],
      ['65 namespaces', () => group(`<a ${many(65, (index) => `xmlns:b${index}="u" `)}/>`), constraint],
      ['50,000 elements beside each other', () => group('<a/>'.repeat(50_000)), constraint],
      ['a name of 60,000 characters', () => group(`<${'a'.repeat(60_000)}/>`), broken, fragment],
      ['a prefix of 60,000 characters', () => group(`<${'p'.repeat(60_000)}:a/>`), broken, fragment],
      ['a million less-than signs', () => '<'.repeat(1_000_000), broken, fragment],
      ['a million ampersands', () => group('&'.repeat(1_000_000)), broken, fragment],
      ['two hundred thousand open comments', () => group('<!--'.repeat(200_000)), broken, fragment],
      ['two hundred thousand end tags', () => group('</a>'.repeat(200_000)), broken, fragment],
      ['NUL at the start', () => `\u0000${group('')}`, broken, fragment],
      ['NUL in the text', () => group('<v xmlns="urn:v">a\u0000b</v>'), broken, fragment],
      [
        'NUL behind the root, and another root behind it',
        () => `${group('')}\u0000<evil/>`,
        broken,
        fragment,
      ],
      ['a reference to NUL', () => group('<v xmlns="urn:v">&#0;</v>'), broken, fragment],
      ['a prefix of xml bound anew', () => group('<v xmlns="urn:v" xmlns:xml="urn:v"/>'), broken, fragment],
      ['the prefix xmlns bound', () => group('<v xmlns="urn:v" xmlns:xmlns="urn:v"/>'), broken, fragment],
      [
        'UTF-7',
        () => Buffer.from('<?xml version="1.0" encoding="UTF-7"?>+ADw-group+AD4-'),
        { status: 409, condition: 'not-utf-8' },
      ],
      [
        'gzip without saying so',
        () => Buffer.from('1f8b0800000000000003b349d4b703001c8c1c8c04000000', 'hex'),
        { status: 409, condition: 'not-utf-8' },
      ],
    ];
    for (const [title, write, refusal, asElement] of cases) {
      it(`${title}: ${refusal.condition ?? ''}`, async () => {
        await refusedEverywhere(write(), refusal, asElement);
      });
    }

    it('sixteen of them at the same time, while a known document is read', async () => {
      const bodies = cases.slice(0, 16).map(([, write]) => write());
      const attempts = bodies.map((body) => system.request(putting(hostilePath, body)));
      const reads = await Promise.all(bodies.map(() => system.get(known.path)));
      for (const read of reads) expect([read.status, read.text]).to.deep.equal([200, known.text]);
      for (const answer of await Promise.all(attempts)) expect(answer.status).to.equal(409);
      expect((await system.get(hostilePath)).status).to.equal(404);
    });

    const full: readonly [string, () => string][] = [
      ['64 levels', () => group('<v xmlns="urn:v">'.repeat(62) + '</v>'.repeat(62))],
      ['256 attributes', () => group(`<v xmlns="urn:v" ${many(256, (index) => `b${index}="" `)}/>`)],
      ['64 namespaces', () => group(`<v xmlns="urn:v" ${many(63, (index) => `xmlns:b${index}="u" `)}/>`)],
      ['50,000 elements', () => group('<v:v xmlns:v="urn:v"/>' + '<v:v xmlns:v="urn:v"/>'.repeat(40_000))],
      ['a text of 900,000 characters', () => group(`<v xmlns="urn:v">${'&amp;'.repeat(180_000)}</v>`)],
      ['an attribute of 900,000 characters', () => group(`<v xmlns="urn:v" a="${'x'.repeat(900_000)}"/>`)],
      ['names of JavaScript', () => group('<__proto__ xmlns="urn:v" constructor=""><toString/></__proto__>')],
    ];
    for (const [title, write] of full) {
      it(`${title} are within the limits: the document is kept as it is`, async () => {
        expect((await system.put(hostilePath, write(), groupType)).status).to.equal(201);
        await system.request({ method: 'DELETE', path: hostilePath });
      });
    }
  });

  describe('values that are slow to match', () => {
    const values: readonly [string, string][] = [
      ['mcpttgi:on-network-hang-timer', `P${'1Y'.repeat(20_000)}`],
      ['mcpttgi:on-network-hang-timer', `PT${'9'.repeat(200_000)}S`],
      ['mcpttgi:on-network-group-priority', `${'0'.repeat(500_000)}256`],
      ['mcpttgi:on-network-max-participant-count', `${'9'.repeat(500_000)}x`],
      ['mcpttgi:off-network-ProSe-layer-2-group-id', `${'F'.repeat(500_000)}G`],
      ['mcpttgi:protect-media', `${' '.repeat(500_000)}tru`],
      ['max-participant-count', `-${'1'.repeat(500_000)}`],
    ];
    for (const [name, value] of values) {
      it(`${name}: ${value.slice(0, 6)}… of ${value.length} characters`, async () => {
        const element = `<${name}>${value}</${name}>`;
        const text = groupDocument(hostileId).replace(
          name === 'max-participant-count' ? '<max-participant-count>20</max-participant-count>' : '<v:note',
          () => (name === 'max-participant-count' ? element : `${element}<v:note`),
        );
        const refusal = { status: 409, condition: 'schema-validation-error' };
        await refused(system, hostilePath, putting(hostilePath, text), refusal);
      });
    }

    for (const [node, value] of [
      ['group/list-service/display-name/@xml:lang', 'a-'.repeat(100_000)],
      ['group/list-service/display-name/@xml:lang', 'a'.repeat(100_000)],
    ] as const) {
      it(`xml:lang: ${value.slice(0, 6)}… of ${value.length} characters, as an attribute`, async () => {
        const request = putting(`${known.path}/~~/${node}`, value, attributeType);
        await refused(system, known.path, request, { status: 409, condition: 'schema-validation-error' });
      });
    }
  });

  describe('request URIs', () => {
    const cases: readonly [string, string, number][] = [
      ['a parent step', `${groups}/global/../../../etc/passwd`, 400],
      ['one that is encoded', `${groups}/global/%2e%2e/%2E%2E/etc/passwd`, 400],
      ['one that is half encoded', `${groups}/users/.%2e/index`, 400],
      ['a step in place', `${groups}/./global/index`, 400],
      ['an encoded slash before a parent step', `${groups}/global/byGroupID/..%2f..%2fetc%2fpasswd`, 404],
      ['back slashes', `${groups}/global/byGroupID/..%5c..%5cetc`, 404],
      ['an overlong slash', `${groups}/global/byGroupID/..%c0%af..%c0%afetc`, 400],
      ['an encoding of an encoding', `${groups}/global/byGroupID/%252e%252e%252fetc`, 404],
      ['NUL', `${groups}/global/byGroupID/sip:g%00@police.example`, 400],
      ['a line end', `${groups}/global/byGroupID/sip:g%0d%0aX:1@police.example`, 400],
      ['a bad escape', `${groups}/global/byGroupID/sip:g%@police.example`, 400],
      ['half a character', `${groups}/global/byGroupID/sip:g%C3@police.example`, 400],
      ['an empty segment at the start', `/${groups}/global/byGroupID/sip:g@police.example`, 400],
      ['two separators', `${groups}/global/byGroupID/sip:g@police.example/~~/~~/group`, 400],
      ['a usage of JavaScript', '/__proto__/global/index', 404],
      ['another', '/constructor/global/index', 404],
      ['XPath beyond the grammar', `${groups}/global/byGroupID/sip:g@police.example/~~/group//*`, 400],
      [
        'a function that reads files',
        `${groups}/global/byGroupID/sip:g@police.example/~~/document('file:///etc/hosts')`,
        400,
      ],
      [
        'a predicate that is always true',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group[@a="" or ""=""]`.replaceAll(' ', '%20'),
        400,
      ],
      [
        'a position beyond every number',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group[${'9'.repeat(400)}]`,
        404,
      ],
      [
        'a position beyond sixty-four bits',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group%5B99999999999999999999%5D`,
        404,
      ],
      ['a position of nothing', `${groups}/global/byGroupID/sip:g@police.example/~~/group[]`, 400],
      ['a position below nothing', `${groups}/global/byGroupID/sip:g@police.example/~~/group[-1]`, 400],
      ['a position in hexadecimal', `${groups}/global/byGroupID/sip:g@police.example/~~/group[0x1]`, 400],
      [
        'a position in Arabic digits',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group[%D9%A1]`,
        400,
      ],
      ['a quote without end', `${groups}/global/byGroupID/sip:g@police.example/~~/group[@a=%22b]`, 400],
      ['quotes of two kinds', `${groups}/global/byGroupID/sip:g@police.example/~~/group[@a=%22b%27]`, 400],
      ['brackets in brackets', `${groups}/global/byGroupID/sip:g@police.example/~~/group[[1]]`, 400],
      [
        'a predicate that breaks out of its quotes',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group[@a=%22%22][@b=%22%22]`,
        400,
      ],
      [
        'quotes, brackets and separators as data',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group[@a=%22]/~~/@b[1]'%22]`,
        404,
      ],
      ['NUL in a predicate', `${groups}/global/byGroupID/sip:g@police.example/~~/group[@a=%22%00%22]`, 400],
      [
        'a reference to NUL in a predicate',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group[@a=%22%26%230;%22]`,
        400,
      ],
      ['a node selector that is empty', `${groups}/global/byGroupID/sip:g@police.example/~~/`, 400],
      ['a separator without a selector', `${groups}/global/byGroupID/sip:g@police.example/~~`, 400],
      ['a separator that is no segment', `${groups}/global/byGroupID/sip:g@police.example~~`, 400],
      ['that one, encoded', `${groups}/global/byGroupID/sip:g@police.example%7e%7E`, 400],
      ['33 steps', `${groups}/global/byGroupID/sip:g@police.example/~~/group${'/a'.repeat(32)}`, 400],
      [
        'a parent step in a node selector',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group/../group`,
        400,
      ],
      ['that one, encoded', `${groups}/global/byGroupID/sip:g@police.example/~~/group/%2e%2e/group`, 400],
      ['dots of full width', `${groups}/global/%EF%BC%8E%EF%BC%8E/etc/passwd`, 404],
      ['an encoded dot and slash in one segment', `${groups}/global/%2e%2e%2f%2e%2e/index`, 404],
      ['an overlong dot', `${groups}/global/%c0%ae%c0%ae/etc/passwd`, 400],
      ['an escape of Microsoft', `${groups}/global/%u002e%u002e/etc/passwd`, 400],
      ['half a surrogate pair', `${groups}/global/byGroupID/sip:g@police.example%ED%A0%80`, 400],
      ['DEL', `${groups}/global/byGroupID/sip:g@police.example%7F`, 400],
      ['a fragment', `${groups}/global/byGroupID/sip:g@police.example#group`, 400],
      ['a target of 8 KiB', `${groups}/global/byGroupID/sip:g@police.example/${'a'.repeat(7000)}`, 404],
      ['a target beyond 8 KiB', `${groups}/global/byGroupID/sip:g@police.example/${'a'.repeat(8200)}`, 414],
      ['an AUID in capitals', '/ORG.openmobilealliance.groups/global/byGroupID/sip:g@police.example', 404],
      ['an AUID that is a pattern', '/*/global/index', 404],
      ['an AUID of two', '/org.openmobilealliance.groups%2Fglobal/global/index', 404],
      [
        'a thousand bindings',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group?${'xmlns(a=b)'.repeat(700)}`,
        404,
      ],
      [
        'a binding in a binding',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group?xmlns(a=xmlns(b=c))`,
        400,
      ],
      [
        'a binding without a prefix',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group?xmlns(=urn:a)`,
        400,
      ],
      ['a prefix that nobody binds', `${groups}/global/byGroupID/sip:g@police.example/~~/x:group`, 400],
      [
        'a binding of xml does nothing',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group/@xml:lang?xmlns(xml=urn:a)`,
        404,
      ],
      [
        'a pointer of another scheme',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group?xpointer(/)`,
        400,
      ],
      ['parameters of another kind', `${groups}/global/byGroupID/sip:g@police.example/~~/group?a=b&c=d`, 400],
      [
        'a binding of xmlns',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group?xmlns(xmlns=urn:a)`,
        400,
      ],
      [
        'a binding that never ends',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group?xmlns(a=${'^'.repeat(4000)}`,
        400,
      ],
      [
        'a query that is spaces',
        `${groups}/global/byGroupID/sip:g@police.example/~~/group?xmlns(a=${'%20'.repeat(2000)}`,
        400,
      ],
    ];
    for (const [title, path, status] of cases) {
      it(`${title}: ${status}`, async () => {
        for (const method of ['GET', 'DELETE'])
          await refused(system, known.path, { method, path }, { status });
        const answer = await system.unchanged(known.path, () =>
          system.request(putting(path, groupDocument(hostileId))),
        );
        expect(answer.status).to.be.oneOf([status, 409, 415]);
        expectNothingInternal(answer);
        expect((await system.get(hostilePath)).status).to.equal(404);
      });
    }

    it('no name reaches the file system: the data folder stays the only one', async () => {
      const names = [
        '..%2F..%2Foutside',
        '%2Fetc%2Foutside',
        'C:%5Coutside',
        '__proto__',
        'constructor',
        'CON',
        '.hidden',
        'trailing.',
        'trailing%20',
        'con',
        'NUL.xml',
        'aux.txt',
        'index',
        'INDEX',
        'Index',
        'format',
        'records',
        'lock',
        'a'.repeat(255),
        'a'.repeat(256),
        'a'.repeat(3000),
        '-rf',
        '$(reboot)',
        '%60reboot%60',
        '%2E%2E%2E',
        '%C3%A9',
        'e%CC%81',
        'E%CC%81',
        '%F0%9F%9A%92',
        '*%3F%22%3C%3E%7C',
        '%25',
        '%7E',
      ];
      const own = await TestSystem.start();
      try {
        const put = new Map<string, RawAnswer>();
        for (const [index, name] of names.entries()) {
          const text = groupDocument(`sip:named-${index}@police.example`);
          put.set(name, await own.put(`${groups}/users/sip:u@police.example/${name}`, text, groupType));
        }
        expect(await readdir(own.folder)).to.deep.equal(['data']);
        await own.close();
        await own.open();
        for (const [name, answer] of put) {
          const found = await own.get(`${groups}/users/sip:u@police.example/${name}`);
          expect([found.status, found.headers.etag], name).to.deep.equal([200, answer.headers.etag]);
        }
      } finally {
        await own.dispose();
      }
    });
  });

  describe('HTTP', () => {
    const identity = `X-3GPP-Asserted-Identity: ${who.administrator}\n`;

    async function raw(head: string, body: string | Buffer = ''): Promise<string> {
      const text = head.replaceAll('\n', '\r\n');
      const answer = await exchange(
        system.port,
        Buffer.concat([Buffer.from(`${text}\r\n`), Buffer.from(body)]),
      );
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? [];
      expect(answer).not.to.match(/127\.0\.0\.1|node_modules|\/tmp\/|\bat \w+ \(|evil\.example/);
      return status ?? 'hung up';
    }

    const cases: readonly [string, (path: string) => string, readonly string[]][] = [
      [
        'an absolute-form from nobody',
        (path) => `GET http://police.example${path} HTTP/1.1\nHost: police.example\nConnection: close\n`,
        ['403'],
      ],
      [
        'an absolute-form of another host',
        (path) =>
          `GET http://evil.example${path} HTTP/1.1\nHost: evil.example\n${identity}Connection: close\n`,
        ['200'],
      ],
      [
        'an absolute-form with user information',
        (path) => `GET http://a:b@evil.example${path} HTTP/1.1\nHost: x\n${identity}Connection: close\n`,
        ['400'],
      ],
      [
        'an absolute-form without a host',
        (path) => `GET http://${path} HTTP/1.1\nHost: x\n${identity}Connection: close\n`,
        ['400'],
      ],
      [
        'an absolute-form of another scheme',
        (path) => `GET file://x${path} HTTP/1.1\nHost: x\n${identity}Connection: close\n`,
        ['400'],
      ],
      [
        'a host in the place of the path',
        (path) => `GET //evil.example${path} HTTP/1.1\nHost: x\nConnection: close\n`,
        ['400'],
      ],
      ['an asterisk', () => 'OPTIONS * HTTP/1.1\nHost: x\nConnection: close\n', ['400']],
      ['an authority', () => 'CONNECT evil.example:443 HTTP/1.1\nHost: evil.example\n', ['400', 'hung up']],
      ['no Host', (path) => `GET ${path} HTTP/1.1\nConnection: close\n`, ['400']],
      [
        'a method that does not exist',
        (path) => `BREW ${path} HTTP/1.1\nHost: x\nConnection: close\n`,
        ['400'],
      ],
      ['another protocol', () => 'SSH-2.0-x\n', ['400']],
      [
        'a header with NUL',
        (path) => `GET ${path} HTTP/1.1\nHost: x\nX: a\u0000b\nConnection: close\n`,
        ['400'],
      ],
      [
        'a header that goes on in the next line',
        (path) => `GET ${path} HTTP/1.1\nHost: x\nX: a\n b\nConnection: close\n`,
        ['200', '400'],
      ],
      [
        'headers beyond 16 KiB',
        (path) => `GET ${path} HTTP/1.1\nHost: x\nX: ${'a'.repeat(17_000)}\nConnection: close\n`,
        ['431'],
      ],
      [
        'an expectation that nobody knows',
        (path) => `GET ${path} HTTP/1.1\nHost: x\nExpect: miracle\nConnection: close\n`,
        ['417'],
      ],
      [
        'two lengths',
        (path) => `PUT ${path} HTTP/1.1\nHost: x\n${identity}Content-Length: 3\nContent-Length: 4\n`,
        ['400'],
      ],
      [
        'a length and chunks',
        (path) => `PUT ${path} HTTP/1.1\nHost: x\n${identity}Content-Length: 3\nTransfer-Encoding: chunked\n`,
        ['400'],
      ],
      [
        'a negative length',
        (path) => `PUT ${path} HTTP/1.1\nHost: x\n${identity}Content-Length: -1\n`,
        ['400'],
      ],
      [
        'chunks that are none',
        (path) =>
          `PUT ${path} HTTP/1.1\nHost: x\n${identity}Content-Type: ${groupType}\nTransfer-Encoding: chunked\n\nzz\n`,
        ['400'],
      ],
    ];
    for (const [title, write, statuses] of cases) {
      it(`${title}: ${statuses.join(' or ')}`, async () => {
        const { pathname } = new URL(system.root);
        const path = pathname + known.path;
        expect(await system.unchanged(known.path, () => raw(write(path)))).to.be.oneOf([...statuses]);
      });
    }

    it('a forged Host, Forwarded or X-Forwarded-Host changes no answer and is repeated in none', async () => {
      const node = `${known.path}/~~/group/a/b`;
      const request = putting(node, '<b/>', elementType);
      const plain = await system.request(request);
      for (const name of [
        'Host',
        'Forwarded',
        'X-Forwarded-Host',
        'X-Forwarded-For',
        'X-Original-URL',
        'X-HTTP-Method-Override',
      ]) {
        const headers = { ...request.headers, [name]: 'evil.example' };
        const forged = await refused(
          system,
          known.path,
          { ...request, headers },
          { status: 409, condition: 'no-parent' },
        );
        expect(forged.text).to.equal(plain.text);
      }
    });

    it('a body that breaks off changes nothing', async () => {
      const { pathname } = new URL(system.root);
      const head =
        `PUT ${pathname}${known.path} HTTP/1.1\nHost: x\n${identity}Content-Type: ${groupType}\n` +
        `Content-Length: ${Buffer.byteLength(known.text) + 1}\n`;
      await system.unchanged(known.path, async () => {
        await sendAndReset(system.port, `${head.replaceAll('\n', '\r\n')}\r\n${known.text}`);
      });
    });

    it('what stands behind the body is the next request, not part of the document', async () => {
      const { pathname } = new URL(system.root);
      const { path, text } = await putGroup(system);
      const changed = text.replace('20<', '21<');
      const head =
        `PUT ${pathname}${path} HTTP/1.1\nHost: x\n${identity}Content-Type: ${groupType}\n` +
        `Content-Length: ${Buffer.byteLength(changed)}\n`;
      const next = `DELETE ${pathname}${path} HTTP/1.1\nHost: x\nConnection: close\n`;
      const answer = await exchange(
        system.port,
        `${head.replaceAll('\n', '\r\n')}\r\n${changed}${next.replaceAll('\n', '\r\n')}\r\n`,
      );
      expect(answer.match(/^HTTP\/1\.1 \d{3}/gm)).to.deep.equal(['HTTP/1.1 200', 'HTTP/1.1 403']);
      expect((await system.get(path)).text).to.equal(changed);
    });

    it('a range is ignored: documents are sent as a whole', async () => {
      for (const range of ['bytes=0-0', 'bytes=0-0,2-2', 'bytes=-1', 'lines=1']) {
        const answer = await system.get(known.path, { Range: range, 'If-Range': known.etag });
        expect([answer.status, answer.text]).to.deep.equal([200, known.text]);
      }
    });

    it('a wish to go on before the body is granted', async () => {
      const { pathname } = new URL(system.root);
      const { path, text } = await putGroup(system);
      const head =
        `PUT ${pathname}${path} HTTP/1.1\nHost: x\n${identity}Content-Type: ${groupType}\nExpect: 100-continue\n` +
        `Content-Length: ${Buffer.byteLength(text)}\nConnection: close\n`;
      const answer = await exchange(system.port, `${head.replaceAll('\n', '\r\n')}\r\n${text}`);
      expect(answer.match(/^HTTP\/1\.1 \d{3}/gm)).to.deep.equal(['HTTP/1.1 100', 'HTTP/1.1 200']);
    });

    it('a compressed body is 415, whatever it would become', async () => {
      for (const coding of ['gzip', 'deflate', 'br', 'zstd', 'compress', 'gzip, gzip']) {
        const headers = { 'Content-Type': groupType, 'Content-Encoding': coding };
        const body = fixtureBytes('hostile/billion-laughs.xml');
        const request = { method: 'PUT', path: known.path, headers, body };
        await refused(system, known.path, request, { status: 415 });
      }
    });

    it('no answer carries a body of an error page or the name of the software', async () => {
      for (const path of ['/', '/favicon.ico', `${groups}/global/byGroupID/x`, known.path]) {
        const answer = await system.request({ method: 'GET', path, as: who.nobody });
        expectRefusal(answer, { status: path === known.path ? 403 : 404 });
      }
    });
  });
});
