import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Log } from '../../../../src/base/log.js';
import { encodeRecord, recordFileName } from '../../../../src/store/lowdb/record-format.js';
import { StoreFailure, type Json, type Store } from '../../../../src/store/store.js';
import { contentOf, keyOf, rejection, snapshot } from '../../../contract/store-contract.js';
import { StoreFolder } from '../../../contract/store-folder.js';
import { WatchedCalls } from '../watched-calls.js';

const k = keyOf('k');
const file = join('records', recordFileName(k));
const oldContent = contentOf('old', ['n-old'], ['t-old']);
const newContent = contentOf('new', ['n-new'], ['t-new']);

const caches = { 'all is cached': 1 << 20, 'nothing is cached': 0 };

describe('The embedded store (design D4)', () => {
  let folder: StoreFolder;
  let calls: WatchedCalls;

  const open = async (cacheBytes: number): Promise<Store<Json>> => {
    const store = await folder.open({ calls, cacheBytes });
    calls.calls.length = 0;
    return store;
  };
  const reopen = async (): Promise<Store<Json>> => {
    await folder.closeAll();
    return folder.open();
  };
  const leftovers = async (): Promise<string[]> =>
    (await readdir(folder.records)).filter((name) => !name.endsWith('.record'));

  beforeEach(async () => {
    folder = await StoreFolder.make();
    calls = new WatchedCalls();
  });

  afterEach(async () => {
    await folder.dispose();
  });

  for (const [situation, cacheBytes] of Object.entries(caches)) {
    describe(`when a call fails and ${situation}`, () => {
      for (const call of ['create', 'write', 'fsync', 'close', 'rename', 'fsyncFolder'] as const) {
        for (const code of ['EIO', 'ENOSPC']) {
          for (const act of ['create', 'replace'] as const) {
            it(`${call} with ${code} fails a commit that was to ${act}; readers keep what was durable`, async () => {
              const store = await open(cacheBytes);
              if (act === 'replace') await store.commit(k, 'absent', oldContent);
              const expected = act === 'replace' ? 1 : 'absent';
              const before = await snapshot(store);
              calls.fail(call, code);

              const error = await rejection(store.commit(k, expected, newContent));
              expect(error)
                .to.be.instanceOf(StoreFailure)
                .and.to.have.property('full', code === 'ENOSPC');
              expect(error).to.have.property('message').that.does.not.include(folder.path);
              expect(await snapshot(store)).to.deep.equal(before);
              expect(store.keyOfName('n-new')).to.equal(undefined);
              expect(store.keysOfTerm('t-new')).to.deep.equal([]);

              const degraded = call === 'fsync' || call === 'fsyncFolder';
              expect(store.writable).to.equal(!degraded);
              if (degraded) {
                for (const key of [k, keyOf('other')]) {
                  const refused = store.commit(key, key === k ? expected : 'absent', newContent);
                  expect(await rejection(refused)).to.be.instanceOf(StoreFailure);
                }
                expect(await snapshot(store)).to.deep.equal(before);
              }

              const again = await reopen();
              // A rename without the fsync of its folder may last or not; here no power was cut.
              if (call === 'fsyncFolder') expect((await again.get(k))?.data).to.equal('new');
              else expect(await snapshot(again)).to.deep.equal(before);
              expect(await leftovers()).to.deep.equal([]);
            });
          }
        }
      }

      for (const call of ['unlink', 'fsyncFolder'] as const) {
        it(`${call} fails a removal; readers keep the record`, async () => {
          const store = await open(cacheBytes);
          await store.commit(k, 'absent', oldContent);
          const before = await snapshot(store);
          calls.fail(call, 'EIO');
          expect(await rejection(store.remove(k, 1))).to.be.instanceOf(StoreFailure);
          expect(await snapshot(store)).to.deep.equal(before);
          expect(store.writable).to.equal(call === 'unlink');
          const again = await reopen();
          expect((await again.get(k))?.data).to.equal(call === 'unlink' ? 'old' : undefined);
        });
      }

      it('a commit that failed without a failed fsync can be tried again, with the names it wanted', async () => {
        const store = await open(cacheBytes);
        await store.commit(k, 'absent', oldContent);
        calls.fail('write', 'ENOSPC');
        await rejection(store.commit(k, 1, newContent));
        expect((await store.commit(k, 1, newContent)).revision).to.equal(2);
        expect(store.keyOfName('n-new')).to.equal('k');
        expect((await (await reopen()).get(k))?.data).to.equal('new');
      });

      it('a rename that reports an error although it happened leaves readers the former state', async () => {
        const store = await open(cacheBytes);
        await store.commit(k, 'absent', oldContent);
        const before = await snapshot(store);
        calls.failAfter('rename', 'EIO');
        expect(await rejection(store.commit(k, 1, newContent))).to.be.instanceOf(StoreFailure);
        expect(store.writable).to.equal(false);
        expect(await snapshot(store)).to.deep.equal(before);
      });
    });

    describe(`readers during a commit, when ${situation}`, () => {
      it('have the former state from the rename until the folder is fsynced', async () => {
        const store = await open(cacheBytes);
        await store.commit(k, 'absent', oldContent);
        const before = await snapshot(store);
        const fsync = calls.hold('fsyncFolder');
        const commit = store.commit(k, 1, newContent);
        await fsync.reached;
        expect((await readFile(join(folder.path, file))).toString()).to.include('"new"');
        expect(await snapshot(store)).to.deep.equal(before);
        expect(store.keyOfName('n-new')).to.equal(undefined);
        fsync.release();
        await commit;
        expect((await store.get(k))?.data).to.equal('new');
        expect(store.keyOfName('n-old')).to.equal(undefined);
      });

      it('find nothing of a new record until the folder is fsynced, and its name is reserved', async () => {
        const store = await open(cacheBytes);
        const fsync = calls.hold('fsyncFolder');
        const commit = store.commit(k, 'absent', newContent);
        await fsync.reached;
        expect(await snapshot(store)).to.deep.equal([]);
        const rival = await rejection(store.commit(keyOf('rival'), 'absent', newContent));
        expect(rival).to.have.property('reason', 'name');
        fsync.release();
        await commit;
        expect((await store.get(k))?.data).to.equal('new');
      });

      it('have the record until its removal is durable, and its name is not free before', async () => {
        const store = await open(cacheBytes);
        await store.commit(k, 'absent', oldContent);
        const before = await snapshot(store);
        const fsync = calls.hold('fsyncFolder');
        const removal = store.remove(k, 1);
        await fsync.reached;
        expect(await snapshot(store)).to.deep.equal(before);
        const rival = await rejection(store.commit(keyOf('rival'), 'absent', oldContent));
        expect(rival).to.have.property('reason', 'name');
        fsync.release();
        await removal;
        expect(await snapshot(store)).to.deep.equal([]);
        await store.commit(keyOf('rival'), 'absent', oldContent);
      });
    });
  }

  describe('a reader that reads the file', () => {
    it('while a commit renames it does not see the state that is not durable', async () => {
      const store = await open(0);
      await store.commit(k, 'absent', oldContent);
      const read = calls.hold('read');
      const reader = store.get(k);
      await read.reached;
      const fsync = calls.hold('fsyncFolder');
      const commit = store.commit(k, 1, newContent);
      await fsync.reached;
      read.release();
      expect((await reader)?.data).to.equal('old');
      fsync.release();
      await commit;
    });

    it('while a removal unlinks it still finds the record', async () => {
      const store = await open(0);
      await store.commit(k, 'absent', oldContent);
      const read = calls.hold('read');
      const reader = store.get(k);
      await read.reached;
      const fsync = calls.hold('fsyncFolder');
      const removal = store.remove(k, 1);
      await fsync.reached;
      read.release();
      expect((await reader)?.data).to.equal('old');
      fsync.release();
      await removal;
      expect(await store.get(k)).to.equal(undefined);
    });

    it('before a removal and a new creation at the same revision gives the new record', async () => {
      const store = await open(0);
      await store.commit(k, 'absent', oldContent);
      const read = calls.hold('read', { when: 'after' });
      const reader = store.get(k);
      await read.reached;
      await store.remove(k, 1);
      await store.commit(k, 'absent', newContent);
      read.release();
      expect((await reader)?.data).to.equal('new');
      expect((await store.get(k))?.data).to.equal('new');
    });
  });

  describe('a file that changes behind the back of the store', () => {
    const changes: Readonly<Record<string, (path: string) => Promise<void>>> = {
      'is damaged': (path) => writeFile(path, 'rubbish'),
      'is gone': (path) => rm(path),
      'holds another revision': (path) =>
        writeFile(path, encodeRecord({ key: k, revision: 7, names: [], terms: [], data: 'x' })),
    };
    for (const [kind, change] of Object.entries(changes)) {
      it(`and ${kind} fails its readers and writers with StoreFailure, and nobody else's`, async () => {
        const store = await open(0);
        await store.commit(k, 'absent', oldContent);
        await store.commit(keyOf('other'), 'absent', contentOf('whole'));
        await change(join(folder.path, file));
        const attempts = [() => store.get(k), () => store.commit(k, 1, newContent), () => store.remove(k, 1)];
        for (const attempt of attempts) {
          const error = await rejection(attempt());
          expect(error).to.be.instanceOf(StoreFailure);
          expect(error)
            .to.have.property('message')
            .that.includes(recordFileName(k))
            .and.does.not.include(folder.path);
        }
        expect((await store.get(keyOf('other')))?.data).to.equal('whole');
        expect(store.keyOfName('n-old')).to.equal('k');
      });
    }

    it('and cannot be read for a moment fails that reader only', async () => {
      const store = await open(0);
      await store.commit(k, 'absent', oldContent);
      calls.fail('read', 'EMFILE');
      expect(await rejection(store.get(k))).to.be.instanceOf(StoreFailure);
      expect((await store.get(k))?.data).to.equal('old');
    });
  });

  describe('the cache', () => {
    it('serves what was committed or read before without touching the disk', async () => {
      let store = await open(1 << 20);
      await store.commit(k, 'absent', oldContent);
      calls.calls.length = 0;
      await store.get(k);
      expect(calls.calls).to.deep.equal([]);
      await folder.closeAll();
      store = await open(1 << 20);
      await store.get(k);
      await store.get(k);
      expect(calls.names).to.deep.equal(['read']);
    });

    it('keeps no more bytes than it was given, the least recently used go first', async () => {
      const size = encodeRecord({ key: keyOf('k0'), revision: 1, ...contentOf('x'.repeat(1000)) }).length;
      const store = await open(3 * size);
      for (let n = 0; n < 4; n += 1)
        await store.commit(keyOf(`k${n}`), 'absent', contentOf('x'.repeat(1000)));
      calls.calls.length = 0;
      for (const kept of ['k1', 'k2', 'k3']) await store.get(keyOf(kept));
      expect(calls.names).to.deep.equal([]);
      expect((await store.get(keyOf('k0')))?.data).to.equal('x'.repeat(1000));
      expect(calls.names).to.deep.equal(['read']);
    });
  });

  it('logs a failed fsync once, without a path', async () => {
    const lines: string[] = [];
    const note = (level: string) => (fields: object, message: string) => {
      lines.push(JSON.stringify({ level, ...fields, message }));
    };
    const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
    const store = await folder.open({ calls, log });
    calls.fail('fsync', 'EIO');
    await rejection(store.commit(k, 'absent', newContent));
    await rejection(store.commit(k, 'absent', newContent));
    const errors = lines.filter((line) => line.includes('"error"'));
    expect(errors).to.have.length(1);
    expect(errors[0]).to.include('fsync').and.to.include('EIO').and.not.to.include(folder.path);
  });

  it('serialises the commits of one key and lets other keys pass', async () => {
    const store = await open(1 << 20);
    const held = calls.hold('fsync');
    const first = store.commit(k, 'absent', oldContent);
    await held.reached;
    const second = store.commit(k, 1, newContent);
    await store.commit(keyOf('other'), 'absent', contentOf(1));
    expect(
      calls.calls.filter(({ call, file: name }) => call === 'create' && name.startsWith(recordFileName(k))),
    ).to.have.length(1);
    held.release();
    expect((await first).revision).to.equal(1);
    expect((await second).revision).to.equal(2);
  });
});
