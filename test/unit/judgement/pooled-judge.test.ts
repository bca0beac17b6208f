import { expect } from 'chai';
import { readdirSync } from 'node:fs';
import { RequestRefused, ServiceUnavailable } from '../../../src/base/refusals.js';
import { JudgeHere, type Draft, type Judge, type Sender } from '../../../src/documents/judgement.js';
import { createGroupDocumentRules } from '../../../src/groups/document-rules.js';
import { PooledJudge } from '../../../src/judgement/pooled-judge.js';
import { shippedDeclarations } from '../../../src/usages/shipped-usages.js';
import { createDeclaredRules } from '../../../src/usages/declared-usage.js';
import { writeXcapError, XcapConflict } from '../../../src/xcap/conflicts.js';
import { MissingParent } from '../../../src/xcap/edit.js';
import { parseNodeSelector } from '../../../src/xcap/node-selector.js';
import { ns } from '../../../src/xml/names.js';
import { fixture, fixtureBytes } from '../../support/fixtures.js';
import { limits } from '../../support/limits.js';
import { RecordedLog } from '../../support/log.js';
import { schemas } from '../../support/schemas.js';

const settings = {
  schemaFolder: new URL('../../../../schemas/', import.meta.url).href,
  declaredSchemas: [],
  groups: { mcNames: new Set<string>(), unknownNames: 'warn' as const },
  declarations: Object.values(shippedDeclarations),
};
const groups = createGroupDocumentRules(settings.groups);
const services = createDeclaredRules(shippedDeclarations['rls-services']);
const sender: Sender = { by: 'sip:a@police.example' };

const files = ['accepted', 'constraints', 'invalid', 'members', 'rules', 'times', 'valid'].flatMap((folder) =>
  readdirSync(new URL(`../../../../fixtures/groups/${folder}/`, import.meta.url))
    .filter((file) => file.endsWith('.xml'))
    .map((file) => `groups/${folder}/${file}`),
);

const service = (uri: string): string =>
  `<service uri="${uri}"><list/><packages><package>presence</package></packages></service>`;
const servicesText = `<rls-services xmlns="${ns.rlsServices}">${service('sip:a@h.example')}${service('sip:b@h.example')}</rls-services>`;

/** What `judge` says of `draft`, in a form that can be compared. */
async function verdict(judge: Judge, draft: Draft): Promise<unknown> {
  try {
    const { text, created, facts } = await judge.judge(groups, draft, sender);
    return { text, created, facts };
  } catch (error) {
    if (error instanceof MissingParent) return error.lastStep;
    if (error instanceof XcapConflict) return writeXcapError(error);
    if (error instanceof RequestRefused) return `${error.status} ${error.phrase}`;
    throw error;
  }
}

describe('design D21: large documents are judged in a worker', () => {
  const log = new RecordedLog();
  const here = new JudgeHere({ schemas: schemas(), limits });
  const pools: PooledJudge[] = [];
  const pooled = (more: { readonly here?: number; readonly heap?: number } = {}): PooledJudge => {
    const pool = new PooledJudge({ schemas: schemas(), limits, log }, { ...settings, workers: 1, ...more });
    pools.push(pool);
    return pool;
  };

  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()));
  });

  it('which says of every group document of the fixtures what this thread says', async () => {
    const pool = pooled({ here: 0 });
    expect(files).to.have.length.above(50);
    for (const file of files) {
      const draft: Draft = { kind: 'document', bytes: fixtureBytes(file) };
      expect(await verdict(pool, draft), file).to.deep.equal(await verdict(here, draft));
    }
  });

  it('and of node edits', async () => {
    const pool = pooled({ here: 0 });
    const text = fixture('groups/valid/size-3k.xml');
    for (const [path, body] of [
      ['group/list-service/display-name', '<display-name>New</display-name>'],
      ['group/list-service/none/child', '<child/>'],
      ['group/list-service', '<broken'],
      ['none', '<none/>'],
    ] as const) {
      const node = parseNodeSelector(path, new Map(), ns.listService, 10);
      for (const draft of [
        { kind: 'put', text, node, body: Buffer.from(body) },
        { kind: 'delete', text, node },
      ] as const) {
        expect(await verdict(pool, draft), path).to.deep.equal(await verdict(here, draft));
      }
    }
  });

  it('and where claims stand that are taken', async () => {
    const pool = pooled({ here: 0 });
    const judged = here.judge(services, { kind: 'document', bytes: Buffer.from(servicesText) });
    const taken = judged.facts.claims.slice(1);
    expect(taken).to.have.length.above(0);
    const { text } = judged;
    const wanted = here.claimed(services, judged, taken);
    expect(await pool.claimed(services, { text }, taken, sender)).to.deep.equal(wanted);
    expect(wanted.map(({ claim }) => claim)).to.deep.equal(taken);
  });

  it('and of what is collected', async () => {
    const pool = pooled({ here: 0 });
    const wanted = here.collected(services, servicesText);
    expect(wanted).to.have.length.above(0);
    expect(await pool.collected(services, servicesText, sender)).to.deep.equal(wanted);
  });

  it('everybody else has turns meanwhile', async () => {
    const pool = pooled();
    const entries = Array.from({ length: 20_000 }, (_, at) => `<entry uri="sip:u${at}@h.example"/>`).join('');
    const text = `<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="sip:g@h.example"><list>${entries}</list></list-service></group>`;
    let turns = 0;
    let ended = false;
    const count = (): void => {
      turns += 1;
      if (!ended) setImmediate(count);
    };
    const judging = verdict(pool, { kind: 'document', bytes: Buffer.from(text) }).finally(() => {
      ended = true;
    });
    count();
    await judging;
    // In this thread there would be two or three.
    expect(turns).to.be.above(100);
  });

  it('nothing is judged for a sender who is gone by his turn', async () => {
    const pool = pooled({ here: 0 });
    const gone = AbortSignal.abort();
    const draft: Draft = { kind: 'document', bytes: fixtureBytes('groups/valid/size-3k.xml') };
    const answer = pool.judge(groups, draft, { by: 'a', gone: () => gone });
    const error: unknown = await answer.catch((reason: unknown) => reason);
    expect(error)
      .to.be.instanceOf(ServiceUnavailable)
      .with.property('message', 'nobody waits for the answer');
  });

  it('a worker that ends is a refusal, a line in the log, and is replaced', async () => {
    const pool = pooled({ here: 100_000, heap: 24 });
    const small: Draft = { kind: 'document', bytes: fixtureBytes('groups/valid/size-3k.xml') };
    const entries = '<entry uri="sip:u@h.example"/>'.repeat(200_000);
    const large: Draft = { kind: 'document', bytes: Buffer.from(`<group>${entries}</group>`) };
    const unlimited = new PooledJudge(
      { schemas: schemas(), limits: { ...limits, elements: 1_000_000 }, log },
      { ...settings, workers: 1, here: 0, heap: 24 },
    );
    pools.push(unlimited);
    for (let round = 0; round < 2; round += 1) {
      const before = log.lines.length;
      const error: unknown = await unlimited.judge(groups, large, sender).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(ServiceUnavailable);
      expect(log.lines.length).to.equal(before + 1);
    }
    expect(await verdict(pool, small)).to.deep.equal(await verdict(here, small));
  });

  it('once closed it refuses', async () => {
    const pool = pooled({ here: 0 });
    await pool.close();
    const draft: Draft = { kind: 'document', bytes: fixtureBytes('groups/valid/size-3k.xml') };
    const error: unknown = await pool.judge(groups, draft, sender).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(ServiceUnavailable);
  });
});
