import { join } from 'node:path';
import { expect } from 'chai';
import { openStore } from '../../src/store/lmdb/open-store.js';
import type { Json, Store } from '../../src/store/store.js';
import {
  copyAt,
  fire,
  getAs,
  groupText,
  InformedServer,
  joint,
  police,
  policyFixture,
  policyPath,
  provide,
  putPolicy,
  startPartner,
  type Copy,
} from '../support/peers.js';
import { groupPath, type TestSystem } from '../support/system.js';
import { allKeys } from '../support/store-lists.js';

const nowhere = 'http://127.0.0.1:9/xcap-root';
const other = 'sip:other@police.example';
const guests = groupText({ priority: 6, name: 'Guest: Joint operation' });

/** The tags of the effective document before and after, as an xcap-diff tells them. */
function told(before: Copy, after: Copy): { previous: string | undefined; next: string | undefined } {
  const bare = (etag: string | undefined): string | undefined => etag?.slice(1, -1);
  return { previous: bare(before.effective.etag), next: bare(after.effective.etag) };
}

describe('design D8: when a policy changes, every effective document is derived anew', () => {
  let server: InformedServer;
  let b: TestSystem;

  beforeEach(async () => {
    server = await InformedServer.start();
    b = await startPartner(nowhere, { inform: server.url });
    await provide(b, police, joint, groupText());
    await server.told(1);
  });

  afterEach(async () => {
    await b.dispose();
    await server.close();
  });

  /** Waits for the `number`-th word to the server and expects it to be the one of this change. */
  const changed = async (number: number, before: Copy): Promise<Copy> => {
    const [change, ...more] = await server.told(number);
    const after = await copyAt(b, joint);
    expect(more).to.deep.equal([]);
    expect(change).to.deep.include(told(before, after));
    expect(after.received, 'the received document is what it was').to.deep.equal(before.received);
    return after;
  };

  const deletePolicy = async (name?: string): Promise<void> => {
    const answer = await b.request({ method: 'DELETE', path: policyPath(name), as: fire.administrator });
    expect(answer.status).to.equal(200);
  };

  it('a policy comes, changes and goes: the servers are told each time, with both tags', async () => {
    const bare = await copyAt(b, joint);
    await putPolicy(b, fire, policyFixture('guest-groups'));
    const first = await changed(2, bare);
    expect(first.effective.text).to.equal(guests);

    await putPolicy(b, fire, policyFixture('guest-groups-lower'));
    const second = await changed(3, first);
    expect(second.effective.text).to.equal(groupText({ priority: 3 }));

    await deletePolicy();
    const third = await changed(4, second);
    expect(third.effective.text, 'effective = received').to.equal(groupText());
    expect(new Set([bare, first, second, third].map(({ effective }) => effective.etag)).size).to.equal(4);
  });

  it('a policy that changes nothing of a document leaves its tag and informs nobody', async () => {
    const bare = await copyAt(b, joint);
    await putPolicy(b, fire, policyFixture('guest-groups'));
    const before = await changed(2, bare);
    await putPolicy(b, fire, policyFixture('guest-groups'));
    await putPolicy(b, fire, policyFixture('guest-groups-lower'));
    const after = await changed(3, before);
    expect(after.effective.text).to.equal(groupText({ priority: 3 }));
  });

  it('every group received is derived anew, our own are not', async () => {
    const own = 'sip:harbour-fire@fire.example';
    await b.request({
      method: 'PUT',
      path: groupPath(own),
      as: fire.administrator,
      body: groupText({ id: own }),
      headers: { 'Content-Type': 'application/vnd.oma.poc.groups+xml' },
    });
    const ownTag = (await getAs(b, fire.administrator, own)).headers.etag;
    const ids = Array.from({ length: 5 }, (_, i) => `sip:group-${i}@police.example`);
    for (const id of ids) await provide(b, police, id, groupText({ id }));
    await putPolicy(b, fire, policyFixture('guest-groups'));
    const derived = ({ next }: { readonly next: string | undefined }): boolean => next !== undefined;
    while (server.all.filter(derived).length < 1 + 1 + ids.length + 1 + ids.length) {
      await server.server.request(server.server.requests.length + 1);
    }
    for (const id of [joint, ...ids]) {
      const { effective, received } = await copyAt(b, id);
      expect(effective.text).to.equal(groupText({ id, priority: 6, name: 'Guest: Joint operation' }));
      expect(received.text).to.equal(groupText({ id }));
    }
    expect((await getAs(b, fire.administrator, own)).headers.etag).to.equal(ownTag);
  });

  it('a policy that fails on a document leaves its former effective form, and others are derived', async () => {
    await provide(b, police, other, groupText({ id: other, priority: 4 }));
    await server.told(2);
    const before = await copyAt(b, joint);
    // Above 10 the result would be invalid; the other group is renamed by a second policy.
    await putPolicy(b, fire, policyFixture('invalid-above-10'));
    const line = await b.log.line('the policy fails: former document stays');
    expect(line.fields['group']).to.equal(joint);
    await putPolicy(b, fire, policyFixture('guest-groups').replace('id="guest-groups"', 'id="z"'), 'z');
    const [change] = await server.told(3);
    expect(change?.selector).to.include('other');
    expect((await copyAt(b, other)).effective.text).to.include('Guest: Joint operation');
    expect(await copyAt(b, joint)).to.deep.equal(before);
    await deletePolicy();
    expect((await changed(4, before)).effective.text, 'and is derived when it can be').to.equal(guests);
  });

  it('at start, what is not as the policies say is derived anew', async () => {
    const bare = await copyAt(b, joint);
    await b.close();
    await b.open({ peers: [] });
    expect((await getAs(b, fire.member, joint)).text, 'readable without the peer').to.equal(groupText());
    await b.close();
    // As if the process had ended when the policy was stored and nothing derived: the policy is put on
    // another system, and its record laid into the folder.
    const elsewhere = await startPartner(nowhere);
    await putPolicy(elsewhere, fire, policyFixture('guest-groups'));
    await elsewhere.close();
    const storeOf = (system: TestSystem): Promise<Store<Json>> =>
      openStore<Json>({ folder: join(system.folder, 'data'), cacheBytes: 0 });
    const [from, to] = [await storeOf(elsewhere), await storeOf(b)];
    for (const key of await allKeys(from)) {
      const record = await from.get(key);
      if (record !== undefined) await to.commit(key, (await to.get(key))?.revision ?? 'absent', record);
    }
    await from.close();
    await to.close();
    await elsewhere.dispose();
    await b.open();
    const after = await changed(2, bare);
    expect(after.effective.text).to.equal(guests);
  });

  it('restart alone changes nothing: same effective documents, same tags, nobody told', async () => {
    const bare = await copyAt(b, joint);
    await putPolicy(b, fire, policyFixture('guest-groups'));
    const before = await changed(2, bare);
    b.log.clear();
    await b.close();
    await b.open();
    await b.log.line('group information modified by policy');
    expect(await copyAt(b, joint)).to.deep.equal(before);
    await putPolicy(b, fire, policyFixture('guest-groups-lower'));
    await changed(3, before);
  });

  it('the primary goes on under the tag that it has: a policy does not change the received document', async () => {
    const { received } = await copyAt(b, joint);
    await putPolicy(b, fire, policyFixture('guest-groups'));
    await server.told(2);
    const answer = await provide(b, police, joint, groupText({ name: 'News' }), {
      'If-Match': received.etag ?? '',
    });
    expect(answer.status).to.equal(200);
    expect((await copyAt(b, joint)).effective.text).to.equal(groupText({ name: 'Guest: News', priority: 6 }));
  });
});
