import { expect } from 'chai';
import { fixture } from '../support/fixtures.js';
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
  resultMediaType,
  resultOf,
  ScriptedServer,
  startPair,
  startPartner,
  startPrimary,
  willingPartner,
  type Pair,
  type RecordedRequest,
} from '../support/peers.js';
import type { TestSystem } from '../support/system.js';
import { groupPath, groupType } from '../support/system.js';

const nowhere = 'http://127.0.0.1:9/xcap-root';
const ownGroup = 'sip:patrol@police.example';
const onlyPolice = groupText({ id: ownGroup, members: [police.member] });

/** Waits until `a` says that what it had to tell of the group is told. */
async function delivered(a: TestSystem, outcome = 'delivered', group = joint): Promise<void> {
  await a.log.line(
    'group information delivered',
    (fields) => fields['group'] === group && fields['outcome'] === outcome,
  );
}

describe('23.280 10.2.7.2 the primary MC system provides group configuration to the partner', () => {
  describe('step 1: the provision request', () => {
    let partner: ScriptedServer;
    let a: TestSystem;

    beforeEach(async () => {
      partner = await ScriptedServer.start(willingPartner());
    });

    afterEach(async () => {
      await a.dispose();
      await partner.down();
    });

    it('carries the MC service group ID in its URI and the configuration as its body', async () => {
      a = await startPrimary(partner.root);
      await administratorPuts(a, police, joint, groupText());
      const request = await partner.request(1);
      expect(request.method).to.equal('PUT');
      expect(request.target).to.equal(
        '/xcap-root/org.openmobilealliance.groups/global/byGroupID/sip%3Ajoint%40police.example',
      );
      expect(request.headers['content-type']).to.equal(groupType);
      expect(request.headers['x-3gpp-asserted-identity']).to.equal(police.gms);
      expect(request.headers.accept?.split(', ')).to.include(resultMediaType);
      expect(request.body).to.equal(fixture('interconnection/joint.xml'));
    });

    it('is conditional: If-None-Match: * the first time, If-Match with the tag of the last answer then', async () => {
      a = await startPrimary(partner.root);
      await administratorPuts(a, police, joint, groupText());
      await delivered(a);
      a.log.clear();
      await administratorPuts(a, police, joint, groupText({ name: 'Second' }));
      await delivered(a);
      a.log.clear();
      await administratorPuts(a, police, joint, groupText({ name: 'Third' }));
      await delivered(a);
      const conditions = partner.requests.map(({ headers }) => [
        headers['if-none-match'],
        headers['if-match'],
      ]);
      expect(conditions).to.deep.equal([
        ['*', undefined],
        [undefined, '"1"'],
        [undefined, '"2"'],
      ]);
      expect(partner.requests.at(-1)?.body).to.equal(groupText({ name: 'Third' }));
    });

    it('is not sent where no member is defined in the partner', async () => {
      a = await startPrimary(partner.root);
      await administratorPuts(a, police, ownGroup, onlyPolice);
      await administratorPuts(a, police, joint, groupText());
      await delivered(a);
      expect(partner.requests.map(({ target }) => target)).to.deep.equal([`/xcap-root${groupPath(joint)}`]);
    });

    it('is sent whoever the members are where the administrator shares the group by name', async () => {
      a = await startPrimary(partner.root, { peer: { groups: [ownGroup] } });
      await administratorPuts(a, police, ownGroup, onlyPolice);
      await delivered(a, 'delivered', ownGroup);
      expect((await partner.request(1)).body).to.equal(onlyPolice);
    });

    it('is sent at start for a group that the administrator shares by name from now on', async () => {
      a = await startPrimary(partner.root);
      await administratorPuts(a, police, ownGroup, onlyPolice);
      await a.close();
      const [peer] = partnerOf(partner.root, { groups: [ownGroup] });
      await a.open({ peers: [peer] });
      await delivered(a, 'delivered', ownGroup);
      expect((await partner.request(1)).body).to.equal(onlyPolice);
    });

    it('is sent at start to a partner that is configured from now on', async () => {
      a = await startPrimary(nowhere, { peer: { provide: false } });
      await administratorPuts(a, police, joint, groupText());
      await a.close();
      await a.open({ peers: partnerOf(partner.root) });
      await delivered(a);
      expect((await partner.request(1)).body).to.equal(groupText());
    });

    it('becomes a DELETE at start where the administrator no longer shares the group', async () => {
      a = await startPrimary(partner.root, { peer: { groups: [ownGroup] } });
      await administratorPuts(a, police, ownGroup, onlyPolice);
      await delivered(a, 'delivered', ownGroup);
      await a.close();
      await a.open({ peers: partnerOf(partner.root) });
      await delivered(a, 'withdrawn', ownGroup);
      expect(partner.requests.map(({ method }) => method)).to.deep.equal(['PUT', 'DELETE']);
    });

    it('is not sent where we may not provide (precondition 4)', async () => {
      const other = await ScriptedServer.start(willingPartner());
      try {
        a = await startPrimary(partner.root, {
          peer: { provide: false, groups: [ownGroup] },
          others: [
            { name: 'c', identity: 'sip:gms@port.example', root: other.root, domains: ['port.example'] },
          ],
        });
        await administratorPuts(a, police, ownGroup, onlyPolice);
        const members = [fire.member, 'sip:crane@port.example'];
        await administratorPuts(a, police, joint, groupText({ members }));
        await a.log.line('group information delivered', (fields) => fields['peer'] === 'c');
        await a.close();
        expect(partner.requests).to.deep.equal([]);
      } finally {
        await other.down();
      }
    });

    it('is not sent any more where we may no longer provide: the partner is told DELETE', async () => {
      a = await startPrimary(partner.root);
      await administratorPuts(a, police, joint, groupText());
      await delivered(a);
      await a.close();
      await a.open({ peers: partnerOf(partner.root, { provide: false }) });
      await administratorPuts(a, police, joint, groupText({ name: 'Not for you' }));
      await delivered(a, 'withdrawn');
      expect(partner.requests.map(({ method }) => method)).to.deep.equal(['PUT', 'DELETE']);
    });

    it('goes to every partner concerned, each by its own conditions', async () => {
      const other = await ScriptedServer.start(willingPartner());
      try {
        a = await startPrimary(partner.root, {
          others: [
            { name: 'c', identity: 'sip:gms@port.example', root: other.root, domains: ['port.example'] },
          ],
        });
        const members = [fire.member, 'sip:crane@port.example'];
        await administratorPuts(a, police, joint, groupText({ members }));
        const requests = [await partner.request(1), await other.request(1)];
        for (const { headers, body } of requests) {
          expect(headers['if-none-match']).to.equal('*');
          expect(body).to.equal(groupText({ members }));
        }
      } finally {
        await other.down();
      }
    });
  });

  describe('between two systems', () => {
    let pair: Pair;

    afterEach(async () => {
      await pair.dispose();
    });

    it('step 2: the partner modifies what it received by its policy; step 3: it stores both', async () => {
      pair = await startPair();
      const { a, b } = pair;
      await putPolicy(b, fire, policyFixture('guest-groups'));
      await administratorPuts(a, police, joint, groupText());
      await delivered(a);
      const copy = await copyAt(b, joint);
      expect(copy.received.text).to.equal(fixture('interconnection/joint.xml'));
      expect(copy.effective.text).to.equal(fixture('interconnection/joint-effective.xml'));

      await b.close();
      await b.open();
      expect(await copyAt(b, joint), 'after a restart').to.deep.equal(copy);
    });

    it('step 2: a partner without a policy stores what it received, byte for byte', async () => {
      pair = await startPair();
      await administratorPuts(pair.a, police, joint, groupText());
      await delivered(pair.a);
      const { received, effective } = await copyAt(pair.b, joint);
      expect([received.text, effective.text]).to.deep.equal([groupText(), groupText()]);
    });

    it('step 3: members, servers and administrators of the partner read the effective document', async () => {
      pair = await startPair();
      await putPolicy(pair.b, fire, policyFixture('guest-groups'));
      await administratorPuts(pair.a, police, joint, groupText());
      await delivered(pair.a);
      for (const reader of [fire.member, 'sip:divers@fire.example', fire.server, fire.administrator]) {
        const answer = await getAs(pair.b, reader, joint);
        expect(answer.text, reader).to.equal(fixture('interconnection/joint-effective.xml'));
        expect(answer.headers['cache-control']).to.equal('private, no-cache, no-transform');
        expect(answer.headers.vary).to.include('X-3GPP-Asserted-Identity');
      }
      expect((await getAs(pair.b, fire.stranger, joint)).status).to.equal(403);
    });

    it('step 4: the partner informs its MC service servers, once it is stored', async () => {
      const server = await InformedServer.start();
      try {
        pair = await startPair({ b: { inform: server.url } });
        await putPolicy(pair.b, fire, policyFixture('guest-groups'));
        await administratorPuts(pair.a, police, joint, groupText());
        const [change] = await server.told(1);
        const effective = await getAs(pair.b, fire.server, joint);
        expect(effective.text).to.equal(fixture('interconnection/joint-effective.xml'));
        expect(change).to.deep.equal({
          selector: 'org.openmobilealliance.groups/global/byGroupID/sip%3Ajoint%40police.example',
          previous: undefined,
          next: effective.headers.etag?.slice(1, -1),
        });
      } finally {
        await server.close();
      }
    });

    it('step 5: the primary has heard of storage and keeps the tag of the answer', async () => {
      pair = await startPair();
      const { a, b } = pair;
      await administratorPuts(a, police, joint, groupText());
      await delivered(a);
      a.log.clear();
      b.log.clear();
      await administratorPuts(a, police, joint, groupText({ name: 'Second' }));
      await delivered(a);
      // A stale tag would have been refused with 412 first.
      expect(b.log.lines.filter(({ message }) => message.includes('refused'))).to.deep.equal([]);
      expect((await copyAt(b, joint)).received.text).to.equal(groupText({ name: 'Second' }));
    });

    it('update: received and effective follow, both under new tags', async () => {
      pair = await startPair();
      const { a, b } = pair;
      await putPolicy(b, fire, policyFixture('guest-groups'));
      await administratorPuts(a, police, joint, groupText());
      await delivered(a);
      const before = await copyAt(b, joint);
      a.log.clear();
      await administratorPuts(a, police, joint, groupText({ priority: 4 }));
      await delivered(a);
      const after = await copyAt(b, joint);
      expect(after.received.text).to.equal(groupText({ priority: 4 }));
      expect(after.effective.text).to.equal(groupText({ priority: 4, name: 'Guest: Joint operation' }));
      expect(after.received.etag).to.not.equal(before.received.etag);
      expect(after.effective.etag).to.not.equal(before.effective.etag);
    });

    it('an update that policy levels leaves the effective document and its tag as they were', async () => {
      const server = await InformedServer.start();
      try {
        pair = await startPair({ b: { inform: server.url } });
        const { a, b } = pair;
        await putPolicy(b, fire, policyFixture('guest-groups'));
        await administratorPuts(a, police, joint, groupText({ priority: 12 }));
        await delivered(a);
        await server.told(1);
        const before = await copyAt(b, joint);
        a.log.clear();
        await administratorPuts(a, police, joint, groupText({ priority: 9 }));
        await delivered(a);
        const after = await copyAt(b, joint);
        expect(after.received.text).to.equal(groupText({ priority: 9 }));
        expect(after.effective).to.deep.equal(before.effective);

        await administratorPuts(a, police, joint, groupText({ priority: 2 }));
        const [change] = await server.told(2);
        expect(change?.previous, 'nothing was told in between').to.equal(before.effective.etag?.slice(1, -1));
      } finally {
        await server.close();
      }
    });

    it('deletion in the primary: the copy goes and the MC service servers are told', async () => {
      const server = await InformedServer.start();
      try {
        pair = await startPair({ b: { inform: server.url } });
        const { a, b } = pair;
        await administratorPuts(a, police, joint, groupText());
        await delivered(a);
        const { effective } = await copyAt(b, joint);
        await administratorDeletes(a, police, joint);
        await delivered(a, 'withdrawn');
        const { received, effective: gone } = await copyAt(b, joint);
        expect([received.status, gone.status]).to.deep.equal([404, 404]);
        const [change] = await server.told(2);
        expect(change).to.deep.include({ previous: effective.etag?.slice(1, -1), next: undefined });
      } finally {
        await server.close();
      }
    });

    it('the last member of the partner is removed: DELETE, and PUT again when one comes back', async () => {
      pair = await startPair();
      const { a, b } = pair;
      await administratorPuts(a, police, joint, groupText());
      await delivered(a);
      await administratorPuts(a, police, joint, groupText({ members: [police.member] }));
      await delivered(a, 'withdrawn');
      expect((await copyAt(b, joint)).received.status).to.equal(404);
      expect((await getAs(b, fire.member, joint)).status, 'and it is not to be had by asking').to.equal(404);

      a.log.clear();
      await administratorPuts(a, police, joint, groupText({ name: 'Back again' }));
      await delivered(a);
      expect((await copyAt(b, joint)).effective.text).to.equal(groupText({ name: 'Back again' }));
    });

    it('the last member of the partner is removed from a group shared by name: it stays shared', async () => {
      pair = await startPair({ a: { peer: { groups: [joint] } } });
      const { a, b } = pair;
      await administratorPuts(a, police, joint, groupText());
      await delivered(a);
      a.log.clear();
      await administratorPuts(a, police, joint, groupText({ members: [police.member] }));
      await delivered(a);
      expect((await copyAt(b, joint)).received.text).to.equal(groupText({ members: [police.member] }));
    });

    it('a member named by an MCVideo or MCData ID makes the group the partner’s concern', async () => {
      pair = await startPair();
      const { a, b } = pair;
      const text = groupText({ members: [police.member] }).replace(
        `<entry uri="${police.member}"/>`,
        `<entry uri="${police.member}"><mcpttgi:mcdata-mcdata-id uri="${fire.member}"/></entry>`,
      );
      await administratorPuts(a, police, joint, text);
      await delivered(a);
      expect((await getAs(b, fire.member, joint)).text).to.equal(text);
    });

    it('both directions at once: each is primary of its own groups', async () => {
      pair = await startPair();
      const { a, b } = pair;
      const back = 'sip:harbour-fire@fire.example';
      const text = groupText({ id: back, members: [fire.member, police.member] });
      await Promise.all([
        administratorPuts(a, police, joint, groupText()),
        administratorPuts(b, fire, back, text),
      ]);
      await Promise.all([delivered(a), delivered(b, 'delivered', back)]);
      expect((await getAs(b, fire.member, joint)).text).to.equal(groupText());
      expect((await getAs(a, police.member, back)).text).to.equal(text);
    });

    it('a received group is never provided onward', async () => {
      const third = await ScriptedServer.start(willingPartner());
      try {
        const crane = 'sip:crane@port.example';
        pair = await startPair({
          b: {
            others: [
              { name: 'c', identity: 'sip:gms@port.example', root: third.root, domains: ['port.example'] },
            ],
          },
        });
        const { a, b } = pair;
        await administratorPuts(a, police, joint, groupText({ members: [fire.member, crane] }));
        await delivered(a);
        const own = 'sip:quay@fire.example';
        await administratorPuts(b, fire, own, groupText({ id: own, members: [crane] }));
        await delivered(b, 'delivered', own);
        expect(third.requests.map(({ target }) => target)).to.deep.equal([`/xcap-root${groupPath(own)}`]);
      } finally {
        await third.down();
      }
    });
  });

  describe('step 5: the provision response of the partner', () => {
    let b: TestSystem;
    let server: InformedServer;

    beforeEach(async () => {
      server = await InformedServer.start();
      b = await startPartner(nowhere, { inform: server.url });
    });

    afterEach(async () => {
      await b.dispose();
      await server.close();
    });

    const first = { 'If-None-Match': '*', Accept: resultMediaType };

    it('201 with a tag the first time, 200 with another for an update; the Result says success', async () => {
      const created = await provide(b, police, joint, groupText(), first);
      expect(created.status).to.equal(201);
      const etag = created.headers.etag ?? '';
      const news = groupText({ name: 'Second' });
      const updated = await provide(b, police, joint, news, { 'If-Match': etag, Accept: resultMediaType });
      expect(updated.status).to.equal(200);
      expect(updated.headers.etag).to.not.equal(etag);
      for (const answer of [created, updated]) {
        const success = { outcome: 'success' };
        expect(resultOf(answer)).to.deep.equal({
          kind: 'provision',
          groupId: joint,
          reception: success,
          modification: success,
          storage: success,
        });
      }
    });

    it('is an empty 201 where the primary does not ask for the Result', async () => {
      for (const headers of [{}, { Accept: '*/*' }, { Accept: `${resultMediaType};q=0` }]) {
        const id = `sip:joint-${Object.values(headers).join('').length}@police.example`;
        const answer = await provide(b, police, id, groupText({ id }), { 'If-None-Match': '*', ...headers });
        expect([answer.status, answer.text]).to.deep.equal([201, '']);
        expect(answer.headers.etag).to.match(/^"[^"]+"$/);
      }
    });

    it('the tag is that of the received document: GET by the primary gives its own bytes under it', async () => {
      await putPolicy(b, fire, policyFixture('guest-groups'));
      const { headers } = await provide(b, police, joint, groupText(), first);
      const { received, effective } = await copyAt(b, joint);
      expect(received).to.deep.equal({ status: 200, text: groupText(), etag: headers.etag });
      expect(effective.etag).to.not.equal(headers.etag);
      const again = await getAs(b, police.gms, joint, { 'If-None-Match': headers.etag ?? '' });
      expect([again.status, again.text]).to.deep.equal([304, '']);
      const head = await b.request({ method: 'HEAD', path: groupPath(joint), as: police.gms });
      expect([head.status, head.headers.etag]).to.deep.equal([200, headers.etag]);
    });

    it('the same content again: 200 and a new tag, nothing else changes, and nobody is informed twice', async () => {
      const { headers } = await provide(b, police, joint, groupText(), first);
      const etag = headers.etag ?? '';
      const before = await copyAt(b, joint);
      const again = await provide(b, police, joint, groupText(), { 'If-Match': etag });
      const next = again.headers.etag ?? '';
      expect(again.status).to.equal(200);
      expect(next, 'the former message cannot be taken for this one').to.not.equal(etag);
      const after = await copyAt(b, joint);
      expect(after).to.deep.equal({ ...before, received: { ...before.received, etag: next } });

      const late = await provide(b, police, joint, groupText(), { 'If-Match': etag });
      expect(late.status).to.equal(412);
      await provide(b, police, joint, groupText({ name: 'News' }), { 'If-Match': next });
      const [came] = await server.told(1);
      const [changed] = await server.told(2);
      expect(changed?.previous).to.equal(came?.next);
      expect(server.server.requests).to.have.length(2);
    });

    it('A, B, A: the third form has a third tag', async () => {
      const tags: (string | undefined)[] = [];
      let condition: Readonly<Record<string, string>> = first;
      for (const name of ['A', 'B', 'A']) {
        const { headers } = await provide(b, police, joint, groupText({ name }), condition);
        tags.push(headers.etag);
        condition = { 'If-Match': headers.etag ?? '' };
      }
      expect(new Set(tags).size).to.equal(3);
    });

    it('an unconditional provision is taken where nothing is stored', async () => {
      const answer = await provide(b, police, joint, groupText());
      expect(answer.status).to.equal(201);
      expect((await copyAt(b, joint)).received.text).to.equal(groupText());
    });

    it('deletion: with and without a condition; a second one is 404', async () => {
      const { headers } = await provide(b, police, joint, groupText(), first);
      const gone = await b.request({
        method: 'DELETE',
        path: groupPath(joint),
        as: police.gms,
        headers: { 'If-Match': headers.etag ?? '' },
      });
      expect([gone.status, gone.text]).to.deep.equal([200, '']);
      expect((await copyAt(b, joint)).effective.status).to.equal(404);
      const again = await b.request({ method: 'DELETE', path: groupPath(joint), as: police.gms });
      expect(again.status).to.equal(404);
    });

    it('modifications are told where the configuration allows it', async () => {
      await b.close();
      await b.open({ peers: partnerOf(nowhere, { reportModifications: true }, police) });
      await putPolicy(b, fire, policyFixture('guest-groups'));
      const result = resultOf(await provide(b, police, joint, groupText(), first));
      const told = result.kind === 'provision' ? result.modifications : undefined;
      const changes = told?.map(({ template, before, after }) => [template, before, after]);
      expect(changes).to.deep.equal([
        ['guest-groups/priority', '12', '6'],
        ['guest-groups/name', 'Joint operation', 'Guest: Joint operation'],
      ]);
      expect(told?.[0]?.path).to.include('on-network-group-priority');
    });
  });
});

/** The peers of a system that knows `site` only. */
function partnerOf(
  root: string,
  options: Readonly<Record<string, unknown>> = {},
  site: typeof fire | typeof police = fire,
): [{ name: string; identity: string; root: string; domains: string[] }] {
  return [{ name: site.name, identity: site.gms, root, domains: [site.domain], ...options }];
}

/** For the reader of a failed assertion. */
export type { RecordedRequest };
