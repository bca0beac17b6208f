import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkFile } from '../../../../src/store/lmdb/check-process.js';
import { Environment, type EnvironmentOptions } from '../../../../src/store/lmdb/environment.js';
import { StoreFailure } from '../../../../src/store/store.js';
import { rejection } from '../../../contract/store-contract.js';

describe('An LMDB environment (design D4)', () => {
  let folder: string;
  const opened: Environment[] = [];

  const open = (options: Partial<EnvironmentOptions> = {}): Environment => {
    const environment = new Environment({ path: join(folder, 'store.mdb'), ...options });
    opened.push(environment);
    return environment;
  };

  const put = async (environment: Environment, key: string, value: Buffer): Promise<void> => {
    await environment.write(value.length, (writing) => {
      writing.put('labels', Buffer.from(key), value);
    });
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-lmdb-'));
  });

  afterEach(async () => {
    for (const environment of opened.splice(0)) await environment.close();
    await rm(folder, { recursive: true });
  });

  it('gives keys of one kind in their order, page by page', async () => {
    const environment = open();
    for (const key of ['b', 'a', 'ab', 'c']) await put(environment, key, Buffer.from('x'));
    await environment.write(1, (writing) => {
      writing.put('bodies', Buffer.from('a'), Buffer.from('y'));
    });
    const page = (options: { after?: string; prefix?: string; limit: number }): readonly string[] => {
      const { after, prefix, limit } = options;
      const found = environment.keys('labels', {
        limit,
        ...(after !== undefined && { after: Buffer.from(after) }),
        ...(prefix !== undefined && { prefix: Buffer.from(prefix) }),
      });
      return found.map(String);
    };
    expect(page({ limit: 3 })).to.deep.equal(['a', 'ab', 'b']);
    expect(page({ after: 'ab', limit: 3 })).to.deep.equal(['b', 'c']);
    expect(page({ prefix: 'a', limit: 9 })).to.deep.equal(['a', 'ab']);
    expect(environment.get('bodies', Buffer.from('b'))).to.equal(undefined);
  });

  it('grows far beyond its first map, and readers of before still read', async () => {
    const environment = open();
    await put(environment, 'first', Buffer.from('first'));
    const reader = open({ readOnly: true });
    const megabyte = 1 << 20;
    for (let n = 0; n < 40; n += 1) await put(environment, `k${n}`, Buffer.alloc(megabyte, n));
    expect((await stat(join(folder, 'store.mdb'))).size).to.be.above(40 * megabyte);
    for (let n = 0; n < 40; n += 1) {
      expect(environment.get('labels', Buffer.from(`k${n}`))?.equals(Buffer.alloc(megabyte, n))).to.equal(
        true,
      );
    }
    expect(reader.get('labels', Buffer.from('first'))?.toString()).to.equal('first');
  });

  it('uses again what nobody reads any more: a list that is read page by page holds no page back', async () => {
    const environment = open();
    for (let n = 0; n < 20; n += 1) await put(environment, `k${n}`, Buffer.alloc(10_000));
    let after = environment.keys('labels', { limit: 1 })[0];
    const sizes: number[] = [];
    for (let round = 0; round < 60; round += 1) {
      for (let n = 0; n < 20; n += 1) await put(environment, `k${n}`, Buffer.alloc(10_000, round));
      after = environment.keys('labels', { after, limit: 1 })[0];
      sizes.push((await stat(join(folder, 'store.mdb'))).size);
    }
    expect(sizes.at(-1)).to.equal(sizes[10]);
  });

  it('writes what arrives at once as one batch, all or nothing', async () => {
    const environment = open();
    await Promise.all(Array.from({ length: 50 }, (_, n) => put(environment, `k${n}`, Buffer.from(`${n}`))));
    expect(environment.keys('labels', { limit: 99 })).to.have.length(50);
  });

  it('writes nothing any more where this process may not, and says that it failed', async () => {
    let may = true;
    const environment = open({ mayWrite: () => may });
    await put(environment, 'a', Buffer.from('x'));
    may = false;
    expect(await rejection(put(environment, 'b', Buffer.from('x')))).to.be.instanceOf(StoreFailure);
    may = true;
    expect(await rejection(put(environment, 'c', Buffer.from('x')))).to.be.instanceOf(StoreFailure);
    expect(environment.failed).to.equal(true);
    expect(environment.keys('labels', { limit: 9 }).map(String)).to.deep.equal(['a']);
  });

  it('tells a reader for whom there is no room, and goes on', async () => {
    const environment = open({ readers: 1 });
    await put(environment, 'a', Buffer.from('x'));
    expect(environment.get('labels', Buffer.from('a'))?.toString()).to.equal('x');
    const findings = await checkFile(join(folder, 'store.mdb'), 'sample');
    expect(findings).to.deep.equal(['the engine cannot open the file: too many processes read it at once']);
    await put(environment, 'b', Buffer.from('x'));
    expect(environment.keys('labels', { limit: 9 })).to.have.length(2);
  });

  it('never maps the file for writing, where a full disk would end the process', async () => {
    const source = await readFile('src/store/lmdb/environment.ts', 'utf8');
    expect(source.match(/useWritemap:.*/g)).to.deep.equal(['useWritemap: false,']);
    expect(source.match(/overlappingSync:.*/g)).to.deep.equal(['overlappingSync: false,']);
    expect(source).not.to.match(/\bnoSync\b|\bnoMetaSync\b|\bmapAsync\b/);
  });

  it('refuses writes once it is closed, and may be closed again', async () => {
    const environment = open();
    await environment.close();
    await environment.close();
    expect(await rejection(put(environment, 'a', Buffer.from('x')))).to.be.instanceOf(StoreFailure);
  });
});
