import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Environment } from '../../../../src/store/lmdb/environment.js';
import { findInPages } from '../../../../src/store/lmdb/pages.js';
import { seed } from '../../../support/seed.js';
import { seededFraction } from '../../../support/seeded-fraction.js';

const pageSize = 4096;

describe('The pages of an LMDB file (design D4)', function () {
  this.timeout(60_000);
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-pages-'));
    path = join(folder, 'store.mdb');
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  /** Batches of random puts and removals, small and large. */
  const churn = async (environment: Environment, batches: number, fraction: () => number): Promise<void> => {
    for (let batch = 0; batch < batches; batch += 1) {
      const changes = Array.from({ length: 1 + Math.floor(fraction() * 40) }, () => {
        const key = Buffer.from(`key ${Math.floor(fraction() * 400)}`);
        const size = fraction() < 0.3 ? fraction() * 60_000 : fraction() * 2000;
        const value = fraction() < 0.4 ? undefined : Buffer.alloc(Math.floor(size), batch);
        return environment.write(value?.length ?? 0, (writing) => {
          if (value === undefined) writing.remove('bodies', key);
          else writing.put('bodies', key, value);
        });
      });
      await Promise.all(changes);
    }
  };

  it(`are found right whatever was written and removed (seed ${seed})`, async () => {
    const fraction = seededFraction(seed);
    for (let reopened = 0; reopened < 4; reopened += 1) {
      const environment = new Environment({ path });
      for (let round = 0; round < 5; round += 1) {
        await churn(environment, 20, fraction);
        expect(findInPages(path, true)).to.deep.equal([]);
        expect(findInPages(path, false)).to.deep.equal([]);
      }
      await environment.close();
      expect(findInPages(path, true)).to.deep.equal([]);
    }
  });

  it('are found right in an empty file of LMDB, and in a copy of it', async () => {
    const environment = new Environment({ path });
    expect(findInPages(path, true)).to.deep.equal([]);
    await churn(environment, 10, seededFraction(1));
    await environment.backup(join(folder, 'copy.mdb'));
    await environment.close();
    expect(findInPages(join(folder, 'copy.mdb'), true)).to.deep.equal([]);
  });

  describe('that are wrong', () => {
    let whole: Buffer;

    beforeEach(async () => {
      const environment = new Environment({ path });
      await churn(environment, 60, seededFraction(7));
      await environment.close();
      whole = await readFile(path);
    });

    const findingsOf = async (change: (file: Buffer) => Buffer | undefined): Promise<string> => {
      const file = Buffer.from(whole);
      await writeFile(path, change(file) ?? file);
      return findInPages(path, true).join('; ');
    };

    /** Where the meta page of the last transaction begins. */
    const metaOf = (file: Buffer): number =>
      file.readBigUInt64LE(152) > file.readBigUInt64LE(pageSize + 152) ? 0 : pageSize;

    /** Where the root page of the free pages' tree, or of the entries', begins. */
    const rootOf = (file: Buffer, tree: 'free' | 'main'): number =>
      pageSize * Number(file.readBigUInt64LE(metaOf(file) + (tree === 'free' ? 48 : 96) + 40));

    it('by another page in its place', async () => {
      const said = await findingsOf(
        (file) => void file.writeUInt8(file.readUInt8(rootOf(file, 'main')) ^ 1, rootOf(file, 'main')),
      );
      expect(said).to.match(/says that it is another/);
    });

    it('by another kind of page', async () => {
      const said = await findingsOf((file) => void file.writeUInt16LE(8, rootOf(file, 'free') + 18));
      expect(said).to.match(/is of another kind/);
    });

    it('by a list of free pages that names one in use, twice, or outside of the file', async () => {
      const listOf = (file: Buffer): number => {
        const root = rootOf(file, 'free');
        expect(file.readUInt16LE(metaOf(file) + 48 + 6), 'depth of the tree').to.equal(1);
        const node = root + 24 + file.readUInt16LE(root + 24);
        expect(file.readUInt16LE(node + 4), 'the list lies in the page').to.equal(0);
        return node + 8 + file.readUInt16LE(node + 6);
      };
      const put = (page: bigint) => (file: Buffer) => void file.writeBigInt64LE(page, listOf(file) + 8);
      const root = BigInt(rootOf(whole, 'main') / pageSize);
      expect(await findingsOf(put(root))).to.match(/is free and used/);
      expect(await findingsOf(put(0xffffffffn))).to.match(/outside of the file/);
      expect(await findingsOf(put(-0xffffffffn))).to.match(/list of free pages is wrong/);
    });

    it('by a file that ends before a page that is in use', async () => {
      expect(await findingsOf((file) => file.subarray(0, file.length / 2))).to.match(
        /missing|ends at|too few/,
      );
      expect(await findingsOf((file) => file.subarray(0, 100))).to.match(/ends at/);
      expect(await findingsOf((file) => file.fill(0))).to.match(/no LMDB file/);
    });
  });
});
