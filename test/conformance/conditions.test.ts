import { expect } from 'chai';
import { exchange } from '../security/raw-socket.js';
import { ManualClock } from '../support/manual-clock.js';
import type { RawAnswer } from '../support/raw-http.js';
import { elementType, groupPath, groupType, TestSystem, who, type TestRequest } from '../support/system.js';
import { freshGroupId, groupDocument, putGroup, refused, tagOf } from './expectations.js';

describe('Conditional requests', () => {
  let system: TestSystem;

  before(async () => {
    system = await TestSystem.start();
  });

  after(() => system.dispose());

  function putting(path: string, body: string, conditions: Readonly<Record<string, string>>): TestRequest {
    return { method: 'PUT', path, body, headers: { 'Content-Type': groupType, ...conditions } };
  }

  describe('RFC 4825 §8.5 entity tags', () => {
    it('a state that comes back has a tag of its own: A, B, A give three', async () => {
      const { path, text, etag } = await putGroup(system);
      const b = await system.put(path, text.replace('20<', '21<'), groupType);
      const a = await system.put(path, text, groupType);
      expect(new Set([etag, tagOf(b), tagOf(a)]).size).to.equal(3);
    });

    it('the same body again gives another tag', async () => {
      const { path, text, etag } = await putGroup(system);
      expect(tagOf(await system.put(path, text, groupType))).not.to.equal(etag);
    });

    it('a document that was deleted and created again has another tag', async () => {
      const { path, text, etag } = await putGroup(system);
      const { status } = await system.request({ method: 'DELETE', path, headers: { 'If-Match': etag } });
      expect(status).to.equal(200);
      const created = await system.put(path, text, groupType);
      expect(created.status).to.equal(201);
      expect(tagOf(created)).not.to.equal(etag);
      await refused(system, path, putting(path, text, { 'If-Match': etag }), { status: 412 });
    });

    it('each edit of a part changes the tag of the whole', async () => {
      const { path, etag } = await putGroup(system);
      const node = `${path}/~~/group/list-service/display-name`;
      const put = await system.put(node, '<display-name>A</display-name>', elementType);
      const removed = await system.request({ method: 'DELETE', path: node });
      expect(new Set([etag, tagOf(put), tagOf(removed)]).size).to.equal(3);
      expect(tagOf(await system.get(path))).to.equal(tagOf(removed));
    });
  });

  describe('RFC 9110 §13.1.3, §13.1.4 conditions by date', () => {
    const clock = new ManualClock();
    let dated: TestSystem;

    before(async () => {
      dated = await TestSystem.start({}, { clock });
    });

    after(() => dated.dispose());

    const date = (milliseconds: number): string => new Date(milliseconds).toUTCString();

    it('§8.8.2 a document and its nodes have the date of the last change', async () => {
      const { path, text } = await putGroup(dated);
      const node = `${path}/~~/group/list-service/display-name`;
      const put = await dated.request(putting(path, text, {}));
      expect(put.headers['last-modified']).to.equal(date(clock.now()));
      clock.advance(2000);
      const changed = date(clock.now());
      const edited = await dated.put(node, '<display-name>A</display-name>', elementType);
      expect(edited.headers['last-modified']).to.equal(changed);
      clock.advance(2000);
      for (const [method, at] of [
        ['GET', path],
        ['HEAD', path],
        ['GET', node],
        ['GET', `${path}/~~/group/list-service/@uri`],
        ['GET', `${path}/~~/group/list-service/namespace::*`],
      ] as const) {
        expect((await dated.request({ method, path: at })).headers['last-modified'], at).to.equal(changed);
      }
      const removed = await dated.request({ method: 'DELETE', path: node });
      expect(removed.headers['last-modified']).to.equal(date(clock.now()));
    });

    it('§8.8.2.1 nothing has a date that is yet to come, or that nobody knows', async () => {
      const { path } = await putGroup(dated);
      clock.jump(-60_000);
      expect((await dated.get(path)).headers).not.to.have.property('last-modified');
      clock.jump(60_000);
      const caps = await dated.get('/xcap-caps/global/index', { 'If-Modified-Since': date(clock.now()) });
      expect(caps.status).to.equal(200);
      expect(caps.headers).not.to.have.property('last-modified');
    });

    it('a read: 304 with the tag and what caches need, or 412', async () => {
      clock.advance(2000);
      const { path, text, etag } = await putGroup(dated);
      const now = clock.now();
      for (const method of ['GET', 'HEAD']) {
        const since = (headers: Readonly<Record<string, string>>): Promise<RawAnswer> =>
          dated.request({ method, path, headers });
        const known = await since({ 'If-Modified-Since': date(now) });
        expect([known.status, known.text, known.headers.etag]).to.deep.equal([304, '', etag]);
        expect(known.headers).to.have.property('vary');
        expect(known.headers).to.have.property('cache-control');
        expect(known.headers).to.have.property('date');
        expect(known.headers, '§15.4.5').not.to.have.property('last-modified');
        expect((await since({ 'If-Modified-Since': date(now - 1000) })).status).to.equal(200);
        expect((await since({ 'If-Unmodified-Since': date(now - 1000) })).status).to.equal(412);
      }
      const ranged = { Range: 'bytes=0-3', 'If-Range': date(now - 1000) };
      const whole = await dated.get(path, ranged);
      expect([whole.status, whole.text], '§14.2 a range may be ignored').to.deep.equal([200, text]);
    });

    it('a write: nothing that changed since is overwritten', async () => {
      clock.advance(2000);
      const { path, text } = await putGroup(dated);
      const node = `${path}/~~/group/list-service/display-name`;
      const stale = { 'If-Unmodified-Since': date(clock.now() - 1000) };
      await refused(dated, path, putting(path, text, stale), { status: 412 });
      await refused(dated, path, { method: 'DELETE', path, headers: stale }, { status: 412 });
      await refused(dated, path, { method: 'DELETE', path: node, headers: stale }, { status: 412 });
      const fresh = { 'If-Unmodified-Since': date(clock.now()) };
      expect((await dated.request(putting(path, text, fresh))).status).to.equal(200);
      const twice = await refused(dated, path, putting(path, text, fresh), { status: 412 });
      expect(twice.text, '§8.8.2.2').to.contain('more than once in the second');
      clock.advance(1000);
      const later = { 'If-Unmodified-Since': date(clock.now()) };
      expect((await dated.request(putting(path, text, later))).status).to.equal(200);
    });

    it('what is no date is ignored, as is If-Modified-Since for a write', async () => {
      const { path, text } = await putGroup(dated);
      const headers = { 'If-Unmodified-Since': '2020-01-01', 'If-Modified-Since': date(clock.now()) };
      expect((await dated.request(putting(path, text, headers))).status).to.equal(200);
    });
  });

  describe('RFC 9110 §13 no condition is passed over', () => {
    for (const field of ['If', 'If-Schedule-Tag-Match', 'if-something']) {
      it(`${field} is not known here: 412`, async () => {
        const { path, text } = await putGroup(system);
        const answer = await refused(system, path, putting(path, text, { [field]: '(["a"])' }), {
          status: 412,
        });
        expect(answer.text).to.contain(`the condition in ${field} is not known here`);
      });
    }

    for (const field of ['If-Unmodified-Since', 'If-Modified-Since']) {
      it(`two ${field} fields: 400`, async () => {
        const { path } = await putGroup(system);
        const { pathname } = new URL(system.root);
        const answer = await exchange(
          system.port,
          [
            `DELETE ${pathname}${path} HTTP/1.1`,
            'Host: x',
            `X-3GPP-Asserted-Identity: ${who.administrator}`,
            `${field}: Thu, 01 Jan 2099 00:00:00 GMT`,
            `${field}: Sun, 06 Nov 1994 08:49:37 GMT`,
            'Connection: close',
            '',
            '',
          ].join('\r\n'),
        );
        expect(answer).to.match(/^HTTP\/1\.1 400 /);
        expect((await system.get(path)).status).to.equal(200);
      });
    }
  });

  describe('RFC 9110 §13.1.2 GET and HEAD where the state is known', () => {
    for (const [title, value] of [
      ['its tag', (etag: string) => etag],
      ['its tag as a weak one', (etag: string) => `W/${etag}`],
      ['its tag without quotes', (etag: string) => etag.replaceAll('"', '')],
      ['its tag among others', (etag: string) => `"a", ${etag}, "b"`],
      ['any state', () => '*'],
    ] as const) {
      it(`${title}: 304 with the tag and no body`, async () => {
        const { path, etag } = await putGroup(system);
        for (const method of ['GET', 'HEAD']) {
          const headers = { 'If-None-Match': value(etag) };
          const answer = await system.request({ method, path, headers });
          expect([answer.status, answer.text, answer.headers.etag]).to.deep.equal([304, '', etag]);
        }
      });
    }

    for (const [title, value] of [
      ['another tag', () => '"other"'],
      ['a tag of the same length', (etag: string) => etag.replace(/\w/, '~')],
      ['several others', () => '"a", W/"b"'],
    ] as const) {
      it(`${title}: 200 with the document`, async () => {
        const { path, text, etag } = await putGroup(system);
        const answer = await system.get(path, { 'If-None-Match': value(etag) });
        expect([answer.status, answer.text]).to.deep.equal([200, text]);
      });
    }

    it('If-Match with another tag: 412', async () => {
      const { path } = await putGroup(system);
      await refused(system, path, { method: 'GET', path, headers: { 'If-Match': '"a"' } }, { status: 412 });
    });

    it('a resource that does not exist is 404, whatever the condition', async () => {
      const path = groupPath(freshGroupId());
      for (const headers of [{ 'If-Match': '*' }, { 'If-None-Match': '*' }, { 'If-None-Match': '"a"' }]) {
        await refused(system, path, { method: 'GET', path, headers }, { status: 404 });
      }
    });
  });

  describe('RFC 4825 §8.2.6, RFC 9110 §13.1 writes', () => {
    const holding: readonly [string, (etag: string) => Readonly<Record<string, string>>][] = [
      ['If-Match with its tag', (etag) => ({ 'If-Match': etag })],
      ['If-Match with its tag without quotes', (etag) => ({ 'If-Match': etag.replaceAll('"', '') })],
      ['If-Match with its tag among others', (etag) => ({ 'If-Match': `"a",${etag}` })],
      ['If-Match: *', () => ({ 'If-Match': '*' })],
      ['If-None-Match with another tag', () => ({ 'If-None-Match': '"a"' })],
      ['both', (etag) => ({ 'If-Match': etag, 'If-None-Match': '"a"' })],
    ];
    for (const [title, conditions] of holding) {
      it(`${title} holds for a document that exists: PUT and DELETE are done`, async () => {
        const { path, text, etag } = await putGroup(system);
        const put = await system.put(path, text.replace('20<', '21<'), groupType, conditions(etag));
        expect(put.status).to.equal(200);
        const headers = conditions(tagOf(put));
        expect((await system.request({ method: 'DELETE', path, headers })).status).to.equal(200);
      });
    }

    const failing: readonly [string, (etag: string) => Readonly<Record<string, string>>][] = [
      ['If-Match with another tag', () => ({ 'If-Match': '"a"' })],
      ['If-Match with its tag as a weak one', (etag) => ({ 'If-Match': `W/${etag}` })],
      ['If-Match with several others', () => ({ 'If-Match': '"a", "b"' })],
      ['If-None-Match: *', () => ({ 'If-None-Match': '*' })],
      ['If-None-Match with its tag', (etag) => ({ 'If-None-Match': etag })],
      ['If-None-Match with its tag as a weak one', (etag) => ({ 'If-None-Match': `W/${etag}` })],
      ['both, of which one fails', (etag) => ({ 'If-Match': etag, 'If-None-Match': etag })],
    ];
    for (const [title, conditions] of failing) {
      it(`${title} fails for a document that exists: 412, for the whole and for a part`, async () => {
        const { path, text, etag } = await putGroup(system);
        const headers = conditions(etag);
        await refused(system, path, putting(path, text.replace('20<', '21<'), headers), { status: 412 });
        await refused(system, path, { method: 'DELETE', path, headers }, { status: 412 });
        const node = `${path}/~~/group/list-service/display-name`;
        const body = '<display-name>A</display-name>';
        const type = { 'Content-Type': elementType };
        const part = { method: 'PUT', path: node, body, headers: { ...headers, ...type } };
        await refused(system, path, part, { status: 412 });
        await refused(system, path, { method: 'DELETE', path: node, headers }, { status: 412 });
      });
    }

    it('If-Match fails where there is no document: 412, not 404 or 201', async () => {
      const groupId = freshGroupId();
      const path = groupPath(groupId);
      for (const value of ['"a"', '*', 'W/"a"']) {
        const headers = { 'If-Match': value };
        await refused(system, path, putting(path, groupDocument(groupId), headers), { status: 412 });
        await refused(system, path, { method: 'DELETE', path, headers }, { status: 412 });
      }
    });

    it('If-None-Match: * holds where there is no document', async () => {
      const groupId = freshGroupId();
      const headers = { 'If-None-Match': '*' };
      const answer = await system.put(groupPath(groupId), groupDocument(groupId), groupType, headers);
      expect(answer.status).to.equal(201);
    });

    it('a new part is conditioned on its document: If-Match with the tag holds, with * it fails', async () => {
      const { path, etag } = await putGroup(system);
      const node = `${path}/~~/group/list-service/list/entry%5B@uri=%22sip:new@police.example%22%5D`;
      const body = '<entry uri="sip:new@police.example"/>';
      const type = { 'Content-Type': elementType };
      const any = { method: 'PUT', path: node, body, headers: { ...type, 'If-Match': '*' } };
      await refused(system, path, any, { status: 412 });
      const conditions = { 'If-Match': etag, 'If-None-Match': '*' };
      expect((await system.put(node, body, elementType, conditions)).status).to.equal(201);
      const again = { method: 'PUT', path: node, body, headers: { ...type, 'If-None-Match': '*' } };
      await refused(system, path, again, { status: 412 });
    });

    it('come before the content: a body that would be refused is 412 all the same (design D10)', async () => {
      const { path } = await putGroup(system);
      for (const body of [
        '',
        '<group',
        '\u0000',
        '<!DOCTYPE a><a/>',
        '<a/>',
        groupDocument('sip:b@police.example'),
      ]) {
        await refused(system, path, putting(path, body, { 'If-Match': '"a"' }), { status: 412 });
      }
      for (const node of ['group/a/b', 'group', 'group/list-service/@uri']) {
        const type = node.includes('@') ? 'application/xcap-att+xml' : elementType;
        const headers = { 'Content-Type': type, 'If-Match': '"a"' };
        const request = { method: 'PUT', path: `${path}/~~/${node}`, body: '<', headers };
        await refused(system, path, request, { status: 412 });
      }
      for (const node of ['group/a/b', 'group', 'group/list-service/@uri']) {
        const request = { method: 'DELETE', path: `${path}/~~/${node}`, headers: { 'If-Match': '"a"' } };
        await refused(system, path, request, { status: 412 });
      }
    });

    for (const value of ['"a', 'a b', '"a" "b"', '*, "a"', ',']) {
      it(`${value} is no condition: 400`, async () => {
        const { path, text } = await putGroup(system);
        for (const field of ['If-Match', 'If-None-Match']) {
          const headers = { [field]: value };
          await refused(system, path, { method: 'GET', path, headers }, { status: 400 });
          await refused(system, path, { method: 'DELETE', path, headers }, { status: 400 });
          await refused(system, path, putting(path, text, headers), { status: 400 });
        }
      });
    }
  });
});
