import { readdir } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { expect } from 'chai';
import { policyMediaType } from '../../src/policy/language/policy.js';
import { checkFile } from '../../src/store/lmdb/check-process.js';
import {
  conditionOf,
  expectNothingInternal,
  expectRefusal,
  groupDocument,
  tagOf,
} from '../conformance/expectations.js';
import { fixture, jsonFixture } from '../support/fixtures.js';
import {
  copyAt,
  fire,
  getAs,
  police,
  policyPath,
  provide,
  recordOutbound,
  ScriptedServer,
  startPartner,
} from '../support/peers.js';
import type { RawAnswer } from '../support/raw-http.js';
import {
  attributeType,
  elementType,
  groupPath,
  groupType,
  type TestRequest,
  type TestSystem,
} from '../support/system.js';

/**
 * Bad XML through every entrance: a document, an element, an attribute, a policy, a provision of a peer,
 * the answer of a primary. After each case what hostile input may never do is looked for: a known document
 * is answered for within a second and as it was, what was refused changed nothing, no connection was made
 * but to the primary, and no answer or log line tells of anything inside. At the end the store must verify,
 * and time and memory are looked at for all cases together.
 */

interface Refused {
  readonly title: string;
  readonly text?: string;
  readonly hex?: string;
  /** The conditions of the `xcap-error`, by what the text was put as. Not an attribute where left out. */
  readonly document: string;
  readonly element: string;
  readonly attribute?: string;
}

const { refused: texts } = jsonFixture('hostile/texts.json') as { readonly refused: readonly Refused[] };
const { documents } = jsonFixture('hostile/manifest.json') as {
  readonly documents: readonly {
    readonly file: string;
    readonly attack: string;
    readonly condition?: string;
  }[];
};

const many = (count: number, write: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => write(index)).join('');
const limit = { document: 'constraint-failure', element: 'constraint-failure' };
const broken = { document: 'not-well-formed', element: 'not-xml-frag' };

/** Too long to be kept as fixtures. */
const exhausting: readonly Refused[] = [
  { title: '65 levels', text: '<a>'.repeat(65) + '</a>'.repeat(65), ...limit },
  { title: '100,000 levels', text: '<a>'.repeat(100_000), ...limit },
  { title: '257 attributes', text: `<a ${many(257, (index) => `b${index}="" `)}/>`, ...limit },
  { title: '50,000 attributes', text: `<a ${many(50_000, (index) => `b${index}="" `)}/>`, ...limit },
  { title: '50,000 attributes of one name', text: `<a ${'b="" '.repeat(50_000)}/>`, ...limit },
  { title: '65 namespaces', text: `<a ${many(65, (index) => `xmlns:b${index}="u" `)}/>`, ...limit },
  { title: '50,001 elements', text: `<a>${'<b/>'.repeat(50_000)}</a>`, ...limit },
  {
    title: 'a document type of 200,000 entities',
    text: `<!DOCTYPE a [${'<!ENTITY b "c">'.repeat(50_000)}`,
    ...limit,
  },
  {
    title: 'a million less-than signs',
    text: '<'.repeat(1_000_000),
    ...broken,
    attribute: 'not-xml-att-value',
  },
  {
    title: 'a million ampersands',
    text: `<a>${'&'.repeat(1_000_000)}</a>`,
    ...broken,
    attribute: 'not-xml-att-value',
  },
  { title: 'a million spaces', text: ' '.repeat(1_000_000), ...broken },
  { title: 'a million no-break spaces', text: '\u00A0'.repeat(500_000), ...broken },
  {
    title: 'a reference of a million digits',
    text: `<a b="&#${'9'.repeat(1_000_000)};"/>`,
    ...broken,
    attribute: 'not-xml-att-value',
  },
  { title: '200,000 comments without end', text: `<a>${'<!--'.repeat(200_000)}`, ...broken },
  { title: '100,000 CDATA sections without end', text: `<a>${'<![CDATA['.repeat(100_000)}`, ...broken },
  { title: '400,000 instructions without end', text: `<a>${'<?'.repeat(400_000)}`, ...broken },
  { title: '200,000 end tags', text: `<a>${'</b>'.repeat(200_000)}`, ...broken },
  { title: 'a name of 60,000 characters', text: `<${'a'.repeat(60_000)}/>`, ...broken },
  { title: 'a prefix of 60,000 characters', text: `<${'p'.repeat(60_000)}:a/>`, ...broken },
  ...documents
    .filter(({ condition }) => condition !== undefined)
    .map(({ file, attack, condition = '' }) => ({
      title: attack,
      text: fixture(`hostile/${file}`),
      document: condition,
      element: condition === 'not-well-formed' ? 'not-xml-frag' : condition,
    })),
];

const secret = 'a-token-that-nobody-may-repeat';

