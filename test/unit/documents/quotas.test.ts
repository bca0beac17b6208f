import { expect } from 'chai';
import fc from 'fast-check';
import type { Auid, DocumentName, SystemName } from '../../../src/base/identifiers.js';
import { systemRandom } from '../../../src/base/random.js';
import { Documents, type Decision } from '../../../src/documents/documents.js';
import type { Amount, Part } from '../../../src/documents/holdings.js';
import { longestPath, NameTooLong } from '../../../src/documents/name-bounds.js';
import {
  noQuotas,
  QuotaExceeded,
  type Draws,
  type Filled,
  type QuotaLimits,
} from '../../../src/documents/quotas.js';
import type { Received } from '../../../src/documents/state.js';
import { NamedStore } from '../../../src/documents/system-names.js';
import { StoreFailure } from '../../../src/store/store.js';
import { ManualClock } from '../../support/manual-clock.js';
import { seed } from '../../support/seed.js';
import { delivery, MemoryStore } from '../interconnection/parts.js';
import { LaterStore } from '../../support/later-store.js';
import { allKeys } from '../../support/store-lists.js';
import { atOnce } from '../../../src/base/soon.js';

const auid = 'a' as Auid;
const fire = 'b' as SystemName;
const empty: Amount = { documents: 0, remembered: 0, octets: 0 };

const inTreeOf = (xui: string, file: string): DocumentName =>
  `a/users/${encodeURIComponent(xui)}/${file}` as DocumentName;
const shared = (file: string): DocumentName => `a/global/byID/${file}` as DocumentName;

const xui = 'sip:ana@police.example';

/** Documents over a store in memory, under these quotas. */
class Site {
  /** Whether the store answers later. */
  static later = false;
  readonly store: MemoryStore;
  readonly documents: Documents;

  constructor(limits: Partial<QuotaLimits>, store = new MemoryStore()) {
    this.store = store;
    const named = atOnce(
      NamedStore.open(store, 'own' as SystemName, [{ name: fire, identity: 'sip:gms@b' }]),
    );
    const all = { ...noQuotas, ...limits };
    const asked = Site.later ? new LaterStore(named) : named;
    this.documents = new Documents(asked, new ManualClock(), systemRandom, 1 << 20, all);
  }

  async amount(part: Part, id = ''): Promise<Amount> {
    return await this.documents.quotas.amountOf(part, id);
  }

