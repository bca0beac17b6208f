import { expect } from 'chai';
import { BadRequest, MethodNotAllowed, NotFound, UriTooLong } from '../../../src/base/refusals.js';
import type { XcapAnswer, XcapRequest } from '../../../src/http/messages.js';
import { Router, type Call } from '../../../src/http/router.js';

function shown({ requester, names, query }: Call<string>): XcapAnswer {
  return { status: 200, headers: {}, body: JSON.stringify([requester, names, query.toString()]) };
}

const router = new Router<string>(
  [
    { path: '', handlers: { GET: shown } },
    { path: 'things/{name}', handlers: { GET: shown, DELETE: shown } },
    { path: 'things/{name}/retry', handlers: { POST: shown } },
  ],
  { path: '/ops', targetLength: 40 },
);

async function routed(method: string, target: string): Promise<unknown> {
  const request: XcapRequest = {
    method,
    target,
    headers: {},
    readBody: () => Promise.resolve(Buffer.alloc(0)),
    gone: () => new AbortController().signal,
  };
  const { body } = await router.route(request, 'admin');
  return JSON.parse(String(body));
}

async function refusal(method: string, target: string): Promise<unknown> {
  try {
    return await routed(method, target);
  } catch (error) {
    return error;
  }
}

describe('The router of resources below a path', () => {
  it('owns the path and all below it, and no other path', () => {
    for (const target of ['/ops', '/ops/', '/ops?x', '/ops/things/a', 'http://host/ops/x']) {
      expect(router.owns(target), target).to.equal(true);
    }
    for (const target of ['/', '/op', '/opsx', '/x/ops']) expect(router.owns(target), target).to.equal(false);
  });

  it('gives handlers the decoded names and the query', async () => {
    expect(await routed('GET', '/ops')).to.deep.equal(['admin', [], '']);
    expect(await routed('GET', '/ops/')).to.deep.equal(['admin', [], '']);
    expect(await routed('HEAD', '/ops/things/a%2Fb?x=1')).to.deep.equal(['admin', ['a/b'], 'x=1']);
    expect(await routed('POST', '/ops/things/a/retry')).to.deep.equal(['admin', ['a'], '']);
  });

  it('lists the resources with their methods', () => {
    expect(router.resources).to.deep.equal([
      { path: '/ops/things/{name}', methods: ['GET', 'DELETE'] },
      { path: '/ops/things/{name}/retry', methods: ['POST'] },
    ]);
  });

  it('refuses a method that the resource does not allow, and says which it does (RFC 9110 §15.5.6)', async () => {
    for (const method of ['PUT', 'constructor']) {
      const error = await refusal(method, '/ops/things/a');
      expect(error).to.be.instanceOf(MethodNotAllowed);
      expect((error as MethodNotAllowed).headers).to.deep.equal({ Allow: 'GET, HEAD, DELETE' });
    }
    expect(await refusal('GET', '/ops/things/a/retry')).to.be.instanceOf(MethodNotAllowed);
  });

  for (const target of ['/ops/things', '/ops/things/', '/ops/things/a/', '/ops/other/a', '/ops//']) {
    it(`${target} is no resource`, async () => {
      expect(await refusal('GET', target)).to.be.instanceOf(NotFound);
    });
  }

  it('refuses a bad percent-encoding, and a request-target that is too long', async () => {
    expect(await refusal('GET', '/ops/things/%zz')).to.be.instanceOf(BadRequest);
    expect(await refusal('GET', `/ops/${'x'.repeat(35)}`)).to.be.instanceOf(NotFound);
    expect(await refusal('GET', `/ops/${'x'.repeat(36)}`)).to.be.instanceOf(UriTooLong);
  });
});
