import { expect } from 'chai';
import {
  administratorPuts,
  copyAt,
  copyUnchanged,
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
  resultMediaType,
  resultOf,
  startPartner,
  xcapErrorOf,
} from '../support/peers.js';
import type { RawAnswer } from '../support/raw-http.js';
import { groupPath, groupType, type TestRequest, type TestSystem } from '../support/system.js';

const nowhere = 'http://127.0.0.1:9/xcap-root';
const other = 'sip:other@police.example';
const harbour = {
  name: 'c',
  identity: 'sip:gms@port.example',
  root: 'http://127.0.0.1:7/xcap-root',
  domains: ['port.example'],
};

/** What a refused provision asked for, and how it was refused. */
interface Refusal {
  readonly title: string;
  readonly body: string | Buffer;
  readonly headers?: (etag: string) => Readonly<Record<string, string>>;
  readonly status: number;
  /** The element of xcap-error, where the status is 409. */
  readonly element?: string;
}

const current = (etag: string): Readonly<Record<string, string>> => ({ 'If-Match': etag });

const refusals: readonly Refusal[] = [
  {
    title: 'a body that is not well-formed',
    body: groupText().replace('</group>', ''),
    status: 409,
    element: 'not-well-formed',
  },
  { title: 'an empty body', body: '', status: 409, element: 'not-well-formed' },
  {
    title: 'a body that is not UTF-8',
    body: Buffer.from(groupText({ name: 'Brücke' }), 'latin1'),
    status: 409,
    element: 'not-utf-8',
  },
  {
    title: 'a DOCTYPE',
    body: groupText().replace('<!--', '<!DOCTYPE group><!--'),
    status: 409,
    element: 'constraint-failure',
  },
  {
    title: 'a body that is not valid against the schema',
    body: groupText().replace('>12<', '>very high<'),
    status: 409,
    element: 'schema-validation-error',
  },
  {
    title: 'another document element',
    body: '<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>',
    status: 409,
    element: 'schema-validation-error',
  },
  {
    title: 'another group ID in the body than in the URI',
    body: groupText({ id: other }),
    status: 409,
    element: 'constraint-failure',
  },
  {
    title: 'a group ID in the body that is no URI',
    body: groupText({ id: 'joint' }),
    status: 409,
    element: 'constraint-failure',
  },
  {
    title: 'the wrong media type',
    body: groupText({ name: 'News' }),
    headers: (etag) => ({ 'If-Match': etag, 'Content-Type': 'application/xml' }),
    status: 415,
  },
  {
    title: 'a content coding',
    body: groupText({ name: 'News' }),
    headers: (etag) => ({ 'If-Match': etag, 'Content-Encoding': 'gzip' }),
    status: 415,
  },
  { title: 'a body that is too large', body: groupText({ name: 'x'.repeat(20_000) }), status: 413 },
  {
    title: 'a group that is known, without a condition',
    body: groupText({ name: 'News' }),
    headers: () => ({}),
    status: 428,
  },
  {
    title: 'If-None-Match: * again',
    body: groupText({ name: 'News' }),
    headers: () => ({ 'If-None-Match': '*' }),
    status: 412,
  },
  {
    title: 'If-None-Match: * again with the same content',
    body: groupText(),
    headers: () => ({ 'If-None-Match': '*' }),
    status: 412,
  },
  {
    title: 'a stale tag',
    body: groupText({ name: 'News' }),
    headers: () => ({ 'If-Match': '"stale"' }),
    status: 412,
  },
  {
    title: 'a stale tag, before the body is judged',
    body: 'no XML at all',
    headers: () => ({ 'If-Match': '"stale"' }),
    status: 412,
  },
  {
    title: 'the present tag as a weak one',
    body: groupText({ name: 'News' }),
    headers: (etag) => ({ 'If-Match': `W/${etag}` }),
    status: 412,
  },
  {
    title: 'a condition that is none',
    body: groupText({ name: 'News' }),
    headers: () => ({ 'If-Match': '"' }),
    status: 400,
  },
];

