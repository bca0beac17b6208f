import http from 'node:http';
import net from 'node:net';
import { expect } from 'chai';
import { groupDocument } from '../conformance/expectations.js';
import { groupPath, groupType, TestSystem, who } from '../support/system.js';

/** A system that closes while a client is busy with it, on a connection that would be kept open. */

describe('A system that closes', () => {
  /** The least time after which connections would be closed by force, in milliseconds. */
  const force = 5000;
  let system: TestSystem;
  let agent: http.Agent;

  beforeEach(async () => {
    system = await TestSystem.start();
    agent = new http.Agent({ keepAlive: true });
  });

  afterEach(async () => {
    agent.destroy();
    await system.dispose();
  });

  it('answers the request under way, says that it hangs up, and does not wait for a next one', async () => {
    const groupId = 'sip:closing@police.example';
    const text = groupDocument(groupId);
    const { pathname } = new URL(system.root);
    const request = http.request({
      port: system.port,
      host: '127.0.0.1',
      agent,
      method: 'PUT',
      path: `${pathname}${groupPath(groupId)}`,
      headers: {
        'X-3GPP-Asserted-Identity': who.administrator,
        'Content-Type': groupType,
        'Content-Length': Buffer.byteLength(text),
        Expect: '100-continue',
      },
    });
    const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
      request.on('response', resolve).on('error', reject);
    });
    const expected = new Promise((resolve) => request.once('continue', resolve));
    request.flushHeaders();
    await expected;

    const started = performance.now();
    const closed = system.close();
    request.end(text);
    const answer = await answered;
    answer.resume();
    expect([answer.statusCode, answer.headers.connection]).to.deep.equal([201, 'close']);
    await closed;
    expect(performance.now() - started, 'milliseconds').to.be.below(force - 1000);

    await system.open();
    const stored = await system.get(groupPath(groupId));
    expect([stored.status, stored.text, stored.headers.etag]).to.deep.equal([200, text, answer.headers.etag]);
  });

  it('does not wait for connections that nothing was asked on yet', async () => {
    const socket = net.connect(system.port, '127.0.0.1');
    const hungUp = new Promise((resolve) => socket.once('close', resolve));
    await new Promise((resolve) => socket.once('connect', resolve));
    // The answer to a later connection shows that the server knows of the earlier one.
    await system.get('/');
    const started = performance.now();
    await system.close();
    expect(performance.now() - started, 'milliseconds').to.be.below(force - 1000);
    await hungUp;
  });

  it('keeps connections open as long as it does not close', async () => {
    const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
      http.get(system.root, { agent }, resolve).on('error', reject);
    });
    answer.resume();
    expect(answer.headers.connection).to.equal('keep-alive');
  });
});
