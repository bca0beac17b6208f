import { expect } from 'chai';
import type { DocumentName, ETag, GroupId } from '../../../../src/base/identifiers.js';
import { groupMediaType, nameOfGroup } from '../../../../src/groups/names.js';
import {
  Reconciliation,
  type Reconciled,
  type ReconciliationSettings,
} from '../../../../src/interconnection/primary/reconciliation.js';
import { NoAnswer, NoConnection } from '../../../../src/outbound/client.js';
import { Gate, groupText } from '../../../support/peers.js';
import {
  a,
  answer,
  b,
  c,
  delivery,
  joint,
  jointName,
  notProvided,
  ownState,
  Parts,
  peer,
  peers,
  signed,
  steady,
} from '../parts.js';

const settings: ReconciliationSettings = { interval: 10_000, rate: 10 };
const partner = peer(b);

describe('design D17: what a partner holds is compared with what it should hold', () => {
  let parts: Parts;
  let woken: DocumentName[];
  let reconciliation: Reconciliation;

  const begin = (changes: Partial<ReconciliationSettings> = {}): void => {
    parts = new Parts(a, peers(partner, peer(c, { provide: false })));
    woken = [];
    const wake = (name: DocumentName): void => {
      woken.push(name);
    };
    reconciliation = new Reconciliation(
      { ...parts.tools, wake, random: steady },
      { ...settings, ...changes },
    );
  };

  beforeEach(() => {
    begin();
  });

  afterEach(() => reconciliation.close());

  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  /** Lets time pass until `comparison` is over. */
  const driven = async (comparison: Promise<Reconciled>): Promise<Reconciled> => {
    const state = { over: false };
    void comparison.finally(() => (state.over = true));
    while (!state.over) {
      await turns();
      parts.clock.advance(1000 / settings.rate);
    }
    return await comparison;
  };

  const compared = async (): Promise<Reconciled> => await driven(reconciliation.compare(partner));

  const told = delivery({
    status: 'delivered',
    acknowledged: 't' as ETag,
    partnerETag: '"p"',
    change: 4,
  });
  const gone = delivery({ status: 'withdrawn', hold: false, withdrawalTag: '"w"', behind: 0, change: 6 });

  const plant = async (known = told, groupId: GroupId = joint): Promise<void> => {
    await parts.plant(nameOfGroup(groupId), ownState(groupText({ id: groupId }), { b: known }));
  };

  const present = async () => (await parts.state())?.deliveries[b] ?? expect.fail('what is owed was dropped');

  const copy = (etag: string) => answer(200, { etag, 'content-type': groupMediaType });

  it('by a HEAD under the tag that the partner acknowledged; 304: it is equal', async () => {
    await plant();
    parts.client.answers(answer(304, { etag: '"p"' }));
    expect(await compared()).to.deep.include({ equal: 1, marked: 0, unknown: 0, brokenOff: false });
    const [request] = parts.client.requests;
    expect(request?.method).to.equal('HEAD');
    expect(request?.headers['If-None-Match']).to.equal('"p"');
    expect(request).not.to.have.property('body');
    expect(await present()).to.deep.equal(told);
    expect(woken).to.deep.equal([]);
  });

  it('a partner that gave no tag is asked without a condition; its copy counts as equal', async () => {
    const nameless = { ...told, partnerETag: null };
    await plant(nameless);
    parts.client.answers(answer(200, { 'content-type': groupMediaType }));
    expect(await compared()).to.deep.include({ equal: 1 });
    expect(parts.client.requests[0]?.headers).not.to.have.property('If-None-Match');
    expect(await present()).to.deep.equal(nameless);
  });

  for (const [title, known, found, etag] of [
    ['a copy under another tag', told, copy('"other"'), '"other"'],
    ['no copy, says its Result', told, notProvided('unknown'), null],
    ['no copy, as after its store was wiped', told, signed(404), null],
    ['no copy any more', told, signed(410), null],
    ['a copy of what was withdrawn, as after its store was restored', gone, copy('"old"'), '"old"'],
  ] as const) {
    it(`${title}: the group is pending again, under the tag of what is there`, async () => {
      await plant(known);
      parts.client.answers(found);
      expect(await compared()).to.deep.include({ equal: 0, marked: 1, unknown: 0 });
      expect(await present()).to.deep.equal({
        ...known,
        status: 'pending',
        change: known.change + 1,
        behind: 1,
        acknowledged: null,
        partnerETag: etag,
        withdrawalTag: null,
      });
      expect(woken).to.deep.equal([jointName]);
    });
  }

  for (const found of [signed(404), signed(410), notProvided('unknown')]) {
    it(`what was withdrawn is not there, says ${found.status}: it is equal`, async () => {
      await plant(gone);
      parts.client.answers(found);
      expect(await compared()).to.deep.include({ equal: 1, marked: 0 });
      expect(await present()).to.deep.equal(gone);
    });
  }

  for (const [title, found] of [
    ...[200, 302, 401, 403, 404, 405, 410, 429, 500, 503].map(
      (status) =>
        [`${status} with a page`, answer(status, { 'content-type': 'text/html', etag: '"page"' })] as const,
    ),
    ['404 that nobody signed', answer(404)],
    ['403 of the partner', signed(403)],
    ['503 of the partner', signed(503)],
    ['no answer', new NoAnswer('no answer in time')],
  ] as const) {
    it(`design D20: ${title} says nothing of what the partner holds`, async () => {
      for (const known of [told, gone]) {
        begin();
        await plant(known);
        parts.client.answers(found);
        expect(await compared()).to.deep.include({ equal: 0, marked: 0, unknown: 1 });
        expect(await present()).to.deep.equal(known);
        expect(woken).to.deep.equal([]);
      }
    });
  }

  it('what is pending or parked is left to its delivery', async () => {
    for (const status of ['pending', 'parked'] as const) {
      begin();
      await plant(delivery({ status }));
      await compared();
      expect(parts.client.requests).to.deep.equal([]);
    }
  });

  it('a difference from before a change is not marked', async () => {
    await plant();
    const gate = new Gate();
    parts.client.answers(gate.passed.then(() => copy('"other"')));
    const comparison = reconciliation.compare(partner);
    await parts.client.request(1);
    await parts.put(joint, groupText({ name: 'Newer' }));
    gate.open();
    await driven(comparison);
    expect(await present()).to.deep.include({ status: 'pending', change: 5, partnerETag: '"p"' });
  });

  const groupIds = (count: number): readonly GroupId[] =>
    Array.from({ length: count }, (_, i) => `sip:group-${i}@police.example` as GroupId);

  it('at a bounded rate', async () => {
    for (const id of groupIds(5)) await plant(told, id);
    parts.client.otherwise = () => answer(304, { etag: '"p"' });
    const comparison = reconciliation.compare(partner);
    for (let asked = 1; asked <= 5; asked += 1) {
      await turns();
      parts.clock.advance(1000 / settings.rate - 1);
      await turns();
      expect(parts.client.requests).to.have.length(asked);
      parts.clock.advance(1);
    }
    expect(await comparison).to.deep.include({ equal: 5 });
  });

  it('breaks off where no connection can be made', async () => {
    for (const id of groupIds(5)) await plant(told, id);
    parts.client.otherwise = () => new NoConnection('nobody is there');
    expect(await compared()).to.deep.include({ equal: 0, marked: 0, brokenOff: true });
    expect(parts.client.requests).to.have.length(1);
  });

  it('breaks off where three different groups in a row get no word of the partner, and not before', async () => {
    for (const id of groupIds(8)) await plant(told, id);
    const { client } = parts;
    client.answers(answer(404), answer(404), answer(304, { etag: '"p"' }));
    client.otherwise = () => answer(404);
    expect(await compared()).to.deep.include({ equal: 1, unknown: 5, brokenOff: true });
    expect(client.requests).to.have.length(6);
  });

  it('callers at the same time share one comparison, which is kept for the operator', async () => {
    await plant();
    parts.client.otherwise = () => answer(304, { etag: '"p"' });
    const [one, other] = [reconciliation.compare(partner), reconciliation.compare(partner)];
    expect(await driven(one)).to.equal(await other);
    expect(parts.client.requests).to.have.length(1);
    expect(reconciliation.last.get(b)).to.equal(await one);
  });

  describe('begins', () => {
    const requestsAfter = async (milliseconds: number): Promise<number> => {
      parts.clock.advance(milliseconds);
      await turns();
      return parts.client.requests.length;
    };

    beforeEach(async () => {
      parts.client.otherwise = () => answer(304, { etag: '"p"' });
      await plant();
    });

    it('on a schedule with jitter, again and again', async () => {
      reconciliation.start(false);
      expect(
        parts.clock.pending,
        'each partner by itself: one that is not provided may have fetched',
      ).to.equal(2);
      expect(await requestsAfter(7999)).to.equal(0);
      expect(await requestsAfter(1)).to.equal(1);
      await requestsAfter(100);
      expect(await requestsAfter(8000)).to.equal(2);
    });

    it('soon after a start with a store of another incarnation', async () => {
      reconciliation.start(true);
      expect(await requestsAfter(999)).to.equal(0);
      expect(await requestsAfter(1)).to.equal(1);
    });

    it('soon after a partner names another incarnation, and once for all answers that name it', async () => {
      reconciliation.start(false);
      reconciliation.heard(b, 'first');
      expect(await requestsAfter(1000)).to.equal(1);
      await requestsAfter(100);
      for (let answers = 0; answers < 5; answers += 1) reconciliation.heard(b, 'first');
      expect(await requestsAfter(2000)).to.equal(1);
      for (let answers = 0; answers < 5; answers += 1) reconciliation.heard(b, 'second');
      expect(await requestsAfter(1000)).to.equal(2);
      expect(parts.log.lines.map(({ message }) => message)).to.include(
        'the store of the partner was replaced',
      );
      reconciliation.heard(c, 'first');
      reconciliation.heard(c, 'second');
      expect(await requestsAfter(1000), 'a partner that is not provided').to.equal(2);
    });

    it('never by itself where the interval is 0', async () => {
      await reconciliation.close();
      begin({ interval: 0 });
      parts.client.otherwise = () => answer(304, { etag: '"p"' });
      await plant();
      reconciliation.start(false);
      expect(parts.clock.pending).to.equal(0);
      reconciliation.heard(b, 'first');
      reconciliation.heard(b, 'second');
      expect(await requestsAfter(1000)).to.equal(0);
    });

    it('again where the one before failed', async () => {
      const { documents } = parts;
      const find = documents.find.bind(documents);
      documents.find = () => {
        documents.find = find;
        return Promise.reject(new Error('the medium refuses'));
      };
      reconciliation.start(false);
      expect(await requestsAfter(8000)).to.equal(0);
      expect(parts.log.lines.map(({ message }) => message)).to.include('partner not compared');
      expect(await requestsAfter(8000)).to.equal(1);
    });
  });

  it('closes in the middle: nothing is asked afterwards, and no timer stays', async () => {
    for (const id of groupIds(3)) await plant(told, id);
    parts.client.otherwise = () => answer(304, { etag: '"p"' });
    reconciliation.start(true);
    const comparison = reconciliation.compare(partner);
    await parts.client.request(1);
    await turns();
    await reconciliation.close();
    expect(await comparison).to.deep.include({ brokenOff: true });
    expect(parts.clock.pending).to.equal(0);
    reconciliation.heard(b, 'first');
    expect(parts.clock.pending).to.equal(0);
    expect(parts.client.requests).to.have.length(1);
  });
});