function memory(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('Bad XML at every entrance', () => {
  const known = groupPath('sip:known@fire.example');
  const knownText = groupDocument('sip:known@fire.example');
  const authorization = { Authorization: `Bearer ${secret}` };
  let b: TestSystem;
  let primary: ScriptedServer;
  let outbound: ReturnType<typeof recordOutbound>;
  let etag: string;
  let made = 0;
  let startMemory = 0;
  const delay = monitorEventLoopDelay({ resolution: 10 });

  before(async () => {
    primary = await ScriptedServer.start({ status: 404 });
    b = await startPartner(primary.root);
    const put = await b.request(asAdministrator('PUT', known, knownText, groupType));
    etag = tagOf(put);
    // Once through every entrance, so that what is made at the first use is there.
    await everywhere({ title: '', text: '<a', document: 'not-well-formed', element: 'not-xml-frag' });
    startMemory = memory();
    outbound = recordOutbound();
    delay.enable();
  });

  after(async () => {
    delay.disable();
    outbound.stop();
    await b.dispose();
    await primary.down();
  });

  afterEach('the server answers as before and has told nothing', async () => {
    const asked = performance.now();
    const answer = await getAs(b, fire.administrator, 'sip:known@fire.example');
    expect(performance.now() - asked, 'milliseconds').to.be.below(1000);
    expect([answer.status, answer.text, answer.headers.etag]).to.deep.equal([200, knownText, etag]);
    for (const { level, fields, message } of b.log.lines) {
      expect(level, message).not.to.equal('error');
      const said = JSON.stringify(fields);
      expect(said, message).not.to.match(/\bat \w+ \(|node_modules|\/tmp\/|\.js\b/);
      expect(said, message).not.to.include(secret);
    }
    b.log.clear();
    const { host } = new URL(primary.root);
    for (const url of outbound.urls) {
      const [to] = url.split(' ');
      expect(to, url).to.be.oneOf([host, `127.0.0.1:${b.port}`]);
    }
    outbound.urls.length = 0;
  });

  function asAdministrator(method: string, path: string, body: string | Buffer, type: string): TestRequest {
    const headers = { ...authorization, 'Content-Type': type };
    return { method, path, body, headers, as: fire.administrator };
  }

  function bytesOf({ text = '', hex }: Refused): Buffer {
    return hex === undefined ? Buffer.from(text) : Buffer.from(hex, 'hex');
  }

  function expectConflict(answer: RawAnswer, condition: string, entrance: string): void {
    expect(answer.status, `${entrance}: ${answer.text}`).to.equal(409);
    expect(conditionOf(answer).local, `${entrance}: ${answer.text}`).to.equal(condition);
    expect(answer.text.length, 'what is said is brief').to.be.below(2000);
    expectNothingInternal(answer);
    expect(answer.text).not.to.include(secret);
  }

  /** Sends what must be refused, and expects that the known document and what was not there stay so. */
  async function refusedAt(entrance: string, request: TestRequest, condition: string): Promise<void> {
    const status = async (): Promise<readonly unknown[]> => {
      const document = await b.request({ method: 'GET', path: request.path, as: fire.administrator });
      return [document.status, document.text, document.headers.etag];
    };
    const before = await status();
    expectConflict(await b.request(request), condition, entrance);
    expect(await status(), entrance).to.deep.equal(before);
  }

  async function everywhere(each: Refused): Promise<void> {
    made += 1;
    const body = bytesOf(each);
    const fresh = groupPath(`sip:hostile-${made}@fire.example`);
    const put = (path: string, type: string): TestRequest => asAdministrator('PUT', path, body, type);
    await refusedAt('a new document', put(fresh, groupType), each.document);
    await refusedAt('a document', put(known, groupType), each.document);
    await refusedAt('a policy', put(policyPath(`hostile-${made}`), policyMediaType), each.document);
    const trial = asAdministrator('POST', policyPath(`hostile-${made}`), body, policyMediaType);
    await refusedAt('a policy on trial', trial, each.document);
    const node = `${known}/~~/group/list-service`;
    await refusedAt('a new element', put(`${node}/v:new?xmlns(v=urn:v)`, elementType), each.element);
    await refusedAt('an element', put(`${node}/display-name`, elementType), each.element);
    if (each.attribute !== undefined) {
      await refusedAt('a new attribute', put(`${node}/@new`, attributeType), each.attribute);
      await refusedAt('an attribute', put(`${node}/display-name/@xml:lang`, attributeType), each.attribute);
    }

    const shared = `sip:hostile-${made}@police.example`;
    const provision = await provide(b, police, shared, body, authorization);
    expectConflict(provision, each.document, 'a provision');

    primary.otherwise({ status: 200, headers: { 'Content-Type': groupType, ETag: '"e"' }, body });
    const fetched = await getAs(b, fire.member, shared);
    expectRefusal(fetched, { status: 502 });
    const copy = await copyAt(b, shared);
    expect([copy.received.status, copy.effective.status]).to.deep.equal([404, 404]);
  }

  describe('XML text', () => {
    for (const each of texts) {
      it(`${each.title}: ${each.document}`, () => everywhere(each));
    }
  });

  describe('Exhaustion', () => {
    for (const each of exhausting) {
      it(`${each.title}: ${each.document}`, () => everywhere(each));
    }

    it('compressed bodies: 415, and a primary that sends one is not understood', async () => {
      const packed = Buffer.from(groupDocument('sip:compressed@police.example').replaceAll('police', 'fire'));
      for (const [coding, body] of [
        ['gzip', gzipSync(packed)],
        ['deflate', deflateSync(packed)],
        ['br', brotliCompressSync(packed)],
        ['gzip, gzip', gzipSync(gzipSync(packed))],
        ['gzip', gzipSync(Buffer.alloc(10_000_000))],
      ] as const) {
        const node = `${known}/~~/group/list-service`;
        for (const [path, type] of [
          [known, groupType],
          [`${node}/display-name`, elementType],
          [`${node}/@new`, attributeType],
          [policyPath('compressed'), policyMediaType],
        ] as const) {
          const request = asAdministrator('PUT', path, body, type);
          const headers = { ...request.headers, 'Content-Encoding': coding };
          expectRefusal(await b.request({ ...request, headers }), { status: 415 });
        }
        const shared = 'sip:compressed@police.example';
        const headers = { ...authorization, 'Content-Encoding': coding };
        expectRefusal(await provide(b, police, shared, body, headers), { status: 415 });
        primary.otherwise({
          status: 200,
          headers: { 'Content-Type': groupType, ETag: '"e"', 'Content-Encoding': coding },
          body,
        });
        expectRefusal(await getAs(b, fire.member, shared), { status: 502 });
        expect((await copyAt(b, shared)).received.status).to.equal(404);
      }
    });

    it('all of them in parallel, while a known document is read', async () => {
      primary.otherwise({ status: 404 });
      const attempts = exhausting.map((each, index) => {
        const fresh = groupPath(`sip:parallel-${index}@fire.example`);
        return b.request(asAdministrator('PUT', fresh, bytesOf(each), groupType));
      });
      const reads = await Promise.all(
        exhausting.map(() => getAs(b, fire.administrator, 'sip:known@fire.example')),
      );
      for (const read of reads) expect([read.status, read.headers.etag]).to.deep.equal([200, etag]);
      for (const [index, answer] of (await Promise.all(attempts)).entries()) {
        const { title = '', document = '' } = exhausting[index] ?? {};
        expectConflict(answer, document, title);
      }
    });
  });

  describe('XML that looks bad and is not', () => {
    const wanted = '<v:x xmlns:v="urn:v">';
    const accepted: readonly (readonly [string, string])[] = [
      [
        'names of JavaScript',
        '<v:__proto__ xmlns:v="urn:v" constructor=""><toString __proto__="a"/></v:__proto__>',
      ],
      ['a value split by CDATA sections', `${wanted}1<![CDATA[]]>2<![CDATA[3]]></v:x>`],
      ['a value split by comments and instructions', `${wanted}1<!--2-->3<?p 4?>5</v:x>`],
      ['line ends of every kind', `${wanted}\r\n\n\r<v:y\r\n  v:z="\r\n\t"\r/>\r\n</v:x>`],
      ['references to line ends', `${wanted}&#13;&#10;&#9;<v:y v:z="&#xD;&#xA;&#x9;"/></v:x>`],
      ['references with zeros before them', `${wanted}<v:y v:z="&#x0000000041;&#000000000065;"/></v:x>`],
      ['what looks like tags', `${wanted}<![CDATA[</v:x><!DOCTYPE a>]]><!--<a>--><?p <a?></v:x>`],
      [
        'the prefix xml bound to its own namespace',
        '<v:x xmlns:v="urn:v" xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:lang="en"/>',
      ],
      ['a namespace undeclared', `${wanted}<x xmlns=""><y/></x></v:x>`],
      ['characters beyond the first plane', `${wanted}\u{1F692}<v:\u{10000}/></v:x>`],
      ['right-to-left overrides', `${wanted}\u202E\u2066</v:x>`],
      [
        'XInclude and a schema location',
        '<v:x xmlns:v="urn:v" xmlns:i="http://www.w3.org/2001/XInclude" xmlns:s="http://www.w3.org/2001/XMLSchema-instance" s:schemaLocation="urn:v http://127.0.0.1:9/a.xsd"><i:include href="file:///etc/hosts" parse="text"/></v:x>',
      ],
    ];
    for (const [title, element] of accepted) {
      it(`${title}: kept as it is, in a document and as an element; deleted without a trace`, async () => {
        const groupId = `sip:odd-${accepted.findIndex(([each]) => each === title)}@fire.example`;
        const path = groupPath(groupId);
        const text = groupDocument(groupId).replaceAll('\n', '\r\n');
        const created = await b.request(asAdministrator('PUT', path, text, groupType));
        expect(created.status, created.text).to.equal(201);

        const count = 50;
        const node = `${path}/~~/group/list-service/*%5B${count}%5D`;
        const first = await b.request(asAdministrator('PUT', node, element, elementType));
        expectRefusal(first, { status: 409, condition: 'cannot-insert' });
        const children = 6;
        const place = `${path}/~~/group/list-service/*%5B${children + 2}%5D`;
        const put = await b.request(asAdministrator('PUT', place, element, elementType));
        expect(put.status, put.text).to.equal(201);
        const part = await b.request({ method: 'GET', path: place, as: fire.administrator });
        expect(part.text).to.equal(element);
        const whole = await b.request({ method: 'GET', path, as: fire.administrator });
        expect(whole.text.replace(element, '')).to.equal(text);

        const removed = await b.request({ method: 'DELETE', path: place, as: fire.administrator });
        expect(removed.status, removed.text).to.equal(200);
        expect((await b.request({ method: 'GET', path, as: fire.administrator })).text).to.equal(text);

        const again = await b.request(asAdministrator('PUT', path, whole.text, groupType));
        expect(again.status, again.text).to.equal(200);
        expect((await b.request({ method: 'GET', path, as: fire.administrator })).text).to.equal(whole.text);
      });
    }
  });

  describe('conditions that are none, or do not hold', () => {
    const conditions: readonly (readonly [Readonly<Record<string, string>>, number])[] = [
      [{ 'If-Match': '"other"' }, 412],
      [{ 'If-Match': 'W/"other"' }, 412],
      [{ 'If-Match': '""' }, 412],
      [{ 'If-Match': `"${'x'.repeat(10_000)}"` }, 412],
      [{ 'If-Match': Array.from({ length: 2000 }, () => '"a"').join() }, 412],
      [{ 'If-Match': '"a' }, 400],
      [{ 'If-Match': '*, *' }, 400],
      [{ 'If-Match': ','.repeat(10_000) }, 400],
      [{ 'If-Match': `"${' '.repeat(10_000)}` }, 400],
      [{ 'If-Match': '"__proto__"', 'If-None-Match': '"constructor"' }, 412],
      [{ 'If-Match': '', 'If-None-Match': '*' }, 400],
    ];
    for (const [headers, status] of conditions) {
      it(`${JSON.stringify(headers).slice(0, 60)}: ${status}, before the body is judged`, async () => {
        const node = `${known}/~~/group/list-service`;
        const attempts: readonly (readonly [string, string])[] = [
          [known, groupType],
          [`${node}/display-name`, elementType],
          [`${node}/display-name/@xml:lang`, attributeType],
          [policyPath('conditions'), policyMediaType],
        ];
        for (const [path, type] of attempts) {
          const { headers: usual = {}, ...request } = asAdministrator('PUT', path, '<', type);
          const answer = await b.request({ ...request, headers: { ...usual, ...headers } });
          expect(answer.status, `${path}: ${answer.text}`).to.equal(status);
          expectNothingInternal(answer);
          const removed = await b.request({
            method: 'DELETE',
            path,
            as: fire.administrator,
            headers: { ...authorization, 'If-Match': '"other"', ...headers },
          });
          expect(removed.status, removed.text).to.equal(status);
        }
        const shared = 'sip:conditions@police.example';
        const provision = await provide(b, police, shared, '<', { ...authorization, ...headers });
        expect(provision.status).to.be.oneOf([status, 409]);
        expect((await copyAt(b, shared)).received.status).to.equal(404);
      });
    }
  });

  describe('after all of it', () => {
    it('no turn of the event loop took long, and the memory came back', () => {
      expect(delay.count).to.be.above(0);
      expect(delay.percentile(99) / 1e6, 'milliseconds').to.be.below(200);
      expect((memory() - startMemory) / 2 ** 20, 'MiB').to.be.below(64);
    });

    it('the store verifies, nothing is left over in it, and all is as before a restart', async () => {
      await b.close();
      const folder = join(b.folder, 'data');
      expect(await checkFile(join(folder, 'store.mdb'), 'full')).to.deep.equal([]);
      const files = ['audit.jsonl', 'format', 'incarnation', 'store.mdb', 'store.mdb-lock'];
      expect(await readdir(folder)).to.have.members(files);
      await b.open();
    });
  });
});
