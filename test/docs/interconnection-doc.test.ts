import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { incarnationField, tagField, withdrawalField } from '../../src/interconnection/csc-16-fields.js';
import { statusOfCode } from '../../src/interconnection/result/not-provided.js';
import { gateText } from '../../src/xml/gate.js';
import { ns } from '../../src/xml/names.js';
import { readSmall } from '../../src/xml/read-small.js';
import type { DocumentKind } from '../../src/xml/schemas.js';
import { fixture } from '../support/fixtures.js';
import {
  administratorDeletes,
  administratorPuts,
  fire,
  police,
  putPolicy,
  startPartner,
  startPrimary,
} from '../support/peers.js';
import { send, type RawAnswer } from '../support/raw-http.js';
import type { TestSystem } from '../support/system.js';
import { schemas } from '../support/schemas.js';
import { limits } from '../support/limits.js';

/**
 * `docs/interconnection.md`: its documents are valid, its messages are those on the wire, and it names every
 * element, outcome and status that there is.
 */

const root = new URL('../../../', import.meta.url);
const nowhere = 'http://127.0.0.1:9/xcap-root';

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

interface Fence {
  readonly language: string;
  readonly text: string;
}

function fencesOf(markdown: string): readonly Fence[] {
  const fences = markdown.matchAll(/^```(\w*)[^\n]*\n([^]*?)^```$/gm);
  return [...fences].map(([, language = '', text = '']) => ({ language, text }));
}

/** A message as the page shows it. */
interface Message {
  /** Request line or status line. */
  readonly start: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

interface Exchange {
  readonly request: Message;
  readonly answer: Message;
}

function messageOf({ text }: Fence, next: Fence | undefined): Message {
  const [start = '', ...lines] = text.trimEnd().split('\n');
  const headers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/, 2) as [string, string]));
  const hasBody = next !== undefined && ['xml', 'text'].includes(next.language) && 'Content-Type' in headers;
  return { start, headers, body: hasBody ? next.text : undefined };
}

/** The exchanges of the page in their order; a PUT that shows no document carries the one before it. */
function exchangesOf(fences: readonly Fence[]): readonly Exchange[] {
  const messages = fences.flatMap((fence, index) => {
    return fence.language === 'http' ? [messageOf(fence, fences[index + 1])] : [];
  });
  const exchanges: Exchange[] = [];
  let sent: string | undefined;
  for (const [index, request] of messages.entries()) {
    if (index % 2 === 1) continue;
    const answer = messages[index + 1];
    if (answer?.start.startsWith('HTTP/1.1 ') !== true) throw new Error(`no answer to ${request.start}`);
    if (request.body !== undefined) sent = request.body;
    const body = request.start.startsWith('PUT ') ? sent : undefined;
    exchanges.push({ request: { ...request, body }, answer });
  }
  return exchanges;
}

/** Documents are the same where they differ in white space between tags alone. */
function withoutIndentation(text: string): string {
  return text.replace(/\s*(<[^>]*>)\s*/g, '$1').replace(/\s+xmlns/g, ' xmlns');
}

/** Plays the exchanges of the page: `answerTo` sends a request to the host that it names. */
async function play(
  exchanges: readonly Exchange[],
  answerTo: (host: string, exchange: Exchange) => Promise<RawAnswer>,
): Promise<void> {
  /** The tags, dates and tokens of the page, and what they are here. */
  const tags = new Map<string, string>();
  for (const { request, answer } of exchanges) {
    const { Host: host = '', ...rest } = request.headers;
    const headers = Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [name, tags.get(value) ?? value]),
    );
    const got = await answerTo(host, { request: { ...request, headers }, answer });
    const title = `${request.start}, ${answer.start}`;
    expect(got.status, `${title}: ${got.text}`).to.equal(Number(answer.start.split(' ')[1]));
    for (const [name, value] of Object.entries(answer.headers)) {
      const actual = got.headers[name.toLowerCase()];
      const isOurs = ['ETag', 'Last-Modified', 'MCGMS-Incarnation', 'MCGMS-Withdrawal'].includes(name);
      if (isOurs && actual !== undefined && !tags.has(value)) tags.set(value, String(actual));
      expect(actual, `${name} of ${title}`).to.equal(isOurs ? tags.get(value) : value);
    }
    expect(withoutIndentation(got.text), title).to.equal(withoutIndentation(answer.body ?? ''));
  }
}

