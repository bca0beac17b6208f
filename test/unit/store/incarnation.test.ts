import { expect } from 'chai';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '../../../src/base/random.js';
import { openIncarnation } from '../../../src/store/incarnation.js';
import { StoreUnusable } from '../../../src/store/store.js';

describe('the incarnation of a store (design D17)', () => {
  let parent: string;
  let folder: string;
  const opened = async (of = folder): Promise<string> =>
    (await openIncarnation(of, 'records', systemRandom)).token;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'mcgms-incarnation-'));
    folder = join(parent, 'data');
    await mkdir(join(folder, 'records'), { recursive: true });
  });

  afterEach(async () => {
    await rm(parent, { recursive: true, force: true });
  });

  it('stays the same for as long as the folder does', async () => {
    const token = await opened();
    expect(token).to.match(/^[\w-]{16,64}$/);
    expect(await opened()).to.equal(token);
  });

  it('is another one in a copy, with the original there and in its place', async () => {
    const token = await opened();
    const copy = join(parent, 'copy');
    await cp(folder, copy, { recursive: true, preserveTimestamps: true });
    const other = await opened(copy);
    expect(other).not.to.equal(token);
    await rm(folder, { recursive: true });
    await cp(copy, folder, { recursive: true, preserveTimestamps: true });
    expect(await opened()).not.to.be.oneOf([token, other]);
  });

  it('is another one where the records alone were put back', async () => {
    const token = await opened();
    await cp(join(folder, 'records'), join(parent, 'records'), { recursive: true });
    await rm(join(folder, 'records'), { recursive: true });
    await cp(join(parent, 'records'), join(folder, 'records'), { recursive: true });
    expect(await opened()).not.to.equal(token);
  });

  it('is another one where the file makes no sense or is gone', async () => {
    const token = await opened();
    await writeFile(join(folder, 'incarnation'), 'nonsense');
    const second = await opened();
    await rm(join(folder, 'incarnation'));
    const third = await opened();
    expect(new Set([token, second, third]).size).to.equal(3);
    expect(await readFile(join(folder, 'incarnation'), 'utf8')).to.include(third);
  });

  it('is refused where it cannot be kept', async () => {
    await mkdir(join(folder, 'incarnation'));
    let refusal: unknown;
    await opened().catch((error: unknown) => (refusal = error));
    expect(refusal).to.be.instanceOf(StoreUnusable);
  });
});
