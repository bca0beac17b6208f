import { JudgeHere } from '../../../../src/documents/judgement.js';
import { expect } from 'chai';
import type { DocumentName, GroupId } from '../../../../src/base/identifiers.js';
import type { Modification } from '../../../../src/documents/state.js';
import { nameOfGroup } from '../../../../src/groups/names.js';
import type { Derivation } from '../../../../src/policy/derive.js';
import { PolicyFailed } from '../../../../src/policy/language/errors.js';
import { PolicyPreviews } from '../../../../src/policy/preview/preview.js';
import { writePreview } from '../../../../src/policy/preview/preview-document.js';
import { type Preview } from '../../../../src/policy/preview/preview-document.js';
import { createPolicyUsage, policyAuid } from '../../../../src/policy/usage.js';
import { ServiceUnavailable } from '../../../../src/base/refusals.js';
import { groupUsageOf } from '../../../support/group-usage.js';
import { groupText } from '../../../support/peers.js';
import { a, b, c, Parts, peer, peers, receivedState } from '../../interconnection/parts.js';
import { limits } from '../../../support/limits.js';
import { schemas } from '../../../support/schemas.js';
import { policyText } from '../policy-fixtures.js';

const name = `${policyAuid}/global/p.xml` as DocumentName;
const policy = Buffer.from(policyText(''));