const kinds: Readonly<Record<string, DocumentKind>> = {
  '{urn:oma:xml:poc:list-service}group': 'group',
  [`{${ns.result}}result`]: 'result',
  [`{${ns.xcapError}}xcap-error`]: 'xcap-error',
  [`{${ns.xcapDiff}}xcap-diff`]: 'xcap-diff',
  '{urn:mcgms:ns:interconnection-policy:1}policy': 'policy',
};

/** The kind of a document, once it is valid. @throws XmlRefused where it is not */
function kindOf(text: string): string | undefined {
  const gated = gateText(text, limits).text;
  const { namespace, local } = readSmall(gated);
  const kind = kinds[`{${namespace}}${local}`];
  if (kind !== undefined) schemas().validate(kind, gated);
  return kind;
}

/** Every name that the pattern's first group finds in a file of the project. */
function namesIn(path: string, pattern: RegExp): readonly string[] {
  const names = [...read(path).matchAll(pattern)].map(([, name = '']) => name);
  if (names.length === 0) throw new Error(`${path} holds nothing like ${pattern.source}`);
  return [...new Set(names)];
}

describe('docs/interconnection.md', () => {
  const page = read('docs/interconnection.md');
  const fences = fencesOf(page);
  const documents = fences.filter(({ language }) => language === 'xml');

  it('shows valid documents only, of every kind that goes between systems', () => {
    const found = documents.map(({ text }) => kindOf(text));
    expect(found).to.not.include(undefined);
    expect(new Set(found)).to.have.all.keys(...Object.values(kinds));
    expect(() => kindOf('<result xmlns="urn:mcgms:ns:interconnection-result:1"/>')).to.throw();
  });

  describe('23.280 10.2.7.2, 10.2.7.3: its messages are those on the wire', () => {
    let a: TestSystem;
    let b: TestSystem;

    beforeEach(async () => {
      a = await startPrimary(nowhere);
      b = await startPartner(nowhere, { peer: { reportModifications: true } });
    });

    afterEach(async () => {
      await a.dispose();
      await b.dispose();
    });

    it('each request is answered as the page shows', async () => {
      const exchanges = exchangesOf(fences);
      const policy = documents.find(({ text }) => text.includes('<policy'))?.text ?? '';
      await putPolicy(b, fire, policy);
      const shared = 'sip:river-rescue@police.example';
      const groups = documents.filter(({ text }) => text.includes(`list-service uri="${shared}"`));
      await administratorPuts(a, police, shared, groups.at(-1)?.text ?? '');
      await administratorPuts(a, police, 'sip:patrol-7@police.example', fixture('demo/patrol.xml'));
      await play(exchanges, async (host, { request: { start, headers, body }, answer }) => {
        const [method = '', target = ''] = start.split(' ');
        const system = host === 'gms.police.example' ? a : b;
        if (answer.start.includes(' 410 ')) await administratorDeletes(a, police, shared);
        return await send(system.port, { method, target, headers, ...(body === undefined ? {} : { body }) });
      });
    });
  });

  it('names every element, attribute and outcome of the Result', () => {
    const names = namesIn('schemas/mcgms-result.xsd', /<xs:(?:element|attribute) name="([^"]+)"/g);
    const outcomes = namesIn('schemas/mcgms-result.xsd', /<xs:enumeration value="([^"]+)"/g);
    expect([...names, ...outcomes].filter((name) => !page.includes(`\`${name}\``))).to.deep.equal([]);
  });

  it('names every condition of xcap-error', () => {
    const conditions = namesIn('src/xcap/conflicts.ts', /elementName = '([^']+)'/g);
    expect(conditions.filter((name) => !page.includes(`\`${name}\``))).to.deep.equal([]);
  });

  it('names both header fields of ours, and every code with its status', () => {
    for (const field of [incarnationField, tagField, withdrawalField])
      expect(page).to.include(`\`${field}\``);
    for (const [code, status] of Object.entries(statusOfCode)) {
      expect(page).to.match(new RegExp(`^\\| \`${code}\` +\\| ${status} `, 'm'));
    }
  });

  it('names every status of a refusal', () => {
    const statuses = namesIn('src/base/refusals.ts', /readonly status = (\d+)/g);
    expect(statuses.filter((status) => !new RegExp(`(?<!\\d)${status}(?!\\d)`).test(page))).to.deep.equal([]);
  });
});
