import { expect } from 'chai';
import { PeerClient, type PeerRequest } from '../../../src/interconnection/peer-client.js';
import { resultMediaType } from '../../../src/interconnection/result/result.js';
import { NoAnswer } from '../../../src/outbound/client.js';
import { mediaTypes } from '../../../src/xcap/media-types.js';
import { groupText } from '../../support/peers.js';
import { groupType } from '../../support/system.js';
import { answer, b, identity, joint, peer, ScriptedClient } from './parts.js';

describe('23.280 10.2.7: requests to a peer', () => {
  let scripted: ScriptedClient;
  let client: PeerClient;
  const request: PeerRequest = {
    peer: peer(b),
    groupId: joint,
    condition: { 'If-Match': '"theirs"' },
    ownWords: [404],
    signal: new AbortController().signal,
  };
  const methods = [
    ['GET', (about: PeerRequest) => client.getGroup(about)],
    ['PUT', (about: PeerRequest) => client.putGroup(about, groupText())],
    ['DELETE', (about: PeerRequest) => client.deleteGroup(about)],
  ] as const;

  beforeEach(() => {
    scripted = new ScriptedClient();
    client = new PeerClient(scripted, identity);
  });

  for (const [method, send] of methods) {
    it(`${method} asserts our identity, keeps its condition and accepts documents, Results and xcap-errors`, async () => {
      scripted.answers(answer(204));
      await send(request);
      const [sent] = scripted.requests;
      expect(sent?.method).to.equal(method);
      expect(sent?.headers).to.include({
        'X-3GPP-Asserted-Identity': identity,
        'If-Match': '"theirs"',
      });
      expect(sent?.headers['Accept']?.split(', ')).to.have.members([
        groupType,
        resultMediaType,
        mediaTypes.error,
      ]);
      expect(sent?.body).to.equal(method === 'PUT' ? groupText() : undefined);
      expect(sent?.headers['Content-Type']).to.equal(method === 'PUT' ? groupType : undefined);
    });

    it(`${method}: a page of a proxy is no answer where only the peer's own word counts`, async () => {
      const page = { 'content-type': 'text/html' };
      scripted.answers(answer(404, page), answer(403, page));
      const thrown = await send(request).catch((error: unknown) => error);
      expect(thrown).to.be.instanceOf(NoAnswer);
      expect((await send(request)).status).to.equal(403);
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
      retryAfter: '7',
      body: Buffer.from('text'),
    });
    expect((await client.getGroup(request)).mediaType).to.equal('');
  });

  it('the request ends with its signal', async () => {
    const ended = { ...request, signal: AbortSignal.abort() };
    expect(await client.getGroup(ended).catch((error: unknown) => error)).to.be.instanceOf(NoAnswer);
  });
});