describe('23.280 10.2.7.2 what the partner refuses changes nothing', () => {
  let b: TestSystem;
  let server: InformedServer;
  let etag: string;

  beforeEach(async () => {
    server = await InformedServer.start();
    b = await startPartner(nowhere, {
      inform: server.url,
      others: [harbour],
      xml: { bodyBytes: '16KiB' },
    });
    etag = (await provide(b, police, joint, groupText())).headers.etag ?? '';
    await server.told(1);
  });

  afterEach(async () => {
    await b.dispose();
    await server.close();
  });

  /** Nobody was told of what was refused: the next word to the server follows the first one. */
  const nobodyTold = async (): Promise<void> => {
    const { effective } = await copyAt(b, joint);
    const gone = await b.request({ method: 'DELETE', path: groupPath(joint), as: police.gms });
    expect(gone.status).to.equal(200);
    const [change] = await server.told(2);
    expect(change).to.deep.include({ previous: effective.etag?.slice(1, -1), next: undefined });
    expect(server.server.requests).to.have.length(2);
  };

  for (const { title, body, headers = current, status, element } of refusals) {
    it(`${title}: ${status}${element === undefined ? '' : ` ${element}`}, with and without the Result`, async () => {
      const plain = await copyUnchanged(b, joint, () => provide(b, police, joint, body, headers(etag)));
      expect(plain.status, plain.text).to.equal(status);
      if (element !== undefined) xcapErrorOf(plain, element);
      else expect(plain.headers['content-type']).to.equal('text/plain; charset=utf-8');

      const asked = { ...headers(etag), Accept: `${resultMediaType}, application/xcap-error+xml` };
      const answer = await copyUnchanged(b, joint, () => provide(b, police, joint, body, asked));
      expect(answer.status).to.equal(status);
      const result = resultOf(answer);
      if (result.kind !== 'provision') throw new Error('the Result is not one of a provision');
      expect(result.groupId).to.equal(joint);
      if (result.reception.outcome !== 'failure') throw new Error('reception did not fail');
      expect(result.reception.reason.phrase).to.not.equal('');
      expect(result.reception.reason.element?.name).to.equal(element);
      expect([result.modification, result.storage]).to.deep.equal([
        { outcome: 'not-attempted' },
        { outcome: 'not-attempted' },
      ]);
      await nobodyTold();
    });
  }

  it('replayed older content under the tag that it once had: 412', async () => {
    await provide(b, police, joint, groupText({ name: 'News' }), { 'If-Match': etag });
    await server.told(2);
    const replay = await copyUnchanged(b, joint, () =>
      provide(b, police, joint, groupText(), { 'If-Match': etag }),
    );
    expect(replay.status).to.equal(412);
  });

  describe('of a group that the peer is not home of (design D6)', () => {
    const own = 'sip:harbour-fire@fire.example';
    const theirs = 'sip:quay@port.example';
    const unknown = 'sip:elsewhere@nowhere.example';

    for (const [whose, id] of [
      ['our own system', own],
      ['a third system', theirs],
      ['no configured system', unknown],
    ] as const) {
      it(`a group of ${whose}: 403, logged, nothing stored`, async () => {
        const text = groupText({ id, members: [fire.member] });
        for (const headers of [{}, { Accept: resultMediaType }]) {
          b.log.clear();
          const answer = await copyUnchanged(b, id, () => provide(b, police, id, text, headers));
          expect(answer.status).to.equal(403);
          const line = await b.log.line('group information refused');
          expect(line.level).to.equal('warn');
          expect(line.fields).to.include({ peer: 'a', group: id, status: 403, stage: 'reception' });
        }
      });
    }

    it('a group of our own that exists: 403, and it stays as it was', async () => {
      const text = groupText({ id: own, members: [fire.member] });
      await administratorPuts(b, fire, own, text);
      const before = await getAs(b, fire.administrator, own);
      const news = groupText({ id: own, name: 'Taken over' });
      for (const headers of [{}, { 'If-Match': before.headers.etag ?? '' }, { 'If-None-Match': '*' }]) {
        expect((await provide(b, police, own, news, headers)).status).to.equal(403);
      }
      const deleted = await b.request({ method: 'DELETE', path: groupPath(own), as: police.gms });
      expect(deleted.status).to.equal(403);
      const after = await getAs(b, fire.administrator, own);
      expect([after.text, after.headers.etag]).to.deep.equal([text, before.headers.etag]);
    });

    it('a third system withdrawing or reading a group of the police: 403', async () => {
      for (const method of ['DELETE', 'GET']) {
        const answer = await copyUnchanged(b, joint, () =>
          b.request({ method, path: groupPath(joint), as: harbour.identity }),
        );
        expect(answer.status, method).to.equal(403);
      }
    });

    it('the group ID of the URI counts, not the one of the body', async () => {
      const inBody = groupText({ id: own });
      const answer = await provide(b, police, other, inBody);
      xcapErrorOf(answer, 'constraint-failure');
      expect((await copyAt(b, other)).effective.status).to.equal(404);
      expect((await copyAt(b, own)).effective.status).to.equal(404);
    });
  });

  describe('where a peer asks for what peers may not', () => {
    const requests: readonly (Omit<TestRequest, 'as'> & {
      readonly title: string;
      readonly status: number;
    })[] = [
      {
        title: 'PUT of a policy',
        method: 'PUT',
        path: policyPath(),
        body: policyFixture('guest-groups'),
        headers: { 'Content-Type': 'application/vnd.mcgms.policy+xml' },
        status: 403,
      },
      { title: 'GET of a policy', method: 'GET', path: policyPath(), status: 403 },
      { title: 'DELETE of a policy', method: 'DELETE', path: policyPath(), status: 403 },
      {
        title: 'PUT into the users tree',
        method: 'PUT',
        path: '/org.openmobilealliance.groups/users/sip%3Agms%40police.example/g.xml',
        body: groupText({ id: other }),
        headers: { 'Content-Type': groupType },
        status: 403,
      },
      {
        title: 'GET from the users tree',
        method: 'GET',
        path: '/org.openmobilealliance.groups/users/sip%3Agms%40police.example/g.xml',
        status: 403,
      },
      {
        title: 'GET of a node',
        method: 'GET',
        path: `${groupPath(joint)}/~~/group/list-service/display-name`,
        status: 403,
      },
      {
        title: 'PUT of a node',
        method: 'PUT',
        path: `${groupPath(joint)}/~~/group/list-service/display-name`,
        body: '<display-name>By node</display-name>',
        headers: { 'Content-Type': 'application/xcap-el+xml' },
        status: 403,
      },
      {
        title: 'DELETE of a node',
        method: 'DELETE',
        path: `${groupPath(joint)}/~~/group/list-service/display-name`,
        status: 403,
      },
      { title: 'POST', method: 'POST', path: groupPath(joint), body: groupText(), status: 405 },
    ];

    for (const { title, status, ...request } of requests) {
      it(`${title}: ${status}`, async () => {
        const answer = await copyUnchanged(b, joint, () => b.request({ ...request, as: police.gms }));
        expect(answer.status).to.equal(status);
        const policy = await b.request({ method: 'GET', path: policyPath(), as: fire.administrator });
        expect(policy.status, 'no policy came').to.equal(404);
        await nobodyTold();
      });
    }

    it('the Result says why, where the peer addresses a node and asks for it', async () => {
      const answer = await b.request({
        method: 'GET',
        path: `${groupPath(joint)}/~~/group/list-service/display-name`,
        as: police.gms,
        headers: { Accept: resultMediaType },
      });
      expect(answer.status).to.equal(403);
      expect(resultOf(answer)).to.deep.include({ kind: 'request', groupId: joint });
    });

    it('the identity of a peer asserted for an administrator’s request, and the reverse', async () => {
      const text = groupText({ name: 'By an administrator of another system' });
      const foreign = await copyUnchanged(b, joint, () =>
        b.request({
          method: 'PUT',
          path: groupPath(joint),
          as: police.administrator,
          body: text,
          headers: { 'Content-Type': groupType, 'If-Match': etag },
        }),
      );
      expect(foreign.status).to.equal(403);
    });

    it('a DELETE under a stale tag: 412', async () => {
      const answer = await copyUnchanged(b, joint, () =>
        b.request({
          method: 'DELETE',
          path: groupPath(joint),
          as: police.gms,
          headers: { 'If-Match': '"stale"' },
        }),
      );
      expect(answer.status).to.equal(412);
    });
  });

  describe('accept: false', () => {
    it('403 to every provision; what is held stays readable and may be withdrawn', async () => {
      await b.close();
      await b.open({
        peers: [
          {
            name: police.name,
            identity: police.gms,
            root: nowhere,
            domains: [police.domain],
            accept: false,
          },
        ],
      });
      const update = await copyUnchanged(b, joint, () =>
        provide(b, police, joint, groupText({ name: 'News' }), { 'If-Match': etag }),
      );
      expect(update.status).to.equal(403);
      const create = await provide(b, police, other, groupText({ id: other }), { Accept: resultMediaType });
      expect(create.status).to.equal(403);
      expect(resultOf(create)).to.deep.include({ modification: { outcome: 'not-attempted' } });
      expect((await copyAt(b, other)).effective.status).to.equal(404);
      expect((await getAs(b, fire.member, joint)).text).to.equal(groupText());
    });
  });

  describe('step 2: modification fails', () => {
    const neutral = 'the policy of this MC system cannot be applied to the group';

    /** The phrase of the failure, which must be that of the modification. */
    const failure = (answer: RawAnswer, status = 409): string => {
      expect(answer.status, answer.text).to.equal(status);
      const result = resultOf(answer);
      if (result.kind !== 'provision') throw new Error('the Result is not one of a provision');
      expect(result.reception).to.deep.equal({ outcome: 'success' });
      expect(result.storage).to.deep.equal({ outcome: 'not-attempted' });
      if (result.modification.outcome !== 'failure') throw new Error('modification did not fail');
      const { phrase, element } = result.modification.reason;
      expect(element?.name).to.equal(status === 409 ? 'constraint-failure' : undefined);
      return phrase;
    };
    const asked = { Accept: resultMediaType };

    const failing = [
      [
        'the policy makes the document invalid',
        'makes-invalid',
        /not accepted by the pattern|not a valid value/,
      ],
      ['the policy would touch what is protected', 'fails', /template fails\/everything: .* is protected/],
    ] as const;

    for (const [title, policy, why] of failing) {
      it(`${title}: 409 in neutral words, nothing is stored; log and audit tell the operator why`, async () => {
        await putPolicy(b, fire, policyFixture(policy));
        const text = groupText({ id: other });
        const answer = await copyUnchanged(b, other, () => provide(b, police, other, text, asked));
        expect(failure(answer)).to.equal(neutral);
        const plain = await copyUnchanged(b, other, () => provide(b, police, other, text));
        expect(xcapErrorOf(plain, 'constraint-failure')).to.equal(neutral);
        for (const { text: told } of [answer, plain]) {
          expect(told).to.not.match(/template|everything|very high|priority|element|type|protect/i);
        }
        const line = await b.log.line('group information refused');
        expect(line.fields).to.include({ group: other, stage: 'modification', status: 409 });
        expect(line.fields['reason'], 'the operator is told why').to.match(why);
      });

      it(`${title}: a peer to which modifications are reported is told why`, async () => {
        await b.close();
        const { name, gms, domain } = police;
        const told = { name, identity: gms, root: nowhere, domains: [domain], reportModifications: true };
        await b.open({ peers: [told] });
        await putPolicy(b, fire, policyFixture(policy));
        const text = groupText({ id: other });
        const answer = await copyUnchanged(b, other, () => provide(b, police, other, text, asked));
        expect(failure(answer).startsWith(`${neutral}: `)).to.equal(true);
        expect(failure(answer)).to.match(why);
        const plain = await copyUnchanged(b, other, () => provide(b, police, other, text));
        expect(xcapErrorOf(plain, 'constraint-failure')).to.equal(failure(answer));
      });
    }

    it('on an update: received, effective and their tags stay as they were', async () => {
      const low = await provide(b, police, joint, groupText({ priority: 4 }), { 'If-Match': etag });
      const tag = { 'If-Match': low.headers.etag ?? '' };
      await putPolicy(b, fire, policyFixture('invalid-above-10'));
      const answer = await copyUnchanged(b, joint, () =>
        provide(b, police, joint, groupText({ priority: 12 }), { ...tag, ...asked }),
      );
      expect(failure(answer)).to.equal(neutral);
      expect((await copyAt(b, joint)).effective.text).to.equal(groupText({ priority: 4 }));

      const cured = await provide(b, police, joint, groupText({ priority: 9 }), tag);
      expect(cured.status, 'the tag is good still').to.equal(200);
      expect((await copyAt(b, joint)).effective.text).to.equal(groupText({ priority: 9 }));
    });

    it('a policy that runs away is stopped: 503, as lack of time is no fault of the group, and the server answers meanwhile', async () => {
      await b.close();
      await b.open({ interconnection: { identity: fire.gms, policyDeadline: '200ms' } });
      await putPolicy(b, fire, policyFixture('runs-away'));
      const provision = provide(b, police, other, groupText({ id: other }), asked);
      expect((await getAs(b, fire.member, joint)).status).to.equal(200);
      const answer = await provision;
      expect(failure(answer, 503)).to.equal('the policy could not be applied at present');
      expect(answer.headers['retry-after']).to.equal('10');
      const slow = await b.log.line(
        'the policy takes too long: it was ended',
        ({ group }) => group === other,
      );
      expect(slow.fields).to.include({ peer: 'a', group: other, policy: 'template runs-away/count' });
      expect(slow.fields['milliseconds']).to.be.at.least(200);
      expect((await copyAt(b, other)).effective.status).to.equal(404);
    });
  });
});

