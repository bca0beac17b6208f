import { expect } from 'chai';
import { jsonOf, operations } from '../support/operations.js';
import {
  administratorPuts,
  copyUnchanged,
  fire,
  getAs,
  groupText,
  joint,
  police,
  policyFixture,
  provide,
  putPolicy,
  resultMediaType,
  resultOf,
  ScriptedServer,
  startPartner,
  type SiteOptions,
} from '../support/peers.js';
import type { RawAnswer } from '../support/raw-http.js';
import { groupPath, groupType, type TestSystem } from '../support/system.js';

/** Law L4 at the entrance for peers (design D21): what they provide has a quota. */

const nowhere = 'http://127.0.0.1:9/xcap-root';
const second = 'sip:second@police.example';
const third = 'sip:third@police.example';
const absent = (number: number): string => `sip:absent-${number}@police.example`;
const wantsResult = { Accept: `${resultMediaType}, application/xcap-error+xml` };

describe('23.280 10.2.7.2 what peers provide has a quota', () => {
  let b: TestSystem;

  const start = async (quotas: SiteOptions['quotas'], root = nowhere): Promise<void> => {
    b = await startPartner(root, { quotas });
  };

  afterEach(async () => {
    await b.dispose();
  });

  const withdraw = async (
    groupId: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RawAnswer> =>
    await b.request({ method: 'DELETE', path: groupPath(groupId), as: police.gms, headers });

  const stored = async (): Promise<unknown> => {
    const shown = jsonOf(await operations(b, 'GET', '/quotas', { as: fire.administrator }));
    return (shown as { readonly peers: Readonly<Record<string, unknown>> }).peers['a'];
  };

  it('step 3: a group at the limit is stored; one above is 507, and the Result says that storage failed', async () => {
    await start({ peer: { documents: 1, octets: 0 } });
    expect((await provide(b, police, joint, groupText())).status).to.equal(201);
    const before = await stored();
    const text = groupText({ id: second });
    const refused = await copyUnchanged(b, second, () => provide(b, police, second, text, wantsResult));
    expect(refused.status, refused.text).to.equal(507);
    const result = resultOf(refused);
    if (result.kind !== 'provision' || result.storage.outcome !== 'failure') throw new Error(refused.text);
    expect([result.reception.outcome, result.modification.outcome]).to.deep.equal(['success', 'success']);
    expect(result.storage.reason.phrase).to.equal('at most 1 documents of one MC system are stored here');
    expect((await provide(b, police, second, text)).status).to.equal(507);
    expect(await stored()).to.deep.equal(before);
    // Our own groups have room of their own.
    await administratorPuts(b, fire, 'sip:own@fire.example', groupText({ id: 'sip:own@fire.example' }));
  });

  it('octets count as received and as modified; less of them is always taken', async () => {
    const text = groupText();
    const room = 2 * Buffer.byteLength(text);
    await start({ peer: { documents: 0, octets: room } });
    const { etag = '' } = (await provide(b, police, joint, text)).headers;
    expect(await stored()).to.deep.include({ documents: 1, octets: room });
    const longer = text.replace('</group>', ' </group>');
    const refused = await copyUnchanged(b, joint, () =>
      provide(b, police, joint, longer, { 'If-Match': etag }),
    );
    expect(refused.status).to.equal(507);
    const shorter = groupText({ members: [fire.member] });
    expect(Buffer.byteLength(shorter)).to.be.below(Buffer.byteLength(text));
    expect((await provide(b, police, joint, shorter, { 'If-Match': etag })).status).to.equal(200);
  });

  it('a withdrawal works where the part is full, and makes room; a restart counts the same', async () => {
    await start({ peer: { documents: 1, octets: 0 } });
    await provide(b, police, joint, groupText());
    expect((await withdraw(joint)).status).to.equal(200);
    expect(await stored()).to.deep.include({ documents: 0, remembered: 1, octets: 0 });
    expect((await provide(b, police, second, groupText({ id: second }))).status).to.equal(201);
    const before = await stored();
    expect(before).to.deep.include({ documents: 1, remembered: 1 });
    await b.close();
    await b.open();
    expect(await stored()).to.deep.equal(before);
    expect((await provide(b, police, third, groupText({ id: third }))).status).to.equal(507);
  });

  it('withdrawals of invented groups fill no store', async () => {
    await start({ peer: { documents: 3, octets: 0 } });
    for (let number = 1; number <= 6; number += 1)
      expect((await withdraw(absent(number))).status).to.equal(404);
    const before = await stored();
    expect(before).to.deep.include({ documents: 0, remembered: 6 });
    for (const headers of [{}, wantsResult]) {
      const answer = await withdraw(absent(7), headers);
      expect(answer.status, answer.text).to.equal(507);
    }
    // What is remembered already costs nothing more.
    expect((await withdraw(absent(1))).status).to.equal(404);
    expect(await stored()).to.deep.include({ documents: 0, remembered: 6 });
  });

  it('a change of policy applies where the part is full', async () => {
    const room = 2 * Buffer.byteLength(groupText());
    await start({ peer: { documents: 1, octets: room } });
    await provide(b, police, joint, groupText());
    const before = (await getAs(b, fire.administrator, joint)).text;
    await putPolicy(b, fire, policyFixture('guest-groups'));
    await b.log.line('effective documents were derived anew', ({ done }) => done === 1);
    const after = (await getAs(b, fire.administrator, joint)).text;
    const growth = Buffer.byteLength(after) - Buffer.byteLength(before);
    expect(growth).to.be.above(0);
    const { octets } = (await stored()) as { readonly octets: number };
    expect(octets).to.be.at.least(room + growth);
    await b.close();
    await b.open();
    expect((await getAs(b, fire.administrator, joint)).text).to.equal(after);
  });

  it('10.2.7.3 a group that there is no room for is not stored when it is fetched', async () => {
    const a = await ScriptedServer.start();
    try {
      a.otherwise({ status: 200, headers: { 'Content-Type': groupType, ETag: '"1"' }, body: groupText() });
      await start({ peer: { documents: 1, octets: 0 } }, a.root);
      await provide(b, police, second, groupText({ id: second }));
      expect((await getAs(b, fire.server, joint)).status).to.equal(503);
      expect(await stored()).to.deep.include({ documents: 1 });
      // One whose name could not be stored is not even asked for.
      const asked = a.requests.length;
      const long = `sip:${'g'.repeat(3100)}@police.example`;
      expect((await getAs(b, fire.server, long)).status).to.equal(404);
      expect(a.requests).to.have.length(asked);
    } finally {
      await a.down();
    }
  });

  it('a group whose ID is too long for a name is refused at its reception', async () => {
    await start({});
    const long = `sip:${'g'.repeat(3100)}@police.example`;
    const refused = await provide(b, police, long, groupText({ id: long }), wantsResult);
    expect(refused.status).to.equal(409);
    const result = resultOf(refused);
    if (result.kind !== 'provision' || result.reception.outcome !== 'failure') throw new Error(refused.text);
    expect(result.reception.reason.element?.name).to.equal('constraint-failure');
    expect((await withdraw(long)).status).to.equal(404);
    expect(await stored()).to.deep.include({ documents: 0, remembered: 0 });
  });
});
