import { expect } from 'chai';
import { systemClock } from '../../../src/base/clock.js';
import type { Auid, DocumentName, ETag, McServiceId } from '../../../src/base/identifiers.js';
import { InsufficientStorage } from '../../../src/base/refusals.js';
import type { DocumentSummary } from '../../../src/documents/documents.js';
import { Directories } from '../../../src/usages/directories.js';
import { createDeclaredUsage } from '../../../src/usages/declared-usage.js';
import { directoryAccess } from '../../../src/usages/directories.js';
import { shippedDeclarations } from '../../../src/usages/shipped-usages.js';
import type { Principal } from '../../../src/auth/principal.js';
import type { DocumentSelector } from '../../../src/xcap/request-uri.js';
import { validTree } from '../../conformance/expectations.js';

const usage = createDeclaredUsage(shippedDeclarations['resource-lists']);
const place: DocumentSelector = {
  auid: 'd' as Auid,
  tree: 'global',
  xui: undefined,
  path: ['directory.xml'],
};
const user: Principal = { kind: 'user', identity: 'sip:u@x' as McServiceId };

describe('OMA XDM Core 6.7.2 directories of many documents (design D21)', () => {
  let listed: DocumentSummary[];
  let generation: number;
  let asked: number;
  let directories: Directories;

  const fill = (count: number, name: (index: number) => string): void => {
    listed = Array.from({ length: count }, (_, index) => {
      const key = `resource-lists/global/${name(index)}` as DocumentName;
      return { key, names: [key], etag: `e${index}` as ETag, modified: 0, size: 1 };
    });
  };

  beforeEach(() => {
    generation = 1;
    asked = 0;
    directories = new Directories({
      documents: {
        async *summariesOf() {
          asked += 1;
          const now = listed;
          await Promise.resolve();
          yield* now;
        },
        get generation() {
          return generation;
        },
      },
      usages: () => [{ usage, access: directoryAccess, methods: ['GET'], checkList: () => undefined }],
      publicRoot: '/x',
      clock: systemClock,
    });
  });

  it('30,000 documents: others have their turns while it is written', async () => {
    fill(30_000, (index) => `sip%3Agroup-${(index * 7919) % 30_000}%40police.example`);
    await directories.form(user, place);
    generation += 1;
    let turns = 0;
    let over = false;
    const beat = (): void => {
      turns += 1;
      if (!over) setImmediate(beat);
    };
    setImmediate(beat);
    const { body } = await directories.form(user, place);
    over = true;
    expect(turns).to.be.at.least(30);
    const [folder] = validTree('xcap-directory', body).children;
    expect(folder?.children).to.have.lengthOf(30_000);
    const again = asked;
    expect((await directories.form(user, place)).body).to.equal(body);
    expect(asked, 'it is kept').to.equal(again);
  });

  it('requests that come together share one attempt; one after a commit sees the commit', async () => {
    fill(3000, String);
    const forms = [1, 2, 3].map(() => directories.form(user, place));
    expect(asked).to.equal(1);
    fill(3001, String);
    generation += 1;
    const later = await directories.form(user, place);
    const etags = new Set((await Promise.all(forms)).map(({ etag }) => etag));
    expect(etags.size).to.equal(1);
    expect(etags.has(later.etag)).to.equal(false);
    expect(validTree('xcap-directory', later.body).children[0]?.children).to.have.lengthOf(3001);
  });

  it('one that is larger than an answer may be is refused, not written', async () => {
    fill(10_000, (index) => `${'n'.repeat(7000)}${index}`);
    const refusal = await directories.form(user, place).catch((error: unknown) => error);
    expect(refusal).to.be.instanceOf(InsufficientStorage);
    const before = asked;
    expect(await directories.form(user, place).catch((error: unknown) => error), 'it is known').to.equal(
      refusal,
    );
    expect(asked).to.equal(before);
    generation += 1;
    fill(1, () => 'small');
    expect((await directories.form(user, place)).body).to.include('small');
  });
});
