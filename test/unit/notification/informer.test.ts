import { expect } from 'chai';
import fc from 'fast-check';
import type { Auid, DocumentName, ETag } from '../../../src/base/identifiers.js';
import type { DocumentChange } from '../../../src/documents/commits.js';
import type { Form } from '../../../src/documents/state.js';
import { groupsAuid } from '../../../src/groups/names.js';
import { NoAnswer, type OutboundAnswer } from '../../../src/outbound/client.js';
import { Informer } from '../../../src/notification/informer.js';
import { RecordedLog } from '../../support/log.js';
import { ManualClock } from '../../support/manual-clock.js';
import { Gate, readXcapDiff, type ToldChange } from '../../support/peers.js';
import { answer, ScriptedClient, silence, steady } from '../interconnection/parts.js';
import { seed } from '../../support/seed.js';

const backOff = { first: 1000, cap: 60_000 };
const first = 800;
const server = { identity: 'sip:mcptt-server@fire.example', url: 'http://server.invalid/changes' };
const failed = 'MC service server not informed';

function form(etag: string | undefined): Form | undefined {
  return etag === undefined ? undefined : { etag: etag as ETag, body: '', modified: 0 };
}

function change(
  document: string,
  before: string | undefined,
  after: string | undefined,
  auid: Auid = groupsAuid,
): DocumentChange {
  const key = document as DocumentName;
  return {
    key,
    auid,
    names: [key],
    before: form(before),
    after: form(after),
  };
}

