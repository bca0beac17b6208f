import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { Environment } from '../../../../src/store/lmdb/environment.js';
import { encodeHolder, idOf } from '../../../../src/store/lmdb/record-format.js';
import { StoreUnusable, type Json, type RecordKey, type Store } from '../../../../src/store/store.js';
import { contentOf, contractTally, keyOf, rejection, snapshot } from '../../../contract/store-contract.js';
import { StoreFolder } from '../../../contract/store-folder.js';
import { RecordedLog } from '../../../support/log.js';

describe('The opening of a data folder (design D4)', () => {
  let folder: StoreFolder;

  beforeEach(async () => {
    folder = await StoreFolder.make();
  });

  afterEach(async () => {
    await folder.dispose();
  });

  const refusal = async (options: Parameters<StoreFolder['open']>[0] = {}): Promise<string> => {
    const error = await rejection(folder.open(options));
    expect(error).to.be.instanceOf(StoreUnusable);
    const { message } = error as StoreUnusable;
    // The folder may be named as the operator wrote it, and no other path.
    expect(message.replaceAll(folder.path, ''), 'one line, without a path').not.to.match(/\n|\/tmp/);
    return message;
  };

  /** A store with some records, closed. */
  const fill = async (): Promise<void> => {
    const store = await folder.open();
    for (let n = 0; n < 5; n += 1) {
      await store.commit(keyOf(`k${n}`), 'absent', contentOf({ n }, [`name ${n}`], ['t', `t${n}`]));
    }
    await folder.closeAll();
  };

  /** Changes entries of the file behind the back of the store. */
  const tamper = async (change: (environment: Environment) => Promise<void>): Promise<void> => {
    const environment = new Environment({ path: join(folder.path, 'store.mdb') });
    await change(environment);
    await environment.close();
  };

  describe('that is new', () => {
    it('creates it and those above it, for its owner only', async () => {
      const deep = join(folder.path, 'a', 'b');
      await folder.open({ folder: deep });
      for (const each of [folder.path, join(folder.path, 'a'), deep]) {
        expect((await stat(each)).mode & 0o777, each).to.equal(0o700);
      }
      expect((await stat(join(deep, 'store.mdb'))).mode & 0o777).to.equal(0o600);
      expect((await stat(join(deep, 'format'))).mode & 0o777).to.equal(0o600);
    });

    it('starts over where the first start was killed before the format was there', async () => {
      await folder.open();
      await folder.closeAll();
      await rm(join(folder.path, 'format'));
      await folder.open();
      await folder.closeAll();
      expect(await readFile(join(folder.path, 'format'), 'utf8')).to.equal('mcgms-store 3\n');
    });

    it('does not take a store that has lost its format for a new one', async () => {
      await fill();
      await rm(join(folder.path, 'format'));
      expect(await refusal()).to.include('has lost its file "format"');
    });

    it('leaves files of others alone', async () => {
      await mkdir(folder.path);
      await writeFile(join(folder.path, 'mine'), 'text');
      await folder.open();
      await folder.closeAll();
      expect(await readFile(join(folder.path, 'mine'), 'utf8')).to.equal('text');
    });

    it('says so where it cannot be made', async () => {
      await writeFile(folder.path, 'a file');
      expect(await refusal()).to.match(/^cannot open the data folder .*: it is a file.*it must be a folder/);
      await rm(folder.path);
    });

    it('is refused on a file system of another machine', async () => {
      for (const type of [0x6969, 0xff534d42, 0xfe534d42, 0x01021997, 0x00c36400]) {
        expect(await refusal({ fileSystemOf: () => Promise.resolve(type) })).to.include(
          'network file system',
        );
      }
      await folder.open({ fileSystemOf: () => Promise.resolve(0xef53) });
    });
  });

  describe('that is whole', () => {
    it('gives every record back, with all by which it is found', async () => {
      await fill();
      const before = await snapshot(await folder.open());
      await folder.closeAll();
      const after = await snapshot(await folder.open());
      expect(after).to.deep.equal(before);
      expect(after).to.have.length(5);
    });

    it('leaves nothing of itself behind when it closes but its file', async () => {
      await fill();
      expect((await readdir(folder.path)).sort()).to.deep.equal(['format', 'store.mdb', 'store.mdb-lock']);
    });

    it('looks for a former owner only where it was not closed, and says so', async () => {
      await fill();
      const waits: number[] = [];
      const log = new RecordedLog();
      const wait = (milliseconds: number): Promise<void> => Promise.resolve(void waits.push(milliseconds));
      await folder.open({ wait, log });
      await folder.closeAll();
      expect(waits).to.deep.equal([]);
      await tamper((environment) =>
        environment.write(1, (writing) => {
          writing.put('settings', Buffer.from('open'), Buffer.alloc(0));
        }),
      );
      await folder.open({ wait, log });
      expect(waits).to.deep.equal([3000]);
      expect(log.lines.map(({ message }) => message).join()).to.include('was not closed');
    });
  });

  describe('whose sums are not there', () => {
    const sum = { kind: 'term', id: 't' };

    it('sums up once: a store of the version before, and one that was open without a tally', async () => {
      const former = await folder.open();
      await former.commit(keyOf('k'), 'absent', contentOf(1, ['n'], ['t']));
      await folder.closeAll();
      await writeFile(join(folder.path, 'format'), 'mcgms-store 2\n');
      const log = new RecordedLog();
      const told = (): number => log.lines.filter(({ message }) => message.includes('summed up')).length;
      const open = (): Promise<Store<Json>> => folder.open({ log, tally: contractTally });
      expect(await (await open()).sumOf(sum)).to.deep.equal([1, 1]);
      await folder.closeAll();
      expect(await readFile(join(folder.path, 'format'), 'utf8')).to.equal('mcgms-store 3\n');
      expect(await (await open()).sumOf(sum)).to.deep.equal([1, 1]);
      expect(told()).to.equal(1);
      await folder.closeAll();
      await (await folder.open()).commit(keyOf('l'), 'absent', contentOf(1, [], ['t']));
      await folder.closeAll();
      expect(await (await open()).sumOf(sum)).to.deep.equal([2, 1]);
      expect(told()).to.equal(2);
    });

    it('sums up again where the tally is another one', async () => {
      const store = await folder.open({ tally: contractTally });
      await store.commit(keyOf('k'), 'absent', contentOf(1, ['n'], ['t']));
      await folder.closeAll();
      const twice = { version: 'twice', of: () => [{ ...sum, amounts: [2] }] };
      expect(await (await folder.open({ tally: twice })).sumOf(sum)).to.deep.equal([2]);
    });
  });

  describe('that is of another version', () => {
    const earlier = /earlier version.*take a new folder/;

    it('is refused where it has a file for each record, with or without its format file', async () => {
      await mkdir(join(folder.path, 'records'), { recursive: true });
      await writeFile(join(folder.path, 'records', 'x.record'), '');
      expect(await refusal()).to.match(earlier);
      await writeFile(join(folder.path, 'format'), 'mcgms-store 1\n');
      expect(await refusal()).to.match(earlier);
      expect((await readdir(folder.path)).sort(), 'nothing was made').to.deep.equal(['format', 'records']);
    });

    for (const format of ['mcgms-store 4\n', '', 'x'.repeat(500), 'a\nb\u0007']) {
      it(`is refused with the format ${JSON.stringify(format.slice(0, 20))}, and shows it`, async () => {
        await fill();
        await writeFile(join(folder.path, 'format'), format);
        expect(await refusal()).to.include(JSON.stringify(format.slice(0, 40)));
      });
    }
  });

  describe('that is damaged', () => {
    it('by the loss of its file does not open empty', async () => {
      await fill();
      await rm(join(folder.path, 'store.mdb'));
      expect(await refusal()).to.include('has lost its file "store.mdb"');
      expect(await readdir(folder.path)).not.to.include('store.mdb');
    });

    const id = idOf('k1');
    const damages: readonly (readonly [string, Parameters<Environment['write']>[1]])[] = [
      [
        'a record without its body',
        (writing) => {
          writing.remove('bodies', id);
        },
      ],
      [
        'a body without its record',
        (writing) => {
          writing.remove('labels', id);
        },
      ],
      [
        'a record without its name',
        (writing) => {
          writing.remove('names', idOf('name 1'));
        },
      ],
      [
        'a name of two records',
        (writing) => {
          writing.put('names', idOf('name 1'), encodeHolder(idOf('name 1'), 'k2' as RecordKey));
        },
      ],
      [
        'a name without a record',
        (writing) => {
          writing.put('names', idOf('x'), encodeHolder(idOf('x'), 'gone' as RecordKey));
        },
      ],
      [
        'a record without its term',
        (writing) => {
          writing.remove('terms', Buffer.concat([idOf('t1'), id]));
        },
      ],
      [
        'a term without a record',
        (writing) => {
          writing.put('terms', Buffer.concat([idOf('t'), idOf('gone')]), Buffer.alloc(0));
        },
      ],
      [
        'a body that is none',
        (writing) => {
          writing.put('bodies', id, Buffer.from('anything'));
        },
      ],
      [
        'labels that are none',
        (writing) => {
          writing.put('labels', id, Buffer.alloc(0));
        },
      ],
    ];
    for (const [kind, change] of damages) {
      it(`by ${kind} does not open, and says which entry it is`, async () => {
        await fill();
        await tamper((environment) => environment.write(1, change));
        expect(await refusal()).to.match(
          /^the data folder is damaged; restore it from a backup: (labels|bodies|names|terms) [0-9a-f]{32}/,
        );
      });
    }

    it('opens once it is repaired: the refusal let go of it', async () => {
      await fill();
      const whole = await readFile(join(folder.path, 'store.mdb'));
      await tamper((environment) =>
        environment.write(1, (writing) => {
          writing.remove('bodies', id);
        }),
      );
      await refusal();
      await writeFile(join(folder.path, 'store.mdb'), whole);
      await folder.open();
    });
  });

  it('is not put off by a path that is relative', async () => {
    const outer = await mkdtemp(join(tmpdir(), 'mcgms-relative-'));
    const up = process
      .cwd()
      .split('/')
      .slice(1)
      .map(() => '..')
      .join('/');
    await folder.open({ folder: `${up}${outer}/data` });
    await folder.closeAll();
    expect(await readdir(join(outer, 'data'))).to.include('store.mdb');
    await rm(outer, { recursive: true });
    expect(dirname(folder.path)).not.to.equal(outer);
  });
});
