import { expect } from 'chai';
import { ManualClock } from '../support/manual-clock.js';
import {
  administratorDeletes,
  administratorPuts,
  copyAt,
  fire,
  getAs,
  groupText,
  InformedServer,
  joint,
  police,
  policyFixture,
  provide,
  putPolicy,
  readXcapDiff,
  siteConfig,
  startPartner,
  steadyRandom,
  type ToldChange,
} from '../support/peers.js';
import { groupPath, type TestSystem } from '../support/system.js';

const nowhere = 'http://127.0.0.1:9/xcap-root';
const sel = groupPath(joint).slice(1);

/** Expects each change of a document to begin with the tag that the one before ended with. */
function expectChain(changes: readonly ToldChange[]): void {
  changes.forEach(({ previous }, i) => {
    if (i > 0) expect(previous, `the tag before change ${i + 1}`).to.equal(changes[i - 1]?.next);
  });
}

describe('23.280 10.2.7.2 step 4 and 10.2.7.3 step 6: informing MC service servers', () => {
  let server: InformedServer;
  let clock: ManualClock;
  let b: TestSystem;

  beforeEach(async () => {
    server = await InformedServer.start();
    clock = new ManualClock();
    b = await startPartner(nowhere, { inform: server.url }, { clock, random: steadyRandom });
  });

  afterEach(async () => {
    await b.dispose();
    await server.close();
  });

  const tagNow = async (): Promise<string | undefined> =>
    (await copyAt(b, joint)).effective.etag?.slice(1, -1);

  const update = async (name: string): Promise<void> => {
    const { received } = await copyAt(b, joint);
    const headers = received.etag === undefined ? {} : { 'If-Match': received.etag };
    const answer = await provide(b, police, joint, groupText({ name }), headers);
    expect(answer.status, answer.text).to.be.oneOf([200, 201]);
  };

  const withdraw = async (): Promise<void> => {
    const answer = await b.request({ method: 'DELETE', path: groupPath(joint), as: police.gms });
    expect(answer.status).to.equal(200);
  };

  it('an xcap-diff document, POSTed, names the XCAP root and the document', async () => {
    await update('First');
    const request = await server.server.request(1);
    expect([request.method, request.target]).to.deep.equal(['POST', '/changes']);
    expect(request.headers['content-type']).to.equal('application/xcap-diff+xml');
    const { root, changes } = readXcapDiff(request.body);
    expect(root).to.equal(b.root);
    expect(changes).to.deep.equal([{ selector: sel, previous: undefined, next: await tagNow() }]);
    const served = await b.request({
      method: 'GET',
      path: `/${changes[0]?.selector ?? ''}`,
      as: fire.server,
    });
    expect(served.status, 'the selector leads to the document').to.equal(200);
  });

  it('names the public root where one is configured', async () => {
    await b.close();
    await b.open({ http: { port: 0, publicRoot: 'https://gms.fire.example/xcap' } });
    await update('First');
    const { root } = readXcapDiff((await server.server.request(1)).body);
    expect(root).to.equal('https://gms.fire.example/xcap');
  });

  it('the tags are those of HTTP: coming, changing, going', async () => {
    await update('First');
    await server.told(1);
    const first = await tagNow();
    await update('Second');
    await server.told(2);
    const second = await tagNow();
    await withdraw();
    await server.told(3);
    expect(server.all).to.deep.equal([
      { selector: sel, previous: undefined, next: first },
      { selector: sel, previous: first, next: second },
      { selector: sel, previous: second, next: undefined },
    ]);
  });

  it('tells of effective documents only: never the tag of a received one', async () => {
    await putPolicy(b, fire, policyFixture('guest-groups'));
    await update('First');
    await server.told(1);
    const { received, effective } = await copyAt(b, joint);
    expect(server.all[0]?.next).to.equal(effective.etag?.slice(1, -1));
    expect(server.all[0]?.next).to.not.equal(received.etag?.slice(1, -1));
  });

  it('tells of groups of our own too, and of nothing but groups', async () => {
    await putPolicy(b, fire, policyFixture('guest-groups'));
    const own = 'sip:harbour-fire@fire.example';
    await administratorPuts(b, fire, own, groupText({ id: own }));
    const [change] = await server.told(1);
    expect(change?.selector).to.equal(groupPath(own).slice(1));
    expect(`"${String(change?.next)}"`).to.equal((await getAs(b, fire.server, own)).headers.etag);
    await administratorDeletes(b, fire, own);
    expect((await server.told(2))[0]).to.deep.include({ previous: change?.next, next: undefined });
  });

  describe('a server that is down', () => {
    const failed = 'MC service server not informed';

    it('is told after the pause; changes in between are one, and the chain has no gap', async () => {
      await update('First');
      await server.told(1);
      await server.server.down();
      await update('Second');
      await b.log.line(failed);
      await update('Third');
      await update('Fourth');
      await server.server.up();
      expect(clock.pending, 'one attempt waits').to.equal(1);
      clock.advance(8000);
      await server.told(2);
      expect(server.all).to.have.length(2);
      expectChain(server.all);
      expect(server.all.at(-1)?.next).to.equal(await tagNow());
    });

    it('is tried after pauses that double', async () => {
      await server.server.down();
      await update('First');
      for (const pause of [8000, 16_000, 32_000]) {
        await b.log.line(failed);
        clock.advance(pause - 1);
        expect(clock.pending, 'not a moment too early').to.equal(1);
        b.log.clear();
        clock.advance(1);
      }
      await b.log.line(failed);
      await server.server.up();
      clock.advance(64_000);
      await server.told(1);
    });

    it('a document that came and went meanwhile needs no word', async () => {
      await server.server.down();
      const own = 'sip:harbour-fire@fire.example';
      await administratorPuts(b, fire, own, groupText({ id: own }));
      await b.log.line(failed);
      await update('Came');
      await withdraw();
      await server.server.up();
      clock.advance(8000);
      await server.told(1);
      expect(server.all.map(({ selector }) => selector)).to.deep.equal([groupPath(own).slice(1)]);
    });

    it('a document that went and came again meanwhile: from the old tag to the new one', async () => {
      await update('First');
      await server.told(1);
      await server.server.down();
      await withdraw();
      await b.log.line(failed);
      await update('Again');
      await server.server.up();
      clock.advance(8000);
      await server.told(2);
      expectChain(server.all);
      expect(server.all.at(-1)?.next).to.equal(await tagNow());
    });

    for (const answer of [
      { status: 500 },
      { status: 404 },
      { status: 302, headers: { Location: '/other' } },
      'reset',
    ] as const) {
      it(`an answer of ${typeof answer === 'string' ? answer : answer.status} counts as down`, async () => {
        server.server.answers(answer);
        await update('First');
        await b.log.line(failed);
        clock.advance(8000);
        await server.told(2);
        const [lost, told] = server.all;
        expect(told).to.deep.equal(lost);
        expect(server.server.requests.map(({ target }) => target)).to.deep.equal(['/changes', '/changes']);
      });
    }

    it('does not hold up another server', async () => {
      const other = await InformedServer.start();
      try {
        await b.close();
        await server.server.down();
        const { mcServiceServers = [] } = siteConfig(fire, police, nowhere, { inform: server.url });
        const second = { identity: 'sip:mcdata-server@fire.example', inform: other.url };
        await b.open({ mcServiceServers: [...mcServiceServers, second] });
        await update('First');
        await update('Second');
        await other.told(2);
        expectChain(other.all);
        const line = await b.log.line(failed);
        expect(line.fields['server']).to.equal(fire.server);
      } finally {
        await other.close();
      }
    });

    it('does not hold up the answer to the primary, nor the close of the system', async () => {
      server.server.answers('silence');
      await update('First');
      await server.server.request(1);
      await update('Second');
      await b.close();
    });
  });
});