describe('design D9: a received group is changed by policy only', () => {
  let b: TestSystem;

  beforeEach(async () => {
    b = await startPartner(nowhere);
    await provide(b, police, joint, groupText());
  });

  afterEach(async () => {
    await b.dispose();
  });

  const node = `${groupPath(joint)}/~~/group/list-service/display-name`;
  const edits: readonly (TestRequest & { readonly title: string })[] = [
    {
      title: 'PUT of the document',
      method: 'PUT',
      path: groupPath(joint),
      body: groupText({ name: 'Ours now' }),
      headers: { 'Content-Type': groupType },
    },
    {
      title: 'PUT of an element',
      method: 'PUT',
      path: node,
      body: '<display-name>Ours now</display-name>',
      headers: { 'Content-Type': 'application/xcap-el+xml' },
    },
    {
      title: 'PUT of an attribute',
      method: 'PUT',
      path: `${node}/@xml:lang`,
      body: 'de',
      headers: { 'Content-Type': 'application/xcap-att+xml' },
    },
    { title: 'DELETE of an element', method: 'DELETE', path: node },
    { title: 'DELETE of the document', method: 'DELETE', path: groupPath(joint) },
  ];

  for (const { title, ...edit } of edits) {
    it(`${title} by the administrator: 409 constraint-failure that names the owning system`, async () => {
      const answer = await copyUnchanged(b, joint, () => b.request({ ...edit, as: fire.administrator }));
      const phrase = xcapErrorOf(answer, 'constraint-failure');
      expect(phrase).to.include('MC system a').and.to.include('policy');
    });
  }

  it('a stale tag is 412 before that', async () => {
    const answer = await copyUnchanged(b, joint, () =>
      b.request({
        method: 'PUT',
        path: groupPath(joint),
        as: fire.administrator,
        body: groupText(),
        headers: { 'Content-Type': groupType, 'If-Match': '"stale"' },
      }),
    );
    expect(answer.status).to.equal(412);
  });

  it('local creation of a group that is defined elsewhere: 409, in the users tree with group IDs of our own', async () => {
    const inUsersTree = `/org.openmobilealliance.groups/users/${encodeURIComponent(fire.administrator)}/other.xml`;
    for (const [path, condition] of [
      [groupPath(other), 'constraint-failure'],
      [inUsersTree, 'uniqueness-failure'],
    ] as const) {
      const answer = await b.request({
        method: 'PUT',
        path,
        as: fire.administrator,
        body: groupText({ id: other }),
        headers: { 'Content-Type': groupType },
      });
      expect(xcapErrorOf(answer, condition)).to.include('MC system a');
      expect(answer.text.includes('@fire.example</alt-value>')).to.equal(condition === 'uniqueness-failure');
      expect((await copyAt(b, other)).effective.status).to.equal(404);
    }
  });
});
