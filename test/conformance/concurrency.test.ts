import http from 'node:http';
import { expect } from 'chai';
import {
  linearize,
  registerModel,
  type Recorded,
  type RegisterOperation,
} from '../support/linearizability.js';
import { send } from '../support/raw-http.js';
import { elementType, groupPath, groupType, TestSystem, who, type TestRequest } from '../support/system.js';
import { freshGroupId, groupDocument, putGroup, tagOf } from './expectations.js';
import { seed } from '../support/seed.js';

/** Many clients at once: what each of them is told fits one order of what all of them asked for. */

const histories = Number(process.env['MCGMS_HISTORIES'] ?? 300);

/** Random numbers below 1, the same for the same seed (mulberry32). */
function randomNumbers(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function entryPath(path: string, uri: string): string {
  return `${path}/~~/group/list-service/list/entry%5B@uri=%22${uri}%22%5D`;
}

describe('Concurrency', () => {
  let system: TestSystem;

  before(async () => {
    system = await TestSystem.start();
  });

  after(() => system.dispose());

  function putting(path: string, body: string, conditions: Readonly<Record<string, string>>): TestRequest {
    return { method: 'PUT', path, body, headers: { 'Content-Type': groupType, ...conditions } };
  }

  function puttingEntry(
    path: string,
    uri: string,
    conditions: Readonly<Record<string, string>>,
  ): TestRequest {
    return {
      method: 'PUT',
      path: entryPath(path, uri),
      body: `<entry uri="${uri}"/>`,
      headers: { 'Content-Type': elementType, ...conditions },
    };
  }

  const count = 50;

  async function statuses(
    attempt: (number: number) => Promise<{ status: number }>,
  ): Promise<readonly number[]> {
    const answers = await Promise.all(Array.from({ length: count }, (_, number) => attempt(number)));
    return answers.map(({ status }) => status).sort();
  }

  describe('RFC 4825 §8.5 one document, one condition', () => {
    it(`${count} writers with one If-Match: one writes, the others get 412`, async () => {
      const { path, text, etag } = await putGroup(system);
      const found = await statuses((number) =>
        system.request(putting(path, text.replace('20<', `${1000 + number}<`), { 'If-Match': etag })),
      );
      expect(found).to.deep.equal([200, ...Array<number>(count - 1).fill(412)]);
    });

    it(`${count} writers of different parts with one If-Match: one writes`, async () => {
      const { path, etag } = await putGroup(system);
      const found = await statuses((number) => {
        const uri = `sip:racer.${number}@police.example`;
        return system.request({
          method: 'PUT',
          path: `${path}/~~/group/list-service/list/entry%5B@uri=%22${uri}%22%5D`,
          body: `<entry uri="${uri}"/>`,
          headers: { 'Content-Type': elementType, 'If-Match': etag },
        });
      });
      expect(found).to.deep.equal([201, ...Array<number>(count - 1).fill(412)]);
      expect((await system.get(path)).text.match(/sip:racer\./g)).to.have.length(1);
    });

    it(`${count} creators with If-None-Match: * by the group ID: one creates`, async () => {
      const groupId = freshGroupId();
      const path = groupPath(groupId);
      const found = await statuses((number) =>
        system.request(
          putting(path, groupDocument(groupId).replace('20<', `${1000 + number}<`), { 'If-None-Match': '*' }),
        ),
      );
      expect(found).to.deep.equal([201, ...Array<number>(count - 1).fill(412)]);
    });

    it(`${count} creators under as many names in the users tree: one creates, the others find the group ID taken`, async () => {
      const groupId = freshGroupId();
      const folder = '/org.openmobilealliance.groups/users/sip:u@police.example';
      const found = await statuses((number) =>
        system.request(putting(`${folder}/racer-${number}`, groupDocument(groupId), {})),
      );
      expect(found).to.deep.equal([201, ...Array<number>(count - 1).fill(409)]);
      expect((await system.get(groupPath(groupId))).status).to.equal(200);
    });

    it(`${count} who delete with one If-Match: one deletes`, async () => {
      const { path, etag } = await putGroup(system);
      const found = await statuses(() =>
        system.request({ method: 'DELETE', path, headers: { 'If-Match': etag } }),
      );
      expect(found).to.deep.equal([200, ...Array<number>(count - 1).fill(412)]);
    });

    it('through both names of a group: one resource, one order', async () => {
      const { groupId, path, text, etag } = await putGroup(system);
      const inUsersTree =
        '/org.openmobilealliance.groups/users/sip:group-creation@police.example/' +
        encodeURIComponent(groupId);
      const found = await statuses((number) =>
        system.request(putting(number % 2 === 0 ? path : inUsersTree, text, { 'If-Match': etag })),
      );
      expect(found).to.deep.equal([200, ...Array<number>(count - 1).fill(412)]);
    });
  });

  describe('a body that is long in coming', () => {
    /** A PUT whose head the server has taken while its body is yet to come. */
    async function begin(
      path: string,
      text: string,
      conditions: Readonly<Record<string, string>>,
    ): Promise<() => Promise<number>> {
      const request = http.request({
        port: system.port,
        host: '127.0.0.1',
        agent: false,
        method: 'PUT',
        path: new URL(system.root).pathname + path,
        headers: {
          'X-3GPP-Asserted-Identity': who.administrator,
          'Content-Type': groupType,
          'Content-Length': Buffer.byteLength(text),
          Expect: '100-continue',
          ...conditions,
        },
      });
      const answered = new Promise<number>((resolve, reject) => {
        request.on('error', reject).on('response', (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        });
      });
      const taken = new Promise((resolve) => request.once('continue', resolve));
      request.flushHeaders();
      await taken;
      return () => {
        request.end(text);
        return answered;
      };
    }

    it('holds nobody up, and its condition is judged when it is there', async () => {
      const { path, text, etag } = await putGroup(system);
      const finish = await begin(path, text.replace('20<', '21<'), { 'If-Match': etag });
      const other = await system.put(path, text.replace('20<', '22<'), groupType, { 'If-Match': etag });
      expect(other.status).to.equal(200);
      expect(await finish()).to.equal(412);
      const stored = await system.get(path);
      expect([stored.text, tagOf(stored)]).to.deep.equal([text.replace('20<', '22<'), tagOf(other)]);
    });

    it('replaces what came meanwhile where it has no condition', async () => {
      const { path, text } = await putGroup(system);
      const finish = await begin(path, text.replace('20<', '21<'), {});
      await system.put(path, text.replace('20<', '22<'), groupType);
      expect(await finish()).to.equal(200);
      expect((await system.get(path)).text).to.equal(text.replace('20<', '21<'));
    });
  });

  describe('RFC 4825 §8.2.3, §8.4 one list, many hands', () => {
    const users = Array.from({ length: 200 }, (_, number) => `sip:crowd.${number}@police.example`);

    /** Expects each of `there` exactly once in the document, and besides them nothing but what was there. */
    async function expectList(path: string, groupId: string, there: readonly string[]): Promise<string> {
      const whole = await system.get(path);
      const rest = there.reduce((text, uri) => {
        expect(text.split(`<entry uri="${uri}"/>`), uri).to.have.length(2);
        return text.replace(`<entry uri="${uri}"/>`, '');
      }, whole.text);
      expect(rest).to.equal(groupDocument(groupId));
      return tagOf(whole);
    }

    it('two hundred entries inserted at once are all there, once; deleted at once they are all gone', async () => {
      const { path, groupId } = await putGroup(system);
      const inserted = await Promise.all(
        users.map(async (uri) => {
          const answer = await system.request(puttingEntry(path, uri, {}));
          expect(answer.status, answer.text).to.equal(201);
          return tagOf(answer);
        }),
      );
      expect(new Set(inserted).size, 'each state has its own tag').to.equal(users.length);
      expect(inserted).to.include(await expectList(path, groupId, users));

      const kept = users.filter((_, index) => index % 4 === 0);
      const removed = await Promise.all(
        users
          .filter((uri) => !kept.includes(uri))
          .map(async (uri) => {
            const answer = await system.request({ method: 'DELETE', path: entryPath(path, uri) });
            expect(answer.status, answer.text).to.equal(200);
            return tagOf(answer);
          }),
      );
      expect(new Set([...inserted, ...removed]).size).to.equal(inserted.length + removed.length);
      expect(removed).to.include(await expectList(path, groupId, kept));
    });

    it('inserted and deleted on condition, with another try after each 412: what was acknowledged holds', async () => {
      const { path, groupId } = await putGroup(system);
      const crowd = users.slice(0, 20);
      const coming = users.slice(20, 40);
      for (const uri of crowd) await system.request(puttingEntry(path, uri, {}));
      let refusals = 0;
      const tags: string[] = [];
      /** Reads the tag and tries, until nobody else was faster. */
      async function insist(request: TestRequest, status: number): Promise<void> {
        for (;;) {
          const etag = tagOf(await system.get(path));
          const headers = { ...request.headers, 'If-Match': etag };
          const answer = await system.request({ ...request, headers });
          if (answer.status === 412) refusals += 1;
          else {
            expect(answer.status, answer.text).to.equal(status);
            tags.push(tagOf(answer));
            return;
          }
        }
      }
      await Promise.all([
        ...crowd.map((uri) => insist({ method: 'DELETE', path: entryPath(path, uri) }, 200)),
        ...coming.map((uri) => insist(puttingEntry(path, uri, {}), 201)),
      ]);
      expect(refusals, 'they did get in each other’s way').to.be.above(0);
      expect(new Set(tags).size).to.equal(crowd.length + coming.length);
      await expectList(path, groupId, coming);
    });

    it('fifty creators of one entry with If-None-Match: *: one creates', async () => {
      const { path, groupId } = await putGroup(system);
      const [uri = ''] = users;
      const found = await statuses(() => system.request(puttingEntry(path, uri, { 'If-None-Match': '*' })));
      expect(found).to.deep.equal([201, ...Array<number>(count - 1).fill(412)]);
      await expectList(path, groupId, [uri]);
    });

    it('fifty who delete one entry: one deletes, the others find nothing', async () => {
      const { path, groupId } = await putGroup(system);
      const [uri = ''] = users;
      await system.request(puttingEntry(path, uri, {}));
      const found = await statuses(() => system.request({ method: 'DELETE', path: entryPath(path, uri) }));
      expect(found).to.deep.equal([200, ...Array<number>(count - 1).fill(404)]);
      await expectList(path, groupId, []);
    });
  });

  describe('a recorded history', () => {
    const clients = 4;
    const steps = 6;
    let agent: http.Agent;
    let time = 0;

    before(() => {
      agent = new http.Agent({ keepAlive: true });
    });

    after(() => {
      agent.destroy();
    });

    interface Document {
      readonly path: string;
      readonly text: string;
      readonly history: Recorded<RegisterOperation>[];
    }

    /** What a client remembers of a document: the last tag that it was told, or one that nothing has. */
    type Memory = Map<Document, string>;

    async function ask(
      document: Document,
      memory: Memory,
      method: string,
      conditions: { readonly ifMatch?: string; readonly ifNoneMatch?: string },
      number: number,
    ): Promise<void> {
      const { pathname } = new URL(system.root);
      const value = String(number);
      const headers: Record<string, string> = { 'X-3GPP-Asserted-Identity': who.administrator };
      const quoted = (tag: string): string => (tag === '*' ? tag : `"${tag}"`);
      if (conditions.ifMatch !== undefined) headers['If-Match'] = quoted(conditions.ifMatch);
      if (conditions.ifNoneMatch !== undefined) headers['If-None-Match'] = quoted(conditions.ifNoneMatch);
      if (method === 'PUT') headers['Content-Type'] = groupType;
      const body = method === 'PUT' ? { body: document.text.replace('>20<', `>${value}<`) } : {};
      const asked = time++;
      const answer = await send(
        system.port,
        { method, target: pathname + document.path, headers, ...body },
        agent,
      );
      const answered = time++;
      const { status } = answer;
      const etag = answer.headers.etag?.slice(1, -1);
      if (etag !== undefined) memory.set(document, etag);
      const read = />(\d+)<\/max-participant-count>/.exec(answer.text)?.[1] ?? '';
      const operation: RegisterOperation =
        method === 'GET'
          ? { kind: 'get', status, etag, value: read, ...conditions }
          : method === 'PUT'
            ? { kind: 'put', status, etag, value, ...conditions }
            : { kind: 'delete', status, ...conditions };
      document.history.push({ operation, asked, answered });
    }

    /** One client's random walk over the documents. */
    async function walk(
      documents: readonly Document[],
      random: () => number,
      numbers: () => number,
    ): Promise<void> {
      const memory: Memory = new Map();
      for (let step = 0; step < steps; step += 1) {
        const document = documents[Math.floor(random() * documents.length)] ?? expect.fail('no document');
        const known = memory.get(document) ?? 'unknown';
        const choices: readonly (readonly [string, { ifMatch?: string; ifNoneMatch?: string }])[] = [
          ['GET', {}],
          ['GET', {}],
          ['GET', {}],
          ['GET', { ifNoneMatch: known }],
          ['GET', { ifMatch: known }],
          ['PUT', {}],
          ['PUT', {}],
          ['PUT', { ifNoneMatch: '*' }],
          ['PUT', { ifMatch: known }],
          ['PUT', { ifMatch: known }],
          ['PUT', { ifMatch: '*' }],
          ['DELETE', {}],
          ['DELETE', { ifMatch: known }],
        ];
        const [method, conditions] = choices[Math.floor(random() * choices.length)] ?? ['GET', {}];
        await ask(document, memory, method, conditions, numbers());
      }
    }

    async function record(random: () => number): Promise<readonly Document[]> {
      const documents = Array.from({ length: 2 }, (): Document => {
        const groupId = freshGroupId();
        return { path: groupPath(groupId), text: groupDocument(groupId), history: [] };
      });
      let number = 100;
      const numbers = (): number => number++;
      await Promise.all(Array.from({ length: clients }, () => walk(documents, random, numbers)));
      return documents;
    }

    it(`of ${clients} clients, ${histories} times, fits one register per document, seed ${seed}`, async function () {
      this.timeout(10_000 + histories * 100);
      const random = randomNumbers(seed);
      const tags = new Set<string>();
      let writes = 0;
      const kinds = new Set<string>();
      const beside = 6;
      for (let made = 0; made < histories; made += beside) {
        const recorded = await Promise.all(
          Array.from({ length: Math.min(beside, histories - made) }, () => record(random)),
        );
        for (const { history } of recorded.flat()) {
          for (const { operation } of history) {
            const { kind, status } = operation;
            kinds.add(`${kind} ${status}`);
            if (operation.kind !== 'put' || operation.etag === undefined) continue;
            writes += 1;
            tags.add(operation.etag);
          }
          const order = linearize(history, registerModel);
          if (order === undefined) expect.fail(`no order fits:\n${JSON.stringify(history, undefined, 1)}`);
        }
      }
      expect(tags.size, 'no tag was used twice').to.equal(writes);
      // A few histories need not meet all.
      if (histories < 100) return;
      expect([...kinds].sort(), 'every outcome was met').to.deep.equal([
        'delete 200',
        'delete 404',
        'delete 412',
        'get 200',
        'get 304',
        'get 404',
        'get 412',
        'put 200',
        'put 201',
        'put 412',
      ]);
    });
  });
});
