import { expect } from 'chai';
import { incarnationField, withdrawalField } from '../../../src/interconnection/csc-16-fields.js';
import { PeerClient, type PeerRequest } from '../../../src/interconnection/peer-client.js';
import { resultMediaType } from '../../../src/interconnection/result/result.js';
import { NoAnswer } from '../../../src/outbound/client.js';
import { mediaTypes } from '../../../src/xcap/media-types.js';
import { groupText } from '../../support/peers.js';
import { groupType } from '../../support/system.js';
import { limits } from '../../support/limits.js';
import { ManualClock } from '../../support/manual-clock.js';
import { schemas } from '../../support/schemas.js';
import { answer, b, identity, incarnation, joint, peer, ScriptedClient, theirIncarnation } from './parts.js';

describe('23.280 10.2.7: requests to a peer', () => {
  let scripted: ScriptedClient;
  let client: PeerClient;
  let heard: (readonly [string, string])[];
  const request: PeerRequest = {
    peer: peer(b),
    share: { purpose: 'delivery' },
    groupId: joint,
    condition: { 'If-Match': '"theirs"' },
    signal: new AbortController().signal,
  };
  const methods = [
    ['GET', (about: PeerRequest) => client.getGroup(about)],
    ['HEAD', (about: PeerRequest) => client.headGroup(about)],
    ['PUT', (about: PeerRequest) => client.putGroup(about, groupText())],
    ['DELETE', (about: PeerRequest) => client.deleteGroup(about)],
  ] as const;

  beforeEach(() => {
    scripted = new ScriptedClient();
    heard = [];
    client = new PeerClient(scripted, {
      identity,
      incarnation,
      schemas: schemas(),
      limits,
      clock: new ManualClock(),
      onIncarnation: (system, token) => heard.push([system, token]),
    });
  });

  for (const [method, send] of methods) {
    it(`${method} asserts our identity, keeps its condition and accepts documents, Results and xcap-errors`, async () => {
      scripted.answers(answer(204));
      await send(request);
      const [sent] = scripted.requests;
      expect(sent?.method).to.equal(method);
      expect(sent?.headers).to.include({
        'X-3GPP-Asserted-Identity': identity,
        [incarnationField]: incarnation,
        'If-Match': '"theirs"',
      });
      expect(sent?.headers['Accept']?.split(', ')).to.have.members([
        groupType,
        resultMediaType,
        mediaTypes.error,
      ]);
      expect(
        sent?.headers['Accept']?.startsWith(
          method === 'GET' || method === 'HEAD' ? groupType : resultMediaType,
        ),
      ).to.equal(true);
      expect(sent?.body).to.equal(method === 'PUT' ? groupText() : undefined);
      expect(sent?.headers['Content-Type']).to.equal(method === 'PUT' ? groupType : undefined);
    });

    it(`${method}: a page of a proxy is not the peer's own word, whatever its status`, async () => {
      const page = { 'content-type': 'text/html', etag: 'W/"page"' };
      for (const status of [200, 201, 204, 302, 304, 401, 403, 404, 405, 410, 411, 412, 429, 500, 503]) {
        scripted.answers(answer(status, page, '<html></html>'));
        const { own, result, etag } = await send(request);
        expect([own, result, etag], String(status)).to.deep.equal([false, undefined, undefined]);
      }
      expect(heard).to.deep.equal([]);
    });

    it(`${method}: the incarnation of its store makes an answer the peer's own, and is told`, async () => {
      const field = incarnationField.toLowerCase();
      scripted.answers(
        answer(404, { [field]: theirIncarnation }),
        answer(404, { [field]: 'short' }),
        answer(404, { [field]: `${theirIncarnation}, ${theirIncarnation}` }),
      );
      const own: boolean[] = [];
      for (let number = 0; number < 3; number += 1) own.push((await send(request)).own);
      expect(own).to.deep.equal([true, false, false]);
      expect(heard).to.deep.equal([[b, theirIncarnation]]);
    });
  }

  it('the group ID is one encoded segment below the root of the peer', async () => {
    scripted.answers(answer(200));
    await client.getGroup(request);
    const { root } = peer(b);
    const below = scripted.requests[0]?.url.slice(root.length);
    expect(scripted.requests[0]?.url).to.match(/^http:\/\/b\.invalid\/xcap-root\//);
    expect(decodeURIComponent(below?.split('/').at(-1) ?? '')).to.equal(joint);
  });

  it('the answer names its media type in lower case and without parameters', async () => {
    const headers = { 'content-type': 'Text/XML; charset=utf-8', etag: '"e"', 'retry-after': '7' };
    scripted.answers(answer(503, headers, 'text'), answer(200));
    expect(await client.getGroup(request)).to.deep.equal({
      status: 503,
      mediaType: 'text/xml',
      etag: '"e"',
      withdrawalTag: undefined,
      retryAfter: 7000,
      own: false,
      result: undefined,
      explanation: '',
      body: { kind: 'whole', bytes: Buffer.from('text') },
    });
    expect((await client.getGroup(request)).mediaType).to.equal('');
  });

  it('RFC 4825 clause 8.5: weak and malformed tags count as none', async () => {
    for (const etag of ['W/"e"', 'e', '"e', '"a" "b"', '*', '']) {
      scripted.answers(answer(201, { etag }), answer(200, { etag, 'content-type': 'text/plain' }));
      const put = await client.putGroup(request, groupText());
      expect([put.etag, put.own], etag).to.deep.equal([undefined, false]);
      expect((await client.headGroup(request)).etag, etag).to.equal(undefined);
    }
    scripted.answers(answer(201, { etag: '"e"' }), answer(304, { etag: '"e"' }));
    const put = await client.putGroup(request, groupText());
    expect([put.etag, put.own]).to.deep.equal(['"e"', true]);
    expect((await client.headGroup(request)).own).to.equal(true);
  });

  it('the tag of a withdrawal that the peer remembers is read where it is one', async () => {
    const field = withdrawalField.toLowerCase();
    scripted.answers(answer(404, { [field]: '"w"' }), answer(404, { [field]: 'none' }), answer(404));
    const tags: unknown[] = [];
    for (let number = 0; number < 3; number += 1) tags.push((await client.getGroup(request)).withdrawalTag);
    expect(tags).to.deep.equal(['"w"', undefined, undefined]);
  });

  it('RFC 4825 clause 12: an XCAP server has a capabilities document, and a page is none', async () => {
    const { signal } = request;
    scripted.answers(
      answer(200, { 'content-type': `${mediaTypes.caps}; charset=utf-8` }),
      answer(200, { 'content-type': 'text/html' }),
      answer(404, { 'content-type': mediaTypes.caps }),
      answer(200),
    );
    const found: boolean[] = [];
    for (let number = 0; number < 4; number += 1)
      found.push(await client.isXcapServer(peer(b), request.share, signal));
    expect(found).to.deep.equal([true, false, false, false]);
    expect(scripted.requests[0]).to.deep.include({
      method: 'GET',
      url: `${peer(b).root}/xcap-caps/global/index`,
    });
    expect(scripted.requests[0]?.headers['X-3GPP-Asserted-Identity']).to.equal(identity);
  });

  it('the request ends with its signal', async () => {
    const ended = { ...request, signal: AbortSignal.abort() };
    expect(await client.getGroup(ended).catch((error: unknown) => error)).to.be.instanceOf(NoAnswer);
  });
});