describe('The preview of a policy', () => {
  let parts: Parts;

  beforeEach(() => {
    parts = new Parts(b, peers(peer(a), peer(c)));
  });

  const plant = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      const id = `sip:g-${String(index).padStart(5, '0')}@police.example` as GroupId;
      await parts.plant(nameOfGroup(id), receivedState(groupText({ id }), a));
    }
  };

  const previews = (run: (text: string) => Promise<Derivation> | Derivation): PolicyPreviews =>
    new PolicyPreviews({
      documents: parts.documents,
      peers: parts.peers,
      policies: { textsWith: (_name, text) => Promise.resolve([text]) },
      runner: { run: async ({ text }) => await run(text) },
      policyUsage: createPolicyUsage(),
      rules: {
        usage: groupUsageOf('fire.example', { homes: parts.homes }),
        judge: new JudgeHere({ schemas: schemas(), limits }),
      },
      clock: parts.clock,
      log: parts.log,
    });

  const unchanged = (text: string): Derivation => ({ text, modifications: [], omitted: 0 });

  const changed =
    (modifications: readonly Modification[], omitted = 0) =>
    (text: string): Derivation => ({
      text: text.replace('Joint operation', 'Guests'),
      modifications,
      omitted,
    });

  const many = (count: number, length = 1): readonly Modification[] =>
    Array.from({ length: count }, (_, i) => ({
      template: `p/${i}`,
      path: '/',
      before: 'x'.repeat(length),
      after: null,
    }));

  /** Writes `preview`, which must be valid, and gives the attribute of its root. */
  const attributeOf = (preview: Preview, local: string): string | undefined => {
    const text = writePreview(preview);
    schemas().validate('policy-preview', text);
    return new RegExp(` ${local}="([^"]*)"`).exec(text.slice(0, text.indexOf('<group')))?.[1];
  };

  it('lists up to a number of modifications of a group, and counts the others', async () => {
    await plant(1);
    const preview = await previews(changed(many(150), 7)).preview(name, policy);
    const [group] = preview.listed;
    expect(group).to.have.property('modified').that.has.length(100);
    expect(group).to.have.property('omitted', 57);
    attributeOf(preview, 'groups');
  });

  it('lists up to a number of modifications in all, and characters of them, and goes on counting groups', async () => {
    await plant(40);
    const preview = await previews(changed(many(100))).preview(name, policy);
    const sizes = preview.listed.map((group) => (group.outcome === 'changed' ? group.modified.length : 0));
    expect(sizes.reduce((sum, size) => sum + size)).to.equal(3000);
    expect(preview.changed).to.equal(40);
    expect(preview.listed.at(-1)).to.have.property('omitted', 100);
    const long = await previews(changed(many(100, 10_000))).preview(name, policy);
    expect(writePreview(long).length).to.be.below(1.5 * 1024 * 1024);
    expect(long.changed).to.equal(40);
  });

  it('lists a thousand groups, those that change first, and says how many are left out', async () => {
    await plant(1005);
    const last = groupText({ id: 'sip:g-01004@police.example' });
    const preview = await previews((text) =>
      text === last ? changed(many(1))(text) : unchanged(text),
    ).preview(name, policy);
    expect(preview.listed).to.have.length(1000);
    expect(preview.listed[0]).to.include({ outcome: 'changed', groupId: 'sip:g-01004@police.example' });
    expect(preview).to.include({ groups: 1005, unchanged: 1004, changed: 1, failing: 0, notExamined: 0 });
    expect(attributeOf(preview, 'left-out')).to.equal('5');
  });

  for (const jump of [0, -3_600_000, 3_600_000]) {
    it(`ends in time, and says for how many groups there was none; the clock is set by ${jump} ms`, async () => {
      await plant(10);
      const preview = await previews((text) => {
        parts.clock.advance(7000);
        parts.clock.jump(jump);
        return unchanged(text);
      }).preview(name, policy);
      expect(preview).to.include({ groups: 10, unchanged: 3, notExamined: 7 });
      expect(attributeOf(preview, 'not-examined')).to.equal('7');
      expect(attributeOf(preview, 'left-out')).to.equal(undefined);
    });
  }

  it('lets other work go on between the groups', async () => {
    await plant(5);
    let turns = 0;
    let over = false;
    const turn = (): void => {
      turns += 1;
      if (!over) setImmediate(turn);
    };
    setImmediate(turn);
    await previews(unchanged).preview(name, policy);
    over = true;
    expect(turns).to.be.at.least(5);
  });

  it('tells why a policy fails, and that it cannot be tried while the server closes', async () => {
    await plant(1);
    const failing = (reason: PolicyFailed['reason']): Promise<Preview> =>
      previews(() =>
        Promise.reject(new PolicyFailed(reason, `template p/t: \u0000${'x'.repeat(2000)}`)),
      ).preview(name, policy);
    const preview = await failing('deadline');
    expect(preview.listed[0]).to.include({ outcome: 'failing' });
    attributeOf(preview, 'failing');
    const closed = await failing('closed').catch((error: unknown) => error);
    expect(closed).to.be.instanceOf(ServiceUnavailable);
  });

  it('can be asked for again after it has failed', async () => {
    await plant(1);
    let broken = true;
    const tried = previews((text) => {
      if (broken) throw new Error('the machine');
      return unchanged(text);
    });
    expect(await tried.preview(name, policy).catch((error: unknown) => String(error))).to.include(
      'the machine',
    );
    broken = false;
    expect((await tried.preview(name, policy)).unchanged).to.equal(1);
  });

  describe('of a policy that was put, for the Warning of the answer', () => {
    const text = policy.toString();
    const failing = (): never => {
      throw new PolicyFailed('protected', 'template p/t: no');
    };

    it('counts the groups for which the policies fail', async () => {
      await plant(3);
      let calls = 0;
      const tried = previews((body) => ((calls += 1) === 2 ? unchanged(body) : failing()));
      expect(await tried.remarksOn(name, text)).to.deep.equal([
        'the policies fail on 2 of 3 received groups, see the preview',
      ]);
      expect(await previews(unchanged).remarksOn(name, text)).to.deep.equal([]);
    });

    it('takes two seconds at most, and says on how many groups the policies were not tried', async () => {
      await plant(5);
      const tried = previews((body) => {
        parts.clock.advance(700);
        return unchanged(body);
      });
      expect(await tried.remarksOn(name, text)).to.deep.equal([
        'the policies were not tried on 3 received groups',
      ]);
    });

    it('waits no longer for a policy that has not come to an end by then', async () => {
      await plant(2);
      let begun = (): void => undefined;
      const running = new Promise<void>((resolve) => (begun = resolve));
      let end = (): void => undefined;
      const endless = new Promise<void>((resolve) => (end = resolve));
      const tried = previews(async (body) => {
        begun();
        await endless;
        return unchanged(body);
      });
      const remarks = tried.remarksOn(name, text);
      await running;
      parts.clock.advance(2000);
      expect(await remarks).to.deep.equal(['the policies were not tried on 2 received groups']);
      expect(await tried.remarksOn(name, text), 'one trial at a time').to.deep.equal([
        'the policies were not tried on the received groups',
      ]);
      end();
    });

    it('says so where there can be no trial, and the answer stands', async () => {
      await plant(1);
      const broken = previews(() => {
        throw new Error('the machine');
      });
      expect(await broken.remarksOn(name, text)).to.deep.equal([
        'the policies were not tried on 1 received group',
      ]);
      const line = await parts.log.line('the groups were not tried with a policy');
      expect(line.fields).to.include({ document: name, reason: 'the machine' });
    });
  });
});