  async put(
    name: DocumentName,
    body: string,
    options: { readonly draws?: Draws; readonly creator?: string } = {},
  ): Promise<void> {
    await this.documents.change(name, () => this.#putting(name, body, null, options));
  }

  /** Stores what the fire brigade provided and what became of it. */
  async receive(name: DocumentName, body: string, effective: string, draws: Draws = 'part'): Promise<void> {
    const received: Received = {
      ...this.documents.newForm(body),
      system: fire,
      upstreamETag: null,
      modifications: [],
    };
    await this.documents.change(name, () => this.#putting(name, effective, received, { draws }));
  }

  async delete(name: DocumentName): Promise<void> {
    await this.documents.change(name, () => ({ kind: 'delete', result: undefined }));
  }

  /** Gives the document a partner that holds it, so that its deletion leaves something behind. */
  async deliver(name: DocumentName): Promise<void> {
    await this.documents.amend(name, ({ state }) => ({ ...state, deliveries: { b: delivery() } }));
  }

  /** Remembers a withdrawal of what is not here. */
  async remember(name: DocumentName): Promise<void> {
    const tombstone = this.documents.newTombstone(fire);
    const state = { auid, current: null, received: null, deliveries: {}, tombstone };
    await this.documents.change(name, (current): Decision<void> =>
      current === undefined
        ? { kind: 'remember', key: name, state, result: undefined }
        : { kind: 'keep', result: undefined },
    );
  }

  /** What everything is counted as, of every part and id. */
  async counts(): Promise<unknown> {
    const { quotas } = this.documents;
    const parts: unknown[] = [];
    for (const part of ['xui', 'creator', 'peer', 'own'] as const) {
      const ids = [...(await quotas.idsOf(part))].sort();
      const amounts = await Promise.all(ids.map(async (id) => [id, await quotas.amountOf(part, id)]));
      parts.push([part, amounts]);
    }
    return { parts, total: await quotas.total() };
  }

  #putting(
    name: DocumentName,
    body: string,
    received: Received | null,
    options: { readonly draws?: Draws; readonly creator?: string },
  ): Decision<void> {
    const content = { auid, current: this.documents.newForm(body), received };
    return {
      kind: 'put',
      placement: { key: name, names: [name] },
      content,
      ...options,
      replaces: () => true,
      result: () => undefined,
    };
  }
}

/** Runs what must be refused for a quota, and expects that nothing changed. Gives what is said. */
async function refusedBy(site: Site, attempt: () => Promise<void>): Promise<string> {
  const before = JSON.stringify(await site.counts());
  const records = JSON.stringify((await allKeys(site.store)).map((key) => site.store.labelsOf(key)));
  try {
    await attempt();
  } catch (error) {
    if (!(error instanceof QuotaExceeded)) throw error;
    expect(JSON.stringify(await site.counts())).to.equal(before);
    expect(JSON.stringify((await allKeys(site.store)).map((key) => site.store.labelsOf(key)))).to.equal(
      records,
    );
    return error.message;
  }
  throw new Error('it was not refused');
}

for (const later of [false, true]) {
  describe(`quotas of what is stored, by a store that answers ${later ? 'later' : 'at once'}`, () => {
    before(() => {
      Site.later = later;
    });

    after(() => {
      Site.later = false;
    });

    it('at the limit a document is stored, one above is refused and nothing changes', async () => {
      const site = new Site({ xui: { documents: 2, octets: 10 } });
      await site.put(inTreeOf(xui, '1'), '12345');
      await site.put(inTreeOf(xui, '2'), '12345');
      expect(await site.amount('xui', xui)).to.deep.equal({ documents: 2, remembered: 0, octets: 10 });
      const third = await refusedBy(site, () => site.put(inTreeOf(xui, '3'), ''));
      expect(third).to.equal('at most 2 documents of one XUI are stored here');
      const longer = await refusedBy(site, () => site.put(inTreeOf(xui, '2'), '123456'));
      expect(longer).to.equal('at most 10 octets of documents of one XUI are stored here');
      // Others have quotas of their own.
      await site.put(inTreeOf('sip:ben@police.example', '1'), '1234567890');
    });

    it('octets are counted as UTF-8', async () => {
      const site = new Site({ xui: { documents: 0, octets: 4 } });
      await site.put(inTreeOf(xui, '1'), 'éé');
      await refusedBy(site, () => site.put(inTreeOf(xui, '1'), 'ééa'));
    });

    it('what is over a quota that was lowered can be read, replaced by less and deleted', async () => {
      const roomy = new Site({});
      for (const file of ['1', '2', '3']) await roomy.put(inTreeOf(xui, file), '1234567890');
      const site = new Site({ xui: { documents: 1, octets: 5 } }, roomy.store);
      expect((await site.documents.find(inTreeOf(xui, '1')))?.form?.body).to.equal('1234567890');
      await site.put(inTreeOf(xui, '1'), '1234567890');
      await site.put(inTreeOf(xui, '1'), '123456789');
      await refusedBy(site, () => site.put(inTreeOf(xui, '1'), '1234567890'));
      await site.delete(inTreeOf(xui, '1'));
      await site.delete(inTreeOf(xui, '2'));
      await site.put(inTreeOf(xui, '3'), '12345');
      await refusedBy(site, () => site.put(inTreeOf(xui, '1'), ''));
      await site.delete(inTreeOf(xui, '3'));
      await site.put(inTreeOf(xui, '1'), '12345');
    });

    it('a user is charged for what the user created in a shared tree, also after others changed it', async () => {
      const site = new Site({ creator: { documents: 1, octets: 5 } });
      await site.put(shared('1'), '123', { creator: xui });
      await refusedBy(site, () => site.put(shared('2'), '1', { creator: xui }));
      // An administrator is held to nobody's part, and the document stays the user's.
      await site.put(shared('1'), '1234567', { draws: 'reserve' });
      expect(await site.amount('creator', xui)).to.deep.equal({ documents: 1, remembered: 0, octets: 7 });
      await site.put(shared('2'), '12345678', { draws: 'reserve' });
      expect(await site.amount('own')).to.deep.equal({ documents: 1, remembered: 0, octets: 8 });
      await refusedBy(site, () => site.put(shared('1'), '12345678', { creator: xui }));
    });

    it('a peer is charged for what was received and for what became of it', async () => {
      const site = new Site({ peer: { documents: 1, octets: 10 } });
      await refusedBy(site, () => site.receive(shared('1'), '12345', '123456'));
      await site.receive(shared('1'), '12345', '12345');
      expect(await site.amount('peer', fire)).to.deep.equal({ documents: 1, remembered: 0, octets: 10 });
      await refusedBy(site, () => site.receive(shared('2'), '', ''));
      // Policies of our own may make it longer: then nothing but growth by the peer is refused.
      await site.receive(shared('1'), '12345', '1234567', 'reserve');
      await refusedBy(site, () => site.receive(shared('1'), '123456', '1234567'));
      await site.receive(shared('1'), '12345', '123456');
    });

    it('what is taken over by another is charged to that one alone', async () => {
      const site = new Site({});
      await site.receive(shared('1'), '12345', '12345');
      await site.put(shared('1'), '123', { draws: 'reserve' });
      expect(await site.amount('peer', fire)).to.deep.equal(empty);
      expect(await site.amount('own')).to.deep.equal({ documents: 1, remembered: 0, octets: 3 });
      await site.receive(shared('1'), '1', '1');
      expect(await site.amount('own')).to.deep.equal(empty);
      expect(await site.documents.quotas.idsOf('own')).to.deep.equal([]);
      expect(await site.amount('peer', fire)).to.deep.equal({ documents: 1, remembered: 0, octets: 2 });
    });

    it('a deletion always finds room, and makes room for another document', async () => {
      const site = new Site({ creator: { documents: 1, octets: 5 } });
      await site.put(shared('1'), '12345', { creator: xui });
      await site.deliver(shared('1'));
      await site.delete(shared('1'));
      expect(await site.amount('creator', xui)).to.deep.equal({ documents: 0, remembered: 1, octets: 0 });
      await site.put(shared('2'), '12345', { creator: xui });
      await site.deliver(shared('2'));
      await site.delete(shared('2'));
      // Traces of two are remembered: for a third there is room in the place of one of them alone.
      const said = await refusedBy(site, () => site.put(shared('3'), '', { creator: xui }));
      expect(said).to.match(/^at most 2 documents, and traces/);
      await site.put(shared('1'), '1', { creator: xui });
      expect(await site.amount('creator', xui)).to.deep.equal({ documents: 1, remembered: 1, octets: 1 });
    });

    it('withdrawals of what is not here are remembered as often as documents may be stored', async () => {
      const site = new Site({ peer: { documents: 2, octets: 0 } });
      await site.receive(shared('1'), '1', '1');
      await site.receive(shared('2'), '1', '1');
      await site.remember(shared('3'));
      await site.remember(shared('4'));
      await refusedBy(site, () => site.remember(shared('5')));
      await refusedBy(site, () => site.receive(shared('3'), '1', '1'));
      await site.delete(shared('1'));
      expect(await site.amount('peer', fire)).to.deep.equal({ documents: 1, remembered: 3, octets: 2 });
      await site.receive(shared('3'), '1', '1');
    });

    it('a tenth of the total is kept for administrators and withdrawals', async () => {
      const site = new Site({ total: { documents: 10, octets: 100 } });
      for (let file = 1; file <= 9; file += 1) await site.put(inTreeOf(xui, String(file)), '1234567890');
      expect(await refusedBy(site, () => site.put(inTreeOf(xui, '10'), ''))).to.contain(
        'at most 9 documents',
      );
      await refusedBy(site, () => site.receive(shared('1'), '', ''));
      await refusedBy(site, () => site.put(inTreeOf(xui, '9'), '12345678901'));
      await site.put(shared('1'), '1234567890', { draws: 'reserve' });
      await refusedBy(site, () => site.put(shared('2'), '', { draws: 'reserve' }));
      await site.remember(shared('3'));
      await site.delete(inTreeOf(xui, '9'));
      await site.put(shared('2'), '1234567890', { draws: 'reserve' });
    });

    it('of commits that are under way at once, one gets the last place', async () => {
      const site = new Site({ xui: { documents: 3, octets: 0 } });
      const settled = await Promise.allSettled(
        Array.from({ length: 20 }, (_, file) => site.put(inTreeOf(xui, String(file)), '1')),
      );
      expect(settled.filter(({ status }) => status === 'fulfilled')).to.have.length(3);
      expect(await site.amount('xui', xui)).to.deep.equal({ documents: 3, remembered: 0, octets: 3 });
    });

    it('what is about to go makes room only once it is gone', async () => {
      const site = new Site({ xui: { documents: 1, octets: 0 } });
      await site.put(inTreeOf(xui, '1'), '1');
      let during = '';
      site.store.before = async () => {
        site.store.before = () => Promise.resolve();
        during = await refusedBy(site, () => site.put(inTreeOf(xui, '2'), '1'));
      };
      await site.delete(inTreeOf(xui, '1'));
      expect(during).to.contain('at most 1');
      await site.put(inTreeOf(xui, '2'), '1');
    });

    it('a commit that fails has taken and freed nothing', async () => {
      const site = new Site({ xui: { documents: 2, octets: 10 } });
      await site.put(inTreeOf(xui, '1'), '12345');
      const before = await site.counts();
      site.store.failure = new StoreFailure('full', { full: true });
      for (const attempt of [
        () => site.put(inTreeOf(xui, '2'), '1'),
        () => site.put(inTreeOf(xui, '1'), '1'),
        () => site.delete(inTreeOf(xui, '1')),
      ]) {
        const error = await attempt().then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(error).to.be.instanceOf(StoreFailure);
        expect(await site.counts()).to.deep.equal(before);
      }
    });

    it('a warning comes once at 80 %, and again only after less than 70 %', async () => {
      const site = new Site({ xui: { documents: 10, octets: 0 } });
      const warnings: Filled[] = [];
      await site.documents.quotas.onFilled((filled) => warnings.push(filled));
      const put = async (from: number, to: number): Promise<void> => {
        for (let file = from; file <= to; file += 1) await site.put(inTreeOf(xui, String(file)), '1');
      };
      await put(1, 7);
      expect(warnings).to.deep.equal([]);
      await put(8, 10);
      await put(1, 10);
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.deep.include({ part: 'xui', id: xui, documents: 8 });
      await site.delete(inTreeOf(xui, '10'));
      await site.delete(inTreeOf(xui, '9'));
      await site.delete(inTreeOf(xui, '8'));
      await put(8, 8);
      expect(warnings).to.have.length(1);
      await site.delete(inTreeOf(xui, '8'));
      await site.delete(inTreeOf(xui, '7'));
      expect(await site.documents.quotas.filled()).to.deep.equal([]);
      await put(7, 8);
      expect(warnings).to.have.length(2);
    });

    it('what is nearly full at start is told once', async () => {
      const roomy = new Site({});
      for (let file = 1; file <= 8; file += 1) await roomy.put(inTreeOf(xui, String(file)), '1');
      const site = new Site(
        { xui: { documents: 10, octets: 0 }, total: { documents: 10, octets: 0 } },
        roomy.store,
      );
      const warnings: string[] = [];
      await site.documents.quotas.onFilled(({ part, id }) => warnings.push(`${part} ${id}`));
      expect(warnings).to.deep.equal([`xui ${xui}`, 'total ']);
    });

    it('records of earlier versions, whose labels say less, are counted as well', async () => {
      const site = new Site({});
      await site.receive(shared('1'), '12345', '12345');
      for (const key of await allKeys(site.store)) {
        const record = (await site.store.get(key)) ?? expect.fail('no record');
        const earlier = record.terms.map((term) => term.replace(/^(form:\S+ \d+ \d+) \d+$/, '$1'));
        await site.store.commit(key, record.revision, { ...record, terms: earlier });
      }
      const again = new Site({}, site.store);
      expect(await again.amount('peer', fire)).to.deep.equal({ documents: 1, remembered: 0, octets: 10 });
    });

    it(`after any walk the counts are those of a recount, and no quota was exceeded (seed ${seed})`, async () => {
      const limits = {
        xui: { documents: 3, octets: 20 },
        creator: { documents: 2, octets: 15 },
        peer: { documents: 3, octets: 30 },
        total: { documents: 8, octets: 60 },
      };
      const file = fc.integer({ min: 1, max: 4 }).map(String);
      const body = fc.integer({ min: 0, max: 12 }).map((length) => 'x'.repeat(length));
      const step = fc.record({
        what: fc.constantFrom('put', 'create', 'receive', 'delete', 'deliver', 'remember', 'fail', 'own'),
        file,
        body,
        user: fc.constantFrom('sip:a@x', 'sip:b@x'),
        isShared: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 25 }),
          async (rounds) => {
            const site = new Site(limits);
            for (const round of rounds) {
              const fails = round.some(({ what }) => what === 'fail');
              site.store.failure = fails ? new StoreFailure('the disk has gone') : undefined;
              // What is in one round is under way at once.
              await Promise.allSettled(
                round.map(async ({ what, file: one, body: text, user, isShared }) => {
                  const name = isShared ? shared(one) : inTreeOf(user, one);
                  if (what === 'put') await site.put(inTreeOf(user, one), text);
                  else if (what === 'create') await site.put(shared(one), text, { creator: user });
                  else if (what === 'own') await site.put(shared(one), text, { draws: 'reserve' });
                  else if (what === 'receive') await site.receive(shared(one), text, text);
                  else if (what === 'deliver') await site.deliver(name);
                  else if (what === 'remember') await site.remember(shared(one));
                  else await site.delete(name);
                }),
              );
              expect(await site.counts()).to.deep.equal(await new Site(limits, site.store).counts());
              const { documents, octets } = await site.documents.quotas.total();
              expect(documents).to.be.at.most(limits.total.documents);
              expect(octets).to.be.at.most(limits.total.octets);
              for (const user of ['sip:a@x', 'sip:b@x']) {
                const held = await site.amount('xui', user);
                expect(held.documents).to.be.at.most(limits.xui.documents);
                expect(held.octets).to.be.at.most(limits.xui.octets);
              }
            }
          },
        ),
        { seed, numRuns: 150 },
      );
    });
  });
}

describe('the length of new names', () => {
  const ofLength = (length: number, letter = 'n'): DocumentName => inTreeOf(xui, letter.repeat(length));

  it('is bounded in octets, whatever they are written as', async () => {
    const site = new Site({});
    await site.put(ofLength(longestPath), '1');
    await site.put(ofLength(longestPath / 2, encodeURIComponent('é')), '1');
    for (const name of [ofLength(longestPath + 1), ofLength(longestPath / 2 + 1, encodeURIComponent('é'))]) {
      const error = await site.put(name, '1').then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(NameTooLong);
      expect(await site.documents.find(name)).to.equal(undefined);
    }
  });

  it('bounds the XUI as well', async () => {
    const site = new Site({});
    await site.put(inTreeOf('x'.repeat(1024), '1'), '1');
    const error = await site.put(inTreeOf('x'.repeat(1025), '1'), '1').then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(NameTooLong);
  });
});
