import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { silentLog } from '../../../../src/base/log.js';
import { systemRandom } from '../../../../src/base/random.js';
import { systemFileCalls } from '../../../../src/store/file-calls.js';
import { DurableFolder, targetOfTemporary } from '../../../../src/store/lowdb/durable-folder.js';
import { StoreFailure } from '../../../../src/store/store.js';
import { rejection } from '../../../contract/store-contract.js';
import { WatchedCalls } from '../watched-calls.js';
import { watchedFolder, type WatchedFolder } from '../watched-folder.js';

const writing = ['create', 'write', 'fsync', 'close', 'rename', 'fsyncFolder'] as const;

/** Lets everything run that does not wait for the disk or for a test. */
async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('A durable folder (design D4)', () => {
  let watched: WatchedFolder;
  let path: string;
  let calls: WatchedCalls;
  let folder: DurableFolder;

  const content = async (name: string): Promise<string> => (await readFile(join(path, name))).toString();
  const write = (name: string, text: string): Promise<void> => folder.write(name, Buffer.from(text));
  const count = (call: string): number => calls.names.filter((name) => name === call).length;

  beforeEach(async () => {
    watched = await watchedFolder();
    ({ path, calls, folder } = watched);
  });

  afterEach(async () => {
    await watched.dispose();
  });

  it('writes a temporary file, fsyncs it, renames it and fsyncs the folder, each after the other', async () => {
    await write('a', 'one');
    expect(calls.names).to.deep.equal(writing);
    expect(calls.calls.every(({ ended }) => ended === 'well')).to.equal(true);
    expect(await content('a')).to.equal('one');
    expect(await readdir(path)).to.deep.equal(['a']);
  });

  it('uses a temporary name of its own for every write', async () => {
    await Promise.all([write('a', 'one'), write('b', 'two'), write('c', 'three')]);
    const temporary = calls.calls.filter(({ call }) => call === 'create').map(({ file }) => file);
    expect(new Set(temporary).size).to.equal(temporary.length);
    expect(temporary.map(targetOfTemporary)).to.have.members(['a', 'b', 'c']);
  });

  it('writes the whole content when the medium takes it in pieces', async () => {
    const pieces = new WatchedCalls({
      ...systemFileCalls,
      write: (descriptor, bytes) => systemFileCalls.write(descriptor, bytes.subarray(0, 3)),
    });
    const slow = await DurableFolder.open(path, 'records', {
      calls: pieces,
      log: silentLog,
      random: systemRandom,
    });
    await slow.write('a', Buffer.from('0123456789'));
    await slow.close();
    expect(await content('a')).to.equal('0123456789');
  });

  it('fails rather than loops when the medium takes nothing', async () => {
    const idle = { ...systemFileCalls, write: () => Promise.resolve(0) };
    const stuck = await DurableFolder.open(path, 'records', {
      calls: idle,
      log: silentLog,
      random: systemRandom,
    });
    expect(await rejection(stuck.write('a', Buffer.from('x')))).to.be.instanceOf(StoreFailure);
    await stuck.close();
    expect(await readdir(path)).to.deep.equal([]);
  });

  describe('the shared fsync of the folder', () => {
    it('is one for all commits whose renames were complete when it started', async () => {
      const running = calls.hold('fsyncFolder');
      const first = write('a', '1');
      await running.reached;
      const rest = ['b', 'c', 'd', 'e'].map((name) => write(name, '2'));
      while (calls.calls.filter(({ call, ended }) => call === 'rename' && ended === 'well').length < 5)
        await turns();
      expect(count('fsyncFolder')).to.equal(1);
      running.release();
      await Promise.all([first, ...rest]);
      expect(count('fsyncFolder')).to.equal(2);
    });

    it('is never one that was running when the rename completed', async () => {
      const running = calls.hold('fsyncFolder');
      const first = write('a', '1');
      await running.reached;
      let acknowledged = false;
      const second = write('b', '2').then(() => (acknowledged = true));
      while (calls.calls.filter(({ call, ended }) => call === 'rename' && ended === 'well').length < 2)
        await turns();
      const own = calls.hold('fsyncFolder');
      running.release();
      await first;
      await own.reached;
      await turns();
      expect(acknowledged).to.equal(false);
      own.release();
      await second;
    });

    it('starts anew for a commit that comes after it ended', async () => {
      await write('a', '1');
      await write('a', '2');
      expect(calls.names).to.deep.equal([...writing, ...writing]);
    });

    it('fails for all who wait for it and for those behind, without a second try', async () => {
      const running = calls.hold('fsyncFolder');
      const first = write('a', '1');
      await running.reached;
      calls.fail('fsyncFolder', 'EIO');
      const others = ['b', 'c'].map((name) => rejection(write(name, '2')));
      while (calls.calls.filter(({ call, ended }) => call === 'rename' && ended === 'well').length < 3)
        await turns();
      running.release();
      await first;
      for (const other of others) expect(await other).to.be.instanceOf(StoreFailure);
      expect(folder.failed).to.equal(true);
      expect(await rejection(folder.flush())).to.be.instanceOf(StoreFailure);
      expect(count('fsyncFolder')).to.equal(2);
    });
  });

  for (const call of ['create', 'write', 'fsync', 'close', 'rename'] as const) {
    for (const code of ['EIO', 'ENOSPC', 'EDQUOT']) {
      it(`leaves the old file alone and no temporary one when ${call} fails with ${code}`, async () => {
        await write('a', 'old');
        calls.fail(call, code);
        const error = await rejection(write('a', 'new'));
        expect(error)
          .to.be.instanceOf(StoreFailure)
          .and.to.have.property('full', code !== 'EIO');
        expect(error).to.have.property('message', `cannot ${call} records/a: ${code}`);
        expect(await content('a')).to.equal('old');
        expect(await readdir(path)).to.deep.equal(['a']);
        expect(folder.failed).to.equal(call === 'fsync');
      });
    }
  }

  it('closes every file that it opened, whichever call fails', async () => {
    for (const call of ['write', 'fsync', 'rename', 'close'] as const) {
      calls.calls.length = 0;
      const fresh = await DurableFolder.open(path, 'records', {
        calls,
        log: silentLog,
        random: systemRandom,
      });
      calls.fail(call, 'EIO');
      await rejection(fresh.write('a', Buffer.from('x')));
      expect(count('close'), call).to.equal(count('create'));
      await fresh.close();
    }
  });

  it('makes no further call that writes after a failed fsync, and says that a restart is needed', async () => {
    calls.fail('fsync', 'EIO');
    await rejection(write('a', '1'));
    calls.calls.length = 0;
    const error = await rejection(write('b', '2'));
    expect(error).to.be.instanceOf(StoreFailure).and.to.have.property('full', false);
    expect(error).to.have.property('message').that.includes('restart');
    expect(await rejection(folder.remove('a'))).to.be.instanceOf(StoreFailure);
    expect(calls.calls).to.deep.equal([]);
  });

  it('lets no commit under way get through after a failed fsync of another', async () => {
    const late = calls.hold('fsync', { file: /^a\./ });
    const first = write('a', '1');
    await late.reached;
    calls.fail('fsync', 'EIO', /^b\./);
    await rejection(write('b', '2'));
    late.release();
    expect(await rejection(first)).to.be.instanceOf(StoreFailure);
    expect(count('rename')).to.equal(0);
    expect(await readdir(path)).to.deep.equal([]);
  });

  it('counts a rename that reports an error although it happened as in doubt: no write until restart', async () => {
    await write('a', 'old');
    calls.failAfter('rename', 'EIO');
    expect(await rejection(write('a', 'new'))).to.be.instanceOf(StoreFailure);
    expect(folder.failed).to.equal(true);
  });

  it('reports the first error when the temporary file cannot be removed either', async () => {
    calls.fail('write', 'ENOSPC');
    calls.fail('unlink', 'EIO');
    const error = await rejection(write('a', 'x'));
    expect(error).to.have.property('message', 'cannot write records/a: ENOSPC');
    expect((await readdir(path)).map(targetOfTemporary)).to.deep.equal(['a']);
  });

  describe('on removal', () => {
    it('unlinks and then fsyncs the folder', async () => {
      await write('a', 'old');
      calls.calls.length = 0;
      await folder.remove('a');
      expect(calls.names).to.deep.equal(['unlink', 'fsyncFolder']);
      expect(await readdir(path)).to.deep.equal([]);
    });

    it('counts a file that is gone already as removed, once the folder is fsynced', async () => {
      await folder.remove('a');
      expect(calls.names).to.deep.equal(['unlink', 'fsyncFolder']);
    });

    it('leaves the file when unlink fails, and may be tried again', async () => {
      await write('a', 'old');
      calls.fail('unlink', 'EIO');
      expect(await rejection(folder.remove('a'))).to.have.property('message', 'cannot unlink records/a: EIO');
      expect(await content('a')).to.equal('old');
      await folder.remove('a');
    });
  });
});
