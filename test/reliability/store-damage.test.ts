import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkFile } from '../../src/store/lmdb/check-process.js';
import { StoreUnusable } from '../../src/store/store.js';
import { keyOf, rejection } from '../contract/store-contract.js';
import { StoreFolder } from '../contract/store-folder.js';
import { seed } from '../support/seed.js';
import { seededFraction } from '../support/seeded-fraction.js';
import { stepContent } from './store-child.js';
import { StoreProcess } from './store-process.js';

const page = 4096;
const records = 60;

/** How many damaged files are tried; each takes two processes. */
const tries = Number(process.env['MCGMS_DAMAGE_RUNS'] ?? 24);

describe('a damaged file of the store', function () {
  this.timeout(Math.max(120_000, tries * 3000));
  let folder: StoreFolder;
  let file: string;
  let whole: Buffer;

  before(async () => {
    folder = await StoreFolder.make();
    file = join(folder.path, 'store.mdb');
    const store = await folder.open();
    await Promise.all(
      Array.from({ length: records }, (_, n) => store.commit(keyOf(`step ${n}`), 'absent', stepContent(n))),
    );
    await folder.closeAll();
    whole = await readFile(file);
  });

  beforeEach(async () => {
    await writeFile(file, whole);
  });

  after(async () => {
    await folder.dispose();
  });

  const refusal = async (): Promise<string> => {
    const error = await rejection(folder.open());
    expect(error).to.be.instanceOf(StoreUnusable);
    const { message } = error as StoreUnusable;
    expect(message).not.to.match(/\n|\//);
    return message;
  };

  it('that is cut off does not open, wherever it is cut', async () => {
    for (const length of [
      page,
      2 * page,
      3 * page,
      whole.length / 2,
      whole.length - page,
      whole.length - 1,
    ]) {
      await truncate(file, Math.floor(length));
      expect(await refusal(), `${length} octets`).to.match(/damaged; restore it from a backup|lost its file/);
      await writeFile(file, whole);
    }
  });

  it('that is empty, or nothing but zeros, does not open empty', async () => {
    await truncate(file, 0);
    expect(await refusal()).to.include('damaged');
    await writeFile(file, Buffer.alloc(whole.length));
    expect(await refusal()).to.include('damaged');
  });

  it('that is no LMDB file does not open', async () => {
    await writeFile(file, Buffer.alloc(whole.length, 'no database '));
    expect(await refusal()).to.include('damaged');
  });

  it('with zeros in the place of a page of a document does not open, and names the entry', async () => {
    const at = whole.indexOf('7 7 7 7');
    await writeFile(file, Buffer.concat([whole.subarray(0, at), Buffer.alloc(16), whole.subarray(at + 16)]));
    expect(await refusal()).to.match(
      /^the data folder is damaged; .*: (bodies|labels) [0-9a-f]{32}: the checksum/,
    );
  });

  it(`serves what was written or nothing, with bits flipped anywhere (seed ${seed}, ${tries} files)`, async () => {
    const fraction = seededFraction(seed);
    const outcomes = { refused: 0, right: 0 };
    for (let each = 0; each < tries; each += 1) {
      const damaged = Buffer.from(whole);
      // Heads of pages hold what leads the engine astray; every second bit is in one.
      for (let bits = 1 + Math.floor(fraction() * 4); bits > 0; bits -= 1) {
        const start = page * Math.floor((fraction() * whole.length) / page);
        const at = start + Math.floor(fraction() * (fraction() < 0.5 ? 64 : page));
        damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(fraction() * 8));
      }
      await writeFile(file, damaged);
      const child = new StoreProcess('read', folder.path, String(records));
      const said = await child.rest();
      const place = `seed ${seed}, file ${each}: ${said.join(', ').slice(0, 300)}`;
      expect(await child.exit(), place).to.equal(null);
      expect(
        said.filter((line) => line.startsWith('WRONG')),
        place,
      ).to.deep.equal([]);
      if (said[0]?.startsWith('UNUSABLE') === true) outcomes.refused += 1;
      else {
        expect(said.at(-1), place).to.equal('CLOSED');
        expect(
          said.filter((line) => line.startsWith('RIGHT')),
          place,
        ).to.have.length(records);
        expect(said, place).to.include(`TERM ${records}`);
        outcomes.right += 1;
      }
    }
    expect(outcomes.refused, 'some of it is found').to.be.above(0);
  });

  it('that is whole has no findings', async () => {
    expect(await checkFile(file, 'full')).to.deep.equal([]);
  });
});
