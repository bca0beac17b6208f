import { expect } from 'chai';
import type { DocumentName } from '../../../src/base/identifiers.js';
import { RequestRefused } from '../../../src/base/refusals.js';
import { PolicyFailed } from '../../../src/policy/language/errors.js';
import { PoliciesInForce } from '../../../src/policy/policies-in-force.js';
import { policyAuid } from '../../../src/policy/usage.js';
import { groupText } from '../../support/peers.js';
import { a, b, contentOf, joint, ownState, Parts, peer, peers } from '../interconnection/parts.js';

describe('The policies in force', () => {
  let parts: Parts;
  let applied: (readonly string[])[];
  let policies: PoliciesInForce;

  beforeEach(() => {
    parts = new Parts(b, peers(peer(a)));
    applied = [];
    policies = new PoliciesInForce(parts.documents, {
      run: ({ text }, texts) => {
        applied.push(texts);
        return Promise.resolve({ text, modifications: [], omitted: 0 });
      },
    });
  });

  const name = (policy: string): DocumentName => `${policyAuid}/global/${policy}.xml` as DocumentName;

  const put = async (policy: string, text: string): Promise<void> => {
    await parts.documents.change(name(policy), () => ({
      kind: 'put',
      placement: { key: name(policy), names: [name(policy)] },
      content: { ...contentOf(ownState(text)), auid: policyAuid },
      result: () => undefined,
    }));
  };

  it('are all that are stored, by their names, whatever the order in which they came', async () => {
    await put('z', 'last');
    await put('a', 'first');
    await put('m', 'between');
    await policies.derive(a, joint, 'text');
    expect(applied).to.deep.equal([['first', 'between', 'last']]);
  });

  it('where there is none, the text is taken as it is, and no worker is troubled', async () => {
    const { text, modifications, omitted } = await policies.derive(a, joint, 'text');
    expect([text, modifications, omitted]).to.deep.equal(['text', [], 0]);
    expect(applied).to.deep.equal([]);
  });

  it('a derivation is current until a policy comes, changes or goes', async () => {
    const derive = async (): Promise<() => boolean> => (await policies.derive(a, joint, 'text')).isCurrent;
    const bare = await derive();
    expect(bare()).to.equal(true);
    await put('p', 'one');
    expect(bare()).to.equal(false);
    const one = await derive();
    await parts.put(joint, groupText());
    expect(one(), 'a group is no policy').to.equal(true);
    await put('p', 'two');
    expect(one()).to.equal(false);
    const two = await derive();
    await parts.documents.change(name('p'), () => ({ kind: 'delete', result: undefined }));
    expect(two()).to.equal(false);
    expect((await derive())()).to.equal(true);
  });

  it('a derivation under which a policy changes is not current when it is done', async () => {
    await put('p', 'one');
    const slow = new PoliciesInForce(parts.documents, {
      run: async ({ text }) => {
        await put('p', 'news');
        return { text, modifications: [], omitted: 0 };
      },
    });
    expect((await slow.derive(a, joint, 'text')).isCurrent()).to.equal(false);
  });

  for (const [reason, status] of [
    ['expression', 409],
    ['value', 409],
    ['structure', 409],
    ['protected', 409],
    ['limit', 409],
    ['invalid', 503],
    ['deadline', 503],
    ['busy', 503],
    ['closed', 503],
    ['crash', 503],
  ] as const) {
    it(`that fail for the reason "${reason}": ${status}, details for the log only`, async () => {
      await put('p', 'one');
      const failing = new PoliciesInForce(parts.documents, {
        run: () => Promise.reject(new PolicyFailed(reason, 'template t: secret')),
      });
      const error: unknown = await failing.derive(a, joint, 'text').then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (!(error instanceof RequestRefused)) throw new Error('it was not refused');
      expect(error.status).to.equal(status);
      expect(error.message).to.include('secret');
      expect(error.phrase).to.not.include('secret');
    });
  }
});
