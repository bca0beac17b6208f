import { cp, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemRandom } from '../../../../src/base/random.js';
import { openIncarnation } from '../../../../src/store/incarnation.js';
import { backupStore, examineStore, restoreStore } from '../../../../src/store/lmdb/upkeep.js';
import { Environment } from '../../../../src/store/lmdb/environment.js';
import { encodeSum, sumKey } from '../../../../src/store/lmdb/record-format.js';
import { StoreUnusable, type Json, type Store } from '../../../../src/store/store.js';
import { contentOf, contractTally, keyOf, rejection, snapshot } from '../../../contract/store-contract.js';
import { StoreFolder } from '../../../contract/store-folder.js';

const neverWait = (): Promise<never> => Promise.reject(new Error('waited'));

describe('The upkeep of a store', () => {
  let folder: StoreFolder;
  let backup: string;
  let restored: string;

  beforeEach(async () => {
    folder = await StoreFolder.make();
    backup = join(folder.path, '..', 'backup');
    restored = join(folder.path, '..', 'restored');
    const store = await folder.open({ tally: contractTally });
    for (let n = 0; n < 20; n += 1) {
      await store.commit(keyOf(`k${n}`), 'absent', contentOf('x'.repeat(3000), [`n${n}`], ['t']));
    }
    for (let n = 10; n < 20; n += 1) await store.remove(keyOf(`k${n}`), 1);
  });

  afterEach(async () => {
    await folder.dispose();
  });

  const whole = { findings: [], mendedSums: 0 };
  const reopened = async (): Promise<Store<Json>> => {
    await folder.closeAll();
    return await folder.open({ tally: contractTally });
  };

  const refusal = async (outcome: Promise<unknown>): Promise<string> => {
    const error = await rejection(outcome);
    expect(error).to.be.instanceOf(StoreUnusable);
    return (error as StoreUnusable).message;
  };

  const incarnationOf = async (path: string): Promise<string> =>
    (await openIncarnation(path, 'store.mdb', systemRandom)).token;

  /** Flips a bit of a document in a closed store. */
  const damage = async (path: string): Promise<void> => {
    const bytes = await readFile(join(path, 'store.mdb'));
    const at = bytes.indexOf('xxxxxxxx');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(join(path, 'store.mdb'), bytes);
  };

  describe('mcgms backup', () => {
    it('copies a store that is open and changing: the state of one moment, without the room of what is gone', async () => {
      await folder.closeAll();
      const store = await folder.open();
      const before = await snapshot(store);
      let n = 100;
      const copying = new AbortController();
      const work = (async () => {
        while (!copying.signal.aborted) {
          n += 1;
          await store.commit(keyOf(`k${n}`), 'absent', contentOf(n, [`n${n}`]));
        }
      })();
      const octets = await backupStore(folder.path, backup);
      copying.abort();
      await work;
      expect((await readdir(backup)).sort()).to.deep.equal(['format', 'store.mdb']);
      expect((await stat(join(backup, 'store.mdb'))).mode & 0o777).to.equal(0o600);
      expect((await stat(backup)).mode & 0o777).to.equal(0o700);
      expect(octets).to.equal((await stat(join(backup, 'store.mdb'))).size);
      const copy = await snapshot(await folder.open({ folder: backup, wait: neverWait }));
      expect(copy).to.deep.include.members(before as unknown[]);
    });

    it('refuses a folder that is not empty, one without a store, and a store that is damaged', async () => {
      await folder.closeAll();
      await mkdir(backup);
      await writeFile(join(backup, 'x'), '');
      expect(await refusal(backupStore(folder.path, backup))).to.include('not empty');
      expect(await readdir(backup)).to.deep.equal(['x']);
      expect(await refusal(backupStore(backup, restored))).to.include('no store');
      await rm(join(backup, 'x'));
      await damage(folder.path);
      expect(await refusal(backupStore(folder.path, backup))).to.include('not whole');
      expect(await readdir(backup), 'nothing that looks like a backup').to.deep.equal([]);
    });
  });

  describe('mcgms restore', () => {
    beforeEach(async () => {
      await backupStore(folder.path, backup);
      await folder.closeAll();
    });

    it('makes a store of a backup, with an incarnation of its own', async () => {
      const incarnation = await incarnationOf(folder.path);
      await restoreStore(backup, restored, { replace: false, wait: neverWait });
      expect((await readdir(restored)).sort()).to.deep.equal(['format', 'store.mdb']);
      const [one, other] = [await folder.open(), await folder.open({ folder: restored, wait: neverWait })];
      expect(await snapshot(other)).to.deep.equal(await snapshot(one));
      expect(await incarnationOf(restored)).not.to.equal(incarnation);
    });

    it('takes the place of a store with --replace only, and that gets a new incarnation', async () => {
      const incarnation = await incarnationOf(folder.path);
      const wait = (): Promise<void> => Promise.resolve();
      const store = await folder.open();
      const before = await snapshot(store);
      await store.commit(keyOf('later'), 'absent', contentOf('later'));
      await folder.closeAll();
      expect(await refusal(restoreStore(backup, folder.path, { replace: false }))).to.include('--replace');
      await restoreStore(backup, folder.path, { replace: true, wait });
      expect(await snapshot(await folder.open({ wait: neverWait }))).to.deep.equal(before);
      expect(await incarnationOf(folder.path)).not.to.equal(incarnation);
    });

    it('takes the place of a store that is damaged, or has lost its file', async () => {
      const wait = (): Promise<void> => Promise.resolve();
      for (const spoil of [damage, (path: string) => rm(join(path, 'store.mdb'))]) {
        await spoil(folder.path);
        await refusal(folder.open());
        await restoreStore(backup, folder.path, { replace: true, wait });
        await folder.open();
        await folder.closeAll();
      }
    });

    it('changes nothing where the backup is damaged', async () => {
      await damage(backup);
      const before = await readFile(join(folder.path, 'store.mdb'));
      const outcome = restoreStore(backup, folder.path, { replace: true, wait: () => Promise.resolve() });
      expect(await refusal(outcome)).to.include('the backup is damaged, and nothing was changed');
      expect((await readFile(join(folder.path, 'store.mdb'))).equals(before)).to.equal(true);
      expect(await readdir(folder.path)).not.to.include('store.mdb.new');
    });

    it('refuses a folder that is in use, and one with something else in it', async () => {
      await folder.open();
      expect(await refusal(restoreStore(backup, folder.path, { replace: true }))).to.include(
        'owned by another',
      );
      await mkdir(restored);
      await writeFile(join(restored, 'mine'), 'text');
      expect(await refusal(restoreStore(backup, restored, { replace: true }))).to.include('no store');
      expect(await readdir(restored)).to.deep.equal(['mine']);
    });
  });

  describe('mcgms doctor', () => {
    it('finds nothing in a store that is whole, nor in a backup', async () => {
      await backupStore(folder.path, backup);
      await folder.closeAll();
      expect(await examineStore(folder.path, contractTally)).to.deep.equal(whole);
      expect(await examineStore(backup, contractTally)).to.deep.equal(whole);
    });

    it('puts sums right that are not those of the records, and changes nothing else', async () => {
      const expected = await snapshot(await reopened());
      await folder.closeAll();
      const environment = new Environment({ path: join(folder.path, 'store.mdb') });
      const [one, another] = ['t', 'never'].map((id) => ({ kind: 'term', id, amounts: [3, 1] }));
      await environment.write(0, (writing) => {
        for (const sum of [one, another]) {
          if (sum !== undefined) writing.put('sums', sumKey(sum), encodeSum(sumKey(sum), sum));
        }
      });
      await environment.close();
      expect(await examineStore(folder.path, contractTally)).to.deep.equal({ findings: [], mendedSums: 2 });
      expect(await examineStore(folder.path, contractTally)).to.deep.equal(whole);
      const store = await reopened();
      expect(await store.sumOf({ kind: 'term', id: 't' })).to.deep.equal([10, 10]);
      expect(await store.sumOf({ kind: 'term', id: 'never' })).to.deep.equal([]);
      expect(await snapshot(store)).to.deep.equal(expected);
    });

    it('finds a sum that is damaged', async () => {
      await folder.closeAll();
      const environment = new Environment({ path: join(folder.path, 'store.mdb') });
      await environment.write(0, (writing) => {
        writing.put('sums', sumKey({ kind: 'term', id: 't' }), Buffer.alloc(40));
      });
      await environment.close();
      const { findings } = await examineStore(folder.path, contractTally);
      expect(findings).to.have.length(1);
      expect(findings[0]).to.match(/^sums [0-9a-f]{64}: the checksum/);
    });

    it('names each entry that is not what was written', async () => {
      await folder.closeAll();
      await damage(folder.path);
      const { findings } = await examineStore(folder.path, contractTally);
      expect(findings).not.to.deep.equal([]);
      for (const finding of findings) expect(finding).to.match(/^(bodies|labels) [0-9a-f]{32}: /);
    });

    it('refuses a store that is in use', async () => {
      expect(await refusal(examineStore(folder.path, contractTally))).to.include('owned by another');
    });

    it('works on a plain copy of a folder', async () => {
      await folder.closeAll();
      await cp(folder.path, backup, { recursive: true });
      expect(await examineStore(backup, contractTally)).to.deep.equal(whole);
    });
  });
});