describe('Informing MC service servers', () => {
  let client: ScriptedClient;
  let clock: ManualClock;
  let log: RecordedLog;
  let informer: Informer;

  const begin = (servers = [server]): void => {
    client = new ScriptedClient();
    client.otherwise = () => answer(204);
    clock = new ManualClock();
    log = new RecordedLog();
    informer = new Informer(
      servers,
      { client, clock, random: steady, log },
      { xcapRoot: () => 'http://127.0.0.1/xcap-root', backOff },
    );
  };

  beforeEach(() => {
    begin();
  });

  afterEach(async () => {
    await informer.close();
  });

  const told = async (number: number): Promise<ToldChange[]> =>
    readXcapDiff(String((await client.request(number)).body)).changes;

  /** Lets everything happen that waits for nothing but its turn. */
  const rest = async (): Promise<void> => {
    for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  it('a group that comes or goes has one tag, a group that changes has both (RFC 5874 clause 3)', async () => {
    informer.inform(change('g', undefined, '1'));
    expect(await told(1)).to.deep.equal([{ selector: 'g', previous: undefined, next: '1' }]);
    await rest();
    informer.inform(change('g', '1', '2'));
    expect(await told(2)).to.deep.equal([{ selector: 'g', previous: '1', next: '2' }]);
    await rest();
    informer.inform(change('g', '2', undefined));
    expect(await told(3)).to.deep.equal([{ selector: 'g', previous: '2', next: undefined }]);
  });

  it('documents of other usages are not mentioned', async () => {
    informer.inform(change('p', undefined, '1', 'resource-lists' as Auid));
    await rest();
    expect(client.requests).to.deep.equal([]);
  });

  it('one request at a time; what comes meanwhile goes together, each document once', async () => {
    const gate = new Gate();
    client.answers(gate.passed.then((): OutboundAnswer => answer(200)));
    informer.inform(change('g', undefined, '1'));
    await client.request(1);
    informer.inform(change('g', '1', '2'));
    informer.inform(change('h', undefined, 'x'));
    informer.inform(change('g', '2', '3'));
    await rest();
    expect(client.requests).to.have.length(1);
    gate.open();
    expect(await told(2)).to.deep.equal([
      { selector: 'g', previous: '1', next: '3' },
      { selector: 'h', previous: undefined, next: 'x' },
    ]);
  });

  it('a document that came and went meanwhile is not mentioned', async () => {
    const gate = new Gate();
    client.answers(gate.passed.then((): OutboundAnswer => answer(200)));
    informer.inform(change('g', undefined, '1'));
    await client.request(1);
    informer.inform(change('h', undefined, 'x'));
    informer.inform(change('h', 'x', undefined));
    gate.open();
    await rest();
    expect(client.requests).to.have.length(1);
    informer.inform(change('h', undefined, 'y'));
    expect(await told(2)).to.deep.equal([{ selector: 'h', previous: undefined, next: 'y' }]);
  });

  for (const status of [199, 300, 302, 400, 404, 500, 503]) {
    it(`${status} is a failure: the changes are sent again after the pause`, async () => {
      client.answers(answer(status));
      informer.inform(change('g', undefined, '1'));
      const line = await log.line(failed);
      expect(line.fields).to.deep.equal({ server: server.identity, reason: `it answered ${status}` });
      await rest();
      informer.inform(change('g', '1', '2'));
      await rest();
      expect(client.requests, 'news does not shorten the pause').to.have.length(1);
      clock.advance(first);
      expect(await told(2)).to.deep.equal([{ selector: 'g', previous: undefined, next: '2' }]);
    });
  }

  it('pauses double up to the cap, and begin anew after a success', async () => {
    const pauses = [800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000];
    client.answers(...pauses.map(() => new NoAnswer('no answer in time')));
    informer.inform(change('g', undefined, '1'));
    for (const pause of pauses) {
      await log.line(failed);
      await rest();
      clock.advance(pause - 1);
      expect(clock.pending).to.equal(1);
      log.clear();
      clock.advance(1);
    }
    await told(pauses.length + 1);
    await rest();
    client.answers(new NoAnswer('no answer in time'));
    informer.inform(change('g', '1', '2'));
    await log.line(failed);
    clock.advance(first);
    await told(pauses.length + 3);
  });

  it('a fault of this server loses nothing and ends nothing', async () => {
    client.answers(new TypeError('a fault'));
    informer.inform(change('g', undefined, '1'));
    expect((await log.line(failed)).fields['reason']).to.equal('a fault');
    clock.advance(first);
    expect(await told(2)).to.deep.equal([{ selector: 'g', previous: undefined, next: '1' }]);
  });

  it('each server has its own queue', async () => {
    begin([server, { identity: 'sip:other@fire.example', url: 'http://other.invalid/' }]);
    client.otherwise = ({ url }) => (url === server.url ? silence : answer(200));
    informer.inform(change('g', undefined, '1'));
    await client.request(2);
    await rest();
    informer.inform(change('g', '1', '2'));
    await client.request(3);
    const urls = client.requests.map(({ url }) => url);
    expect(urls.filter((url) => url === server.url)).to.have.length(1);
    expect(urls.filter((url) => url === 'http://other.invalid/')).to.have.length(2);
  });

  it('closing ends the request under way and the pause, and nothing is sent afterwards', async () => {
    client.answers(silence);
    informer.inform(change('g', undefined, '1'));
    await client.request(1);
    await informer.close();
    expect(clock.pending, 'no timer stays').to.equal(0);
    informer.inform(change('g', '1', '2'));
    await rest();
    expect(client.requests).to.have.length(1);
  });

  it('closing says how many documents a server will not be told of, under way or waiting, and nothing of none', async () => {
    const message = 'changes that an MC service server will not be told of';
    const said = (): unknown[] => log.lines.filter((line) => line.message === message);
    informer.inform(change('told', undefined, '1'));
    await client.request(1);
    await rest();
    await informer.close();
    expect(said()).to.deep.equal([]);
    begin();
    client.answers(silence);
    informer.inform(change('g', undefined, '1'));
    await client.request(1);
    informer.inform(change('g', '1', '2'));
    informer.inform(change('h', undefined, '3'));
    informer.inform(change('came-and-went', undefined, '4'));
    informer.inform(change('came-and-went', '4', undefined));
    await informer.close();
    const fields = { server: server.identity, documents: 2 };
    expect(said()).to.deep.equal([{ level: 'warn', fields, message }]);
  });

  it(`whatever fails, the chain of tags that a server has taken has no gap (seed ${seed})`, async () => {
    const step = fc.record({
      document: fc.constantFrom('g', 'h'),
      goes: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
      fails: fc.boolean(),
      rests: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        begin();
        let failing = false;
        const taken: ToldChange[] = [];
        client.otherwise = ({ body }) => {
          if (failing) return new NoAnswer('no answer in time');
          taken.push(...readXcapDiff(String(body)).changes);
          return answer(204);
        };
        const present = new Map<string, string | undefined>();
        let tags = 0;
        for (const { document, goes, fails, rests } of steps) {
          failing = fails;
          const before = present.get(document);
          tags += 1;
          const after = goes && before !== undefined ? undefined : String(tags);
          informer.inform(change(document, before, after));
          present.set(document, after);
          if (rests) await rest();
        }
        failing = false;
        for (let i = 0; i < 3; i += 1) {
          await rest();
          clock.advance(backOff.cap);
        }
        await rest();
        const known = new Map<string, string | undefined>();
        for (const { selector, previous, next } of taken) {
          expect(previous, `the tag before ${String(next)}`).to.equal(known.get(selector));
          known.set(selector, next);
        }
        for (const [document, etag] of present) expect(known.get(document)).to.equal(etag);
        await informer.close();
      }),
      { seed, numRuns: 60 },
    );
  });
});
