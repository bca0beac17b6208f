import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { warnOfStrangers } from '../../../src/store/strangers.js';
import { RecordedLog } from '../../support/log.js';

describe('Files in the data folder that are not the server’s', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-strangers-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const warned = async (...files: string[]): Promise<readonly string[]> => {
    for (const file of files) await writeFile(join(folder, file), '');
    const log = new RecordedLog();
    await warnOfStrangers(folder, ['audit.jsonl'], log);
    return log.lines.map(({ fields }) => String(fields['files']));
  };

  it('are named in one warning, the first five of them', async () => {
    expect(await warned('.DS_Store', 'store.mdb~')).to.deep.equal(['".DS_Store", "store.mdb~"']);
    const many = Array.from({ length: 9 }, (_, index) => `.nfs${index}`);
    expect((await warned(...many))[0]).to.match(/^"\.DS_Store", ("\.nfs\d", ){3}"\.nfs3", and 6 more$/);
  });

  it('are not those of the store, nor logs and what rotation makes of them', async () => {
    const own = ['format', 'store.mdb', 'store.mdb-lock', 'incarnation', 'lock-t1_a.sock'];
    expect(await warned(...own, 'audit.jsonl', 'audit.jsonl.1', 'audit.jsonl.2.gz')).to.deep.equal([]);
  });

  it('a folder that cannot be listed is none of this check’s business', async () => {
    const log = new RecordedLog();
    await warnOfStrangers(join(folder, 'nowhere'), [], log);
    expect(log.lines).to.deep.equal([]);
  });
});
