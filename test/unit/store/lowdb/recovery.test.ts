import { cp, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expect } from 'chai';
import { encodeRecord, recordFileName } from '../../../../src/store/lowdb/record-format.js';
import { StoreUnusable, type Json } from '../../../../src/store/store.js';
import { contentOf, keyOf, rejection, snapshot } from '../../../contract/store-contract.js';
import { StoreFolder } from '../../../contract/store-folder.js';
import { WatchedCalls } from '../watched-calls.js';

/** Every file below `path` with its content. */
async function contents(path: string): Promise<Readonly<Record<string, string>>> {
  const all: Record<string, string> = {};
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) {
      const file = join(entry.parentPath, entry.name);
      all[file] = (await readFile(file)).toString('latin1');
    }
  }
  return all;
}

describe('The opening of a data folder (design D4)', () => {
  let folder: StoreFolder;
  const nameOf = (key: string): string => recordFileName(keyOf(key));
  const fileOf = (key: string): string => join(folder.records, nameOf(key));

  /** A closed store with three records. */
  const fill = async (): Promise<Json> => {
    const store = await folder.open();
    for (const key of ['k1', 'k2', 'k3']) {
      await store.commit(keyOf(key), 'absent', contentOf(`data of ${key}`, [`name of ${key}`], ['t']));
    }
    const shown = await snapshot(store);
    await folder.closeAll();
    return shown;
  };

  /** Asserts that the store does not open, and that nothing was changed; gives the message. */
  const refusal = async (options: Parameters<StoreFolder['open']>[0] = {}): Promise<string> => {
    const before = await contents(folder.path);
    const error = await rejection(folder.open(options));
    expect(error).to.be.instanceOf(StoreUnusable);
    expect(await contents(folder.path)).to.deep.equal(before);
    return (error as StoreUnusable).message;
  };

  beforeEach(async () => {
    folder = await StoreFolder.make();
  });

  afterEach(async () => {
    await folder.dispose();
  });

  describe('that is new', () => {
    it('creates it and what it needs, for its owner only', async () => {
      await folder.open();
      expect((await stat(folder.path)).mode & 0o777).to.equal(0o700);
      expect((await stat(folder.records)).mode & 0o777).to.equal(0o700);
      expect((await readFile(join(folder.path, 'format'))).toString()).to.equal('mcgms-store 1\n');
    });

    it('creates the folders above it too', async () => {
      const deep = join(folder.path, 'a', 'b');
      await folder.open({ folder: deep });
      expect(await readdir(deep)).to.include.members(['format', 'records']);
    });

    it('makes all of it durable, the format last', async () => {
      const calls = new WatchedCalls();
      await folder.open({ calls });
      const order = calls.calls.map(({ call, file }) => `${call} ${file}`);
      const made = order.indexOf('makeFolder records');
      const named = order.indexOf('rename format');
      expect(order.indexOf('makeFolder data')).to.be.within(0, made);
      expect(order.indexOf('fsyncFolder data')).to.be.within(made, named);
      expect(order.lastIndexOf('fsyncFolder data')).to.be.greaterThan(named);
    });

    it('starts over where the first start was killed before the format was there', async () => {
      await mkdir(folder.records, { recursive: true });
      await writeFile(join(folder.path, 'format.abc-1.tmp'), 'mcg');
      await folder.open();
      await folder.closeAll();
      expect((await readdir(folder.path)).sort()).to.deep.equal(['format', 'records']);
    });

    it('leaves files of others alone', async () => {
      await mkdir(folder.path);
      await writeFile(join(folder.path, 'README'), 'mine');
      await folder.open();
      await folder.closeAll();
      expect((await readdir(folder.path)).sort()).to.deep.equal(['README', 'format', 'records']);
    });

    it('says so where it cannot be made', async () => {
      await writeFile(folder.path, 'a file');
      expect(await rejection(folder.open())).to.be.instanceOf(StoreUnusable);
      expect(await rejection(folder.open({ folder: join(folder.path, 'below') }))).to.be.instanceOf(
        StoreUnusable,
      );
    });

    for (const call of [
      'makeFolder',
      'create',
      'write',
      'fsync',
      'rename',
      'fsyncFolder',
      'openFolder',
    ] as const) {
      it(`does not open where ${call} fails, and opens the next time`, async () => {
        const calls = new WatchedCalls();
        calls.fail(call, 'EIO');
        const error = await rejection(folder.open({ calls }));
        expect(error).to.be.instanceOf(StoreUnusable);
        expect(error).to.have.property('message').that.includes('EIO').and.does.not.include(folder.path);
        const store = await folder.open();
        await store.commit(keyOf('k'), 'absent', contentOf(1));
      });
    }
  });

  describe('that is whole', () => {
    it('gives every record back', async () => {
      const before = await fill();
      expect(await snapshot(await folder.open())).to.deep.equal(before);
    });

    it('removes what commits left unfinished, and only that', async () => {
      const before = await fill();
      await writeFile(`${fileOf('k1')}.Ab_c-12.tmp`, 'half a reco');
      await writeFile(`${fileOf('k9')}.Ab_c-13.tmp`, '');
      const store = await folder.open();
      expect(await snapshot(store)).to.deep.equal(before);
      expect((await readdir(folder.records)).sort()).to.deep.equal(['k1', 'k2', 'k3'].map(nameOf).sort());
    });

    it('fsyncs its folders before it opens, for the sake of a rename that a kill cut off from its fsync', async () => {
      await fill();
      const calls = new WatchedCalls();
      await folder.open({ calls });
      const fsynced = calls.calls.filter(({ call, ended }) => call === 'fsyncFolder' && ended === 'well');
      expect(fsynced.map(({ file }) => file)).to.include.members(['data', 'records']);
    });

    it('leaves nothing of itself behind when it closes', async () => {
      await fill();
      expect((await readdir(folder.path)).sort()).to.deep.equal(['format', 'records']);
    });
  });

  describe('that is damaged', () => {
    const damages: Readonly<Record<string, () => Promise<string>>> = {
      'a truncated file': async () => {
        const { size } = await stat(fileOf('k2'));
        await truncate(fileOf('k2'), size - 1);
        return nameOf('k2');
      },
      'an empty file': async () => {
        await truncate(fileOf('k2'), 0);
        return nameOf('k2');
      },
      'a flipped byte': async () => {
        const bytes = await readFile(fileOf('k2'));
        bytes.writeUInt8(bytes.readUInt8(150) ^ 0x20, 150);
        await writeFile(fileOf('k2'), bytes);
        return nameOf('k2');
      },
      "a file under another record's name": async () => {
        await rename(fileOf('k2'), fileOf('k4'));
        return nameOf('k4');
      },
      "a file that overwrote another record's": async () => {
        await cp(fileOf('k1'), fileOf('k2'));
        return nameOf('k2');
      },
      'a foreign file': async () => {
        await writeFile(join(folder.records, 'notes.txt'), 'x');
        return 'notes.txt';
      },
      'a temporary file of something else': async () => {
        await writeFile(join(folder.records, 'notes.txt.abc-1.tmp'), 'x');
        return 'notes.txt.abc-1.tmp';
      },
      'a folder in the place of a record': async () => {
        await rm(fileOf('k2'));
        await mkdir(fileOf('k2'));
        return nameOf('k2');
      },
      'a record in a later format': async () => {
        const text = (await readFile(fileOf('k2'))).toString().replace('mcgms-record 1', 'mcgms-record 2');
        await writeFile(fileOf('k2'), text);
        return nameOf('k2');
      },
    };

    for (const [kind, damage] of Object.entries(damages)) {
      it(`by ${kind} does not open, and says which file it is`, async () => {
        await fill();
        const name = await damage();
        const message = await refusal();
        expect(message).to.include(`records/${name}: `);
        expect(message).not.to.include(folder.path);
      });
    }

    it('does not open, and names every damaged file', async () => {
      await fill();
      await truncate(fileOf('k1'), 10);
      await truncate(fileOf('k3'), 90);
      await writeFile(join(folder.records, 'x'), '');
      const message = await refusal();
      for (const name of [nameOf('k1'), nameOf('k3'), 'x']) expect(message).to.include(`records/${name}: `);
      expect(message).not.to.include(nameOf('k2'));
    });

    it('by two records with one name does not open, and names both files', async () => {
      await fill();
      const twin = { key: keyOf('k4'), revision: 1, ...contentOf(1, ['name of k2']) };
      await writeFile(fileOf('k4'), encodeRecord(twin));
      const message = await refusal();
      for (const name of [nameOf('k2'), nameOf('k4')]) expect(message).to.include(`records/${name}: `);
    });

    it('keeps the leftovers as evidence', async () => {
      await fill();
      await truncate(fileOf('k1'), 10);
      await writeFile(`${fileOf('k1')}.abc-1.tmp`, 'what was to be');
      await refusal();
    });

    it('by a file that cannot be read does not open', async () => {
      await fill();
      const calls = new WatchedCalls();
      calls.fail('read', 'EIO', /\.record$/);
      expect(await refusal({ calls })).to.match(/records\/[0-9a-f]{64}\.record: cannot be read: EIO/);
    });

    it('by records without a format file does not open', async () => {
      await fill();
      await rm(join(folder.path, 'format'));
      expect(await refusal()).to.include('format');
    });

    it('by a format file without the records folder does not open empty', async () => {
      await fill();
      await rm(folder.records, { recursive: true });
      expect(await refusal()).to.include('records');
    });

    for (const format of ['mcgms-store 2\n', '', 'mcgms-store 1', 'x'.repeat(10_000)]) {
      it(`by the format ${JSON.stringify(format.slice(0, 20))} does not open, and shows it`, async () => {
        await fill();
        await writeFile(join(folder.path, 'format'), format);
        const message = await refusal();
        expect(message).to.include(JSON.stringify(format.slice(0, 20)).slice(0, -1));
        expect(message.length).to.be.lessThan(300);
      });
    }

    it('opens once it is repaired: the refusal let go of it', async () => {
      const before = await fill();
      const bytes = await readFile(fileOf('k1'));
      await truncate(fileOf('k1'), 10);
      await refusal();
      await writeFile(fileOf('k1'), bytes);
      expect(await snapshot(await folder.open())).to.deep.equal(before);
    });
  });

  it('opens below a parent that it may not open, where the folder is there already', async () => {
    const before = await fill();
    const calls = new WatchedCalls();
    const parent = basename(dirname(folder.path));
    calls.fail('openFolder', 'EACCES', new RegExp(`^${parent}$`));
    expect(await snapshot(await folder.open({ calls }))).to.deep.equal(before);
    expect(calls.calls.find(({ file }) => file === parent)).to.have.property('ended', 'badly');
  });
});
